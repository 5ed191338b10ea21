"""What the reader holds once it is sealed."""

import os
import pathlib
import signal
import time

import harness
from source_images import SourceTest


class Reader(SourceTest):
    def test_the_reader_holds_its_source_and_a_pipe(self):
        # Many entries: more than its pipe holds while nobody reads it.
        disk = self.installed({1: "one"}, extra={f"/loader/entries/many-{n}.conf":
                                                 f"title {n}\nlinux /EFI/nixos/kernel.efi\n" for n in range(60)})
        held = None
        for attempt in range(50):
            launcher = self.start([harness.HUSK, "list", str(disk)])
            children = pathlib.Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
            reader = []
            while not reader and launcher.poll() is None:  # without a pause: the whole list takes milliseconds
                reader = children.read_text().split()
            # In small steps, of another length each time: a launcher that stands still once the reader has all it needs
            # leaves it sealed, with its pipe full.
            step = 50e-6 * (1 + attempt % 10)
            while held is None and reader and launcher.poll() is None:
                launcher.send_signal(signal.SIGSTOP)
                time.sleep(0.02)
                held = self.look_at_sealed(reader[0])
                launcher.send_signal(signal.SIGCONT)
                until = time.perf_counter() + step
                while time.perf_counter() < until:
                    pass
            self.assert_ended(launcher, 0)
            if held:
                break
        self.assertIsNotNone(held, f"it was never seen sealed, in {attempt + 1} attempts")
        self.assertEqual(held.pop("4"), str(disk))
        self.assertRegex(held.pop("5"), "^pipe:")
        self.assertEqual(set(held.values()), {"/dev/null"})

    @staticmethod
    def look_at_sealed(pid):
        """{descriptor: what it is} of a process that sleeps under a filter (here: its pipe is full), or None."""
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if "Seccomp:\t2" not in status or "State:\tS" not in status:
                return None
            return {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        except FileNotFoundError:
            return None


if __name__ == "__main__":
    harness.main()
