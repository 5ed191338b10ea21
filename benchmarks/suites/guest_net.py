"""The native guest's network card on a tap, under husk and under QEMU microvm."""

import contextlib
import os
import subprocess

from harness.context import Failure, NotMeasured
from harness.figures import FLOOR, HUSK, QEMU, Figure, Target
from harness.guest_session import CPU, Guest, join_boots, percentiles, take_turns

ABOUT = ("TCP and small UDP frames between a Linux guest and the host's end of its tap, beside QEMU microvm (no vhost) and a pair "
         "of virtual Ethernet cards between two namespaces")

# {who: (the peer's interface, the first three numbers of both ends' addresses)}
WIRES = {HUSK: ("husk-tap", "10.77.0"), QEMU: ("qemu-tap", "10.77.1"), FLOOR: ("husk-floor", "10.77.2")}
MAC = "52:54:00:77:00:02"
NOTES = dict.fromkeys(("udp-out", "udp-in"), "at most 512 are under way, so that hardly one is lost")
PHASES = ("tcp-out", "tcp-in", "udp-out", "udp-in", "tcp-rr")


class Namespace:
    """A network namespace, there as long as its holder runs: `cat`, until its input ends."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.read(1) != b"\n":
            why = self.holder.stderr.read().decode(errors="replace").strip()
            self.close()
            raise NotMeasured(f"there is no network namespace to be had: {why}")
        self.prefix = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--"]

    def run(self, text):
        for line in text.splitlines():
            done = subprocess.run([*self.prefix, *line.split()], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise Failure(f"{line}: status {done.returncode}: {done.stderr.strip()}")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()


@contextlib.contextmanager
def namespaces():
    """(the peer's, with a tap for each VMM; the floor's client's), joined by a pair of virtual cards."""
    with contextlib.ExitStack() as stack:
        peer, client = (stack.enter_context(contextlib.closing(Namespace())) for _ in range(2))
        for who, (interface, network) in WIRES.items():
            if who == FLOOR:
                peer.run(f"ip link add {interface} type veth peer name eth0 netns {client.holder.pid}")
                client.run(f"ip address add {network}.2/24 dev eth0\nip link set eth0 up")
            else:
                peer.run(f"ip tuntap add {interface} mode tap vnet_hdr")
            peer.run(f"ip address add {network}.1/24 dev {interface}\nip link set {interface} up")
        yield peer, client


def net_options(who):
    tap, _ = WIRES[who]
    if who == HUSK:
        return ["--net", f"tap={tap},mac={MAC}"]
    return ["-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no,vhost=off", "-device",
            f"virtio-net-device,netdev=net,mac={MAC}"]


def start(guest, who, words, cpus, peer, client):
    _, network = WIRES[who]
    words = words | {"peer": f"{network}.1"}
    if who == FLOOR:
        return guest.on_the_host(words, client.prefix)
    return guest.boot(who == HUSK, words | {"address": f"{network}.2"}, net_options(who), peer.prefix, cpus=cpus)


def gigabits(measured):
    return measured["bytes"] * 8 / measured["nanoseconds"]


def frames(measured):
    if not measured["nanoseconds"]:
        raise Failure(f"of {measured['sent']} frames {measured['received']} came")
    return measured["received"] / measured["nanoseconds"] * 1e9


def cost(of):
    return lambda measured: measured["cpu"] * 1e6 / of(measured)


def figures_of(cpus, found):
    vcpus = f"{cpus} vCPU{'s' if cpus > 1 else ''}"
    figures = []

    def add(phase, name, what, unit, read, better="lower", least=None):
        figures.append(Figure(f"guest_net.{phase}.{cpus}cpu.{name}", f"{what}, {vcpus}", unit,
                              {who: [read(measured) for measured in phases[phase]] for who, phases in found.items()}, better=better,
                              targets=[Target(QEMU, at_least=least)] if least else [], note=NOTES.get(phase, "")))

    for way, what in (("out", "from the guest"), ("in", "to the guest")):
        add(f"tcp-{way}", "rate", f"TCP {what}, one stream", "Gbit/s", gigabits, "higher", 1)
        add(f"tcp-{way}", "cpu", f"TCP {what}: {CPU} a MB", "us", cost(lambda measured: measured["bytes"] / 1e6))
        add(f"udp-{way}", "rate", f"UDP frames of 64 bytes {what} that arrive", "frames/s", frames, "higher", 1)
        add(f"udp-{way}", "cpu", f"UDP frames of 64 bytes {what}: {CPU} one that arrives", "us",
            cost(lambda measured: measured["received"]))
    request = "one byte there and back over TCP"
    add("tcp-rr", "rate", request, "requests/s", lambda measured: measured["requests"] / measured["nanoseconds"] * 1e9,
        "higher")
    for percentile in percentiles(found, "tcp-rr"):
        add("tcp-rr", percentile.replace(".", "-"), f"{request}: latency {percentile}", "us",
            lambda measured: measured[percentile] / 1000)
    add("tcp-rr", "cpu", f"{request}: {CPU} one", "us", cost(lambda measured: measured["requests"]))
    return figures


def measure(context):
    if os.geteuid() != 0:
        raise NotMeasured("network namespaces and taps need root")
    if not os.path.exists("/dev/net/tun"):
        raise NotMeasured("there is no /dev/net/tun")
    guest = Guest(context)
    boots, turns = context.pick((1, 1), (3, 3), (4, 5))
    words = {"topic": "net", "phases": ",".join(PHASES), "turns": turns, "milliseconds": context.pick(100, 120, 250)}
    figures = []
    with namespaces() as (peer, client), guest.on_the_host({"topic": "net-peer"}, peer.prefix) as serving:
        serving.line("bench: listening$")
        for cpus in context.pick((1,), (1,), (1, 2)):
            found = []
            for _ in range(boots):
                with contextlib.ExitStack() as stack:
                    sessions = {who: stack.enter_context(start(guest, who, words, cpus, peer, client)) for who in WIRES}
                    found.append(take_turns(sessions, PHASES, turns))
            figures += figures_of(cpus, join_boots(found))
    return figures
