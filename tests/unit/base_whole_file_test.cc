#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "vmm/base/scoped_fd.h"
#include "vmm/base/whole_file.h"

namespace husk {
namespace {

TEST(WholeFile, PipeIsReadUntilItsEnd) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const ScopedFd read(ends[0]);
    ScopedFd write(ends[1]);
    const std::string text(10'000, 'x');  // more than is read at a time
    ASSERT_EQ(::write(write.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    write.Reset();
    EXPECT_EQ(ReadToEnd(read.Get()).value(), text);
}

TEST(WholeFile, FileWhoseSizeIsNotKnownIsReadWhole) {
    const std::string status = ReadWholeFile("/proc/self/status").value();
    EXPECT_TRUE(status.starts_with("Name:"));
    EXPECT_TRUE(status.ends_with("\n"));
}

TEST(WholeFile, FailureNamesTheFile) {
    EXPECT_EQ(ReadWholeFile("/nowhere/list").error().Message(), "cannot read /nowhere/list: No such file or directory");
    EXPECT_EQ(ReadWholeFile("/proc").error().Message(), "cannot read /proc: Is a directory");
}

}  // namespace
}  // namespace husk
