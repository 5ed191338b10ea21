// bench_blk: one block worker of husk, sealed as in a VM, driven from this process. Prints one JSON object. See
// README.md of the benchmarks; benchmarks/devices/run puts it beside fio.
#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "benchmarks/devices/blk_driver.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/host/disk_file.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/stats_pages.h"

namespace husk::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kMostSamples = 8'000'000;

struct Options {
    std::string file;
    bool buffered = false;
    bool threads = false;
    bool unsealed = false;
    double seconds = 2;
    double warm_up = 0.5;
    BlkLoad load;
};

BlkConfig MakeConfig(const Options& options, const DiskFile& disk) {
    BlkConfig config;
    config.geometry = disk.Geometry();
    config.block = config.geometry.logical_block;
    config.direct = options.buffered ? 0 : 1;
    config.ring = config.ring_needed = options.threads ? 0 : 1;
    config.name.Assign("bench");
    return config;
}

std::uint64_t OwnCpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto nanoseconds = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_usec) * 1000;
    };
    return nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
}

// In microseconds.
nlohmann::json Latencies(std::vector<std::uint32_t>& samples) {
    nlohmann::json result;
    if (samples.empty()) return result;
    std::ranges::sort(samples);
    const auto at = [&samples](double part) {
        return static_cast<double>(samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1))]) /
               1000;
    };
    const double sum = std::accumulate(samples.begin(), samples.end(), 0.0);
    result["mean"] = sum / static_cast<double>(samples.size()) / 1000;
    for (const auto& [name, part] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}})
        result[name] = at(part);
    return result;
}

Result<nlohmann::json> Measure(const Options& options) {
    DiskFile disk = HUSK_TRY(DiskFile::Open(options.file, false));
    if (!options.buffered) HUSK_TRY(disk.MakeDirect());
    BlkLoad load = options.load;
    load.disk = disk.Bytes();
    if (load.disk < load.block) return Fail(options.file + " is smaller than one request");
    LayerSet without;
    if (options.unsealed) without.Add(Layer::kSeccomp);
    auto worker = HUSK_TRY(SealedWorker::Create(BlkDriver::MemoryFor(load), without));
    ScopedFd stats_fd = HUSK_TRY(worker->Start("blk", {{disk.Fd(), blk_slot::kDisk}}, MakeConfig(options, disk)));
    const auto stats = HUSK_TRY(SharedPages<BlkStats>::Attach(std::move(stats_fd)));
    BlkDriver driver(worker->Memory(), load, worker->Doorbell(), worker->Interrupt());
    HUSK_TRY(worker->Activate(driver.Chosen()));
    worker->Doorbell().Signal();

    std::vector<std::uint32_t> samples;
    (void)driver.Run(static_cast<std::uint64_t>(options.warm_up * kSecond), samples);
    samples.resize(kMostSamples);  // touches the pages
    samples.clear();
    const DeviceStats& device = stats->device;
    const std::uint64_t interrupts = device.interrupts.Get();
    const std::uint64_t polls = device.polls_hit.Get();
    const std::uint64_t vain_polls = device.polls_missed.Get();
    const std::uint64_t worker_cpu = worker->CpuNanoseconds();
    const std::uint64_t own_cpu = OwnCpu();
    const std::uint64_t began = MonotonicNanoseconds();
    const BlkCounts counts = driver.Run(static_cast<std::uint64_t>(options.seconds * kSecond), samples);
    const double seconds = static_cast<double>(MonotonicNanoseconds() - began) / kSecond;
    const std::uint64_t interrupts_now = device.interrupts.Get();
    const std::uint64_t worker_cpu_now = worker->CpuNanoseconds();
    const std::uint64_t own_cpu_now = OwnCpu();
    const BlkCounts rest = driver.Finish();
    HUSK_TRY(worker->Stop());
    const std::string absent = worker->AbsentLayers();
    worker.reset();
    disk.Unlock();
    if (counts.failed + rest.failed > 0) return Fail("requests failed");

    const auto requests = static_cast<double>(counts.requests);
    const auto each = [requests](std::uint64_t count) { return static_cast<double>(count) / requests; };
    nlohmann::json result;
    result["requests"] = counts.requests;
    result["iops"] = requests / seconds;
    result["mb_per_second"] = requests * load.block / seconds / 1e6;
    result["latency_us"] = Latencies(samples);
    result["each_request"] = {{"interrupts", each(interrupts_now - interrupts)},
                              {"doorbells", each(counts.doorbells)},
                              {"driver_wakeups", each(counts.wakeups)},
                              {"polls_hit", each(device.polls_hit.Get() - polls)},
                              {"polls_missed", each(device.polls_missed.Get() - vain_polls)},
                              {"worker_cpu_us", each(worker_cpu_now - worker_cpu) / 1000},
                              {"driver_cpu_us", each(own_cpu_now - own_cpu) / 1000},
                              {"user_space_exits", 0}};
    result["user_space_exits"] = "none: there is no vCPU here, doorbell and interrupt are eventfds as with KVM";
    result["sealed"] = stats->sealed.At() != 0 && !options.unsealed;
    result["absent_layers"] = absent;
    return result;
}

int Main(int argc, char** argv) {
    Options options;
    std::string engine = "io_uring";
    std::string pattern = "randread";
    CLI::App app{"Measures one sealed block worker of husk, without a VM."};
    app.add_option("--file", options.file, "the disk: a raw file or a block device; --rw write destroys what is in it")
        ->required();
    app.add_option("--aio", engine, "threads or io_uring")->check(CLI::IsMember({"threads", "io_uring"}));
    app.add_option("--rw", pattern, "randread, randwrite, read or write")
        ->check(CLI::IsMember({"randread", "randwrite", "read", "write"}));
    app.add_option("--block", options.load.block, "bytes of a request")->check(CLI::Range(512, 516096));
    app.add_option("--depth", options.load.depth, "requests under way")->check(CLI::Range(1, 256));
    app.add_option("--queues", options.load.queues, "queues they are spread over")->check(CLI::Range(1, 8));
    app.add_option("--seconds", options.seconds, "of measuring")->check(CLI::Range(0.1, 600.0));
    app.add_option("--warm-up", options.warm_up, "seconds before that")->check(CLI::Range(0.0, 60.0));
    app.add_flag("--buffered", options.buffered, "through the host's page cache: no O_DIRECT");
    app.add_flag("--unsealed", options.unsealed, "without the seccomp filters, to look at system calls with strace");
    CLI11_PARSE(app, argc, argv);
    options.threads = engine == "threads";
    options.load.write = pattern.ends_with("write");
    options.load.random = pattern.starts_with("rand");
    if (options.load.block % 512 != 0 || options.load.depth < options.load.queues) {
        std::fputs("bench_blk: --block is a multiple of 512, and --depth not less than --queues\n", stderr);
        return 2;
    }
    const auto result = Measure(options);
    if (!result) {
        std::fprintf(stderr, "bench_blk: %s\n", result.error().Message().c_str());
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
