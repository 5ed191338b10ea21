// The value of --disk: a file, and how the guest is to have it.
#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "devices/virtio/blk/blk_config.h"
#include "vmm/cli/comma_list.h"
#include "vmm/cli/options.h"

namespace husk {
namespace {

std::optional<std::uint64_t> Number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// One option with a value. False: the value is none that it takes.
bool SetSerial(DiskConfig& disk, const std::string& value) {
    disk.serial = value;
    return !value.empty() && std::ranges::all_of(value, [](char c) { return c > ' ' && c <= '~'; });
}
bool SetCache(DiskConfig& disk, const std::string& value) {
    disk.writeback = value == "writeback";
    return disk.writeback || value == "writethrough";
}
bool SetDiscard(DiskConfig& disk, const std::string& value) {
    disk.discard = value == "on";
    return disk.discard || value == "off";
}
bool SetQueues(DiskConfig& disk, const std::string& value) {
    const auto queues = Number(value);
    if (!queues || *queues < 1 || *queues > kMaxBlkQueues) return false;
    disk.queues = static_cast<std::uint32_t>(*queues);
    return true;
}
bool SetBlock(DiskConfig& disk, const std::string& value) {
    const auto block = Number(value);
    if (block != 512U && block != 4096U) return false;
    disk.block = static_cast<std::uint32_t>(*block);
    return true;
}

bool SetIops(DiskConfig& disk, const std::string& value) {
    const auto iops = Number(value);
    disk.iops = iops.value_or(0);
    return disk.iops > 0;
}
bool SetBandwidth(DiskConfig& disk, const std::string& value) {
    const auto bytes = ParseSize(value);
    disk.bandwidth = bytes ? *bytes : 0;
    return disk.bandwidth > 0;
}
bool SetAio(DiskConfig& disk, const std::string& value) {
    disk.aio = value == "threads" ? DiskAio::kThreads : value == "io_uring" ? DiskAio::kIoUring : DiskAio::kAuto;
    return disk.aio != DiskAio::kAuto || value == "auto";
}

struct ValueOption {
    std::string_view key;
    std::string_view takes;
    bool (*set)(DiskConfig&, const std::string&);
};
constexpr ValueOption kValueOptions[] = {
    {"serial", "up to 20 printable characters without spaces", SetSerial},
    {"cache", "writeback or writethrough", SetCache},
    {"discard", "on or off", SetDiscard},
    {"aio", "auto, threads or io_uring", SetAio},
    {"iops", "a number of requests a second", SetIops},
    {"bw", "bytes a second, like 50M", SetBandwidth},
    {"queues", "a number from 1 to 8", SetQueues},
    {"block", "512 or 4096", SetBlock},
};

struct Flag {
    std::string_view name;
    bool DiskConfig::* field;
};
constexpr Flag kFlags[] = {
    {"ro", &DiskConfig::read_only}, {"direct", &DiskConfig::direct}, {"ephemeral", &DiskConfig::ephemeral}};

std::unexpected<Error> Refuse(const DiskConfig& disk, const std::string& why) {
    return Fail(ErrorKind::kUsage, "--disk " + disk.path + ": " + why);
}

Result<> SetOption(DiskConfig& disk, const std::string& part) {
    const auto* const flag = std::ranges::find(kFlags, part, &Flag::name);
    if (flag != std::end(kFlags)) {
        disk.*flag->field = true;
        return {};
    }
    const std::size_t equals = part.find('=');
    const auto* const option =
        equals == part.npos
            ? std::end(kValueOptions)
            : std::ranges::find(kValueOptions, std::string_view(part).substr(0, equals), &ValueOption::key);
    if (option == std::end(kValueOptions)) {
        std::string known;
        for (const Flag& each : kFlags) known.append(each.name).append(", ");
        for (const ValueOption& each : kValueOptions) known.append(each.key).append("=, ");
        known.resize(known.size() - 2);
        return Refuse(disk, "\"" + part + "\" is none of its options: " + known);
    }
    if (option->set(disk, part.substr(equals + 1))) return {};
    return Refuse(disk, std::string(option->key) + "= takes " + std::string(option->takes) + ", not \"" +
                            part.substr(equals + 1) + "\"");
}

}  // namespace

Result<DiskConfig> ParseDisk(const std::string& text) {
    std::vector<std::string> parts = SplitAtCommas(text);
    DiskConfig disk;
    disk.path = std::move(parts.front());
    if (disk.path.empty()) return Fail(ErrorKind::kUsage, "--disk takes FILE[,OPTION...], not \"" + text + "\"");
    for (const std::string& part : std::span(parts).subspan(1)) HUSK_TRY(SetOption(disk, part));
    return disk;
}

}  // namespace husk
