#include "vmm/roles/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

namespace husk {
namespace {

Result<ManifestEntry> Describe(int fd, int slot) {
    struct stat status{};
    const int flags = ::fcntl(fd, F_GETFL);
    if (::fstat(fd, &status) != 0 || flags < 0) return FailOs("cannot inspect descriptor " + std::to_string(fd));
    ManifestEntry entry;
    entry.slot = slot;
    entry.file_type = status.st_mode & S_IFMT;
    entry.access_mode = static_cast<std::uint32_t>(flags & O_ACCMODE);
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
    return entry;
}

}  // namespace

Result<Manifest> DescribeSlots(std::span<const SlotAssignment> slots) {
    Manifest manifest;
    if (slots.size() > manifest.entries.size()) return Fail("a role has more descriptors than its manifest can name");
    for (const SlotAssignment& assignment : slots) {
        manifest.entries[manifest.count++] = HUSK_TRY(Describe(assignment.fd, assignment.slot));
    }
    return manifest;
}

Result<> CheckManifest(const Manifest& manifest) {
    if (manifest.count > manifest.entries.size()) return Fail("the manifest is not valid");
    for (const ManifestEntry& expected : std::span(manifest.entries).first(manifest.count)) {
        const ManifestEntry found = HUSK_TRY(Describe(expected.slot, expected.slot));
        const bool same = found.file_type == expected.file_type && found.access_mode == expected.access_mode &&
                          found.device == expected.device && found.inode == expected.inode;
        if (!same) {
            return Fail(ErrorKind::kConfinement,
                        "descriptor " + std::to_string(expected.slot) +
                            " is not what the launcher put there: was it refused by a policy?");
        }
    }
    return {};
}

}  // namespace husk
