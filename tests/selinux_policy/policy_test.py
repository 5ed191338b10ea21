#!/usr/bin/env python3
"""husk's policy modules in Debian's policy: that they compile with all of its neverallow rules, and what microvm_t must
not be allowed there, as sesearch sees it in the compiled policy. Boots nothing and needs no SELinux.

usage: policy_test.py FOLDER-OF-MODULES    (Debian packages: selinux-policy-default, policycoreutils, secilc, setools)
"""

import bz2
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

DEBIAN_MODULES = pathlib.Path("/usr/share/selinux/default")
PP_TO_CIL = "/usr/libexec/selinux/hll/pp"
POLICY_VERSION = "33"
DOMAIN = "microvm_t"

# Permissions that microvm_t has on nothing at all.
NEVER = ("name_connect", "name_bind", "node_bind", "execute_no_trans", "execmem", "execstack", "execheap", "ptrace",
         "transition", "dyntransition", "setexec", "setcurrent", "setfscreate", "setsockcreate", "setrlimit",
         "noatsecure", "relabelfrom", "relabelto", "mount", "mounton", "module_load", "add_name", "unlink", "rename",
         "setattr_of_files", "create_of_files")
# Classes of which it has no permission.
NO_CLASS = ("capability", "capability2", "cap_userns", "cap2_userns", "udp_socket", "rawip_socket", "packet_socket",
            "netlink_route_socket", "vsock_socket", "tun_socket", "bpf", "perf_event", "io_uring", "anon_inode",
            "user_namespace", "key", "system", "dbus")
# Files of any kind that it may open, and nothing else. The first are what Debian lets every process open.
MAY_OPEN = {
    "cpu_online_t:file", "device_t:dir", "devtty_t:chr_file", "etc_t:dir", "ld_so_cache_t:file", "ld_so_t:file",
    "lib_t:dir", "lib_t:file", "null_device_t:chr_file", "proc_t:dir", "root_t:dir", "setrans_runtime_t:dir",
    "setrans_runtime_t:sock_file", "sysctl_crypto_t:dir", "sysctl_crypto_t:file", "sysctl_t:dir", "sysfs_t:dir",
    "textrel_shlib_t:file", "urandom_device_t:chr_file", "usr_t:dir", "var_run_t:dir", "var_t:dir",
    "zero_device_t:chr_file",
    # itself in /proc, and what allocators and libselinux read
    "microvm_t:dir", "microvm_t:file", "selinux_config_t:file", "sysctl_vm_overcommit_t:file",
}
# What its descriptors are of: never opened, by no rule, not even through an attribute.
NEVER_OPENED = ("kvm_device_t", "tun_tap_device_t", "fixed_disk_device_t", "svirt_image_t", "virt_content_t",
                "microvm_tmpfs_t", "svirt_tmpfs_t", "microvm_exec_t", "user_home_t", "user_tmp_t", "ptmx_t")
# Who is allowed each of these things: the same questions must find something there.
CONTROLS = ("unconfined_t", "initrc_t", "staff_t", "init_t")
FILE_CLASSES = {"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"}

RULE = re.compile(r"^allow (\S+) (\S+):(\S+) (?:\{ ([^}]*) \}|(\S+));")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def to_cil(package, folder):
    """One of Debian's compiled modules, as CIL."""
    source = subprocess.run([PP_TO_CIL], input=bz2.decompress(package.read_bytes()), check=True, capture_output=True)
    target = folder / package.name.replace(".pp.bz2", ".cil")
    target.write_bytes(source.stdout)
    return target


def compile_policy(output, sources):
    """secilc's result. It checks neverallow rules unless told not to."""
    return subprocess.run(["secilc", "-m", "-c", POLICY_VERSION, "-o", output, "-f", "/dev/null", *sources],
                          capture_output=True, text=True, check=False)


def rules_of(policy, source):
    """(target, class, permission) of every allow rule of `source`, through attributes and booleans too."""
    found = set()
    for line in run("sesearch", "-A", "-s", source, policy).splitlines():
        match = RULE.match(line)
        if not match:
            raise SystemExit(f"selinux_policy: sesearch says what this test does not read: {line}")
        _, target, tclass, several, one = match.groups()
        found |= {(target, tclass, permission) for permission in (several or one).split()}
    return found


def holds(rules, never):
    """The rules that allow `never`, a permission or one of files of any kind."""
    permission, _, of_files = never.partition("_of_")
    return {rule for rule in rules if rule[2] == permission and (not of_files or rule[1] in FILE_CLASSES)}


def faults_of(policy):
    rules = rules_of(policy, DOMAIN)
    control = set().union(*(rules_of(policy, source) for source in CONTROLS))
    for never in NEVER:
        yield from (f"{DOMAIN} may {never}: {rule}" for rule in holds(rules, never))
        if not holds(control, never):
            yield f"the question for {never} finds nothing where there is something"
    for tclass in NO_CLASS:
        yield from (f"{DOMAIN} has {rule}" for rule in rules if rule[1] == tclass)
    if not any(rule[1] == "capability" for rule in control):
        yield "the question for capabilities finds nothing where there is something"
    opened = {f"{target}:{tclass}" for target, tclass, permission in rules if permission == "open"}
    yield from (f"{DOMAIN} may open {what}" for what in sorted(opened - MAY_OPEN))
    for target in NEVER_OPENED:
        if run("sesearch", "-A", "-s", DOMAIN, "-t", target, "-p", "open", policy):
            yield f"{DOMAIN} may open {target}"
    if not run("sesearch", "-A", "-s", "svirt_t", "-t", "kvm_device_t", "-p", "open", policy):
        yield "the question for open finds nothing where there is something"
    if f" {DOMAIN}" not in run("seinfo", "-a", "mcs_constrained_type", "-x", policy).replace("\t", " "):
        yield f"{DOMAIN} is not bound by categories"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    modules = sorted(pathlib.Path(sys.argv[1]).glob("*.cil"))
    packages = sorted(DEBIAN_MODULES.glob("*.pp.bz2"))
    if not modules or not packages:
        raise SystemExit(f"selinux_policy: no modules in {sys.argv[1]}, or none in {DEBIAN_MODULES} (selinux-policy-default)")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with ThreadPoolExecutor() as pool:
            debian = list(pool.map(lambda package: to_cil(package, folder), packages))
        policy = str(folder / "policy")
        for chosen in ([module for module in modules if module.stem == "husk"], modules):
            result = compile_policy(policy, debian + chosen)
            if result.returncode != 0:
                raise SystemExit(f"selinux_policy: {[module.stem for module in chosen]}: {result.stdout}{result.stderr}")
        forbidden = folder / "forbidden.cil"
        forbidden.write_text(f"(allow {DOMAIN} memory_device_t (chr_file (read)))\n")
        if compile_policy(str(folder / "none"), debian + modules + [forbidden]).returncode == 0:
            raise SystemExit("selinux_policy: neverallow rules are not checked: /dev/mem for all went in")
        faults = list(faults_of(policy))
        print("\n".join(faults), end="\n" if faults else "")
        for domain in (DOMAIN, "svirt_t"):
            every = run("sesearch", "-A", "-s", domain, policy).splitlines()
            own = [line for line in every if line.startswith(f"allow {domain} ")]
            print(f"{domain}: {len(every)} allow rules, {len(own)} of its own")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
