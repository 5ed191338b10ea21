// Whatever a role that a guest has taken over sends: a message is taken only when it is exactly one of its type, and
// what is read from it stays inside it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "vmm/machine/device_reports.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/source_report.h"
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
    if constexpr (requires { message->context; }) Read(message->context);
    if constexpr (requires { message->kernel; }) Read(message->kernel);
    if constexpr (std::is_same_v<M, GuestEnded>) Check(!EndingOf(*message, "").reason.empty());
    if constexpr (std::is_same_v<M, Violation>) Check(!EndingOfViolation("blk0", *message).sentence.empty());
    if constexpr (std::is_same_v<M, DeviceBroken>) Check(!SentenceFor(*message, "").empty());
    if constexpr (std::is_same_v<M, HostIoFailed>) Check(!SentenceFor(*message, 0).empty());
    if constexpr (std::is_same_v<M, NetWireGone>) Check(!SentenceFor(*message, 0).empty());
    if constexpr (std::is_same_v<M, ConsoleIoFailed>) Check(!SentenceFor(*message).empty());
    return 1;
}

template <typename... Messages>
int DecodeAny(const MessageBuffer& buffer) {
    return (Decode<Messages>(buffer) + ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MessageBuffer buffer;
    buffer.size = std::min(size, buffer.bytes.size());
    if (buffer.size > 0) std::memcpy(buffer.bytes.data(), data, buffer.size);
    Check(DecodeAny<Manifest, Confinement, VmmConfig, ConsoleConfig, BlkConfig, Go, PowerButtonPressed, Stop, Drain,
                    Client, Stats, Ready, Failed, GuestEnded, ConsoleAsks, Violation, ConsoleMemory, GuestRam,
                    ActivateDevice, StopDevice, DeviceStopped, DeviceNeedsReset, ConfigChanged, HostIoFailed,
                    DeviceBroken, GuestStalls, PtyOpened, BootPieces, ReaderConfig, MenuEntry, MenuNote, ChosenEntry,
                    ReaderDone, AttachedVolume, CheckFinding, NetConfig, NetWireGone, ConsoleIoFailed>(buffer) <= 1);
    // Of a reader: behind an entry and a choice, so that all is possible.
    SourceReportBuilder report(1 << 20);
    Check(report.Take(MessageBuffer::Encode(MenuEntry{})).has_value());
    ChosenEntry chosen;
    chosen.initrds = 2;
    Check(report.Take(MessageBuffer::Encode(chosen)).has_value());
    (void)report.Take(buffer);
    for (const auto& file : report.Release().files) {
        for (const FilePiece& piece : file) Check(piece.offset <= 1 << 20 && piece.length <= (1 << 20) - piece.offset);
    }
    return 0;
}
