"""Confinement as it is seen from outside: what /proc shows of sealed roles, what husk says of layers, and that doctor
says the same. Needs root (for an ordinary user's view too: it makes that user a KVM device)."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import harness

USAGE, REFUSED = 2, 5  # exit statuses
ROLES = ("vmm", "console", "blk0")
NOBODY = 65534
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "mnt")
ALLOCATOR = "/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.scudo_standalone-x86_64.so"  # a hardened one

# What a role may hold open, by what /proc calls it.
ANYBODY = r"/dev/null|socket:\[\d+\]|anon_inode:\[eventfd\]|/memfd:husk-[a-z-]+( \(deleted\))?"
HELD = {"vmm": r"anon_inode:kvm-vm|anon_inode:kvm-vcpu:0", "console": r"pipe:\[\d+\]", "blk0": r".*/disk\.raw"}

# Runs a command where no user namespace can be made.
WITHOUT_USER_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                           'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
# Runs a command where all network namespaces that may be are in use.
WITH_ALL_NETWORK_NAMESPACES_IN_USE = ["unshare", "--user", "--map-root-user", "sh", "-c",
                                      'echo 1 >/proc/sys/user/max_net_namespaces && exec unshare --net "$@"', "sh"]
# Runs a command with $1 as its /etc, where nobody else sees it.
WITH_ETC = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$1" /etc && shift && exec "$@"', "sh"]


class ConfinementTest(harness.HuskTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(os.geteuid(), 0, "this test needs root")
        self.image = self.folder / "disk.raw"
        with open(self.image, "wb") as image:
            image.truncate(1 << 20)

    def spinning(self, *prefix):
        """The launcher of a VM whose guest runs, with a disk."""
        process = self.start([*prefix, *self.command("spin", "--disk", str(self.image))])
        self.assertEqual(process.stdout.readline(), b"spinning\n")
        return process

    def end(self, process):
        process.kill()
        process.wait()

    def maps(self, role):
        return pathlib.Path(f"/proc/{self.role(role)}/maps").read_text()


class SealedRoles(ConfinementTest):
    """Of a VM that root runs."""

    def setUp(self):
        super().setUp()
        self.launcher = self.sealed_vm()
        self.addCleanup(self.end, self.launcher)

    def sealed_vm(self):
        return self.spinning()

    def test_every_thread_is_filtered_and_has_no_privilege_to_gain(self):
        for role in ROLES:
            for status in pathlib.Path(f"/proc/{self.role(role)}/task").glob("*/status"):
                with self.subTest(role=role, thread=status.parent.name):
                    fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
                    self.assertEqual(fields["Seccomp"], "2")
                    self.assertEqual(fields["NoNewPrivs"], "1")
                    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                        self.assertEqual(int(fields[capabilities], 16), 0, capabilities)

    def test_every_role_lives_in_namespaces_of_its_own(self):
        processes = [self.launcher.pid, *map(self.role, ROLES)]
        for namespace in NAMESPACES:
            with self.subTest(namespace):
                seen = {os.readlink(f"/proc/{pid}/ns/{namespace}") for pid in processes}
                self.assertEqual(len(seen), len(processes), seen)

    # For the user who runs the VM this says that the role is not dumpable. (As the owner of its user namespace, that
    # user can trace it all the same; roles cannot trace each other: tests/confine.)
    def test_memory_of_a_role_belongs_to_root_whoever_runs_it(self):
        for role in ROLES:
            with self.subTest(role):
                self.assertEqual(os.stat(f"/proc/{self.role(role)}/mem").st_uid, 0)

    def test_no_role_can_dump_core_or_open_more_files_than_it_needs(self):
        for role, most in {"vmm": 129, "console": 21, "blk0": 12}.items():
            with self.subTest(role):
                limits = pathlib.Path(f"/proc/{self.role(role)}/limits").read_text()
                self.assertRegex(limits, r"Max core file size +0 +0 ")
                self.assertRegex(limits, rf"Max open files +{most} ")

    def test_environment_of_a_role_names_its_role_and_nothing_else(self):
        for role in ROLES:
            with self.subTest(role):
                kind = role.rstrip("0")
                environment = pathlib.Path(f"/proc/{self.role(role)}/environ").read_bytes()
                self.assertEqual(environment, f"HUSK_ROLE={kind}\0".encode())

    def test_every_role_holds_its_own_resource_and_nothing_else_that_is_worth_stealing(self):
        for role in ROLES:
            folder = pathlib.Path(f"/proc/{self.role(role)}/fd")
            held = [os.readlink(entry) for entry in folder.iterdir()]
            for target in held:
                with self.subTest(role=role, target=target):
                    self.assertRegex(target, rf"\A({ANYBODY}|{HELD[role]})\Z")
            self.assertTrue([target for target in held if re.fullmatch(HELD[role], target)], "its own resource")


class SealedRolesOfAnOrdinaryUser(SealedRoles):
    """The same of a VM that is run by a user without any privilege but a KVM device."""

    def sealed_vm(self):
        self.folder.chmod(0o755)
        for name, source in {"husk": harness.HUSK, "spin": self.guest("spin")}.items():
            shutil.copy(source, self.folder / name)
        os.chown(self.image, NOBODY, NOBODY)
        device = self.folder / "kvm"
        os.mknod(device, 0o666 | stat.S_IFCHR, os.stat("/dev/kvm").st_rdev)
        device.chmod(0o666)
        user = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        run = [str(self.folder / "husk"), "run", "--kernel", str(self.folder / "spin"), "--memory", "32M"]
        process = self.start([*user, *run, "--name", self.name, "--kvm", str(device), "--disk", str(self.image)])
        self.assertEqual(process.stdout.readline(), b"spinning\n")
        return process


class HardenedAllocator(ConfinementTest):
    def test_allocator_of_ld_so_preload_is_in_every_role_and_a_disk_works(self):
        self.assertTrue(os.path.exists(ALLOCATOR), "libclang-rt-19-dev is not installed")
        etc = self.folder / "etc"
        etc.mkdir()
        shutil.copy("/etc/ld.so.cache", etc)
        (etc / "ld.so.preload").write_text(ALLOCATOR + "\n")
        command = self.command("virtio_blk", "--disk", str(self.image), "--cmdline", "write check forever")
        process = self.start([*WITH_ETC, str(etc), *command])
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), b"written\n")
        self.assertEqual(process.stdout.readline(), b"pattern ok\n")
        for role in ROLES:
            with self.subTest(role):
                self.assertIn(ALLOCATOR, self.maps(role))


class Layers(ConfinementTest):
    """husk run and husk doctor, given the same options on the same host."""

    def run_and_doctor(self, *options, prefix=()):
        run = subprocess.run([*prefix, *self.command("hello", *options)], stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=harness.LIMIT)
        doctor = subprocess.run([*prefix, harness.HUSK, "doctor", *options], capture_output=True,
                                timeout=harness.LIMIT)
        self.assertEqual(doctor.returncode, run.returncode, f"{doctor.stdout.decode()}\n--- run: {run.stderr.decode()}")
        return run, doctor

    def both_go_on(self, *options, **how):
        """(what run said, what doctor said)."""
        run, doctor = self.run_and_doctor(*options, **how)
        self.assertEqual((run.returncode, run.stdout), (0, b"hello from afar\n"), run.stderr)
        self.assertIn(b"husk can run here", doctor.stdout)
        return run.stderr.decode(), doctor.stdout.decode()

    def both_refuse(self, layer, *options, **how):
        run, doctor = self.run_and_doctor(*options, **how)
        self.assertEqual((run.returncode, run.stdout), (REFUSED, b""))
        self.assert_one_sentence(run.stderr, layer)
        self.assertRegex(doctor.stdout.decode(), rf"REFUSED +{layer} ")
        self.assertIn(b"with status 5", doctor.stdout)

    def both_wrong(self, *options, needles):
        run, doctor = self.run_and_doctor(*options)
        self.assertEqual(run.returncode, USAGE)
        self.assert_one_sentence(run.stderr, *needles)
        self.assert_one_sentence(doctor.stderr, *needles)

    def test_by_default_all_that_the_host_has_is_applied_without_a_word(self):
        said, doctor = self.both_go_on()
        self.assertNotIn("as asked for", said)
        for layer in ("seccomp", "landlock", "user-ns", "pid-ns", "net-ns", "ipc-ns", "uts-ns", "mount-ns"):
            self.assertRegex(doctor, rf"ok +{layer} ")

    def test_layers_that_the_host_has_can_be_required(self):
        self.both_go_on("--require", "seccomp,landlock,mdwe,user-ns,pid-ns,net-ns,ipc-ns,uts-ns,mount-ns,msr-filter")

    def test_layer_that_the_host_lacks_cannot_be_required(self):
        self.both_refuse("selinux", "--require", "selinux")

    def test_each_layer_can_be_waived_and_husk_warns(self):
        for layer in ("seccomp", "landlock", "mdwe", "user-ns", "pid-ns", "net-ns", "ipc-ns", "uts-ns", "mount-ns",
                      "msr-filter", "selinux"):
            with self.subTest(layer):
                said, doctor = self.both_go_on("--without", layer)
                self.assertIn(f"running without {layer}, as asked for", said)
                self.assertRegex(doctor, rf"waived +{layer} ")

    def test_layer_without_a_name_is_wrong_usage(self):
        for option in ("--require", "--without"):
            with self.subTest(option):
                self.both_wrong(option, "moat", needles=[option, "moat", "landlock"])

    def test_required_and_waived_is_wrong_usage(self):
        self.both_wrong("--require", "mdwe", "--without", "mdwe", needles=["--require mdwe", "--without mdwe"])

    def test_host_that_forbids_user_namespaces_is_told_of(self):
        said, doctor = self.both_go_on(prefix=WITHOUT_USER_NAMESPACES)
        self.assertRegex(said, r"running without .*user-ns .*user\.max_user_namespaces")
        self.assertRegex(doctor, r"absent +user-ns .*user\.max_user_namespaces")

    def test_host_that_forbids_user_namespaces_is_refused_where_they_are_required(self):
        self.both_refuse("user-ns", "--require", "user-ns", prefix=WITHOUT_USER_NAMESPACES)

    def test_layer_that_others_have_used_up_is_a_refusal(self):
        self.both_refuse("net-ns", prefix=WITH_ALL_NETWORK_NAMESPACES_IN_USE)

    def test_layer_that_others_have_used_up_can_be_waived(self):
        self.both_go_on("--without", "net-ns", prefix=WITH_ALL_NETWORK_NAMESPACES_IN_USE)

    def test_only_disks_with_a_ring_may_use_it_and_nobody_may_make_one(self):
        tables = subprocess.run([harness.HUSK, "doctor", "--seccomp"], capture_output=True, timeout=harness.LIMIT)
        lines = [line.split() for line in tables.stdout.decode().splitlines()]
        self.assertIn("(KVM_RUN);", [word for line in lines for word in line])
        calls = [line for line in lines if line and line[0].startswith("io_uring")]
        self.assertEqual([line[:4] for line in calls], [["io_uring_enter", "fd", "=", "10"]], calls)


if __name__ == "__main__":
    harness.main()
