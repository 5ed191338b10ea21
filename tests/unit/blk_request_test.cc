// Parsing of block requests, for any split of header, data and status over buffers.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "devices/virtio/blk/blk_request.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr DiskShape kDisk{.bytes = 100 * 512, .read_only = false};
constexpr DiskShape kReadOnlyDisk{.bytes = 100 * 512, .read_only = true};

// A chain over memory of its own: buffers of the given sizes.
struct Chain {
    Chain(const BlkRequestHeader& header, std::vector<std::size_t> readable_sizes,
          std::vector<std::size_t> writable_sizes) {
        std::memcpy(memory.data(), &header, sizeof header);
        std::size_t at = 0;
        for (const std::size_t size : readable_sizes) Add(readable, at, size);
        writable_at = at;
        for (const std::size_t size : writable_sizes) Add(writable, at, size);
        end = at;
    }
    void Add(std::vector<iovec>& list, std::size_t& at, std::size_t size) {
        list.push_back({memory.data() + at, size});
        at += size;
    }
    auto Parse(const DiskShape& disk = kDisk) { return ParseBlkRequest(readable, writable, disk); }

    std::vector<std::byte> memory = std::vector<std::byte>(1 << 20);
    std::vector<iovec> readable;
    std::vector<iovec> writable;
    std::size_t writable_at = 0;
    std::size_t end = 0;
};

BlkRequestHeader Header(std::uint32_t type, std::uint64_t sector = 0) {
    return {.type = type, .reserved = 0, .sector = sector};
}

BlkStatus Refusal(const std::optional<ParsedBlkRequest>& parsed) {
    return std::get<BlkRefused>(parsed.value().request).status;
}

TEST(BlkRequest, UsualReadIsARange) {
    Chain chain(Header(kBlkTypeRead, 7), {16}, {4096, 1});
    const auto parsed = chain.Parse();
    const DiskTransfer transfer = std::get<BlkRead>(parsed.value().request).transfer;
    EXPECT_EQ(transfer.offset, 7u * 512);
    EXPECT_EQ(transfer.length, 4096u);
    ASSERT_EQ(transfer.data.size(), 1u);
    EXPECT_EQ(transfer.data[0].iov_base, chain.memory.data() + chain.writable_at);
    EXPECT_EQ(transfer.data[0].iov_len, 4096u);
    EXPECT_EQ(parsed->status, chain.memory.data() + chain.end - 1);
    EXPECT_EQ(parsed->room, 4096u);
}

TEST(BlkRequest, UsualWriteIsARange) {
    Chain chain(Header(kBlkTypeWrite, 99), {16, 512}, {1});
    const auto parsed = chain.Parse();
    const BlkWrite write = std::get<BlkWrite>(parsed.value().request);
    EXPECT_EQ(write.transfer.offset, 99u * 512);
    EXPECT_EQ(write.length, 512u);
    ASSERT_EQ(write.transfer.data.size(), 1u);
    EXPECT_EQ(write.transfer.data[0].iov_base, chain.memory.data() + 16);
    EXPECT_EQ(parsed->room, 0u);
}

TEST(BlkRequest, HeaderAndDataMayShareABuffer) {
    Chain chain(Header(kBlkTypeWrite, 3), {16 + 1024}, {1});
    const BlkWrite write = std::get<BlkWrite>(chain.Parse().value().request);
    ASSERT_EQ(write.transfer.data.size(), 1u);
    EXPECT_EQ(write.transfer.data[0].iov_base, chain.memory.data() + 16);
    EXPECT_EQ(write.transfer.data[0].iov_len, 1024u);
}

TEST(BlkRequest, DataAndStatusMayShareABuffer) {
    Chain chain(Header(kBlkTypeRead), {16}, {513});
    const auto parsed = chain.Parse();
    EXPECT_EQ(std::get<BlkRead>(parsed.value().request).transfer.length, 512u);
    EXPECT_EQ(parsed->status, chain.memory.data() + chain.end - 1);
}

TEST(BlkRequest, HeaderMayBeInSixteenPieces) {
    std::vector<std::size_t> sizes(16, 1);
    sizes.push_back(500);
    sizes.push_back(12);
    Chain chain(Header(kBlkTypeWrite, 0x42), sizes, {1});
    const BlkWrite write = std::get<BlkWrite>(chain.Parse().value().request);
    EXPECT_EQ(write.transfer.offset, 0x42u * 512);
    ASSERT_EQ(write.transfer.data.size(), 2u);
    EXPECT_EQ(write.transfer.data[1].iov_len, 12u);
}

TEST(BlkRequest, PieceOfTheHeaderMayHoldTheFirstData) {
    Chain chain(Header(kBlkTypeWrite, 1), {3, 20, 505}, {1});
    const BlkWrite write = std::get<BlkWrite>(chain.Parse().value().request);
    EXPECT_EQ(write.length, 512u);
    ASSERT_EQ(write.transfer.data.size(), 2u);
    EXPECT_EQ(write.transfer.data[0].iov_len, 7u);
}

TEST(BlkRequest, LastSectorsCanBeReached) {
    Chain chain(Header(kBlkTypeRead, 98), {16}, {1024, 1});
    EXPECT_TRUE(std::holds_alternative<BlkRead>(chain.Parse().value().request));
}

TEST(BlkRequest, NothingBeyondTheEndCan) {
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead, 99), {16}, {1024, 1}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeWrite, 100), {16, 512}, {1}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead, 101), {16}, {1}).Parse()), BlkStatus::kIoError);
}

TEST(BlkRequest, SectorsWhoseByteOffsetWrapsAreRefused) {
    for (const std::uint64_t sector : {~0ULL, 1ULL << 55, 1ULL << 63, ~0ULL / 512}) {
        EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead, sector), {16}, {512, 1}).Parse()), BlkStatus::kIoError);
        EXPECT_EQ(Refusal(Chain(Header(kBlkTypeWrite, sector), {16, 512}, {1}).Parse()), BlkStatus::kIoError);
    }
}

TEST(BlkRequest, LengthsThatAreNoWholeSectorsAreRefused) {
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead), {16}, {511, 1}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead), {16}, {512}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeWrite), {16, 513}, {1}).Parse()), BlkStatus::kIoError);
}

TEST(BlkRequest, NoDataIsNoSectors) {
    Chain chain(Header(kBlkTypeRead, 100), {16}, {1});
    EXPECT_EQ(std::get<BlkRead>(chain.Parse().value().request).transfer.length, 0u);
}

TEST(BlkRequest, ReadOnlyDiskIsReadButNotWritten) {
    Chain read(Header(kBlkTypeRead), {16}, {512, 1});
    EXPECT_TRUE(std::holds_alternative<BlkRead>(read.Parse(kReadOnlyDisk).value().request));
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeWrite), {16, 512}, {1}).Parse(kReadOnlyDisk)), BlkStatus::kIoError);
}

TEST(BlkRequest, TypesWeDoNotKnowAreUnsupported) {
    for (const std::uint32_t type : {2u, 3u, 5u, 10u, 11u, 13u, 14u, 0x80000000u, ~0u}) {
        EXPECT_EQ(Refusal(Chain(Header(type), {16}, {512, 1}).Parse()), BlkStatus::kUnsupported);
    }
}

TEST(BlkRequest, FlushNeedsNoDataAndNoSector) {
    EXPECT_TRUE(std::holds_alternative<BlkFlush>(Chain(Header(kBlkTypeFlush), {16}, {1}).Parse().value().request));
    Chain odd(Header(kBlkTypeFlush, ~0ULL), {16, 40}, {1});
    EXPECT_TRUE(std::holds_alternative<BlkFlush>(odd.Parse().value().request));
}

TEST(BlkRequest, IdentifierGoesIntoTheDataBuffers) {
    Chain chain(Header(kBlkTypeGetId), {16}, {8, 12, 1});
    const BlkGetId get = std::get<BlkGetId>(chain.Parse().value().request);
    ASSERT_EQ(get.data.size(), 2u);
    EXPECT_EQ(get.data[1].iov_len, 12u);
}

TEST(BlkRequest, HeaderThatIsTooShortIsRefused) {
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead), {15}, {512, 1}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead), {}, {512, 1}).Parse()), BlkStatus::kIoError);
    EXPECT_EQ(Refusal(Chain(Header(kBlkTypeRead), {1, 2, 3}, {1}).Parse()), BlkStatus::kIoError);
}

TEST(BlkRequest, ChainWithoutRoomForTheStatusCannotBeAnswered) {
    EXPECT_EQ(Chain(Header(kBlkTypeWrite), {16, 512}, {}).Parse(), std::nullopt);
}

}  // namespace
}  // namespace husk
