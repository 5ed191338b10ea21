#include "boot/nixos/initrd/cpio.h"

#include <gtest/gtest.h>

#include "tests/unit/nixos_initrd_builder.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::CpioBuilder;

// Notes every entry, and asks for `wanted` bytes of each body.
struct Recorder : CpioVisitor {
    std::size_t Entry(const CpioEntry& entry) override {
        names.emplace_back(entry.name);
        return wanted;
    }
    void Body(const CpioEntry& entry, std::span<const std::byte> body) override {
        bodies.push_back(std::string(entry.name) + "=" +
                         std::string(reinterpret_cast<const char*>(body.data()), body.size()));
    }
    std::size_t wanted = 0;
    std::vector<std::string> names;
    std::vector<std::string> bodies;
};

// Feeds `bytes` in pieces of `step`; the error's sentence, or "".
std::string Walk(CpioWalker& walker, std::span<const std::byte> bytes, std::size_t step = 1 << 20) {
    while (!bytes.empty()) {
        const auto taken = walker.Take(bytes.first(std::min(step, bytes.size())));
        if (!taken) return taken.error().Message();
        bytes = bytes.subspan(*taken);
    }
    return "";
}

std::string Refusal(const Bytes& archive) {
    Recorder recorder;
    CpioWalker walker(recorder);
    return Walk(walker, archive);
}

const Bytes kArchive = CpioBuilder()
                           .Directory("etc")
                           .File("etc/empty")
                           .File("etc/motd", "hello")
                           .Link("init", "/nix/store/x-systemd/lib/systemd/systemd")
                           .Trailer()
                           .Build();

TEST(CpioWalker, EntriesComeInOrderAndTheTrailerIsNone) {
    Recorder recorder;
    CpioWalker walker(recorder);
    EXPECT_EQ(Walk(walker, kArchive), "");
    EXPECT_EQ(recorder.names, (std::vector<std::string>{"etc", "etc/empty", "etc/motd", "init"}));
    EXPECT_TRUE(recorder.bodies.empty());
    EXPECT_TRUE(walker.AfterTrailer());
}

TEST(CpioWalker, BodiesThatAreWantedComeWhole) {
    Recorder recorder;
    recorder.wanted = 100;
    CpioWalker walker(recorder);
    EXPECT_EQ(Walk(walker, kArchive), "");
    EXPECT_EQ(recorder.bodies, (std::vector<std::string>{"etc=", "etc/empty=", "etc/motd=hello",
                                                         "init=/nix/store/x-systemd/lib/systemd/systemd"}));
}

TEST(CpioWalker, OnlyTheBytesThatAreWantedAreKept) {
    Recorder recorder;
    recorder.wanted = 3;
    CpioWalker walker(recorder);
    EXPECT_EQ(Walk(walker, CpioBuilder().File("a", "hello").File("b", "12").Build()), "");
    EXPECT_EQ(recorder.bodies, (std::vector<std::string>{"a=hel", "b=12"}));
}

TEST(CpioWalker, AnySplitOfTheBytesGivesTheSame) {
    for (std::size_t step = 1; step < 130; ++step) {
        Recorder recorder;
        recorder.wanted = 5;
        CpioWalker walker(recorder);
        EXPECT_EQ(Walk(walker, kArchive, step), "");
        EXPECT_EQ(recorder.names.size(), 4U);
        EXPECT_EQ(recorder.bodies, (std::vector<std::string>{"etc=", "etc/empty=", "etc/motd=hello", "init=/nix/"}));
        EXPECT_TRUE(walker.AfterTrailer());
    }
}

TEST(CpioWalker, ChecksummedKindIsReadAsWell) {
    CpioBuilder builder;
    builder.magic = "070702";
    Recorder recorder;
    CpioWalker walker(recorder);
    EXPECT_EQ(Walk(walker, builder.File("a", "1").Build()), "");
    EXPECT_EQ(recorder.names, (std::vector<std::string>{"a"}));
}

TEST(CpioWalker, NamesAreNormalisedAndNeverFollowed) {
    Recorder recorder;
    CpioWalker walker(recorder);
    const Bytes archive =
        CpioBuilder().File("./etc//fstab").File("/etc/passwd").File(".").File("../../etc/shadow").File("a/").Build();
    EXPECT_EQ(Walk(walker, archive), "");
    EXPECT_EQ(recorder.names, (std::vector<std::string>{"etc/fstab", "etc/passwd", "", "../../etc/shadow", "a"}));
}

TEST(CpioWalker, StopsBehindAnEntrySoThatTheCallerSeesWhatFollows) {
    Recorder recorder;
    CpioWalker walker(recorder);
    const Bytes archive = CpioBuilder().File("a").Text("junk").Build();
    EXPECT_EQ(walker.Take(archive).value(), archive.size() - 4);
    EXPECT_TRUE(walker.BetweenEntries());
    EXPECT_FALSE(walker.AfterTrailer());
}

TEST(CpioWalker, BodyNobodyWantsMayBeDroppedUnread) {
    Recorder recorder;
    CpioWalker walker(recorder);
    const Bytes header =
        CpioBuilder().Header(0100644, 0xffff'ffff, 2).Text("a").Text(std::string_view("\0", 1)).Build();
    EXPECT_EQ(walker.Take(header).value(), header.size());
    EXPECT_EQ(walker.Droppable(), 0x1'0000'0000U);
    walker.Drop(0xffff'ffff);
    EXPECT_FALSE(walker.BetweenEntries());
    walker.Drop(1);
    EXPECT_TRUE(walker.BetweenEntries());
}

TEST(CpioWalker, HugeBodyThatIsWantedCostsOnlyWhatComes) {
    Recorder recorder;
    recorder.wanted = ~std::size_t{0};
    CpioWalker walker(recorder);
    const Bytes archive = CpioBuilder().Header(0100644, 0xffff'ffff, 1).Text(std::string_view("\0\0\0\0", 2)).Build();
    EXPECT_EQ(Walk(walker, archive), "");
    EXPECT_EQ(Walk(walker, Bytes(cpio_limits::kBody + 100)), "");
    ASSERT_EQ(recorder.bodies.size(), 1U);
    EXPECT_EQ(recorder.bodies[0].size(), cpio_limits::kBody + 1);
}

TEST(CpioWalker, ManyEntriesAreFine) {
    CpioBuilder builder;
    for (int i = 0; i < 120'000; ++i) builder.File("nix/store/" + std::to_string(i));
    Recorder recorder;
    CpioWalker walker(recorder);
    EXPECT_EQ(Walk(walker, builder.Build()), "");
    EXPECT_EQ(walker.Entries(), 120'000U);
}

TEST(CpioWalker, OtherMagicIsRefusedAndNamesTheEntryBefore) {
    EXPECT_EQ(Refusal(CpioBuilder().File("etc/motd").Text(std::string(110, '0')).Build()),
              "there is no cpio header after etc/motd");
    EXPECT_EQ(Refusal(CpioBuilder().Text(std::string(110, '0')).Build()), "there is no cpio header after its start");
}

TEST(CpioWalker, OldKindIsRefusedAsLinuxDoes) {
    CpioBuilder builder;
    builder.magic = "070707";
    EXPECT_EQ(Refusal(builder.File("a").Build()), "it holds a cpio archive of the old kind, which Linux refuses");
}

TEST(CpioWalker, HeaderWithoutNumbersIsRefused) {
    Bytes archive = CpioBuilder().File("a").File("b").Build();
    archive[112 + 6 + 8] = std::byte{'x'};
    EXPECT_EQ(Refusal(archive), "the cpio header after a has something else than numbers");
    archive[112 + 6 + 8] = std::byte{'-'};
    EXPECT_EQ(Refusal(archive), "the cpio header after a has something else than numbers");
}

TEST(CpioWalker, NamesOfImpossibleLengthAreRefused) {
    EXPECT_EQ(Refusal(CpioBuilder().Header(0100644, 0, 0).Build()),
              "a file's name in it has 0 bytes; 4096 are possible");
    EXPECT_EQ(Refusal(CpioBuilder().Header(0100644, 0, 0xffff'ffff).Build()),
              "a file's name in it has 4294967295 bytes; 4096 are possible");
}

TEST(CpioWalker, NameWithoutItsEndIsRefused) {
    EXPECT_EQ(Refusal(CpioBuilder().Header(0100644, 0, 2).Text("aa").Build()), "a file's name in it has no end");
}

TEST(CpioWalker, LinkWithAHugeTargetIsRefused) {
    EXPECT_EQ(Refusal(CpioBuilder().Header(0120777, 4096, 2).Text("a").Text(std::string_view("\0", 1)).Build()),
              "the link a has an impossible target");
}

TEST(CpioWalker, SentencesHaveNoControlCharactersOfAName) {
    EXPECT_EQ(Refusal(CpioBuilder().File("\x1b[31m\n").Text(std::string(110, '0')).Build()),
              "there is no cpio header after ?[31m?");
}

}  // namespace
}  // namespace husk
