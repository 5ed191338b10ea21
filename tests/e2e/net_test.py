"""Network cards: a bare-metal driver (tests/guest/virtio_net.cc, 10.9.0.2) on taps and on a stream socket.

Everything runs in a network namespace of its own, which this file enters by starting itself again."""

import array
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time

INSIDE = "HUSK_NET_TEST_INSIDE"
if len(sys.argv) >= 5 and INSIDE not in os.environ:
    os.environ[INSIDE] = "1"
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", *user, sys.executable, "-B", *sys.argv])

import harness  # noqa: E402
from harness import eventually  # noqa: E402

GUEST_MAC = bytes.fromhex("525400010203")
MAC_WORD = "mac=52:54:00:01:02:03"
PEER_MAC = bytes.fromhex("020000000001")
PEER, GUEST, BROADCAST = bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2]), b"\xff" * 6
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 2, 0x1000, 0x4000


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def arp_request():
    return (BROADCAST + PEER_MAC + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + PEER_MAC + PEER + bytes(6)
            + GUEST + bytes(18))


def ping(number, size=56):
    data = bytes((number + at) & 0xFF for at in range(size))
    icmp = struct.pack("!BBHHH", 8, 0, 0, 7, number) + data
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0) + PEER + GUEST
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return GUEST_MAC + PEER_MAC + b"\x08\x00" + header + icmp


def is_pong(frame, request):
    """Whether it answers this ping, with its data and a checksum that is right."""
    return frame[6:12] == GUEST_MAC and frame[26:34] == GUEST + PEER and frame[34] == 0 and frame[38:] == request[38:] \
        and checksum(frame[34:]) == 0


def exists(name):
    return name in [known for _, known in socket.if_nameindex()]


class Wire:
    """A tap's other side: a packet socket."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((name, 0))
        self.socket.settimeout(harness.LIMIT)

    def send(self, frame):
        self.socket.send(frame)

    def receive(self):
        return self.socket.recv(70000)


class Stream:
    """The other end of a stream socket, as passt is one."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(harness.LIMIT)

    def send(self, frame):
        self.socket.sendall(struct.pack("!I", len(frame)) + frame)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        return self.exactly(struct.unpack("!I", self.exactly(4))[0])


class Nets(harness.HuskTest):
    def net(self, words, net, *options, **how):
        return self.start(self.command("virtio_net", "--net", net, "--cmdline", words, *options), **how)

    def created_tap(self, words, more="", *options):
        """A VM on a tap that it makes itself, and that tap's other side."""
        name = f"husk{harness.HuskTest.counter}"
        process = self.net(words, f"tap={name},{MAC_WORD}{more}", *options)
        self.assertTrue(eventually(lambda: exists(name)), process.args)
        wire = Wire(name)
        self.addCleanup(wire.socket.close)
        return process, wire, name

    def listener(self):
        path = self.folder / "wire"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(path))
        server.listen()
        server.settimeout(harness.LIMIT)
        return path, server

    def stream(self, words, more="", *options):
        path, server = self.listener()
        process = self.net(words, f"passt={path},{MAC_WORD},allow=any{more}", *options)
        wire = Stream(server.accept()[0])
        self.addCleanup(wire.socket.close)
        return process, wire

    def exchange(self, wire, request, answers):
        """The first frame that `answers`. Asks again: the guest may be on its way up."""
        wire.socket.settimeout(0.5)
        for _ in range(2 * harness.LIMIT):
            wire.send(request)
            try:
                while not answers(frame := wire.receive()):
                    pass
                return frame
            except TimeoutError:
                continue
        self.fail("nobody answers")

    def ping_all(self, wire, sizes):
        self.exchange(wire, arp_request(), lambda frame: frame[12:14] == b"\x08\x06" and frame[22:32] == GUEST_MAC + GUEST)
        for number, size in enumerate(sizes):
            request = ping(number, size)
            self.exchange(wire, request, lambda frame: is_pong(frame, request))

    def boots(self, path):
        return json.loads(path.read_text())["boots"]

    # --- taps

    def test_arp_and_pings_over_a_tap_that_husk_creates(self):
        stats = self.folder / "stats"
        process, wire, name = self.created_tap("answer 30", "", "--stats", str(stats))
        self.ping_all(wire, range(0, 1472, 50))
        out, _ = self.assert_ended(process, 0)
        self.assertEqual(out, b"answered\n")
        self.assertFalse(exists(name), "it should go with the VM")
        boot = self.boots(stats)[0]
        self.assertEqual(boot["exits"]["virtio_registers"]["reads"], 0)
        card = boot["devices"][1]
        self.assertEqual(card["device"], "net0")
        self.assertGreaterEqual(card["from_guest"]["frames"], 31)
        self.assertGreaterEqual(card["to_guest"]["frames"], 31)

    def test_tap_that_a_manager_opened(self):
        tun = os.open("/dev/net/tun", os.O_RDWR)
        self.addCleanup(os.close, tun)
        request = array.array("B", struct.pack("16sH22x", b"managed", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        fcntl.ioctl(tun, TUNSETIFF, request)
        self.bring_up("managed")
        wire = Wire("managed")
        self.addCleanup(wire.socket.close)
        process = self.net("answer 3", f"fd={tun},{MAC_WORD}", pass_fds=[tun])
        self.ping_all(wire, [2, 100, 1000])
        self.assert_ended(process, 0)

    @staticmethod
    def bring_up(name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sH22x", name.encode(), 0)
            flags = struct.unpack("16sH22x", fcntl.ioctl(control, 0x8913, request))[1]
            fcntl.ioctl(control, 0x8914, struct.pack("16sH22x", name.encode(), flags | 1))

    def test_tap_outlives_a_reboot_of_the_guest(self):
        stats = self.folder / "stats"
        process, wire, _ = self.created_tap("answer 1 reboot", "", "--stats", str(stats))
        self.ping_all(wire, [10])
        self.assertEqual(process.stdout.read(16), b"answered\nreboot\n")
        self.ping_all(wire, [20])
        self.stop_twice(process)
        self.assertEqual(process.wait(harness.LIMIT), 143)
        self.assertGreaterEqual(len(self.boots(stats)), 2)

    def test_tap_that_is_deleted_is_a_link_that_goes_down(self):
        process, wire, name = self.created_tap("answer 1 waitdown")
        self.ping_all(wire, [10])
        os.system(f"ip link delete {name}")
        out, err = self.assert_ended(process, 0)
        self.assertEqual(out, b"answered\nlink down\n")
        self.assert_one_sentence(err, "net0", "link")

    # --- the stream

    def test_pings_over_a_stream_socket(self):
        process, wire = self.stream("answer 20")
        self.ping_all(wire, range(0, 1400, 70))
        self.assert_ended(process, 0)

    def test_peer_that_hangs_up_is_a_link_that_goes_down(self):
        process, wire = self.stream("card waitdown")
        self.assertEqual(process.stdout.read(31), b"52:54:00:01:02:03 link 1 mtu 0\n")
        wire.socket.close()
        out, err = self.assert_ended(process, 0)
        self.assertEqual(out, b"link down\n")
        self.assert_one_sentence(err, "net0", "link")

    def test_stream_goes_on_at_a_frame_after_a_reboot(self):
        process, wire = self.stream("answer 1 reboot")
        for size in (10, 20, 30):
            self.ping_all(wire, [size])
            # Half of a frame for this life, the other half when its worker is on its way out.
            whole = struct.pack("!I", 1000) + bytes(1000)
            wire.socket.sendall(whole[:500])
            time.sleep(0.1)
            wire.socket.sendall(whole[500:])
        self.stop_twice(process)
        self.assertEqual(process.wait(harness.LIMIT), 143)

    def test_length_that_no_frame_has_cuts_the_wire_and_the_vm_lives(self):
        process, wire = self.stream("answer 1 waitdown")
        self.ping_all(wire, [10])
        wire.socket.sendall(b"\xff\xff\xff\xff")
        out, _ = self.assert_ended(process, 0)
        self.assertEqual(out, b"answered\nlink down\n")

    # --- what is said of the card

    def test_card_shows_what_was_asked_for(self):
        done = self.run_husk("virtio_net", "--net", f"none,{MAC_WORD},mtu=1400", "--cmdline", "card")
        self.assertEqual(done.stdout, b"52:54:00:01:02:03 link 0 mtu 1400\n", done.stderr)

    def test_address_that_nobody_gave_is_the_same_in_every_run(self):
        first, second = (self.run_husk("virtio_net", "--net", "none", "--cmdline", "card").stdout for _ in range(2))
        self.assertEqual(first, second)
        self.assertRegex(first, rb"\A.[26ae]:")

    def test_second_card_is_another_one(self):
        done = self.run_husk("virtio_net", "--net", f"none,{MAC_WORD}", "--net", "none", "--cmdline", "card")
        self.assertEqual(done.stdout[:17], b"52:54:00:01:02:03")

    # --- rules

    def test_frame_from_another_address_is_dropped_and_counted(self):
        stats = self.folder / "stats"
        capture = self.folder / "capture"
        process, wire, _ = self.created_tap("answer 1 spoof", f",pcap={capture}", "--stats", str(stats))
        self.ping_all(wire, [10])
        self.assert_ended(process, 0)
        card = self.boots(stats)[0]["devices"][1]
        self.assertEqual(card["from_guest"]["filtered"]["source_mac"], 1)
        captured = capture.read_bytes()
        self.assertEqual(captured[:4], struct.pack("=I", 0xA1B23C4D))
        self.assertIn(GUEST_MAC + b"\x08\x06", captured)
        self.assertNotIn(bytes.fromhex("020000000077"), captured)

    def test_without_the_filter_it_is_sent(self):
        stats = self.folder / "stats"
        process, wire, _ = self.created_tap("answer 1 spoof", ",filter=off", "--stats", str(stats))
        self.ping_all(wire, [10])
        self.assert_ended(process, 0)
        self.assertGreaterEqual(self.boots(stats)[0]["devices"][1]["from_guest"]["frames"], 4)

    def test_isolated_guest_answers_its_peer_only(self):
        process, wire, _ = self.created_tap("answer 1", ",isolated,peer=02:00:00:00:00:02")
        wire.socket.settimeout(0.3)
        for number in range(5):
            wire.send(ping(number))
        with self.assertRaises(TimeoutError):
            while not is_pong(wire.receive(), ping(0)):
                pass
        self.stop_twice(process)
        self.assertEqual(process.wait(harness.LIMIT), 143)

    # --- a driver that misbehaves, a worker in trouble

    def test_broken_driver_is_told_so_and_may_start_again(self):
        process, wire, _ = self.created_tap("break answer 1")
        self.ping_all(wire, [10])
        out, err = self.assert_ended(process, 0)
        self.assertEqual(out, b"needs reset\nanswered\n")
        self.assert_one_sentence(err, "net0", "reset")

    def test_killed_worker_ends_the_vm_with_a_sentence(self):
        process, wire, _ = self.created_tap("answer 100")
        self.ping_all(wire, [10])
        os.kill(self.role("net0"), signal.SIGKILL)
        self.assertEqual(process.wait(harness.LIMIT), 1)
        self.assert_one_sentence(process.stderr.read(), "net0", "Killed")

    def test_frames_of_impossible_size_go_nowhere(self):
        stats = self.folder / "stats"
        done = self.run_husk("virtio_net", "--net", "none", "--cmdline", "size 13 size 60 size 65600", "--stats",
                             str(stats))
        self.assertEqual(done.stdout, b"sent\nsent\nsent\n")
        dropped = self.boots(stats)[0]["devices"][1]["from_guest"]["dropped"]
        self.assertEqual((dropped["size"], dropped["wire"]), (2, 1))

    # --- what is refused

    def test_networks_that_cannot_be(self):
        for net, status, needles in (("tap=lo", 2, ["lo"]), ("fd=99", 2, ["99"]), ("nonsense", 2, ["tap=NAME"]),
                                     (f"passt={self.folder}/nobody", 1, ["nobody", "No such file"]),
                                     ("none,mac=01:00:00:00:00:00", 2, ["mac"]), ("none,mtu=7", 2, ["mtu", "68"]),
                                     ("none,pcap=/nowhere/x", 1, ["/nowhere/x"])):
            with self.subTest(net):
                done = self.run_husk("virtio_net", "--net", net)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assert_one_sentence(done.stderr, *needles)

    def test_descriptor_that_is_no_tap(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        done = self.run_husk("virtio_net", "--net", f"fd={read}", pass_fds=[read])
        self.assertEqual(done.returncode, 2)
        self.assert_one_sentence(done.stderr, f"fd={read}", "no tap")


if __name__ == "__main__":
    harness.main()
