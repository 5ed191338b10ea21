"""What NixOS' configuration says of an initrd, and what both kinds of initrd share."""

import dataclasses
import pathlib
import subprocess

import modules
from debian import HERE, Sysroot, copy_file, run

RULES = ("50-udev-default", "55-dm", "60-block", "60-persistent-storage-dm", "60-persistent-storage", "80-drivers", "95-dm-notify")


@dataclasses.dataclass(frozen=True)
class Mount:
    device: str
    where: str = "/"
    type: str = "ext4"
    options: str = "defaults"


@dataclasses.dataclass(frozen=True)
class Initrd:
    """What NixOS' configuration says of an initrd."""
    kind: str = "script"  # or "systemd"
    available: tuple[str, ...] = modules.VIRTIO_AVAILABLE
    forced: tuple[str, ...] = modules.VIRTIO_FORCED
    mounts: tuple[Mount, ...] = (Mount("/dev/disk/by-label/nixos"),)
    luks: str = ""  # the device of an encrypted root, which becomes /dev/mapper/root
    luks_name: str = "root"
    post_mount: str = ""  # a command of the scripted kind, once everything is mounted
    compress: tuple[str, ...] = ("zstd", "-10", "-T0", "-q", "-c")


def template(name: str, **values: str) -> str:
    text = (HERE / "guest" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def pack(tree: pathlib.Path, compress: tuple[str, ...]) -> bytes:
    """A compressed cpio archive of everything below `tree`, owned by root, the same for the same tree."""
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    archive = run("cpio", "--quiet", "-0", "-o", "-H", "newc", "-R", "0:0", "--reproducible", cwd=tree,
                  input="\0".join(names).encode(), stdout=subprocess.PIPE).stdout
    return run(*compress, input=archive, stdout=subprocess.PIPE).stdout if compress else archive


def copy_rules(sysroot: Sysroot, target: pathlib.Path, names: tuple[str, ...]) -> None:
    for name in names:
        copy_file(sysroot.file(f"lib/udev/rules.d/{name}.rules"), target / f"{name}.rules")


def wanted_modules(wanted: Initrd) -> list[str]:
    return [*wanted.available, *wanted.forced, *modules.FILE_SYSTEMS, *(modules.LUKS if wanted.luks else ())]
