// bench_console: the console role of husk, sealed as in a VM, driven from this process, with a peer at the other end of
// a unix socket; or a bare loop that writes or reads the same pieces at the same kind of socket, with the same peer.
// Prints one JSON object. See README.md of the benchmarks.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "benchmarks/devices/bench_main.h"
#include "benchmarks/devices/console_driver.h"
#include "benchmarks/devices/console_peer.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/host/console_pump.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/stats_pages.h"

namespace husk::bench {
namespace {

struct Options : BenchOptions {
    std::string way = "out";
    std::string end = "hvc";
    std::uint32_t piece = 16;
    double pause = 0;
    bool bare = false;

    [[nodiscard]] std::uint64_t Pause() const { return static_cast<std::uint64_t>(pause * 1e6); }
    [[nodiscard]] bool Named() const { return end == "port"; }
    [[nodiscard]] ConsolePeer::Does Peer() const {
        if (way == "out") return ConsolePeer::Does::kReads;
        return way == "in" ? ConsolePeer::Does::kWrites : ConsolePeer::Does::kEchoes;
    }
};

// --- The bare loop

Result<ConsoleCounts> BareSend(int socket, std::uint32_t piece, std::uint64_t nanoseconds, Latencies& latencies) {
    const std::vector<std::byte> bytes(piece, std::byte{'x'});
    ConsoleCounts counts;
    std::uint64_t now = MonotonicNanoseconds();
    for (const std::uint64_t until = now + nanoseconds; now < until; ++counts.pieces) {
        const ssize_t wrote = ::write(socket, bytes.data(), bytes.size());
        if (wrote <= 0) return FailOs("cannot write to the socket");
        counts.bytes += static_cast<std::uint64_t>(wrote);
        const std::uint64_t began = std::exchange(now, MonotonicNanoseconds());
        latencies.Add(now - began);
    }
    return counts;
}

Result<ConsoleCounts> BareReceive(int socket, std::uint32_t piece, std::uint64_t nanoseconds) {
    std::vector<std::byte> bytes(piece);
    ConsoleCounts counts;
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    while (MonotonicNanoseconds() < until) {
        const ssize_t got = ::read(socket, bytes.data(), bytes.size());
        if (got <= 0) return FailOs("cannot read from the socket");
        counts.bytes += static_cast<std::uint64_t>(got);
    }
    return counts;
}

Result<ConsoleCounts> BareEcho(int socket, const Options& options, std::uint64_t nanoseconds, Latencies& latencies) {
    std::vector<std::byte> bytes(options.piece);
    ConsoleCounts counts;
    std::uint64_t now = MonotonicNanoseconds();
    for (const std::uint64_t until = now + nanoseconds; now < until; ++counts.pieces) {
        const auto whole = static_cast<ssize_t>(bytes.size());
        if (::write(socket, bytes.data(), bytes.size()) != whole) return FailOs("cannot write to the socket");
        if (::recv(socket, bytes.data(), bytes.size(), MSG_WAITALL) != whole) return FailOs("no echo at the socket");
        latencies.Add(MonotonicNanoseconds() - now);
        now = AfterPause(options.Pause());
    }
    counts.bytes = counts.pieces * options.piece;
    return counts;
}

// --- Both

// Calls `run` to warm up and once more, as a meter is made and read.
template <typename Run, typename MakeMeter>
Result<nlohmann::json> Time(const Options& options, Run run, MakeMeter make_meter) {
    Latencies latencies;
    (void)HUSK_TRY(run(options.WarmUpNanoseconds(), latencies));
    latencies.Clear();
    const CostMeter meter = make_meter();
    const ConsoleCounts counts = HUSK_TRY(run(options.Nanoseconds(), latencies));
    const Cost cost = meter.SoFar();
    nlohmann::json result;
    result["rate"] = static_cast<double>(counts.pieces) / cost.seconds;
    result["mb_per_second"] = static_cast<double>(counts.bytes) / cost.seconds / 1e6;
    if (counts.pieces > 0) result["each"] = cost.Each(counts.pieces, counts.wires);
    result["each_byte"] = cost.Each(counts.bytes, counts.wires);
    result["latency_us"] = latencies.Report();
    return result;
}

Result<nlohmann::json> MeasureBare(const Options& options, std::pair<ScopedFd, ScopedFd> socket) {
    const ConsolePeer peer(std::move(socket.second), options.Peer());
    const int ours = socket.first.Get();
    const auto run = [&](std::uint64_t time, Latencies& latencies) -> Result<ConsoleCounts> {
        if (options.way == "out") return BareSend(ours, options.piece, time, latencies);
        if (options.way == "in") return BareReceive(ours, options.piece, time);
        return BareEcho(ours, options, time, latencies);
    };
    return Time(options, run, [] { return CostMeter(); });
}

Result<ScopedFd> Start(const Options& options, SealedWorker& worker, const ScopedFd& socket) {
    if (::fcntl(socket.Get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0) return FailOs("cannot make a socket not block");
    ConsoleConfig config;
    config.uart = false;
    config.name.Assign("bench");
    const EventFd wake_console = HUSK_TRY(EventFd::Create());
    const EventFd wake_vmm = HUSK_TRY(EventFd::Create());
    std::vector<SlotAssignment> slots{{wake_console.Get(), console_slot::kWakeConsole},
                                      {wake_vmm.Get(), console_slot::kWakeVmm}};
    if (options.Named()) {
        config.ports = 1;
        config.port_names[0].Assign("bench");
    } else {
        slots.push_back({socket.Get(), console_slot::kInput});
        slots.push_back({socket.Get(), console_slot::kOutput});
    }
    // The UART's: not used.
    const auto rings = HUSK_TRY(SharedPages<ConsoleRings>::Create("husk-console-rings"));
    HUSK_TRY(SendMessage(worker.AsVmm(), ConsoleMemory{}, rings.Fd()));
    ScopedFd stats = HUSK_TRY(worker.Start("console", SealedWorker::kConsole, std::move(slots), config));
    if (options.Named()) HUSK_TRY(SendMessage(worker.AsLauncher(), Client{.port = 1}, socket.Get()));
    return stats;
}

Result<nlohmann::json> MeasureWorker(const Options& options, std::pair<ScopedFd, ScopedFd> socket) {
    auto worker = HUSK_TRY(SealedWorker::Create(ConsoleDriver::kMemory, options.Without()));
    const auto stats = HUSK_TRY(SharedPages<ConsoleStats>::Attach(HUSK_TRY(Start(options, *worker, socket.first))));
    socket.first.Reset();
    ConsoleDriver driver(worker->Memory(), options.piece, options.Named(), worker->Doorbell(), worker->Interrupt());
    HUSK_TRY(worker->Activate(driver.Chosen()));
    worker->Doorbell().Signal();
    driver.Open();

    // Its thread comes after the worker: a launcher has none.
    const ConsolePeer peer(std::move(socket.second), options.Peer());
    const auto run = [&](std::uint64_t time, Latencies& latencies) -> Result<ConsoleCounts> {
        if (options.way == "out") return driver.Send(time, latencies);
        if (options.way == "in") return driver.Receive(time);
        return driver.Echo(time, options.Pause(), latencies);
    };
    nlohmann::json result = HUSK_TRY(Time(options, run, [&] { return CostMeter(*worker, stats->device.interrupts); }));
    result["sealed"] = stats->sealed.At() != 0 && !options.unsealed;
    return result;
}

int Main(int argc, char** argv) {
    Options options;
    CLI::App app{"Measures the sealed console role of husk, without a VM."};
    app.add_option("--way", options.way, "out (guest to host), in, or echo (a piece out and back, and so on)")
        ->check(CLI::IsMember({"out", "in", "echo"}));
    app.add_option("--end", options.end, "hvc (hvc0) or port (a named one)")->check(CLI::IsMember({"hvc", "port"}));
    app.add_option("--piece", options.piece, "bytes written at once; with --bare --way in, read at once")
        ->check(CLI::Range(std::size_t{1}, ConsoleDriver::kLargestPiece));
    app.add_option("--pause", options.pause, "milliseconds between one echo and the next piece")
        ->check(CLI::Range(0.0, 1000.0));
    app.add_flag("--bare", options.bare, "no worker: a loop over read or write at the socket");
    options.AddTo(app);
    return RunBench(app, argc, argv, [&]() -> Result<nlohmann::json> {
        auto socket = HUSK_TRY(ConsolePeer::MakeSocket());
        if (options.bare) return MeasureBare(options, std::move(socket));
        return MeasureWorker(options, std::move(socket));
    });
}

}  // namespace
}  // namespace husk::bench

int main(int argc, char** argv) {
    husk::bench::DispatchRole();
    return husk::bench::Main(argc, argv);
}
