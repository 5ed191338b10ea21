"""husk's NixOS modules, its flake and its package, evaluated against stubs: tests/nix/stubs stands for nixpkgs."""

import pathlib
import unittest

import nix

# Settings of systemd that imply NoNewPrivileges for a service with a user (systemd.exec(5)), which would forbid the
# roles' SELinux transition; and those that take what husk needs.
FORBIDDEN = {"NoNewPrivileges", "DynamicUser", "LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices",
             "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
             "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
             "SystemCallArchitectures", "SystemCallFilter", "SystemCallLog", "PrivateUsers"}


def words_of_unit(line):
    """The arguments that systemd makes of ExecStart=, by systemd.service(5): each is in double quotes here."""
    words, at = [], 0
    while at < len(line):
        assert line[at] == '"', f"not quoted: {line[at:]}"
        at += 1
        word = ""
        while line[at] != '"':
            two = line[at:at + 2]
            if two[0] == "\\":
                word += {"n": "\n", "t": "\t", "r": "\r"}.get(two[1], two[1])
            elif two in ("%%", "$$"):
                word += two[0]
            else:
                assert two[0] not in "%$", f"a specifier or variable: {line[at:]}"
                word += two[0]
                at -= 1
            at += 2
        words.append(word)
        at += 2
    return words


# The README's.
VM_A = {"tap": "vm-a", "mac": "52:54:00:09:00:02", "ip": ["10.9.0.2"], "isolated": True, "peers": ["52:54:00:09:00:03"]}


def vms(**given):
    return {"services": {"husk": {"vms": given}}}


def service(**vm):
    return nix.value("host", vms(web=vm))["systemd"]["services"]["husk-web"]


class Files(unittest.TestCase):
    def test_every_expression_parses(self):
        files = sorted(nix.SOURCES.glob("**/*.nix")) + sorted(nix.HERE.glob("**/*.nix"))
        self.assertGreater(len(files), 12)
        for path in files:
            with self.subTest(file=path.name):
                self.assertEqual(nix.parse_error(path), "")

    def test_a_file_with_a_fault_does_not_parse(self):
        self.assertIn("syntax error", nix.parse_error(nix.HERE / "nix.py"))

    def test_no_expression_imports_a_removed_profile(self):
        for path in nix.SOURCES.glob("*.nix"):
            code = "\n".join(line for line in path.read_text().splitlines() if not line.strip().startswith("#"))
            with self.subTest(file=path.name):
                self.assertNotRegex(code, r"profiles/|linux_hardened|linuxPackages_hardened")


class Guest(unittest.TestCase):
    def test_initrd_has_the_drivers_of_husks_devices_beside_those_it_had(self):
        initrd = nix.value("guest")["boot"]["initrd"]
        self.assertLessEqual({"virtio_mmio", "virtio_blk", "ahci"}, set(initrd["availableKernelModules"]))
        self.assertEqual(initrd["kernelModules"], ["virtio_console"])
        self.assertTrue(initrd["systemd"]["enable"])

    def test_hvc0_is_the_last_console_and_has_a_getty(self):
        guest = nix.value("guest")
        self.assertEqual(guest["boot"]["kernelParams"], ["console=ttyS0", "console=hvc0"])
        getty = guest["systemd"]["services"]["serial-getty@hvc0"]
        self.assertEqual(getty, {"overrideStrategy": "asDropin", "wantedBy": ["getty.target"]})

    def test_disk_boots_without_firmware(self):
        loader = nix.value("guest")["boot"]["loader"]
        self.assertEqual(loader, {"grub": {"enable": False}, "systemd-boot": {"enable": True},
                                  "efi": {"canTouchEfiVariables": False}})

    def test_configuration_overrules_defaults(self):
        guest = nix.value("guest", {"networking": {"useNetworkd": False},
                                    "boot": {"loader": {"systemd-boot": {"enable": False}}}})
        self.assertFalse(guest["networking"]["useNetworkd"])
        self.assertFalse(guest["boot"]["loader"]["systemd-boot"]["enable"])


class HardenedGuest(unittest.TestCase):
    def test_is_a_guest_once_with_more_kernel_parameters(self):
        parameters = nix.value("hardened")["boot"]["kernelParams"]
        self.assertEqual(parameters.count("console=hvc0"), 1)
        self.assertLessEqual({"slab_nomerge", "init_on_alloc=1", "init_on_free=1", "page_alloc.shuffle=1",
                              "randomize_kstack_offset=on", "vsyscall=none"}, set(parameters))
        self.assertFalse({"nomodule", "pci=off", "acpi=off"} & set(parameters))

    def test_sysctls_overrule_nixpkgs_and_give_way_to_the_configuration(self):
        sysctl = nix.value("hardened", {"boot": {"kernel": {"sysctl": {"kernel.sysrq": 176}}}})["boot"]["kernel"]["sysctl"]
        self.assertEqual(sysctl["kernel.kptr_restrict"], 2)
        self.assertEqual(sysctl["kernel.unprivileged_bpf_disabled"], 1)
        self.assertEqual(sysctl["kernel.sysrq"], 176)

    def test_allocator_is_graphenes_light_one_unless_said_otherwise(self):
        other = {"environment": {"memoryAllocator": {"provider": "libc"}}}
        self.assertEqual(nix.value("hardened")["environment"]["memoryAllocator"]["provider"], "graphene-hardened-light")
        self.assertEqual(nix.value("hardened", other)["environment"]["memoryAllocator"]["provider"], "libc")

    def test_file_systems_of_store_disks_are_not_blocked(self):
        blocked = set(nix.value("hardened")["boot"]["blacklistedKernelModules"])
        self.assertIn("cramfs", blocked)
        self.assertFalse({"erofs", "squashfs", "overlay", "ext4", "vfat", "isofs"} & blocked)


class Host(unittest.TestCase):
    def test_without_vms_nothing_is_configured(self):
        host = nix.value("host")
        self.assertEqual((host["systemd"], host["users"], host["environment"]), ({}, {}, {}))

    def test_unit_runs_husk_with_what_the_vm_says(self):
        unit = service(bootDisk=True, generation=12, cpus=4, memory="2G", cmdline="quiet splash",
                       disks=["root.raw", {"path": "/dev/vg/data", "readOnly": True, "serial": "data"}],
                       extraArgs=["--require=selinux"])
        self.assertEqual(words_of_unit(unit["serviceConfig"]["ExecStart"]), [
            "/stub/husk/bin/husk", "run", "--name=web", "--disk=root.raw", "--disk=/dev/vg/data,ro,serial=data",
            "--boot=disk", "--generation=12", "--cmdline=quiet splash", "--cpus=4", "--memory=2G",
            "--console=unix=/run/husk-web/console", "--on-reboot=restart", "--require=selinux"])

    def test_odd_names_reach_husk_as_they_are(self):
        path = "/srv/a, \"b\" 100% $HOME ${HOME} 'c' \\ %n.raw"
        words = words_of_unit(service(bootDisk=True, disks=[path])["serviceConfig"]["ExecStart"])
        self.assertIn("--disk=" + path.replace(",", ",,"), words)

    def test_toplevel_on_the_host_is_booted(self):
        unit = service(nixos="/nix/store/x-nixos-system", specialisation="quiet")
        words = words_of_unit(unit["serviceConfig"]["ExecStart"])
        self.assertLess({"--nixos=/nix/store/x-nixos-system", "--specialisation=quiet"}, set(words))

    def test_only_the_launcher_is_asked_to_stop(self):
        config = service(bootDisk=True, disks=["a"], stopTimeout="30s")["serviceConfig"]
        self.assertEqual((config["KillMode"], config["TimeoutStopSec"]), ("mixed", "30s"))

    def test_what_cannot_get_better_is_not_started_again(self):
        config = service(bootDisk=True, disks=["a"], onReboot="exit")["serviceConfig"]
        self.assertEqual((config["Restart"], config["RestartPreventExitStatus"]), ("on-failure", "2 5 6 7"))
        self.assertEqual(config["SuccessExitStatus"], [3])

    def test_hardening_leaves_husks_own_confinement_possible(self):
        config = service(bootDisk=True, disks=["a"])["serviceConfig"]
        self.assertEqual(FORBIDDEN & set(config), set())
        self.assertEqual((config["CapabilityBoundingSet"], config["ProtectSystem"]), ("", "full"))

    def test_devices_are_kvm_and_the_vms_own(self):
        config = service(iso="/dev/sr0", disks=["root.raw", "/dev/a b%", {"path": "/dev/c", "readOnly": True}])
        self.assertEqual(config["serviceConfig"]["DeviceAllow"],
                         ["/dev/kvm rw", '"/dev/sr0" r', '"/dev/a b%%" rw', '"/dev/c" r'])
        self.assertEqual(config["serviceConfig"]["DevicePolicy"], "closed")

    def test_devices_with_all_their_options_reach_husk(self):
        unit = service(kernel="/k", disks=[{"path": "root.raw", "ephemeral": True, "queues": 2, "discard": False}],
                       networks=[VM_A, {"passt": True, "allow": ["any"]}, {}], ports=["agent", {"name": "b", "path": "/b"}],
                       logConsole="console.log")
        self.assertEqual(words_of_unit(unit["serviceConfig"]["ExecStart"])[3:], [
            "--kernel=/k", "--disk=root.raw,ephemeral,discard=off,queues=2",
            "--net=tap=vm-a,mac=52:54:00:09:00:02,ip=10.9.0.2,isolated,peer=52:54:00:09:00:03", "--net=passt,allow=any",
            "--net=none", "--port=name=agent,unix=/run/husk-web/port-agent", "--port=name=b,unix=/b", "--cpus=1",
            "--memory=512M", "--console=unix=/run/husk-web/console", "--on-reboot=restart", "--log-console=console.log"])
        self.assertEqual(unit["path"], ["/stub/passt"])

    def test_tap_is_made_for_the_vms_user_before_the_vm_starts(self):
        host = nix.value("host", vms(web={"kernel": "/k", "networks": [VM_A, {"tap": "mine", "createTap": False}]},
                                     other={"kernel": "/k", "user": "carol", "networks": [{"tap": "t"}]}))
        self.assertEqual(host["networking"]["interfaces"], {
            tap: {"virtual": True, "virtualType": "tap", "virtualOwner": user, "useDHCP": False}
            for tap, user in (("vm-a", "husk-web"), ("t", "carol"))})
        unit = host["systemd"]["services"]["husk-web"]
        self.assertIn("network.target", unit["after"])
        self.assertEqual(unit["serviceConfig"]["DeviceAllow"], ["/dev/kvm rw", "/dev/net/tun rw"])

    def test_without_taps_there_is_no_tun_device_and_no_interface(self):
        host = nix.value("host", vms(web={"kernel": "/k", "networks": [{"passt": "/run/passt.sock"}]}))
        self.assertEqual(host["networking"]["interfaces"], {})
        unit = host["systemd"]["services"]["husk-web"]
        self.assertEqual((unit["serviceConfig"]["DeviceAllow"], unit["path"]), (["/dev/kvm rw"], []))

    def test_tap_with_several_queues_is_not_made_with_one(self):
        network = {"tap": "t", "queues": 2}
        vm = {"kernel": "/k"}
        assertions = nix.value("host", vms(a=vm | {"networks": [network]}, b=vm | {"networks": [network | {"createTap": False}]},
                                           c=vm | {"networks": [network | {"queues": 1}]}))["assertions"]
        failed = [each["message"] for each in assertions if not each["assertion"]]
        self.assertEqual(len(failed), 1)
        self.assertIn("vms.a: networking.interfaces makes taps with one queue only", failed[0])

    def test_reload_makes_husk_look_at_the_disks_again(self):
        self.assertEqual(service(kernel="/k")["serviceConfig"]["ExecReload"], "/usr/bin/kill -USR1 $MAINPID")

    def test_each_vm_has_a_user_and_folders_of_its_own(self):
        host = nix.value("host", vms(a={"bootDisk": True, "disks": ["d"]}, b={"bootDisk": True, "disks": ["d"]},
                                     c={"bootDisk": True, "disks": ["d"], "user": "carol"}))
        self.assertEqual(set(host["users"]["users"]), {"husk-a", "husk-b"})
        self.assertEqual(set(host["users"]["groups"]), {"husk-a", "husk-b"})
        self.assertTrue(host["users"]["users"]["husk-a"]["isSystemUser"])
        unit = host["systemd"]["services"]["husk-c"]
        self.assertEqual(unit["serviceConfig"]["User"], "carol")
        self.assertEqual(unit["serviceConfig"]["StateDirectory"], "husk/c")
        self.assertEqual(unit["environment"]["XDG_RUNTIME_DIR"], "/run/" + unit["serviceConfig"]["RuntimeDirectory"])
        self.assertEqual(unit["serviceConfig"]["RuntimeDirectoryPreserve"], "yes")

    def test_name_that_makes_no_user_is_an_assertion(self):
        vm = {"bootDisk": True, "disks": ["d"]}
        assertions = nix.value("host", vms(**{"x" * 26: vm, "y" * 27: vm, "Upper": vm, "Z": vm | {"user": "z"}}))["assertions"]
        failed = [each["message"] for each in assertions if not each["assertion"]]
        self.assertEqual(len(failed), 2)
        self.assertIn("vms.Upper: its user would be husk-Upper", failed[0])
        self.assertIn("y" * 27, failed[1])

    def test_start_and_restart_are_as_the_vm_says(self):
        calm = service(bootDisk=True, disks=["a"])
        eager = service(bootDisk=True, disks=["a"], autoStart=False, restartIfChanged=True)
        self.assertEqual((calm["wantedBy"], calm["restartIfChanged"]), (["multi-user.target"], False))
        self.assertEqual((eager["wantedBy"], eager["restartIfChanged"]), ([], True))

    def test_wrong_values_and_unknown_options_are_refused(self):
        for vm in ({"cpus": 0}, {"cpus": 65}, {"memory": "2 GB"}, {"onReboot": "maybe"}, {"network": True},
                   {"disks": [{"path": "a", "format": "qcow2"}]}, {"disks": [{"path": "a", "block": 1024}]},
                   {"networks": [{"mac": "52:54"}]}, {"networks": [{"tap": "a b"}]}, {"networks": [{"mtu": 67}]},
                   {"ports": [{"name": "a", "tcp": 1}]}, {"logConsole": {"path": "a", "max": "2 GB"}}):
            with self.subTest(vm=vm):
                error = nix.refusal("host", vms(web={"bootDisk": True, "disks": ["a"]} | vm))
                self.assertIn(f"config.services.husk.vms.web.{next(iter(vm))}", error)

    def test_every_argument_of_husk_is_an_option(self):
        service_only = {"autoStart", "restartIfChanged", "user", "stopTimeout"}
        self.assertEqual(set(nix.value("vmOptions")) - service_only, set(nix.value("commandArguments")) - {"name"})


class Flake(unittest.TestCase):
    def test_outputs_are_those_of_the_readme(self):
        flake = nix.value("flake")
        self.assertEqual(flake["modules"], ["guest", "hardened-guest", "host", "microvm"])
        self.assertEqual(flake["lib"], ["microvmRunner", "mkRunner"])
        self.assertEqual((flake["packages"], flake["overlay"]), (["default", "husk"], "husk"))
        readme = (nix.SOURCES / "README.md").read_text()
        for output in flake["modules"] + flake["lib"]:
            self.assertIn(output, readme)

    def test_package_builds_husk_alone_from_the_whole_source(self):
        package = nix.value("package")
        top = pathlib.Path(package["source"])
        self.assertTrue((top / "CMakeLists.txt").exists())
        self.assertIn(f"VERSION {package['version']} ", (top / "CMakeLists.txt").read_text())
        self.assertEqual(package["ninjaFlags"], ["husk"])
        self.assertEqual((package["keepsBuildFolder"], package["keepsBuildFile"], package["keepsFolder"]),
                         (False, True, True))

    def test_package_finds_the_libraries_that_husk_loads_by_name(self):
        source = pathlib.Path(nix.value("package")["source"])
        loaded = (source / "boot/nixos/initrd/decompression_libraries.cc").read_text()
        folders = {"libz.so": "/stub/zlib/lib", "liblzma.so": "/stub/xz/lib", "libzstd.so": "/stub/zstd/lib"}
        self.assertEqual(loaded.count('Library library("'), len(folders))
        for library, folder in folders.items():
            self.assertIn(library, loaded)
            self.assertIn(folder, nix.value("package")["postFixup"])


if __name__ == "__main__":
    unittest.main()
