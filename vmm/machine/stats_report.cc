#include "vmm/machine/stats_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "vmm/base/clock.h"
#include "vmm/machine/net_report.h"
#include "vmm/memory/address_map.h"

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
    std::uint64_t virtio_reads = 0, virtio_writes = 0;
    for (const auto& [place, count] : places) {
        const bool virtio =
            place.second - address_map::kVirtioMmio.Value() < kMaxDevices * address_map::kVirtioMmioStride;
        if (virtio) (place.first == ExitKind::kMmioRead ? virtio_reads : virtio_writes) += count;
        by_place.push_back({{"kind", kKindNames[static_cast<std::size_t>(place.first)]},
                            {"address", Hex(place.second)},
                            {"count", count}});
    }
    return {{"total", total},
            {"by_kind", by_kind},
            {"virtio_registers", {{"reads", virtio_reads}, {"writes", virtio_writes}}},
            {"by_address", by_place},
            {"unclaimed", unclaimed},
            {"other_addresses", elsewhere}};
}

Json Device(const std::string& name, const DeviceStats& worker, const VirtioDeviceStats* vmm) {
    Json device{{"device", name},
                {"doorbells", worker.doorbells.Get()},
                {"interrupts", worker.interrupts.Get()},
                {"requests", worker.requests.Get()},
                {"batches", worker.batches.Get()},
                {"failed", worker.failed.Get()},
                {"bytes_from_guest", worker.bytes_in.Get()},
                {"bytes_to_guest", worker.bytes_out.Get()},
                {"polls_hit", worker.polls_hit.Get()},
                {"polls_missed", worker.polls_missed.Get()}};
    if (vmm != nullptr) {
        device["acknowledgements"] = vmm->acknowledgements.Get();
        device["resets"] = vmm->resets.Get();
    }
    Json latency;
    for (const auto& [key, permille] : {std::pair{"p50", 500U}, {"p90", 900U}, {"p99", 990U}, {"p99.9", 999U}}) {
        latency[key] = static_cast<double>(worker.latency.Permille(permille)) / 1000;
    }
    device["latency_us"] = latency;
    return device;
}

// What each step of sealing a role made of it, and its share of the start-up. The role wrote it: any value may be
// there.
Json Sealed(const SealReport& report) {
    Json steps;
    for (const SealStep step : {SealStep::kDumpable, SealStep::kMdwe, SealStep::kNoNewPrivs, SealStep::kCapabilities,
                                SealStep::kLandlock, SealStep::kLimits}) {
        const SealReport::Step& taken = report.Of(step);
        const char* const outcome = taken.outcome == SealOutcome::kApplied  ? "applied"
                                    : taken.outcome == SealOutcome::kAbsent ? "absent"
                                    : taken.outcome == SealOutcome::kWaived ? "waived"
                                                                            : "not reached";
        steps[SealStepName(step)] = {{"outcome", outcome}, {"us", static_cast<double>(taken.nanoseconds) / 1000}};
    }
    return steps;
}

Json SealedRoles(const Family& family) {
    Json roles;
    if (family.vmm_stats) roles["vmm"] = Sealed((*family.vmm_stats)->sealing);
    if (family.console_stats) roles["console"] = Sealed((*family.console_stats)->sealing);
    for (std::size_t disk = 0; disk < family.disk_stats.size(); ++disk) {
        if (family.disk_stats[disk]) roles["blk" + std::to_string(disk)] = Sealed((*family.disk_stats[disk])->sealing);
    }
    for (std::size_t net = 0; net < family.net_stats.size(); ++net) {
        if (family.net_stats[net]) roles["net" + std::to_string(net)] = Sealed((*family.net_stats[net])->sealing);
    }
    return roles;
}

// Doorbells and acknowledgements are ioeventfds that KVM signalled, interrupts are irqfds that the worker did.
Json Devices(const Family& family) {
    Json devices = Json::array();
    const auto seen_by_vmm = [&](std::size_t device) {
        return family.vmm_stats ? &(*family.vmm_stats)->devices[device] : nullptr;
    };
    if (family.console_stats) {
        devices.push_back(
            Device(family.DeviceName(kConsoleDevice), (*family.console_stats)->device, seen_by_vmm(kConsoleDevice)));
    }
    for (std::uint32_t disk = 0; disk < family.disk_stats.size(); ++disk) {
        const std::uint32_t device = kConsoleDevice + 1 + disk;
        if (!family.disk_stats[disk]) continue;
        devices.push_back(Device(family.DeviceName(device), (*family.disk_stats[disk])->device, seen_by_vmm(device)));
    }
    for (std::uint32_t net = 0; net < family.net_stats.size(); ++net) {
        const auto device = static_cast<std::uint32_t>(kConsoleDevice + 1 + family.disk_stats.size() + net);
        if (!family.net_stats[net]) continue;
        devices.push_back(NetReport(family.DeviceName(device), (*family.net_stats[net])->device, seen_by_vmm(device)));
    }
    return devices;
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
    const auto mark = [&](const std::string& name, std::uint64_t at) {
        if (at >= process_start_) timeline[name] = (at - process_start_) / 1000;
    };
    Json boot;
    boot["ending"] = ending.reason;
    if (family.vmm_stats) {
        const VmmStats& stats = **family.vmm_stats;
        mark("vmm_started", stats.role_started.At());
        mark("kvm_ready", stats.kvm_ready.At());
        mark("memory_ready", stats.memory_ready.At());
        mark("kernel_loaded", stats.kernel_loaded.At());
        mark("vmm_process_sealed", stats.process_sealed.At());
        mark("vmm_threads_sealed", stats.sealed.At());
        mark("first_run", stats.first_run.At());
    }
    if (family.console_stats) mark("first_console_byte", (*family.console_stats)->first_byte.At());
    if (family.vmm_stats) {
        const VmmStats& stats = **family.vmm_stats;
        for (std::uint32_t device = 0; device < family.Devices(); ++device) {
            mark(family.DeviceName(device) + "_driver_ok", stats.devices[device].driver_ok.At());
        }
        mark("guest_ended", stats.guest_ended.At());
        mark("exit", MonotonicNanoseconds());
        boot["timeline_us"] = timeline;
        boot["exits"] = Exits(stats, std::min(vcpus_, kMaxVcpus));
        boot["uart"] = {{"transmitted", stats.uart_transmitted.load()},
                        {"received", stats.uart_received.load()},
                        {"overruns", stats.uart_overruns.load()}};
        boot["interrupt_route_updates"] = stats.route_updates.load();
    }
    if (family.console_stats) {
        const ConsoleStats& stats = **family.console_stats;
        boot["console"] = {{"bytes_out", stats.bytes_out.load()},
                           {"bytes_in", stats.bytes_in.load()},
                           {"writes", stats.writes.load()}};
    }
    boot["devices"] = Devices(family);
    boot["sealing"] = SealedRoles(family);
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
