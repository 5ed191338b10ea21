// bench_net: one network worker of husk, sealed as in a VM, driven from this process, on a tap; or a bare loop that
// reads or writes the same frames at the same tap. Prints one JSON object. To be run in a network namespace of its own
// (unshare --net), as benchmarks/devices/run-net does.
#include <CLI/CLI.hpp>

#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/devices/net_driver.h"
#include "benchmarks/devices/net_frames.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/host/tap.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/stats_pages.h"

namespace husk::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kWarmUp = kSecond / 2;

struct Options {
    std::string interface = "bench0";
    bool bare = false;
    bool outward = false;
    bool unsealed = false;
    std::size_t frame = 64;
    double seconds = 1;
};

// What both ways of doing it count.
struct Measured {
    NetCounts counts;
    double seconds = 0;
    std::uint64_t own_cpu = 0;  // nanoseconds of this thread
    std::uint64_t at_tap = 0;   // outward: frames that the interface counted
};

std::uint64_t OwnCpu() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * kSecond + static_cast<std::uint64_t>(used.tv_nsec);
}

// As many buffers as a queue has, as far apart as NetDriver's: the same frame again and again would never leave the
// cache.
std::uint64_t BareSend(int tap, const Frame& frame, std::uint64_t nanoseconds) {
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    const std::size_t bytes = sizeof frame.header + frame.bytes.size();
    static std::vector<std::byte> rooms(kNetQueueSize * NetDriver::kTransmitRoom);
    for (std::size_t room = 0; room < kNetQueueSize; ++room) {
        std::byte* const at = rooms.data() + room * NetDriver::kTransmitRoom;
        std::memcpy(at, &frame.header, sizeof frame.header);
        std::memcpy(at + sizeof frame.header, frame.bytes.data(), frame.bytes.size());
    }
    std::uint64_t frames = 0;
    for (std::size_t room = 0; MonotonicNanoseconds() < until;) {
        for (int count = 0; count < 32; ++count, room = (room + 1) % kNetQueueSize) {
            frames += ::write(tap, rooms.data() + room * NetDriver::kTransmitRoom, bytes) > 0 ? 1 : 0;
        }
    }
    return frames;
}

// Likewise: from one end of a queue's buffers to the other.
std::uint64_t BareReceive(int tap, std::uint64_t nanoseconds, std::atomic<std::uint64_t>& received) {
    constexpr std::size_t kRooms = kNetQueueSize * NetDriver::kReceiveRoom;
    constexpr std::size_t kLargest = 80 << 10;
    static std::vector<std::byte> rooms(kRooms + kLargest);
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    std::uint64_t frames = 0;
    for (std::size_t at = 0; MonotonicNanoseconds() < until;) {
        const ssize_t got = ::read(tap, rooms.data() + at, kLargest);
        if (got > 0) {
            ++frames;
            received.fetch_add(1, std::memory_order_relaxed);
            const std::size_t used =
                (static_cast<std::size_t>(got) + NetDriver::kReceiveRoom - 1) / NetDriver::kReceiveRoom;
            at = (at + used * NetDriver::kReceiveRoom) % kRooms;
            continue;
        }
        pollfd ready{tap, POLLIN, 0};
        (void)::poll(&ready, 1, 100);
    }
    return frames;
}

// Calls `run` to warm up and once more, with the time on the clock around it.
template <typename Run>
Measured Time(const Options& options, Run run) {
    (void)run(kWarmUp);
    Measured measured;
    const std::uint64_t at_tap = FramesTaken(options.interface);
    const std::uint64_t own_cpu = OwnCpu();
    const std::uint64_t began = MonotonicNanoseconds();
    measured.counts = run(static_cast<std::uint64_t>(options.seconds * kSecond));
    measured.seconds = static_cast<double>(MonotonicNanoseconds() - began) / kSecond;
    measured.own_cpu = OwnCpu() - own_cpu;
    measured.at_tap = FramesTaken(options.interface) - at_tap;
    return measured;
}

nlohmann::json Report(const Options& options, const Measured& measured) {
    nlohmann::json result;
    const double rate = static_cast<double>(measured.counts.frames) / measured.seconds;
    result["frames_per_second"] = rate;
    result["own_cpu_us"] = static_cast<double>(measured.own_cpu) / 1000 / static_cast<double>(measured.counts.frames);
    result["gigabits_per_second"] = rate * static_cast<double>(options.frame) * 8 / 1e9;
    if (options.outward) {
        result["at_tap"] = static_cast<double>(measured.at_tap) / static_cast<double>(measured.counts.frames);
    }
    return result;
}

Result<nlohmann::json> MeasureBare(const Options& options, TapHandle& tap, const Frame& frame) {
    const int fd = tap.queues[0].Get();
    if (::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0) return FailOs("cannot set the tap's offloads");
    if (options.outward) {
        return Report(options,
                      Time(options, [&](std::uint64_t time) { return NetCounts{BareSend(fd, frame, time), 0, 0}; }));
    }
    std::atomic<std::uint64_t> received{0};
    const FrameSource source(HUSK_TRY(FrameSource::Open(options.interface)), frame, received);
    return Report(options,
                  Time(options, [&](std::uint64_t time) { return NetCounts{BareReceive(fd, time, received), 0, 0}; }));
}

Result<nlohmann::json> MeasureWorker(const Options& options, TapHandle& tap, const Frame& frame) {
    LayerSet without;
    if (options.unsealed) without.Add(Layer::kSeccomp);
    auto worker = HUSK_TRY(SealedWorker::Create(NetDriver::kMemory, without));
    NetConfig config;
    config.wire = NetConfig::Wire::kTap;
    config.rules.own_mac.bytes = kGuestMac;
    config.name.Assign("bench");
    ScopedFd stats_fd = HUSK_TRY(worker->Start("net", {{tap.queues[0].Get(), net_slot::Wire(0)}}, config));
    const auto stats = HUSK_TRY(SharedPages<NetStats>::Attach(std::move(stats_fd)));
    NetDriver driver(worker->Memory(), frame, worker->Doorbell(), worker->Interrupt());
    HUSK_TRY(worker->Activate(driver.Chosen()));
    worker->Doorbell().Signal();

    const NetCounters& device = stats->device;
    std::uint64_t interrupts = 0;
    std::uint64_t cpu = 0;
    const auto note = [&] {
        interrupts = device.interrupts.Get();
        cpu = worker->CpuNanoseconds();
    };
    Measured measured;
    if (options.outward) {
        measured = Time(options, [&](std::uint64_t time) {
            note();
            return driver.Send(time);
        });
    } else {
        // Its thread comes after the worker: a launcher has none.
        std::atomic<std::uint64_t> received{0};
        const FrameSource source(HUSK_TRY(FrameSource::Open(options.interface)), frame, received);
        measured = Time(options, [&](std::uint64_t time) {
            note();
            return driver.Receive(time, received);
        });
    }
    const auto each = [&](std::uint64_t count) {
        return static_cast<double>(count) / static_cast<double>(measured.counts.frames);
    };
    nlohmann::json result = Report(options, measured);
    result["each_frame"] = {{"interrupts", each(device.interrupts.Get() - interrupts)},
                            {"doorbells", each(measured.counts.doorbells)},
                            {"worker_cpu_us", each(worker->CpuNanoseconds() - cpu) / 1000},
                            {"user_space_exits", 0}};
    std::uint64_t dropped = 0;
    for (const NetDirection* way : {&device.from_guest, &device.to_guest}) {
        for (const Counter& drops : way->drops) dropped += drops.Get();
        for (const Counter& filtered : way->filtered) dropped += filtered.Get();
    }
    result["dropped"] = dropped;
    result["sealed"] = stats->sealed.At() != 0 && !options.unsealed;
    return result;
}

int Main(int argc, char** argv) {
    Options options;
    std::string way = "out";
    CLI::App app{"Measures one sealed network worker of husk, without a VM, on a tap that it makes."};
    app.add_option("--interface", options.interface, "the tap's name");
    app.add_option("--way", way, "out (guest to tap) or in (tap to guest)")->check(CLI::IsMember({"out", "in"}));
    app.add_option("--frame", options.frame, "bytes; from 1515 on to be segmented")->check(CLI::Range(60, 65549));
    app.add_option("--seconds", options.seconds, "of measuring")->check(CLI::Range(0.1, 600.0));
    app.add_flag("--bare", options.bare, "no worker: a loop over read or write at the tap");
    app.add_flag("--unsealed", options.unsealed, "without the seccomp filters, to see what they cost");
    CLI11_PARSE(app, argc, argv);
    options.outward = way == "out";
    const auto measure = [&]() -> Result<nlohmann::json> {
        TapHandle tap = HUSK_TRY(OpenTap(options.interface, 1));
        const Frame frame = MakeFrame(options.frame, options.outward);
        return options.bare ? MeasureBare(options, tap, frame) : MeasureWorker(options, tap, frame);
    };
    const auto result = measure();
    if (!result) {
        std::fprintf(stderr, "bench_net: %s\n", result.error().Message().c_str());
        return 1;
    }
    std::printf("%s\n", result->dump(2).c_str());
    return 0;
}

}  // namespace
}  // namespace husk::bench

int main(int argc, char** argv) {
    husk::bench::DispatchRole();
    return husk::bench::Main(argc, argv);
}
