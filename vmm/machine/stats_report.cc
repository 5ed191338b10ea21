#include "vmm/machine/stats_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "vmm/base/clock.h"

namespace husk {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, kExitKinds> kKindNames = {
    "pio_read", "pio_write", "mmio_read", "mmio_write", "interrupted", "end_of_interrupt", "other"};

std::string Hex(std::uint64_t value) {
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
    return text.data();
}

// The vCPUs' counters together. They are the guest's own doing: numbers to print, nothing more.
Json Exits(const VmmStats& stats, std::uint32_t vcpus) {
    std::array<std::uint64_t, kExitKinds> kinds{};
    std::map<std::pair<ExitKind, std::uint64_t>, std::uint64_t> places;
    std::uint64_t unclaimed = 0, elsewhere = 0;
    for (const ExitCounters& counters : std::span(stats.vcpus).first(vcpus)) {
        for (std::size_t kind = 0; kind < kExitKinds; ++kind) kinds[kind] += counters.Of(static_cast<ExitKind>(kind));
        counters.ForEachAccess([&](const ExitCounters::Access& access) {
            if (static_cast<std::size_t>(access.kind) < kExitKinds)
                places[{access.kind, access.address}] += access.count;
        });
        unclaimed += counters.Unclaimed();
        elsewhere += counters.Elsewhere();
    }
    Json by_kind, by_place = Json::array();
    std::uint64_t total = 0;
    for (std::size_t kind = 0; kind < kExitKinds; ++kind) {
        by_kind[kKindNames[kind]] = kinds[kind];
        total += kinds[kind];
    }
    for (const auto& [place, count] : places) {
        by_place.push_back({{"kind", kKindNames[static_cast<std::size_t>(place.first)]},
                            {"address", Hex(place.second)},
                            {"count", count}});
    }
    return {{"total", total},
            {"by_kind", by_kind},
            {"by_address", by_place},
            {"unclaimed", unclaimed},
            {"other_addresses", elsewhere}};
}

}  // namespace

Result<StatsReport> StatsReport::Create(const MachineConfig& config, std::uint64_t process_start) {
    ScopedFd file;
    if (config.stats) {
        file.Reset(::open(config.stats->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
        if (!file) return FailOs("cannot write statistics to " + *config.stats);
    }
    return StatsReport(std::move(file), config, process_start);
}

StatsReport::StatsReport(ScopedFd file, const MachineConfig& config, std::uint64_t process_start)
    : file_(std::move(file)),
      path_(config.stats.value_or("")),
      name_(config.name),
      vcpus_(config.vcpus),
      process_start_(process_start) {}

void StatsReport::AddBoot(const Family& family, const Ending& ending) {
    if (!file_) return;
    Json timeline;
    const auto mark = [&](const char* name, std::uint64_t at) {
        if (at >= process_start_) timeline[name] = (at - process_start_) / 1000;
    };
    Json boot;
    boot["ending"] = ending.reason;
    if (family.vmm.stats) {
        const VmmStats& stats = **family.vmm.stats;
        mark("vmm_started", stats.role_started.At());
        mark("kvm_ready", stats.kvm_ready.At());
        mark("memory_ready", stats.memory_ready.At());
        mark("kernel_loaded", stats.kernel_loaded.At());
        mark("first_run", stats.first_run.At());
    }
    if (family.console.stats) mark("first_console_byte", (*family.console.stats)->first_byte.At());
    if (family.vmm.stats) {
        const VmmStats& stats = **family.vmm.stats;
        mark("guest_ended", stats.guest_ended.At());
        mark("exit", MonotonicNanoseconds());
        boot["timeline_us"] = timeline;
        boot["exits"] = Exits(stats, std::min(vcpus_, kMaxVcpus));
        boot["uart"] = {{"transmitted", stats.uart_transmitted.load()},
                        {"received", stats.uart_received.load()},
                        {"overruns", stats.uart_overruns.load()}};
        boot["interrupt_route_updates"] = stats.route_updates.load();
    }
    if (family.console.stats) {
        const ConsoleStats& stats = **family.console.stats;
        boot["console"] = {{"bytes_out", stats.bytes_out.load()},
                           {"bytes_in", stats.bytes_in.load()},
                           {"writes", stats.writes.load()}};
    }
    boots_.push_back(boot.dump());
}

Result<> StatsReport::Write(const Ending& ending) {
    if (!file_) return {};
    Json report{{"husk", HUSK_VERSION},         {"name", name_},         {"vcpus", vcpus_}, {"ending", ending.reason},
                {"exit_status", ending.Code()}, {"boots", Json::array()}};
    for (const std::string& boot : boots_) report["boots"].push_back(Json::parse(boot));
    const std::string text = report.dump(2) + "\n";
    if (::write(file_.Get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return FailOs("cannot write statistics to " + path_);
    }
    return {};
}

}  // namespace husk
