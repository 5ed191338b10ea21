"""A VM whose guest sleeps: no thread of it runs, whatever it is made of. A thousand of them cost no processor time."""

import os
import pathlib
import subprocess
import time

import harness

PAUSE = 1.5  # seconds without a guest's doing; longer than any deadline that husk checks from time to time


class IdleTest(harness.HuskTest):
    def disk(self):
        image = self.folder / "disk.raw"
        with open(image, "wb") as out:
            out.truncate(1 << 20)
        return str(image)

    def asleep(self, *options):
        """The guest has said that it is idle, and everybody has come to rest. Its console goes to a log, wherever else it is."""
        log = self.folder / "log"
        self.start(self.command("idle", "--log-console", str(log), *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(harness.eventually(lambda: log.exists() and b"idle" in log.read_bytes()), "the guest does not come up")
        time.sleep(0.3)

    def runs(self):
        """{process and thread: how often it was given a processor}"""
        found = {}
        for pid, line in self.processes().items():
            for task in os.listdir(f"/proc/{pid}/task"):
                comm, schedstat = (pathlib.Path(f"/proc/{pid}/task/{task}/{name}").read_text().strip() for name in ("comm", "schedstat"))
                if not comm.startswith("kvm-"):  # the kernel's own
                    found[f"{line[:40]}: {comm} ({task})"] = int(schedstat.split()[2])
        return found

    def assert_sleeps(self):
        quiet = 0
        for _ in range(3):  # two of them: the host itself may wake a thread once
            before = self.runs()
            self.assertGreaterEqual(len(before), 4, before)  # launcher, control, vCPU, console
            time.sleep(PAUSE)
            after = self.runs()
            quiet += after == before
            if quiet == 2:
                return
        self.fail(f"something ran in two of three looks; the last one: {before} -> {after}")

    def test_with_a_disk_and_a_console_in_a_file(self):
        self.asleep("--disk", self.disk(), "--console", f"file={self.folder}/console")
        self.assert_sleeps()

    def test_with_several_processors(self):
        self.asleep("--cpus", "4", "--console", "none")
        self.assert_sleeps()

    def test_with_a_pseudo_terminal_that_nobody_has_open(self):
        self.asleep("--console", "pty")
        self.assert_sleeps()

    def test_with_a_socket_that_nobody_is_connected_to(self):
        self.asleep("--console", f"unix={self.folder}/socket")
        self.assert_sleeps()

    def test_with_networks_ports_limits_and_a_disk_that_forgets(self):
        self.asleep("--console", "none", "--net", "none,rate=1M", "--port", f"name=agent,unix={self.folder}/agent",
                    "--disk", f"{self.disk()},ephemeral,iops=100,bw=1M", "--stats", f"{self.folder}/stats")
        self.assert_sleeps()

    def test_with_standard_input_at_its_end(self):
        self.asleep("--console", "stdio")
        self.assert_sleeps()


if __name__ == "__main__":
    harness.main()
