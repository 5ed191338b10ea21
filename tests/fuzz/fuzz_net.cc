// A hostile network driver and a hostile wire, step by step: any descriptors, rings, headers, frames and resets, under
// any rules. The wire never gets a byte that is not the guest's or a header that was not checked; what is received lies
// in the guest's own buffers; nothing hangs; and an honest frame still passes both ways
// whenever the queues are whole.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "devices/virtio/net/net_device.h"
#include "tests/support/virtio_rings.h"
#include "vmm/memory/address_map.h"

namespace {

using namespace husk;

constexpr std::uint64_t kRings = 0x10'0000;  // 64 KiB for each queue
constexpr std::uint64_t kArena = 0x40'0000;  // buffers that overlap nothing but each other
constexpr std::uint64_t kHonest = 0x80'0000;
constexpr std::uint32_t kPairs = 2;
constexpr MacAddress kOwn{{0x52, 0x54, 0, 0, 0, 1}};

void Check(bool holds) {
    if (!holds) std::abort();
}

const GuestMemory& Memory() {
    static const GuestMemory memory = GuestMemory::Create(address_map::kMinRam).value();
    return memory;
}

class CheckingWire final : public NetBackend {
 public:
    std::uint64_t features = 0;
    int send_error = 0;
    std::vector<std::vector<std::byte>> incoming;
    std::vector<std::byte> last_sent;
    bool gone = false;

    std::uint32_t Queues() const override { return 2; }
    int Fd(std::uint32_t queue) const override { return static_cast<int>(queue); }
    void SetOffloads(const NetOffloads& offloads) override { Check(!offloads.tso4 || offloads.csum); }
    int Send(std::uint32_t queue, std::span<iovec> frame) override {
        Check(queue < 2 && frame.size() >= 2 && frame[0].iov_len == kNetHeaderBytes);
        std::size_t bytes = 0;
        for (const iovec& part : frame.subspan(1)) bytes += part.iov_len;
        Check(bytes >= kMinFrameBytes && bytes <= kMaxFrameBytes);
        Check(frame[1].iov_len == std::min(bytes, NetTransmitter::kCopiedBytes));
        const auto ram = Memory().Regions()[0].host;
        for (const iovec& part : frame.first(2)) {
            const auto* const at = static_cast<const std::byte*>(part.iov_base);
            Check(at < ram.data() || at >= ram.data() + ram.size());
        }
        for (const iovec& part : frame.subspan(2)) {
            const auto* const at = static_cast<const std::byte*>(part.iov_base);
            Check(at >= ram.data() && part.iov_len <= ram.size() - static_cast<std::size_t>(at - ram.data()));
        }
        CheckHeader(frame[0].iov_base, bytes);
        if (send_error != 0) return send_error;
        last_sent.clear();
        for (const iovec& part : frame.subspan(1)) {
            const auto* const at = static_cast<const std::byte*>(part.iov_base);
            last_sent.insert(last_sent.end(), at, at + part.iov_len);
        }
        return 0;
    }
    bool HoldsOutput() const override { return false; }
    void FlushOutput() override {}
    long Receive(std::uint32_t, std::span<const iovec> room) override {
        if (incoming.empty()) return -EAGAIN;
        const std::vector<std::byte> frame = std::move(incoming.back());
        incoming.pop_back();
        std::size_t at = 0;
        for (const iovec& part : room) {
            const std::size_t count = std::min(part.iov_len, frame.size() - at);
            std::memcpy(part.iov_base, frame.data() + at, count);
            at += count;
        }
        Check(at == std::min(frame.size(), at));
        return static_cast<long>(at);
    }
    bool HoldsInput() const override { return false; }
    bool Gone() const override { return gone; }
    bool Finish() override { return true; }

 private:
    void CheckHeader(const void* at, std::size_t bytes) const {
        NetHeader header;
        std::memcpy(&header, at, sizeof header);
        Check((header.flags & ~kNetNeedsCsum) == 0 && header.num_buffers == 0 && header.hdr_len <= bytes);
        if (header.flags != 0) {
            Check((features & kFeatureNetCsum) != 0);
            Check(std::size_t{header.csum_start} + header.csum_offset + 2 <= bytes);
        }
        Check(header.gso_type == 0 || (header.gso_size > 0 && header.flags != 0));
        Check(header.gso_type != kNetGsoTcp4 || (features & kFeatureNetHostTso4) != 0);
        Check(header.gso_type != kNetGsoTcp6 || (features & kFeatureNetHostTso6) != 0);
    }
};

struct NoLine : IrqLine {
    void Pulse() override {}
};

class Input {
 public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool Left() const { return at_ < size_; }
    std::uint8_t Byte() { return Left() ? data_[at_++] : 0; }
    std::uint16_t Word() {
        const unsigned low = Byte();
        return static_cast<std::uint16_t>(low | unsigned{Byte()} << 8);
    }

 private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

GateOptions RulesOf(std::uint8_t bits) {
    GateOptions options{.rules = {}, .capture = {}};
    options.rules.own_mac = kOwn;
    options.rules.strict = bits & 1;
    options.rules.isolated = bits >> 1 & 1;
    return options;
}

class Session {
 public:
    explicit Session(Input& input)
        : input_(input),
          rules_(input.Byte()),
          gate_(RulesOf(rules_), 1),
          device_(Memory(), wire_, gate_, kPairs, line_, counters_) {
        Reset();
    }

    void Step() {
        switch (input_.Byte() % 9) {
            case 0:
                return PutDescriptor();
            case 1:
                return PutChain(false);
            case 2:
                return PutChain(true);
            case 3:
                return Expose();
            case 4:
                return Serve();
            case 5:
                return Arrive();
            case 6: {
                constexpr std::array<int, 4> kErrors{0, 0, EAGAIN, EIO};
                wire_.send_error = kErrors[input_.Byte() % 4];
                return;
            }
            case 7:
                return Honest();
            default:
                return Reset();
        }
    }

 private:
    void Reset() {
        device_.Deactivate();
        Serve();
        const std::uint8_t options = input_.Byte();
        wire_.features =
            kFeatureVersion1 | ((options & 1) != 0 ? kFeatureEventIdx : 0) |
            ((options & 2) != 0 ? kFeatureIndirectDesc : 0) | ((options & 4) != 0 ? kFeatureNetMrgRxbuf : 0) |
            ((options & 8) != 0 ? kFeatureNetCsum | kFeatureNetGuestCsum : 0) |
            ((options & 16) != 0 ? kFeatureNetHostTso4 : 0) | ((options & 32) != 0 ? kFeatureNetHostTso6 : 0) |
            ((options & 64) != 0 ? kFeatureNetMq : 0) | kFeatureNetCtrlVq;
        size_ = static_cast<std::uint16_t>(8U << (options >> 7) * 3);
        std::ranges::fill(Memory().Slice(GuestAddress(kRings), NetQueues(kPairs) * 0x1'0000).value(), std::byte{0});
        rings_.clear();
        Activation activation{.features = wire_.features, .queues = {}};
        for (std::uint32_t queue = 0; queue < NetQueues(kPairs); ++queue) {
            rings_.emplace_back(Memory(), GuestAddress(kRings + queue * 0x1'0000), size_);
            activation.queues[queue] = rings_.back().Config();
        }
        available_ = {};
        wire_.incoming.clear();
        Check(!device_.Activate(activation));
    }

    std::size_t AnyQueue() { return input_.Byte() % rings_.size(); }
    GuestAddress AnyAddress() {
        const std::uint8_t kind = input_.Byte();
        if (kind < 0xf4) return GuestAddress(kArena + kind * 512U);
        if (kind < 0xfa) return GuestAddress(kRings + input_.Word() * 16U);
        return GuestAddress(std::uint64_t{input_.Word()} << 48 | input_.Word());
    }

    void PutDescriptor() {
        const std::size_t queue = AnyQueue();
        const std::uint8_t place = input_.Byte();
        const VirtqDesc desc{.addr = AnyAddress().Value(),
                             .len = input_.Byte() * (place < 0x80 ? 1U : 300U),
                             .flags = static_cast<std::uint16_t>(input_.Byte() & 7),
                             .next = static_cast<std::uint16_t>(input_.Byte() % (size_ + 2U))};
        if ((place & 0x40) != 0)
            return rings_[queue].SetDescriptorAt(GuestAddress(kArena + 512U * (place & 7)), place & 15, desc);
        rings_[queue].SetDescriptor(place % size_, desc);
    }

    // A chain that is right but for what it holds.
    void PutChain(bool writable) {
        // Mostly into a queue where it belongs.
        const std::uint8_t choice = input_.Byte();
        const std::size_t pair = choice >> 7;
        const std::size_t right = writable ? ReceiveQueue(pair) : TransmitQueue(pair);
        const std::size_t queue = (choice & 15) == 15 ? (choice >> 4) % rings_.size() : right;
        const std::uint8_t shape = input_.Byte();
        const GuestAddress at(kArena + (shape >> 2) * 2048U);
        NetHeader header{.flags = static_cast<std::uint8_t>(input_.Byte() & 3),
                         .gso_type = static_cast<std::uint8_t>(input_.Byte() % 6),
                         .hdr_len = input_.Word(),
                         .gso_size = static_cast<std::uint16_t>(input_.Byte() % 3),
                         .csum_start = static_cast<std::uint16_t>(input_.Byte() % 80),
                         .csum_offset = input_.Byte()};
        Check(Memory().Write(at, BytesOf(header)));
        if ((shape & 1) != 0) PutMac(at.Value() + kNetHeaderBytes + 6);
        const std::uint8_t first = input_.Byte();
        const unsigned buffers = 1 + shape % 4;
        std::uint64_t place = at.Value();
        for (unsigned i = 0; i < buffers; ++i) {
            const bool last = i + 1 == buffers;
            const std::uint32_t length = input_.Byte() + 1U;
            rings_[queue].SetDescriptor(
                (first + i) % size_,
                {.addr = place,
                 .len = length,
                 .flags = static_cast<std::uint16_t>((last ? 0 : kDescNext) | (writable ? kDescWrite : 0)),
                 .next = static_cast<std::uint16_t>((first + i + 1) % size_)});
            place += length;
        }
        rings_[queue].SetAvailable(available_[queue]++, static_cast<std::uint16_t>(first % size_));
        rings_[queue].SetAvailableIndex(available_[queue]);
    }
    static void PutMac(std::uint64_t at) { Check(Memory().Write(GuestAddress(at), BytesOf(kOwn))); }

    void Expose() {
        const std::size_t queue = AnyQueue();
        const std::uint8_t head = input_.Byte();
        rings_[queue].SetAvailable(available_[queue]++, head);
        if ((head & 0xc0) == 0xc0) available_[queue] = input_.Word();
        rings_[queue].SetAvailableIndex(available_[queue]);
    }

    void Arrive() {
        const std::size_t size = input_.Word();
        wire_.incoming.emplace_back(size, std::byte{input_.Byte()});
    }

    void Serve() {
        ServeResult result = ServeResult::kMore;
        for (int calls = 0; result == ServeResult::kMore; ++calls) {
            result = device_.Serve();
            Check(calls < 1000);
        }
        Check((result == ServeResult::kFault) <= device_.Fault().has_value());
        for (std::uint32_t queue = 0; queue < 2; ++queue) Check(!device_.Fault() || device_.Events(queue) == 0);
    }

    // After a reset, a frame passes.
    void Honest() {
        Reset();
        wire_.send_error = 0;
        if ((rules_ & 2) != 0) return;
        constexpr std::uint32_t kBytes = 60;
        std::array<std::byte, kNetHeaderBytes + kBytes> frame{};
        std::ranges::copy(BytesOf(kOwn), frame.begin() + kNetHeaderBytes + 6);
        // An ARP request for its own address (RFC 5227).
        constexpr std::array<std::uint8_t, 10> kArp{8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
        std::ranges::copy(std::as_bytes(std::span(kArp)), frame.begin() + kNetHeaderBytes + 12);
        std::ranges::copy(BytesOf(kOwn), frame.begin() + kNetHeaderBytes + 22);
        Check(Memory().Write(GuestAddress(kHonest), frame));
        rings_[1].SetDescriptor(0, {.addr = kHonest, .len = sizeof frame, .flags = 0, .next = 0});
        rings_[1].SetAvailable(available_[1]++, 0);
        rings_[1].SetAvailableIndex(available_[1]);
        const std::uint64_t room = kHonest + 0x1000;
        rings_[0].SetDescriptor(0, {.addr = room, .len = 2048, .flags = kDescWrite, .next = 0});
        rings_[0].SetAvailable(available_[0]++, 0);
        rings_[0].SetAvailableIndex(available_[0]);
        wire_.incoming.emplace_back(500, std::byte{0x5a});
        Serve();
        Check(std::ranges::equal(wire_.last_sent, std::span(frame).subspan(kNetHeaderBytes)));
        Check(rings_[1].UsedIndex() == 1 && rings_[0].UsedIndex() == 1 && rings_[0].Used(0).len == 500);
        Check(Memory().Slice(GuestAddress(room + 499), 1).value()[0] == std::byte{0x5a});
    }

    Input& input_;
    std::uint8_t rules_;
    FrameGate gate_;
    CheckingWire wire_;
    NoLine line_;
    NetCounters counters_;
    NetDevice device_;
    std::uint16_t size_ = 8;
    std::vector<husk::testing::VirtioRings> rings_;
    std::array<std::uint16_t, NetQueues(kPairs)> available_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    Session session(input);
    while (input.Left()) session.Step();
    return 0;
}
