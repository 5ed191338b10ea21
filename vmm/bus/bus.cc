#include "vmm/bus/bus.h"

#include <algorithm>

#include "vmm/base/bytes.h"

namespace husk {

Result<> Bus::Attach(std::uint64_t base, std::uint64_t size, BusDevice& device, std::string name) {
    std::uint64_t end = 0;
    if (size == 0 || __builtin_add_overflow(base, size, &end)) return Fail(name + " has no valid range on the bus");
    const auto next = std::ranges::upper_bound(ranges_, base, {}, &Range::base);
    const bool hits_next = next != ranges_.end() && next->base < end;
    const bool hits_previous = next != ranges_.begin() && base - std::prev(next)->base < std::prev(next)->size;
    if (hits_next || hits_previous) return Fail(name + " overlaps another device on the bus");
    ranges_.insert(next, Range{base, size, &device, std::move(name)});
    return {};
}

const Bus::Range* Bus::Find(std::uint64_t address) const {
    // A handful of ranges: halving the search by hand keeps it branch-light and without calls.
    const Range* first = ranges_.data();
    std::size_t count = ranges_.size();
    while (count > 1) {
        const std::size_t half = count / 2;
        if (first[half].base <= address) first += half;
        count -= half;
    }
    if (count == 0 || address < first->base || address - first->base >= first->size) return nullptr;
    return first;
}

bool Bus::Read(std::uint64_t address, std::span<std::byte> data) const {
    const Range* const range = Find(address);
    if (range == nullptr) {
        FillOnes(data);
        return false;
    }
    range->device->Read(address - range->base, data);
    return true;
}

bool Bus::Write(std::uint64_t address, std::span<const std::byte> data) const {
    const Range* const range = Find(address);
    if (range == nullptr) return false;
    range->device->Write(address - range->base, data);
    return true;
}

std::string_view Bus::Owner(std::uint64_t address) const {
    const Range* const range = Find(address);
    return range == nullptr ? std::string_view() : std::string_view(range->name);
}

}  // namespace husk
