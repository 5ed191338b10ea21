"""What husk cannot do, it says in one sentence and with the right exit status; nothing stays behind."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess

import harness

HOST, USAGE, BOOT = 1, 2, 6  # exit statuses: host failure, wrong usage, boot source unusable


def truncated_bzimage():
    """A boot sector and setup code whose header promises 8 MiB of kernel that are not there."""
    image = bytearray(5 * 512)
    image[0x1F1] = 4  # setup_sects
    struct.pack_into("<I", image, 0x1F4, 8 << 16)  # syssize, in 16 bytes
    struct.pack_into("<H", image, 0x1FE, 0xAA55)
    image[0x200:0x202] = b"\xeb\x6a"
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, 0x020F)  # version
    image[0x211] = 0x01  # LOADED_HIGH
    struct.pack_into("<I", image, 0x214, 0x100000)  # code32_start
    struct.pack_into("<I", image, 0x22C, 0x7FFFFFFF)  # initrd_addr_max
    struct.pack_into("<I", image, 0x230, 0x200000)  # kernel_alignment
    image[0x234] = 1  # relocatable
    struct.pack_into("<H", image, 0x236, 0x1)  # XLF_KERNEL_64
    struct.pack_into("<I", image, 0x238, 2047)  # cmdline_size
    struct.pack_into("<Q", image, 0x258, 0x1000000)  # pref_address
    struct.pack_into("<I", image, 0x260, 0x1000000)  # init_size
    return bytes(image)


class Refusals(harness.HuskTest):
    def refused(self, status, command, *needles, **how):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.LIMIT, **how)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assert_one_sentence(done.stderr, *needles)

    def kernel_refused(self, name, content, *needles):
        path = self.folder / name
        if content is not None:
            path.write_bytes(content)
        self.refused(BOOT, self.command("", kernel=path), str(path), *needles)

    def option_refused(self, status, option, value, *needles):
        self.refused(status, self.command("hello", option, value), option, *needles)

    # --- the kernel

    def test_no_kernel_option(self):
        self.refused(USAGE, [harness.HUSK, "run", "--name", self.name], "--kernel")

    def test_kernel_that_is_missing(self):
        self.kernel_refused("missing", None, "No such file")

    def test_kernel_that_is_a_directory(self):
        self.refused(BOOT, self.command("", kernel=self.folder), str(self.folder), "directory")

    def test_kernel_that_is_a_fifo_is_refused_without_waiting(self):
        os.mkfifo(self.folder / "fifo")
        self.kernel_refused("fifo", None, "regular file")

    def test_kernel_that_is_empty(self):
        self.kernel_refused("empty", b"", "empty")

    def test_kernel_that_is_a_text(self):
        self.kernel_refused("text", b"not a kernel\n" * 500)

    def test_kernel_that_is_one_byte(self):
        self.kernel_refused("byte", b"\x7f")

    def test_elf_that_is_no_kernel(self):
        self.refused(BOOT, self.command("", kernel="/bin/true"), "/bin/true")

    def test_bzimage_that_is_truncated(self):
        self.kernel_refused("bzImage", truncated_bzimage())

    def test_kernel_with_a_name_full_of_control_characters_stays_one_line(self):
        self.refused(BOOT, self.command("", kernel=self.folder / "a\nhusk: b\x1b[2J"), "a?husk: b?[2J")

    def test_initrd_that_is_missing(self):
        path = str(self.folder / "initrd")
        self.refused(BOOT, self.command("hello", "--initrd", path), path)

    def test_initrd_larger_than_memory(self):
        path = self.folder / "initrd"
        path.touch()
        os.truncate(path, 1 << 30)
        self.refused(BOOT, self.command("hello", "--initrd", str(path)), "initrd")

    # --- options

    def test_numbers_of_cpus(self):
        for number in ("0", "65", "-1", "two", "99999999999999999999"):
            with self.subTest(number):
                self.option_refused(USAGE, "--cpus", number)

    def test_sizes_of_memory(self):
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for size in (str(2 * (host >> 30) + 2) + "G", "12Q", "", "M", "0", "1M", "33000001", "99999999999999999999G"):
            with self.subTest(size):
                command = [harness.HUSK, "run", "--kernel", self.guest("hello"), "--name", self.name]
                self.refused(USAGE, [*command, "--memory", size], "--memory")

    def test_command_line_that_is_too_long(self):
        self.option_refused(USAGE, "--cmdline", "x" * 3000, "3000")

    def test_values_that_do_not_exist(self):
        for option in ("--console", "--uart", "--on-reboot", "--log-level"):
            with self.subTest(option):
                self.option_refused(USAGE, option, "perhaps", "perhaps")

    def test_name_that_is_no_name(self):
        command = [harness.HUSK, "run", "--kernel", self.guest("hello")]
        self.refused(USAGE, [*command, "--name", "a b"], "--name", "a b")

    def test_option_that_does_not_exist(self):
        self.refused(USAGE, self.command("hello", "--colour"), "--colour")

    def test_command_that_does_not_exist(self):
        self.refused(USAGE, [harness.HUSK, "walk"], "husk")
        self.refused(USAGE, [harness.HUSK])

    # --- the host

    def test_kvm_device_that_is_missing(self):
        path = str(self.folder / "kvm")
        self.refused(HOST, self.command("hello", "--kvm", path), path, "No such file")

    def test_kvm_device_that_is_something_else(self):
        self.refused(HOST, self.command("hello", "--kvm", "/dev/null"), "/dev/null", "not a KVM device")

    def test_kvm_device_without_permission(self):
        husk, device = self.folder / "husk", self.folder / "kvm"
        kernel = self.folder / "hello"
        shutil.copy(harness.HUSK, husk)
        shutil.copy(self.guest("hello"), kernel)
        device.touch(0o600)
        nobody = {}
        if os.getuid() == 0:  # to whom everything is permitted
            os.chmod(self.folder, 0o755)
            nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        else:
            device.chmod(0)
        command = [str(husk), "run", "--kernel", str(kernel), "--name", self.name, "--kvm", str(device)]
        self.refused(HOST, command, str(device), "Permission denied", "usermod", **nobody)

    def test_kvm_without_a_capability_that_husk_needs(self):
        command = [harness.LACKING, *self.command("hello")[1:]]
        self.refused(HOST, command, "KVM_CAP_SPLIT_IRQCHIP")

    # --- files

    def test_console_socket_with_a_path_that_is_too_long(self):
        path = str(self.folder / ("x" * 120))
        self.refused(USAGE, self.command("hello", "--console", "unix=" + path), path)
        self.assertEqual(os.listdir(self.folder), [])

    def test_console_socket_that_somebody_listens_on(self):
        path = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.refused(HOST, self.command("hello", "--console", "unix=" + path), path, "in use")
            self.assertTrue(os.path.exists(path), "somebody else's socket was removed")

    def test_console_socket_in_place_of_a_file(self):
        path = self.folder / "file"
        path.write_text("precious")
        self.refused(HOST, self.command("hello", "--console", f"unix={path}"), str(path))
        self.assertEqual(path.read_text(), "precious")

    def test_console_file_in_a_missing_folder(self):
        path = str(self.folder / "missing" / "file")
        self.refused(HOST, self.command("hello", "--console", "file=" + path), path)

    def test_statistics_into_a_missing_folder(self):
        path = str(self.folder / "missing" / "stats.json")
        self.refused(HOST, self.command("hello", "--stats", path), path)

    def test_refusal_by_the_vmm_leaves_no_console_socket(self):
        path = str(self.folder / "socket")
        command = self.command("", "--console", "unix=" + path, "--log-level", "error", kernel="/bin/true")
        self.refused(BOOT, command, "/bin/true")
        self.assertFalse(os.path.exists(path), "the socket is left")

    def test_refusal_by_the_launcher_leaves_no_console_socket(self):
        path = str(self.folder / "socket")
        command = self.command("hello", "--console", "unix=" + path, "--log-level", "error", "--kvm", "/dev/missing")
        self.refused(HOST, command, "/dev/missing")
        self.assertFalse(os.path.exists(path), "the socket is left")

    def test_role_variable_with_an_unknown_role(self):
        self.refused(USAGE, self.command("hello"), env=os.environ | {"HUSK_ROLE": "king"})


if __name__ == "__main__":
    harness.main()
