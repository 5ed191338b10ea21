"""What the end-to-end tests share: starting husk, and looking at what it leaves behind.

Usage of each test file: NAME_test.py HUSK GUESTS PTY_EXPECT LACKING [unittest's own arguments]
  GUESTS is the folder of the guests of tests/guest; LACKING a husk that finds KVM without a capability.
The host's /dev/kvm is needed: without it everything fails, nothing is skipped.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HUSK, GUESTS, PTY_EXPECT, LACKING = sys.argv[1:5] if len(sys.argv) >= 5 else sys.exit(__doc__)

LIMIT = 15  # seconds until something that should have happened counts as not happening


def eventually(condition, seconds=LIMIT):
    """The first true value of condition(), or None after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    return None


class HuskTest(unittest.TestCase):
    """Each test has a folder and a VM name of its own; afterwards no process of that name may be left."""

    counter = 0

    def setUp(self):
        HuskTest.counter += 1
        self.name = f"e2e-{os.getpid()}-{HuskTest.counter}"
        folder = tempfile.TemporaryDirectory(prefix="husk-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.started = []

    def tearDown(self):
        for process in self.started:  # left by a test that failed
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        left = self.processes()
        if not eventually(lambda: not self.processes(), 2):
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
            self.fail(f"processes are left: {left}")

    # --- starting

    def guest(self, name):
        return str(pathlib.Path(GUESTS) / name)

    def command(self, guest, *options, kernel=None):
        kernel = kernel if kernel is not None else self.guest(guest)
        return [HUSK, "run", "--kernel", str(kernel), "--memory", "32M", "--name", self.name, *options]

    def start(self, command, **streams):
        """A running process; its streams are pipes unless told otherwise."""
        default = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, **(default | streams))
        self.started.append(process)
        return process

    def run_husk(self, guest, *options, typed=b"", **how):
        """Runs it to its end. Without `typed`, standard input is at its end from the start. Of what it said on standard
        error, only complaints are kept."""
        done = subprocess.run(self.command(guest, *options), input=typed, capture_output=True, timeout=LIMIT, **how)
        done.stderr = self.complaints(done.stderr)
        return done

    def stop_twice(self, process):
        """Two requests to end, the second one when the first was heard (the kernel makes one of two that come together).
        Returns what was said on standard error meanwhile."""
        process.terminate()
        said = process.stderr.readline()
        while b"asked the guest" not in said:
            line = process.stderr.readline()
            if not line:
                self.fail(f"it ended before it was asked twice; it said {said!r}")
            said += line
        process.terminate()
        return said

    def converse(self, script, command):
        """pty_expect with a script; (process, so that a test may act meanwhile)."""
        process = self.start([PTY_EXPECT, "-", "--", *command], stdin=subprocess.PIPE)
        process.stdin.write(script.encode())
        process.stdin.close()
        process.stdin = None
        return process

    # --- looking

    def processes(self):
        """{pid: command line} of all processes of this test's VM."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.name + " " in line:
                found[int(entry.name)] = line
        return found

    def role(self, role):
        """The process id of a role of this test's VM, once it is there."""
        title = f"husk: {role} {self.name} "
        pid = eventually(lambda: [pid for pid, line in self.processes().items() if line == title])
        self.assertTrue(pid, f"there is no process {title!r}; there are {self.processes()}")
        return pid[0]

    # --- judging

    def assert_ended(self, process, status):
        """It ends by itself, in time, with that status."""
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.fail(f"it does not end: {process.args}")
        self.assertEqual(process.returncode, status, f"exit status; stdout {out!r}, stderr {err!r}")
        return out, err

    @staticmethod
    def complaints(stderr):
        """What husk said, without the line about the confinement layers that this host lacks."""
        return b"".join(line for line in stderr.splitlines(True) if not line.startswith(b"husk: running without "))

    def assert_one_sentence(self, stderr, *needles):
        """Standard error holds one complaint of husk's, with all needles in it."""
        text = self.complaints(stderr).decode()
        self.assertRegex(text, r"\Ahusk: [^\n]+\n\Z", "not exactly one sentence")
        for needle in needles:
            self.assertIn(needle, text)

    def assert_talk(self, process):
        """The conversation of pty_expect held."""
        out, err = process.communicate(timeout=4 * LIMIT)
        self.assertEqual(process.returncode, 0, f"{err.decode()}\n--- the terminal:\n{out.decode(errors='replace')}")


def main():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        sys.exit("these tests need a usable /dev/kvm, and there is none")
    unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
