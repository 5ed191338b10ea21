"""Disk images: file systems made from folders, and partition tables around them. Raw, sparse, and made without root."""

import pathlib
import shutil
import subprocess

from debian import run

MIB = 1 << 20
ESP, XBOOTLDR, ROOT = "ef00", "ea00", "8304"  # sgdisk's names for the types


def sparse(file: pathlib.Path, size: int) -> None:
    file.unlink(missing_ok=True)
    with file.open("wb") as out:
        out.truncate(size)


def ext4(file: pathlib.Path, size: int, label: str, tree: pathlib.Path) -> None:
    sparse(file, size)
    run("/usr/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-L", label, "-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
        "-d", tree, file)


def fat(file: pathlib.Path, size: int, label: str, tree: pathlib.Path, bits: int = 32, only: str = "*") -> None:
    """A FAT file system with what `tree` holds, or with those of its entries whose names match `only`."""
    sparse(file, size)
    cluster = () if bits == 12 else ("-s", "1")  # FAT16 and FAT32 want many clusters
    run("/usr/sbin/mkfs.vfat", "-F", str(bits), *cluster, "-n", label, "-i", "12345678", file, stdout=subprocess.DEVNULL)
    contents = sorted(tree.glob(only))
    if contents:
        run("mcopy", "-i", file, "-s", "-Q", *contents, "::/")


def gpt(file: pathlib.Path, partitions: list[tuple[str, str, pathlib.Path]]) -> None:
    """An image with a GPT and these partitions (type, name, file of the contents), each at a MiB."""
    sizes = [-(-part.stat().st_size // MIB) for _, _, part in partitions]
    sparse(file, (sum(sizes) + 2) * MIB)
    command = ["/usr/sbin/sgdisk", "--disk-guid=12345678-1234-1234-1234-123456789abc"]
    start = 1
    for number, ((kind, name, _), size) in enumerate(zip(partitions, sizes), 1):
        command += [f"--new={number}:{start * 2048}:{(start + size) * 2048 - 1}", f"--typecode={number}:{kind}", f"--change-name={number}:{name}"]
        start += size
    run(*command, file, stdout=subprocess.DEVNULL)
    start = 1
    for (_, _, part), size in zip(partitions, sizes):
        run("dd", f"if={part}", f"of={file}", "bs=1M", f"seek={start}", "conv=notrunc,sparse", "status=none")
        start += size


def luks(file: pathlib.Path, passphrase: str, uuid: str, slack: int = 32 * MIB) -> None:
    """Encrypts an image of a file system in its place, all in user space; it grows by `slack`, half of which the header takes."""
    with file.open("r+b") as image:
        image.truncate(file.stat().st_size + slack)
    run("/usr/sbin/cryptsetup", "reencrypt", "--encrypt", "--type", "luks2", "--reduce-device-size", str(slack), "--uuid", uuid,
        "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--batch-mode", "--key-file", "-", file, input=passphrase.encode())
