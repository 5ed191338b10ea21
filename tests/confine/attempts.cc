#include "tests/confine/attempts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

namespace husk::confine {
namespace {

std::uint64_t Number(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) Die("\"" + text + "\" is no number");
    return number;
}

std::uint64_t Result(const Step& step) { return static_cast<std::uint64_t>(step.outcome.value); }

constexpr std::uint64_t kHere = static_cast<std::uint32_t>(AT_FDCWD);

// --- Files

Step Open(Tracee& thread, Arguments arguments) {
    const std::uint64_t path = thread.PlaceText(arguments[0]);
    const Step opened{"openat", thread.Call(SYS_openat, {kHere, path, O_RDONLY})};
    if (!opened.Returned()) return opened;
    const std::uint64_t buffer = thread.PlaceValue(std::array<char, 16>{});
    return {"read", thread.Call(SYS_read, {Result(opened), buffer, 16})};
}

Step Create(Tracee& thread, Arguments arguments) {
    const std::uint64_t path = thread.PlaceText(arguments[0]);
    return {"openat", thread.Call(SYS_openat, {kHere, path, O_WRONLY | O_CREAT, 0600})};
}

Step Mount(Tracee& thread, Arguments arguments) {
    const std::uint64_t kind = thread.PlaceText("tmpfs");
    return {"mount", thread.Call(SYS_mount, {kind, thread.PlaceText(arguments[0]), kind, 0, 0})};
}

Step Memfd(Tracee& thread, Arguments) {
    return {"memfd_create", thread.Call(SYS_memfd_create, {thread.PlaceText("probe"), 0})};
}

Step OneMoreDescriptor(Tracee& thread, Arguments) { return {"dup", thread.Call(SYS_dup, {0})}; }

Step WriteEight(Tracee& thread, Arguments arguments) {
    return {"write", thread.Call(SYS_write, {Number(arguments[0]), thread.PlaceValue(std::uint64_t{1}), 8})};
}

Step IoUring(Tracee& thread, Arguments) {
    return {"io_uring_setup", thread.Call(SYS_io_uring_setup, {1, thread.PlaceValue(io_uring_params{})})};
}

// --- Network

Step ConnectTcp(Tracee& thread, Arguments arguments) {
    const Step made{"socket", thread.Call(SYS_socket, {AF_INET, SOCK_STREAM, 0})};
    if (!made.Returned()) return made;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(Number(arguments[0])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return {"connect", thread.Call(SYS_connect, {Result(made), thread.PlaceValue(address), sizeof address})};
}

Step ConnectAbstract(Tracee& thread, Arguments arguments) {
    const Step made{"socket", thread.Call(SYS_socket, {AF_UNIX, SOCK_STREAM, 0})};
    if (!made.Returned()) return made;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (arguments[0].size() >= sizeof address.sun_path) Die("the socket's name is too long");
    std::ranges::copy(arguments[0], address.sun_path + 1);
    const std::uint64_t size = offsetof(sockaddr_un, sun_path) + 1 + arguments[0].size();
    return {"connect", thread.Call(SYS_connect, {Result(made), thread.PlaceValue(address), size})};
}

// --- Memory and programs

Step Execute(Tracee& thread, Arguments arguments) {
    const std::uint64_t path = thread.PlaceText(arguments[0]);
    const std::uint64_t argv = thread.PlaceValue(std::array<std::uint64_t, 2>{path, 0});
    return {"execve", thread.Call(SYS_execve, {path, argv, argv + sizeof(std::uint64_t)})};
}

Step MapExecutable(Tracee& thread, Arguments) {
    constexpr std::uint64_t kNoFile = 0xffffffff;
    return {"mmap", thread.Call(SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                                           kNoFile, 0})};
}

// W, then X: a page of its stack.
Step ProtectExecutable(Tracee& thread, Arguments) {
    return {"mprotect", thread.Call(SYS_mprotect, {thread.WritablePage(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC})};
}

Step Fork(Tracee& thread, Arguments) { return {"clone", thread.Call(SYS_clone, {SIGCHLD, 0, 0, 0, 0})}; }

Step ForkIntoUserNamespace(Tracee& thread, Arguments) {
    return {"clone", thread.Call(SYS_clone, {SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0})};
}

// --- Other processes

Step Signal(Tracee& thread, Arguments arguments) {
    return {"kill", thread.Call(SYS_kill, {Number(arguments[0]), Number(arguments[1])})};
}

Step Trace(Tracee& thread, Arguments arguments) {
    return {"ptrace", thread.Call(SYS_ptrace, {PTRACE_SEIZE, Number(arguments[0]), 0, 0})};
}

Step TakeDescriptor(Tracee& thread, Arguments arguments) {
    const Step opened{"pidfd_open", thread.Call(SYS_pidfd_open, {Number(arguments[0]), 0})};
    if (!opened.Returned()) return opened;
    return {"pidfd_getfd", thread.Call(SYS_pidfd_getfd, {Result(opened), Number(arguments[1]), 0})};
}

Step SharedSegment(Tracee& thread, Arguments arguments) {
    return {"shmget", thread.Call(SYS_shmget, {Number(arguments[0]), 0, 0})};
}

// --- Privileges

Step SetUser(Tracee& thread, Arguments arguments) {
    return {"setuid", thread.Call(SYS_setuid, {Number(arguments[0])})};
}

Step TakeCapabilities(Tracee& thread, Arguments) {
    const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    sets[0].effective = sets[0].permitted = 1U << CAP_SYS_ADMIN;
    return {"capset", thread.Call(SYS_capset, {thread.PlaceValue(header), thread.PlaceValue(sets)})};
}

Step UnshareNetwork(Tracee& thread, Arguments) { return {"unshare", thread.Call(SYS_unshare, {CLONE_NEWNET})}; }

Step RaiseLimit(Tracee& thread, Arguments) {
    const rlimit limit{thread.HardDescriptorLimit(), thread.HardDescriptorLimit()};
    return {"prlimit64", thread.Call(SYS_prlimit64, {0, RLIMIT_NOFILE, thread.PlaceValue(limit), 0})};
}

Step BecomeDumpable(Tracee& thread, Arguments) { return {"prctl", thread.Call(SYS_prctl, {PR_SET_DUMPABLE, 1})}; }

// --- Names

Step SetHostName(Tracee& thread, Arguments arguments) {
    return {"sethostname", thread.Call(SYS_sethostname, {thread.PlaceText(arguments[0]), arguments[0].size()})};
}

// ENOENT: the host has another name than that.
Step LearnHostName(Tracee& thread, Arguments arguments) {
    utsname name{};
    const std::uint64_t buffer = thread.PlaceValue(name);
    const Step asked{"uname", thread.Call(SYS_uname, {buffer})};
    if (!asked.Returned()) return asked;
    thread.Fetch(buffer, std::as_writable_bytes(std::span(&name, 1)));
    if (arguments[0] == name.nodename) return asked;
    return {"uname", {Outcome::Kind::kFailed, ENOENT}};
}

// --- KVM: the numbers are <linux/kvm.h>'s, which only vmm/kvm includes

constexpr std::uint64_t kCreateVcpu = 0xae41;
constexpr std::uint64_t kSetUserMemoryRegion = 0x4020ae46;
constexpr std::uint64_t kGetRegisters = 0x8090ae81;

struct MemoryRegion {
    std::uint32_t slot;
    std::uint32_t flags;
    std::uint64_t guest_address;
    std::uint64_t bytes;
    std::uint64_t user_address;
};
static_assert(sizeof(MemoryRegion) == 0x20);
using VcpuRegisters = std::array<std::uint64_t, 18>;
static_assert(sizeof(VcpuRegisters) == 0x90);

Step MapGuestMemory(Tracee& thread, Arguments arguments) {
    const MemoryRegion region{
        .slot = 400, .flags = 0, .guest_address = 1ULL << 35, .bytes = 4096, .user_address = thread.WritablePage()};
    return {"ioctl", thread.Call(SYS_ioctl, {Number(arguments[0]), kSetUserMemoryRegion, thread.PlaceValue(region)})};
}

Step CreateVcpu(Tracee& thread, Arguments arguments) {
    return {"ioctl", thread.Call(SYS_ioctl, {Number(arguments[0]), kCreateVcpu, 40})};
}

Step ReadVcpuRegisters(Tracee& thread, Arguments arguments) {
    return {"ioctl", thread.Call(SYS_ioctl, {Number(arguments[0]), kGetRegisters, thread.PlaceValue(VcpuRegisters{})})};
}

// --- Other ways in

Step Int80(Tracee& thread, Arguments) {
    constexpr long kGetpid = 20;
    return {"getpid of i386", thread.Call(kGetpid, {}, Entry::kInt80)};
}

Step X32(Tracee& thread, Arguments) {
    constexpr long kX32 = 0x40000000;
    return {"getpid of x32", thread.Call(kX32 | SYS_getpid, {})};
}

constexpr std::array kAttempts{
    Attempt{"open", "PATH", 1, Open},
    Attempt{"create", "PATH", 1, Create},
    Attempt{"mount", "PATH", 1, Mount},
    Attempt{"memfd", "", 0, Memfd},
    Attempt{"descriptor", "", 0, OneMoreDescriptor, true},
    Attempt{"write", "FD", 1, WriteEight},
    Attempt{"io-uring", "", 0, IoUring},
    Attempt{"connect-tcp", "PORT", 1, ConnectTcp},
    Attempt{"connect-abstract", "NAME", 1, ConnectAbstract},
    Attempt{"execve", "PATH", 1, Execute},
    Attempt{"mmap-exec", "", 0, MapExecutable},
    Attempt{"mprotect-exec", "", 0, ProtectExecutable},
    Attempt{"fork", "", 0, Fork},
    Attempt{"fork-user-ns", "", 0, ForkIntoUserNamespace},
    Attempt{"signal", "PID NUMBER", 2, Signal},
    Attempt{"ptrace", "PID", 1, Trace},
    Attempt{"take-descriptor", "PID FD", 2, TakeDescriptor},
    Attempt{"shared-segment", "KEY", 1, SharedSegment},
    Attempt{"setuid", "UID", 1, SetUser},
    Attempt{"capset", "", 0, TakeCapabilities},
    Attempt{"unshare-net", "", 0, UnshareNetwork},
    Attempt{"raise-limit", "", 0, RaiseLimit, true},
    Attempt{"dumpable", "", 0, BecomeDumpable},
    Attempt{"set-host-name", "NAME", 1, SetHostName},
    Attempt{"learn-host-name", "NAME", 1, LearnHostName},
    Attempt{"kvm-memory", "VM", 1, MapGuestMemory},
    Attempt{"kvm-create-vcpu", "VM", 1, CreateVcpu},
    Attempt{"kvm-registers", "VCPU", 1, ReadVcpuRegisters},
    Attempt{"int80", "", 0, Int80},
    Attempt{"x32", "", 0, X32},
};

}  // namespace

std::span<const Attempt> Attempts() { return kAttempts; }

}  // namespace husk::confine
