// The console with a hostile guest at both ends and a fickle host: whatever happens, memory stays whole, the device
// breaks at most once a life, a UART that is alone comes out byte by byte, and the loop comes to rest. Or, by the first
// byte, the screen alone: both ends in pieces, with little room, are shown as they are when each byte comes by itself.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "devices/host/console_pump.h"
#include "devices/virtio/console/console_device.h"
#include "tests/support/virtio_rings.h"

namespace {

using namespace husk;

void Check(bool holds) {
    if (!holds) std::abort();
}

const GuestMemory& Memory() {
    static const GuestMemory memory = GuestMemory::Create(16 * address_map::kMiB).value();
    return memory;
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        Check(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        read.Reset(ends[0]);
        write.Reset(ends[1]);
        ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
    }
    ScopedFd read, write;
};

// The input, byte by byte; zeros after its end.
class Script {
 public:
    Script(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool Ended() const { return at_ >= size_; }
    std::uint8_t Byte() { return at_ < size_ ? data_[at_++] : 0; }
    std::uint16_t Word() { return static_cast<std::uint16_t>(Byte() | Byte() << 8); }

 private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

// A queue of which the driver writes whatever the script says.
class HostileQueue {
 public:
    HostileQueue(GuestAddress at, std::uint16_t size) : rings_(Memory(), at, size), size_(size) {
        std::ranges::fill(Memory().Slice(at, 0x1'0000).value(), std::byte{0});
    }
    [[nodiscard]] QueueConfig Config() const { return rings_.Config(); }

    // A buffer that is fine, mostly; and its descriptor made available, or only written.
    void Descriptor(Script& script, std::uint16_t usual_flags) {
        const std::uint8_t how = script.Byte();
        VirtqDesc desc{
            .addr = 0x80'0000 + script.Byte() * 64U, .len = 1U + script.Byte() % 96U, .flags = usual_flags, .next = 0};
        if ((how & 1) != 0) desc.len = script.Word() * 5U;
        if ((how & 2) != 0) desc.addr = std::uint64_t{script.Word()} << 10;
        if ((how & 4) != 0) desc.flags = script.Byte() & 7;
        desc.next = static_cast<std::uint16_t>(script.Byte() % (size_ + 1U));
        const auto index = static_cast<std::uint16_t>(script.Byte() % size_);
        if ((how & 8) != 0) {
            rings_.SetDescriptorAt(GuestAddress(0x80'0000), index, desc);
        } else {
            rings_.SetDescriptor(index, desc);
        }
        if ((how & 16) == 0) rings_.SetAvailable(available_++, index);
        if ((how & 32) != 0) rings_.SetAvailable(available_, static_cast<std::uint16_t>(script.Byte()));
        if ((how & 64) == 0) rings_.SetAvailableIndex(available_);
        if ((how & 128) != 0) rings_.SetUsedEvent(script.Word());
    }

 private:
    testing::VirtioRings rings_;
    std::uint16_t size_;
    std::uint16_t available_ = 0;
};

class Session {
 public:
    explicit Session(std::uint8_t kind)
        : interactive_((kind & 1) != 0),
          uart_((kind & 2) == 0),
          clients_((kind & 4) != 0),
          exact_((kind & 0xd) == 0),
          pump_(*rings_, device_.Console(),
                {.input = in_.read.Get(),
                 .output = (kind & 8) != 0 ? -1 : out_.write.Get(),
                 .escape = interactive_,
                 .clients = clients_,
                 .uart = uart_},
                wake_) {}

    void Step(Script& script) {
        switch (const std::uint8_t action = script.Byte(); action % 16) {
            case 0:
            case 1:
            case 2:
                transmit_->Descriptor(script, 0);
                break;
            case 3:
            case 4:
                receive_->Descriptor(script, kDescWrite);
                break;
            case 5:
                Print(script.Byte());
                break;
            case 6:
                Type(script);
                break;
            case 7:
                ReadHost(script.Word());
                break;
            case 8:
                Activate(script);
                break;
            case 9:
                Stop();
                break;
            case 10:
                if ((action & 0x70) == 0x70) pump_.EndInput();
                if ((action & 0x70) == 0x60) LeaveHost();
                if ((action & 0x70) == 0x50 && clients_) pump_.SetClient((action & 0x80) != 0 ? -1 : out_.write.Get());
                break;
            case 11:
                Scribble(script);
                break;
            case 12:
                GuestReads(script.Byte());
                break;
            default:
                Turn();
                break;
        }
    }

    // Whatever happened, the loop comes to rest while nobody does anything: at the latest when the driver's longest
    // chains are gone.
    void Finish() {
        if (Rests(200)) return CheckAll();
        Stop();
        Check(Rests(1000));
        CheckAll();
    }

 private:
    bool Turn() {
        std::array<pollfd, 2> waiting{};
        const int timeout = pump_.Prepare(waiting[0], waiting[1]);
        const int ready = ::poll(waiting.data(), waiting.size(), 0);
        if (ready == 0 && timeout > 0) now_ += static_cast<std::uint64_t>(timeout) * 1'000'000;
        pump_.Turn(waiting[0], waiting[1], now_);
        if (const auto fault = device_.TakeFault()) {
            Check(!broken_ && !device_.Live());
            broken_ = true;
            pump_.HvcDied();
        }
        Check(stats_->interrupts.Get() <= stats_->batches.Get() && stats_->batches.Get() <= stats_->requests.Get());
        return ready == 0 && timeout < 0;
    }

    bool Rests(int turns) {
        for (int i = 0; i < turns; ++i) {
            ReadHost(0xffff);
            if (Turn()) return true;
        }
        return false;
    }

    void CheckAll() {
        ReadHost(0xffff);
        Check(!exact_ || seen_ == printed_.size());
    }

    void Activate(Script& script) {
        Stop();
        exact_ = false;
        Activation activation;
        activation.features = std::uint64_t{script.Byte()} << 24 | 1;
        const auto size = static_cast<std::uint16_t>(1U << script.Byte() % 8);
        receive_.emplace(GuestAddress(0x10'0000), size);
        transmit_.emplace(GuestAddress(0x20'0000), size);
        activation.queues[console_config::kReceiveQueue] = receive_->Config();
        activation.queues[console_config::kTransmitQueue] = transmit_->Config();
        const std::uint8_t odd = script.Byte();
        if (odd >= 0xf0) activation.queues[odd & 1].size = script.Word();
        if (odd >= 0xf8) activation.queues[odd & 1].device = GuestAddress(std::uint64_t{script.Word()} << 9);
        const auto fault = device_.Activate(Memory(), activation);
        Check(device_.Live() == !fault);
    }

    void Stop() {
        device_.Deactivate();
        pump_.HvcDied();
        broken_ = false;
        Check(!device_.Console().HasOutput());
    }

    void Print(std::uint8_t how) {
        std::array<char, 64> text;
        const std::size_t size = how % text.size();
        for (std::size_t i = 0; i < size; ++i) text[i] = "0123456789\r\n"[(how + i) % 12];
        const std::size_t taken = guest_output_.Write(std::as_bytes(std::span(text).first(size)));
        printed_.append(text.data(), taken);
    }

    void Type(Script& script) {
        const std::uint8_t how = script.Byte();
        const std::array<char, 2> command{0x1d, "sqkh\x1dss?"[how % 8]};
        const std::string keys = (how & 0xc0) == 0xc0 ? std::string(command.data(), command.size())
                                                      : std::string(how % 64, (how & 0x40) != 0 ? '\r' : 'k');
        (void)!::write(in_.write.Get(), keys.data(), keys.size());
    }

    void GuestReads(std::size_t most) {
        const auto waiting = guest_input_.Peek();
        Check(waiting.empty() || uart_);
        guest_input_.Consume(static_cast<std::uint32_t>(std::min(waiting.size(), most)));
    }

    void ReadHost(std::size_t most) {
        std::array<char, 4096> piece;
        while (most > 0) {
            const ssize_t got = ::read(out_.read.Get(), piece.data(), std::min(piece.size(), most));
            if (got <= 0) break;
            const auto count = static_cast<std::size_t>(got);
            if (exact_) Check(printed_.compare(seen_, count, piece.data(), count) == 0);
            seen_ += count;
            most -= count;
        }
    }

    void LeaveHost() {
        out_.read.Reset();
        exact_ = false;
    }

    // Over rings, tables and buffers alike.
    static void Scribble(Script& script) {
        const std::uint64_t at = std::uint64_t{script.Byte() % 3U} * 0x10'0000 + 0x10'0000 + script.Word() % 0x800U;
        const std::array<std::byte, 2> bytes{std::byte{script.Byte()}, std::byte{script.Byte()}};
        Check(Memory().Write(GuestAddress(at), bytes));
    }

    bool interactive_, uart_, clients_;
    bool exact_;  // only the UART's bytes can be seen, and none may be missing
    std::string printed_;
    std::size_t seen_ = 0;
    Pipe in_, out_;
    std::unique_ptr<ConsoleRings> rings_ = std::make_unique<ConsoleRings>();
    ByteRingWriter<kConsoleOutputRing> guest_output_{rings_->from_guest};
    ByteRingReader<kConsoleInputRing> guest_input_{rings_->to_guest};
    EventFd wake_ = EventFd::Create().value();
    EventFd interrupt_ = EventFd::Create().value();
    std::unique_ptr<DeviceStats> stats_ = std::make_unique<DeviceStats>();
    ConsoleDevice device_{interrupt_, *stats_};
    ConsolePump pump_;
    std::optional<HostileQueue> receive_{std::in_place, GuestAddress(0x10'0000), std::uint16_t{8}};
    std::optional<HostileQueue> transmit_{std::in_place, GuestAddress(0x20'0000), std::uint16_t{8}};
    std::uint64_t now_ = 0;
    bool broken_ = false;
};

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
    ::signal(SIGPIPE, SIG_IGN);
    Script script(data, size);
    const std::uint8_t kind = script.Byte();
    if ((kind & 0x80) != 0) {
        CompareScreens(script, (kind & 1) != 0);
        return 0;
    }
    const auto session = std::make_unique<Session>(kind);
    while (!script.Ended()) session->Step(script);
    session->Finish();
    return 0;
}
