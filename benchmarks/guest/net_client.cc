// The guest's end of the net topic. Words: peer=ADDRESS; address=ADDRESS for an interface that is not set up yet (the
// first network card, /24).
//
//   tcp-out, tcp-in    one stream: bytes, nanoseconds as the receiver sees them
//   udp-out, udp-in    frames of 64 bytes, as many as go: sent, and received in so many nanoseconds
//   tcp-rr             one byte there and back
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "benchmarks/guest/bench.h"
#include "benchmarks/guest/net_wire.h"

namespace husk::bench {

namespace {

constexpr const char* kInterface = "eth0";
constexpr std::size_t kExpected = 1 << 20;  // requests in a phase
constexpr unsigned kAttempts = 200;
constexpr useconds_t kPause = 10'000;

sockaddr_in AddressOf(const std::string& text, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    errno = 0;
    if (inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) Fail("not an address: \"" + text + "\"");
    return address;
}

void SetUp(const std::string& address) {
    const Socket any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, kInterface, IFNAMSIZ - 1);
    const auto set = [&](unsigned long what, const std::string& to) {
        const sockaddr_in value = AddressOf(to, 0);
        std::memcpy(&request.ifr_addr, &value, sizeof value);
        if (ioctl(any.fd(), what, &request) != 0) Fail("cannot set up the network card");
    };
    set(SIOCSIFADDR, address);
    set(SIOCSIFNETMASK, "255.255.255.0");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(any.fd(), SIOCSIFFLAGS, &request) != 0) Fail("cannot bring the network card up");
}

Socket ConnectTo(const sockaddr_in& peer) {
    for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
        Socket connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(connection.fd(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) return connection;
        usleep(kPause);  // the link is not up yet
    }
    Fail("the peer is not there");
}

Socket Ask(const sockaddr_in& peer, NetPhase phase, std::uint32_t port = 0) {
    Socket connection = ConnectTo(peer);
    NoDelay(connection);
    const NetRequest request{phase, port, PhaseNanoseconds()};
    SendAll(connection, &request, sizeof request);
    return connection;
}

NetReport Reported(const Socket& connection) {
    NetReport report{};
    ReceiveAll(connection, &report, sizeof report);
    return report;
}

void TcpOut(const sockaddr_in& peer) {
    const Socket connection = Ask(peer, NetPhase::kTcpOut);
    SendBulk(connection, PhaseNanoseconds());
    const NetReport there = Reported(connection);
    Finish("tcp-out", {{"bytes", there.count}, {"nanoseconds", there.nanoseconds}});
}

void TcpIn(const sockaddr_in& peer) {
    const Socket connection = Ask(peer, NetPhase::kTcpIn);
    const NetReport here = ReceiveBulk(connection);
    Finish("tcp-in", {{"bytes", here.count}, {"nanoseconds", here.nanoseconds}});
}

void TcpRequests(const sockaddr_in& peer) {
    const Socket connection = Ask(peer, NetPhase::kTcpRr);
    Latencies latencies(kExpected);
    const std::uint64_t begun = Nanoseconds();
    std::uint64_t now = begun;
    std::uint64_t requests = 0;
    while (now < begun + PhaseNanoseconds()) {
        const char question = static_cast<char>(requests++);
        char answer = 0;
        SendAll(connection, &question, 1);
        ReceiveAll(connection, &answer, 1);
        errno = 0;
        if (answer != question) Fail("a wrong answer");
        const std::uint64_t after = Nanoseconds();
        latencies.Add(after - now);
        now = after;
    }
    Finish("tcp-rr", {{"requests", requests}, {"nanoseconds", now - begun}}, latencies);
}

void UdpOut(sockaddr_in peer) {
    const Socket connection = Ask(peer, NetPhase::kUdpOut);
    std::uint32_t port = 0;
    ReceiveAll(connection, &port, sizeof port);
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    std::uint32_t own = 0;
    const std::uint64_t sent = SendFrames(OpenUdp(own), peer, PhaseNanoseconds());
    SendAll(connection, "", 1);
    const NetReport there = Reported(connection);
    Finish("udp-out", {{"sent", sent}, {"received", there.count}, {"nanoseconds", there.nanoseconds}});
}

void UdpIn(const sockaddr_in& peer) {
    std::uint32_t own = 0;
    const Socket udp = OpenUdp(own);
    std::atomic<bool> stop{false};
    NetReport here{};
    std::thread receiver([&] { here = ReceiveFrames(udp, stop); });
    const Socket connection = Ask(peer, NetPhase::kUdpIn, own);
    const NetReport there = Reported(connection);
    stop = true;
    receiver.join();
    Finish("udp-in", {{"sent", there.count}, {"received", here.count}, {"nanoseconds", here.nanoseconds}});
}

}  // namespace

void BenchNet() {
    if (const std::string address = Word("address"); !address.empty()) SetUp(address);
    const sockaddr_in peer = AddressOf(Word("peer"), kPeerPort);
    for (const std::string& phase : Phases()) {
        Begin(phase);
        if (phase == "tcp-out") {
            TcpOut(peer);
        } else if (phase == "tcp-in") {
            TcpIn(peer);
        } else if (phase == "tcp-rr") {
            TcpRequests(peer);
        } else if (phase == "udp-out") {
            UdpOut(peer);
        } else if (phase == "udp-in") {
            UdpIn(peer);
        } else {
            errno = EINVAL;
            Fail(phase);
        }
    }
}

}  // namespace husk::bench
