// The other end of a port, on the host. Words: port=PATH of the unix socket, and those of port_stream.h.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "benchmarks/guest/bench.h"
#include "benchmarks/guest/port_stream.h"

namespace husk::bench {

namespace {

int TryConnect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

Latencies TimeEchoes(int fd) {
    Latencies latencies(Echoes());
    for (std::uint64_t count = 0; count < Echoes(); ++count) {
        const char sent = static_cast<char>(count);
        char come = 0;
        const std::uint64_t begun = Nanoseconds();
        if (write(fd, &sent, 1) != 1 || read(fd, &come, 1) != 1) Fail("echo");
        latencies.Add(Nanoseconds() - begun);
        errno = 0;
        if (come != sent) Fail("a wrong byte came back");
    }
    return latencies;
}

}  // namespace

void ServePort() {
    const std::string path = Word("port");
    const int port = Await(path, [&] { return TryConnect(path); });
    const Pattern pattern;
    for (const std::string& phase : Phases()) {
        Begin(phase);
        if (phase == "port-out") {
            const Arrival arrival = ReceivePattern(port, pattern, PortBytes());
            Finish(phase, {{"late", arrival.late}, {"nanoseconds", arrival.nanoseconds}});
        } else if (phase == "port-in") {
            SendPattern(port, pattern, PortBytes());
            Finish(phase, {{"sent", PortBytes()}});
        } else if (phase == "echo") {
            const Latencies latencies = TimeEchoes(port);
            Finish(phase, {{"echoes", Echoes()}}, latencies);
        } else {
            errno = EINVAL;
            Fail(phase);
        }
    }
}

}  // namespace husk::bench
