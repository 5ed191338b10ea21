// The virtio console: hvc0 and a port of it. Words: port=NAME of the port, or the path of a unix socket (the floor);
// pattern=FILE, which the host has, too; bytes=N for a port, hvc0_bytes=N, echoes=N.
//
//   hvc0-out, port-out    so many bytes of the pattern, again and again, until the VMM has taken them
//   port-in               the same from the host: nanoseconds from the first piece to the last; `late` bytes after it
//   echo                  every byte that comes, back
//
// What goes out is compared by the host.
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "benchmarks/guest/bench.h"
#include "benchmarks/guest/port_stream.h"

namespace husk::bench {

namespace {

constexpr const char* kPorts = "/sys/class/virtio-ports";

int AcceptAt(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int fd =
        bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(listener, 1) == 0
            ? accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)
            : -1;
    if (fd < 0) Fail(path);
    close(listener);
    return fd;
}

// The port's number and name come by messages of the host, some time after the device. -1: it is not there yet.
int TryPort(const std::string& name) {
    const std::unique_ptr<DIR, int (*)(DIR*)> ports(opendir(kPorts), closedir);
    if (ports == nullptr) return -1;
    while (const dirent* entry = readdir(ports.get())) {
        std::string found;
        std::getline(std::ifstream(std::string(kPorts) + "/" + entry->d_name + "/name"), found);
        if (found == name) return open((std::string("/dev/") + entry->d_name).c_str(), O_RDWR | O_CLOEXEC);
    }
    return -1;
}

int OpenTerminal() { return open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC); }

void WriteToTerminal(const std::string& phase) {
    const int fd = Await("/dev/hvc0", OpenTerminal);
    termios terminal{};
    if (tcgetattr(fd, &terminal) != 0) Fail("/dev/hvc0");
    cfmakeraw(&terminal);
    if (tcsetattr(fd, TCSANOW, &terminal) != 0) Fail("cannot set /dev/hvc0");
    const std::uint64_t bytes = Number("hvc0_bytes", 1 << 20);
    const Pattern pattern;
    Begin(phase);
    const std::uint64_t begun = Nanoseconds();
    SendPattern(fd, pattern, bytes);
    if (tcdrain(fd) != 0) Fail("drain");
    const std::uint64_t spent = Nanoseconds() - begun;
    close(fd);
    AwaitHost();
    Finish(phase, {{"bytes", bytes}, {"nanoseconds", spent}});
}

void Echo(int fd) {
    for (std::uint64_t count = 0; count < Echoes(); ++count) {
        char byte = 0;
        if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1) Fail("echo");
    }
}

}  // namespace

void BenchConsole() {
    const std::string name = Word("port");
    const int port = name.starts_with('/') ? AcceptAt(name) : Await(name, [&] { return TryPort(name); });
    const Pattern pattern;
    for (const std::string& phase : Phases()) {
        if (phase == "hvc0-out") {
            WriteToTerminal(phase);
            continue;
        }
        Begin(phase);
        if (phase == "port-out") {
            SendPattern(port, pattern, PortBytes());
            Finish(phase, {{"bytes", PortBytes()}});
        } else if (phase == "port-in") {
            const Arrival arrival = ReceivePattern(port, pattern, PortBytes());
            Finish(phase, {{"bytes", PortBytes()}, {"late", arrival.late}, {"nanoseconds", arrival.nanoseconds}});
        } else if (phase == "echo") {
            Echo(port);
            Finish(phase, {{"echoes", Echoes()}});
        } else {
            errno = EINVAL;
            Fail(phase);
        }
    }
}

}  // namespace husk::bench
