"""How a run ends, and the exit status that tells it."""

import json
import os
import pathlib
import pty
import re
import signal
import time

import harness

HUGE_PAGES = 16  # of 2 MiB: what the harness gives a guest


def free_huge_pages():
    return int(re.search(r"^HugePages_Free: +(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)[1])


class ExitStatus(harness.HuskTest):
    def assert_run(self, done, status, stdout):
        self.assertEqual((done.returncode, done.stdout), (status, stdout), done.stderr)

    def test_poweroff_is_0_and_the_guests_line_is_printed(self):
        done = self.run_husk("hello")
        self.assert_run(done, 0, b"hello from afar\n")
        self.assertEqual(self.complaints(done.stderr), b"")

    def test_absent_ports_and_addresses_read_as_ones(self):
        self.assert_run(self.run_husk("absent_ports"), 0, b"ok\n")

    def test_several_vcpus_of_which_one_runs_can_power_off(self):
        self.assert_run(self.run_husk("hello", "--cpus", "4"), 0, b"hello from afar\n")

    def test_a_guest_in_huge_pages_runs_and_gives_them_back(self):
        pool = pathlib.Path("/proc/sys/vm/nr_hugepages")
        before = pool.read_text()
        self.addCleanup(pool.write_text, before)
        wanted = int(before) + HUGE_PAGES
        self.assertTrue(harness.eventually(lambda: pool.write_text(str(wanted)) and int(pool.read_text()) == wanted),
                        "this host has no memory left for huge pages")
        self.assert_run(self.run_husk("hello", "--hugepages"), 0, b"hello from afar\n")
        self.assertIsNotNone(harness.eventually(lambda: free_huge_pages() >= HUGE_PAGES))

    def test_reset_is_3_when_a_reboot_shall_exit(self):
        done = self.run_husk("reset", "--on-reboot", "exit")
        self.assert_run(done, 3, b"")
        self.assertEqual(self.complaints(done.stderr), b"")

    def test_reset_by_the_keyboard_controller_is_3(self):
        self.assert_run(self.run_husk("keyboard_reset", "--on-reboot", "exit"), 3, b"")

    def test_triple_fault_is_4_with_a_sentence(self):
        done = self.run_husk("triple_fault")
        self.assert_run(done, 4, b"")
        self.assert_one_sentence(done.stderr, "triple fault", "vCPU 0")
        # Where it was; KVM on AMD's processors does not keep that.
        self.assertRegex(done.stderr, rb"vCPU 0( at 0x10\w+: rsp 0x\w+, cr0 0x\w*1, .* efer 0x|, whose state is lost)")

    def test_a_reboot_restarts_the_guest_and_a_signal_ends_that(self):
        stats = self.folder / "stats.json"
        husk = self.start(self.command("reset", "--stats", str(stats)))
        first = self.role("vmm")
        self.assertTrue(harness.eventually(lambda: self.role("vmm") != first), "there is no second boot")
        husk.send_signal(signal.SIGTERM)
        self.assert_ended(husk, 128 + signal.SIGTERM)
        report = json.loads(stats.read_text())
        self.assertGreater(len(report["boots"]), 1)
        self.assertEqual(report["exit_status"], 143)

    def test_the_second_sigterm_ends_a_guest_that_does_not_listen_with_143(self):
        husk = self.start(self.command("spin"))
        self.assertEqual(husk.stdout.readline(), b"spinning\n")
        husk.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(husk.poll(), "the first SIGTERM must only press the power button")
        husk.send_signal(signal.SIGTERM)
        self.assert_ended(husk, 143)

    def test_the_power_button_from_the_terminal_then_again_is_143(self):
        script = 'expect "spinning" 10\nsend "\\x1dq"\nexpect "asked the guest" 5\nsend "\\x1dq"\nexit 143 5\ntermios-sane'
        self.assert_talk(self.converse(script, self.command("spin")))

    def test_kill_from_the_terminal_is_137(self):
        script = 'expect "spinning" 10\nsend "\\x1dk"\nexit 137 5\ntermios-sane'
        self.assert_talk(self.converse(script, self.command("spin")))

    # The kernel takes the terminal away before it sends SIGHUP.
    def test_terminal_that_hangs_up_presses_the_power_button(self):
        said = self.folder / "said"
        process, terminal = pty.fork()
        if process == 0:
            os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY, 0o600), 2)
            os.execv(harness.HUSK, [str(word) for word in self.command("spin")])
        self.assertTrue(os.read(terminal, 1))  # the guest runs
        os.close(terminal)
        self.assertTrue(harness.eventually(lambda: b"asked the guest to power off" in said.read_bytes()))
        os.kill(process, signal.SIGTERM)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 143)


if __name__ == "__main__":
    harness.main()
