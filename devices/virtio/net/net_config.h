// What a virtio-net device of ours offers: features, configuration space, queues (Virtio 1.2 §5.1.2 to §5.1.4), and the
// header before every frame (§5.1.6). Built by the launcher from the opened backend, shown by the vmm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/host/net_backend.h"
#include "devices/virtio/queue_layout.h"

namespace husk {

// §5.1.3
inline constexpr std::uint64_t kFeatureNetCsum = std::uint64_t{1} << 0;       // the device completes checksums
inline constexpr std::uint64_t kFeatureNetGuestCsum = std::uint64_t{1} << 1;  // the driver does
inline constexpr std::uint64_t kFeatureNetMtu = std::uint64_t{1} << 3;        // mtu is valid
inline constexpr std::uint64_t kFeatureNetMac = std::uint64_t{1} << 5;        // mac is valid
inline constexpr std::uint64_t kFeatureNetGuestTso4 = std::uint64_t{1} << 7;  // the driver takes large TCP frames
inline constexpr std::uint64_t kFeatureNetGuestTso6 = std::uint64_t{1} << 8;
inline constexpr std::uint64_t kFeatureNetHostTso4 = std::uint64_t{1} << 11;  // the device does
inline constexpr std::uint64_t kFeatureNetHostTso6 = std::uint64_t{1} << 12;
inline constexpr std::uint64_t kFeatureNetMrgRxbuf = std::uint64_t{1} << 15;  // a frame may fill several chains
inline constexpr std::uint64_t kFeatureNetStatus = std::uint64_t{1} << 16;    // status is valid
inline constexpr std::uint64_t kFeatureNetCtrlVq = std::uint64_t{1} << 17;
inline constexpr std::uint64_t kFeatureNetMq = std::uint64_t{1} << 22;  // several pairs of queues

// Queues: receive and transmit of each pair, then the control queue.
inline constexpr std::uint16_t kNetQueueSize = 256;
inline constexpr std::uint32_t kMaxNetPairs = 7;
static_assert(2 * kMaxNetPairs + 1 <= kMaxQueues && kMaxNetPairs == kMaxNetQueues);
[[nodiscard]] constexpr std::uint32_t NetQueues(std::uint32_t pairs) { return 2 * pairs + 1; }
[[nodiscard]] constexpr std::size_t ReceiveQueue(std::size_t pair) { return 2 * pair; }
[[nodiscard]] constexpr std::size_t TransmitQueue(std::size_t pair) { return 2 * pair + 1; }
// §5.1.2: behind the one pair of a driver that did not negotiate MQ, whatever is offered.
[[nodiscard]] constexpr std::size_t ControlQueue(std::size_t offered_pairs, std::uint64_t negotiated) {
    return 2 * ((negotiated & kFeatureNetMq) != 0 ? offered_pairs : 1);
}

// §5.1.4 struct virtio_net_config, as far as our features make it readable.
inline constexpr std::uint16_t kNetLinkUp = 1;
struct NetConfigSpace {
    std::array<std::uint8_t, 6> mac{};
    std::uint16_t status = 0;
    std::uint16_t max_virtqueue_pairs = 0;
    std::uint16_t mtu = 0;
};
static_assert(sizeof(NetConfigSpace) == 12 && offsetof(NetConfigSpace, status) == 6 &&
              offsetof(NetConfigSpace, mtu) == 10);

// §5.1.6 struct virtio_net_hdr, of a driver that knows VERSION_1.
struct NetHeader {
    std::uint8_t flags = 0;
    std::uint8_t gso_type = 0;
    std::uint16_t hdr_len = 0;
    std::uint16_t gso_size = 0;
    std::uint16_t csum_start = 0;
    std::uint16_t csum_offset = 0;
    std::uint16_t num_buffers = 0;
};
static_assert(sizeof(NetHeader) == kNetHeaderBytes && offsetof(NetHeader, num_buffers) == 10);

inline constexpr std::uint8_t kNetNeedsCsum = 1;
inline constexpr std::uint8_t kNetGsoNone = 0;
inline constexpr std::uint8_t kNetGsoTcp4 = 1;
inline constexpr std::uint8_t kNetGsoTcp6 = 4;

// §5.1.6.5: what goes through the control queue.
inline constexpr std::uint8_t kNetCtrlMq = 4;
inline constexpr std::uint8_t kNetCtrlMqPairsSet = 0;
inline constexpr std::uint8_t kNetCtrlOk = 0;
inline constexpr std::uint8_t kNetCtrlError = 1;

// `mtu` 0: not offered.
[[nodiscard]] constexpr std::uint64_t NetFeatures(const NetOffloads& offloads, std::uint32_t pairs, std::uint16_t mtu) {
    std::uint64_t features = kFeatureIndirectDesc | kFeatureEventIdx | kFeatureNetMac | kFeatureNetStatus |
                             kFeatureNetMrgRxbuf | kFeatureNetCtrlVq;
    if (mtu != 0) features |= kFeatureNetMtu;
    if (pairs > 1) features |= kFeatureNetMq;
    if (offloads.csum) features |= kFeatureNetCsum | kFeatureNetGuestCsum;
    // §5.1.3.1: segmentation needs the checksums.
    if (offloads.csum && offloads.tso4) features |= kFeatureNetHostTso4 | kFeatureNetGuestTso4;
    if (offloads.csum && offloads.tso6) features |= kFeatureNetHostTso6 | kFeatureNetGuestTso6;
    return features;
}

// What of the negotiated features the backend must know: what it may hand to the guest undone.
[[nodiscard]] constexpr NetOffloads GuestOffloads(std::uint64_t negotiated) {
    const bool csum = (negotiated & kFeatureNetGuestCsum) != 0;
    return {.csum = csum,
            .tso4 = csum && (negotiated & kFeatureNetGuestTso4) != 0,
            .tso6 = csum && (negotiated & kFeatureNetGuestTso6) != 0};
}

}  // namespace husk
