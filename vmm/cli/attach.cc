#include "vmm/cli/attach.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <span>
#include <utility>

#include "devices/host/escape.h"
#include "devices/host/output_buffer.h"
#include "devices/host/terminal.h"
#include "devices/host/unix_listener.h"
#include "vmm/base/log.h"
#include "vmm/base/whole_file.h"
#include "vmm/machine/exit_status.h"

namespace husk {
namespace {

constexpr int kRetryMilliseconds = 100;
// A VM accepts at once. Who hears nothing for so long may be standing in line.
constexpr int kPatienceMilliseconds = 300;
// At once to standard output: what a pipe that is ready takes without blocking.
constexpr std::size_t kWriteMax = 4096;

// The terminal is raw while this lives, and as it was before afterwards.
class RawInput {
 public:
    RawInput() {
        // A job in the background must not change the terminal under the shell's hands: it waits to be brought forward.
        if (!InForeground()) ::raise(SIGTTIN);
        if (InForeground()) settings_ = SettingsOfTerminal(STDIN_FILENO);
        Enter();
    }
    ~RawInput() {
        if (!settings_) return;
        RestoreTerminal(STDIN_FILENO, *settings_);
        SetLogRawTerminal(false);
    }
    RawInput(const RawInput&) = delete;
    RawInput& operator=(const RawInput&) = delete;

    [[nodiscard]] bool IsTerminal() const { return settings_.has_value(); }
    // Again, after the shell had the terminal meanwhile.
    void Enter() const {
        if (!settings_) return;
        (void)MakeTerminalRaw(STDIN_FILENO, *settings_);
        SetLogRawTerminal(true);
    }

 private:
    // Or no terminal at all.
    static bool InForeground() {
        const pid_t group = ::tcgetpgrp(STDIN_FILENO);
        return group < 0 || group == ::getpgrp();
    }

    std::optional<TerminalSettings> settings_;
};

// Those that end a program, and the one that comes with a shell's fg, as something to poll.
ScopedFd CatchSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCONT}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);
    return ScopedFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::string WhyNot(int connect_errno, const std::string& path) {
    struct stat status{};
    if (connect_errno == ENOENT) return "there is no console socket at " + path;
    if (::stat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) return path + " is no socket";
    if (connect_errno == ECONNREFUSED) return "nobody listens at " + path + ": its VM has ended";
    return "";
}

// Waits while the line at the socket is full.
Result<ScopedFd> Connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() > UnixListener::kMaxPath) {
        return Fail(ErrorKind::kUsage, "the path of a socket must have 1 to 107 bytes: " + path);
    }
    path.copy(address.sun_path, path.size());
    ScopedFd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!connection) return FailOs("cannot create a socket");
    for (bool told = false;
         ::connect(connection.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0; told = true) {
        const int why = errno;
        if (why == EINTR) continue;
        if (why != EAGAIN) {
            const std::string sentence = WhyNot(why, path);
            if (sentence.empty()) return FailOs("cannot connect to " + path, why);
            return Fail(sentence);
        }
        if (!told) Log(LogLevel::kInfo, "others are attached to " + path + " and wait for it; waiting");
        ::poll(nullptr, 0, kRetryMilliseconds);
    }
    return connection;
}

std::string ReadProcNetUnix() { return ReadWholeFile("/proc/net/unix").value_or(""); }

// The path that the listener was bound to, whatever we know it by.
std::string BoundPath(int connection) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getpeername(connection, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
    return {address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)};
}

class Attachment {
 public:
    Attachment(ScopedFd connection, std::string path) : connection_(std::move(connection)), path_(std::move(path)) {}

    int Run() {
        const ScopedFd signals = CatchSignals();
        const RawInput terminal;
        if (terminal.IsTerminal()) Log(LogLevel::kInfo, "this is the console at " + path_ + "; Ctrl-] detaches");
        while (!status_) {
            const auto events = static_cast<short>((Hears() ? POLLIN : 0) | (to_vm_.Empty() ? 0 : POLLOUT));
            std::array<pollfd, 4> waiting{pollfd{signals.Get(), POLLIN, 0},
                                          pollfd{input_open_ && to_vm_.Empty() ? STDIN_FILENO : -1, POLLIN, 0},
                                          pollfd{events != 0 ? connection_.Get() : -1, events, 0},
                                          pollfd{to_person_.Empty() ? -1 : STDOUT_FILENO, POLLOUT, 0}};
            const int ready = ::poll(waiting.data(), waiting.size(), heard_ ? -1 : kPatienceMilliseconds);
            if (ready == 0) LookAtTheLine();
            if (waiting[0].revents != 0) OnSignal(signals, terminal);
            if (waiting[1].revents != 0) Type(terminal.IsTerminal());
            if ((waiting[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && Hears()) Hear();
            if ((waiting[2].revents & POLLOUT) != 0) Send();
            if (waiting[3].revents != 0) Show();
            if (vm_gone_ && to_person_.Empty()) End(0, terminal, "the VM closed its console");
        }
        return *status_;
    }

 private:
    [[nodiscard]] bool Hears() const { return !vm_gone_ && to_person_.Room() > 0; }

    void End(int status, const RawInput& terminal, const char* sentence) {
        if (status_) return;
        status_ = status;
        if (terminal.IsTerminal()) Log(LogLevel::kInfo, sentence);
    }

    void OnSignal(const ScopedFd& signals, const RawInput& terminal) {
        signalfd_siginfo info{};
        if (::read(signals.Get(), &info, sizeof info) != ssize_t{sizeof info}) return;
        const int number = static_cast<int>(info.ssi_signo);
        if (number == SIGCONT) return terminal.Enter();
        End(128 + number, terminal, "detached by a signal; the VM runs on");
    }

    void Type(bool terminal) {
        std::array<std::byte, 4096> typed;
        const ssize_t got = ::read(STDIN_FILENO, typed.data(), typed.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (got <= 0) {
            input_open_ = false;        // what the VM has to say is still wanted
            if (terminal) status_ = 1;  // it hung up
            return;
        }
        auto bytes = std::span<const std::byte>(typed).first(static_cast<std::size_t>(got));
        const auto escape = terminal ? std::ranges::find(bytes, std::byte{kEscapeByte}) : bytes.end();
        const bool detach = escape != bytes.end();
        to_vm_.Append(std::span(bytes.begin(), escape));
        Send();
        if (!detach) return;
        status_ = 0;
        Log(LogLevel::kInfo, "detached; the VM runs on");
    }

    void Send() {
        while (!to_vm_.Empty()) {
            const auto piece = to_vm_.Peek();
            const ssize_t sent = ::send(connection_.Get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0 && errno == EAGAIN) return;
            if (sent < 0) return to_vm_.Clear();  // it is gone; reading tells
            to_vm_.Consume(static_cast<std::size_t>(sent));
        }
    }

    void Hear() {
        std::array<std::byte, 16 * 1024> heard;
        const std::size_t room = std::min(heard.size(), to_person_.Room());
        const ssize_t got = ::recv(connection_.Get(), heard.data(), room, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
        heard_ = true;
        vm_gone_ = got <= 0;
        if (got > 0) to_person_.Append(std::span(heard).first(static_cast<std::size_t>(got)));
    }

    void Show() {
        const auto piece = to_person_.Peek();
        const ssize_t wrote = ::write(STDOUT_FILENO, piece.data(), std::min(piece.size(), kWriteMax));
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (wrote < 0) {
            if (errno != EPIPE) Log(LogLevel::kError, FailOs("cannot write the console's output").error().Message());
            status_ = 1;
            return;
        }
        to_person_.Consume(static_cast<std::size_t>(wrote));
    }

    void LookAtTheLine() {
        const bool waits = SomebodyWaitsAt(BoundPath(connection_.Get()), ReadProcNetUnix());
        if (waits && !waiting_told_) {
            Log(LogLevel::kInfo, "another client is attached to " + path_ + "; waiting until it leaves");
            waiting_told_ = true;
        }
        heard_ = !waits;
        if (heard_ && waiting_told_) Log(LogLevel::kInfo, "attached");
    }

    ScopedFd connection_;
    std::string path_;
    OutputBuffer to_vm_;
    OutputBuffer to_person_;
    bool input_open_ = true;
    bool vm_gone_ = false;
    bool heard_ = false;  // accepted, as far as can be known
    bool waiting_told_ = false;
    std::optional<int> status_;
};

}  // namespace

// A line is "address: references protocol flags type state inode path"; state 02 is one that connected and was not
// accepted.
bool SomebodyWaitsAt(std::string_view path, std::string_view proc_net_unix) {
    if (path.empty()) return false;
    while (!proc_net_unix.empty()) {
        const std::string_view line = proc_net_unix.substr(0, proc_net_unix.find('\n'));
        proc_net_unix.remove_prefix(std::min(proc_net_unix.size(), line.size() + 1));
        if (!line.ends_with(path) || line.size() <= path.size() || line[line.size() - path.size() - 1] != ' ') continue;
        std::string_view rest = line;
        std::string_view field;
        for (int index = 0; index <= 5; ++index) {
            rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(' ')));
            field = rest.substr(0, rest.find(' '));
            rest.remove_prefix(field.size());
        }
        if (field == "02") return true;
    }
    return false;
}

int RunAttach(const AttachCommand& command) {
    auto connection = Connect(command.path);
    if (!connection) {
        Log(LogLevel::kError, connection.error().Message());
        return static_cast<int>(StatusOf(connection.error().Kind()));
    }
    return Attachment(std::move(*connection), command.path).Run();
}

}  // namespace husk
