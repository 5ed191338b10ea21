"""The tree of an initrd whose /init is systemd, as NixOS makes it with boot.initrd.systemd.enable."""

import modules
import units
from debian import HERE, Sysroot, copy_file, output
from initrd import RULES, Initrd, copy_rules, wanted_modules
from store import Store

RELEASE = 'ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS 24.05 (Uakari) (Initrd)"\nVERSION_ID="24.05"\n'
SYSROOT = """[Unit]
Before=initrd-root-fs.target
[Mount]
What={0.device}
Where=/sysroot
Type={0.type}
Options={0.options}
"""


def systemd_tree(wanted: Initrd, kernel: modules.Kernel, sysroot: Sysroot, store: Store) -> None:
    top = store.top
    units.usr_tree(top)
    units.copy_systemd(sysroot, top / "usr", units.INITRD)
    if not wanted.luks:
        for name in ("systemd-cryptsetup", "system-generators/systemd-cryptsetup-generator"):
            (top / "usr/lib/systemd" / name).unlink()
    systemd = store.folder("systemd-252")
    copy_file(top / "usr/lib/systemd/systemd", store.here(systemd) / "lib/systemd/systemd")
    store.link("/usr/lib/systemd/systemd", f"{systemd}/lib/systemd/systemd")
    store.link("/init", f"{systemd}/lib/systemd/systemd")
    copy_file(sysroot.program("busybox"), top / "usr/bin/busybox")
    for name in output(top / "usr/bin/busybox", "--list").split():
        if not (top / "usr/bin" / name).exists():
            store.link(f"/usr/bin/{name}", "busybox")

    closure = store.folder(f"linux-{kernel.version}-modules-shrunk")
    kernel.copy_modules(store.here(closure), wanted_modules(wanted))
    store.link("/usr/lib/modules", f"{closure}/lib/modules")
    copy_rules(sysroot, top / "usr/lib/udev/rules.d", (*RULES, "99-systemd"))

    guest = HERE / "guest/initrd"
    system = top / "etc/systemd/system"
    copy_file(guest / "nixos-activation.service", system / "nixos-activation.service")
    copy_file(guest / "nixos-activation.sh", top / "bin/nixos-activation")
    copy_file(guest / "sysroot-generator.sh", top / "etc/systemd/system-generators/nixos-sysroot")
    (top / "bin/nixos-activation").chmod(0o755)
    (top / "etc/systemd/system-generators/nixos-sysroot").chmod(0o755)
    # No name: systemd goes on as itself, in the new root. What init= names has done its work in the activation.
    store.write("/etc/systemd/system/initrd-switch-root.service.d/nixos.conf",
                '[Service]\nExecStart=\nExecStart=systemctl --no-block switch-root /sysroot ""\n')
    units.links(system / "initrd.target.wants", "../nixos-activation.service", "nixos-activation.service")
    units.links(system, "/usr/lib/systemd/system/initrd.target", "default.target")
    forced = (*wanted.forced, *(modules.LUKS if wanted.luks else ()))
    store.write("/etc/modules-load.d/nixos.conf", "".join(f"{name}\n" for name in forced))
    lines = [f"{m.device} /sysroot{m.where} {m.type} x-initrd.mount,{m.options} 0 0\n" for m in wanted.mounts]
    store.write(store.path("initrd-fstab", "".join(lines)), "".join(lines))
    # Debian's systemd would make a root of its own of root=fstab: what it reads has the others only.
    store.write("/etc/fstab", "".join(lines[1:]))
    if wanted.mounts:
        store.write("/etc/nixos-sysroot.mount", SYSROOT.format(wanted.mounts[0]))
    copy_file(guest / "nixos-rw-store.service", system / "nixos-rw-store.service")
    if wanted.luks:
        store.write("/etc/crypttab", f"{wanted.luks_name} {wanted.luks} none luks\n")
    for name in ("os-release", "initrd-release"):
        store.write(f"/etc/{name}", RELEASE)
    store.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    store.write("/etc/group", "root:x:0:\ntty:x:5:\ndisk:x:6:\n")
    store.write("/etc/shadow", "root:*:::::::\n")
    store.write("/etc/hostname", "nixos\n")
    store.write("/etc/machine-id", "uninitialized\n")
    for name in ("proc", "sys", "dev", "run", "tmp", "sysroot", "var", "root"):
        (top / name).mkdir(exist_ok=True)
