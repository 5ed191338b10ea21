"""Boot sources: NixOS systems, installed disks and ISOs; husk list, husk check, husk image store."""

import json
import os
import shutil
import signal

import harness
from source_images import MIB, SYSTEM, SourceTest, tool


class Sources(SourceTest):
    # --- a NixOS system

    def test_a_toplevel_boots_with_its_parameters_init_and_a_console(self):
        done = self.source("--nixos", self.toplevel())
        self.assertEqual(done.stderr, b"")
        self.assertEqual(set(done.stdout.decode().split()),
                         {"loglevel=4", f"init={SYSTEM}/init", "console=ttyS0"})

    def test_a_console_that_is_named_stays_as_it_is(self):
        folder = self.toplevel(kernelParams=["console=hvc0"])
        done = self.source("--nixos", folder, "--cmdline", "quiet")
        self.assertNotIn(b"ttyS0", done.stdout)
        self.assertIn(b" quiet\n", done.stdout)

    def test_a_specialisation_boots_by_name(self):
        done = self.source("--nixos", self.toplevel(), "--specialisation", "slim")
        self.assertIn("slim", done.stdout.decode().split())

    def test_a_specialisation_that_is_not_there_is_6_and_names_those_that_are(self):
        done = self.source("--nixos", self.toplevel(), "--specialisation", "fat")
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, "fat", "slim")

    def test_secrets_are_refused_unless_ignored(self):
        folder = self.toplevel(initrdSecrets="/nix/store/x-append-initrd-secrets/bin/append-initrd-secrets")
        done = self.source("--nixos", folder)
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, "secrets", "--ignore-secrets")
        self.assertEqual(self.source("--nixos", folder, "--ignore-secrets").returncode, 0)

    def test_a_copied_store_is_used_in_the_place_of_the_hosts(self):
        kernel = self.folder / "mnt/nix/store/0a-linux-6.6.32/bzImage"
        kernel.parent.mkdir(parents=True)
        shutil.copy(self.kernel, kernel)
        system = self.toplevel("mnt/nix/store/0b-nixos-system", kernel="/nix/store/0a-linux-6.6.32/bzImage")
        self.assertEqual(self.source("--nixos", system).returncode, 0)

    def test_a_system_cannot_have_other_files_of_the_host_in_its_guest(self):
        secret = self.folder / "secret"
        secret.write_text("private")
        folder = self.toplevel(initrd=str(secret))
        done = self.source("--nixos", folder)
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, str(secret), "/nix/store")
        # Nor by a link, nor by a way up.
        (folder / "initrd").symlink_to(secret)
        for name in (folder / "initrd", folder / "../secret"):
            document = json.loads((folder / "boot.json").read_text())
            document["org.nixos.bootspec.v1"]["initrd"] = str(name)
            (folder / "boot.json").write_text(json.dumps(document))
            self.assertEqual(self.source("--nixos", folder).returncode, 6)

    def test_an_older_toplevel_boots_without_boot_json(self):
        folder = self.folder / "old"
        folder.mkdir()
        shutil.copy(self.kernel, folder / "kernel")
        (folder / "initrd").write_bytes(b"x" * 512)
        (folder / "kernel-params").write_text("loglevel=7")
        done = self.source("--nixos", folder)
        self.assertEqual(set(done.stdout.decode().split()), {"loglevel=7", f"init={folder}/init", "console=ttyS0"})

    def test_a_netboot_output_boots_with_the_init_of_its_script(self):
        folder = self.folder / "netboot"
        folder.mkdir()
        shutil.copy(self.kernel, folder / "bzImage")
        (folder / "initrd").write_bytes(b"x" * 512)
        (folder / "netboot.ipxe").write_text("#!ipxe\n# Use the cmdline variable to allow the user to specify custom kernel params\n"
                                             f"kernel bzImage init={SYSTEM}/init initrd=initrd loglevel=4 ${{cmdline}}\ninitrd initrd\nboot\n")
        done = self.source("--nixos", folder)
        self.assertEqual(done.stderr, b"")
        words = set(done.stdout.decode().split())
        self.assertLessEqual({f"init={SYSTEM}/init", "loglevel=4", "console=ttyS0"}, words)
        self.assertNotIn("${cmdline}", words)

    def test_a_command_line_that_is_too_long_is_6_and_never_cut(self):
        done = self.source("--nixos", self.toplevel(kernelParams=["x" * 100] * 21))
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, "2047")

    # --- an installed disk

    def test_the_default_of_loader_conf_boots(self):
        disk = self.installed({1: "one", 2: "two", 3: "three"}, default="nixos-generation-2.conf")
        done = self.source("--disk", disk, "--boot", "disk")
        self.assert_prints(done, "two console=ttyS0")
        self.assertEqual(len(done.booted), 1)
        self.assertIn(b"generation 2", done.booted[0])

    def test_a_generation_boots_by_number_and_by_name(self):
        disk = self.installed({1: "one", 2: "two"})
        self.assert_prints(self.source("--disk", disk, "--boot", "disk", "--generation", "1"), "one console=ttyS0")
        done = self.source("--disk", disk, "--boot", "disk", "--generation", "nixos-generation-2")
        self.assert_prints(done, "two console=ttyS0")

    def test_a_generation_that_is_not_there_is_6(self):
        done = self.source("--disk", self.installed({1: "one", 2: "two"}), "--boot", "disk", "--generation", "9")
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, "generation 9", "1", "2")

    def test_entries_are_read_again_at_a_reboot(self):
        # The first boot, of generation 1, resets; the next one takes the default.
        disk = self.installed({1: "reset", 2: "two"})
        done = self.source("--disk", disk, "--boot", "disk", "--generation", "1", "--once")
        self.assert_prints(done, "reset console=ttyS0\ntwo console=ttyS0")
        self.assertEqual(len(done.booted), 2)

    def test_a_disk_without_anything_to_boot_is_6(self):
        done = self.source("--disk", self.esp({"/readme": "nothing"}), "--boot", "disk")
        self.assertEqual(done.returncode, 6)
        self.assert_one_sentence(done.stderr, "disk.raw", "loader/entries")

    def test_extlinux_boots(self):
        conf = ("TIMEOUT 50\nDEFAULT nixos-default\nLABEL nixos-default\n  MENU LABEL NixOS - Default\n"
                "  LINUX ../nixos/kernel\n  APPEND init=/x/init loglevel=4\n")
        disk = self.esp({"/extlinux/extlinux.conf": conf, "/nixos/kernel": self.kernel})
        self.assert_prints(self.source("--disk", disk, "--boot", "disk"), "init=/x/init loglevel=4 console=ttyS0")

    # --- an ISO

    def iso(self):
        tree = self.folder / "tree"
        (tree / "isolinux").mkdir(parents=True)
        (tree / "boot/nix/store/0a-linux").mkdir(parents=True)
        shutil.copy(self.kernel, tree / "boot/nix/store/0a-linux/bzImage")
        (tree / "isolinux/isolinux.cfg").write_text(
            "SERIAL 0 115200\nDEFAULT boot\nLABEL boot\nMENU LABEL NixOS Installer\nLINUX /boot//nix/store/0a-linux/bzImage\n"
            "APPEND init=/nix/store/x/init root=LABEL=nixos-minimal loglevel=4\n")
        image = self.folder / "nixos.iso"
        tool("xorriso", "-as", "mkisofs", "-quiet", "-volid", "nixos-minimal", "-rational-rock", "-o", image, tree)
        return image

    def test_an_iso_boots(self):
        self.assert_prints(self.source("--iso", self.iso()),
                           "init=/nix/store/x/init root=LABEL=nixos-minimal loglevel=4 console=ttyS0")

    # --- husk list

    def test_list_shows_generations_and_the_default(self):
        listed = self.husk("list", self.installed({1: "one", 2: "two"}, default="nixos-generation-1.conf"))
        self.assertEqual((listed.returncode, listed.stderr), (0, b""))
        lines = listed.stdout.decode().splitlines()
        self.assertEqual(lines[0].split(), ["ENTRY", "GENERATION", "SPECIALISATION", "LABEL", "KERNEL", "DATE"])
        self.assertEqual(lines[1].split()[:3], ["nixos-generation-2", "2", "-"])
        self.assertEqual(lines[2].split()[:4], ["*", "nixos-generation-1", "1", "-"])
        self.assertIn("6.6.1", lines[2])
        self.assertIn("2024-06-01", lines[2])

    def test_list_as_json_holds_the_specialisations(self):
        listed = self.husk("list", "--json", self.toplevel())
        entries = json.loads(listed.stdout)["entries"]
        self.assertEqual([entry["specialisation"] for entry in entries], ["", "slim"])
        self.assertEqual([entry["default"] for entry in entries], [True, False])

    def test_list_of_what_is_no_source_is_6(self):
        junk = self.folder / "junk"
        junk.write_bytes(os.urandom(MIB))
        for source in (junk, self.folder, self.folder / "absent"):
            listed = self.husk("list", source)
            self.assertEqual(listed.returncode, 6)
            self.assert_one_sentence(listed.stderr, str(source))

    # --- husk check

    def test_check_says_what_will_not_boot_and_how_to_mend_it(self):
        checked = self.husk("check", self.toplevel(kernelParams=["root=LABEL=nixos"]), "--disk", self.root("other"))
        self.assertEqual((checked.returncode, checked.stderr), (6, b""))
        said = checked.stdout.decode()
        self.assertRegex(said, "^will not boot: .*nixos.*other")
        self.assertTrue(said.endswith("will not boot as it is\n"), said)

    def test_check_takes_file_systems_of_other_disks_into_account(self):
        root = self.root("nixos")
        folder = self.toplevel(kernelParams=["root=LABEL=nixos"])
        self.assertIn("nixos", self.husk("check", folder).stdout.decode())
        self.assertNotIn("LABEL", self.husk("check", folder, "--disk", root).stdout.decode())

    def test_check_of_an_installed_disk_looks_at_the_entry_that_is_asked_for(self):
        disk = self.installed({1: "init=/x/init", 2: "init=/x/init"})
        self.assertIn("generation 1", self.husk("check", disk, "--generation", "1").stdout.decode())
        self.assertIn("generation 2", self.husk("check", disk).stdout.decode())

    def test_check_says_that_loader_conf_names_no_entry(self):
        disk = self.installed({1: "init=/x/init"}, default="nixos-generation-7.conf")
        self.assertRegex(self.husk("check", disk).stdout.decode(), '(?m)^note: .*"nixos-generation-7.conf".*no usable entry$')

    def test_check_of_what_does_not_open_is_6(self):
        for source in (self.folder / "absent", self.folder):
            checked = self.husk("check", source)
            self.assertEqual(checked.returncode, 6)
            self.assert_one_sentence(checked.stderr, str(source))

    # --- husk image store

    def store(self):
        """Two store paths, and a file that lists them."""
        paths = []
        for name in ("0a-hello", "0b-nixos-system"):
            path = self.folder / "nix/store" / name
            path.mkdir(parents=True)
            (path / "file").write_text(name)
            paths.append(path)
        listed = self.folder / "store-paths"
        listed.write_text("".join(f"{path}\n" for path in paths))
        return paths, listed

    def test_a_store_image_holds_the_closure(self):
        paths, listed = self.store()
        out = self.folder / "store.squashfs"
        made = self.husk("image", "store", paths[1], out, "--closure", listed)
        self.assertEqual((made.returncode, made.stderr), (0, b""))
        self.assertIn(b"2 store paths", made.stdout)
        names = tool("unsquashfs", "-l", "-d", "", out).stdout.decode().split()
        self.assertEqual([name for name in names if name.endswith("file")], ["/0a-hello/file", "/0b-nixos-system/file"])
        self.assertEqual(out.stat().st_size % 512, 0)

    def test_a_store_image_of_one_path_keeps_its_name(self):
        paths, listed = self.store()
        listed.write_text(f"{paths[0]}\n")
        out = self.folder / "store.squashfs"
        self.assertEqual(self.husk("image", "store", paths[0], out, "--closure", listed).returncode, 0)
        self.assertIn("/0a-hello/file", tool("unsquashfs", "-l", "-d", "", out).stdout.decode().split())

    def test_a_store_image_that_cannot_be_made_leaves_nothing(self):
        paths, listed = self.store()
        out = self.folder / "store.squashfs"
        listed.write_text("/etc/passwd\n")
        made = self.husk("image", "store", paths[0], out, "--closure", listed)
        self.assertEqual(made.returncode, 6)
        self.assert_one_sentence(made.stderr, "/etc/passwd", "store")
        listed.write_text(f"{paths[0]}\n{self.folder}/nix/store/0c-absent\n")
        made = self.husk("image", "store", paths[0], out, "--closure", listed)
        self.assert_one_sentence(made.stderr, "0c-absent", "No such file")
        self.assertEqual(list(self.folder.glob("store.squashfs*")), [])

    # --- a guest that waits for its disk

    def explanation(self, *options):
        """What husk says when a guest has waited for its disk for too long."""
        husk = self.start(self.command("cmdline", "--cmdline", "Timed out waiting for device /dev/disk/by-label/nixos",
                                       *map(str, options)))
        line = husk.stderr.readline()
        while line and b"waiting for a device" not in line:
            line = husk.stderr.readline()
        said = self.stop_twice(husk)
        self.assertNotIn(b"waiting for a device", said)
        self.assert_ended(husk, 128 + signal.SIGTERM)
        return line.decode()

    def initrd(self, *modules):
        """One with a scripted first stage and these modules."""
        tree = self.folder / "initrd-tree"
        folder = tree / "nix/store/0a-linux-modules-shrunk/lib/modules/6.6.32/kernel"
        folder.mkdir(parents=True)
        for module in modules:
            (folder / f"{module}.ko").write_bytes(b"x")
        (tree / "init").write_text("#!/nix/store/0b-extra-utils/bin/ash\n")
        archive = self.folder / "initrd"
        names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*"))) + "\n"
        archive.write_bytes(tool("cpio", "--quiet", "-o", "-H", "newc", cwd=tree, input=names.encode()).stdout)
        return archive

    def test_a_guest_without_a_disk_that_waits_for_one_is_told_so(self):
        self.assertIn("no disk", self.explanation())

    def test_a_guest_that_waits_because_its_initrd_lacks_a_driver_is_explained(self):
        said = self.explanation("--initrd", self.initrd("virtio_mmio", "ext4"), "--disk", self.root("nixos"))
        self.assertIn("virtio_blk", said)
        self.assertIn("qemu-guest.nix", said)


if __name__ == "__main__":
    harness.main()
