"""Programs and files of Debian packages, fetched and unpacked into a folder of their own, and copied from there with the shared
libraries they load. Nothing is taken from this machine's own /usr."""

import os
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("bin", "sbin", "usr/bin", "usr/sbin", "lib/systemd", "lib/systemd/system-generators", "lib/udev")
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/systemd", "lib/x86_64-linux-gnu/systemd", "lib64")


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], check=True, **options)


def output(*command) -> str:
    return run(*command, stdout=subprocess.PIPE, text=True).stdout


class Sysroot:
    """The packages of the list `packages`, unpacked in `folder`; fetched again when the list or a package's version changes."""

    def __init__(self, folder: pathlib.Path):
        self.top = folder
        lines = (HERE / "packages").read_text().splitlines()
        names = [line for line in lines if line and not line.startswith("#")]
        wanted = output("apt-cache", "show", "--no-all-versions", *names)
        wanted = "\n".join(line for line in wanted.splitlines() if line.startswith(("Package:", "Version:")))
        mark = folder.with_suffix(".fingerprint")
        if not mark.exists() or mark.read_text() != wanted:
            self._fetch(names)
            mark.write_text(wanted)

    def _fetch(self, names: list[str]) -> None:
        print(f"nixos: fetching {len(names)} Debian packages")
        shutil.rmtree(self.top, ignore_errors=True)
        self.top.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=self.top.parent) as work:
            user = output("id", "-un").strip()
            run("apt-get", "-qq", "-o", f"APT::Sandbox::User={user}", "download", *names, cwd=work)
            for package in sorted(pathlib.Path(work).glob("*.deb")):
                run("dpkg-deb", "-x", package, self.top)

    def _find(self, name: str, folders: tuple[str, ...], what: str) -> pathlib.Path:
        for folder in folders:
            found = self.top / folder / name
            while found.is_symlink():  # absolute links mean the sysroot
                target = os.readlink(found)
                found = self.top / target.lstrip("/") if target.startswith("/") else found.parent / target
            if found.exists():
                return found
        raise SystemExit(f"nixos: no package of tests/nixos/packages has the {what} {name}")

    def file(self, path: str) -> pathlib.Path:
        """A file by its path without the leading slash, with or without /usr."""
        return self._find(path.removeprefix("usr/"), ("", "usr"), "file")

    def program(self, name: str) -> pathlib.Path:
        return self._find(name, PROGRAMS, "program")

    def library(self, name: str) -> pathlib.Path:
        return self._find(name, LIBRARIES, "library")

    def libraries_of(self, programs: list[pathlib.Path]) -> dict[str, pathlib.Path]:
        """Every shared library that `programs` load, by the name they ask for, the loader included."""
        found: dict[str, pathlib.Path] = {}
        queue = list(programs)
        while queue:
            text = output("readelf", "-d", queue.pop())
            for line in text.splitlines():
                if "(NEEDED)" not in line:
                    continue
                name = line.split("[", 1)[1].rstrip("]")
                if name not in found:
                    found[name] = self.library(name)
                    queue.append(found[name])
        return found


def is_elf(path: pathlib.Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def copy_file(source: pathlib.Path, target: pathlib.Path) -> None:
    """The bytes and the mode; links are followed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(source, target)
