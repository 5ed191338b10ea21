// Results, and values in byte ranges.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "vmm/base/bytes.h"
#include "vmm/base/log.h"
#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"

namespace husk {
namespace {

// --- Result ---

Result<int> Number(int value) { return value; }
Result<int> NoNumber() { return Fail(ErrorKind::kBootSource, "no number"); }
Result<> Nothing() { return {}; }

Result<int> Nested() { return HUSK_TRY(Number(HUSK_TRY(Number(20)) + HUSK_TRY(Number(22)))); }
Result<int> NestedFailure() { return HUSK_TRY(Number(1 + HUSK_TRY(NoNumber()))); }
Result<int> WithContext() { return HUSK_TRY_IN("cannot boot", NoNumber()); }
Result<std::unique_ptr<int>> Moved() {
    auto pointer = HUSK_TRY(Result<std::unique_ptr<int>>(std::make_unique<int>(7)));
    return pointer;
}
Result<std::string> AfterNothing() {
    HUSK_TRY(Nothing());
    return "done";
}

TEST(Result, TryMayBeNested) { EXPECT_EQ(Nested().value(), 42); }

TEST(Result, TryReturnsTheInnerError) {
    const auto result = NestedFailure();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().Message(), "no number");
    EXPECT_EQ(result.error().Kind(), ErrorKind::kBootSource);
}

TEST(Result, TryInPutsContextInFrontAndKeepsTheKind) {
    const auto result = WithContext();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().Message(), "cannot boot: no number");
    EXPECT_EQ(result.error().Kind(), ErrorKind::kBootSource);
}

TEST(Result, TryMovesValuesThatCannotBeCopied) { EXPECT_EQ(**Moved(), 7); }

TEST(Result, TryOfAResultWithoutValueGoesOn) { EXPECT_EQ(AfterNothing().value(), "done"); }

TEST(Error, ContextStacksUpOutermostFirst) {
    const Error error = Error("no entry").Within("vmlinux").Within("cannot boot");
    EXPECT_EQ(error.Message(), "cannot boot: vmlinux: no entry");
}

TEST(Error, OsErrorsSayWhatTheSystemSays) {
    EXPECT_EQ(Error::Os("cannot open x", EACCES).Message(), "cannot open x: Permission denied");
    EXPECT_EQ(Error::Os("x", EACCES).Kind(), ErrorKind::kHost);
}

TEST(Error, OsErrorsTakeErrnoByDefault) {
    errno = ENOENT;
    EXPECT_EQ(Error::Os("x").Message(), "x: No such file or directory");
}

TEST(Error, AsChangesTheKindOnly) {
    const Error error = Error("refused").As(ErrorKind::kConfinement);
    EXPECT_EQ(error.Kind(), ErrorKind::kConfinement);
    EXPECT_EQ(error.Message(), "refused");
}

// --- Bytes ---

constexpr std::array<std::byte, 4> kFour{std::byte{0x11}, std::byte{0x22}, std::byte{0x33}, std::byte{0x44}};

TEST(Bytes, LoadAtReadsUpToTheLastByte) {
    EXPECT_EQ(LoadAt<std::uint16_t>(kFour, 2), 0x4433);
    EXPECT_EQ(LoadAt<std::uint32_t>(kFour, 0), 0x4433'2211u);
}

TEST(Bytes, LoadAtBeyondTheEndIsNothing) {
    EXPECT_FALSE(LoadAt<std::uint16_t>(kFour, 3));
    EXPECT_FALSE(LoadAt<std::uint8_t>(kFour, 4));
    EXPECT_FALSE(LoadAt<std::uint64_t>(kFour, 0));
    EXPECT_FALSE(LoadAt<std::uint32_t>(kFour, ~std::size_t{0}));
}

TEST(Bytes, ShortRangesLoadAsSmallNumbers) {
    EXPECT_EQ(LoadLittleEndian(std::span(kFour).first(3)), 0x33'2211u);
    EXPECT_EQ(LoadLittleEndian({}), 0u);
}

TEST(Bytes, LongRangesLoadTheirFirstEightBytes) {
    std::array<std::byte, 9> nine{};
    nine.fill(std::byte{1});
    EXPECT_EQ(LoadLittleEndian(nine), 0x0101'0101'0101'0101u);
}

TEST(Bytes, StoreKeepsTheLowEnd) {
    std::array<std::byte, 2> two{};
    StoreLittleEndian(two, 0x1234'5678);
    EXPECT_EQ(LoadLittleEndian(two), 0x5678u);
}

TEST(Bytes, StoreFillsWithZeroBeyondEightBytes) {
    std::array<std::byte, 10> ten{};
    FillOnes(ten);
    StoreLittleEndian(ten, ~std::uint64_t{0});
    EXPECT_EQ(ten[7], std::byte{0xff});
    EXPECT_EQ(ten[8], std::byte{0});
    EXPECT_EQ(ten[9], std::byte{0});
}

TEST(Bytes, OnesFillEveryByte) {
    std::array<std::byte, 4> four{};
    FillOnes(four);
    EXPECT_EQ(LoadLittleEndian(four), 0xffff'ffffu);
}

TEST(Bytes, BytesOfAValueLoadBackAsIt) {
    const std::uint32_t value = 0xdead'beef;
    EXPECT_EQ(LoadAt<std::uint32_t>(BytesOf(value), 0), value);
}

// --- Guest addresses ---

TEST(GuestAddress, CheckedAddStopsAtTheEndOfTheAddressSpace) {
    EXPECT_EQ(GuestAddress(1).CheckedAdd(2), GuestAddress(3));
    EXPECT_EQ(GuestAddress(1).CheckedAdd(~std::uint64_t{1}), GuestAddress(~std::uint64_t{0}));
    EXPECT_EQ(GuestAddress(1).CheckedAdd(~std::uint64_t{0}), std::nullopt);
}

// --- Log levels ---

TEST(Log, LevelsAreKnownByTheirNames) {
    EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
    EXPECT_EQ(ParseLogLevel("info"), LogLevel::kInfo);
    EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWarning);
    EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
    EXPECT_EQ(ParseLogLevel("off"), LogLevel::kOff);
    EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
    EXPECT_EQ(ParseLogLevel(""), std::nullopt);
}

}  // namespace
}  // namespace husk
