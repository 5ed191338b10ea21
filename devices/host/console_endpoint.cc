#include "devices/host/console_endpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace husk {
namespace {

// A description of our own of an inherited descriptor: O_NONBLOCK on a shared one would surprise the user's shell. What
// cannot be opened again (a socket) is duplicated and may block the console role, which has nothing else to do.
ScopedFd Reopen(int fd, int access) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    ScopedFd own(::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!own) own.Reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return own;
}

// Opening a file again starts at its beginning; what was written there before must stay.
ScopedFd ReopenOutput(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return ScopedFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return Reopen(fd, O_WRONLY);
}

Result<ConsoleEndpoint> OpenStdio() {
    ConsoleEndpoint endpoint;
    endpoint.terminal = SettingsOfTerminal(STDIN_FILENO);
    // A job in the background may not read its terminal, and must not change it under the shell's hands.
    const bool background = endpoint.terminal && ::tcgetpgrp(STDIN_FILENO) != ::getpgrp();
    if (background) endpoint.terminal.reset();
    if (!background) endpoint.input = Reopen(STDIN_FILENO, O_RDONLY);
    endpoint.output = ReopenOutput(STDOUT_FILENO);
    return endpoint;
}

Result<ConsoleEndpoint> OpenPty() {
    ConsoleEndpoint endpoint;
    endpoint.output.Reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 64> name{};
    const int master = endpoint.output.Get();
    if (!endpoint.output || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
        ::ptsname_r(master, name.data(), name.size()) != 0) {
        return FailOs("cannot create a pseudo-terminal");
    }
    endpoint.place = name.data();
    // Until somebody has opened and closed the other side, a pseudo-terminal does not tell that nobody is there. The
    // same opening makes it raw: the guest's console does its own echo and line editing.
    const ScopedFd other(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!other) return FailOs("cannot open " + endpoint.place);
    if (const auto settings = SettingsOfTerminal(other.Get())) HUSK_TRY(MakeTerminalRaw(other.Get(), *settings));
    endpoint.input.Reset(::fcntl(master, F_DUPFD_CLOEXEC, 0));
    // A user has a limited number of these (fs.inotify.max_user_instances).
    endpoint.opened.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (::inotify_add_watch(endpoint.opened.Get(), name.data(), IN_OPEN) < 0) endpoint.opened.Reset();
    return endpoint;
}

Result<ConsoleEndpoint> OpenUnix(const std::string& path) {
    ConsoleEndpoint endpoint;
    endpoint.listener = HUSK_TRY(UnixListener::Open("the console socket", path));
    endpoint.place = path;
    return endpoint;
}

Result<ConsoleEndpoint> OpenFile(const std::string& path) {
    ConsoleEndpoint endpoint;
    endpoint.output.Reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!endpoint.output) return FailOs("cannot write the console to " + path);
    return endpoint;
}

}  // namespace

Result<ConsoleEndpoint> OpenConsole(const ConsoleTarget& target) {
    switch (target.kind) {
        case ConsoleTarget::Kind::kStdio:
            return OpenStdio();
        case ConsoleTarget::Kind::kPty:
            return OpenPty();
        case ConsoleTarget::Kind::kUnix:
            return OpenUnix(target.path);
        case ConsoleTarget::Kind::kFile:
            return OpenFile(target.path);
        case ConsoleTarget::Kind::kNone:
            break;
    }
    return ConsoleEndpoint{};
}

Result<ScopedFd> OpenConsoleLog(const std::string& path) {
    // Non-blocking: a FIFO is to be refused, not waited for.
    ScopedFd log(::open(path.c_str(), O_RDWR | O_CREAT | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!log) return FailOs("cannot write the console's log to " + path);
    struct stat status{};
    if (::fstat(log.Get(), &status) != 0) return FailOs("cannot look at the console's log " + path);
    if (!S_ISREG(status.st_mode)) return Fail("cannot write the console's log to " + path + ": it is no regular file");
    if (::flock(log.Get(), LOCK_EX | LOCK_NB) == 0) return log;
    if (errno == EWOULDBLOCK) return Fail("another VM writes its console's log to " + path);
    return FailOs("cannot lock the console's log " + path);
}

}  // namespace husk
