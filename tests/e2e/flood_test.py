"""A guest that prints much: nothing is lost and nothing waits for a reader that has gone."""

import fcntl
import json
import os
import socket
import subprocess
import time

import harness

KIB = 384  # more than the console's ring and a pipe hold together


def lines(kib):
    """What the flood guest prints."""
    return b"".join(b"%07x\n" % number for number in range(kib * 128))


class Flood(harness.HuskTest):
    def flood(self, kib, *options):
        """A running flood, with a pipe of one page."""
        stats = self.folder / "stats.json"
        husk = self.start(self.command("flood", "--cmdline", str(kib), "--stats", str(stats), *options))
        fcntl.fcntl(husk.stdout, fcntl.F_SETPIPE_SZ, 4096)
        return husk, stats

    def assert_same(self, got, expected):
        """Says where two long byte strings part."""
        if got == expected:
            return
        same = len(os.path.commonprefix([got, expected]))
        self.fail(f"{len(got)} bytes instead of {len(expected)}; from byte {same} on {got[same - 16:same + 32]!r} "
                  f"instead of {expected[same - 16:same + 32]!r}")

    def test_slow_reader_gets_every_byte_in_order(self):
        husk, stats = self.flood(KIB)
        time.sleep(4)  # by then the ring is full, and the guest waits
        self.assertIsNone(husk.poll(), "the guest ended although nobody took its output")
        got = b""
        while block := os.read(husk.stdout.fileno(), 4096):
            got += block
            time.sleep(0.002)
        self.assert_ended(husk, 0)
        self.assert_same(got, lines(KIB))
        uart = json.loads(stats.read_text())["boots"][0]["uart"]
        self.assertEqual((uart["transmitted"], uart["overruns"]), (KIB * 1024, 0))

    def test_reader_that_leaves_early_does_not_hold_up_the_guest(self):
        husk, _ = self.flood(64)
        self.assertEqual(husk.stdout.read(100), lines(1)[:100])
        husk.stdout.close()
        husk.stdout = None
        self.assert_ended(husk, 0)

    def test_reader_that_leaves_while_the_guest_waits_does_not_hold_it_up(self):
        husk, _ = self.flood(KIB)
        time.sleep(4)
        husk.stdout.close()
        husk.stdout = None
        self.assert_ended(husk, 0)

    def test_head_of_a_pipeline(self):
        script = '"$@" | head -c 100; exit "${PIPESTATUS[0]}"'
        done = subprocess.run(["bash", "-c", script, "bash", *self.command("flood", "--cmdline", "64")],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.LIMIT, check=False)
        self.assertEqual((done.returncode, done.stdout, self.complaints(done.stderr)), (0, lines(1)[:100], b""))

    def test_two_signals_end_a_guest_whose_output_nobody_takes(self):
        husk, _ = self.flood(KIB)
        time.sleep(4)
        self.stop_twice(husk)
        harness.eventually(lambda: husk.poll() is not None, 8)
        self.assertEqual(husk.returncode, 143, "it waits for its reader")

    def test_file_gets_every_byte(self):
        path = self.folder / "log"
        done = self.run_husk("flood", "--cmdline", "128", "--console", f"file={path}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_same(path.read_bytes(), lines(128))

    def test_late_client_of_a_socket_gets_the_newest_part(self):
        path = str(self.folder / "socket")
        husk = self.start(self.command("flood", "--cmdline", "256", "--console", "unix=" + path))
        time.sleep(1.5)
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        got = b""
        while block := client.recv(65536):
            got += block
        client.close()
        self.assert_ended(husk, 0)
        self.assertGreater(len(got), 32 * 1024)
        self.assert_same(got, lines(256)[-len(got):])


if __name__ == "__main__":
    harness.main()
