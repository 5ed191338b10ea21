#include "devices/host/stream_socket.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace husk {
namespace {

constexpr int kPasstSocket = 3;  // in passt
constexpr int kSocketBytes = 1 << 20;

// A few frames' worth in flight instead of the default, where the host allows it.
void Widen(int socket) {
    for (const int which : {SO_SNDBUF, SO_RCVBUF}) {
        (void)::setsockopt(socket, SOL_SOCKET, which, &kSocketBytes, sizeof kSocketBytes);
    }
}

// The actions and attributes of one posix_spawn().
struct SpawnRecipe {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
    SpawnRecipe() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
        // Ctrl-C at the terminal is the launcher's alone.
        sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnRecipe() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnRecipe(const SpawnRecipe&) = delete;
    SpawnRecipe& operator=(const SpawnRecipe&) = delete;
};

}  // namespace

Result<ScopedFd> ConnectStream(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return Fail(ErrorKind::kUsage, "--net passt=" + path + ": the socket's path must have 1 to 107 bytes");
    }
    path.copy(address.sun_path, path.size());
    ScopedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ECONNREFUSED) return Fail("--net passt=" + path + ": nobody listens at this socket");
        return FailOs("--net passt=" + path + ": cannot connect");
    }
    if (::fcntl(socket.Get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0) return FailOs("--net passt=" + path);
    Widen(socket.Get());
    return socket;
}

Result<Passt> Passt::Start(ScopedFd& socket) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return FailOs("cannot create the socket of passt");
    }
    ScopedFd ours(ends[0]);
    const ScopedFd other(ends[1]);
    Widen(ours.Get());
    Widen(other.Get());
    ScopedFd said(::memfd_create("husk-passt", MFD_CLOEXEC));
    if (!said) return FailOs("cannot create a file for what passt says");
    SpawnRecipe recipe;
    // dup2 onto itself clears close-on-exec, too (posix_spawn promises it).
    ::posix_spawn_file_actions_addopen(&recipe.actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    ::posix_spawn_file_actions_addopen(&recipe.actions, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&recipe.actions, said.Get(), STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&recipe.actions, other.Get(), kPasstSocket);
    ::posix_spawn_file_actions_addclosefrom_np(&recipe.actions, kPasstSocket + 1);
    std::array<std::string, 6> words{"passt",       "--foreground", "--quiet",
                                     "--no-map-gw", "--fd",         std::to_string(kPasstSocket)};
    std::array<char*, words.size() + 1> argv{};
    for (std::size_t word = 0; word < words.size(); ++word) argv[word] = words[word].data();
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, "passt", &recipe.actions, &recipe.attributes, argv.data(), environ);
    if (error == ENOENT) return Fail("--net passt: there is no program passt in PATH (Debian: apt install passt)");
    if (error != 0) return FailOs("--net passt: cannot start passt", error);
    ScopedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    Passt passt(pid, std::move(pidfd), std::move(said));
    if (!passt.pidfd_) return FailOs("cannot watch passt");
    socket = std::move(ours);
    return passt;
}

Passt::Passt(Passt&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), said_(std::move(other.said_)) {}

Passt::~Passt() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string Passt::LastWords() {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    pidfd_.Reset();
    std::array<char, 4096> tail{};
    const off_t end = ::lseek(said_.Get(), 0, SEEK_END);
    const off_t begin = end > off_t{tail.size()} ? end - off_t{tail.size()} : 0;
    const ssize_t got = ::pread(said_.Get(), tail.data(), tail.size(), begin);
    std::string text(tail.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace husk
