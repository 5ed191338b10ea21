// The console with a hostile guest at both ends and a fickle host: whatever happens, memory stays whole, the device
// breaks at most once a life, a UART that is alone comes out byte by byte, and the loop comes to rest. By the first
// byte, with a named port and control queues.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "devices/host/console_pump.h"
#include "devices/host/port_pump.h"
#include "devices/virtio/console/console_device.h"
#include "tests/fuzz/fuzz_script.h"
#include "tests/support/virtio_rings.h"

namespace {

using namespace husk;
using fuzz::Check;
using fuzz::Script;

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

// A queue of which the driver writes whatever the script says.
class HostileQueue {
 public:
    HostileQueue(GuestAddress at, std::uint16_t size) : rings_(Memory(), at, size), size_(size) {
        std::ranges::fill(Memory().Slice(at, 0x1'0000).value(), std::byte{0});
    }
    [[nodiscard]] QueueConfig Config() const { return rings_.Config(); }

    // A descriptor that is fine, in the next place.
    void Send(const VirtqDesc& desc) {
        const auto index = static_cast<std::uint16_t>(available_ % size_);
        rings_.SetDescriptor(index, desc);
        rings_.SetAvailable(available_++, index);
        rings_.SetAvailableIndex(available_);
    }

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
          ports_((kind & 0x10) != 0),
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
                Queue(console_config::kTransmitQueue).Descriptor(script, 0);
                break;
            case 3:
            case 4:
                Queue(console_config::kReceiveQueue).Descriptor(script, kDescWrite);
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
            case 13:
                if (ports_) return Control(script);
                Turn();
                break;
            case 14:
                if (ports_) return Port(script);
                Turn();
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
        std::array<pollfd, 3> waiting{};
        const std::array timeouts{pump_.Prepare(waiting[0], waiting[1]), port_.Prepare(waiting[2]),
                                  device_.SleepControl() ? -1 : 0};
        const int ready = ::poll(waiting.data(), waiting.size(), 0);
        int timeout = -1;
        for (const int each : timeouts) {
            if (each >= 0) timeout = timeout < 0 ? each : std::min(timeout, each);
        }
        if (ready == 0 && timeout > 0) now_ += static_cast<std::uint64_t>(timeout) * 1'000'000;
        device_.ServeControl();
        pump_.Turn(waiting[0], waiting[1], now_);
        if (port_.Turn(waiting[2], now_)) device_.SetHostOpen(1, false);
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
        activation.features = std::uint64_t{script.Byte()} << 24 | (ports_ ? 3 : 1);
        const auto size = static_cast<std::uint16_t>(1U << script.Byte() % 8);
        queues_.clear();
        for (std::size_t queue = 0; queue < kQueues; ++queue) {
            queues_.emplace_back(GuestAddress(0x10'0000 * (queue + 1)), size);
            activation.queues[queue] = queues_.back().Config();
        }
        const std::uint8_t odd = script.Byte();
        if (odd >= 0xf0) activation.queues[odd & 1].size = script.Word();
        if (odd >= 0xf8) activation.queues[odd & 1].device = GuestAddress(std::uint64_t{script.Word()} << 9);
        const auto fault = device_.Activate(Memory(), activation);
        Check(device_.Live() == !fault);
    }

    HostileQueue& Queue(std::size_t index) { return queues_[index]; }

    // A message of the driver's, or room for one of ours; the usual ones more often than not.
    void Control(Script& script) {
        const std::uint8_t how = script.Byte();
        if ((how & 3) == 3) return Queue(console_config::kControlReceiveQueue).Descriptor(script, kDescWrite);
        if ((how & 3) == 2) return Queue(console_config::kControlTransmitQueue).Descriptor(script, 0);
        const ControlMessage message{.port = static_cast<std::uint32_t>(how >> 2 & 3),
                                     .event = static_cast<std::uint16_t>(how >> 4 & 7),
                                     .value = static_cast<std::uint16_t>(how >> 7)};
        Check(Memory().Write(GuestAddress(0x90'0000), BytesOf(message)));
        Queue(console_config::kControlTransmitQueue).Send({.addr = 0x90'0000, .len = 8, .flags = 0, .next = 0});
    }

    // The named port: its queues, and its client's doings.
    void Port(Script& script) {
        const std::uint8_t how = script.Byte();
        std::array<char, 4096> piece{};
        switch (how & 7) {
            case 0:
            case 1:
                return Queue(console_config::TransmitQueueOf(1)).Descriptor(script, 0);
            case 2:
            case 3:
                return Queue(console_config::ReceiveQueueOf(1)).Descriptor(script, kDescWrite);
            case 4: {
                if (port_.HasClient()) return;
                std::array<int, 2> ends{};
                Check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
                client_.Reset(ends[0]);
                slot_.Reset(ends[1]);
                port_.SetClient(slot_.Get());
                return device_.SetHostOpen(1, true);
            }
            case 5:
                if (client_) (void)!::write(client_.Get(), piece.data(), std::size_t{how} * 16);
                return;
            case 6:
                if ((how & 0x80) != 0) return client_.Reset();
                if (client_) ::shutdown(client_.Get(), SHUT_WR);
                return;
            default:
                if (client_) (void)!::read(client_.Get(), piece.data(), piece.size());
                if ((how & 0xf0) == 0xf0) device_.SetWindow({.cols = how, .rows = script.Word()});
                return;
        }
    }

    void Stop() {
        device_.Deactivate();
        pump_.HvcDied();
        broken_ = false;
        Check(!device_.Console().HasOutput() && !device_.Port(1).HasOutput() && !device_.Port(1).GuestOpen());
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
        while (client_ && most == 0xffff && ::read(client_.Get(), piece.data(), piece.size()) > 0) {
        }
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
        const std::uint64_t at =
            std::uint64_t{script.Byte() % kQueues} * 0x10'0000 + 0x10'0000 + script.Word() % 0x800U;
        const std::array<std::byte, 2> bytes{std::byte{script.Byte()}, std::byte{script.Byte()}};
        Check(Memory().Write(GuestAddress(at), bytes));
    }

    bool interactive_, uart_, clients_, ports_;
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
    static constexpr std::array<std::string_view, 1> kNames{"agent"};
    static constexpr std::size_t kQueues = console_config::Queues(kNames.size());
    ConsoleDevice device_{interrupt_, *stats_, std::span(kNames).first(ports_ ? 1 : 0)};
    ConsolePump pump_;
    PortPump port_{device_.Port(1)};
    ScopedFd client_, slot_;
    std::vector<HostileQueue> queues_ = [] {
        std::vector<HostileQueue> queues;
        for (std::size_t queue = 0; queue < kQueues; ++queue) {
            queues.emplace_back(GuestAddress(0x10'0000 * (queue + 1)), std::uint16_t{8});
        }
        return queues;
    }();
    std::uint64_t now_ = 0;
    bool broken_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ::signal(SIGPIPE, SIG_IGN);
    Script script(data, size);
    const std::uint8_t kind = script.Byte();
    const auto session = std::make_unique<Session>(kind);
    while (!script.Ended()) session->Step(script);
    session->Finish();
    return 0;
}
