#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "vmm/base/byte_ring.h"

namespace husk {
namespace {

constexpr std::uint32_t kCapacity = 16;

std::span<const std::byte> AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Both ends of one ring, speaking text.
struct Pair {
    std::uint32_t Write(std::string_view text) { return writer.Write(AsBytes(text)); }
    // What lies together at the front.
    std::string Front() {
        const auto waiting = reader.Peek();
        return {reinterpret_cast<const char*>(waiting.data()), waiting.size()};
    }
    std::string Take(std::uint32_t count) {
        const std::string text = Front().substr(0, count);
        reader.Consume(static_cast<std::uint32_t>(text.size()));
        return text;
    }
    // Moves both positions on without leaving anything behind.
    void Advance(std::uint32_t count) {
        Write(std::string(count, '.'));
        reader.Consume(count);
    }

    ByteRing<kCapacity> ring{};
    ByteRingWriter<kCapacity> writer{ring};
    ByteRingReader<kCapacity> reader{ring};
};

TEST(ByteRing, ZeroedMemoryIsAnEmptyRing) {
    Pair pair;
    EXPECT_EQ(pair.writer.Room(), kCapacity);
    EXPECT_EQ(pair.reader.Available(), 0u);
    EXPECT_TRUE(pair.reader.Peek().empty());
}

TEST(ByteRing, BytesArriveInOrder) {
    Pair pair;
    EXPECT_EQ(pair.Write("hus"), 3u);
    EXPECT_EQ(pair.Write("k"), 1u);
    EXPECT_EQ(pair.Take(4), "husk");
    EXPECT_EQ(pair.reader.Available(), 0u);
}

TEST(ByteRing, WriteTakesOnlyWhatFits) {
    Pair pair;
    EXPECT_EQ(pair.Write("0123456789"), 10u);
    EXPECT_EQ(pair.Write("0123456789"), 6u);
    EXPECT_EQ(pair.Write("x"), 0u);
    EXPECT_EQ(pair.Front(), "0123456789012345");
}

TEST(ByteRing, BytesAcrossTheEndAreSeenInTwoPieces) {
    Pair pair;
    pair.Advance(12);
    EXPECT_EQ(pair.Write("abcdefgh"), 8u);
    EXPECT_EQ(pair.reader.Available(), 8u);
    EXPECT_EQ(pair.Take(8), "abcd");
    EXPECT_EQ(pair.Take(8), "efgh");
}

TEST(ByteRing, ConsumingGivesRoomBack) {
    Pair pair;
    pair.Write("0123456789abcdef");
    pair.reader.Consume(5);
    EXPECT_EQ(pair.writer.Room(), 5u);
}

// --- A peer that lies ---

TEST(ByteRing, ReaderThatClaimsMoreThanWasWrittenLeavesNoRoom) {
    Pair pair;
    pair.ring.taken = 1;
    EXPECT_EQ(pair.writer.Room(), 0u);
    EXPECT_EQ(pair.Write("x"), 0u);
}

TEST(ByteRing, ReaderThatGoesBackLeavesNoRoom) {
    Pair pair;
    pair.Advance(10);
    pair.ring.taken = 0xffff'fff0;
    EXPECT_EQ(pair.writer.Room(), 0u);
}

TEST(ByteRing, WriterThatClaimsMoreThanTheCapacityHasWrittenNothing) {
    Pair pair;
    pair.ring.written = kCapacity + 1;
    EXPECT_EQ(pair.reader.Available(), 0u);
    EXPECT_TRUE(pair.reader.Peek().empty());
}

TEST(ByteRing, WriterThatGoesBackHasWrittenNothing) {
    Pair pair;
    pair.Advance(4);
    pair.ring.written = 3;
    EXPECT_EQ(pair.reader.Available(), 0u);
}

TEST(ByteRing, PositionsThatThePeerOverwroteAreKeptPrivately) {
    Pair pair;
    pair.Write("abc");
    pair.ring.written = 0;  // the other side cannot move our own position
    pair.Write("d");
    EXPECT_EQ(pair.Front(), "abcd");
    pair.ring.taken = 9;
    pair.reader.Consume(1);
    EXPECT_EQ(pair.ring.taken, 1u);
}

TEST(ByteRing, EveryClaimedPositionStaysInsideTheRing) {
    Pair pair;
    pair.Advance(13);
    for (std::uint32_t claim = 0; claim < 64; ++claim) {
        pair.ring.written = claim;
        const auto waiting = pair.reader.Peek();
        EXPECT_GE(waiting.data(), pair.ring.bytes.data());
        EXPECT_LE(waiting.data() + waiting.size(), pair.ring.bytes.data() + kCapacity);
    }
}

// --- Doorbells ---

TEST(ByteRing, ReaderThatIsAwakeNeedsNoDoorbell) {
    Pair pair;
    pair.Write("x");
    EXPECT_FALSE(pair.writer.ReaderMustBeWoken());
}

TEST(ByteRing, SleepingReaderIsWokenOnce) {
    Pair pair;
    EXPECT_TRUE(pair.reader.Sleep());
    pair.Write("x");
    EXPECT_TRUE(pair.writer.ReaderMustBeWoken());
    pair.Write("y");
    EXPECT_FALSE(pair.writer.ReaderMustBeWoken());
}

TEST(ByteRing, ReaderMayNotSleepOverWaitingBytes) {
    Pair pair;
    pair.Write("x");
    EXPECT_FALSE(pair.reader.Sleep());
    EXPECT_FALSE(pair.writer.ReaderMustBeWoken());
}

TEST(ByteRing, ReaderMaySleepOverBytesItKeeps) {
    Pair pair;
    pair.Write("abc");
    EXPECT_TRUE(pair.reader.Sleep(3));
    EXPECT_FALSE(pair.reader.Sleep(2));
}

TEST(ByteRing, WriterThatAskedForRoomIsWokenOnce) {
    Pair pair;
    pair.Write("0123456789abcdef");
    pair.writer.AskForRoom();
    EXPECT_EQ(pair.writer.Room(), 0u);
    pair.reader.Consume(1);
    EXPECT_TRUE(pair.reader.WriterMustBeWoken());
    pair.reader.Consume(1);
    EXPECT_FALSE(pair.reader.WriterMustBeWoken());
}

TEST(ByteRing, WriterThatDidNotAskIsNotWoken) {
    Pair pair;
    pair.Advance(16);
    EXPECT_FALSE(pair.reader.WriterMustBeWoken());
}

// --- Threads ---

// A doorbell: rung by one thread, waited for by the other.
class Bell {
 public:
    void Ring() {
        rings_.fetch_add(1);
        rings_.notify_one();
    }
    void Wait() {
        rings_.wait(heard_);
        heard_ = rings_.load();
    }

 private:
    std::atomic<int> rings_ = 0;
    int heard_ = 0;
};

constexpr std::uint32_t kStreamRing = 4096;
constexpr std::uint32_t kStreamBytes = 1 << 20;

std::byte StreamByte(std::uint32_t at) { return static_cast<std::byte>(at * 7 + at / 251); }

void WriteStream(ByteRing<kStreamRing>& ring, Bell& data, Bell& room) {
    ByteRingWriter writer(ring);
    std::array<std::byte, 100> piece;
    for (std::uint32_t done = 0; done < kStreamBytes;) {
        const std::uint32_t size = std::min<std::uint32_t>(piece.size(), kStreamBytes - done);
        for (std::uint32_t i = 0; i < size; ++i) piece[i] = StreamByte(done + i);
        const std::uint32_t written = writer.Write(std::span(piece).first(size));
        done += written;
        if (writer.ReaderMustBeWoken()) data.Ring();
        if (written > 0) continue;
        writer.AskForRoom();
        if (writer.Room() == 0) room.Wait();
    }
}

std::uint32_t ReadStream(ByteRing<kStreamRing>& ring, Bell& data, Bell& room) {
    ByteRingReader reader(ring);
    std::uint32_t wrong = 0;
    for (std::uint32_t done = 0; done < kStreamBytes;) {
        const auto waiting = reader.Peek();
        for (const std::byte byte : waiting) wrong += byte != StreamByte(done++);
        reader.Consume(static_cast<std::uint32_t>(waiting.size()));
        if (reader.WriterMustBeWoken()) room.Ring();
        if (waiting.empty() && reader.Sleep()) data.Wait();
    }
    return wrong;
}

TEST(ByteRing, TwoThreadsStreamWithoutLossOrALostWakeUp) {
    const auto ring = std::make_unique<ByteRing<kStreamRing>>();
    Bell data, room;
    std::thread writer([&] { WriteStream(*ring, data, room); });
    const std::uint32_t wrong = ReadStream(*ring, data, room);
    writer.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(ring->taken, kStreamBytes);
}

}  // namespace
}  // namespace husk
