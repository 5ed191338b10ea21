// HostNet: the wire of one network device, as the launcher holds it for all lives of the guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "devices/host/net_backend.h"
#include "devices/host/pcap_writer.h"
#include "devices/host/stream_socket.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/machine/config.h"
#include "vmm/roles/messages.h"

namespace husk {

struct HostNet {
    NetConfig::Wire wire = NetConfig::Wire::kNone;  // kNone also once it is cut
    std::vector<ScopedFd> queues;
    NetOffloads offloads;
    std::uint16_t mtu = 0;  // to be told to the guest; 0: nothing is
    std::optional<Passt> passt;
    MacAddress mac;
    NetRules rules;
    PcapFile capture;

    // Opens, creates or connects it.
    [[nodiscard]] static Result<HostNet> Open(const NetworkConfig& config, std::string_view vm_name,
                                              std::uint32_t index);
};

// A locally administered address for a card that has none given: the same for every run of a VM of this name.
[[nodiscard]] MacAddress DefaultMac(std::string_view vm_name, std::uint32_t index);

}  // namespace husk
