// What a thread in a guest's hands would try. Each attempt is one system call or a few, up to the first that fails.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tests/confine/tracee.h"

namespace husk::confine {

using Arguments = std::span<const std::string>;

// The last system call of an attempt, and what became of it.
struct Step {
    const char* call;
    Outcome outcome;
    bool Returned() const { return outcome.Returned(); }
};

struct Attempt {
    std::string_view name;
    std::string_view arguments;  // for people; one word each
    std::size_t argument_count;
    Step (*make)(Tracee& thread, Arguments arguments);
    bool keep_limits = false;  // the limit of descriptors is what is tried
};

[[nodiscard]] std::span<const Attempt> Attempts();

}  // namespace husk::confine
