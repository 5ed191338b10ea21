#!/usr/bin/env python3
"""Every entry of the README's map must be there, every folder of the house must be in it, and so must every command
that the README tells a person to type."""

import pathlib
import re
import sys


def main() -> int:
    top = pathlib.Path(__file__).resolve().parent.parent
    readme = (top / "README.md").read_text()
    section = readme.split("\n## Map\n", 1)[-1].split("\n## ", 1)[0]
    entries = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    faults = [f"the map names {entry}, which is not there" for entry in entries if not (top / entry).exists()]
    for house in ("vmm", "devices", "boot", "sandbox"):
        for folder in sorted(path for path in (top / house).iterdir() if path.is_dir()):
            name = f"{house}/{folder.name}"
            if name not in [entry.rstrip("/") for entry in entries]:
                faults.append(f"{name} is not in the map")
    for command in re.findall(r"^    ((?:tests|\.ci|benchmarks)/[\w./-]+)", readme, re.MULTILINE):
        if not (top / command).exists():
            faults.append(f"the README tells to run {command}, which is not there")
    print("\n".join(faults) or f"{len(entries)} entries resolve")
    return 1 if faults or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
