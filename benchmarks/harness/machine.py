"""What the figures were measured on. Nothing that names a person, a host or a folder."""

import os
import pathlib
import re
import subprocess


def first_line(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    except OSError:
        return "missing"
    return done.stdout.partition("\n")[0].strip() or "unknown"


def processor():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def kvm(husk):
    """As husk's doctor judges it: a software KVM emulates guest kernels."""
    doctor = subprocess.run([str(husk), "doctor"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    found = re.search(r"running guest code +(.*)$", doctor.stdout, re.MULTILINE)
    return found[1] if found else "missing"


def distribution():
    found = re.search(r'^PRETTY_NAME="(.*)"$', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def describe(husk):
    memory = re.search(r"^MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {"processor": processor(), "processors": os.cpu_count(), "memory_gib": round(int(memory[1]) / (1 << 20), 1),
            "kernel": re.match(r"[\d.]*", os.uname().release)[0], "distribution": distribution(), "kvm": kvm(husk),
            "qemu": first_line(["qemu-system-x86_64", "--version"]), "fio": first_line(["fio", "--version"]),
            "compiler": first_line(["g++", "--version"])}


def git(top, *words):
    return subprocess.run(["git", "-C", str(top), *words], capture_output=True, text=True, check=False).stdout.strip()


def commit(top):
    """The tree's commit, with a + where it has changes of its own."""
    found = git(top, "rev-parse", "--short=12", "HEAD")
    return (found or "unknown") + ("+" if found and git(top, "status", "--porcelain", "--untracked-files=no") else "")


def newer_source(top, husk):
    """A source of husk's that was changed after the program was built; None if there is none."""
    built = husk.stat().st_mtime
    sources = git(top, "ls-files", "vmm", "devices", "boot", "sandbox").splitlines()
    return next((name for name in sources if name.endswith((".cc", ".h")) and (top / name).exists()
                 and (top / name).stat().st_mtime > built), None)
