"""Boot sources for end-to-end tests, with a bare-metal guest as the kernel: it prints its command line, which says what was booted.
Images come from the tools of Debian (sfdisk, mkfs.vfat, mtools)."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import harness

MIB = 1 << 20
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
SYSTEM = "/nix/store/0000000000000000000000000000000a-nixos-system-test-24.05"


def tool(*command, **how):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, **how)


class SourceTest(harness.HuskTest):
    """For tests of boot sources."""

    def setUp(self):
        super().setUp()
        self.kernel = pathlib.Path(self.guest("cmdline")).resolve()

    def source(self, *options):
        """`husk run` with a boot source, to its end."""
        done = subprocess.run([harness.HUSK, "run", "--memory", "32M", "--name", self.name, *map(str, options)],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.LIMIT)
        done.booted = re.findall(rb"^husk: booting (.*)$", done.stderr, re.MULTILINE)
        done.stderr = b"".join(line for line in self.complaints(done.stderr).splitlines(True)
                               if not line.startswith(b"husk: booting "))
        return done

    def husk(self, *command):
        return subprocess.run([harness.HUSK, *map(str, command)], capture_output=True, timeout=harness.LIMIT)

    def assert_prints(self, done, line):
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, line.encode() + b"\n", b""))

    def esp(self, files):
        """A disk with a GPT and a FAT file system that holds `files` ({path: text, or a Path})."""
        volume = self.folder / "esp"
        volume.write_bytes(b"")
        os.truncate(volume, 40 * MIB)
        tool("mkfs.vfat", "-F", "32", volume)
        for path, content in files.items():
            folders = pathlib.PurePosixPath(path).parents
            for folder in reversed([str(each) for each in folders if str(each) not in ("/", ".")]):
                subprocess.run(["mmd", "-D", "s", "-i", volume, "::" + folder], capture_output=True)
            if isinstance(content, str):
                text = self.folder / "text"
                text.write_text(content)
                content = text
            tool("mcopy", "-o", "-i", volume, content, "::" + path)
        disk = self.folder / "disk.raw"
        disk.write_bytes(b"")
        os.truncate(disk, 64 * MIB)
        tool("sfdisk", disk, input=f"label: gpt\nstart=2048, size={40 * 2048}, type={ESP}\n".encode())
        with open(disk, "r+b") as out:
            out.seek(MIB)
            out.write(volume.read_bytes())
        return disk

    def installed(self, generations, default=None, extra=None):
        """A disk as systemd-boot's installer leaves it; `generations` is {number: command line}."""
        files = {"/EFI/nixos/kernel.efi": self.kernel,
                 "/loader/loader.conf": "timeout 5\n" + (f"default {default}\n" if default else "")}
        for number, options in generations.items():
            files[f"/loader/entries/nixos-generation-{number}.conf"] = (
                "title NixOS\nsort-key nixos\n"
                f"version Generation {number} NixOS 24.05.{number}, Linux Kernel 6.6.{number}, Built on 2024-06-0{number}\n"
                f"linux /EFI/nixos/kernel.efi\noptions {options}\nmachine-id 11111111111111111111111111111111\n")
        return self.esp(files | (extra or {}))

    def root(self, label):
        """A root file system of that label."""
        root = self.folder / "root.raw"
        root.write_bytes(b"")
        os.truncate(root, 8 * MIB)
        tool("mkfs.ext4", "-q", "-L", label, root)
        return root

    def toplevel(self, name="result", **changes):
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(self.kernel, folder / "bzImage")
        spec = {"kernel": str(folder / "bzImage"), "kernelParams": ["loglevel=4"], "init": SYSTEM + "/init",
                "label": "NixOS Test", "system": "x86_64-linux", "toplevel": SYSTEM} | changes
        document = {"org.nixos.bootspec.v1": spec,
                    "org.nixos.specialisation.v1": {"slim": {"org.nixos.bootspec.v1": spec | {"kernelParams": ["slim"]}}},
                    "org.example.v9": {"anything": 1}}
        (folder / "boot.json").write_text(json.dumps(document))
        return folder
