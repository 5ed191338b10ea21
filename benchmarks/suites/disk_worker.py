"""A sealed block worker of husk, driven from one process without a VM (bench_blk), beside fio with the same file,
engine (io_uring), depth and size of requests, O_DIRECT. fio is one thread, worker and driver are two: without a
processor for each, the ratio of the rates says mostly who got one; that of the median latencies is steadier."""

import contextlib
import os
import pathlib
import shutil
import tempfile

from harness.context import NotMeasured
from harness.figures import FLOOR, PERCENTILES, Target
from harness.workers import Case, run_json, worker_turns

ABOUT = "a sealed disk worker without a VM, beside fio on the same file"

FOLDER = pathlib.Path("/var/tmp")  # on a disk, where /tmp need not be
MIB = 1 << 20
RAMP = 0.2  # seconds
# name: pattern, bytes of a request, depth. A quick run measures the first ones.
CASES = {"randread-4k-32": ("randread", 4096, 32), "randwrite-4k-32": ("randwrite", 4096, 32),
         "read-256k-8": ("read", 256 * 1024, 8), "write-256k-8": ("write", 256 * 1024, 8),
         "randread-4k-1": ("randread", 4096, 1),
         "randwrite-4k-1": ("randwrite", 4096, 1), "read-256k-32": ("read", 256 * 1024, 32),
         "write-256k-32": ("write", 256 * 1024, 32)}
WORDS = {"randread": "random reads", "randwrite": "random writes", "read": "reads in order", "write": "writes in order"}


@contextlib.contextmanager
def disk(size):
    """A file of blocks that are allocated, written and random: neither file system nor disk has a short cut."""
    if shutil.disk_usage(FOLDER).free < 2 * size:
        raise NotMeasured(f"{FOLDER} has no room for a file of {size // MIB} MiB")
    with tempfile.NamedTemporaryFile(prefix="husk-bench-", suffix=".raw", dir=FOLDER) as out:
        os.posix_fallocate(out.fileno(), 0, size)
        for _ in range(size // MIB):
            out.write(os.urandom(MIB))
        out.flush()
        os.fsync(out.fileno())
        try:
            os.close(os.open(out.name, os.O_RDONLY | os.O_DIRECT))
        except OSError as error:
            raise NotMeasured(f"{FOLDER} is on a file system without O_DIRECT: {error.strerror}") from error
        yield out.name


def measure_fio(file, pattern, block, depth, seconds):
    """CPU time is that of fio's thread; of io_uring's own threads, if a file system needs any, fio knows nothing."""
    report = run_json(["fio", "--name=floor", f"--filename={file}", f"--rw={pattern}", f"--bs={block}", "--direct=1",
                       "--norandommap", "--randrepeat=0", "--time_based", f"--runtime={seconds * 1000:.0f}ms",
                       f"--ramp_time={RAMP * 1000:.0f}ms", "--lat_percentiles=1", "--clat_percentiles=0",
                       "--percentile_list=50:90:99:99.9", "--output-format=json", "--ioengine=io_uring",
                       f"--iodepth={depth}", "--registerfiles=1"])
    job = report["jobs"][0]
    way = job["write" if pattern.endswith("write") else "read"]
    cpu = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] * 1000
    return {"rate": way["iops"], "mb_per_second": way["bw_bytes"] / 1e6,
            "latency_us": {name: way["lat_ns"]["percentile"][f"{float(name[1:]):.6f}"] / 1000 for name in PERCENTILES},
            "each": {"cpu_us": cpu / way["total_ios"]}}


def figures_of(name, turns):
    pattern, block, depth = CASES[name]
    case = Case(f"disk_worker.{name}", f"{WORDS[pattern]} of {block // 1024} KiB, {depth} under way", turns)
    deep = depth >= 32
    if block > 4096:
        figures = [case.figure("bandwidth", "bandwidth", "MB/s", "mb_per_second", better="higher",
                               targets=[Target(FLOOR, at_least=0.95)])]
    else:
        figures = [case.figure("rate", "requests a second", "/s", "rate", better="higher",
                               targets=[Target(FLOOR, at_least=0.90)] if deep else [])]
    return [*figures, *case.latencies("latency"), case.cpu("request"),
            *case.notifications("request", [Target(None, at_most=0.2)] if deep else [])]


def measure(context):
    if not shutil.which("fio"):
        raise NotMeasured("fio is missing, and there is nothing to measure against without it: apt-get install fio")
    turns, seconds = context.pick((1, 0.3), (3, 0.4), (5, 1.5))
    names = list(CASES)[:context.pick(1, 5, len(CASES))]
    figures = []
    with disk(context.pick(64, 256, 1024) * MIB) as file:
        for name in names:
            pattern, block, depth = CASES[name]
            command = [context.build / "benchmarks/devices/bench_blk", "--file", file, "--rw", pattern, "--block", block,
                       "--depth", depth, "--seconds", seconds, "--warm-up", RAMP]
            found = worker_turns(command, lambda: measure_fio(file, pattern, block, depth, seconds), turns,
                                 unsealed=context.tier == "full" or name == names[0])
            figures += figures_of(name, found)
    return figures
