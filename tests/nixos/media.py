"""What NixOS has besides installed disks: the installer's ISO, and the netboot and kexec outputs."""

import pathlib
import shutil

import disk
from debian import Sysroot, run
from initrd import Initrd, Mount, pack
from modules import ISO, VIRTIO_AVAILABLE, VIRTIO_FORCED
from system import Builder, System

ISO_LABEL = "nixos-minimal-24.05-x86_64"
FORCED = (*VIRTIO_FORCED, "loop", "overlay")


def medium_mounts(kind: str, squashfs: str) -> tuple[Mount, ...]:
    """`squashfs`: the path of the store's image. With systemd all paths are the initrd's, otherwise the new root's."""
    top = "/sysroot" if kind == "systemd" else ""
    overlay = f"lowerdir={top}/nix/.ro-store,upperdir={top}/nix/.rw-store/store,workdir={top}/nix/.rw-store/work"
    loop = "ro,loop"
    if kind == "systemd":
        loop += ",x-systemd.after=systemd-modules-load.service"
        overlay += f",x-systemd.requires-mounts-for={top}/nix/.ro-store,x-systemd.requires=nixos-rw-store.service"
    return (Mount(squashfs, "/nix/.ro-store", "squashfs", loop), Mount("tmpfs", "/nix/.rw-store", "tmpfs", "mode=0755"),
            Mount("overlay", "/nix/store", "overlay", overlay))


def medium(kind: str, mounts: tuple[Mount, ...], params: tuple[str, ...], **others) -> System:
    initrd = Initrd(kind=kind, available=(*VIRTIO_AVAILABLE, *ISO), forced=FORCED, mounts=(Mount("tmpfs", "/", "tmpfs", "mode=0755"), *mounts))
    return System(mounts=(), initrd=initrd, params=(*params, "loglevel=4"), **others)


def installer(kind: str, installs: dict[str, System]) -> System:
    if kind == "systemd":
        mounts = (Mount(f"/dev/disk/by-label/{ISO_LABEL}", "/iso", "iso9660", "ro"), *medium_mounts(kind, "/sysroot/iso/nix-store.squashfs"))
        params: tuple[str, ...] = ("root=fstab",)
    else:
        mounts = (Mount("/dev/root", "/iso", "iso9660", "ro"), *medium_mounts(kind, "/iso/nix-store.squashfs"))
        params = (f"root=LABEL={ISO_LABEL}", "boot.shell_on_fail")
    return medium(kind, mounts, (*params, "nohibernate"), label=f"24.05.20260104.1n57a11-{kind}", installs=tuple(installs.items()), autologin=True)


def diskless(kind: str) -> System:
    """A system that is all in its initrd: what netboot and kexec start."""
    if kind == "systemd":
        return medium(kind, medium_mounts(kind, "/nix-store.squashfs"), ("root=fstab",), label="24.05.20260105.d15k1e5-systemd")
    return medium(kind, medium_mounts(kind, "/../nix-store.squashfs"), (), label="24.05.20260105.d15k1e5-script")


def squash_store(builder: Builder, system: System, image: pathlib.Path) -> None:
    """/nix/store with the system and all that it consists of."""
    path = builder.toplevel(system)
    entries = [builder.store.here(entry) for entry in sorted(builder.closures[path])]
    image.unlink(missing_ok=True)
    # One entry alone would be the root of the image.
    run("mksquashfs", *entries, image, "-no-progress", "-quiet", "-all-root", "-comp", "zstd", "-Xcompression-level", "3", "-b", "128K")


GRUB_CFG = """set timeout=10
search --set=root --file /EFI/nixos-installer-image
menuentry 'NixOS 24.05 Installer ' --class installer {{
  linux /boot/{kernel} ${{isoboot}} {parameters}
  initrd /boot/{initrd}
}}
"""
ISOLINUX_CFG = """SERIAL 0 115200
TIMEOUT 100
UI vesamenu.c32
MENU BACKGROUND /isolinux/background.png

DEFAULT boot

LABEL boot
MENU LABEL NixOS {label} Installer
LINUX /boot/{kernel}
APPEND {parameters}
INITRD /boot/{initrd}

# A variant with more to read
LABEL boot-debug
MENU LABEL NixOS {label} Installer (debug)
LINUX /boot/{kernel}
APPEND {parameters} loglevel=7
INITRD /boot/{initrd}

LABEL boot-serial
MENU LABEL NixOS {label} Installer (serial console=ttyS0,115200n8)
LINUX /boot/{kernel}
APPEND {parameters} console=ttyS0,115200n8
INITRD /boot/{initrd}
"""


def iso(builder: Builder, sysroot: Sysroot, system: System, work: pathlib.Path, image: pathlib.Path) -> None:
    """A hybrid ISO: isolinux for a BIOS, GRUB's menu for UEFI, both with paths as iso-image.nix of 24.11 and later writes them."""
    tree = work / "iso"
    shutil.rmtree(tree, ignore_errors=True)
    path = builder.toplevel(system)
    initrd = str(builder.store.here(f"{path}/initrd").readlink())
    kernel = f"{builder.linux}/bzImage"
    for file in (kernel, initrd):
        (tree / "boot" / file.lstrip("/")).parent.mkdir(parents=True)
        shutil.copy(builder.store.here(file), tree / "boot" / file.lstrip("/"))
    squash_store(builder, system, tree / "nix-store.squashfs")
    values = {"kernel": kernel, "initrd": initrd, "label": system.label, "parameters": f"init={path}/init {' '.join(system.params)}"}
    (tree / "isolinux").mkdir()
    (tree / "isolinux/isolinux.cfg").write_text(ISOLINUX_CFG.format(**values))
    shutil.copy(sysroot.file("usr/lib/ISOLINUX/isolinux.bin"), tree / "isolinux/isolinux.bin")
    (tree / "EFI/boot").mkdir(parents=True)
    (tree / "EFI/nixos-installer-image").touch()
    (tree / "EFI/boot/grub.cfg").write_text(GRUB_CFG.format(**values))
    (tree / "version.txt").write_text(system.label)
    disk.fat(tree / "boot/efi.img", 2 * disk.MIB, "EFIBOOT", tree, bits=12, only="EFI")
    run("xorriso", "-report_about", "WARNING", "-as", "mkisofs", "-o", image, "-iso-level", "3", "-volid", ISO_LABEL, "-appid", "nixos",
        "-publisher", "nixos", "-full-iso9660-filenames", "-joliet", "-rational-rock", "-b", "isolinux/isolinux.bin",
        "-c", ".boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "-isohybrid-mbr",
        sysroot.file("usr/lib/ISOLINUX/isohdpfx.bin"), "-eltorito-alt-boot", "-e", "boot/efi.img", "-no-emul-boot",
        "-isohybrid-gpt-basdat", tree)
    shutil.rmtree(tree)


IPXE = """#!ipxe
# Use the cmdline variable to allow the user to specify custom kernel params
kernel bzImage {parameters} initrd=initrd ${{cmdline}}
initrd initrd
boot
"""
KEXEC = """#!/usr/bin/env bash
if ! kexec -v >/dev/null 2>&1; then
  echo "kexec not found: please install kexec-tools" 2>&1
  exit 1
fi
SCRIPT_DIR=$( cd -- "$( dirname -- "${{BASH_SOURCE[0]}}" )" &> /dev/null && pwd )
kexec --load ${{SCRIPT_DIR}}/bzImage \\
  --initrd=${{SCRIPT_DIR}}/initrd.gz \\
  --command-line "{parameters}"
kexec -e
"""


def outputs(builder: Builder, system: System, work: pathlib.Path, out: pathlib.Path) -> None:
    """OUT/netboot-KIND and OUT/kexec-KIND: the kernel, the initrd with the store in a second archive, and what says how to start them."""
    path = builder.toplevel(system)
    tree = work / "netboot"
    tree.mkdir()
    squash_store(builder, system, tree / "nix-store.squashfs")
    initrd = builder.store.here(f"{path}/initrd").readlink()
    ramdisk = builder.store.here(str(initrd)).read_bytes() + pack(tree, ("zstd", "-1", "-T0", "-q", "-c"))
    shutil.rmtree(tree)
    values = {"parameters": f"init={path}/init {' '.join(system.params)}"}
    for folder, name, script, text in (("netboot", "initrd", "netboot.ipxe", IPXE), ("kexec", "initrd.gz", "kexec-boot", KEXEC)):
        target = out / f"{folder}-{system.initrd.kind}"
        target.mkdir(exist_ok=True)
        shutil.copy(builder.store.here(builder.linux) / "bzImage", target / "bzImage")
        (target / name).write_bytes(ramdisk)
        (target / script).write_text(text.format(**values))
