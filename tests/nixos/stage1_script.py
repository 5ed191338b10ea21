"""The tree of an initrd whose /init is a shell script, as NixOS makes it without boot.initrd.systemd.enable."""

import modules
from debian import Sysroot, copy_file, output
from initrd import RULES, Initrd, copy_rules, template, wanted_modules
from store import Store

PROGRAMS = ("udevadm", "kmod", "blkid", "dmsetup", "e2fsck")


def extra_utils(wanted: Initrd, sysroot: Sysroot, store: Store) -> str:
    """NixOS' extra-utils: the programs of a scripted stage 1 and the libraries they load. cryptsetup is among them
    only where there is something to unlock."""
    path = store.folder("extra-utils")
    here = store.here(path)
    copy_file(sysroot.program("busybox"), here / "bin/busybox")
    for name in output(here / "bin/busybox", "--list").split():
        if name != "busybox":
            store.link(f"{path}/bin/{name}", "busybox")
    programs = [sysroot.program(name) for name in (*PROGRAMS, *(["cryptsetup"] if wanted.luks else []))]
    for program in programs:
        (here / "bin" / program.name).unlink(missing_ok=True)
        copy_file(program, here / "bin" / program.name)
    for name, target in (("modprobe", "kmod"), ("insmod", "kmod"), ("depmod", "kmod"), ("systemd-udevd", "udevadm"),
                         ("fsck.ext4", "e2fsck")):
        store.link(f"{path}/bin/{name}", target)
    for name, library in (sysroot.libraries_of(programs) | {"libgcc_s.so.1": sysroot.library("libgcc_s.so.1")}).items():
        copy_file(library, here / "lib" / name)
    return path


def scripted_tree(wanted: Initrd, kernel: modules.Kernel, sysroot: Sysroot, store: Store) -> None:
    utils = extra_utils(wanted, sysroot, store)
    closure = store.folder(f"linux-{kernel.version}-modules-shrunk")
    kernel.copy_modules(store.here(closure), wanted_modules(wanted))
    rules = store.folder("udev-rules")
    copy_rules(sysroot, store.here(rules), RULES)
    lines = "".join(f"{m.where}\n{m.device}\n{m.type}\n{m.options}\n" for m in wanted.mounts)
    info = store.path("initrd-fsinfo", lines)
    store.write(info, lines)
    forced = " ".join(name for name in (*wanted.forced, *(modules.LUKS if wanted.luks else ())))
    luks = f"open_luks {wanted.luks_name} {wanted.luks}" if wanted.luks else ""
    init = store.script("stage-1-init.sh", template("stage-1-init.sh", extraUtils=utils, modulesClosure=closure, udevRules=rules,
                                                    kernelModules=forced, fsInfo=info, openLuks=luks, postMount=wanted.post_mount))
    store.link("/init", init)
