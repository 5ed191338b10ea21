// Whatever a role that a guest has taken over sends: a message is taken only when it is exactly one of its type, and
// what is read from it stays inside it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "vmm/machine/exit_status.h"
#include "vmm/roles/messages.h"

namespace {

using namespace husk;

void Check(bool holds) {
    if (!holds) std::abort();
}

template <std::size_t kMax>
void Read(const FixedText<kMax>& text) {
    const std::string_view view = text.View();
    Check(view.size() <= kMax);
    Check(std::ranges::count(view, '\0') <= static_cast<std::ptrdiff_t>(kMax));  // touches every byte
}

// Decodes as M; a message that is one encodes to the same size and type, and decodes as nothing else.
template <typename M>
int Decode(const MessageBuffer& buffer) {
    const auto message = buffer.As<M>();
    if (!message) return 0;
    const MessageBuffer again = MessageBuffer::Encode(*message);
    Check(again.size == buffer.size && std::memcmp(again.bytes.data(), buffer.bytes.data(), 8) == 0);
    if constexpr (requires { message->text; }) Read(message->text);
    if constexpr (requires { message->name; }) Read(message->name);
    if constexpr (requires { message->command_line; }) Read(message->command_line);
    if constexpr (std::is_same_v<M, GuestEnded>) Check(!EndingOf(*message).reason.empty());
    return 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MessageBuffer buffer;
    buffer.size = std::min(size, buffer.bytes.size());
    if (buffer.size > 0) std::memcpy(buffer.bytes.data(), data, buffer.size);
    const int taken = Decode<Manifest>(buffer) + Decode<VmmConfig>(buffer) + Decode<ConsoleConfig>(buffer) +
                      Decode<Go>(buffer) + Decode<PowerButtonPressed>(buffer) + Decode<Stop>(buffer) +
                      Decode<Drain>(buffer) + Decode<Client>(buffer) + Decode<Ready>(buffer) + Decode<Failed>(buffer) +
                      Decode<GuestEnded>(buffer) + Decode<ConsoleAsks>(buffer) + Decode<ConsoleMemory>(buffer);
    Check(taken <= 1);
    return 0;
}
