#include "benchmarks/run_loop/answering_worker.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace husk::bench {
namespace {

[[noreturn]] void Answer(const EventFd& doorbell, const EventFd& interrupt) {
    pollfd ring{doorbell.Get(), POLLIN, 0};
    while (::poll(&ring, 1, -1) >= 0) {
        if (doorbell.Drain()) interrupt.Signal();
    }
    ::_exit(1);
}

}  // namespace

Result<std::unique_ptr<AnsweringWorker>> AnsweringWorker::Start(const EventFd& doorbell, const EventFd& interrupt) {
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) return FailOs("cannot start the worker process");
    if (process == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        Answer(doorbell, interrupt);
    }
    return std::make_unique<AnsweringWorker>(process);
}

AnsweringWorker::~AnsweringWorker() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

}  // namespace husk::bench
