// Frames on a stream socket: whole, in pieces, too long; the other side slow or gone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "devices/host/net_stream.h"
#include "vmm/base/bytes.h"
#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Frame(std::size_t size, int seed = 0) {
    Bytes frame(size);
    for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::byte>(i * 3 + static_cast<std::size_t>(seed));
    return frame;
}
Bytes OnTheWire(std::uint32_t length, const Bytes& frame) {
    const std::uint32_t prefix = __builtin_bswap32(length);
    const auto head = BytesOf(prefix);
    Bytes all(head.begin(), head.end());
    all.insert(all.end(), frame.begin(), frame.end());
    return all;
}
Bytes OnTheWire(const Bytes& frame) { return OnTheWire(static_cast<std::uint32_t>(frame.size()), frame); }

class NetStreamTest : public ::testing::Test {
 protected:
    NetStreamTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        ours.Reset(ends[0]);
        peer.Reset(ends[1]);
        stream.emplace(ours.Get());
    }
    void Feed(std::span<const std::byte> bytes) const {
        EXPECT_EQ(::write(peer.Get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    Bytes Drain(std::size_t limit = 1 << 20) const {
        Bytes all(limit);
        const ssize_t got = ::read(peer.Get(), all.data(), all.size());
        all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return all;
    }
    int Send(Bytes frame) {
        std::array<std::byte, kNetHeaderBytes> header{};
        std::array<iovec, 2> buffers{iovec{header.data(), header.size()}, iovec{frame.data(), frame.size()}};
        return stream->Send(0, buffers);
    }
    // All that is there, in pieces of `piece` bytes; of one piece only, when that is given.
    void Collect(Bytes& all, std::size_t piece = 0) const {
        do {
            const Bytes part = Drain(piece > 0 ? piece : 1 << 20);
            if (part.empty()) return;
            all.insert(all.end(), part.begin(), part.end());
        } while (piece == 0);
    }
    // Until the socket takes a part of a frame; what it gave meanwhile goes to `all`. How many frames were taken.
    static constexpr std::size_t kLarge = 60'000;
    int SendUntilOneIsCut(Bytes& all) {
        int frames = 0;
        for (int attempt = 0; attempt < 1000 && !stream->HoldsOutput(); ++attempt) {
            if (Send(Frame(kLarge, frames)) == 0) {
                ++frames;
            } else {
                Collect(all, 1000);
            }
        }
        EXPECT_TRUE(stream->HoldsOutput());
        return frames;
    }
    // The frame, with its header before it; empty when there is none.
    Bytes Receive() {
        Bytes room(100'000, std::byte{0xee});
        const std::array<iovec, 2> buffers{iovec{room.data(), 7}, iovec{room.data() + 7, room.size() - 7}};
        const long got = stream->Receive(0, buffers);
        room.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return room;
    }
    Bytes Received(const Bytes& frame) const {
        Bytes all(kNetHeaderBytes);
        all.insert(all.end(), frame.begin(), frame.end());
        return all;
    }

    ScopedFd ours, peer;
    std::optional<NetStream> stream;
};

TEST_F(NetStreamTest, FrameIsSentBehindItsLengthWithoutTheHeader) {
    EXPECT_EQ(Send(Frame(700)), 0);
    EXPECT_EQ(Drain(), OnTheWire(Frame(700)));
}

TEST_F(NetStreamTest, FramesThatComeTogetherAreGivenOneByOne) {
    Bytes both = OnTheWire(Frame(60, 1));
    const Bytes second = OnTheWire(Frame(kMaxFrameBytes, 2));
    both.insert(both.end(), second.begin(), second.end());
    Feed(both);
    EXPECT_EQ(Receive(), Received(Frame(60, 1)));
    EXPECT_TRUE(stream->HoldsInput());
    EXPECT_EQ(Receive(), Received(Frame(kMaxFrameBytes, 2)));
    EXPECT_FALSE(stream->HoldsInput());
    EXPECT_TRUE(Receive().empty());
    EXPECT_FALSE(stream->Gone());
}

TEST_F(NetStreamTest, FrameThatComesByteByByteIsWholeAtItsEnd) {
    const Bytes all = OnTheWire(Frame(40));
    for (std::size_t at = 0; at < all.size(); ++at) {
        EXPECT_TRUE(Receive().empty()) << at;
        Feed(std::span(all).subspan(at, 1));
    }
    EXPECT_EQ(Receive(), Received(Frame(40)));
}

TEST_F(NetStreamTest, WhatTheSocketDoesNotTakeIsSentLaterAndInOrder) {
    Bytes all;
    const int frames = SendUntilOneIsCut(all);
    EXPECT_EQ(Send(Frame(60)), EAGAIN);
    while (stream->HoldsOutput()) {
        Collect(all, 10'000);
        stream->FlushOutput();
    }
    Collect(all);
    Bytes expected;
    for (int frame = 0; frame < frames; ++frame) {
        const Bytes one = OnTheWire(Frame(kLarge, frame));
        expected.insert(expected.end(), one.begin(), one.end());
    }
    EXPECT_EQ(all, expected);
}

TEST_F(NetStreamTest, LengthThatNoFrameHasCutsTheWire) {
    Feed(OnTheWire(kMaxFrameBytes + 1, Frame(10)));
    EXPECT_TRUE(Receive().empty());
    EXPECT_TRUE(stream->Gone());
    EXPECT_EQ(Send(Frame(60)), ENETDOWN);
}

TEST_F(NetStreamTest, PeerThatHangsUpIsGone) {
    peer.Reset();
    EXPECT_TRUE(Receive().empty());
    EXPECT_TRUE(stream->Gone());
}

TEST_F(NetStreamTest, LastFramesOfAPeerThatHungUpAreStillGiven) {
    Feed(OnTheWire(Frame(60)));
    peer.Reset();
    EXPECT_EQ(Receive(), Received(Frame(60)));
    EXPECT_TRUE(Receive().empty());
    EXPECT_TRUE(stream->Gone());
}

TEST_F(NetStreamTest, FinishLeavesTheStreamAtTheBeginningOfAFrame) {
    const Bytes first = OnTheWire(Frame(100, 1));
    Feed(std::span(first).first(50));
    EXPECT_TRUE(Receive().empty());
    Feed(std::span(first).subspan(50));
    Feed(OnTheWire(Frame(100, 2)));
    EXPECT_TRUE(stream->Finish());
    stream.emplace(ours.Get());  // the next life's
    EXPECT_EQ(Receive(), Received(Frame(100, 2)));
}

TEST_F(NetStreamTest, FinishSendsTheRestOfAFrame) {
    Bytes all;
    const int frames = SendUntilOneIsCut(all);
    Collect(all);
    EXPECT_TRUE(stream->Finish());
    Collect(all);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(frames) * (kLarge + 4));
}

TEST_F(NetStreamTest, FinishGivesUpOnAPeerThatStopsInsideAFrame) {
    const Bytes whole = OnTheWire(Frame(100));
    Feed(std::span(whole).first(50));
    EXPECT_TRUE(Receive().empty());
    EXPECT_FALSE(stream->Finish());
}

}  // namespace
}  // namespace husk
