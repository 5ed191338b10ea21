// A FAT file system from a stranger (see tests/fuzz/volume_fuzz.h), and the label of whatever it is.
#include "boot/nixos/volumes/fat.h"
#include "tests/fuzz/volume_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace husk;
    const auto input = testing::VolumeInput::From(data, size);
    const testing::PaddedSource source(input.size, 0, input.image);
    testing::ExerciseLabels(source);
    const ByteRange partition{0, source.Size()};
    const auto volume = FatVolume::Open(source, partition);
    testing::Require(FatVolume::IsFat(source, partition) || !volume);
    if (volume) {
        testing::ExerciseVolume(*volume, source, input.path);
    } else {
        testing::RequireSentence(volume.error());
    }
    return 0;
}
