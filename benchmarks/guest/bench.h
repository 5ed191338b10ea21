// What the topics of guest_bench share: the words that say what to do, the clock, and the conversation with the host.
//
// guest_bench is the init of a guest, or an ordinary program on the host: the floor, and the other end. Its words are
// those of the kernel's command line, which Linux puts into init's environment.
//
// Each phase is `bench: ready NAME`, an empty line from the host, the work, `bench: NAME key=value...`, an empty line
// from the host; the end is `bench: done`, or `bench: failed: WHY`. While the guest waits, the host reads what
// processor time the VMM has used.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/guest/latencies.h"

namespace husk::bench {

// Ends the program; as init, the machine with it: off with the word end=poweroff, else by a reboot.
[[noreturn]] void End(int status);
// Says why, with what errno says unless it is 0, and ends.
[[noreturn]] void Fail(const std::string& what);

[[nodiscard]] std::uint64_t Nanoseconds();

[[nodiscard]] std::string Word(const char* name, const char* otherwise = "");
[[nodiscard]] std::uint64_t Number(const char* name, std::uint64_t otherwise);
// Of the word phases=P,P..., as often as the word turns=N says.
[[nodiscard]] std::vector<std::string> Phases();
// How long a phase lasts: the word milliseconds=N.
[[nodiscard]] std::uint64_t PhaseNanoseconds();

// As init: devices, and a terminal that passes bytes as they are.
void PrepareConsole();
void Begin(const std::string& phase);
void AwaitHost();
void Finish(const std::string& phase, std::initializer_list<std::pair<const char*, std::uint64_t>> results,
            const Latencies& latencies = Latencies());

// The topics.
void BenchBlock();
void BenchConsole();
void BenchNet();
void ServeNet();
void ServePort();

}  // namespace husk::bench
