"""The bytes of an initrd, and of what is appended to one."""

import pathlib
import tempfile

from debian import Sysroot
from initrd import Initrd, pack
from modules import Kernel
from stage1_script import scripted_tree
from stage1_systemd import systemd_tree
from store import Store


def build_initrd(wanted: Initrd, kernel: Kernel, sysroot: Sysroot) -> bytes:
    with tempfile.TemporaryDirectory() as work:
        tree = pathlib.Path(work)
        store = Store(tree)
        if wanted.kind == "systemd":
            systemd_tree(wanted, kernel, sysroot, store)
        else:
            scripted_tree(wanted, kernel, sysroot, store)
        return pack(tree, wanted.compress)


def secrets(files: dict[str, str], compress: tuple[str, ...] = Initrd.compress) -> bytes:
    """What append-initrd-secrets adds to an initrd: another archive, with these files below /.initrd-secrets."""
    with tempfile.TemporaryDirectory() as work:
        for name, text in files.items():
            file = pathlib.Path(work) / ".initrd-secrets" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return pack(pathlib.Path(work), compress)
