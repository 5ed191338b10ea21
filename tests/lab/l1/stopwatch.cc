// stopwatch TEXT COMMAND...: runs COMMAND until it prints TEXT (or ends), kills it, and says how long that took:
//     stopwatch: TICKS ticks of the time stamp counter since right before the exec, NANOSECONDS ns of processor time
// The processor time is that of COMMAND and of all processes that descend from it. In a deterministic L1 both count
// instructions; the ticks go on while a processor halts.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace {

// The numbers of all processes, and their parents'.
std::map<pid_t, pid_t> Parents() {
    std::map<pid_t, pid_t> parents;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        std::ifstream file(entry.path() / "stat");
        std::string line;
        std::getline(file, line);
        const std::size_t behind_name = line.rfind(')');
        int parent = 0;
        if (behind_name != std::string::npos && std::sscanf(line.c_str() + behind_name + 1, " %*c %d", &parent) == 1)
            parents[pid] = parent;
    }
    return parents;
}

bool DescendsFrom(const std::map<pid_t, pid_t>& parents, pid_t pid, pid_t ancestor) {
    while (pid != ancestor) {
        const auto parent = parents.find(pid);
        if (parent == parents.end()) return false;
        pid = parent->second;
    }
    return true;
}

// What a process has had, threads that are gone included; 0 if the process is gone.
std::uint64_t ProcessorTime(pid_t pid) {
    clockid_t clock{};
    timespec spent{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) return 0;
    return static_cast<std::uint64_t>(spent.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(spent.tv_nsec);
}

// Copies what comes, until `text` was in it.
void CopyUntil(int in, std::string_view text) {
    std::string seen;
    std::array<char, 4096> piece{};
    while (text.empty() || seen.find(text) == std::string::npos) {
        const ssize_t length = ::read(in, piece.data(), piece.size());
        if (length <= 0) return;
        seen.append(piece.data(), static_cast<std::size_t>(length));
        if (::write(STDOUT_FILENO, piece.data(), static_cast<std::size_t>(length)) != length) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::array<int, 2> output{};
    if (argc < 3 || ::pipe(output.data()) != 0) return 2;
    std::uint64_t* const begun = new std::uint64_t{__rdtsc()};
    const pid_t command = ::vfork();  // shares memory until the exec
    if (command == 0) {
        ::dup2(output[1], STDOUT_FILENO);
        ::close(output[0]);
        ::close(output[1]);
        *begun = __rdtsc();
        ::execvp(argv[2], argv + 2);
        ::_exit(127);
    }
    ::close(output[1]);
    CopyUntil(output[0], argv[1]);
    const std::uint64_t ticks = __rdtsc() - *begun;
    std::uint64_t spent = 0;
    const auto parents = Parents();
    for (const auto& [pid, parent] : parents) {
        if (DescendsFrom(parents, pid, command)) spent += ProcessorTime(pid);
    }
    ::kill(command, SIGKILL);
    ::waitpid(command, nullptr, 0);
    std::printf("\nstopwatch: %ju ticks, %ju ns of processor time\n", static_cast<std::uintmax_t>(ticks),
                static_cast<std::uintmax_t>(spent));
}
