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
        for _ in range(50):
            launcher = self.start([harness.HUSK, "list", str(disk)])
            children = pathlib.Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
            reader = harness.eventually(lambda: launcher.poll() is not None or children.read_text().split(), 5)
            # In small steps: a launcher that stands still once the reader has all it needs leaves it sealed, with its pipe full.
            while held is None and launcher.poll() is None:
                launcher.send_signal(signal.SIGSTOP)
                time.sleep(0.02)
                held = self.look_at_sealed(reader[0])
                launcher.send_signal(signal.SIGCONT)
                time.sleep(0.0005)
            self.assert_ended(launcher, 0)
            if held:
                break
        self.assertIsNotNone(held, "it was never seen sealed")
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
