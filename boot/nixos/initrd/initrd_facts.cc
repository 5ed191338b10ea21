#include "boot/nixos/initrd/initrd_facts.h"

#include <array>
#include <utility>

#include "boot/nixos/initrd/facts_collector.h"
#include "boot/nixos/initrd/initramfs.h"

namespace husk {

Result<InitrdFacts> ReadInitrd(std::span<const ByteSource* const> sources, const DecompressionLibraries& libraries) {
    FactsCollector collector;
    InitramfsReader reader(libraries, collector);
    InitramfsEnd end;
    for (const ByteSource* const source : sources) {
        end = HUSK_TRY(reader.Walk(*source));
        if (!end.damage.empty() || end.unknown) break;
    }
    InitrdFacts facts = collector.Finish();
    facts.damage = std::move(end.damage);
    facts.unknown = end.unknown;
    return facts;
}

Result<InitrdFacts> ReadInitrd(const ByteSource& source, const DecompressionLibraries& libraries) {
    const std::array<const ByteSource*, 1> sources = {&source};
    return ReadInitrd(sources, libraries);
}

}  // namespace husk
