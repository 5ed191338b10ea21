// OutputBuffer, filled in place and by copies, at its end and around it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "devices/host/output_buffer.h"

namespace husk {
namespace {

constexpr std::size_t kCapacity = OutputBuffer::kCapacity;

struct Buffer {
    // Fills in place as much of `text` as Space() has room for; how much that was.
    std::size_t Fill(std::string_view text) const {
        const auto space = buffer->Space();
        const std::size_t count = std::min(space.size(), text.size());
        std::ranges::copy(std::as_bytes(std::span(text.substr(0, count))), space.begin());
        buffer->Filled(count);
        return count;
    }
    // The oldest bytes, at most so many, however they lie.
    std::string Take(std::size_t count) const {
        std::string taken;
        while (taken.size() < count && !buffer->Empty()) {
            const auto piece = buffer->Peek().first(std::min(count - taken.size(), buffer->Peek().size()));
            taken.append(reinterpret_cast<const char*>(piece.data()), piece.size());
            buffer->Consume(piece.size());
        }
        return taken;
    }
    // `size` bytes in it, the first of them at `start`.
    void StartAt(std::size_t start, std::size_t size) const {
        buffer->Append(std::string(start + size, '.'));
        buffer->Consume(start);
    }

    std::unique_ptr<OutputBuffer> buffer = std::make_unique<OutputBuffer>();
};

TEST(OutputBuffer, EmptyOneHasAllItsSpaceInOnePiece) {
    const Buffer it;
    EXPECT_EQ(it.buffer->Space().size(), kCapacity);
    EXPECT_TRUE(it.buffer->Peek().empty());
    it.StartAt(kCapacity - 3, 3);
    EXPECT_EQ(it.Take(3), "...");
    EXPECT_EQ(it.buffer->Space().size(), kCapacity);
}

TEST(OutputBuffer, SpaceEndsWhereTheBytesEndAndGoesOnAtTheBeginning) {
    const Buffer it;
    it.StartAt(kCapacity - 6, 2);
    EXPECT_EQ(it.Fill("abcdefg"), 4u);
    EXPECT_EQ(it.buffer->Space().size(), kCapacity - 6);
    EXPECT_EQ(it.Fill("efg"), 3u);
    EXPECT_EQ(it.buffer->Peek().size(), 6u);
    EXPECT_EQ(it.Take(9), "..abcdefg");
}

TEST(OutputBuffer, SpaceEndsBeforeTheOldestByte) {
    const Buffer it;
    it.StartAt(5, kCapacity - 5);
    EXPECT_EQ(it.Fill("abcdefg"), 5u);
    EXPECT_EQ(it.buffer->Size(), kCapacity);
    EXPECT_TRUE(it.buffer->Space().empty());
    const std::string taken = it.Take(kCapacity);
    EXPECT_EQ(taken.find_first_not_of('.'), kCapacity - 5);
    EXPECT_EQ(taken.substr(kCapacity - 5), "abcde");
}

TEST(OutputBuffer, WhatIsTakenFromAFullOneIsSpaceAgain) {
    const Buffer it;
    EXPECT_EQ(it.Fill(std::string(kCapacity, '.')), kCapacity);
    EXPECT_TRUE(it.buffer->Space().empty());
    it.buffer->Consume(2);
    EXPECT_EQ(it.buffer->Space().size(), 2u);
    EXPECT_EQ(it.Fill("xyz"), 2u);
    const std::string taken = it.Take(kCapacity);
    EXPECT_EQ(taken.find_first_not_of('.'), kCapacity - 2);
    EXPECT_EQ(taken.substr(kCapacity - 2), "xy");
}

TEST(OutputBuffer, LessMayBeFilledInThanThereIsSpaceFor) {
    const Buffer it;
    std::ranges::fill(it.buffer->Space().first(3), std::byte{'x'});
    it.buffer->Filled(1);
    it.buffer->Filled(0);
    EXPECT_EQ(it.Fill("y"), 1u);
    EXPECT_EQ(it.Take(9), "xy");
}

// Odd lengths, so that the end is met everywhere.
TEST(OutputBuffer, KeepsTheOrderHoweverItIsFilledAndTaken) {
    const Buffer it;
    std::string expected;
    std::string taken;
    for (std::size_t turn = 0; turn < 300; ++turn) {
        std::string text((turn * 7919) % 9973, '\0');
        for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>((expected.size() + at) % 251);
        if (turn % 3 == 0) {
            text.resize(std::min(text.size(), it.buffer->Room()));
            it.buffer->Append(text);
        } else {
            text.resize(it.Fill(text));
        }
        expected += text;
        taken += it.Take((turn * 6007) % 8999);
    }
    taken += it.Take(kCapacity);
    EXPECT_GT(taken.size(), 4 * kCapacity);
    EXPECT_TRUE(taken == expected);
}

}  // namespace
}  // namespace husk
