"""The guests: systems, generations, and the images that hold them."""

import dataclasses
import pathlib
import shutil

import disk
from debian import Sysroot, output, run
from initrd import Initrd, Mount
from modules import Kernel
from store import Store
from system import Builder, System

SCRIPT = System(label="24.05.20260101.5cr1p7a")
SYSTEMD = System(label="24.05.20260102.5y57emd", initrd=Initrd(kind="systemd"), params=("loglevel=4", "root=fstab"))
BY_LABEL = dataclasses.replace(SYSTEMD, label="24.05.20260102.l4be1", params=("loglevel=4", "root=LABEL=nixos", "rw"))
GAMING = dataclasses.replace(SCRIPT, label="24.05.20260103.54p9d-gaming", params=("loglevel=4", "nixos.special=gaming"))
# The generations of an installed disk.
GENERATIONS = {
    1: SCRIPT,
    2: dataclasses.replace(SYSTEMD, specialisations=(("by-label", BY_LABEL),)),
    3: dataclasses.replace(SCRIPT, label="24.05.20260103.54p9d", specialisations=(("gaming", GAMING),),
                           initrd_secrets=(("etc/secret-of-stage-1", "appended by append-initrd-secrets\n"),)),
}


class Guests:
    """Makes everything below `out`, from a kernel and the cached packages."""

    def __init__(self, out: pathlib.Path, kernel: Kernel, sysroot: Sysroot):
        self.out = out
        self.work = out / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.root = self.work / "root"
        self.store = Store(self.root)
        self.builder = Builder(self.store, kernel, sysroot)

    def install(self, generations: dict[int, System], default: int, names: str = "generation", esp: str = "") -> None:
        """What nixos-install leaves in self.root: the systems, their profiles, and /boot."""
        profiles = self.root / "nix/var/nix/profiles"
        shutil.rmtree(self.root / "boot", ignore_errors=True)
        shutil.rmtree(profiles, ignore_errors=True)
        profiles.mkdir(parents=True)
        for number, system in generations.items():
            (profiles / f"system-{number}-link").symlink_to(self.builder.toplevel(system))
        (profiles / "system").symlink_to(f"system-{default}-link")
        run("busybox", "sh", self.store.here(self.builder.install_boot), self.root, default, names, *([esp] if esp else []))

    def root_image(self, megabytes: int = 160) -> pathlib.Path:
        """The root file system, without what is on /boot and /efi."""
        held = [(name, self.work / f"held-{name}") for name in ("boot", "efi")]
        for name, aside in held:
            if (self.root / name).exists():
                (self.root / name).rename(aside)
                (self.root / name).mkdir()
        image = self.work / "root.ext4"
        disk.ext4(image, megabytes * disk.MIB, "nixos", self.root)
        for name, aside in held:
            if aside.exists():
                (self.root / name).rmdir()
                aside.rename(self.root / name)
        return image

    def disk(self, name: str = "disk.img") -> None:
        """GPT, ESP with three generations, root."""
        self.install(GENERATIONS, default=3)
        esp = self.work / "esp.fat"
        disk.fat(esp, 72 * disk.MIB, "BOOT", self.root / "boot")
        disk.gpt(self.out / name, [(disk.ESP, "ESP", esp), (disk.ROOT, "nixos", self.root_image())])

    def keep_systems(self) -> None:
        """The store and the profiles beside the images, for those who boot a system as it lies there."""
        disk.copy_tree(self.root / "nix", self.out / "nix")
