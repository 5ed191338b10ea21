// bench_blk: one block worker of husk, sealed as in a VM, driven from this process. Prints one JSON object. See
// README.md of the benchmarks; the suite disk_worker puts it beside fio.
#include <string>

#include "benchmarks/devices/bench_main.h"
#include "benchmarks/devices/blk_driver.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/host/disk_file.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/stats_pages.h"

namespace husk::bench {
namespace {

struct Options : BenchOptions {
    std::string file;
    bool buffered = false;
    bool threads = false;
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

Result<nlohmann::json> Measure(const Options& options) {
    DiskFile disk = HUSK_TRY(DiskFile::Open(options.file, false));
    if (!options.buffered) HUSK_TRY(disk.MakeDirect());
    BlkLoad load = options.load;
    load.disk = disk.Bytes();
    if (load.disk < load.block) return Fail(options.file + " is smaller than one request");
    auto worker = HUSK_TRY(SealedWorker::Create(BlkDriver::MemoryFor(load), options.Without()));
    ScopedFd stats_fd =
        HUSK_TRY(worker->Start("blk", SealedWorker::kBlk, {{disk.Fd(), blk_slot::kDisk}}, MakeConfig(options, disk)));
    const auto stats = HUSK_TRY(SharedPages<BlkStats>::Attach(std::move(stats_fd)));
    BlkDriver driver(worker->Memory(), load, worker->Doorbell(), worker->Interrupt());
    HUSK_TRY(worker->Activate(driver.Chosen()));
    worker->Doorbell().Signal();

    Latencies latencies;
    (void)driver.Run(options.WarmUpNanoseconds(), latencies);
    latencies.Clear();
    const DeviceStats& device = stats->device;
    const std::uint64_t polls = device.polls_hit.Get();
    const std::uint64_t vain_polls = device.polls_missed.Get();
    const CostMeter meter(*worker, device.interrupts);
    const BlkCounts counts = driver.Run(options.Nanoseconds(), latencies);
    const Cost cost = meter.SoFar();
    nlohmann::json result;
    result["latency_us"] = latencies.Report();
    const BlkCounts rest = driver.Finish(latencies);
    HUSK_TRY(worker->Stop());
    result["absent_layers"] = worker->AbsentLayers();
    worker.reset();
    disk.Unlock();
    if (counts.failed + rest.failed > 0) return Fail("requests failed");

    const auto requests = static_cast<double>(counts.requests);
    result["requests"] = counts.requests;
    result["rate"] = requests / cost.seconds;
    result["mb_per_second"] = requests * load.block / cost.seconds / 1e6;
    result["each"] = cost.Each(counts.requests, counts.wires);
    result["each"]["polls_hit"] = static_cast<double>(device.polls_hit.Get() - polls) / requests;
    result["each"]["polls_missed"] = static_cast<double>(device.polls_missed.Get() - vain_polls) / requests;
    result["sealed"] = stats->sealed.At() != 0 && !options.unsealed;
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
    app.add_flag("--buffered", options.buffered, "through the host's page cache: no O_DIRECT");
    options.AddTo(app);
    return RunBench(app, argc, argv, [&]() -> Result<nlohmann::json> {
        options.threads = engine == "threads";
        options.load.write = pattern.ends_with("write");
        options.load.random = pattern.starts_with("rand");
        if (options.load.block % 512 != 0 || options.load.depth < options.load.queues) {
            return Fail("--block is a multiple of 512, and --depth not less than --queues");
        }
        return Measure(options);
    });
}

}  // namespace
}  // namespace husk::bench

int main(int argc, char** argv) {
    husk::bench::DispatchRole();
    return husk::bench::Main(argc, argv);
}
