// bench_net: one network worker of husk, sealed as in a VM, driven from this process, on a tap; or a bare loop that
// reads or writes the same frames at the same tap. Prints one JSON object. To be run in a network namespace of its own
// (unshare --net), as the suite net_worker does.
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/devices/bench_main.h"
#include "benchmarks/devices/net_driver.h"
#include "benchmarks/devices/net_frames.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/host/tap.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/stats_pages.h"

namespace husk::bench {
namespace {

struct Options : BenchOptions {
    std::string interface = "bench0";
    std::string way = "out";
    bool bare = false;
    std::size_t frame = 64;
};

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

std::uint64_t BareEcho(int tap, const Frame& frame, std::uint64_t nanoseconds, Latencies& latencies) {
    std::vector<std::byte> sent(sizeof frame.header + frame.bytes.size());
    std::memcpy(sent.data(), &frame.header, sizeof frame.header);
    std::memcpy(sent.data() + sizeof frame.header, frame.bytes.data(), frame.bytes.size());
    std::vector<std::byte> came(NetDriver::kReceiveRoom);
    std::uint64_t frames = 0;
    std::uint64_t now = MonotonicNanoseconds();
    for (const std::uint64_t until = now + nanoseconds; now < until;) {
        const bool out = ::write(tap, sent.data(), sent.size()) > 0;
        pollfd ready{tap, POLLIN, 0};
        (void)::poll(&ready, 1, 200);  // the tap does not block
        const bool back = ::read(tap, came.data(), came.size()) > 0 && out;
        const std::uint64_t began = std::exchange(now, MonotonicNanoseconds());
        if (back) latencies.Add(now - began);
        frames += back ? 1 : 0;
    }
    return frames;
}

// Calls `run` to warm up and once more, as `meter` is made and read. Answers with what all ways of doing it count.
template <typename Run, typename MakeMeter>
nlohmann::json Time(const Options& options, Latencies& latencies, Run run, MakeMeter make_meter) {
    (void)run(options.WarmUpNanoseconds());
    latencies.Clear();
    const std::uint64_t at_tap = FramesTaken(options.interface);
    const CostMeter meter = make_meter();
    const NetCounts counts = run(options.Nanoseconds());
    const Cost cost = meter.SoFar();
    const auto frames = static_cast<double>(counts.frames);
    nlohmann::json result;
    result["rate"] = frames / cost.seconds;
    result["gigabits_per_second"] = frames / cost.seconds * static_cast<double>(options.frame) * 8 / 1e9;
    result["each"] = cost.Each(counts.frames, counts.wires);
    if (options.way == "out") {
        result["at_tap"] = static_cast<double>(FramesTaken(options.interface) - at_tap) / frames;
    }
    if (options.way == "echo") result["latency_us"] = latencies.Report();
    return result;
}

// Who is at the other side of the tap. Its thread comes after the worker: a launcher has none.
struct Peer {
    std::optional<FrameSource> source;
    std::optional<FrameEcho> echo;

    [[nodiscard]] Result<> Begin(const Options& options, const std::atomic<std::uint64_t>& received) {
        if (options.way == "out") return {};
        ScopedFd socket = HUSK_TRY(OpenPacketSocket(options.interface, options.way == "echo"));
        Frame frame = MakeFrame(options.frame, false);
        if (options.way == "in") source.emplace(std::move(socket), std::move(frame), received);
        if (options.way == "echo") echo.emplace(std::move(socket), std::move(frame));
        return {};
    }
};

Result<nlohmann::json> MeasureBare(const Options& options, TapHandle& tap, const Frame& frame) {
    const int fd = tap.queues[0].Get();
    if (::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0) return FailOs("cannot set the tap's offloads");
    std::atomic<std::uint64_t> received{0};
    Latencies latencies;
    Peer peer;
    HUSK_TRY(peer.Begin(options, received));
    const auto run = [&](std::uint64_t time) {
        if (options.way == "out") return NetCounts{BareSend(fd, frame, time), {}};
        if (options.way == "in") return NetCounts{BareReceive(fd, time, received), {}};
        return NetCounts{BareEcho(fd, frame, time, latencies), {}};
    };
    return Time(options, latencies, run, [] { return CostMeter(); });
}

Result<nlohmann::json> MeasureWorker(const Options& options, TapHandle& tap, const Frame& frame) {
    auto worker = HUSK_TRY(SealedWorker::Create(NetDriver::kMemory, options.Without()));
    NetConfig config;
    config.wire = NetConfig::Wire::kTap;
    config.rules.own_mac.bytes = kGuestMac;
    config.name.Assign("bench");
    ScopedFd stats_fd =
        HUSK_TRY(worker->Start("net", SealedWorker::kNet, {{tap.queues[0].Get(), net_slot::Wire(0)}}, config));
    const auto stats = HUSK_TRY(SharedPages<NetStats>::Attach(std::move(stats_fd)));
    const NetCounters& device = stats->device;
    NetDriver driver(worker->Memory(), frame, worker->Doorbell(), worker->Interrupt());
    HUSK_TRY(worker->Activate(driver.Chosen()));
    worker->Doorbell().Signal();

    std::atomic<std::uint64_t> received{0};
    Latencies latencies;
    Peer peer;
    HUSK_TRY(peer.Begin(options, received));
    const auto run = [&](std::uint64_t time) {
        if (options.way == "out") return driver.Send(time);
        if (options.way == "in") return driver.Receive(time, received);
        return driver.Echo(time, latencies);
    };
    nlohmann::json result = Time(options, latencies, run, [&] { return CostMeter(*worker, device.interrupts); });
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
    CLI::App app{"Measures one sealed network worker of husk, without a VM, on a tap that it makes."};
    app.add_option("--interface", options.interface, "the tap's name");
    app.add_option("--way", options.way, "out (guest to tap), in (tap to guest) or echo (one out, one in, and so on)")
        ->check(CLI::IsMember({"out", "in", "echo"}));
    app.add_option("--frame", options.frame, "bytes; from 1515 on to be segmented")->check(CLI::Range(60, 65549));
    app.add_flag("--bare", options.bare, "no worker: a loop over read or write at the tap");
    options.AddTo(app);
    return RunBench(app, argc, argv, [&]() -> Result<nlohmann::json> {
        if (options.way == "echo" && options.frame > 1514) return Fail("--way echo takes frames of 1514 bytes at most");
        TapHandle tap = HUSK_TRY(OpenTap(options.interface, 1));
        const Frame frame = MakeFrame(options.frame, options.way != "in");
        return options.bare ? MeasureBare(options, tap, frame) : MeasureWorker(options, tap, frame);
    });
}

}  // namespace
}  // namespace husk::bench

int main(int argc, char** argv) {
    husk::bench::DispatchRole();
    return husk::bench::Main(argc, argv);
}
