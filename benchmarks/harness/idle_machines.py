"""Machines that do nothing once they are up, as commands of husk and of QEMU microvm: each with a disk of its own and a serial port
that is a file."""

import dataclasses
import pathlib

from harness.machines import QEMU, make_disk, make_initrd

SIGN = b"SLEEPING"


def sleeping_initrd(folder):
    return make_initrd(folder, SIGN, "sleep 2147483647")


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
                    "--console", f"file={console}", "--disk", make_disk(folder, f"{name}.disk"), "--log-level", "warning"]
        return command

    def qemu(self):
        # Linux calibrates its clock by the timers.
        timers = "pic=on,pit=on" if self.initrd else "pic=off,pit=off"

        def command(name, console, folder):
            return [QEMU, "-M", f"microvm,acpi=off,rtc=off,{timers}", "-accel", "kvm", "-cpu", "qemu64,+tsc-deadline", "-m", self.memory,
                    "-name", name, "-nodefaults", "-no-user-config", "-display", "none", "-serial", f"file:{console}",
                    "-global", "virtio-mmio.force-legacy=false",
                    "-blockdev", f"driver=file,filename={make_disk(folder, name + '.disk')},node-name=disk", "-device", "virtio-blk-device,drive=disk",
                    *self.boot("-kernel", "-initrd", "-append")]
        return command
