"""A kernel as the lab keeps it (a folder with release, bzImage and root/lib/modules), and copies of some of its modules."""

import lzma
import os
import pathlib
import subprocess

from debian import output, run

# What profiles/qemu-guest.nix adds for every guest, and what file systems and LUKS of ours need.
VIRTIO_AVAILABLE = ("virtio_net", "virtio_pci", "virtio_mmio", "virtio_blk")
VIRTIO_FORCED = ("virtio_balloon", "virtio_console", "virtio_rng")
FILE_SYSTEMS = ("ext4", "autofs4")
LUKS = ("dm_crypt", "xts", "aes_generic", "aesni_intel", "sha256_generic", "algif_skcipher", "algif_hash", "cryptd")
ISO = ("isofs", "loop", "squashfs", "overlay")
STAGE_2 = (*FILE_SYSTEMS, "vfat", "nls_cp437", "nls_iso8859_1", "nls_ascii", "evdev", "button", "erofs", *LUKS, *ISO)


class Kernel:
    def __init__(self, folder: pathlib.Path):
        self.release = (folder / "release").read_text().strip()
        self.image = folder / "bzImage"
        self.root = folder / "root"
        self.modules = self.root / "lib/modules" / self.release
        self.version = self.release.split("-")[0]  # "6.1.192"; Debian's has no patch level in its release
        if self.version.count(".") < 2:
            self.version += ".0"

    def _needed(self, names: list[str]) -> list[pathlib.Path]:
        """The files of the modules and of all they depend on. A module that this kernel has built in needs none; neither does one
        that it lacks, as NixOS' lists are made for kernels with more."""
        files: dict[pathlib.Path, None] = {}
        for name in names:
            answer = subprocess.run(["modprobe", "-C", "/dev/null", "-d", self.root, "-S", self.release, "--show-depends", name],
                                    text=True, capture_output=True, env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
            for line in answer.stdout.splitlines():
                if line.startswith("insmod "):
                    files[pathlib.Path(line.split()[1])] = None
        return list(files)

    def copy_modules(self, target: pathlib.Path, names: list[str]) -> None:
        """target/lib/modules/RELEASE with these modules and their index; the files are .ko.xz, as NixOS has them."""
        home = target / "lib/modules" / self.release
        home.mkdir(parents=True, exist_ok=True)
        for file in self._needed(names):
            relative = file.relative_to(self.modules)
            plain = run("xz", "-dc", file, stdout=subprocess.PIPE).stdout if file.suffix == ".xz" else file.read_bytes()
            copy = home / relative.parent / (relative.name.removesuffix(".xz") + ".xz")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(lzma.compress(plain, check=lzma.CHECK_CRC32, preset=1))
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            (home / name).write_bytes((self.modules / name).read_bytes())
        output("/usr/sbin/depmod", "-b", target, self.release)
