// A bzImage from a stranger: parsed, planned and loaded. Nothing may be read outside the file, nothing
// written outside the plan; tests/fuzz/kernel_fuzz.h holds what every accepted plan has to satisfy.
#include "tests/fuzz/kernel_fuzz.h"

#include "boot/linux/bzimage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = std::as_bytes(std::span(data, size));
    husk::testing::ExerciseKernel(file, husk::ParseBzImage(file));
    return 0;
}
