#include "vmm/machine/source_report.h"

#include <gtest/gtest.h>

namespace husk {
namespace {

constexpr std::uint64_t kSource = 1 << 20;

template <typename M>
Result<> Take(SourceReportBuilder& builder, const M& message) {
    return builder.Take(MessageBuffer::Encode(message));
}

BootPieces Piece(std::uint32_t file, std::uint64_t offset, std::uint64_t length) {
    BootPieces message;
    message.count = 1;
    message.pieces[0] = {file, offset, length};
    return message;
}

// With one entry, which is chosen and has one initrd.
SourceReportBuilder WithChoice() {
    SourceReportBuilder builder(kSource);
    EXPECT_TRUE(Take(builder, MenuEntry{}));
    ChosenEntry chosen;
    chosen.initrds = 1;
    EXPECT_TRUE(Take(builder, chosen));
    return builder;
}

TEST(SourceReport, PiecesGoToTheirFiles) {
    SourceReportBuilder builder = WithChoice();
    ASSERT_TRUE(Take(builder, Piece(0, 512, 1024)));
    ASSERT_TRUE(Take(builder, Piece(1, 4096, kSource - 4096)));
    ASSERT_TRUE(Take(builder, ReaderDone{}));
    EXPECT_TRUE(builder.Done());
    const SourceReport report = builder.Release();
    ASSERT_EQ(report.files.size(), 2u);
    EXPECT_EQ(report.files[0].front().offset, 512u);
    EXPECT_EQ(report.files[1].front().length, kSource - 4096);
}

TEST(SourceReport, PiecesOutsideTheSourceAreRefused) {
    for (const auto& [offset, length] : std::initializer_list<std::pair<std::uint64_t, std::uint64_t>>{
             {kSource + 1, 0}, {0, kSource + 1}, {kSource, 1}, {1, ~std::uint64_t{0}}, {~std::uint64_t{0}, 2}}) {
        SourceReportBuilder builder = WithChoice();
        EXPECT_FALSE(Take(builder, Piece(0, offset, length))) << offset << " " << length;
    }
}

TEST(SourceReport, PiecesOfFilesThatThereAreNotAreRefused) {
    SourceReportBuilder builder = WithChoice();
    EXPECT_FALSE(Take(builder, Piece(2, 0, 1)));
    SourceReportBuilder without_choice(kSource);
    EXPECT_FALSE(Take(without_choice, Piece(0, 0, 1)));
}

TEST(SourceReport, CountsBeyondTheMessageAreRefused) {
    SourceReportBuilder builder = WithChoice();
    BootPieces message;
    message.count = kBootPiecesInOne + 1;
    EXPECT_FALSE(Take(builder, message));
}

TEST(SourceReport, ChoicesThatAreNoneAreRefused) {
    SourceReportBuilder none(kSource);
    EXPECT_FALSE(Take(none, ChosenEntry{}));
    SourceReportBuilder twice = WithChoice();
    EXPECT_FALSE(Take(twice, ChosenEntry{}));
    SourceReportBuilder many(kSource);
    ASSERT_TRUE(Take(many, MenuEntry{}));
    ChosenEntry chosen;
    chosen.initrds = kMaxInitrds + 1;
    EXPECT_FALSE(Take(many, chosen));
}

TEST(SourceReport, EverythingIsBounded) {
    SourceReportBuilder builder = WithChoice();
    std::size_t taken = 0;
    while (Take(builder, Piece(0, 0, 1))) ++taken;
    EXPECT_EQ(taken, kMaxBootPiecesMessages);
    taken = 1;
    while (Take(builder, MenuEntry{})) ++taken;
    EXPECT_EQ(taken, boot_limits::kEntries);
    for (taken = 0; Take(builder, MenuNote{}); ++taken) EXPECT_LT(taken, 1000u);
    for (taken = 0; Take(builder, CheckFinding{}); ++taken) EXPECT_LT(taken, 1000u);
    for (taken = 0; Take(builder, AttachedVolume{}); ++taken) EXPECT_LT(taken, 1000u);
}

TEST(SourceReport, TextsCannotCommandTheTerminal) {
    SourceReportBuilder builder(kSource);
    MenuEntry entry;
    entry.title.Assign(
        "\x1b]0;x\a\xc2\x9b"
        "2J caf\xc3\xa9");
    ASSERT_TRUE(Take(builder, entry));
    EXPECT_EQ(builder.Release().entries.front().title.View(), "?]0;x???2J caf\xc3\xa9");
    Failed failed;
    failed.text.Assign("no\n\x7f");
    EXPECT_EQ(ErrorOf(failed).Message(), "no??");
}

TEST(SourceReport, FailuresAreTheReadersWords) {
    SourceReportBuilder builder(kSource);
    Failed failed;
    failed.error_kind = static_cast<std::uint32_t>(ErrorKind::kBootSource);
    failed.text.Assign("it has no boot entries");
    const auto taken = Take(builder, failed);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().Message(), "it has no boot entries");
    EXPECT_EQ(taken.error().Kind(), ErrorKind::kBootSource);
}

TEST(SourceReport, NothingFollowsTheEnd) {
    SourceReportBuilder builder = WithChoice();
    ASSERT_TRUE(Take(builder, ReaderDone{}));
    EXPECT_FALSE(Take(builder, MenuEntry{}));
    SourceReportBuilder other(kSource);
    EXPECT_FALSE(Take(other, Ready{}));
}

}  // namespace
}  // namespace husk
