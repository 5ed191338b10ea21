"""What many VMs leave behind: looked at before they start and after they have ended.

Other programs come and go meanwhile. What bears the fleet's name is the fleet's. What has no name is the fleet's when there is more of it by
as much as there were VMs, and by more than other programs would have: so it is told of many VMs only."""

import os
import pathlib
import subprocess
import time

from harness.fleet import available_memory

PLACES = ("/tmp", "/run", "/dev/shm", "/var/tmp")
SETTLES = 20.0  # seconds: the kernel takes network namespaces down behind everybody's back
# What other programs may have more of, of things without a name. Another VM has 55 open files.
OTHERS = {"file": 100, "mount": 100, "unix socket": 100, "open files": 2000, "unix sockets": 200, "file locks": 100, "namespaces": 200,
          "network namespaces": 100}
MEMORY_TOLD = 512  # MiB of a fleet whose return can be told from what other programs take and give
NAMESPACES = ("mnt", "net", "pid", "user", "ipc", "uts")


def files():
    """Two levels deep: husk puts its journals at /run/husk and scratch files into /var/tmp."""
    found = set()
    for place in PLACES:
        for folder, folders, names in os.walk(place, onerror=lambda _: None):
            found.update(os.path.join(folder, name) for name in folders + names)
            if folder.count("/") > place.count("/"):
                folders.clear()
    return found


def processes():
    """{pid: command line}"""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = pathlib.Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
    return found


def namespaces():
    """Those that some process is in."""
    found = set()
    for pid in processes():
        for kind in NAMESPACES:
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                continue
    return found


def lines(path):
    return pathlib.Path(path).read_text(errors="replace").splitlines()


class Before:
    """`name` is in the name of every VM that is going to be started; files below `own` are not theirs."""

    def __init__(self, name, own):
        self.name = name
        self.own = str(own)
        self.named = self._named()
        self.counts = self._counts()
        self.available = available_memory()

    def _named(self):
        return {"file": {path for path in files() if not path.startswith(self.own)},
                "mount": set(line.split(" ", 3)[3] for line in lines("/proc/self/mountinfo")),
                "unix socket": set(line.split()[7] for line in lines("/proc/net/unix") if len(line.split()) > 7),
                "process": {f"{pid} {line}" for pid, line in processes().items() if pid != os.getpid()}}

    @staticmethod
    def _counts():
        return {"open files": int(pathlib.Path("/proc/sys/fs/file-nr").read_text().split()[0]),
                "unix sockets": len(lines("/proc/net/unix")),
                "file locks": len(lines("/proc/locks")),
                "namespaces": len(namespaces()),
                "network namespaces": network_namespaces()}

    def left(self, vms, taken):
        """Sentences, none if nothing is left of so many VMs that had taken so many MiB."""
        deadline = time.monotonic() + SETTLES
        while (found := self._left_now(vms, taken)) and time.monotonic() < deadline:
            time.sleep(0.2)
            free_network_namespaces()
        return found

    def _left_now(self, vms, taken):
        found, named = [], self._named()
        for what, before in self.named.items():
            new = sorted(named[what] - before)
            ours = [item for item in new if self.name in item]
            if ours or (what != "process" and len(new) >= max(vms, OTHERS[what])):
                found.append(f"{len(ours or new)} of kind {what}, as {(ours or new)[0]}")
        for what, now in self._counts().items():
            if now - self.counts[what] >= max(vms, OTHERS[what]):
                found.append(f"{now - self.counts[what]} {what}")
        missing = self.available - available_memory()
        if taken >= MEMORY_TOLD and missing > taken / 2:
            found.append(f"{missing:.0f} MiB of memory, of the {taken:.0f} that they had")
        return found


def free_network_namespaces():
    """The kernel frees the memory of those that are gone when the next one goes."""
    subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False)


def network_namespaces():
    """Also those that no process is in, which only root is told of: 0 for others."""
    try:
        for line in lines("/proc/slabinfo"):
            if line.startswith("net_namespace "):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
