"""The programs that husk's Nix expressions make, run: mkRunner's and those for microvm.nix. A stand-in for husk writes
down its arguments; the real one says whether it would take them."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import nix

HUSK = os.environ["HUSK"]  # the program that was built

RECORDER = """#!/bin/bash
printf '%s\\0' "$@" > arguments
"""
# A VM that takes a moment to shut down.
SLOW_GUEST = """#!/bin/bash
trap 'sleep 0.5; echo gone > ended; exit 0' TERM
touch started
while :; do sleep 0.05; done
"""

# A device with every word that it takes; a tap would be made.
DISK = {"path": "/nonexistent/d", "serial": "s", "cache": "writethrough", "direct": True, "aio": "threads",
        "discard": False, "block": 4096, "queues": 2, "iops": 100, "bw": "5M"}
NETWORK = {"passt": "/nonexistent/pa,sst", "mac": "52:54:00:09:00:02", "mtu": 1400, "rate": "1M",
           "pcap": "/nonexistent/pcap", "ip": ["10.9.0.2", "fe80::/10"], "isolated": True,
           "peers": ["52:54:00:09:00:03", "52:54:00:09:00:04"], "allow": ["any", "10.9.0.0/24"],
           "deny": ["private", "host"]}

# One VM for each boot source, with every argument that goes with it.
VMS = {
    "nixos": {"nixos": "/nonexistent/system", "specialisation": "s", "ignoreSecrets": True, "cmdline": "-x y"},
    "disk": {"bootDisk": True, "disks": ["/nonexistent/a,b.raw", {"path": "-c", "readOnly": True, "serial": "x=y"}],
             "generation": "nixos-generation-3.conf", "once": True, "console": "none"},
    "iso": {"iso": "/nonexistent/i.iso", "generation": 1},
    "kernel": {"kernel": "/nonexistent/k", "initrd": "/nonexistent/i", "hugepages": True, "cpus": 64, "memory": "1G",
               "onReboot": "exit", "extraArgs": ["--uart=off"],
               "disks": [DISK, {"path": "/nonexistent/e", "ephemeral": True}],
               "networks": [NETWORK, {}, {"passt": True, "deny": ["any"], "allow": ["8.8.8.8"]}],
               "ports": [{"name": "agent.0", "path": "/nonexistent/a,b"}],
               "logConsole": {"path": "/nonexistent/l,og", "max": "1M", "raw": True}},
}


class Folder(unittest.TestCase):
    """A folder with a husk/bin/husk of the test's choice."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="husk-nix-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "husk/bin").mkdir(parents=True)

    def install(self, script):
        husk = self.folder / "husk/bin/husk"
        husk.write_text(script)
        husk.chmod(0o755)

    def value(self, attribute, given):
        return nix.value(attribute, given, husk=str(self.folder / "husk"))

    def run_script(self, text, *arguments):
        script = self.folder / "script"
        script.write_text(text)
        # mkfs.ext4 is where an ordinary user's PATH may not lead.
        environment = os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"}
        return subprocess.run(["bash", script, *arguments], cwd=self.folder, env=environment, text=True,
                              capture_output=True, timeout=60)

    def recorded(self):
        return (self.folder / "arguments").read_text().split("\0")[:-1]


class Runner(Folder):
    def text(self, given):
        return self.value("runner", given)

    def test_starts_husk_with_the_vms_arguments_and_its_own(self):
        self.install(RECORDER)
        odd = "it's \"a\" $HOME, `b` \\ \n.raw"
        text = self.text({"name": "web", "bootDisk": True, "disks": [odd], "cpus": 2})
        done = self.run_script(text, "--log-level", "a b")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.recorded(), [
            "run", "--name=web", "--disk=" + odd.replace(",", ",,"), "--boot=disk", "--cpus=2", "--memory=512M",
            "--console=stdio", "--on-reboot=restart", "--log-level", "a b"])

    def test_configuration_stands_for_its_toplevel(self):
        self.assertIn("--nixos=/nix/store/x-nixos-system", nix.value("runnerOfConfiguration"))

    def test_real_husk_takes_every_argument(self):
        for name, vm in VMS.items():
            self.install(RECORDER)
            self.run_script(self.text({"name": name} | vm))
            done = subprocess.run([HUSK, *self.recorded()], cwd=self.folder, text=True, capture_output=True, timeout=60,
                                  stdin=subprocess.DEVNULL)
            with self.subTest(vm=name):
                self.assertIn(done.returncode, (1, 6), done.stderr)
                self.assertRegex(done.stderr, "No such file or directory")

    def test_every_argument_is_among_those_tried(self):
        tried = {key for vm in VMS.values() for key in vm} | {"name"}
        self.assertEqual(tried, set(nix.value("commandArguments")))

    def test_contradictions_are_refused_with_a_sentence(self):
        disk = {"bootDisk": True, "disks": ["a"]}
        for vm, sentence in (
                ({}, "nothing to boot: set nixos, bootDisk, iso or kernel"),
                ({"nixos": "/a", "iso": "/b"}, "nixos and iso each say what to boot"),
                ({"bootDisk": True}, "bootDisk boots the first of disks, and there is none"),
                (disk | {"initrd": "/i"}, "initrd goes with kernel only"),
                ({"nixos": "/a", "generation": 1}, "generation goes with bootDisk or iso only"),
                (disk | {"once": True}, "once goes with generation only"),
                ({"kernel": "/k", "specialisation": "s"}, "specialisation does not go with kernel"),
                (disk | {"disks": ["d"] * 9}, "at most 8 disks"),
                ({"iso": "/i", "disks": ["d"] * 8}, "at most 8 disks"),
                (disk | {"disks": [""]}, "a disk needs a path"),
                (disk | {"disks": [{"path": "a", "serial": "x" * 21}]}, "the serial number of a must be"),
                (disk | {"disks": [{"path": "a", "serial": "x,ro"}]}, "the serial number of a must be"),
                (disk | {"disks": [{"path": "a", "serial": "x y"}]}, "the serial number of a must be"),
                (disk | {"disks": [{"path": "a", "ephemeral": True, "readOnly": True}]}, "readOnly or ephemeral, not both"),
                (disk | {"disks": [{"path": "a", "ephemeral": True, "direct": True}]}, "neither direct nor aio"),
                (disk | {"disks": [{"path": "a", "ephemeral": True, "aio": "io_uring"}]}, "neither direct nor aio"),
                (disk | {"disks": [{"path": "a", "bw": "5M,ro"}]}, "\"bw=5M,ro\" has a comma in it"),
                (disk | {"networks": [{}] * 5}, "at most 4 networks"),
                (disk | {"networks": [{"tap": "t", "passt": True}]}, "on a tap or on passt, not on both"),
                (disk | {"networks": [{"tap": "t" * 16}]}, "is no name of a tap"),
                (disk | {"networks": [{"tap": "t/"}]}, "is no name of a tap"),
                (disk | {"networks": [{"isolated": True}]}, "isolated, which lets nothing through without peers"),
                (disk | {"networks": [{"peers": ["52:54:00:09:00:03"]}]}, "peers, which go with isolated only"),
                (disk | {"networks": [{"ip": ["10.9.0.2"], "filter": "off"}]}, "need filter = \"strict\""),
                (disk | {"networks": [{"passt": True, "queues": 2}]}, "queues, which go with a tap only"),
                (disk | {"networks": [{"allow": ["any"], "deny": ["any"]}]}, "both allows and denies \"any\""),
                (disk | {"networks": [{"pcap": "a,b"}]}, "\"pcap=a,b\" has a comma in it"),
                (disk | {"ports": [{"name": "p", "path": "/p"}] * 5}, "at most 4 ports"),
                (disk | {"ports": [{"name": "-p", "path": "/p"}]}, "\"-p\" is no name of a port"),
                (disk | {"ports": [{"name": "p", "path": "x" * 108}]}, "a path of 1 to 107 bytes"),
                (disk | {"logConsole": ""}, "logConsole needs a path"),
                (disk | {"name": "a b"}, "a name is 1 to 63 letters")):
            with self.subTest(sentence=sentence):
                self.assertIn(sentence, nix.refusal("runner", {"name": "web"} | vm))

    def test_devices_are_arguments_with_a_word_for_each_attribute(self):
        self.install(RECORDER)
        self.run_script(self.text({
            "name": "web", "kernel": "/k", "disks": [DISK, {"path": "e", "ephemeral": True}],
            "networks": [NETWORK, {"tap": "t,1", "queues": 2, "filter": "off"}, {"passt": True}, {}],
            "ports": [{"name": "agent", "path": "/a,b"}], "logConsole": "l,og"}))
        self.assertEqual(self.recorded()[3:10] + self.recorded()[-1:], [
            "--disk=/nonexistent/d,serial=s,cache=writethrough,direct,aio=threads,discard=off,block=4096,queues=2,"
            "iops=100,bw=5M",
            "--disk=e,ephemeral",
            "--net=passt=/nonexistent/pa,,sst,mac=52:54:00:09:00:02,mtu=1400,rate=1M,pcap=/nonexistent/pcap,ip=10.9.0.2,"
            "ip=fe80::/10,isolated,peer=52:54:00:09:00:03,peer=52:54:00:09:00:04,allow=10.9.0.0/24,deny=private,deny=host,"
            "allow=any",
            "--net=tap=t,,1,queues=2,filter=off", "--net=passt", "--net=none", "--port=name=agent,unix=/a,b",
            "--log-console=l,,og"])

    def test_argument_that_husk_does_not_have_is_refused(self):
        error = nix.refusal("runner", {"name": "web", "nixos": "/a", "interfaces": []})
        self.assertIn("unexpected argument 'interfaces'", error)
        for device in ({"disks": [{"path": "a", "format": "qcow2"}]}, {"networks": [{"bridge": "b"}]}):
            self.assertIn("unexpected argument", nix.refusal("runner", {"name": "web", "nixos": "/a"} | device))


class MicrovmRunner(Folder):
    def command(self, **given):
        self.install(RECORDER)
        done = self.run_script("exec " + self.value("microvmRunner", given)["command"])
        self.assertEqual(done.stderr, "")
        return self.recorded()

    def scripts(self, **given):
        parts = self.value("microvmScripts", given).split("\n=== ")[1:]
        return {name: text.split("\n===\n")[0] for name, text in (part.split("\n", 1) for part in parts)}

    def test_gives_what_runners_of_microvm_nix_give(self):
        names = set(nix.value("microvmRunnerNames"))
        self.assertLessEqual({"command", "canShutdown", "shutdownCommand", "preStart", "supportsNotifySocket"}, names)

    def test_store_is_the_first_disk_and_volumes_follow(self):
        volumes = [{"image": "a b.img", "serial": "s", "readOnly": False}, {"image": "c.img", "readOnly": True}]
        self.assertEqual(self.command(volumes=volumes), [
            "run", "--name=tiny", "--kernel=/stub/kernel/bzImage", "--initrd=/stub/initrd",
            "--disk=/stub/store.erofs,ro", "--disk=a b.img,serial=s", "--disk=c.img,ro",
            "--cmdline=console=ttyS0 init=/nix/store/x/init", "--cpus=2", "--memory=768M", "--console=stdio",
            "--on-reboot=restart"])

    def test_interfaces_are_networks_and_volumes_may_be_direct(self):
        interfaces = [{"type": "tap", "id": "vm-tiny", "mac": "02:00:00:00:00:01"},
                      {"type": "user", "id": "user", "mac": "02:00:00:00:00:02"}]
        arguments = self.command(interfaces=interfaces, volumes=[{"image": "v", "direct": True}])
        self.assertEqual([each for each in arguments if each.startswith("--net")],
                         ["--net=tap=vm-tiny,mac=02:00:00:00:00:01", "--net=passt,mac=02:00:00:00:00:02"])
        self.assertIn("--disk=v,direct", arguments)

    def test_console_of_the_guest_is_not_overruled(self):
        self.assertIn("--cmdline=console=hvc0 init=/i", self.command(kernelParams=["console=hvc0", "init=/i"]))

    def test_what_husk_has_no_device_for_is_refused_by_name(self):
        for given, option in (
                ({"interfaces": [{"type": "macvtap", "id": "t", "mac": "x"}]}, "the interface t is of type macvtap"),
                ({"forwardPorts": [{"host": {"port": 1}}]}, "microvm.forwardPorts"),
                ({"shares": [{"tag": "ro-store", "source": "/nix/store"}]}, "microvm.shares"),
                ({"devices": [{"bus": "pci", "path": "0000:01:00.0"}]}, "microvm.devices"),
                ({"vsock": {"cid": 3}}, "microvm.vsock.cid"),
                ({"graphics": {"enable": True}}, "microvm.graphics.enable"),
                ({"cpu": "cortex-a53"}, "microvm.cpu"),
                ({"user": "microvm"}, "microvm.user"),
                ({"balloon": True}, "microvm.balloon"),
                ({"balloonMem": 64}, "microvm.balloonMem"),
                ({"initialBalloonMem": 64}, "microvm.initialBalloonMem"),
                ({"hotplugMem": 64}, "microvm.hotplugMem"),
                ({"hotpluggedMem": 64}, "microvm.hotpluggedMem"),
                ({"credentialFiles": {"K": "/run/k"}}, "microvm.credentialFiles"),
                ({"extraArgsScript": "echo"}, "microvm.extraArgsScript"),
                ({"volumes": [{"image": "v", "imageType": "qcow2"}]}, "the volume v is qcow2")):
            with self.subTest(option=option):
                error = nix.refusal("microvmRunner", given)
                self.assertIn("husk cannot run tiny:", error)
                self.assertIn(option, error)

    def test_unset_options_of_microvm_nix_are_accepted(self):
        unset = {"vsock": {"cid": None}, "graphics": {"enable": False}, "user": None, "balloon": False,
                 "hotplugMem": 0, "credentialFiles": {}, "forwardPorts": [], "socket": "tiny.sock"}
        self.assertEqual(self.command(**unset)[0], "run")

    def test_module_declares_a_package_with_both_programs(self):
        microvm = nix.value("microvm")
        for program in ("microvm-run", "microvm-shutdown"):
            self.assertIn(f"ln -s /stub/microvm-tiny-{program} $out/bin/{program}\n", microvm["script"])
        self.assertEqual(microvm["attributes"]["passthru"], {
            "canShutdown": True, "supportsNotifySocket": False, "tapMultiQueue": False, "hypervisor": "husk"})

    def test_volume_is_made_once_with_its_label(self):
        self.install(RECORDER)
        volume = {"image": "a b.img", "size": 8, "label": "data", "fsType": "ext4", "mountPoint": "/data"}
        run = self.scripts(volumes=[volume])["microvm-tiny-microvm-run"]
        first = self.run_script(run)
        self.assertEqual(first.returncode, 0, first.stderr)
        image = self.folder / "a b.img"
        made = image.read_bytes()
        self.assertEqual((len(made), made[0x438:0x43a], made[0x478:0x47d]), (8 << 20, b"\x53\xef", b"data\0"))
        image.write_bytes(b"kept")
        self.assertEqual(self.run_script(run).returncode, 0)
        self.assertEqual(image.read_bytes(), b"kept")
        self.assertFalse((self.folder / "a b.img.part").exists())

    def test_shutdown_presses_the_power_button_once_and_waits(self):
        self.install(SLOW_GUEST)
        scripts = self.scripts(preStart="touch prepared")
        (self.folder / "run").write_text(scripts["microvm-tiny-microvm-run"])
        guest = subprocess.Popen(["bash", self.folder / "run"], cwd=self.folder)
        self.addCleanup(guest.kill)
        deadline = time.monotonic() + 30
        while not (self.folder / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue((self.folder / "prepared").exists())
        stop = subprocess.Popen(["bash", "-c", scripts["microvm-tiny-microvm-shutdown"]], cwd=self.folder)
        self.assertEqual(guest.wait(timeout=30), 0)
        self.assertEqual(stop.wait(timeout=30), 0)
        self.assertTrue((self.folder / "ended").exists())

    def test_shutdown_leaves_another_process_with_that_number_alone(self):
        self.install(RECORDER)
        scripts = self.scripts()
        self.run_script(scripts["microvm-tiny-microvm-run"])
        time.sleep(0.1)  # starts are told apart by clock ticks
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.send_signal, signal.SIGKILL)
        pid_file = self.folder / "tiny.husk.pid"
        pid_file.write_text(f"{other.pid} {pid_file.read_text().split()[1]}\n")
        self.assertEqual(self.run_script(scripts["microvm-tiny-microvm-shutdown"]).returncode, 0)
        self.assertIsNone(other.poll())


if __name__ == "__main__":
    unittest.main()
