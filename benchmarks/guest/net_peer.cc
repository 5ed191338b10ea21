// The other end of the net topic, on the host. Serves one connection after the other until its standard input ends.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "benchmarks/guest/bench.h"
#include "benchmarks/guest/net_wire.h"

namespace husk::bench {

namespace {

void Answer(const Socket& connection) {
    char byte = 0;
    while (recv(connection.fd(), &byte, 1, 0) == 1) SendAll(connection, &byte, 1);
}

// The port goes over the connection, then frames arrive until the client says that it has ended.
void TakeFrames(const Socket& connection) {
    std::uint32_t port = 0;
    const Socket udp = OpenUdp(port);
    SendAll(connection, &port, sizeof port);
    std::atomic<bool> stop{false};
    NetReport report{};
    std::thread receiver([&] { report = ReceiveFrames(udp, stop); });
    char ended = 0;
    ReceiveAll(connection, &ended, 1);
    stop = true;
    receiver.join();
    SendAll(connection, &report, sizeof report);
}

void GiveFrames(const Socket& connection, sockaddr_in to, const NetRequest& request) {
    std::uint32_t port = 0;
    const Socket udp = OpenUdp(port);
    to.sin_port = htons(static_cast<std::uint16_t>(request.udp_port));
    const NetReport report{SendFrames(udp, to, request.nanoseconds), request.nanoseconds};
    SendAll(connection, &report, sizeof report);
}

void Serve(const Socket& connection, const sockaddr_in& client) {
    NoDelay(connection);
    NetRequest request{};
    ReceiveAll(connection, &request, sizeof request);
    switch (request.phase) {
        case NetPhase::kTcpOut: {
            const NetReport report = ReceiveBulk(connection);
            SendAll(connection, &report, sizeof report);
            return;
        }
        case NetPhase::kTcpIn:
            SendBulk(connection, request.nanoseconds);
            return;
        case NetPhase::kTcpRr:
            Answer(connection);
            return;
        case NetPhase::kUdpOut:
            TakeFrames(connection);
            return;
        case NetPhase::kUdpIn:
            GiveFrames(connection, client, request);
            return;
    }
    errno = 0;
    Fail("the client asks for something else");
}

}  // namespace

void ServeNet() {
    const Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(kPeerPort);
    if (listener.fd() < 0 || bind(listener.fd(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
        listen(listener.fd(), 1) != 0) {
        Fail("cannot listen");
    }
    std::puts("bench: listening");
    std::fflush(stdout);
    for (;;) {
        pollfd waits[] = {{listener.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        if (poll(waits, 2, -1) < 0) Fail("poll");
        if (waits[1].revents != 0) return;
        sockaddr_in client{};
        socklen_t size = sizeof client;
        const Socket connection(accept(listener.fd(), reinterpret_cast<sockaddr*>(&client), &size));
        if (connection.fd() < 0) Fail("accept");
        Serve(connection, client);
    }
}

}  // namespace husk::bench
