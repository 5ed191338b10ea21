// Where a VM's console is on the host: the user's terminal, a pseudo-terminal, a unix socket, a file, or nowhere.
// Opened by the launcher; the descriptors then belong to the console role. Its log, too, where there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "devices/host/terminal.h"
#include "devices/host/unix_listener.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

struct ConsoleTarget {
    enum class Kind { kStdio, kPty, kUnix, kFile, kNone } kind = Kind::kStdio;
    std::string path;  // with kUnix and kFile
    bool raw = false;  // with kFile: escape sequences stay
};

struct ConsoleLogTarget {
    std::string path;
    std::uint64_t max = 0;  // bytes
    bool raw = false;       // escape sequences stay
};

struct ConsoleEndpoint {
    ScopedFd input;                            // none: nothing can be typed
    ScopedFd output;                           // none: output is dropped, or kept for a client
    std::optional<UnixListener> listener;      // with kUnix: where clients connect
    ScopedFd opened;                           // with kPty: readable when it was opened; none: the host does not tell
    std::optional<TerminalSettings> terminal;  // settings to go back to, when `input` is the user's terminal
    std::string place;  // for people: "/dev/pts/3", the socket's path; empty when it goes without saying
};

// Opens the target. All descriptors are non-blocking and descriptions of their own, so that the flags of the user's
// terminal stay as they are. The terminal is not yet raw.
[[nodiscard]] Result<ConsoleEndpoint> OpenConsole(const ConsoleTarget& target);

// Opens or makes the log, a regular file, and locks it against another VM: two writers would ruin it.
[[nodiscard]] Result<ScopedFd> OpenConsoleLog(const std::string& path);

}  // namespace husk
