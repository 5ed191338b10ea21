"""systemd and its units in a tree with Debian's paths: for the initrd, and for the system."""

import pathlib

from debian import HERE, Sysroot, copy_file

BOTH = ("basic.target", "cryptsetup.target", "cryptsetup-pre.target", "ctrl-alt-del.target", "emergency.service", "emergency.target",
        "final.target", "kmod-static-nodes.service", "local-fs-pre.target", "local-fs.target", "modprobe@.service",
        "multi-user.target", "paths.target", "poweroff.target", "reboot.target", "remote-fs.target", "rescue.target",
        "shutdown.target", "slices.target", "sockets.target", "swap.target", "sysinit.target", "timers.target", "umount.target",
        "systemd-ask-password-console.path", "systemd-ask-password-console.service", "systemd-fsck@.service",
        "systemd-fsck-root.service", "systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket",
        "systemd-modules-load.service", "systemd-poweroff.service", "systemd-reboot.service", "systemd-tmpfiles-setup-dev.service",
        "systemd-udev-trigger.service", "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
        "blockdev@.target")
INITRD = ("initrd-cleanup.service", "initrd-fs.target", "initrd-parse-etc.service", "initrd-root-device.target",
          "initrd-root-fs.target", "initrd-switch-root.service", "initrd-switch-root.target", "initrd-usr-fs.target",
          "initrd.target")
SYSTEM = ("exit.target", "getty.target", "getty-pre.target", "getty@.service", "graphical.target", "halt.target", "kexec.target",
          "serial-getty@.service", "systemd-halt.service", "systemd-remount-fs.service")
# What is started without being asked for, of all that Debian would.
WANTS = {
    "sysinit.target": ("cryptsetup.target", "kmod-static-nodes.service", "systemd-ask-password-console.path",
                       "systemd-journald.service", "systemd-modules-load.service", "systemd-tmpfiles-setup-dev.service",
                       "systemd-udev-trigger.service", "systemd-udevd.service"),
    "sockets.target": ("systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-udevd-control.socket",
                       "systemd-udevd-kernel.socket"),
    "multi-user.target": ("getty.target",),
    "local-fs.target": ("systemd-remount-fs.service",),
}
HELPERS = ("systemd-fsck", "systemd-journald", "systemd-modules-load", "systemd-shutdown", "systemd-cryptsetup",
           "systemd-sulogin-shell", "systemd-reply-password", "systemd-remount-fs")
COMMANDS = ("systemctl", "systemd-tmpfiles", "systemd-tty-ask-password-agent", "systemd-ask-password", "journalctl", "udevadm",
            "kmod", "mount", "umount", "fsck", "e2fsck", "sulogin", "dmsetup")
GENERATORS = ("systemd-fstab-generator", "systemd-cryptsetup-generator", "systemd-debug-generator")


def usr_tree(top: pathlib.Path) -> None:
    """/bin, /sbin, /lib and /lib64 as links into /usr."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (top / "usr" / name).mkdir(parents=True, exist_ok=True)
        (top / name).symlink_to(f"usr/{name}")


def copy_programs(sysroot: Sysroot, usr: pathlib.Path, names: tuple[str, ...], folder: str = "bin") -> None:
    """Programs into a folder of `usr`, their libraries into its lib and lib64."""
    programs = [sysroot.program(name) for name in names]
    for name, program in zip(names, programs):
        copy_file(program, usr / folder / name)
    for name, library in sysroot.libraries_of(programs).items():
        place = "lib64" if name.startswith("ld-linux") else "lib/x86_64-linux-gnu"
        copy_file(library, usr / place / name)


def links(folder: pathlib.Path, target: str, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)


def copy_systemd(sysroot: Sysroot, usr: pathlib.Path, units: tuple[str, ...], generators: tuple[str, ...] = ()) -> None:
    """systemd with these units of Debian's, the helpers that they start, and their udev."""
    system = usr / "lib/systemd/system"
    for name in (*BOTH, *units):
        copy_file(sysroot.file(f"lib/systemd/system/{name}"), system / name)
    for target, names in WANTS.items():
        for name in names:
            if (system / name).exists():
                links(system / f"{target}.wants", f"../{name}", name)
    copy_programs(sysroot, usr, ("systemd", *HELPERS), "lib/systemd")
    copy_programs(sysroot, usr, (*GENERATORS, *generators), "lib/systemd/system-generators")
    copy_programs(sysroot, usr, COMMANDS)
    links(usr / "lib/systemd", "../../bin/udevadm", "systemd-udevd")
    links(usr / "bin", "systemctl", "poweroff", "reboot", "halt", "shutdown")
    links(usr / "bin", "kmod", "modprobe", "insmod", "rmmod", "lsmod", "depmod", "modinfo")
    links(usr / "bin", "e2fsck", "fsck.ext4")
    drop_in = system / "systemd-udev-trigger.service.d/lab.conf"
    drop_in.parent.mkdir()
    copy_file(HERE / "guest/udev-trigger.conf", drop_in)
    copy_file(sysroot.library("libgcc_s.so.1"), usr / "lib/x86_64-linux-gnu/libgcc_s.so.1")
    for name in sorted(path.name for path in (usr / "bin").iterdir()):  # Debian's units ask for either path
        links(usr / "sbin", f"../bin/{name}", name)
