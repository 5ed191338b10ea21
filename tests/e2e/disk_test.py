"""Disks: a bare-metal driver (tests/guest/virtio_blk.cc) through registers, doorbells, the worker and the image."""

import fcntl
import json
import os
import signal
import struct
import time

import harness
from harness import eventually

SECTOR = 512
PATTERN = bytes((at * 7 + (at >> 8)) & 0xFF for at in range(4096))


class Disks(harness.HuskTest):
    def setUp(self):
        super().setUp()
        self.image = self.folder / "disk.raw"
        with open(self.image, "wb") as image:
            image.truncate(1 << 20)

    def disk(self, words, *options, suffix=""):
        return self.run_husk("virtio_blk", "--disk", str(self.image) + suffix, "--cmdline", words, *options)

    def stats(self, words, *options):
        """(what the guest printed, the statistics of its only boot)."""
        path = self.folder / "stats.json"
        done = self.disk(words, "--stats", str(path), *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, json.loads(path.read_text())["boots"][0]

    def running(self, *options):
        """A VM whose guest reads all the time."""
        process = self.start(self.command("virtio_blk", "--disk", str(self.image), "--cmdline", "forever", *options))
        self.assertEqual(process.stdout.read(3), b"...")
        return process

    def end(self, process):
        """Ends it by two requests; what it said on standard error."""
        said = self.stop_twice(process)
        os.set_blocking(process.stdout.fileno(), True)
        _, rest = self.assert_ended(process, 143)
        return said + rest

    # --- data

    def test_what_is_written_is_in_the_image_and_read_back(self):
        done = self.disk("write check")
        self.assertEqual((done.returncode, done.stdout), (0, b"written\npattern ok\n"), done.stderr)
        self.assertEqual(self.image.read_bytes()[:4096], PATTERN)

    def test_the_same_with_every_register_read_trapped(self):
        done = self.disk("write check", "--virtio-trap")
        self.assertEqual((done.returncode, done.stdout), (0, b"written\npattern ok\n"), done.stderr)

    def test_data_is_there_in_the_next_life(self):
        self.disk("write")
        self.assertEqual(self.disk("check").stdout, b"pattern ok\n")

    def test_read_only_disk_stays_as_it_is(self):
        before = self.image.read_bytes()
        done = self.disk("write check", suffix=",ro")
        self.assertEqual(done.stdout, b"not written\npattern bad\n")
        self.assertEqual(self.image.read_bytes(), before)

    def test_last_sector_is_there_and_the_one_after_it_is_an_error(self):
        self.assertEqual(self.disk("status 2047 status 2048").stdout, b"status 0\nstatus 1\n")

    def test_second_disk_is_the_one_named_second(self):
        other = self.folder / "other.raw"
        other.write_bytes(bytes(SECTOR * 8))
        done = self.disk("write", "--disk", str(other))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.image.read_bytes()[:4096], PATTERN)
        self.assertEqual(other.read_bytes(), bytes(SECTOR * 8))

    # --- how the guest has it

    def test_each_engine_and_cache_mode_writes_and_reads(self):
        for suffix in (",aio=threads", ",aio=io_uring", ",direct", ",direct,aio=threads", ",cache=writethrough",
                       ",direct,cache=writethrough", ",queues=2", ",block=4096"):
            with self.subTest(suffix):
                self.image.write_bytes(bytes(1 << 20))
                done = self.disk("write check", suffix=suffix)
                self.assertEqual((done.returncode, done.stdout), (0, b"written\npattern ok\n"), done.stderr)
                self.assertEqual(self.image.read_bytes()[:4096], PATTERN)

    def test_ephemeral_disk_is_as_it_was_afterwards(self):
        before = self.image.read_bytes()
        done = self.disk("write check", suffix=",ephemeral")
        self.assertEqual((done.returncode, done.stdout), (0, b"written\npattern ok\n"), done.stderr)
        self.assertEqual(self.image.read_bytes(), before)
        self.assertEqual(self.disk("check", suffix=",ephemeral").stdout, b"pattern bad\n")

    def test_blocks_larger_than_a_request_are_an_error_for_the_guest(self):
        self.assertEqual(self.disk("status 8", suffix=",block=4096").stdout, b"status 1\n")

    def test_limited_disk_takes_its_time(self):
        begun = time.monotonic()
        done = self.disk("status 0 " * 30, suffix=",iops=20")
        self.assertEqual(done.stdout, b"status 0\n" * 30)
        self.assertGreater(time.monotonic() - begun, 1.2)  # two at once, the other 28 at 20 a second

    def test_disk_that_grows_is_larger_for_the_guest_that_runs(self):
        process = self.start(self.command("virtio_blk", "--disk", str(self.image), "--cmdline", "grown 2048 status 2048"))
        self.assertEqual(process.stdout.readline(), b"waiting\n")
        os.truncate(self.image, 2 << 20)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), b"grown to 4096\n")
        self.assertEqual(process.stdout.readline(), b"status 0\n")
        self.assertEqual(process.wait(harness.LIMIT), 0)
        self.assertIn(b"blk0 has 2097152 bytes now", process.stderr.read())

    # --- what it costs

    def test_registers_are_read_without_an_exit(self):
        _, boot = self.stats("check")
        self.assertEqual(boot["exits"]["virtio_registers"]["reads"], 0)
        disk = boot["devices"][1]
        self.assertEqual((disk["device"], disk["requests"], disk["doorbells"]), ("blk0", 1, 1))

    def test_trapped_reads_are_counted(self):
        _, boot = self.stats("check", "--virtio-trap")
        self.assertGreater(boot["exits"]["virtio_registers"]["reads"], 2)

    def test_doorbells_and_requests_are_counted_but_no_exits(self):
        _, one = self.stats("status 0")
        _, many = self.stats("status 0 " * 50)
        self.assertEqual(many["devices"][1]["requests"], 50)
        self.assertEqual(many["devices"][1]["doorbells"], 50)
        self.assertEqual(many["exits"]["virtio_registers"], one["exits"]["virtio_registers"])
        self.assertGreater(many["devices"][1]["latency_us"]["p50"], 0)
        self.assertIn("blk0_driver_ok", many["timeline_us"])

    # --- a driver that misbehaves

    def test_resets_while_requests_are_in_flight(self):
        out, boot = self.stats("resets 200 write check")
        self.assertEqual(out, b"resets done\nwritten\npattern ok\n")
        self.assertGreaterEqual(boot["devices"][1]["resets"], 200)

    def test_broken_driver_is_told_so_and_may_start_again(self):
        done = self.disk("break write check")
        self.assertEqual((done.returncode, done.stdout), (0, b"needs reset\nwritten\npattern ok\n"))
        self.assert_one_sentence(done.stderr, "blk0", "reset")

    # --- the worker's troubles

    def test_killed_worker_ends_the_vm_with_a_sentence(self):
        process = self.running()
        os.kill(self.role("blk0"), signal.SIGKILL)
        self.assertEqual(process.wait(harness.LIMIT), 1)
        self.assert_one_sentence(process.stderr.read(), "blk0", "Killed")

    def test_stopped_worker_goes_on_where_it_was(self):
        process = self.running()
        worker = self.role("blk0")
        os.kill(worker, signal.SIGSTOP)
        time.sleep(0.3)
        os.set_blocking(process.stdout.fileno(), False)
        while process.stdout.read():
            pass
        time.sleep(0.2)
        self.assertIsNone(process.stdout.read())
        os.kill(worker, signal.SIGCONT)
        self.assertTrue(eventually(process.stdout.read))
        self.end(process)

    def test_image_that_shrinks_is_an_error_for_the_guest_and_one_line_for_the_person(self):
        process = self.running()
        os.truncate(self.image, 0)
        os.set_blocking(process.stdout.fileno(), False)
        self.assertTrue(eventually(lambda: b"!!!" in (process.stdout.read() or b"")))
        lines = [line for line in self.end(process).splitlines() if b"blk0" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(b"reading", lines[0])

    # --- what is refused

    def refused(self, disk, *needles):
        done = self.run_husk("virtio_blk", "--disk", disk)
        self.assertIn(done.returncode, (1, 2))
        self.assert_one_sentence(done.stderr, *needles)

    def test_disks_that_cannot_be_one(self):
        self.refused(str(self.folder / "missing"), "missing", "No such file")
        self.refused(str(self.folder), str(self.folder), "directory")
        self.refused("/dev/null", "/dev/null")
        odd = self.folder / "odd"
        odd.write_bytes(bytes(700))
        self.refused(str(odd), "odd", "512")
        empty = self.folder / "empty"
        empty.touch()
        self.refused(str(empty), "empty")
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.refused(str(fifo), "fifo")

    def test_options_that_exclude_each_other(self):
        self.refused(str(self.image) + ",ro,ephemeral", str(self.image), "ephemeral")
        self.refused(str(self.image) + ",direct,ephemeral", str(self.image), "ephemeral", "direct")
        self.refused(str(self.image) + ",cache=none", "cache=", "writethrough")

    def test_scratch_folder_that_is_not_there(self):
        environment = dict(os.environ, TMPDIR="/nowhere")
        done = self.run_husk("virtio_blk", "--disk", str(self.image) + ",ephemeral", env=environment)
        self.assertEqual(done.returncode, 1)
        self.assert_one_sentence(done.stderr, str(self.image), "/nowhere")

    def test_image_that_another_vm_writes(self):
        process = self.running()
        self.refused(str(self.image), str(self.image), "in use")
        self.refused(str(self.image) + ",ro", str(self.image), "in use")
        process.kill()
        process.wait()
        self.assertTrue(eventually(lambda: not self.processes()))
        # A process has no command line any more a moment before its files, and their locks, are gone.
        self.assertTrue(eventually(lambda: self.disk("status 0").returncode == 0))

    def test_several_vms_read_one_image(self):
        first = self.start(
            self.command("virtio_blk", "--disk", str(self.image) + ",ro", "--cmdline", "forever"))
        self.assertEqual(first.stdout.read(1), b".")
        self.assertEqual(self.disk("status 0", suffix=",ro").stdout, b"status 0\n")
        first.kill()
        first.wait()

    def test_image_that_another_program_locked(self):
        with open(self.image, "r+b") as image:
            fcntl.fcntl(image, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            self.refused(str(self.image), "in use")


if __name__ == "__main__":
    harness.main()
