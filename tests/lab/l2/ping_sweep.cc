// ping_sweep ADDRESS FIRST LAST: one ICMP echo request (RFC 792) after the other, with every payload size from FIRST to
// LAST, none of them fragmented on its way out unless it must be. Each answer must be there within a second (three
// tries) and have the very bytes that were sent. Prints the sizes that failed; status 1 if there are any.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint16_t kIdentity = 0x6875;

// RFC 1071.
std::uint16_t Checksum(std::span<const unsigned char> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return htons(static_cast<std::uint16_t>(~sum));
}

std::vector<unsigned char> Request(std::size_t size, std::uint16_t sequence) {
    std::vector<unsigned char> packet(sizeof(icmphdr) + size);
    for (std::size_t i = 0; i < size; ++i) packet[sizeof(icmphdr) + i] = static_cast<unsigned char>(i * 7 + size);
    icmphdr header{};
    header.type = ICMP_ECHO;
    header.un.echo.id = htons(kIdentity);
    header.un.echo.sequence = htons(sequence);
    std::memcpy(packet.data(), &header, sizeof header);
    header.checksum = Checksum(packet);
    std::memcpy(packet.data(), &header, sizeof header);
    return packet;
}

enum class Answer : std::uint8_t { kNone, kWrong, kRight };

// Waits for the answer to `request`; late ones to others are passed over.
Answer Await(int socket, std::span<const unsigned char> request) {
    std::vector<unsigned char> buffer(65536);
    const auto deadline = Clock::now() + std::chrono::seconds(1);
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
        if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) != 1) return Answer::kNone;
        const auto got = recv(socket, buffer.data(), buffer.size(), 0);
        if (got < 20) continue;
        const std::size_t header = (buffer[0] & 0xfU) * 4U;  // of IPv4
        if (static_cast<std::size_t>(got) < header + sizeof(icmphdr)) continue;
        const auto icmp = std::span(buffer).subspan(header, static_cast<std::size_t>(got) - header);
        if (icmp[0] != ICMP_ECHOREPLY || std::memcmp(&icmp[4], &request[4], 4) != 0) continue;
        return std::ranges::equal(icmp.subspan(4), request.subspan(4)) ? Answer::kRight : Answer::kWrong;
    }
}

}  // namespace

int main(int argc, char** argv) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (argc != 4 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        std::puts("usage: ping_sweep ADDRESS FIRST LAST");
        return 2;
    }
    const std::size_t first = std::strtoul(argv[2], nullptr, 10);
    const std::size_t last = std::strtoul(argv[3], nullptr, 10);
    const int socket = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (socket < 0 || connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::perror("ping_sweep");
        return 1;
    }
    unsigned failed = 0;
    unsigned again = 0;
    for (std::size_t size = first; size <= last; ++size) {
        Answer answer = Answer::kNone;
        for (int tries = 0; tries < 3 && answer == Answer::kNone; ++tries) {
            again += tries == 0 ? 0 : 1;
            const auto request = Request(size, static_cast<std::uint16_t>(size));
            if (send(socket, request.data(), request.size(), 0) < 0) std::perror("ping_sweep: send");
            answer = Await(socket, request);
        }
        if (answer == Answer::kRight) continue;
        ++failed;
        std::printf("ping_sweep: size %zu: %s\n", size,
                    answer == Answer::kWrong ? "other bytes came back" : "no answer");
        if (failed == 20) break;
    }
    std::printf("ping_sweep: %s: sizes %zu to %zu, %u failed, %u sent again\n", failed == 0 ? "ok" : "FAILED", first,
                last, failed, again);
    return failed == 0 ? 0 : 1;
}
