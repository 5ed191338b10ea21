#include "sandbox/process/seal_process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "sandbox/process/capabilities.h"
#include "sandbox/process/landlock.h"
#include "vmm/base/clock.h"

namespace husk {
namespace {

// linux/prctl.h of Linux 6.3; older headers lack them.
constexpr int kPrSetMdwe = 65;
constexpr int kPrGetMdwe = 66;
constexpr unsigned long kMdweRefuseExecGain = 1;

// Only the soft limit: SELinux lets no confined domain change a hard one. The launcher set those before the exec.
int LowerSoftLimit(__rlimit_resource resource, std::uint64_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return errno;
    limit.rlim_cur = std::min(limit.rlim_cur, rlim_t{most});
    return ::setrlimit(resource, &limit) == 0 ? 0 : errno;
}

int LowerSoftLimits(const SealOptions& options) {
    if (const int failed = LowerSoftLimit(RLIMIT_NOFILE, options.open_files)) return failed;
    if (const int failed = LowerSoftLimit(RLIMIT_FSIZE, options.file_size)) return failed;
    return LowerSoftLimit(RLIMIT_CORE, 0);
}

int ClearDumpable() {
    if (::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0) return errno;
    return ::prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0 ? 0 : EPERM;
}

int EmptyCapabilities(SealReport& report) {
    report.bounding_set_empty = BoundingSetIsEmpty();  // the launcher has emptied it before the exec, where it may
    if (!report.bounding_set_empty) {
        const int dropped = DropBoundingSet();
        if (dropped != 0 && dropped != EPERM) return dropped;
        report.bounding_set_empty = BoundingSetIsEmpty();
    }
    return DropAllCapabilities();
}

class Sealing {
 public:
    explicit Sealing(const SealOptions& options) : options_(options) {}

    // A step that every host has and that nobody can waive. `body` returns 0 or an errno.
    template <typename Body>
    [[nodiscard]] Result<> Always(SealStep step, Body body) {
        const std::uint64_t begin = MonotonicNanoseconds();
        if (const int os_errno = body(); os_errno != 0) {
            return std::unexpected(
                Error::Os(std::string("cannot confine the process (") + SealStepName(step) + ")", os_errno)
                    .As(ErrorKind::kConfinement));
        }
        Note(step, SealOutcome::kApplied, begin);
        return {};
    }

    // A layer that a host may lack. `body` returns 0, an errno, or nothing where the host lacks it.
    template <typename Body>
    [[nodiscard]] Result<> WhenPresent(SealStep step, Layer layer, Body body) {
        const std::uint64_t begin = MonotonicNanoseconds();
        if (options_.without.Has(layer)) {
            Note(step, SealOutcome::kWaived, begin);
            return {};
        }
        const std::optional<int> os_errno = body();
        if (!os_errno) return Absent(step, layer, begin);
        if (*os_errno != 0) return Refusal(layer, *os_errno);
        Note(step, SealOutcome::kApplied, begin);
        return {};
    }

    SealReport report;

 private:
    void Note(SealStep step, SealOutcome outcome, std::uint64_t begin) {
        report.steps[static_cast<std::size_t>(step)] = {MonotonicNanoseconds() - begin, outcome};
    }
    [[nodiscard]] Result<> Absent(SealStep step, Layer layer, std::uint64_t begin) {
        if (options_.required.Has(layer)) {
            return Fail(ErrorKind::kConfinement, "this host's kernel has no " + std::string(LayerName(layer)) +
                                                     ", which is required (--require " + std::string(LayerName(layer)) +
                                                     ")");
        }
        Note(step, SealOutcome::kAbsent, begin);
        return {};
    }
    [[nodiscard]] static Result<> Refusal(Layer layer, int os_errno) {
        const std::string name(LayerName(layer));
        Error error = Error::Os("cannot apply the confinement layer " + name, os_errno);
        return Fail(ErrorKind::kConfinement, error.Message() + " (--without " + name + " runs without it)");
    }

    const SealOptions& options_;
};

std::optional<int> RefuseExecutableMemory() {
    if (::prctl(kPrSetMdwe, kMdweRefuseExecGain, 0UL, 0UL, 0UL) == 0) return 0;
    if (errno == EINVAL && !HostHasMdwe()) return std::nullopt;
    return errno;
}

std::optional<int> RestrictByLandlock(SealReport& report) {
    report.landlock_abi = LandlockAbi();
    if (report.landlock_abi == 0) return std::nullopt;
    return RestrictByEmptyRuleset(report.landlock_abi);
}

}  // namespace

const char* SealStepName(SealStep step) {
    switch (step) {
        case SealStep::kDumpable:
            return "dumpable";
        case SealStep::kMdwe:
            return "mdwe";
        case SealStep::kNoNewPrivs:
            return "no_new_privs";
        case SealStep::kCapabilities:
            return "capabilities";
        case SealStep::kLandlock:
            return "landlock";
        case SealStep::kLimits:
            return "limits";
    }
    return "";
}

bool HostHasMdwe() { return ::prctl(kPrGetMdwe, 0UL, 0UL, 0UL, 0UL) >= 0; }

// Sanitizer builds take every step too: their runtimes live with them, but a report then names addresses instead of
// functions, as the symboliser can neither open a file nor start a program.
Result<SealReport> SealProcess(const SealOptions& options) {
    Sealing sealing(options);
    SealReport& report = sealing.report;
    HUSK_TRY(sealing.Always(SealStep::kDumpable, ClearDumpable));
    HUSK_TRY(sealing.WhenPresent(SealStep::kMdwe, Layer::kMdwe, RefuseExecutableMemory));
    HUSK_TRY(sealing.Always(SealStep::kNoNewPrivs,
                            [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 ? 0 : errno; }));
    HUSK_TRY(sealing.Always(SealStep::kCapabilities, [&report] { return EmptyCapabilities(report); }));
    HUSK_TRY(
        sealing.WhenPresent(SealStep::kLandlock, Layer::kLandlock, [&report] { return RestrictByLandlock(report); }));
    HUSK_TRY(sealing.Always(SealStep::kLimits, [&options] { return LowerSoftLimits(options); }));
    return report;
}

}  // namespace husk
