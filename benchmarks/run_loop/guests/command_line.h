// The command line as words "key=value", the value a number: what a benchmark guest is told to do, in order.
#pragma once

#include <cstdint>

namespace guest {

class CommandLine {
 public:
    explicit CommandLine(const char* text) : rest_(text) {}

    // Goes to the next word; false when there is none.
    [[nodiscard]] bool Next();
    // Whether the word's key is `key`.
    [[nodiscard]] bool Is(const char* key) const;
    // The word's value; 0 when there is none.
    [[nodiscard]] std::uint64_t Decimal() const { return Value(10); }
    [[nodiscard]] std::uint64_t Hex() const { return Value(16); }

 private:
    [[nodiscard]] std::uint64_t Value(std::uint64_t base) const;

    const char* rest_;
    const char* word_ = "";
};

}  // namespace guest
