// The console's screen: both ends of a hostile guest, in pieces and with little room, are shown as they are when each
// byte comes by itself.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "devices/host/console_mux.h"
#include "tests/fuzz/fuzz_script.h"

namespace {

using namespace husk;
using fuzz::Check;
using fuzz::Script;

// What ConsoleMux shows, said once more: a byte at a time and with endless room.
class ReferenceScreen {
 public:
    explicit ReferenceScreen(bool notice) : notice_due_(notice) {}

    void Show(ConsoleEnd end, std::span<const std::byte> written) {
        for (const std::byte byte : written) end == ConsoleEnd::kHvc ? Hvc(byte) : Uart(byte);
    }
    std::string shown;

 private:
    void Hvc(std::byte byte) {
        if (open_ == 'u') Break();
        if (notice_due_) shown += "husk: hvc0 is there too; Ctrl-] s types into it\r\n";
        notice_due_ = false;
        mixed_ = true;
        Put(byte, 'h');
    }
    void Uart(std::byte byte) {
        if (!mixed_) return Put(byte, 'u');
        if (open_ == 'h') Break();
        const bool visible = byte != std::byte{'\r'} && byte != std::byte{'\n'};
        if (visible && at_start_) shown += "ttyS0| ";
        at_start_ = !visible;
        Put(byte, 'u');
    }
    void Put(std::byte byte, char whose) {
        shown += static_cast<char>(byte);
        if (byte == std::byte{'\n'}) open_ = 0;
        if (byte != std::byte{'\n'} && byte != std::byte{'\r'}) open_ = whose;
    }
    void Break() {
        shown += "\r\n";
        open_ = 0;
        at_start_ = true;
    }
    bool notice_due_;
    bool mixed_ = false;
    bool at_start_ = true;
    char open_ = 0;  // whose line is not finished
};

void CompareScreens(Script& script, bool interactive) {
    ConsoleMux mux({.uart = true, .interactive = interactive});
    const auto screen = std::make_unique<OutputBuffer>();
    ReferenceScreen reference(interactive);
    const std::string before(OutputBuffer::kCapacity - script.Word() % 0x1000U, '.');  // so that room is scarce
    screen->Append(before);
    reference.shown = before;
    std::string shown;
    const auto read = [&](std::size_t most) {
        while (!screen->Empty() && most > 0) {
            const auto piece = screen->Peek().first(std::min(screen->Peek().size(), most));
            shown.append(reinterpret_cast<const char*>(piece.data()), piece.size());
            most -= piece.size();
            screen->Consume(piece.size());
        }
    };
    while (!script.Ended()) {
        const std::uint8_t how = script.Byte();
        const auto end = (how & 1) != 0 ? ConsoleEnd::kHvc : ConsoleEnd::kUart;
        std::string text;
        const std::size_t copies = (how & 2) != 0 ? std::size_t{1} << (how >> 5) : 1;
        for (int i = how >> 2 & 3; i >= 0; --i) text += "ab\r\n\033\n\rz"[script.Byte() % 8];
        std::string written;
        for (std::size_t i = 0; i < copies; ++i) written += text;
        const auto bytes = std::as_bytes(std::span(written));
        const std::size_t certain = std::min(mux.Takes(end, *screen), bytes.size());
        Check(certain > 0 || screen->Room() < ConsoleMux::kRoomNeeded);
        const std::size_t taken = mux.Show(end, bytes, *screen);
        Check(taken >= certain && taken <= bytes.size());
        reference.Show(end, bytes.first(taken));
        if ((script.Byte() & 7) == 0) read(script.Word());
    }
    read(OutputBuffer::kCapacity);
    Check(shown == reference.shown);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script(data, size);
    CompareScreens(script, (script.Byte() & 1) != 0);
    return 0;
}
