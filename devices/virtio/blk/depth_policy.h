// DepthPolicy: how the loop treats a driver that has many requests under way. Pure policy on the times and counts it is
// told.
//
// A lone request wants its answer at once, and a loop that is awake for the next one: kAtOnce. Many at a time have
// other costs: each interrupt and each doorbell takes the guest's CPU from the next request. Two ways to have fewer:
//
//     kGather   answers wait, for half a millisecond at most, until there are kGatherCount of them. Good where the loop
//               has a CPU of its own to look for requests from meanwhile
//     kSleep    no looking: requests pile up while the loop is woken, and before it is (see RingPolicy). Good where
//               looking takes the CPU from the guest
//
// Which one pays depends on guest and host, so it is tried: when requests come in company, each way gets turns of
// kTurn; the one that brought the most requests stays for a while, then all are tried again, ever more rarely. Requests
// that come alone have kAtOnce again after a few gatherings in vain, or at the end of a turn without company.
//
//     Gather -> true -> GoOn ... -> GoOn = false -> GivenBack     nothing more came in time
//                                -> Gather = false -> GivenBack   enough came
//
// All times: nanoseconds of one monotonic clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace husk {

enum class DepthMode : std::uint8_t { kAtOnce, kGather, kSleep };

class DepthPolicy {
 public:
    static constexpr std::uint64_t kGatherCount = 8;
    static constexpr std::uint64_t kGatherGap = 150'000;    // without a new answer: the driver waits for ours
    static constexpr std::uint64_t kGatherTotal = 500'000;  // from the first answer on, whatever comes
    static constexpr std::uint64_t kVain = 3;               // lone answers gathered for nothing: no depth any more
    static constexpr std::uint64_t kCompany = 32;           // one request of so many in company is depth
    static constexpr std::uint64_t kTurn = 10'000'000;
    static constexpr std::uint64_t kRounds = 3;               // turns of each way in a trial
    static constexpr std::uint64_t kGain = 16;                // by so much of kAtOnce's rate others have to be better
    static constexpr std::uint64_t kFirstStay = 500'000'000;  // between a trial and the next one; then twice as long
    static constexpr std::uint64_t kLongestStay = 4'000'000'000;
    static constexpr std::uint64_t kShy = 100'000'000;  // no trial for so long when requests turned out to come alone

    [[nodiscard]] DepthMode Mode() const { return mode_; }

    // A request was taken while the driver had not seen the answers before it: more than one is under way.
    void TakenInCompany() { ++in_company_; }
    // `count` answers, one at least, go back to the driver.
    void GivenBack(std::uint64_t count, std::uint64_t now);

    // `count` answers are ready, the last one since `now`. True: they wait for more, as long as GoOn().
    [[nodiscard]] bool Gather(std::uint64_t count, std::uint64_t now);
    // No more of them until `now`. False: they are to go back.
    [[nodiscard]] bool GoOn(std::uint64_t count, std::uint64_t now);

 private:
    static constexpr std::size_t kModes = 3;

    void BeginTurn(DepthMode mode, std::uint64_t now);
    void EndTurn(std::uint64_t now);
    void BeginTrial(std::uint64_t now);
    void EndTrial(std::uint64_t now);
    void TheyComeAlone(std::uint64_t now);
    [[nodiscard]] DepthMode Best() const;

    DepthMode mode_ = DepthMode::kAtOnce;
    // The turn under way.
    std::uint64_t turn_began_ = 0;
    std::uint64_t given_back_ = 0;
    std::uint64_t in_company_ = 0;
    // The trial under way, if any: the rates of all turns of a mode, added, in requests a second.
    bool trying_ = false;
    std::uint64_t turns_ = 0;
    std::array<std::uint64_t, kModes> rates_{};
    std::uint64_t next_trial_ = 0;
    std::uint64_t stay_ = kFirstStay;
    // The gathering under way, if there is a first answer.
    std::uint64_t first_answer_ = 0;
    std::uint64_t last_answer_ = 0;
    std::uint64_t in_vain_ = 0;
};

}  // namespace husk
