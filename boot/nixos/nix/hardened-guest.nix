# guest.nix, and a kernel and C library that make exploits in the guest harder. Works with any kernel of nixpkgs, and
# imports no profile: profiles/hardened.nix and linux_hardened are gone from newer releases.
{ lib, ... }:

let
  # Stronger than nixpkgs' own defaults, weaker than what a configuration says.
  set = lib.mapAttrs (_: lib.mkOverride 500);
in
{
  imports = [ ./guest.nix ];

  boot.kernelParams = [
    # Heaps: no merged caches, memory zeroed when taken and when given back, free pages in random order.
    "slab_nomerge"
    "init_on_alloc=1"
    "init_on_free=1"
    "page_alloc.shuffle=1"
    # A new offset of the kernel's stack for each system call; no page at a fixed address; no debugfs.
    "randomize_kstack_offset=on"
    "vsyscall=none"
    "debugfs=off"
    # A kernel that has stumbled does not go on; husk starts the guest anew a second later.
    "oops=panic"
    "panic=1"
    # Hibernation would write the kernel to a disk from which it is believed later.
    "nohibernate"
  ];

  boot.kernel.sysctl = set {
    # What the kernel tells about itself.
    "kernel.kptr_restrict" = 2;
    "kernel.dmesg_restrict" = 1;
    "kernel.perf_event_paranoid" = 3;
    "kernel.ftrace_enabled" = 0;

    # Ways into the kernel that ordinary programs do not need.
    "kernel.kexec_load_disabled" = 1;
    "kernel.unprivileged_bpf_disabled" = 1;
    "net.core.bpf_jit_harden" = 2;
    "kernel.sysrq" = 0;
    "dev.tty.ldisc_autoload" = 0;
    "vm.unprivileged_userfaultfd" = 0;

    # Processes: only parents trace children; all the randomness the address space has; page 0 stays empty.
    "kernel.yama.ptrace_scope" = 1;
    "vm.mmap_rnd_bits" = 32;
    "vm.mmap_rnd_compat_bits" = 16;
    "vm.mmap_min_addr" = 65536;
    "fs.suid_dumpable" = 0;

    # Files of others in shared folders.
    "fs.protected_symlinks" = 1;
    "fs.protected_hardlinks" = 1;
    "fs.protected_fifos" = 2;
    "fs.protected_regular" = 2;

    # Packets that claim to come from elsewhere, or that change routes.
    "net.ipv4.conf.all.rp_filter" = 1;
    "net.ipv4.conf.default.rp_filter" = 1;
    "net.ipv4.conf.all.accept_redirects" = 0;
    "net.ipv4.conf.default.accept_redirects" = 0;
    "net.ipv4.conf.all.send_redirects" = 0;
    "net.ipv4.conf.default.send_redirects" = 0;
    "net.ipv6.conf.all.accept_redirects" = 0;
    "net.ipv6.conf.default.accept_redirects" = 0;
  };

  # Protocols and file systems that hardly anybody uses, hardly anybody reads, and that load themselves when asked for.
  # erofs, squashfs and overlay stay: store disks need them.
  boot.blacklistedKernelModules = [
    "ax25"
    "dccp"
    "netrom"
    "rds"
    "rose"
    "sctp"
    "tipc"
    "adfs"
    "affs"
    "befs"
    "bfs"
    "cramfs"
    "efs"
    "hfs"
    "hfsplus"
    "hpfs"
    "jffs2"
    "jfs"
    "minix"
    "nilfs2"
    "omfs"
    "qnx4"
    "qnx6"
    "ufs"
  ];

  # GrapheneOS' hardened_malloc in every program. "graphene-hardened" is the stricter and slower one; "libc" turns it off.
  environment.memoryAllocator.provider = lib.mkDefault "graphene-hardened-light";
}
