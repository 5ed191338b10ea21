// ISO 9660 with and without Rock Ridge, honest and hostile.
#include "boot/nixos/volumes/iso9660.h"

#include <gtest/gtest.h>

#include "tests/support/iso_image.h"

namespace husk {
namespace {

using testing::IsoEntry;
using testing::IsoExtent;
using testing::IsoImage;
using namespace testing::rock_ridge;

constexpr std::uint8_t kDirectory = 2;
constexpr std::uint8_t kGoesOn = 0x80;
constexpr std::string_view kDamaged = "its ISO 9660 file system is damaged: ";

std::string ContentOf(const IsoImage& iso, std::string_view path) {
    const FileExtents file = IsoVolume::Open(iso.image).value().Find(path).value().value();
    std::string content(file.size, '\0');
    RangesSource(iso.image, file.ranges).Read(0, std::as_writable_bytes(std::span(content))).value();
    return content;
}
std::vector<std::string> Names(const IsoImage& iso, std::string_view path) {
    return IsoVolume::Open(iso.image).value().List(path).value();
}
std::string Refusal(const IsoImage& iso, std::string_view path) {
    const auto file = IsoVolume::Open(iso.image).value().Find(path);
    return file ? "nothing is refused" : file.error().Message();
}

// A root of these entries, with Rock Ridge.
IsoImage WithRockRidge(const std::vector<IsoEntry>& entries) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory(entries, Mark()));
    return iso;
}

TEST(IsoVolume, PlainNamesLoseTheirVersionAndLastDot) {
    IsoImage iso;
    const IsoExtent boot =
        iso.AddDirectory({{"BZIMAGE.;1", iso.AddData("kernel")}, {"INITRD.GZ;1", iso.AddData("initrd")}});
    iso.Finish(iso.AddDirectory({{"BOOT", boot, kDirectory}, {"README", iso.AddData("hi")}}));
    const std::vector<std::string> expected = {"BZIMAGE", "INITRD.GZ"};
    EXPECT_EQ(Names(iso, "/boot"), expected);
    EXPECT_EQ(Names(iso, "/"), std::vector<std::string>{"README"});
    EXPECT_EQ(ContentOf(iso, "/boot//bzImage"), "kernel");
    EXPECT_EQ(ContentOf(iso, "/BOOT/initrd.gz"), "initrd");
}

TEST(IsoVolume, LabelIsWhatRootNames) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({}));
    EXPECT_EQ(IsoVolume::Open(iso.image).value().Label(), "nixos-minimal-24.05-x86_64");
    EXPECT_TRUE(IsoVolume::IsIso(iso.image));
}

TEST(IsoVolume, RockRidgeNamesAreExact) {
    IsoImage iso;
    const IsoExtent store =
        iso.AddDirectory({{"BZIMAGE.;1", iso.AddData("kernel"), 0, Mode(0100444) + Name("bzImage")}});
    const IsoExtent boot = iso.AddDirectory({{"NIX", store, kDirectory, Mode(0040555) + Name("nix.store")}});
    iso.Finish(iso.AddDirectory({{"BOOT", boot, kDirectory, Name("boot")}}, Mark()));
    EXPECT_EQ(ContentOf(iso, "/boot//nix.store/bzImage"), "kernel");
    EXPECT_FALSE(IsoVolume::Open(iso.image).value().Find("/boot/nix.store/BZIMAGE").value());
    EXPECT_FALSE(IsoVolume::Open(iso.image).value().Find("/boot/nix.store").value());
}

TEST(IsoVolume, RockRidgeNameInPiecesAndInAContinuationIsJoined) {
    IsoImage iso;
    const auto rest = Name("gen", true) + Name("eration-2.conf");
    const std::string text(reinterpret_cast<const char*>(rest.data()), rest.size());
    const IsoExtent area = iso.AddData("padding" + text);
    const auto use = Name("nixos-", true) + Continuation(area.block, 7, static_cast<std::uint32_t>(text.size()));
    iso.Finish(iso.AddDirectory({{"NIXOS.;1", iso.AddData("x"), 0, use}}, Mark()));
    EXPECT_EQ(Names(iso, "/"), std::vector<std::string>{"nixos-generation-2.conf"});
}

TEST(IsoVolume, SystemUseAreasBeginWhereTheMarkSays) {
    const auto junk = Name("junk");
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"A.;1", iso.AddData("x"), 0, junk + Name("name")}},
                                Mark(static_cast<std::uint8_t>(junk.size()))));
    EXPECT_EQ(Names(iso, "/"), std::vector<std::string>{"name"});
}

TEST(IsoVolume, WithoutTheMarkThereIsNoRockRidge) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"A.;1", iso.AddData("x"), 0, Name("name")}}));
    EXPECT_EQ(Names(iso, "/"), std::vector<std::string>{"A"});
}

TEST(IsoVolume, LinksDevicesAndMovedDirectoriesAreNotThere) {
    IsoImage iso;
    const IsoExtent data = iso.AddData("x");
    iso.Finish(iso.AddDirectory({{"A.;1", data, 0, Mode(0120777) + Name("link")},
                                 {"B.;1", data, 0, Name("other-link") + Entry("SL", {})},
                                 {"C.;1", data, 0, Mode(0010600) + Name("fifo")},
                                 {"D.;1", data, 0, Mode(0040755) + Name("moved") + Entry("CL", Both({30}))},
                                 {"E.;1", data, 4, Name("fork")},
                                 {"F.;1", data, 0, Mode(0100644) + Name("file")}},
                                Mark()));
    EXPECT_EQ(Names(iso, "/"), std::vector<std::string>{"file"});
    EXPECT_FALSE(IsoVolume::Open(iso.image).value().Find("/link").value());
    EXPECT_FALSE(IsoVolume::Open(iso.image).value().Find("/moved/file").value());
}

TEST(IsoVolume, SectionsOfAFileAreJoined) {
    IsoImage iso;
    const IsoExtent a = iso.AddData(std::string(2048, 'a'));
    const IsoExtent b = iso.AddData(std::string(2048, 'b'));
    iso.AddData("a gap");
    const IsoExtent c = iso.AddData("c");
    iso.Finish(iso.AddDirectory({{"BIG.;1", a, kGoesOn}, {"BIG.;1", b, kGoesOn}, {"BIG.;1", c}, {"NEXT.;1", c}}));
    EXPECT_EQ(ContentOf(iso, "/big"), std::string(2048, 'a') + std::string(2048, 'b') + "c");
    EXPECT_EQ(IsoVolume::Open(iso.image).value().Find("/big").value()->ranges.size(), 2U);
    const std::vector<std::string> expected = {"BIG", "NEXT"};
    EXPECT_EQ(Names(iso, "/"), expected);
}

TEST(IsoVolume, FileOfMoreThan4GiBHasItsWholeSize) {
    IsoImage iso;
    const IsoExtent first = iso.Allocate(0xffff'f800);
    const IsoExtent second = iso.Allocate(0xffff'f800);
    iso.Finish(iso.AddDirectory({{"STORE.;1", first, kGoesOn}, {"STORE.;1", second}}));
    const FileExtents file = IsoVolume::Open(iso.image).value().Find("/store").value().value();
    EXPECT_EQ(file.size, 2 * 0xffff'f800ULL);
    EXPECT_EQ(file.ranges.size(), 1U);
}

TEST(IsoVolume, ManySectorsOfADirectoryAreRead) {
    IsoImage iso;
    std::vector<IsoEntry> entries;
    for (int i = 0; i < 4096; ++i) entries.push_back({"F" + std::to_string(i) + ".;1", {}});
    iso.Finish(iso.AddDirectory(entries));
    EXPECT_EQ(Names(iso, "/").size(), Volume::kMaxNames);
    EXPECT_EQ(Names(iso, "/").back(), "F4095");
}

TEST(IsoVolume, EmptyFileMayLieAnywhere) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"EMPTY.;1", {0xffff'ffff, 0}}}));
    EXPECT_EQ(IsoVolume::Open(iso.image).value().Find("/empty").value()->size, 0U);
}

TEST(HostileIso, CutImageAsksForTheDownload) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({}));
    const std::uint64_t size = iso.image.Size();
    iso.image.Resize(size - 1);
    EXPECT_TRUE(IsoVolume::IsIso(iso.image));
    EXPECT_EQ(IsoVolume::Open(iso.image).error().Message(),
              "the ISO says it has " + std::to_string(size) + " bytes, but there are only " + std::to_string(size - 1) +
                  ": is the download complete?");
}

TEST(HostileIso, NoDescriptorIsNoIso) {
    EXPECT_FALSE(IsoVolume::IsIso(testing::TestImage(0)));
    EXPECT_FALSE(IsoVolume::IsIso(testing::TestImage(1U << 20)));
    IsoImage iso;
    iso.Finish(iso.AddDirectory({}));
    for (std::uint64_t i = 0; i < 100; ++i) iso.image.Put((16 + i) * 2048, std::string_view("\2CD001\1"));
    const std::size_t before = iso.image.Reads();
    EXPECT_EQ(IsoVolume::Open(iso.image).error().Message(), "it holds no ISO 9660 file system");
    EXPECT_LE(iso.image.Reads() - before, 32U);
}

TEST(HostileIso, BlocksOfImpossibleSizeAreRefused) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({}));
    iso.image.Put(16 * 2048 + 128, std::uint16_t{0});
    EXPECT_EQ(IsoVolume::Open(iso.image).error().Message(),
              std::string(kDamaged) + "its blocks have an impossible size");
}

TEST(HostileIso, RootThatIsNoDirectoryOrLiesOutsideIsRefused) {
    IsoImage iso;
    iso.Finish({0xffff'ffff, 2048});
    EXPECT_EQ(IsoVolume::Open(iso.image).error().Message(), std::string(kDamaged) + "its root directory lies outside");
    iso.image.Put(16 * 2048 + 156 + 25, std::uint8_t{0});
    EXPECT_EQ(IsoVolume::Open(iso.image).error().Message(), std::string(kDamaged) + "it has no root directory");
}

TEST(HostileIso, FileOutsideOfTheImageIsRefused) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"FAR.;1", {0xffff'ffff, 1}}, {"LONG.;1", {20, 0xffff'ffff}}}));
    const std::string outside = ": it lies after the end of the image: the ISO is damaged, or not complete";
    EXPECT_EQ(Refusal(iso, "/far"), "/far" + outside);
    EXPECT_EQ(Refusal(iso, "/long"), "/long" + outside);
}

TEST(HostileIso, OverlappingSectionsAreRefused) {
    IsoImage iso;
    const IsoExtent data = iso.AddData(std::string(8192, 'x'));
    iso.Finish(iso.AddDirectory({{"FILE.;1", {data.block + 1, 4096}, kGoesOn}, {"FILE.;1", {data.block, 4096}}}));
    EXPECT_EQ(Refusal(iso, "/file"), "/file: " + std::string(kDamaged) + "its sections overlap");
}

TEST(HostileIso, FileWithoutItsLastSectionIsRefused) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"FILE.;1", {20, 1}, kGoesOn}}));
    IsoImage other;
    other.Finish(other.AddDirectory({{"FILE.;1", {20, 1}, kGoesOn}, {"OTHER.;1", {20, 1}}}));
    const std::string expected =
        "/file: " + std::string(kDamaged) + "it has a file of several sections without the last one";
    EXPECT_EQ(Refusal(iso, "/file"), expected);
    EXPECT_EQ(Refusal(other, "/file"), expected);
}

TEST(HostileIso, FileInMoreSectionsThanAnybodyMakesIsRefused) {
    IsoImage iso;
    const std::vector<IsoEntry> entries(4097, {"FILE.;1", {20, 1}, kGoesOn});
    iso.Finish(iso.AddDirectory(entries));
    EXPECT_EQ(Refusal(iso, "/file"), "/file: " + std::string(kDamaged) + "it has a file in more than 4096 sections");
}

TEST(HostileIso, CompressedAndInterleavedFilesAreRefused) {
    const IsoImage iso = WithRockRidge({{"Z.;1", {20, 1}, 0, Name("z") + Entry("ZF", Both({0}))},
                                        {.identifier = "I.;1", .extent = {20, 1}, .unit_size = 1}});
    EXPECT_EQ(Refusal(iso, "/z"), "/z: it is compressed within the ISO (zisofs), which husk does not read");
    EXPECT_EQ(Refusal(iso, "/i"), "/i: it is interleaved with another file, which husk does not read");
}

TEST(HostileIso, HundredThousandEntriesAreNotListedAndAreSearchedInFewReads) {
    IsoImage iso;
    std::vector<IsoEntry> entries;
    for (int i = 0; i < 100'000; ++i) entries.push_back({"LONG_NAME_OF_A_FILE_" + std::to_string(i) + ".TXT;1", {}});
    iso.Finish(iso.AddDirectory({{"MANY", iso.AddDirectory(entries), kDirectory}}));
    const IsoVolume volume = IsoVolume::Open(iso.image).value();
    EXPECT_EQ(volume.List("/many").error().Message(), "/many: there are more than 4096 files in it");
    const std::size_t before = iso.image.Reads();
    EXPECT_FALSE(volume.Find("/many/file").value());
    EXPECT_LT(iso.image.Reads() - before, 120U);
}

TEST(HostileIso, DirectoryOfMoreThan8MiBIsRefusedUnread) {
    IsoImage iso;
    iso.Finish(iso.AddDirectory({{"MANY", iso.Allocate((8U << 20) + 1), kDirectory}}));
    const std::uint64_t before = iso.image.BytesRead();
    EXPECT_EQ(Refusal(iso, "/many/file"), "/many/file: this directory is larger than husk reads (8 MiB)");
    EXPECT_LT(iso.image.BytesRead() - before, 100'000U);
}

TEST(HostileIso, MoreThan4096FilesAreNotListedButFound) {
    IsoImage iso;
    std::vector<IsoEntry> entries(4096, {"SAME.;1", {}});
    entries.push_back({"LAST.;1", {}});
    iso.Finish(iso.AddDirectory(entries));
    const IsoVolume volume = IsoVolume::Open(iso.image).value();
    EXPECT_EQ(volume.List("/").error().Message(), "/: there are more than 4096 files in it");
    EXPECT_TRUE(volume.Find("/last").value());
}

TEST(HostileIso, DirectoryThatContainsItselfEndsWithThePath) {
    IsoImage iso;
    const IsoExtent root = iso.AddDirectory({{"LOOP", {20, 2048}, kDirectory}, {"FILE.;1", {20, 1}}});
    iso.Finish(root);
    ASSERT_EQ(root.block, 20U);
    EXPECT_TRUE(IsoVolume::Open(iso.image).value().Find("/loop/loop/loop/loop/file").value());
    EXPECT_FALSE(IsoVolume::Open(iso.image).value().Find("/loop/../file"));
}

TEST(HostileIso, RecordThatCrossesItsSectorIsRefused) {
    IsoImage iso;
    const IsoExtent root = iso.AddDirectory({{"FILE.;1", {20, 1}}});
    iso.Finish(root);
    for (const std::uint8_t length : {std::uint8_t{1}, std::uint8_t{33}}) {
        iso.image.Put(std::uint64_t{root.block} * 2048 + 68, length);
        EXPECT_EQ(Refusal(iso, "/file"), "/file: " + std::string(kDamaged) +
                                             "a record of this directory is longer than its sector, or too short");
    }
}

TEST(HostileIso, ContinuationThatLeadsToItselfIsRefused) {
    IsoImage iso;
    const auto self = Continuation(20, 0, 28);
    const IsoExtent area = iso.AddData({reinterpret_cast<const char*>(self.data()), self.size()});
    ASSERT_EQ(area.block, 20U);
    iso.Finish(iso.AddDirectory({{"A.;1", area, 0, self}}, Mark()));
    EXPECT_EQ(Refusal(iso, "/a"), "/a: " + std::string(kDamaged) + "its Rock Ridge entries go on without an end");
}

TEST(HostileIso, ContinuationOutsideOrOf32BitsIsRefused) {
    EXPECT_FALSE(IsoVolume::Open(WithRockRidge({{"A.;1", {}, 0, Continuation(0xffff'ffff, 0, 10)}}).image)->List("/"));
    EXPECT_FALSE(IsoVolume::Open(WithRockRidge({{"A.;1", {}, 0, Continuation(20, 0xffff'ffff, 10)}}).image)->List("/"));
    EXPECT_FALSE(IsoVolume::Open(WithRockRidge({{"A.;1", {}, 0, Continuation(20, 0, 0xffff'ffff)}}).image)->List("/"));
}

TEST(HostileIso, RockRidgeEntriesWithoutAnEndAreRefused) {
    auto entry = Name("name");
    entry[2] = std::byte{200};
    IsoImage iso = WithRockRidge({{"A.;1", {}, 0, entry}});
    EXPECT_EQ(Refusal(iso, "/a"), "/a: " + std::string(kDamaged) + "it has a Rock Ridge entry without an end");
}

TEST(HostileIso, RockRidgeNamesThatNoPathCanHaveAreNotThere) {
    const IsoImage iso = WithRockRidge({{"A.;1", {}, 0, Name("..")},
                                        {"B.;1", {}, 0, Name("a/b")},
                                        {"C.;1", {}, 0, Name("\x1b[2J")},
                                        {"D.;1", {}, 0, Name("")},
                                        {"E.;1", {}, 0, Name(std::string_view("nul\0", 4))}});
    EXPECT_TRUE(Names(iso, "/").empty());
}

TEST(HostileIso, RockRidgeNameOfMoreThan255BytesIsRefused) {
    IsoImage iso;
    const auto piece = Name(std::string(200, 'n'), true);
    const IsoExtent area = iso.AddData({reinterpret_cast<const char*>(piece.data()), piece.size()});
    const auto use = Name("begin", true) + Continuation(area.block, 0, area.length);
    const auto twice = Name(std::string(100, 'n'), true) + Continuation(area.block, 0, area.length);
    iso.Finish(iso.AddDirectory({{"A.;1", {}, 0, use}}, Mark()));
    EXPECT_EQ(Names(iso, "/").front().size(), 205U);
    iso.Finish(iso.AddDirectory({{"A.;1", {}, 0, twice}}, Mark()));
    EXPECT_EQ(Refusal(iso, "/a"), "/a: " + std::string(kDamaged) + "it has a name of more than 255 bytes");
}

}  // namespace
}  // namespace husk
