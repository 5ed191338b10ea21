#include "vmm/machine/family.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <vector>

#include "vmm/base/event_fd.h"
#include "vmm/kvm/kvm.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

struct BootFile {
    ScopedFd fd;
    std::uint64_t bytes = 0;
};

Result<BootFile> OpenBootFile(const std::string& what, const std::string& path) {
    const auto refuse = [&](Error error) {
        return std::unexpected(std::move(error).Within("cannot use " + what + " " + path).As(ErrorKind::kBootSource));
    };
    // Non-blocking: opening a FIFO must not hang.
    BootFile file{ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), 0};
    if (!file.fd) return refuse(Error(::strerror(errno)));
    struct stat status{};
    if (::fstat(file.fd.Get(), &status) != 0) return refuse(Error(::strerror(errno)));
    if (S_ISDIR(status.st_mode)) return refuse(Error("it is a directory"));
    if (!S_ISREG(status.st_mode)) return refuse(Error("it is not a regular file"));
    if (status.st_size == 0) return refuse(Error("it is empty"));
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    return file;
}

// By path, not by /proc/self/exe: a link under /proc counts as no-suid in some mount namespaces, and a security
// module's transition would be lost.
Result<std::string> OwnProgram() {
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (length <= 0) return FailOs("cannot find husk's own program file (is /proc mounted?)");
    return std::string(path.data(), static_cast<std::size_t>(length));
}

VmmConfig MakeVmmConfig(const MachineConfig& config, const BootFile& kernel, const BootFile& initrd,
                        std::uint64_t start) {
    VmmConfig message;
    message.memory_bytes = config.memory_bytes;
    message.kernel_bytes = kernel.bytes;
    message.initrd_bytes = initrd.bytes;
    message.vcpus = config.vcpus;
    message.uart = config.uart;
    message.huge_pages = config.huge_pages;
    message.process_start = start;
    message.command_line.Assign(config.command_line);
    message.name.Assign(config.name);
    return message;
}

ConsoleConfig MakeConsoleConfig(const MachineConfig& config, const ConsoleEndpoint& endpoint) {
    ConsoleConfig message;
    message.escape = endpoint.terminal.has_value();
    message.restore_terminal = endpoint.terminal.has_value();
    message.clients = config.console.kind == ConsoleTarget::Kind::kUnix;
    message.pty = config.console.kind == ConsoleTarget::Kind::kPty;
    if (endpoint.terminal) message.terminal = *endpoint.terminal;
    message.name.Assign(config.name);
    return message;
}

template <typename Stats, typename Config>
Result<RoleHandle<Stats>> StartRole(const std::string& program, const std::string& role, const std::string& name,
                                    std::pair<Channel, Channel> ends, std::vector<SlotAssignment> slots,
                                    const Config& config) {
    slots.push_back({ends.second.Fd(), 3});
    RoleProcess process = HUSK_TRY(SpawnRole(program, role, "husk: " + role + " " + name, slots));
    RoleHandle<Stats> handle{std::move(ends.first), std::move(process), std::nullopt, false};
    HUSK_TRY(SendMessage(handle.channel, HUSK_TRY(DescribeSlots(slots))));
    HUSK_TRY(SendMessage(handle.channel, config));
    return handle;
}

}  // namespace

Result<Family> Family::Start(const MachineConfig& config, const ConsoleEndpoint& endpoint,
                             std::uint64_t process_start) {
    const BootFile kernel = HUSK_TRY(OpenBootFile("kernel", config.kernel));
    const BootFile initrd = config.initrd ? HUSK_TRY(OpenBootFile("initrd", *config.initrd)) : BootFile{};
    const ScopedFd kvm = HUSK_TRY(Kvm::OpenDevice(config.kvm_device));
    const std::string program = HUSK_TRY(OwnProgram());
    const EventFd wake_console = HUSK_TRY(EventFd::Create());
    const EventFd wake_vmm = HUSK_TRY(EventFd::Create());
    const auto between = HUSK_TRY(Channel::CreatePair());

    std::vector<SlotAssignment> vmm_slots{{between.first.Fd(), vmm_slot::kConsole},
                                          {kvm.Get(), vmm_slot::kKvm},
                                          {wake_console.Get(), vmm_slot::kWakeConsole},
                                          {wake_vmm.Get(), vmm_slot::kWakeVmm},
                                          {kernel.fd.Get(), vmm_slot::kKernel}};
    if (initrd.fd) vmm_slots.push_back({initrd.fd.Get(), vmm_slot::kInitrd});
    std::vector<SlotAssignment> console_slots{{between.second.Fd(), console_slot::kVmm},
                                              {wake_console.Get(), console_slot::kWakeConsole},
                                              {wake_vmm.Get(), console_slot::kWakeVmm}};
    if (endpoint.input) console_slots.push_back({endpoint.input.Get(), console_slot::kInput});
    if (endpoint.output) console_slots.push_back({endpoint.output.Get(), console_slot::kOutput});

    // The vmm first: it has the most to do. Whoever fails to start leaves the others without a launcher, and they end.
    auto vmm = HUSK_TRY(StartRole<VmmStats>(program, "vmm", config.name, HUSK_TRY(Channel::CreatePair()), vmm_slots,
                                            MakeVmmConfig(config, kernel, initrd, process_start)));
    auto console = StartRole<ConsoleStats>(program, "console", config.name, HUSK_TRY(Channel::CreatePair()),
                                           console_slots, MakeConsoleConfig(config, endpoint));
    if (!console) {
        ::kill(vmm.process.pid, SIGKILL);
        (void)WaitForRole(vmm.process);
        return std::unexpected(std::move(console).error());
    }
    return Family{std::move(vmm), std::move(*console)};
}

}  // namespace husk
