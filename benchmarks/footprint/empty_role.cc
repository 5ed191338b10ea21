// A family of processes without a task, started as husk starts its own: the first one runs the same program again for
// each other one, with an empty environment but for LD_PRELOAD, which stands for a host's /etc/ld.so.preload.
//
// usage: empty_role COUNT. Each process uses the C++ library a little, writes its id and a line's end to standard
// output, and sleeps until standard input ends.
#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// What any role needs of the library: the heap, strings, containers, functions, exceptions.
std::string Work() {
    std::map<std::string, std::vector<std::string>> names;
    for (int i = 0; i < 64; ++i) names["role " + std::to_string(i % 8)].push_back(std::to_string(i));
    const std::function<std::size_t()> count = [&names] { return names.at("role 7").size(); };
    try {
        return names.at(std::to_string(count())).front();
    } catch (const std::out_of_range&) {
        return std::to_string(::getpid()) + "\n";
    }
}

bool StartAnother() {
    std::string program = "empty_role", one = "1", preload;
    std::vector<char*> environment;
    if (const char* const value = std::getenv("LD_PRELOAD")) {
        preload = std::string("LD_PRELOAD=") + value;
        environment.push_back(preload.data());
    }
    environment.push_back(nullptr);
    char* const arguments[] = {program.data(), one.data(), nullptr};
    pid_t pid = 0;
    return ::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, arguments, environment.data()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    const int count = argc == 2 ? std::atoi(argv[1]) : 0;
    if (count < 1) return 2;
    for (int other = 1; other < count; ++other) {
        if (!StartAnother()) return 1;
    }
    const std::string line = Work();
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return 1;
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}
