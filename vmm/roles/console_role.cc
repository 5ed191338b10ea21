#include "vmm/roles/console_role.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <memory>

#include "devices/host/console_log.h"
#include "devices/host/console_pump.h"
#include "devices/host/terminal.h"
#include "devices/virtio/console/console_device.h"
#include "devices/virtio/console/output_poll.h"
#include "sandbox/process/role_start.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/base/syscalls.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/roles/console_ports.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/sealing.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/stats_pages.h"
#include "vmm/roles/terminal_window.h"

namespace husk {
namespace {

constexpr int kLauncherDied = SIGUSR1;
volatile std::sig_atomic_t launcher_died = 0;
void OnLauncherDeath(int) { launcher_died = 1; }
void OnWindowChange(int) {}  // that it interrupts is enough

Result<> Catch(int number, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    if (::sigaction(number, &action, nullptr) != 0) return FailOs("cannot catch a signal");
    return {};
}

// Behind the slots: statistics, rings, and a client's descriptor on its way to its slot.
constexpr unsigned kOpenFiles = console_slot::kEnd + 3;

// What clients of ports get to read the last of the guest's output.
constexpr std::uint64_t kDrainPorts = 2'000'000'000;  // nanoseconds

// Turns of polled output before the rest of the loop has its turn.
constexpr int kPolledTurns = 32;

bool IsOpen(int slot) { return ::fcntl(slot, F_GETFD) >= 0; }

// A slot without its descriptor holds /dev/null: left free, it would go to the next descriptor this role opens.
void Vacate(int slot) { RawDup3(STDIN_FILENO, slot); }

// The log goes on behind what an earlier life of the guest, or an earlier run of husk, wrote.
Result<ConsoleLog::File> LogFile(const ConsoleConfig& config) {
    struct stat status{};
    if (::fstat(console_slot::kLog, &status) != 0) return FailOs("cannot look at the console's log");
    if (!S_ISREG(status.st_mode) || config.log_max < kConsoleLogLeastMax) return Fail("the console's log is no log");
    return ConsoleLog::File{.fd = console_slot::kLog,
                            .size = static_cast<std::uint64_t>(status.st_size),
                            .max = config.log_max,
                            .raw = config.log_raw};
}

class ConsoleRole {
 public:
    explicit ConsoleRole(const Channel& launcher) : launcher_(launcher) {}

    [[nodiscard]] Result<> Prepare() {
        HUSK_TRY(Catch(kLauncherDied, OnLauncherDeath));
        HUSK_TRY(BeginRole({kLauncherDied, console_slot::kLauncher}, "console"));
        HUSK_TRY(Catch(SIGWINCH, OnWindowChange));
        HoldBackWindowChanges();
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        ConsolePump::Host host;
        host.input = IsOpen(console_slot::kInput) ? console_slot::kInput : -1;
        host.output = IsOpen(console_slot::kOutput) ? console_slot::kOutput : -1;
        for (const int slot :
             {console_slot::kInput, console_slot::kOutput, console_slot::kClient, console_slot::kInterrupt,
              console_slot::kDoorbell, console_slot::kGuestRam, console_slot::kLog}) {
            if (!IsOpen(slot)) Vacate(slot);
        }
        for (int slot = console_slot::kFirstPortClient; slot < console_slot::kEnd; ++slot) Vacate(slot);
        const Sealing sealing = HUSK_TRY(Sealing::Begin(launcher_));
        config_ = HUSK_TRY(Expect<ConsoleConfig>(launcher_)).first;
        stats_.emplace(HUSK_TRY(SharedPages<ConsoleStats>::Create("husk-console-stats")));
        (*stats_)->role_started.SetOnce();
        auto memory = HUSK_TRY(Expect<ConsoleMemory>(vmm_));
        rings_.emplace(HUSK_TRY(SharedPages<ConsoleRings>::Attach(std::move(memory.second))));
        auto ram = HUSK_TRY(Expect<GuestRam>(vmm_));
        memory_.emplace(
            HUSK_TRY(GuestMemory::Attach(HUSK_TRY(MoveToSlot(std::move(ram.second), console_slot::kGuestRam)))));
        host.escape = config_.escape;
        host.clients = config_.clients;
        host.pty = config_.pty;
        host.pty_told = config_.pty_told;
        host.uart = config_.uart;
        host.plain = config_.plain;
        if (config_.log) host.log = &log_.emplace(HUSK_TRY(LogFile(config_)));
        const std::size_t named = std::min<std::size_t>(config_.ports, port_names_.size());
        for (std::size_t port = 0; port < named; ++port) port_names_[port] = config_.port_names[port].View();
        device_.emplace(interrupt_, (*stats_)->device, std::span(port_names_).first(named));
        pump_.emplace(**rings_, device_->Console(), host, wake_vmm_);
        ports_.emplace(*device_, named);
        poll_.emplace(*device_, (*stats_)->device);
        HUSK_TRY(SendMessage(launcher_, Stats{}, stats_->Fd()));
        HUSK_TRY(sealing.SealProcess({.open_files = kOpenFiles}, launcher_.Fd(), (*stats_)->sealing));
        (*stats_)->process_sealed.SetOnce();
        HUSK_TRY(sealing.SealThread(filters::Console()));
        (*stats_)->sealed.SetOnce();
        return {};
    }

    // Until the launcher says that the VM is over and all is written, or is gone.
    void Run() {
        PostMessage(launcher_, Ready{});
        while (!launcher_died && !IsOver()) {
            std::array<pollfd, 6 + ConsolePorts::kMax> waiting{};
            const auto ports = std::span(waiting).last<ConsolePorts::kMax>();
            FollowWindow();
            PollOutput();
            int timeout = Sooner(pump_->Prepare(waiting[0], waiting[1]), ports_->Prepare(ports));
            if (!device_->SleepControl()) timeout = 0;
            timeout = Sooner(timeout, UntilDeadlines());
            waiting[2] = {wake_console_.Get(), POLLIN, 0};
            waiting[3] = {doorbell_.Get(), POLLIN, 0};
            waiting[4] = {vmm_gone_ ? -1 : vmm_.Fd(), static_cast<short>(POLLIN | (window_.IsDue() ? POLLOUT : 0)), 0};
            waiting[5] = {launcher_.Fd(), POLLIN, 0};
            if (!Wait(waiting, timeout)) {
                window_.MayDiffer();
                continue;
            }
            if (waiting[2].revents != 0) wake_console_.Drain();
            if (waiting[3].revents != 0) {
                (*stats_)->device.doorbells.Add(doorbell_.Take());
                poll_->WorkCame(MonotonicNanoseconds());
            }
            // What the guest wrote before it reset the device is taken before the device is stopped.
            device_->ServeControl();
            Turn(waiting[0], waiting[1], ports);
            if (const auto fault = device_->TakeFault()) AskForReset(*fault);
            ReportFailures();
            if (pump_->Waits().TakeStall(MonotonicNanoseconds())) PostMessage(launcher_, GuestStalls{});
            if ((waiting[4].revents & POLLOUT) != 0) TellWindow();
            if ((waiting[4].revents & ~POLLOUT) != 0) HandleVmm();
            if (waiting[5].revents != 0) HandleLauncher();
            PublishCounts();
        }
        if (log_) log_->Flush();
        if (launcher_died && config_.restore_terminal) RestoreTerminal(console_slot::kInput, config_.terminal);
    }

 private:
    // --- Waiting

    // SIGWINCH comes only while we wait, so that none is missed between looking at the window and waiting. The
    // launcher's death comes at any time: it must end a blocking write as well.
    static void HoldBackWindowChanges() {
        sigset_t held;
        ::sigemptyset(&held);
        ::sigaddset(&held, SIGWINCH);
        ::sigprocmask(SIG_BLOCK, &held, nullptr);
    }

    // False: a signal came.
    static bool Wait(std::span<pollfd> waiting, int milliseconds) {
        sigset_t none;
        ::sigemptyset(&none);
        const timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
        // The kernel's set of signals is 64 bits, the first ones of the C library's.
        return RawSyscall(SYS_ppoll, waiting.data(), waiting.size(), milliseconds < 0 ? nullptr : &timeout, &none, 8) >=
               0;
    }

    void Turn(const pollfd& input, const pollfd& output, std::span<const pollfd, ConsolePorts::kMax> ports) {
        Report(pump_->Turn(input, output, MonotonicNanoseconds()));
        ReportGone(ports_->Turn(ports, MonotonicNanoseconds()));
    }

    // Turns while output comes fast.
    void PollOutput() {
        std::array<pollfd, ConsolePorts::kMax> ports;
        ports.fill({-1, 0, 0});
        const Counter& taken = (*stats_)->device.bytes_in;
        for (int turn = 0; turn < kPolledTurns && poll_->Looks(); ++turn) {
            const std::uint64_t before = taken.Get();
            Turn({-1, 0, 0}, {-1, 0, 0}, ports);
            if (taken.Get() == before) return;  // it waits for the host, not we for it
        }
    }

    // Of two times to wait, in milliseconds (-1: for ever).
    static int Sooner(int one, int other) {
        if (one < 0 || other < 0) return std::max(one, other);
        return std::min(one, other);
    }

    // Until it is to be noticed that the guest waits for too long, or that the clients of its ports do not read the
    // last of it.
    [[nodiscard]] int UntilDeadlines() {
        constexpr std::uint64_t kNever = ~std::uint64_t{0};
        std::uint64_t deadline = pump_->Waits().Deadline().value_or(kNever);
        const std::uint64_t now = MonotonicNanoseconds();
        if (draining_ && !PortsAreOver()) deadline = std::min(deadline, drain_ports_until_);
        if (deadline == kNever) return -1;
        return now < deadline ? static_cast<int>((deadline - now) / 1'000'000 + 1) : 0;
    }

    // A person may take time to read the console's last words; who is at a port is a program.
    [[nodiscard]] bool IsOver() const { return draining_ && pump_->Drained() && PortsAreOver(); }
    [[nodiscard]] bool PortsAreOver() const {
        return ports_->Drained() || MonotonicNanoseconds() >= drain_ports_until_;
    }

    // --- The launcher

    void Report(ConsolePump::Request request) {
        ConsoleAsks asks;
        switch (request) {
            case ConsolePump::Request::kNone:
                return;
            case ConsolePump::Request::kQuit:
                asks.what = ConsoleAsks::What::kQuit;
                break;
            case ConsolePump::Request::kKill:
                asks.what = ConsoleAsks::What::kKill;
                break;
            case ConsolePump::Request::kClientGone:
                Vacate(console_slot::kClient);
                asks.what = ConsoleAsks::What::kClientGone;
                break;
        }
        PostMessage(launcher_, asks);
    }

    void ReportGone(std::uint32_t ports) {
        for (std::uint32_t port = 1; port <= ConsolePorts::kMax; ++port) {
            if ((ports >> (port - 1) & 1) == 0) continue;
            Vacate(console_slot::PortClient(static_cast<int>(port)));
            PostMessage(launcher_, ConsoleAsks{.what = ConsoleAsks::What::kClientGone, .port = port});
        }
    }

    void ReportFailures() {
        using Where = ConsoleIoFailed::Where;
        if (const auto failure = pump_->TakeFailure()) {
            PostMessage(launcher_, ConsoleIoFailed{.where = Where::kOutput, .os_errno = *failure});
        }
        if (!log_) return;
        if (const auto failure = log_->TakeFailure()) {
            PostMessage(launcher_, ConsoleIoFailed{.where = Where::kLog, .os_errno = *failure});
        }
    }

    void HandleLauncher() {
        MessageBuffer message;
        const Channel::Taken taken = launcher_.TakeWithFd(message.bytes);
        message.size = taken.size;
        if (message.size == 0) launcher_died = 1;
        if (message.As<Drain>()) BeginDraining();
        if (taken.fd < 0) return;
        if (const auto client = message.As<Client>()) TakeClient(client->port, taken.fd);
        RawSyscall(SYS_close, taken.fd);
    }

    void TakeClient(std::uint32_t port, int fd) {
        if (port > ConsolePorts::kMax) return;
        const int slot = port == 0 ? console_slot::kClient : console_slot::PortClient(static_cast<int>(port));
        if (RawDup3(fd, slot) != slot) return;
        if (port == 0) return pump_->SetClient(slot);
        if (!ports_->SetClient(port)) Vacate(slot);
    }

    // The vmm is dead. Its last words may still be unread: a device activated just before is drained as well.
    void BeginDraining() {
        draining_ = true;
        drain_ports_until_ = MonotonicNanoseconds() + kDrainPorts;
        pump_->EndInput();
        ports_->EndInput();
        for (std::array waiting{pollfd{vmm_.Fd(), POLLIN, 0}}; !vmm_gone_ && Wait(waiting, 0);) {
            if (waiting[0].revents == 0) break;
            HandleVmm();
        }
    }

    // --- The vmm, and the device

    // One message. The vmm may be in the guest's hands.
    void HandleVmm() {
        const MessageBuffer message = TakeMessage(vmm_);
        vmm_gone_ = message.size == 0;  // the launcher sees that too, and ends the VM
        if (const auto activate = message.As<ActivateDevice>()) Activate(activate->activation);
        if (message.As<StopDevice>()) {
            StopHvc();
            (*stats_)->device.resets.Add();
            PostMessage(vmm_, DeviceStopped{});
        }
    }

    void Activate(const Activation& activation) {
        if (device_->Live()) StopHvc();
        if (const auto fault = device_->Activate(*memory_, activation)) return AskForReset(*fault);
        (*stats_)->driver_ok.SetOnce();
        window_.TellAgain();
    }

    void StopHvc() {
        device_->Deactivate();
        pump_->HvcDied();
    }

    void AskForReset(QueueFault fault) {
        pump_->HvcDied();
        PostMessage(vmm_, DeviceNeedsReset{.fault = static_cast<std::uint32_t>(fault)});
    }

    // --- The window

    void FollowWindow() {
        if (config_.clients || config_.pty) return;
        const auto size = window_.Look(std::array{console_slot::kInput, console_slot::kOutput});
        if (size) device_->SetWindow(*size);
    }

    // Only when the channel has room: a vmm that stands still must not hold up the terminal.
    void TellWindow() {
        const console_config::Window window = window_.Tell();
        ConfigChanged changed;
        changed.offset = console_config::kWindowOffset;
        const auto bytes = BytesOf(window);
        changed.length = static_cast<std::uint32_t>(bytes.size());
        std::ranges::copy(bytes, changed.bytes.begin());
        PostMessage(vmm_, changed);
    }

    void PublishCounts() {
        ConsoleStats& stats = **stats_;
        if (pump_->BytesOut() > 0) stats.first_byte.SetOnce();
        stats.bytes_out.store(pump_->BytesOut(), std::memory_order_relaxed);
        stats.bytes_in.store(pump_->BytesIn(), std::memory_order_relaxed);
        stats.writes.store(pump_->Writes(), std::memory_order_relaxed);
    }

    const Channel& launcher_;
    const Channel vmm_{ScopedFd(console_slot::kVmm)};
    const EventFd wake_console_{ScopedFd(console_slot::kWakeConsole)};
    const EventFd wake_vmm_{ScopedFd(console_slot::kWakeVmm)};
    const EventFd interrupt_{ScopedFd(console_slot::kInterrupt)};
    const EventFd doorbell_{ScopedFd(console_slot::kDoorbell)};
    ConsoleConfig config_;
    std::optional<SharedPages<ConsoleStats>> stats_;
    std::optional<SharedPages<ConsoleRings>> rings_;
    std::optional<GuestMemory> memory_;
    std::optional<ConsoleLog> log_;
    std::array<std::string_view, ConsolePorts::kMax> port_names_{};
    std::optional<ConsoleDevice> device_;
    std::optional<ConsolePump> pump_;
    std::optional<ConsolePorts> ports_;
    std::optional<OutputPoll> poll_;
    TerminalWindow window_;
    bool vmm_gone_ = false;
    bool draining_ = false;
    std::uint64_t drain_ports_until_ = 0;
};

}  // namespace

void RunConsoleRole() {
    const Channel launcher{ScopedFd(console_slot::kLauncher)};
    const auto role = std::make_unique<ConsoleRole>(launcher);  // on the stack, all of it would be zeroed
    if (const auto prepared = role->Prepare(); !prepared) FailRole(launcher, prepared.error());
    role->Run();
    LeaveRole(0);
}

}  // namespace husk
