// An ISO 9660 file system from a stranger (see tests/fuzz/volume_fuzz.h), and the label of whatever it is. The input
// begins where the first descriptor is.
#include "boot/nixos/volumes/iso9660.h"
#include "boot/nixos/volumes/iso_descriptor.h"
#include "tests/fuzz/volume_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace husk;
    const auto input = testing::VolumeInput::From(data, size);
    const testing::PaddedSource source(input.size, 16ULL * kIsoSector, input.image);
    testing::ExerciseLabels(source);
    const auto volume = IsoVolume::Open(source);
    testing::Require(IsoVolume::IsIso(source) || !volume);
    if (volume) {
        testing::ExerciseVolume(*volume, source, input.path);
    } else {
        testing::RequireSentence(volume.error());
    }
    return 0;
}
