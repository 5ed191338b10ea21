// HostFailures: failures of the host's I/O that a person should hear of, each kind once. A guest can make a full disk
// fail a million times; that must not become a million messages.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "devices/host/disk_backend.h"

namespace husk {

struct HostFailure {
    int os_errno = 0;
    DiskOperation operation{};
    std::uint64_t offset = 0;  // bytes; where the transfer stopped
};

class HostFailures {
 public:
    // Keeps the first of each (operation, errno), one at a time for an operation.
    void Record(const HostFailure& failure) {
        const auto operation = static_cast<std::size_t>(failure.operation);
        const auto kind = static_cast<std::size_t>(failure.os_errno);
        if (kind >= kErrnos || told_[operation][kind] || untold_[operation]) return;
        told_[operation].set(kind);
        untold_[operation] = failure;
    }

    [[nodiscard]] std::optional<HostFailure> Take() {
        for (auto& failure : untold_) {
            if (failure) return std::exchange(failure, std::nullopt);
        }
        return std::nullopt;
    }

 private:
    static constexpr std::size_t kOperations = kDiskOperations;
    static constexpr std::size_t kErrnos = 256;  // Linux has 133

    std::array<std::bitset<kErrnos>, kOperations> told_;
    std::array<std::optional<HostFailure>, kOperations> untold_;
};

}  // namespace husk
