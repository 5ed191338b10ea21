#include "vmm/cli/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/scoped_fd.h"
#include "vmm/base/whole_file.h"

extern char** environ;

namespace husk {
namespace {

struct Pipe {
    ScopedFd read;
    ScopedFd write;

    static Result<Pipe> Create() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return FailOs("cannot make a pipe");
        return Pipe{ScopedFd(ends[0]), ScopedFd(ends[1])};
    }
};

// -1: husk's own.
Result<pid_t> Spawn(const ProgramArguments& arguments, int standard_input, int standard_output) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (standard_input >= 0) ::posix_spawn_file_actions_adddup2(&actions, standard_input, STDIN_FILENO);
    if (standard_output >= 0) ::posix_spawn_file_actions_adddup2(&actions, standard_output, STDOUT_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int failed = ::posix_spawnp(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT) return Fail(arguments.front() + " is not installed");
    if (failed != 0) return FailOs("cannot start " + arguments.front(), failed);
    return pid;
}

Result<> Await(pid_t pid, const std::string& program) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (WIFEXITED(status)) return Fail(program + " failed with status " + std::to_string(WEXITSTATUS(status)));
    return Fail(program + " was killed by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace

Result<> RunProgram(const ProgramArguments& arguments) {
    return Await(HUSK_TRY(Spawn(arguments, -1, -1)), arguments.front());
}

Result<std::string> CaptureProgram(const ProgramArguments& arguments) {
    Pipe pipe = HUSK_TRY(Pipe::Create());
    const pid_t pid = HUSK_TRY(Spawn(arguments, -1, pipe.write.Get()));
    pipe.write.Reset();
    auto text = ReadToEnd(pipe.read.Get());
    pipe.read.Reset();  // a program that still writes must not wait for us
    const auto ended = Await(pid, arguments.front());
    // The error of reading comes first: a program whose reader is gone fails too.
    if (!text) return std::unexpected(std::move(text).error().Within("the output of " + arguments.front()));
    if (!ended) return std::unexpected(ended.error());
    return text;
}

Result<> PipePrograms(const ProgramArguments& producer, const ProgramArguments& consumer) {
    Pipe pipe = HUSK_TRY(Pipe::Create());
    const pid_t reader = HUSK_TRY(Spawn(consumer, pipe.read.Get(), -1));
    pipe.read.Reset();
    const auto writer = Spawn(producer, -1, pipe.write.Get());
    pipe.write.Reset();
    const auto written = writer ? Await(*writer, producer.front()) : Result<>(std::unexpected(writer.error()));
    const auto read = Await(reader, consumer.front());
    // The consumer's failure comes first: a producer whose reader is gone fails too.
    if (!read) return read;
    return written;
}

}  // namespace husk
