#!/usr/bin/env python3
"""Guests that look as NixOS does, each broken in one way that happens to people: what `husk check` says of it, and `husk list`.

    tests/nixos/broken_test.py HUSK KERNEL_FOLDER [unittest's own arguments]

KERNEL_FOLDER is one of the lab's, build/lab/kernels/6.1, with another series beside it.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

import disk  # noqa: E402
from broken_guests import SCRIPT, SYSTEMD, Workshop, with_initrd  # noqa: E402
from build_initrd import build_initrd  # noqa: E402
from initrd import Mount, pack  # noqa: E402
from modules import Kernel  # noqa: E402
from stage1_script import scripted_tree  # noqa: E402
from store import Store  # noqa: E402

HUSK, KERNEL = map(pathlib.Path, sys.argv[1:3]) if len(sys.argv) >= 3 else sys.exit(__doc__)
SECRETS = dataclasses.replace(SCRIPT, label="24.05.20260203.5ecre7", initrd_secrets=(("etc/ssh/host-key", "private\n"),))
LONG = dataclasses.replace(SCRIPT, label="24.05.20260204.10ng", params=("console=ttyS0", *(f"systemd.setenv=V{i}={'x' * 96}" for i in range(20))))


def husk(*command) -> subprocess.CompletedProcess:
    return subprocess.run([HUSK, *map(str, command)], capture_output=True, text=True, timeout=60)


def with_params(system, *params: str):
    return dataclasses.replace(system, params=params)


def on_boot(boot: pathlib.Path, part: str) -> pathlib.Path:
    """The kernel or initrd that the installer copied."""
    return next((boot / "EFI/nixos").glob(f"*{part}*"))


class BrokenGuests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Workshop(KERNEL.resolve())

    # --- asking

    def check_system(self, system, *disks: pathlib.Path) -> tuple[int, list[str]]:
        """`husk check` of a toplevel with these disks, or with the root that it waits for."""
        attached = [word for image in disks or (self.shop.root_disk,) for word in ("--disk", image)]
        return self.check(self.shop.toplevel(system), *attached)

    def check(self, source: pathlib.Path, *options) -> tuple[int, list[str]]:
        """Status, and what it found: without the last line, which names the source and the verdict."""
        done = husk("check", source, *options)
        self.assertEqual(done.stderr, "")
        *findings, verdict = done.stdout.splitlines()
        self.assertTrue(verdict.startswith(f"{source}, "), verdict)
        self.assertTrue(verdict.endswith("will not boot as it is" if done.returncode else "nothing that keeps it from booting was found"))
        return done.returncode, findings

    def listed(self, source: pathlib.Path) -> list[str]:
        """The entries that `husk list` shows, the default one with its mark."""
        done = husk("list", source)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        rows = lines[1:lines.index("* boots by default")]
        return ["* " * row.startswith("*") + row[2:].split()[0] for row in rows] + [line for line in lines if line.startswith("note:")]

    # --- judging

    def assert_sound(self, found):
        self.assertEqual(found, (0, []))

    def assert_says(self, found, status: int, sentence: str):
        """One finding, and `sentence` is how it goes; "..." stands for what is not for this test to say."""
        self.assertEqual(found[0], status, found[1])
        self.assertEqual(len(found[1]), 1, found[1])
        self.assertRegex(found[1][0], "^" + ".*".join(map(re.escape, sentence.split("..."))) + "$")

    def assert_will_not_boot(self, found, sentence: str):
        self.assert_says(found, 6, f"will not boot: {sentence}")

    def assert_may_surprise(self, found, sentence: str):
        self.assert_says(found, 0, f"may surprise: {sentence}")

    def assert_refused(self, source: pathlib.Path, sentence: str, command: str = "check"):
        """Nothing can be checked: one sentence on standard error."""
        done = husk(command, source)
        self.assertEqual((done.returncode, done.stdout), (6, ""))
        self.assertRegex(done.stderr, "^husk: " + ".*".join(map(re.escape, f"{source}: {sentence}".split("..."))) + "\n$")

    # --- what is not broken

    def test_sound_systems(self):
        for system in (SCRIPT, SYSTEMD):
            self.assert_sound(self.check_system(system))
            self.assertEqual(self.listed(self.shop.toplevel(system)), ["* system"])

    def test_sound_disk_with_both_kinds_of_stage_1_and_appended_secrets(self):
        image = self.shop.installed(SCRIPT, SYSTEMD, SECRETS)
        self.assertEqual(self.listed(image), ["* nixos-generation-3", "nixos-generation-2", "nixos-generation-1"])
        for generation in (1, 2, 3):
            self.assert_sound(self.check(image, "--generation", str(generation)))

    # --- drivers

    def test_initrd_for_a_machine_with_sata_disks(self):
        system = with_initrd(SCRIPT, available=("ahci", "nvme", "sd_mod", "xhci_pci"), forced=())
        self.assert_will_not_boot(self.check_system(system), "the initrd has no virtio_mmio and virtio_blk, ...qemu-guest.nix...")

    def test_initrd_without_virtio_blk(self):
        system = with_initrd(SYSTEMD, available=("virtio_net", "virtio_pci", "virtio_mmio"))
        self.assert_will_not_boot(self.check_system(system), 'the initrd has no virtio_blk, so no disk will be found: ...[ "virtio_blk" ];')

    def test_initrd_for_virtio_by_pci_as_qemu_has_it(self):
        system = with_initrd(SCRIPT, available=("ahci", "virtio_pci", "virtio_blk", "sr_mod"))
        self.assert_will_not_boot(self.check_system(system), "the initrd drives virtio by PCI (virtio_pci) and has no virtio_mmio; "
                                  'this machine has no PCI, ...[ "virtio_mmio" ];')

    def test_root_of_a_type_without_driver(self):
        for system, point, kind in ((SCRIPT, "/", "xfs"), (SYSTEMD, "/sysroot/", "btrfs")):
            system = with_initrd(system, mounts=(Mount("/dev/disk/by-label/nixos", type=kind),))
            self.assert_will_not_boot(self.check_system(system), f"stage 1 mounts {point} as {kind}, and the initrd has no driver for it: "
                                      f'add to its configuration boot.initrd.availableKernelModules = [ "{kind}" ];')

    # --- consoles

    def test_console_is_a_screen(self):
        self.assert_may_surprise(self.check_system(with_params(SCRIPT, "console=tty0")),
                                 'the only console is tty0, which this machine does not have: ...[ "console=ttyS0" ];')

    def test_console_is_a_module_that_a_scripted_stage_1_does_not_wait_for(self):
        self.assert_will_not_boot(self.check_system(with_params(SCRIPT, "console=hvc0")), "the only console is hvc0, ...hangs in silence...")

    # --- the root file system

    def test_root_label_on_no_attached_disk(self):
        other = self.shop.file_system("root")
        sentence = ("stage 1 waits for a file system with the label nixos, which no attached disk has (the labels there are: {}): "
                    "attach that disk (--disk), or name the file system as it is")
        self.assert_will_not_boot(self.check_system(SYSTEMD, other), sentence.format("root"))
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, root=other)), sentence.format("BOOT, root"))

    def test_root_disk_is_not_attached(self):
        self.assert_may_surprise(self.check(self.shop.toplevel(SCRIPT)),
                                 "stage 1 waits for a file system with the label nixos: attach the disk that has it (--disk)")

    def test_root_by_the_name_of_a_sata_disk(self):
        self.assert_will_not_boot(self.check_system(with_initrd(SCRIPT, mounts=(Mount("/dev/sda1"),))),
                                  "stage 1 waits for /dev/sda1, but the disks here are /dev/vda, ...by-label/...")

    def test_root_by_gpt_auto(self):
        system = with_initrd(with_params(SYSTEMD, "console=ttyS0", "root=gpt-auto"), mounts=())
        self.assert_will_not_boot(self.check_system(system), 'root=gpt-auto finds ...UEFI...: boot.initrd.systemd.root = "fstab"; ...')

    def test_encrypted_root_and_nothing_to_open_it(self):
        for system in (SCRIPT, SYSTEMD):
            self.assert_will_not_boot(self.check(self.shop.installed(system, root=self.shop.encrypted())),
                                      "stage 1 waits for ...label nixos, ...encrypted by LUKS, for which the initrd has no cryptsetup: "
                                      "add boot.initrd.luks.devices.NAME...")

    # --- the entry

    def test_command_line_is_too_long(self):
        for source in (self.shop.toplevel(LONG), self.shop.installed(SCRIPT, LONG)):
            named = f"{source}/boot.json" if source.is_dir() else str(source)
            done = husk("check", source)
            self.assertEqual((done.returncode, done.stdout), (6, ""))
            self.assertRegex(done.stderr, rf"^husk: {named}: the command line of its entry has \d{{4}} bytes; a kernel takes at most 2047, "
                             r"and would lose the rest: shorten boot\.kernelParams\n$")
            self.assertIn("* nixos-generation-2" if source.is_file() else "* system", self.listed(source))

    def test_entry_without_init(self):
        def mishap(boot):
            entry = boot / "loader/entries/nixos-generation-1.conf"
            entry.write_text(re.sub(r"init=\S+ ", "", entry.read_text()))
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, mishap=mishap)), "the command line has no init=, ...")

    def test_secrets_of_a_system_are_not_appended(self):
        self.assert_will_not_boot(self.check_system(SECRETS), "the initrd lacks its secrets: ...append-initrd-secrets, which husk does not run. ...")

    # --- the initrd

    def test_initrd_is_cut_as_by_a_full_esp(self):
        def mishap(boot):
            initrd = on_boot(boot, "initrd")
            initrd.write_bytes(initrd.read_bytes()[:4 * disk.MIB])
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, mishap=mishap)),
                                  "the initrd is damaged: it ends in the middle of compressed data. ...nixos-rebuild boot)")

    def test_initrd_for_another_kernel(self):
        other = Kernel(next(folder for folder in KERNEL.resolve().parent.iterdir() if folder.name != KERNEL.name))

        def mishap(boot):
            on_boot(boot, "initrd").write_bytes(build_initrd(SCRIPT.initrd, other, self.shop.sysroot))
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, mishap=mishap)),
                                  f"the initrd has modules for Linux {other.release}, but the kernel is {self.shop.kernel.release}, ...")

    def test_initrd_packed_from_one_folder_up(self):
        tree = self.shop.work / "packed/initrd"

        def mishap(boot):
            tree.mkdir(parents=True)
            scripted_tree(SCRIPT.initrd, self.shop.kernel, self.shop.sysroot, Store(tree))
            on_boot(boot, "initrd").write_bytes(pack(tree.parent, SCRIPT.initrd.compress))
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, mishap=mishap)),
                                  "the initrd has no /init, so Linux starts nothing of it, and the drivers of the disks stay unloaded: ...")

    def test_initrd_compressed_as_husk_cannot_unpack(self):
        for compress in (("lz4", "-l", "-q", "-c"), ("bzip2", "-1", "-c")):
            self.assert_may_surprise(self.check_system(with_initrd(SCRIPT, compress=compress)),
                                     f"the initrd is compressed by {compress[0]}, which husk does not unpack, ...")

    def test_initrd_compressed_as_linux_cannot_unpack(self):
        self.assert_will_not_boot(self.check_system(with_initrd(SCRIPT, compress=("lz4", "-q", "-c"))),
                                  'the initrd is damaged: ...an lz4 frame, which Linux does not unpack: "lz4 -l" ...')

    # --- the kernel and the ESP

    def test_kernel_is_zeros_as_after_a_power_cut(self):
        def mishap(boot):
            kernel = on_boot(boot, "bzImage")
            kernel.write_bytes(bytes(kernel.stat().st_size))
        self.assert_will_not_boot(self.check(self.shop.installed(SCRIPT, mishap=mishap)),
                                  "the kernel is neither a bzImage nor an ELF file: it is damaged, or for another architecture")

    def test_kernel_or_initrd_is_missing_on_the_esp(self):
        for part, what in (("bzImage", "kernel"), ("initrd", "initrd")):
            image = self.shop.installed(SCRIPT, mishap=lambda boot: on_boot(boot, part).unlink())
            self.assert_refused(image, f'the boot entry "nixos-generation-1": its {what} /EFI/nixos/... is not there: boot another entry ...')
            self.assertEqual(self.listed(image), ["* nixos-generation-1"])

    def test_esp_without_entries(self):
        image = self.shop.installed(SCRIPT, mishap=lambda boot: shutil.rmtree(boot / "loader"))
        for command in ("check", "list"):
            self.assert_refused(image, "no boot entries: no /loader/entries/*.conf and no extlinux.conf on its ESP; ...", command)

    def test_grub_with_everything_on_the_root_file_system(self):
        image = self.shop.work / "grub.img"
        disk.gpt(image, [("ef02", "bios", self.shop.root_disk), (disk.ROOT, "nixos", self.shop.root_disk)])
        for command in ("check", "list"):
            self.assert_refused(image, "no boot entries: it has no FAT file system, ...", command)

    def test_default_of_loader_conf_was_collected(self):
        def mishap(boot):
            (boot / "loader/loader.conf").write_text("timeout 5\ndefault nixos-generation-7.conf\n")
        image = self.shop.installed(SCRIPT, SYSTEMD, mishap=mishap)
        note = 'note: loader.conf asks for "nixos-generation-7.conf", of which there is no usable entry'
        self.assertEqual(self.check(image), (0, [note]))
        self.assertEqual(self.listed(image), ["* nixos-generation-2", "nixos-generation-1", note])

    # --- the system's folder

    def test_system_was_copied_without_its_closure(self):
        whole = self.shop.toplevel(SCRIPT)
        alone = self.shop.work / "alone/nix/store" / whole.name
        shutil.copytree(whole, alone, symlinks=True)
        done = husk("check", alone)
        self.assertEqual((done.returncode, done.stdout), (6, ""))
        self.assertRegex(done.stderr, r"^husk: cannot use kernel /nix/store/\S+/bzImage: it is not there; copy the system .* \(nix copy\)\n$")

    def test_system_for_another_architecture(self):
        system = self.shop.toplevel(dataclasses.replace(SCRIPT, label="24.05.20260205.aarch64"))
        spec = system / "boot.json"
        spec.write_text(spec.read_text().replace("x86_64-linux", "aarch64-linux"))
        for command in ("check", "list"):
            done = husk(command, system)
            self.assertEqual((done.returncode, done.stdout), (6, ""))
            self.assertEqual(done.stderr, f'husk: {spec}: it is for "aarch64-linux", and husk runs x86_64-linux\n')


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
