"""What a NixOS system has in its path and in /etc: systemd, logins on the consoles, and what an installer needs."""

import units
from debian import Sysroot, copy_file, output
from initrd import RULES, copy_rules, template
from store import Store

COMMANDS = ("agetty", "bash", "blkid", "cryptsetup", "mke2fs", "mkfs.vfat", "sgdisk", "lsblk", "swapon", "swapoff")
# Of busybox' names, those that are something else here.
NOT_BUSYBOX = ("init", "linuxrc", "poweroff", "reboot", "halt")


def system_path(store: Store, sysroot: Sysroot, shell: str, busybox: str, install_boot: str) -> tuple[str, list[str]]:
    """The path, and the scripts beside it that it links to."""
    path = store.folder("system-path")
    usr = store.here(path) / "usr"
    copy_file(sysroot.program("busybox"), usr / "bin/busybox")
    units.copy_programs(sysroot, usr, COMMANDS)
    units.links(usr / "bin", "mke2fs", "mkfs.ext4")
    scripts = []
    for name in ("nixos-rebuild", "nixos-install", "nixos-generate-config", "sudo"):
        script = store.script(name, template(f"{name}.sh", shell=shell, installBoot=install_boot, coreutils=busybox))
        units.links(usr / "bin", script, name)
        scripts.append(script)
    units.copy_systemd(sysroot, usr, units.SYSTEM, ("systemd-getty-generator",))
    for name in output(usr / "bin/busybox", "--list").split():
        if name not in NOT_BUSYBOX and not (usr / "bin" / name).exists():
            units.links(usr / "bin", "busybox", name)
            units.links(usr / "sbin", "../bin/busybox", name)
    copy_rules(sysroot, usr / "lib/udev/rules.d", (*RULES, "60-serial", "99-systemd"))
    units.links(usr / "lib", "/run/booted-system/kernel-modules/lib/modules", "modules")
    units.links(usr / "lib/systemd/system", "multi-user.target", "default.target")
    return path, scripts


FILES = {
    "passwd": "root:x:0:0:System administrator:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\ntty:x:5:\ndisk:x:6:\nkmem:x:7:\ninput:x:8:\nrender:x:9:\nlp:x:10:\naudio:x:11:\nvideo:x:12:\ncdrom:x:13:\n"
             "dialout:x:14:\nkvm:x:15:\nsgx:x:16:\ntape:x:17:\nsystemd-journal:x:18:\nnogroup:x:65534:\n",
    "shadow": "root::1::::::\n",
    "hostname": "nixos\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
    "profile": "export PATH=/usr/bin PAGER=cat\nPS1='[root@nixos:\\w]# '\n",
    "shells": "/bin/sh\n/bin/bash\n",
    "mke2fs.conf": "[defaults]\nbase_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr\nblocksize = 4096\n"
                   "inode_size = 256\ninode_ratio = 16384\n[fs_types]\next4 = {\nfeatures = has_journal,extent,huge_file,flex_bg,"
                   "metadata_csum,64bit,dir_nlink,extra_isize\n}\n",
}


AUTOLOGIN = "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM\n"


def etc(store: Store, label: str, code_name: str, mounts: tuple[str, ...], autologin: bool) -> str:
    path = store.folder("etc", label + str(mounts))
    files = FILES | {
        "issue": f"\n<<< Welcome to NixOS {label} (\\m) - \\l >>>\n\n",
        "os-release": f'ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS 24.05 ({code_name})"\nVERSION_ID="24.05"\nBUILD_ID="{label}"\n',
        "fstab": "".join(f"{line}\n" for line in mounts),
    }
    if autologin:
        files["systemd/system/serial-getty@.service.d/autologin.conf"] = AUTOLOGIN
    for name, text in files.items():
        store.write(f"{path}/etc/{name}", text)
    return path
