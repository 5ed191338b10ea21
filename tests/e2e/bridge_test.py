"""The README's network for VMs only, made by the README's own commands, and attempts to get past it.

Everything runs in a network namespace of its own, which own_network enters."""

import fcntl
import json
import os
import pathlib
import shlex
import shutil
import socket
import stat
import struct
import subprocess
import time

import own_network  # noqa: F401
import harness
from harness import eventually

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"
BROADCAST = b"\xff" * 6
A_MAC, B_MAC, STRANGER = map(bytes.fromhex, ("525400090002", "525400090003", "0200000000aa"))
A, B, OTHER = (bytes([10, 9, 0, last]) for last in (2, 3, 9))
NETWORK = pathlib.Path("/proc/self/net")
SNOOPERS = "6A0000E0"  # 224.0.0.106, which a bridge that snoops joins with an address of the host
HOST, ON_LAN = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 7])  # what the host is, and has beside it, on other networks
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
SIOCGIFHWADDR = 0x8927
ARP, IPV4 = b"\x08\x06", b"\x08\x00"


def readme_commands(text):
    """The commands of that block of the README which has `text` in it."""
    for block in README.read_text().split("\n\n"):
        lines = block.splitlines()
        if text in block and all(line.startswith("    ") for line in lines):
            return [line.strip() for line in lines]
    raise AssertionError(f"the README has no block with {text!r}")


COMMANDS = readme_commands("type bridge")
OF_ROOT = [line for line in COMMANDS if line.startswith("sudo ")]
NETS = [words[words.index("--net") + 1] for words in map(shlex.split, COMMANDS) if words[0] == "husk"]


# Runs a command whose /dev/net/tun is $1.
WITH_TUN = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$1" /dev/net/tun && shift && exec "$@"', "sh"]


def run(line, user="root"):
    """As this user types it."""
    environment = os.environ | {"USER": user, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    subprocess.run(["bash", "-c", f'sudo() {{ "$@"; }}; {line}'], check=True, env=environment, stdout=subprocess.DEVNULL)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)


def arp(source, target):
    return (BROADCAST + STRANGER + ARP + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + STRANGER + source + bytes(6) + target
            + bytes(18))


def ipv4(mac, source, target, protocol, payload):
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + source + target
    return mac + STRANGER + IPV4 + header[:10] + checksum(header) + header[12:] + payload


def ping(mac, source, target):
    message = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + bytes(18)
    return ipv4(mac, source, target, 1, message[:2] + checksum(message) + message[4:])


def datagram(mac, source, target, port):
    return ipv4(mac, source, target, 17, struct.pack("!HHHH", port, port, 12, 0) + b"here")


class Bridge(harness.HuskTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove)
        for line in OF_ROOT:
            run(line)

    def remove(self):
        for name in ("vm-a", "vm-b", "vm-c", "lab"):
            subprocess.run(["ip", "link", "delete", name], stderr=subprocess.DEVNULL)

    def vm(self, net, words):
        """A VM that shows its card, then does what `words` say; back when it is up."""
        stats = self.folder / f"stats{len(self.started)}"
        process = self.start(self.command("virtio_net", "--net", net, "--cmdline", f"card {words}", "--stats", str(stats)))
        self.assertIn(b" link 1 ", process.stdout.readline())
        return process, stats

    def card(self, process, stats):
        """What the network card of a running VM counted: ends it."""
        self.stop_twice(process)
        self.assertEqual(process.wait(harness.LIMIT), 143)
        return json.loads(stats.read_text())["boots"][0]["devices"][1]

    def tap(self, name):
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, tap)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        return tap

    def stranger(self):
        """A port of the bridge that no rules hold to anything; a descriptor."""
        tap = self.tap("stranger")
        run("sysctl -w net.ipv6.conf.stranger.disable_ipv6=1; ip link set stranger master lab up")
        return tap

    def frames(self, tap, seconds):
        """What arrives at it meanwhile."""
        end = time.monotonic() + seconds
        found = []
        while time.monotonic() < end:
            try:
                found.append(os.read(tap, 2000))
            except BlockingIOError:
                time.sleep(0.005)
        return found

    def reaches(self, tap, frame, arrived, seconds=0.15):
        """Whether something arrives within that time; the frame is sent again and again."""
        def attempt():
            os.write(tap, frame)
            return arrived()
        return bool(eventually(attempt, seconds))

    @staticmethod
    def has_ipv6(name):
        return any(line.endswith(f" {name}") for line in NETWORK.joinpath("if_inet6").read_text().splitlines())

    # --- the VMs

    def test_the_two_reach_each_other(self):
        second, _ = self.vm(NETS[1], "address 10.9.0.3 answer 5 ping 10.9.0.2 5")
        first, _ = self.vm(NETS[0], "ping 10.9.0.3 5 answer 5")
        self.assertEqual(self.assert_ended(second, 0)[0], b"answered\n5 answers\n")
        self.assertEqual(self.assert_ended(first, 0)[0], b"5 answers\nanswered\n")
        for name in ("lab", "vm-a", "vm-b"):
            self.assertEqual(pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").read_text(), "1\n", name)

    def test_the_user_of_the_taps_needs_no_privileges(self):
        self.assertEqual(os.geteuid(), 0, "this test needs root")
        self.remove()
        for line in OF_ROOT:
            run(line, user="nobody")
        self.folder.chmod(0o755)
        for name, source in {"husk": harness.HUSK, "guest": self.guest("virtio_net")}.items():
            shutil.copy(source, self.folder / name)
        for name, device in {"kvm": "/dev/kvm", "tun": "/dev/net/tun"}.items():
            os.mknod(self.folder / name, 0o666 | stat.S_IFCHR, os.stat(device).st_rdev)
            (self.folder / name).chmod(0o666)
        process = self.start([
            *WITH_TUN, str(self.folder / "tun"), "setpriv", "--reuid", "nobody", "--clear-groups", "--bounding-set=-all",
            str(self.folder / "husk"), "run", "--kernel", str(self.folder / "guest"), "--memory", "32M", "--name", self.name,
            "--kvm", str(self.folder / "kvm"), "--net", NETS[0], "--cmdline", "card"])
        self.assertEqual(self.assert_ended(process, 0)[0], b"52:54:00:09:00:02 link 1 mtu 1500\n")

    def test_a_third_on_the_bridge_reaches_neither_and_nobody_asks_it(self):
        run("ip tuntap add vm-c mode tap; sysctl -w net.ipv6.conf.vm-c.disable_ipv6=1; ip link set vm-c master lab up")
        vms = [self.vm(NETS[0], "answer 1"), self.vm(NETS[1], "address 10.9.0.3 answer 1")]
        tap = self.stranger()
        third, _ = self.vm("tap=vm-c,ip=10.9.0.4", "address 10.9.0.4 hurry ping 10.9.0.2 1 ping 10.9.0.3 1")
        self.assertEqual(self.assert_ended(third, 0)[0], b"0 answers\n0 answers\n")
        asked = {frame[38:42] for frame in self.frames(tap, 0.05) if frame[12:14] == ARP}
        self.assertEqual(asked, {A, B}, "its questions went out")
        for vm in vms:
            card = self.card(*vm)
            self.assertGreaterEqual(card["to_guest"]["filtered"]["peer"], 2)
            self.assertEqual((card["to_guest"]["frames"], card["from_guest"]["frames"]), (0, 0))

    def test_frames_of_a_stranger_are_not_delivered(self):
        process, stats = self.vm(NETS[0], "answer 1")
        tap = self.stranger()
        sent = [arp(OTHER, A), arp(B, A), ping(A_MAC, OTHER, A), ping(A_MAC, B, A), ping(BROADCAST, B, A)]
        for frame in sent:
            os.write(tap, frame)
        self.assertEqual([frame for frame in self.frames(tap, 0.2) if frame[6:12] == A_MAC], [])
        self.assertFalse(self.has_ipv6("vm-a"), "it would send reports and look for routers")
        # The same from the peer's address is; no VM of husk's can send that under filter=strict.
        os.write(tap, ping(A_MAC, B, A).replace(STRANGER, B_MAC))
        self.assertEqual(self.assert_ended(process, 0)[0], b"answered\n")
        card = json.loads(stats.read_text())["boots"][0]["devices"][1]
        self.assertEqual((card["to_guest"]["filtered"]["peer"], card["to_guest"]["frames"]), (len(sent), 1))

    # --- the host

    def test_the_host_takes_nothing_from_the_bridge_and_answers_nobody(self):
        # A host that is a router, between two networks that are not the bridge's.
        lan = self.tap("lan")
        run("ip link set lo up; sysctl -w net.ipv4.ip_forward=1; ip address add 192.0.2.1/32 dev lo; ip link set lan up;"
            "ip address add 198.51.100.1/24 dev lan; ip neighbour add 198.51.100.7 lladdr 02:00:00:00:00:bb dev lan")
        self.addCleanup(run, "ip address delete 192.0.2.1/32 dev lo; sysctl -w net.ipv4.ip_forward=0")
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(("", 4000))
        listener.setblocking(False)
        tap = self.stranger()
        mac = fcntl.ioctl(listener, SIOCGIFHWADDR, struct.pack("16sH22x", b"lab", 0))[18:24]

        def heard():
            try:
                return listener.recv(100)
            except BlockingIOError:
                return None

        def answered():
            return [frame for frame in self.frames(tap, 0.02) if frame[6:12] == mac]

        def routed():
            return [frame for frame in self.frames(lan, 0.02) if frame[26:34] == OTHER + ON_LAN]

        to_host, to_lan = datagram(mac, OTHER, HOST, 4000), datagram(mac, OTHER, ON_LAN, 4000)
        question, probe = arp(OTHER, HOST), arp(bytes(4), HOST)
        self.assertFalse(self.reaches(tap, to_host, heard))
        self.assertFalse(self.reaches(tap, to_lan, routed))
        self.assertFalse(self.reaches(tap, question, answered))
        self.assertFalse(self.reaches(tap, probe, answered))
        self.assertNotIn(SNOOPERS, NETWORK.joinpath("igmp").read_text())
        self.assertFalse(self.has_ipv6("lab"))

        # Without the recipe's settings each of them gets through, so each of them is needed.
        run("sysctl -w net.ipv4.conf.lab.rp_filter=0")
        self.assertTrue(self.reaches(tap, to_host, heard, harness.LIMIT))
        self.assertTrue(self.reaches(tap, to_lan, routed, harness.LIMIT))
        run("sysctl -w net.ipv4.conf.lab.arp_ignore=0")
        self.assertTrue(self.reaches(tap, question, answered, harness.LIMIT))
        run("sysctl -w net.ipv4.conf.lab.rp_filter=1")
        self.assertTrue(self.reaches(tap, probe, answered, harness.LIMIT))
        run("sysctl -w net.ipv6.conf.lab.disable_ipv6=0")
        self.assertTrue(eventually(lambda: self.has_ipv6("lab")))
        run("ip link set lab type bridge mcast_snooping 1")
        self.assertIn(SNOOPERS, NETWORK.joinpath("igmp").read_text())


if __name__ == "__main__":
    harness.main()
