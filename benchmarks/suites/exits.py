"""What an exit to user space costs, in nanoseconds on this machine's KVM: with one guest (run_loop/guests/exits.cc) the bare
ioctl loop, husk's run loop alone, the whole of husk sealed and without its seccomp filters, and QEMU microvm. Of each turn
its fastest batch counts: into that fell nobody else's interrupt. The suite `lab` has the same in instructions, exactly."""

import json
import re

from harness.context import Failure
from harness.figures import FLOOR, HUSK, QEMU, Figure, Target
from harness.machines import QEMU as QEMU_PROGRAM
from harness.machines import need_qemu

ABOUT = "exits, doorbells and interrupts, beside the bare ioctl loop and QEMU microvm; the run loop alone"

PLAN = "count=200 batch=20 rounds=5"
UART_SCRATCH = 0x3ff
# Where the (first) virtio disk is: registers, IOAPIC pin. husk has its console before it.
IN_BENCHMARK, IN_HUSK, IN_QEMU = (0xd0001000, 0), (0xd0001000, 5), (0xfeb00e00, 12)
DRIVER_FEATURES_SEL = 0x24
BLOCK_REQUEST = "blk-id"
OPERATIONS = {"pio-read": "read of a port", "pio-write": "write to a port", "mmio-read": "read of a virtio register, trapped",
              "mmio-write": "write to a virtio register"}
LINE = re.compile(r"^([a-z]+-[a-z]+)@[0-9a-f]+ (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)
# Of run_loop_bench: id, what, whether instructions are counted beside the time.
DISPATCH = {"Dispatch/floor": None} | {f"Dispatch/{name}": what for name, what in (
    ("pio_read", "dispatch of a port read"), ("pio_write", "dispatch of a port write"),
    ("mmio_read", "dispatch of a register read"), ("mmio_write", "dispatch of a register write"),
    ("mmio_read_of_nobody", "dispatch of a read that nobody owns"))}
BUS = {f"ReadBus/{way}/devices:{count}": f"a bus with {count} device{'s' if count > 1 else ''}, {way}"
       for way in ("hit", "miss") for count in (1, 8, 64)}
GUEST = {"doorbell_register_page": "doorbell on a register page (ioeventfd on a read-only slot)",
         "doorbell_unmapped": "doorbell on an unmapped register",
         "doorbell_irqfd_handler": "doorbell looped back as an interrupt, with its handler",
         "doorbell_worker_interrupt": "doorbell to a worker process, and its interrupt",
         "trapped_doorbell_worker_interrupt": "the same with a doorbell that ends in the run loop"}


def words(place, disk=False):
    address, pin = place
    text = (f"{PLAN} pio-read={UART_SCRATCH:x} pio-write={UART_SCRATCH:x} mmio-read={address:x} "
            f"mmio-write={address + DRIVER_FEATURES_SEL:x}")
    return f"{text} pin={pin} {BLOCK_REQUEST}={address:x}" if disk else text


def commands(build, disk):
    loops = build / "benchmarks/run_loop/exit_cost"
    guest = build / "benchmarks/run_loop/guests/exits"
    husk = [build / "husk", "run", "--kernel", guest, "--disk", disk, "--log-level", "off", "--cmdline",
            words(IN_HUSK, disk=True)]
    qemu = [QEMU_PROGRAM, "-M", "microvm,acpi=off,pic=off,pit=off,rtc=off", "-accel", "kvm", "-cpu",
            "qemu64,+tsc-deadline", "-m", "128", "-nodefaults", "-no-user-config", "-display", "none", "-serial",
            "stdio", "-no-reboot", "-global", "virtio-mmio.force-legacy=false", "-blockdev",
            f"driver=file,filename={disk},node-name=disk", "-device", "virtio-blk-device,drive=disk", "-kernel", guest,
            "-append", words(IN_QEMU, disk=True)]
    return {FLOOR: [loops, "bare", guest, words(IN_BENCHMARK)], "loop alone": [loops, "husk", guest, words(IN_BENCHMARK)],
            "trapping": [*husk, "--virtio-trap"], "unsealed": [*husk, "--virtio-trap", "--without", "seccomp"],
            HUSK: husk, QEMU: qemu}


def run_turn(context, command):
    """{operation: ticks of one operation, in the fastest batch}"""
    text = context.run(command)
    if "FAILED" in text:
        raise Failure(f"{' '.join(map(str, command))}: {text}")
    least = {}
    for operation, _, _, batch, ticks in LINE.findall(text.replace("\r", "")):
        least[operation] = min(least.get(operation, float("inf")), int(ticks) / int(batch))
    return least


def measure_exits(context):
    rate = float(context.run([context.build / "benchmarks/run_loop/run_loop_bench", "--tsc"]))
    disk = context.scratch / "exits.img"
    with disk.open("wb") as file:
        file.truncate(1 << 20)
    found = {}
    for _ in range(context.pick(1, 3, 20)):
        for who, command in commands(context.build, disk).items():
            for operation, ticks in run_turn(context, command).items():
                found.setdefault(operation, {}).setdefault(who, []).append(ticks / rate)
    figures = []
    for operation, what in OPERATIONS.items():
        of = found[operation]
        # A register's read is an exit only in trapping mode; husk's own is a load.
        whole = {HUSK: of["trapping"]} | {who: of[who] for who in (FLOOR, QEMU, "unsealed", "loop alone")}
        figures.append(Figure(f"exits.{operation}", what, "ns", whole, added_to_floor=True))
    figures.append(Figure("exits.register-page-read", "read of a virtio register from its page", "ns",
                          {HUSK: found["mmio-read"][HUSK], QEMU: found["mmio-read"][QEMU]}))
    of = found[BLOCK_REQUEST]
    figures.append(Figure("exits.block-request", "virtio-blk GET_ID, doorbell to acknowledged interrupt", "ns",
                          {who: of[who] for who in (HUSK, QEMU, "trapping", "unsealed")},
                          targets=[Target(QEMU, at_most=0.5)]))
    return figures


def measure_dispatch(context):
    out = context.scratch / "run_loop.json"
    found = {}
    for _ in range(context.pick(1, 1, 5)):
        least = context.pick("0.05", "0.1", "0.5")
        context.run([context.build / "benchmarks/run_loop/run_loop_bench", f"--benchmark_out={out}",
                     f"--benchmark_min_time={least}", "--benchmark_filter=" + context.pick("Dispatch|Bus", "Dispatch|Bus", ".")])
        for run in json.loads(out.read_text())["benchmarks"]:
            name = run["name"].split("/iterations")[0]
            for counter in ("real_time", "instructions", "husk_ns", "bare_ns"):
                if counter in run:
                    found.setdefault(name, {}).setdefault(counter, []).append(run[counter])
    floor = found["Dispatch/floor"]
    figures = []
    for name, what in (DISPATCH | BUS).items():
        if what is None:
            continue
        id_ = "exits." + name.lower().replace("/", "-").replace("_", "-").replace(":", "-")
        floors = {FLOOR: floor["instructions"]} if name in DISPATCH else {}
        figures.append(Figure(id_, what, "instructions", {HUSK: found[name]["instructions"]} | floors, exact=True))
    for name, what in GUEST.items():
        if of := found.get(f"Guest/{name}"):
            figures.append(Figure(f"exits.guest-{name.replace('_', '-')}", what, "ns",
                                  {HUSK: of["husk_ns"], FLOOR: of["bare_ns"]}))
    return figures


def measure(context):
    context.need_kvm()
    need_qemu()
    return measure_exits(context) + measure_dispatch(context)
