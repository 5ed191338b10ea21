"""The console: terminal, pipes, pseudo-terminal, socket, file; and what is left of a terminal after an accident."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import tty

import harness

READY = b"ready\n"  # what the echo guest says first


class Terminal(harness.HuskTest):
    def talk(self, guest, *script):
        return self.converse("\n".join(script), self.command(guest))

    def test_typed_bytes_come_back_and_the_terminal_is_restored(self):
        script = ['expect "ready" 10', 'send "a\\x03\\x04z"', 'expect "a\\x03\\x04z" 5', 'send "q"', "exit 0 5"]
        self.assert_talk(self.talk("echo", *script, "termios-sane"))

    def test_help_and_a_doubled_escape(self):
        script = ['expect "ready" 10', 'send "\\x1dh"', 'expect "Ctrl-] q" 5', 'expect "Ctrl-] k" 5']
        script += ['send "\\x1d\\x1db"', 'expect "\\x1db" 5', 'send "q"', "exit 0 5", "termios-sane"]
        self.assert_talk(self.talk("echo", *script))

    def test_terminal_is_restored_after_a_crash_of_the_guest(self):
        self.assert_talk(self.talk("triple_fault", 'expect "triple fault" 10', "exit 4 5", "termios-sane"))

    def test_terminal_is_restored_after_a_refusal(self):
        script = 'expect "husk: cannot" 10\nexit 6 5\ntermios-sane'
        self.assert_talk(self.converse(script, self.command("", kernel="/bin/true")))

    def test_hangup_ends_as_other_signals_do(self):
        script = ['expect "spinning" 10', "signal HUP", 'expect "asked the guest" 5', "signal HUP", "exit 129 5"]
        self.assert_talk(self.talk("spin", *script, "termios-sane"))

    def test_killed_launcher_leaves_a_sane_terminal_and_no_process(self):
        script = ['expect "spinning" 10', "sleep 0.2", "signal KILL", "exit 137 5", "sleep 0.5", "termios-sane"]
        talk = self.talk("spin", *script)
        self.assert_talk(talk)
        self.assertTrue(harness.eventually(lambda: not self.processes(), 2), f"left: {self.processes()}")

    def role_killed(self, role, number, status, *expected):
        steps = [f'expect "{text}" 10' for text in ("spinning", *expected)]
        talk = self.talk("spin", *steps, f"exit {status} 5", "termios-sane")
        pid = self.role(role)
        time.sleep(0.3)
        os.kill(pid, number)
        self.assert_talk(talk)

    def test_killed_vmm_is_1_and_named(self):
        self.role_killed("vmm", signal.SIGKILL, 1, "husk: role vmm died unexpectedly", "Killed")

    def test_killed_console_is_1_and_named(self):
        self.role_killed("console", signal.SIGKILL, 1, "husk: role console died unexpectedly", "Killed")

    def test_forbidden_system_call_of_a_role_is_7(self):
        self.role_killed("vmm", signal.SIGSYS, 7, "husk: role vmm died")

    def test_roles_ignore_the_signals_of_a_terminal(self):
        husk = self.start(self.command("spin"))
        husk.stdout.readline()
        for role in ("vmm", "console"):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
                os.kill(self.role(role), number)
        time.sleep(0.3)
        self.assertIsNone(husk.poll(), "a role died of a signal meant for the launcher")
        self.stop_twice(husk)
        self.assert_ended(husk, 143)


class Pipes(harness.HuskTest):
    def test_bytes_piped_in_come_back(self):
        done = self.run_husk("echo", typed=b"abcq")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, READY + b"abcq", b""))

    def test_much_piped_in_comes_back_in_order(self):
        typed = b"".join(b"%05d\n" % number for number in range(2000)) + b"q"
        done = self.run_husk("echo", typed=typed)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, READY + typed)

    def test_escapes_are_the_guests_when_there_is_no_terminal(self):
        done = self.run_husk("echo", typed=b"\x1dk\x1dqq")
        self.assertEqual((done.returncode, done.stdout), (0, READY + b"\x1dk\x1dq"))

    def test_end_of_input_leaves_the_guest_running(self):
        husk = self.start(self.command("echo"))
        self.assertEqual(husk.stdout.readline(), READY)
        time.sleep(0.3)
        self.assertIsNone(husk.poll(), "it ended with its input")
        self.stop_twice(husk)
        self.assert_ended(husk, 143)

    def test_end_of_input_costs_no_cpu_time(self):
        husk = self.start(self.command("echo"))
        husk.stdout.readline()
        console = self.role("console")
        time.sleep(1)
        with open(f"/proc/{console}/stat", encoding="ascii") as stat:
            ticks = sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
        self.assertLess(ticks, os.sysconf("SC_CLK_TCK") // 5, "the console role spins")
        husk.kill()

    def test_closed_standard_streams(self):
        done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *self.command("hello")],
                              timeout=harness.LIMIT, check=False)
        self.assertEqual(done.returncode, 0)

    def test_output_is_appended_to_a_file_that_the_shell_opened(self):
        path = self.folder / "log"
        path.write_bytes(b"before\n")
        with open(path, "ab") as log:
            done = subprocess.run(self.command("hello"), stdin=subprocess.DEVNULL, stdout=log, timeout=harness.LIMIT,
                                  check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(path.read_bytes(), b"before\nhello from afar\n")

    def test_callers_pipes_stay_blocking(self):
        inside, outside = os.pipe()
        done = subprocess.run(self.command("hello"), stdin=subprocess.DEVNULL, stdout=outside, timeout=harness.LIMIT,
                              check=False)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(os.get_blocking(outside), "husk left O_NONBLOCK on its caller's pipe")
        os.close(inside)
        os.close(outside)


class Endpoints(harness.HuskTest):
    def place(self, husk):
        """Where husk says its console is."""
        line = husk.stderr.readline().decode()
        said = re.fullmatch(r"husk: the console is at (\S+)\n", line)
        self.assertTrue(said, f"instead of the console's place: {line!r}")
        return said[1]

    def read(self, fd, count):
        """So many bytes, or what came until time was over."""
        got = b""
        while len(got) < count and select.select([fd], [], [], harness.LIMIT)[0]:
            block = os.read(fd, count - len(got))
            if not block:
                break
            got += block
        return got

    def connect(self, path):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(path)
        return client

    def test_pty_keeps_what_was_printed_and_can_be_left_and_opened_again(self):
        husk = self.start(self.command("echo", "--console", "pty"))
        path = self.place(husk)
        time.sleep(0.3)
        first = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.assertEqual(self.read(first, 6), READY)
        os.write(first, b"ab")
        self.assertEqual(self.read(first, 2), b"ab")
        os.close(first)
        time.sleep(0.3)
        second = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(second)
        os.write(second, b"c\x1dq")
        self.assertEqual(self.read(second, 3), b"c\x1dq")
        self.assertEqual(self.assert_ended(husk, 0)[0], b"")
        os.close(second)

    def test_pty_that_nobody_opens_lets_the_guest_end(self):
        husk = self.start(self.command("hello", "--console", "pty"))
        self.place(husk)
        self.assert_ended(husk, 0)

    def test_unix_socket_keeps_a_backlog_and_takes_one_client_after_another(self):
        path = str(self.folder / "socket")
        husk = self.start(self.command("echo", "--console", "unix=" + path))
        self.assertEqual(self.place(husk), path)
        self.assertEqual(os.stat(path).st_mode & 0o077, 0, "others may connect")
        time.sleep(0.3)
        first = self.connect(path)
        self.assertEqual(self.read(first.fileno(), 6), READY)
        first.sendall(b"ab")
        self.assertEqual(self.read(first.fileno(), 2), b"ab")
        first.close()
        second = self.connect(path)
        second.sendall(b"cq")
        self.assertEqual(self.read(second.fileno(), 3), b"cq")  # and then the end
        self.assertEqual(self.assert_ended(husk, 0)[0], b"")
        self.assertFalse(os.path.exists(path), "the socket is left")

    def test_unix_socket_goes_when_the_vm_is_ended(self):
        path = str(self.folder / "socket")
        husk = self.start(self.command("spin", "--console", "unix=" + path))
        self.place(husk)
        client = self.connect(path)
        self.assertEqual(self.read(client.fileno(), 9), b"spinning\n")
        self.stop_twice(husk)
        self.assert_ended(husk, 143)
        self.assertFalse(os.path.exists(path), "the socket is left")

    def test_unix_client_that_reads_nothing_does_not_hold_up_the_end(self):
        path = str(self.folder / "socket")
        husk = self.start(self.command("echo", "--console", "unix=" + path))
        self.place(husk)
        self.connect(path).sendall(b"abcq")
        self.assert_ended(husk, 0)

    def test_unix_socket_survives_a_reboot_of_the_guest(self):
        path = str(self.folder / "socket")
        husk = self.start(self.command("reset", "--console", "unix=" + path))
        self.place(husk)
        client = self.connect(path)
        time.sleep(0.3)
        client.setblocking(False)
        with self.assertRaises(BlockingIOError, msg="the client was cut off, or got what nobody sent"):
            client.recv(1)
        husk.kill()

    def test_stale_unix_socket_is_replaced(self):
        path = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        husk = self.start(self.command("echo", "--console", "unix=" + path))
        self.assertEqual(self.place(husk), path)
        client = self.connect(path)
        client.sendall(b"q")
        self.assertEqual(self.read(client.fileno(), 8), READY + b"q")
        self.assert_ended(husk, 0)
        self.assertFalse(os.path.exists(path), "the socket is left")

    def test_file_holds_what_was_printed(self):
        path = self.folder / "log"
        path.write_bytes(b"something longer that was there before the guest\n" * 10)
        done = self.run_husk("hello", "--console", f"file={path}")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        self.assertEqual(path.read_bytes(), b"hello from afar\n")

    def test_consoles_without_input_give_the_guest_no_input(self):
        for console in ("none", f"file={self.folder / 'log'}", f"unix={self.folder / 'socket'}"):
            with self.subTest(console):
                stats = self.folder / "stats.json"
                husk = self.start(self.command("echo", "--console", console, "--stats", str(stats)))
                self.role("console")
                time.sleep(0.5)
                self.assertIsNone(husk.poll(), "it ended by itself")
                self.stop_twice(husk)
                self.assert_ended(husk, 143)
                uart = json.loads(stats.read_text())["boots"][0]["uart"]
                self.assertEqual((uart["received"], uart["transmitted"]), (0, len(READY)))

    def test_file_on_a_full_disk_does_not_stop_the_guest_and_is_told_once(self):
        done = self.run_husk("flood", "--cmdline", "4", "--console", "file=/dev/full")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(b"No space left on device; the guest goes on without"), 1, done.stderr)

    def test_escape_sequences_stay_out_of_files_unless_they_are_raw(self):
        typed = b"\x1b]0;title\x07\x1b[31mred\x1b[0m\r\nq"
        log = self.folder / "log"
        for option, logged in (("", READY + b"red\nq"), (",raw", READY + typed)):
            with self.subTest(option):
                done = self.run_husk("echo", "--log-console", f"{log}{option}", typed=typed)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, READY + typed, b""))
                self.assertEqual(log.read_bytes(), logged)
                log.unlink()

    def test_log_goes_on_over_runs_and_reboots_and_stays_within_its_bound(self):
        log = self.folder / "log"
        for _ in range(2):
            done = self.run_husk("hello", "--console", "none", "--log-console", str(log))
            self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(log.read_bytes(), b"hello from afar\n" * 2)
        self.assertEqual(os.stat(log).st_mode & 0o077, 0, "others may read it")
        done = self.run_husk("flood", "--cmdline", "140", "--console", "none", "--log-console", f"{log},max=128K")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertLessEqual(log.stat().st_size, 128 << 10)
        self.assertGreater(log.stat().st_size, 60 << 10)
        self.assertNotIn(b"hello", log.read_bytes())

    def test_log_that_cannot_be_is_refused(self):
        log = self.folder / "log"
        os.mkfifo(self.folder / "fifo")
        husk = self.start(self.command("spin", "--console", "none", "--log-console", str(log)))
        self.assertTrue(harness.eventually(lambda: log.exists() and log.stat().st_size > 0, harness.LIMIT))
        for path, why in ((log, "another VM writes its console's log to"), (self.folder / "fifo", "no regular file"),
                          (self.folder / "absent" / "log", "No such file or directory")):
            done = self.run_husk("hello", "--log-console", str(path))
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr.decode())
            self.assertIn(str(path), done.stderr.decode())
        self.stop_twice(husk)
        self.assert_ended(husk, 143)

    def test_none_prints_nothing(self):
        done = self.run_husk("hello", "--console", "none")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_without_a_uart_nothing_is_printed(self):
        husk = self.start(self.command("hello", "--uart", "off"))
        # All ones from the absent port look like a ready transmitter, so the guest gets to its end.
        out, err = self.assert_ended(husk, 0)
        self.assertEqual((out, self.complaints(err)), (b"", b""))


class Attach(harness.HuskTest):
    """husk console, at the socket of a running VM."""

    def setUp(self):
        super().setUp()
        self.path = str(self.folder / "socket")
        self.attach = [harness.HUSK, "console", self.path]

    def start_vm(self, guest="echo"):
        husk = self.start(self.command(guest, "--console", "unix=" + self.path))
        self.assertTrue(harness.eventually(lambda: os.path.exists(self.path), harness.LIMIT))
        return husk

    def test_detach_and_attach_again_with_what_was_printed_meanwhile(self):
        husk = self.start_vm()
        hello = ['expect "Ctrl-] detaches" 5', 'expect "ready" 10', 'send "ab"', 'expect "ab" 5']
        bye = ['send "c\\x1d"', 'expect "detached; the VM runs on" 5', "exit 0 5", "termios-sane"]
        self.assert_talk(self.converse("\n".join(hello + bye), self.attach))
        again = ['expect "c" 5', 'send "dq"', 'expect "dq" 5', 'expect "the VM closed its console" 5', "exit 0 5"]
        self.assert_talk(self.converse("\n".join(again + ["termios-sane"]), self.attach))
        self.assert_ended(husk, 0)

    def test_signals_end_it_with_a_sane_terminal_and_leave_the_vm(self):
        husk = self.start_vm()
        for name, number in (("TERM", 15), ("HUP", 1), ("INT", 2)):
            script = ['expect "detaches" 5', "sleep 0.2", f"signal {name}", f"exit {128 + number} 5", "termios-sane"]
            self.assert_talk(self.converse("\n".join(script), self.attach))
        self.assertIsNone(husk.poll(), "the VM ended")
        self.assert_talk(self.converse('send "q"\nexit 0 5', self.attach))
        self.assert_ended(husk, 0)

    def test_pipes_are_binary_safe_and_end_of_input_leaves_the_output_running(self):
        husk = self.start_vm()
        typed = bytes(range(256)).replace(b"q", b"") * 20 + b"q"
        done = subprocess.run(self.attach, input=typed, capture_output=True, timeout=harness.LIMIT, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, READY + typed, b""))
        self.assert_ended(husk, 0)

    def test_second_client_is_told_that_it_waits(self):
        husk = self.start_vm()
        first = self.start(self.attach, stdin=subprocess.PIPE)
        self.assertEqual(first.stdout.readline(), READY)
        second = self.start(self.attach, stdin=subprocess.PIPE)
        self.assertRegex(second.stderr.readline().decode(), "another client is attached to .*; waiting until it leaves")
        first.kill()
        self.assertIn(b"attached", second.stderr.readline())
        out, _ = second.communicate(b"zq", timeout=harness.LIMIT)
        self.assertEqual((second.returncode, out), (0, b"zq"))
        self.assert_ended(husk, 0)

    def test_what_cannot_be_attached_to_is_said_in_one_sentence(self):
        stale, file = self.folder / "stale", self.folder / "file"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(stale))
        file.touch()
        for path, status, why in ((self.folder / "absent", 1, "there is no console socket at"),
                                  (stale, 1, "nobody listens at"), (file, 1, "is no socket"),
                                  ("x" * 108, 2, "must have 1 to 107 bytes")):
            done = subprocess.run([harness.HUSK, "console", str(path)], stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=harness.LIMIT, check=False)
            self.assertEqual((done.returncode, done.stdout), (status, b""))
            self.assert_one_sentence(done.stderr, why, str(path))


if __name__ == "__main__":
    harness.main()
