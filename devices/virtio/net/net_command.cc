#include "devices/virtio/net/net_command.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "devices/virtio/net/net_config.h"

namespace husk {
namespace {

// class, command, and the number, little-endian.
constexpr std::size_t kCommandBytes = 4;

}  // namespace

std::optional<std::uint32_t> ParsePairsCommand(std::span<const iovec> readable, std::uint32_t offered_pairs) {
    std::array<std::uint8_t, kCommandBytes> command{};
    std::size_t copied = 0;
    for (const iovec& buffer : readable) {
        if (buffer.iov_len > kCommandBytes - copied) return std::nullopt;
        std::memcpy(command.data() + copied, buffer.iov_base, buffer.iov_len);
        copied += buffer.iov_len;
    }
    if (copied != kCommandBytes || command[0] != kNetCtrlMq || command[1] != kNetCtrlMqPairsSet) return std::nullopt;
    const std::uint32_t pairs = command[2] | std::uint32_t{command[3]} << 8;
    if (pairs < 1 || pairs > offered_pairs) return std::nullopt;
    return pairs;
}

}  // namespace husk
