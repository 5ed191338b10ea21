"""What can be waived of husk's confinement, and when the first vCPU runs without it."""

import json
import pathlib

LAYERS = ("seccomp", "landlock", "mdwe", "user-ns", "pid-ns", "net-ns", "ipc-ns", "uts-ns", "mount-ns", "msr-filter")
ALL_LAYERS = "all layers"
# A user namespace is what lets an ordinary user have the others: without it, they are waived as well.
WITHOUT = {layer: layer for layer in LAYERS} | {
    "all namespaces": "user-ns,pid-ns,net-ns,ipc-ns,uts-ns,mount-ns", ALL_LAYERS: ",".join(LAYERS)}


def without(layers):
    return ["--without", layers] if layers else []


def timeline(run, build, folder, disk, layers=""):
    """{what: microseconds since the exec} of husk's own, of a guest that powers off at once, with one disk and one console.
    `run` runs a command to its end."""
    stats = pathlib.Path(folder) / "stats.json"
    run([build / "husk", "run", "--kernel", build / "tests/guest/guests/hello", "--memory", "64M", "--log-level", "error",
         "--disk", disk, "--stats", stats, *without(layers)])
    return json.loads(stats.read_text())["boots"][0]["timeline_us"]
