// The rules behind Check(): each looks at one side of an entry, and adds what it finds.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boot/nixos/initrd/findings.h"

namespace husk {

// What the rules look at.
struct Subject {
    const BootEntry& entry;
    const InitrdFacts& initrd;
    const KernelFacts& kernel;
    std::span<const VolumeIdentity> volumes;

    // The initrd has been read to its end, so what is not in its facts is not in it.
    [[nodiscard]] bool InitrdKnown() const { return !entry.initrds.empty() && initrd.entries > 0 && initrd.Whole(); }
};

class FindingList {
 public:
    void WillNotBoot(std::string sentence) { Add(Severity::kWillNotBoot, std::move(sentence)); }
    void MaySurprise(std::string sentence) { Add(Severity::kMaySurprise, std::move(sentence)); }
    void Add(Severity severity, std::string sentence);
    [[nodiscard]] std::vector<Finding> WorstFirst() &&;

 private:
    std::vector<Finding> verdicts_;
    std::vector<Finding> surprises_;
};

// Where a driver is that the guest needs.
enum class Driver {
    kBuiltIn,      // in the kernel
    kInInitrd,     // a module that stage 1 can load
    kMissing,      // a module that stage 1 does not have
    kNotInKernel,  // the kernel was built without it
    kUnknown,
};
// `module`: one of kModulesOfInterest; `option`: the kernel's name for it, without CONFIG_.
[[nodiscard]] Driver FindDriver(const Subject& subject, std::string_view module, std::string_view option);

// How a person puts `modules` ("virtio_blk virtio_mmio") into this kind of initrd: a clause, "add to ...".
[[nodiscard]] std::string HowToAddModules(const Subject& subject, std::span<const std::string_view> modules);
// How a person adds `words` to the command line: a clause.
[[nodiscard]] std::string HowToAddParameters(const Subject& subject, std::span<const std::string_view> words);

void CheckInitrd(const Subject& subject, FindingList& findings);   // whole, unpackable, for this kernel
void CheckDrivers(const Subject& subject, FindingList& findings);  // of disks and file systems
void CheckKernel(const Subject& subject, FindingList& findings);   // options that no initrd can make up for
void CheckConsole(const Subject& subject, FindingList& findings);
void CheckRoot(const Subject& subject, FindingList& findings);   // what stage 1 waits for is attached
void CheckEntry(const Subject& subject, FindingList& findings);  // init=, secrets, the command line's length

}  // namespace husk
