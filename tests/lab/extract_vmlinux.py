#!/usr/bin/env python3
"""Extract the uncompressed vmlinux (an ELF file) from a bzImage: extract_vmlinux.py BZIMAGE VMLINUX

The setup header says where the compressed kernel lies and how long it is (Linux, Documentation/arch/x86/boot.rst:
setup_sects 0x1f1, magic 0x202, payload_offset 0x248, payload_length 0x24c). gzip, bzip2, lzma and xz are undone here,
zstd, lz4 and lzo by their command line tools.
"""
import bz2
import lzma
import struct
import subprocess
import sys
import zlib


def tool(*command):
    """A decompressor that runs `command`, which reads standard input and writes standard output."""
    def run(data):
        try:
            return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
        except FileNotFoundError:
            raise SystemExit(f"extract_vmlinux: this kernel needs the program {command[0]}")
    return run


# magic number of the stream -> (name, decompressor). LZMA's "magic" is its usual header.
FORMATS = {
    b"\x1f\x8b": ("gzip", lambda data: zlib.decompressobj(wbits=31).decompress(data)),
    b"BZh": ("bzip2", lambda data: bz2.BZ2Decompressor().decompress(data)),
    b"\x5d\x00\x00": ("lzma", lambda data: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)),
    b"\xfd7zXZ\x00": ("xz", lambda data: lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)),
    b"\x89LZO": ("lzo", tool("lzop", "-dcq")),
    b"\x02\x21\x4c\x18": ("lz4", tool("lz4", "-dcq")),
    b"\x28\xb5\x2f\xfd": ("zstd", tool("zstd", "-dcq")),
}


def payload(image):
    """The compressed kernel, and the size it must have when uncompressed."""
    if len(image) < 0x250 or image[0x202:0x206] != b"HdrS":
        raise SystemExit("extract_vmlinux: not a bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    data = image[start:start + length]
    if length < 8 or len(data) != length:
        raise SystemExit("extract_vmlinux: the setup header names no payload")
    return data, struct.unpack("<I", data[-4:])[0]


def extract(image):
    data, size = payload(image)
    for magic, (name, decompress) in FORMATS.items():
        if data.startswith(magic):
            # The build appends the uncompressed size to every stream but gzip's, which ends with it anyway.
            elf = decompress(data if name == "gzip" else data[:-4])
            break
    else:
        raise SystemExit(f"extract_vmlinux: unknown compression, the payload starts with {data[:6].hex()}")
    if len(elf) != size or not elf.startswith(b"\x7fELF"):
        raise SystemExit(f"extract_vmlinux: {name} gave {len(elf)} bytes, not an ELF file of {size}")
    return elf


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: extract_vmlinux.py BZIMAGE VMLINUX")
    with open(sys.argv[1], "rb") as source:
        elf = extract(source.read())
    with open(sys.argv[2], "wb") as target:
        target.write(elf)


main()
