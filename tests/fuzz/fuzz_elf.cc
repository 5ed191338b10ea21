// An ELF kernel from a stranger: parsed, planned and loaded (see tests/fuzz/kernel_fuzz.h). Its notes also on
// their own, with both alignments, so that they are reached without the headers in front.
#include "tests/fuzz/kernel_fuzz.h"

#include "boot/linux/elf.h"
#include "boot/linux/elf_notes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = std::as_bytes(std::span(data, size));
    static_cast<void>(husk::FindPvhEntry(file, 4));
    static_cast<void>(husk::FindPvhEntry(file, 8));
    husk::testing::ExerciseKernel(file, husk::ParseElf(file));
    return 0;
}
