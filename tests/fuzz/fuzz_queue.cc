// A hostile driver and a device, step by step as the input says, over a SplitQueue and a reference model: whatever the
// driver wrote into its rings, both must answer the same and leave the same used ring.
//
// The first byte is the driver's hostility; then each decision takes one byte, or two where there are more than 256
// choices. Input that is used up ends the session.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tests/support/queue_session.h"

namespace {

class InputDecider {
 public:
    explicit InputDecider(std::span<const std::uint8_t> input) : input_(input) {}

    std::uint32_t Below(std::uint32_t n) { return (n <= 256 ? Byte() : Byte() | Byte() << 8) % n; }
    [[nodiscard]] bool UsedUp() const { return at_ >= input_.size(); }

 private:
    std::uint32_t Byte() { return UsedUp() ? 0 : input_[at_++]; }

    std::span<const std::uint8_t> input_;
    std::size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Session = husk::testing::QueueSession<InputDecider>;
    static const husk::GuestMemory memory = Session::MakeMemory();
    InputDecider decide({data, size});
    const std::uint32_t hostility = decide.Below(256);
    Session session(memory, decide, hostility);
    while (!decide.UsedUp()) {
        if (session.Step() != nullptr) std::abort();
    }
    return 0;
}
