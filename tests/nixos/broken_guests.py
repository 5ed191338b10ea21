"""What the tests of broken guests share: sound systems, a place to build them in, and the images they are installed on."""

import atexit
import dataclasses
import pathlib
import shutil
import tempfile
from collections.abc import Callable

import disk
from debian import Sysroot, run
from initrd import Initrd
from modules import Kernel
from store import Store
from system import Builder, System

CACHE = pathlib.Path(__file__).resolve().parents[2] / "build/nixos"
FAST = ("zstd", "-1", "-q", "-c")
SCRIPT = System(label="24.05.20260201.5cr1p7", initrd=Initrd(compress=FAST), params=("loglevel=4", "console=ttyS0"))
SYSTEMD = System(label="24.05.20260202.5y57emd", initrd=Initrd(kind="systemd", compress=FAST),
                 params=("loglevel=4", "console=ttyS0", "root=fstab"))


def with_initrd(system: System, **changes) -> System:
    return dataclasses.replace(system, initrd=dataclasses.replace(system.initrd, **changes))


class Workshop:
    """A store that every test builds its systems in. Images are made anew by each, in their only place."""

    def __init__(self, kernel_folder: pathlib.Path):
        work = tempfile.mkdtemp(prefix="husk-broken-")
        atexit.register(shutil.rmtree, work)
        self.work = pathlib.Path(work)
        self.root = self.work / "root"
        self.boot = self.root / "boot"
        self.kernel = Kernel(kernel_folder)
        self.sysroot = Sysroot(CACHE / "sysroot")
        self.store = Store(self.root)
        self.builder = Builder(self.store, self.kernel, self.sysroot)
        self.root_disk = self.file_system("nixos")

        self.paths: dict[System, str] = {}

    def path(self, system: System) -> str:
        if system not in self.paths:
            self.paths[system] = self.builder.toplevel(system)
        return self.paths[system]

    def toplevel(self, system: System) -> pathlib.Path:
        return self.store.here(self.path(system))

    def file_system(self, label: str) -> pathlib.Path:
        """A disk that is one ext4 file system; nobody looks into it."""
        image, empty = self.work / f"{label}.ext4", self.work / "empty"
        empty.mkdir(exist_ok=True)
        disk.ext4(image, 4 * disk.MIB, label, empty)
        return image

    def encrypted(self) -> pathlib.Path:
        image = self.work / "encrypted"
        disk.sparse(image, 4 * disk.MIB)
        run("/usr/sbin/cryptsetup", "luksFormat", "--type", "luks1", "--batch-mode", "--pbkdf-force-iterations", "1000",
            "--key-file", "-", image, input=b"open sesame")
        return image

    def installed(self, *systems: System, root: pathlib.Path | None = None,
                  mishap: Callable[[pathlib.Path], None] = lambda boot: None) -> pathlib.Path:
        """A disk with these systems as its generations, the last one its default, after a `mishap` to /boot."""
        profiles = self.root / "nix/var/nix/profiles"
        for folder in (profiles, self.boot):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        for number, system in enumerate(systems, 1):
            (profiles / f"system-{number}-link").symlink_to(self.path(system))
        run("busybox", "sh", self.store.here(self.builder.install_boot), self.root, str(len(systems)))
        mishap(self.boot)
        esp, image = self.work / "esp.fat", self.work / "disk.img"
        disk.fat(esp, 48 * disk.MIB, "BOOT", self.boot)
        disk.gpt(image, [(disk.ESP, "ESP", esp), (disk.ROOT, "nixos", root or self.root_disk)])
        return image
