// The benchmark guest: times what it is told to do and prints a line for each round of it,
//     OPERATION@ADDRESS OPERATIONS TICKS BATCH LEAST
// ticks of the time stamp counter for all operations of the round, and for the fastest batch of them: one that no timer
// of the host came into.
//
// The command line is a list of words, obeyed in order:
//     count=N batch=N rounds=N    operations of a round (a multiple of the batch), rounds (0: for ever)
//     pin=N                       lets the IOAPIC's pin N interrupt
//     none=0                      nothing: what the loop itself costs
//     pio-read=PORT pio-write=PORT mmio-read=ADDRESS mmio-write=ADDRESS     (hexadecimal)
//     bell=ADDRESS                a 4-byte write there, then wait for the interrupt that answers it
//     blk-id=ADDRESS              a GET_ID request to the virtio-blk device there
#include <cstdint>
#include <initializer_list>

#include "command_line.h"
#include "console.h"
#include "machine.h"
#include "virtio_blk.h"

namespace guest {
namespace {

// What a PVH entry is given (Xen public/arch-x86/hvm/start_info.h).
struct StartInfo {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t flags;
    std::uint32_t nr_modules;
    std::uint64_t modlist;
    std::uint64_t cmdline;
};

struct Plan {
    std::uint64_t count = 1000;
    std::uint64_t batch = 10;
    std::uint64_t rounds = 1;
};

template <typename Operation>
void Measure(const Plan& plan, const char* name, std::uint64_t address, Operation operation) {
    for (std::uint64_t round = 0; plan.rounds == 0 || round < plan.rounds; ++round) {
        std::uint64_t least = ~std::uint64_t{0};
        const std::uint64_t begun = Now();
        for (std::uint64_t batches = plan.count / plan.batch; batches != 0; --batches) {
            const std::uint64_t batch_begun = Now();
            for (std::uint64_t left = plan.batch; left != 0; --left) operation();
            const std::uint64_t spent = Now() - batch_begun;
            if (spent < least) least = spent;
        }
        const std::uint64_t ticks = Now() - begun;
        Print(name);
        Print("@");
        PrintHex(address);
        for (const std::uint64_t number : {plan.count, ticks, plan.batch, least}) {
            Print(" ");
            PrintDecimal(number);
        }
        Print("\n");
    }
}

void MeasureBlk(const Plan& plan, std::uint64_t address) {
    VirtioBlk disk;
    if (!disk.Start(address)) {
        Print("FAILED: no virtio-blk device at ");
        PrintHex(address);
        Print("\n");
        return;
    }
    Measure(plan, "blk-id", address, [&disk] { disk.GetId(); });
    if (!disk.Succeeded()) Print("FAILED: GET_ID has no success\n");
}

void Obey(const CommandLine& word, Plan& plan) {
    const std::uint64_t address = word.Hex();
    const auto port = static_cast<std::uint16_t>(address);
    if (word.Is("count")) {
        plan.count = word.Decimal();
    } else if (word.Is("batch")) {
        plan.batch = word.Decimal();
    } else if (word.Is("rounds")) {
        plan.rounds = word.Decimal();
    } else if (word.Is("pin")) {
        ConnectPin(static_cast<std::uint32_t>(word.Decimal()));
    } else if (word.Is("none")) {
        Measure(plan, "none", address, [] { asm volatile(""); });
    } else if (word.Is("pio-read")) {
        Measure(plan, "pio-read", address, [port] { In8(port); });
    } else if (word.Is("pio-write")) {
        Measure(plan, "pio-write", address, [port] { Out8(port, 0); });
    } else if (word.Is("mmio-read")) {
        Measure(plan, "mmio-read", address, [address] { Load32(address); });
    } else if (word.Is("mmio-write")) {
        Measure(plan, "mmio-write", address, [address] { Store32(address, 0); });
    } else if (word.Is("bell")) {
        Measure(plan, "bell", address, [address] {
            const std::uint64_t before = Interrupts();
            Store32(address, 0);
            AwaitInterrupt(before);
        });
    } else if (word.Is("blk-id")) {
        MeasureBlk(plan, address);
    }
}

}  // namespace

extern "C" [[noreturn]] void Main(const StartInfo& info) {
    EnableInterrupts();
    CommandLine words(reinterpret_cast<const char*>(info.cmdline));
    Plan plan;
    while (words.Next()) Obey(words, plan);
    PowerOff();
}

}  // namespace guest
