"""The guests: systems, generations, and the images that hold them."""

import dataclasses
import pathlib
import shutil

import disk
import media
from debian import Sysroot, run
from initrd import Initrd, Mount
from modules import Kernel
from store import Store
from system import Builder, System

SCRIPT = System(label="24.05.20260101.5cr1p7a")
SYSTEMD = System(label="24.05.20260102.5y57emd", initrd=Initrd(kind="systemd"), params=("loglevel=4", "root=fstab"))
BY_LABEL = dataclasses.replace(SYSTEMD, label="24.05.20260102.1abe100", params=("loglevel=4", "root=LABEL=nixos", "rw"))
GAMING = dataclasses.replace(SCRIPT, label="24.05.20260103.54p9d-gaming", params=("loglevel=4", "nixos.special=gaming"))
# The generations of an installed disk.
GENERATIONS = {
    1: SCRIPT,
    2: dataclasses.replace(SYSTEMD, specialisations=(("by-label", BY_LABEL),)),
    3: dataclasses.replace(SCRIPT, label="24.05.20260103.54p9d", specialisations=(("gaming", GAMING),),
                           initrd=Initrd(post_mount="cp /etc/secret-of-stage-1 /run/"),
                           initrd_secrets=(("etc/secret-of-stage-1", "appended by append-initrd-secrets\n"),)),
}
LUKS_UUID = "5ec2e7f5-0000-4000-8000-00000000f00d"
LUKS_PASSPHRASE = "open sesame"
LUKS_SCRIPT = System(label="24.05.20260106.1uk5",
                     initrd=Initrd(luks=f"/dev/disk/by-uuid/{LUKS_UUID}", mounts=(Mount("/dev/mapper/root"),)))
LUKS_SYSTEMD = dataclasses.replace(LUKS_SCRIPT, label="24.05.20260107.1uk5", params=("loglevel=4", "root=fstab"),
                                   initrd=dataclasses.replace(LUKS_SCRIPT.initrd, kind="systemd"))
# What the ISO installs. A real nixos-generate-config would find the encrypted partition's UUID; here its name is known beforehand.
INSTALLS = {
    "plain": dataclasses.replace(SCRIPT, label="24.05.20260104.1n57a11ed"),
    "encrypted": dataclasses.replace(
        LUKS_SCRIPT, label="24.05.20260104.1n57a11edluks",
        initrd=dataclasses.replace(LUKS_SCRIPT.initrd, luks="/dev/disk/by-partlabel/nixos")),
}
BOOT_AND_ESP = (*SCRIPT.mounts, "/dev/disk/by-label/ESP /efi vfat nofail 0 0")
ROOT_BYTES, BOOT_BYTES = 160 * disk.MIB, 72 * disk.MIB


class Guests:
    """Makes everything below `out`, from a kernel and the cached packages."""

    def __init__(self, out: pathlib.Path, kernel: Kernel, sysroot: Sysroot):
        self.out, self.sysroot = out, sysroot
        self.work = out / "work"
        for folder in (self.work, out / "nix"):
            shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.store = Store(self.work / "store")
        self.builder = Builder(self.store, kernel, sysroot)

    def _install(self, generations: dict[int, System], names: str = "generation", esp: str = "") -> pathlib.Path:
        """What nixos-install leaves below a root: the systems, their profiles, and /boot. The last generation is the default."""
        root = self.work / "root"
        shutil.rmtree(root, ignore_errors=True)
        profiles = root / "nix/var/nix/profiles"
        profiles.mkdir(parents=True)
        (root / "boot").mkdir()
        entries: set[str] = set()
        for number, system in generations.items():
            path = self.builder.toplevel(system)
            entries |= self.builder.closures[path]
            (profiles / f"system-{number}-link").symlink_to(path)
        (profiles / "system").symlink_to(f"system-{max(generations)}-link")
        for entry in entries:
            self.store.copy(entry, root)
        run("busybox", "sh", self.store.here(self.builder.install_boot), root, str(max(generations)), names,
            *([root / esp] if esp else []))
        return root

    def _split(self, root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
        """Images of what is below a root: root file system, /boot and /efi."""
        root_image, boot, efi = (self.work / name for name in ("root.ext4", "boot.fat", "efi.fat"))
        disk.fat(boot, BOOT_BYTES, "BOOT", root / "boot")
        if (root / "efi").exists():
            disk.fat(efi, 4 * disk.MIB, "ESP", root / "efi", bits=16)
        for name in ("boot", "efi"):
            if (root / name).exists():
                shutil.rmtree(root / name)
                (root / name).mkdir()
        disk.ext4(root_image, ROOT_BYTES, "nixos", root)
        return root_image, boot, efi

    def disk(self, name: str, generations: dict[int, System], names: str = "generation", encrypted: bool = False) -> None:
        """GPT, ESP with the boot menu, root."""
        root, boot, _ = self._split(self._install(generations, names))
        if encrypted:
            disk.luks(root, LUKS_PASSPHRASE, LUKS_UUID)
        disk.gpt(self.out / name, [(disk.ESP, "ESP", boot), (disk.ROOT, "nixos", root)])

    def disk_with_xbootldr(self, name: str) -> None:
        """The ESP holds loader.conf only."""
        system = dataclasses.replace(SCRIPT, label="24.05.20260108.b007", mounts=BOOT_AND_ESP)
        root, boot, efi = self._split(self._install({1: system}, esp="efi"))
        disk.gpt(self.out / name, [(disk.ESP, "ESP", efi), (disk.XBOOTLDR, "XBOOTLDR", boot), (disk.ROOT, "nixos", root)])

    def installed_disk(self) -> None:
        """disk.img, and its systems beside it for those who boot a system as it lies in the store."""
        self.disk("disk.img", GENERATIONS)
        shutil.copytree(self.work / "root/nix", self.out / "nix", symlinks=True)

    def others(self) -> None:
        self.disk("hash.img", {1: SCRIPT, 2: SYSTEMD}, names="hash")
        self.disk("extlinux.img", {1: SCRIPT, 2: dataclasses.replace(INSTALLS["plain"], specialisations=(("gaming", GAMING),))}, names="extlinux")
        self.disk_with_xbootldr("xbootldr.img")
        self.disk("luks.img", {1: LUKS_SCRIPT, 2: LUKS_SYSTEMD}, encrypted=True)
        for kind in ("script", "systemd"):
            media.iso(self.builder, self.sysroot, media.installer(kind, INSTALLS), self.work, self.out / f"installer-{kind}.iso")
            media.outputs(self.builder, media.diskless(kind), self.work, self.out)
