"""Named ports of the guest's virtio console: a guest that sends back what comes, and clients of its unix socket."""

import os
import select
import socket

import harness


class Ports(harness.HuskTest):
    def setUp(self):
        super().setUp()
        self.path = str(self.folder / "agent")

    def port(self, name="agent"):
        return ["--port", f"name={name},unix={self.path}"]

    def start_vm(self, *options, guest="virtio_ports"):
        husk = self.start(self.command(guest, *self.port(), *options))
        self.expect(husk, b"port 1 is agent")
        return husk

    def expect(self, husk, line):
        """Reads the serial port up to that line."""
        for got in husk.stdout:
            if got.strip() == line:
                return
        self.fail(f"no {line!r}")

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.path)
        return client

    def answer(self, client, sent):
        """What comes back for `sent`, which is sent meanwhile."""
        client.setblocking(False)
        got, at = b"", 0
        while len(got) < len(sent):
            readable, writable, _ = select.select([client], [client] if at < len(sent) else [], [], harness.LIMIT)
            self.assertTrue(readable or writable, f"nothing for a long time, after {len(got)} bytes")
            if writable:
                at += client.send(sent[at : at + 65536])
            if readable:
                block = client.recv(65536)
                self.assertTrue(block, f"closed after {len(got)} bytes")
                got += block
        client.setblocking(True)
        return got

    def test_bytes_come_back_as_they_are_and_clients_take_turns(self):
        husk = self.start_vm()
        self.assertEqual(os.stat(self.path).st_mode & 0o077, 0, "others may connect")
        sent = b"-" + bytes(range(256)) * 2000
        with self.connect() as first:
            self.expect(husk, b"port 1: client")
            second = self.connect()  # waits
            self.assertEqual(self.answer(first, sent), sent)
        self.expect(husk, b"port 1: nobody")
        self.expect(husk, b"port 1: client")
        self.assertEqual(self.answer(second, b"Q"), b"Q")
        self.assert_ended(husk, 0)
        self.assertFalse(os.path.exists(self.path), "the socket is left")

    def test_client_that_was_there_before_the_driver_is_served(self):
        husk = self.start(self.command("virtio_ports", *self.port()))
        self.assertTrue(harness.eventually(lambda: os.path.exists(self.path), harness.LIMIT))
        client = self.connect()
        self.assertEqual(self.answer(client, b"Quickly"), b"Quickly")
        self.assert_ended(husk, 0)

    def test_client_that_ends_its_input_still_gets_the_answer(self):
        husk = self.start_vm()
        client = self.connect()
        client.sendall(b"Question")
        client.shutdown(socket.SHUT_WR)
        got = b""
        while block := client.recv(100):
            got += block
        self.assertEqual(got, b"Question")
        self.assert_ended(husk, 0)

    def test_window_is_told_by_a_message(self):
        steps = ['expect "window 80x24" 10', "window 132 43", 'expect "window 132x43" 5', 'send "\\x1dk"', "exit 137 5"]
        self.assert_talk(self.converse("\n".join(steps), self.command("virtio_ports", *self.port())))

    def test_driver_that_breaks_the_control_queue_is_named_and_the_vm_lives(self):
        done = self.run_husk("virtio_ports", *self.port(), "--cmdline", "break")
        self.assertEqual((done.returncode, done.stdout), (0, b"needs reset\n"))
        self.assertIn(b"broke the protocol of hvc0", done.stderr)

    def test_ports_are_no_matter_to_a_guest_without_the_driver(self):
        done = self.run_husk("hello", *self.port())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"hello from afar\n", b""))

    def test_path_that_is_taken_is_refused_and_left_alone(self):
        with open(self.path, "w", encoding="ascii") as file:
            file.write("mine")
        done = self.run_husk("hello", *self.port())
        self.assertEqual(done.returncode, 1)
        self.assert_one_sentence(done.stderr, "port agent", self.path, "Address already in use")
        self.assertTrue(os.path.exists(self.path), "somebody else's file is gone")


if __name__ == "__main__":
    harness.main()
