"""The same machine as a command of husk and as one of QEMU microvm: what the suites measure beside each other.

Both get the same kernel, memory and devices. husk always has a virtio console beside its serial port, so QEMU gets one, too."""

import dataclasses
import pathlib
import shutil
import subprocess

from harness.context import NotMeasured

QEMU = "qemu-system-x86_64"
LINUX = "console=ttyS0 panic=-1 quiet reboot=t"
BOOTED = b"BOOTED"
PORT = "port"  # the name of a port of the console
# Where the guests of tests/guest turn the power off. QEMU is given a device there that ends it, with a status that says which value came.
POWER_OFF_PORT, POWER_OFF_VALUE = 0x600, 0x34
QEMU_POWERED_OFF = POWER_OFF_VALUE << 1 | 1


@dataclasses.dataclass
class Machine:
    kernel: pathlib.Path
    initrd: pathlib.Path | None = None
    command_line: str = ""
    memory: int = 128  # MiB
    cpus: int = 1
    disks: list = dataclasses.field(default_factory=list)
    nets: int = 0  # cards that lead nowhere, which needs no privileges
    port: pathlib.Path | None = None  # the socket of a port of the console
    hvc0: str = "null"  # where it is, as -chardev of QEMU says it; husk's is on its output

    def husk(self, program, *options):
        words = [program, "run", "--kernel", self.kernel, "--memory", f"{self.memory}M", "--cpus", self.cpus,
                 "--on-reboot", "exit", "--log-level", "error", *options]
        words += ["--initrd", self.initrd] if self.initrd else []
        words += ["--cmdline", self.command_line] if self.command_line else []
        for disk in self.disks:
            words += ["--disk", disk]
        words += ["--net", "none"] * self.nets
        words += ["--port", f"name={PORT},unix={self.port}"] if self.port else []
        return [str(word) for word in words]

    def qemu(self, program=QEMU, *options):
        words = [program, "-M", "microvm,acpi=off,rtc=off,pic=on,pit=on", "-accel", "kvm", "-cpu", "qemu64,+tsc-deadline",
                 "-m", self.memory, "-smp", self.cpus, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-serial", "stdio", "-global", "virtio-mmio.force-legacy=false", "-kernel", self.kernel,
                 "-device", f"isa-debug-exit,iobase={POWER_OFF_PORT:#x},iosize=4",
                 "-chardev", f"{self.hvc0},id=hvc0", "-device", "virtio-serial-device", "-device", "virtconsole,chardev=hvc0", *options]
        words += ["-initrd", self.initrd] if self.initrd else []
        words += ["-append", self.command_line] if self.command_line else []
        for number, disk in enumerate(self.disks):
            words += ["-blockdev", f"driver=file,filename={disk},node-name=disk{number}",
                      "-device", f"virtio-blk-device,drive=disk{number}"]
        for number in range(self.nets):
            words += ["-netdev", f"hubport,id=net{number},hubid={number}", "-device", f"virtio-net-device,netdev=net{number}"]
        if self.port:
            words += ["-chardev", f"socket,id=port,path={self.port},server=on,wait=off",
                      "-device", f"virtserialport,chardev=port,name={PORT}"]
        return [str(word) for word in words]


def need_qemu():
    if not shutil.which(QEMU):
        raise NotMeasured(f"{QEMU} is not installed")


def make_disk(folder, name="disk.raw"):
    disk = pathlib.Path(folder) / name
    with disk.open("wb") as out:
        out.truncate(1 << 20)
    return disk


def make_initrd(folder, says=BOOTED, then="reboot -f"):
    """One whose init says that it is there and goes on with a command of busybox's."""
    return pack_initrd(folder, {"bin/busybox": pathlib.Path("/bin/busybox"),
                                "init": f"#!/bin/busybox sh\n/bin/busybox echo {says.decode()}\nexec /bin/busybox {then}\n"})


def pack_initrd(folder, files):
    """`files`: {path in the guest: a text, or the path of a file here}; all are executable."""
    root = pathlib.Path(folder) / "initrd-root"
    (root / "dev").mkdir(parents=True)
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, str):
            path.write_text(source)
        else:
            shutil.copy(source, path)
        path.chmod(0o755)
    initrd = pathlib.Path(folder) / "initrd"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with initrd.open("wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=out, check=True)
    shutil.rmtree(root)
    return initrd
