#!/usr/bin/env python3
"""Enforces who may include whom. Every folder of the house names the folders it may include from; what is not in
the table is an error, as is <linux/kvm.h> anywhere but in vmm/kvm, spdlog anywhere but in vmm/base/log.cc, and the C++
library's streams: one that includes them makes the program a third larger and every role's start slower."""

import pathlib
import re
import subprocess
import sys

BASE = {"vmm/base"}
MEMORY = BASE | {"vmm/memory"}
BUS = MEMORY | {"vmm/bus"}
KVM = BUS | {"vmm/kvm"}
DEVICES = BUS | {"devices/host", "devices/platform", "devices/virtio"}
ROLES = KVM | DEVICES | {"boot/linux", "boot/acpi", "boot/nixos", "sandbox/process",
                         "sandbox/seccomp", "sandbox/selinux", "vmm/roles"}
MACHINE = ROLES | {"vmm/machine"}

ALLOWED = {
    "vmm/base": BASE,
    "vmm/memory": MEMORY,
    "vmm/bus": BUS,
    "vmm/kvm": KVM,
    "boot/linux": MEMORY | {"boot/linux"},
    "boot/acpi": MEMORY | {"boot/acpi"},
    "boot/nixos": BASE | {"boot/nixos"},
    "sandbox/seccomp": BASE | {"sandbox/seccomp"},
    "sandbox/process": BASE | {"sandbox/process"},
    "sandbox/selinux": BASE | {"sandbox/selinux"},
    "devices/host": BASE | {"devices/host"},
    "devices/virtio": BUS | {"devices/host", "devices/virtio"},
    "devices/platform": BUS | {"devices/platform"},
    "vmm/roles": ROLES,
    "vmm/machine": MACHINE,
    "vmm/cli": MACHINE | {"vmm/cli"},
}

STREAMS = {"fstream", "iomanip", "iostream", "istream", "locale", "ostream", "regex", "sstream", "strstream"}
BUILD_TOOLS = {"vmm/roles/filters/write_filters.cc"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def house(path: str) -> str:
    return "/".join(path.split("/")[:2])


def main() -> int:
    top = pathlib.Path(__file__).resolve().parent.parent
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cc", "*.h"], cwd=top, check=True,
                            capture_output=True, text=True).stdout.split()
    sources = [path for path in listed if path.split("/")[0] in ("vmm", "devices", "boot", "sandbox")]
    faults = []
    for path in sources:
        folder = house(path)
        if folder not in ALLOWED:
            faults.append(f"{path}: {folder} is not in the table of tests/include_table.py")
            continue
        for number, line in enumerate((top / path).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, name = match.groups()
            if quote == '"' and house(name) not in ALLOWED[folder]:
                faults.append(f"{path}:{number}: {folder} may not include {name}")
            if name == "linux/kvm.h" and folder != "vmm/kvm":
                faults.append(f"{path}:{number}: only vmm/kvm includes <linux/kvm.h>")
            if name.startswith("spdlog/") and path != "vmm/base/log.cc":
                faults.append(f"{path}:{number}: only vmm/base/log.cc includes spdlog")
            if name in STREAMS and path not in BUILD_TOOLS:
                faults.append(f"{path}:{number}: husk does without <{name}> (vmm/base/whole_file.h reads files)")
    long = [path for path in listed if len((top / path).read_text().splitlines()) > 400]
    faults += [f"{path}: more than 400 lines" for path in long]
    print("\n".join(faults) or f"{len(sources)} sources keep to the table")
    return 1 if faults or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
