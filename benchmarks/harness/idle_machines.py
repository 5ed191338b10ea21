"""Machines that do nothing once they are up, as commands of husk and of QEMU microvm: each with a disk of its own and a serial port
that is a file."""

import dataclasses
import pathlib
import shutil
import subprocess

QEMU = "qemu-system-x86_64"
INIT = "#!/bin/busybox sh\n/bin/busybox echo SLEEPING\nexec /bin/busybox sleep 2147483647\n"
BUSYBOX = pathlib.Path("/bin/busybox")


def make_initrd(folder):
    root = pathlib.Path(folder) / "root"
    (root / "bin").mkdir(parents=True)
    (root / "dev").mkdir()
    shutil.copy(BUSYBOX, root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    initrd = pathlib.Path(folder) / "initrd"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with initrd.open("wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=out, check=True)
    return initrd


def make_disk(folder, name):
    disk = folder / f"{name}.disk"
    with disk.open("wb") as out:
        out.truncate(1 << 20)
    return disk


@dataclasses.dataclass
class IdleMachine:
    """`sign` is what its guest prints last."""
    kernel: pathlib.Path
    memory: int  # MiB
    sign: bytes
    initrd: pathlib.Path | None = None

    def boot(self, kernel, initrd, command_line):
        words = [kernel, self.kernel]
        if self.initrd:
            words += [initrd, self.initrd, command_line, "console=ttyS0 quiet"]
        return words

    def husk(self, program):
        def command(name, console, folder):
            return [program, "run", *self.boot("--kernel", "--initrd", "--cmdline"), "--memory", f"{self.memory}M", "--name", name,
                    "--console", f"file={console}", "--disk", make_disk(folder, name), "--log-level", "warning"]
        return command

    def qemu(self):
        # Linux calibrates its clock by the timers.
        timers = "pic=on,pit=on" if self.initrd else "pic=off,pit=off"

        def command(name, console, folder):
            return [QEMU, "-M", f"microvm,acpi=off,rtc=off,{timers}", "-accel", "kvm", "-cpu", "qemu64,+tsc-deadline", "-m", self.memory,
                    "-name", name, "-nodefaults", "-no-user-config", "-display", "none", "-serial", f"file:{console}",
                    "-global", "virtio-mmio.force-legacy=false",
                    "-blockdev", f"driver=file,filename={make_disk(folder, name)},node-name=disk", "-device", "virtio-blk-device,drive=disk",
                    *self.boot("-kernel", "-initrd", "-append")]
        return command
