#include "sandbox/selinux/selinux.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "sandbox/selinux/label_repair.h"
#include "sandbox/selinux/selinux_plan.h"
#include "vmm/base/log.h"

namespace husk {
namespace {

Error WithWayOut(Error error) {
    if (error.Kind() == ErrorKind::kUsage) return error;
    return Error(ErrorKind::kConfinement, error.Message() + " (--without selinux goes without this layer)");
}

bool IsRequired(const SelinuxRequest& request) {
    return request.mode == SelinuxRequest::Mode::kRequired || request.type || request.label;
}

// Whether there is anything to do.
Result<bool> Applies(const SelinuxRequest& request, const SelinuxHost& host) {
    if (request.type && request.label) {
        return Fail(ErrorKind::kUsage, "--selinux-type and --selinux-label cannot both be given");
    }
    if (request.mode == SelinuxRequest::Mode::kOff) return false;
    if (host.Active()) return true;
    if (!IsRequired(request)) return false;
    return Fail(
        ErrorKind::kConfinement,
        "SELinux is required but not active on this host: it takes a kernel started with it (security=selinux) and "
        "a policy");
}

Result<std::string> JournalFolderOf(const SelinuxRequest& request) {
    if (request.journal_folder) return *request.journal_folder;
    return JournalFolderPath(::geteuid(), std::getenv("XDG_RUNTIME_DIR"));
}

// What would refuse a VM with a disk to write on, though none without.
std::vector<std::string> WarningsAboutDisks(const SelinuxRequest& request, const SelinuxPlan& plan,
                                            const SelinuxHost& host) {
    std::vector<std::string> warnings;
    const auto folder = JournalFolderOf(request);
    if (!folder) warnings.push_back(folder.error().Message());
    const SecurityContext image = plan.images.read_write.WithRange(plan.domain.context.range);
    SecurityContext own_user = image;
    if (const auto launcher = SecurityContext::Parse(plan.launcher)) own_user.user = launcher->user;
    const bool may = std::ranges::any_of(std::array{image, own_user}, [&](const SecurityContext& label) {
        const auto answer = host.Ask(plan.launcher, label.ToString(), "file", "relabelto");
        return answer && (answer->allowed || answer->permissive_source || !plan.enforcing);
    });
    if (!may) {
        warnings.push_back("SELinux: husk has no permission { relabelto } on " + image.type +
                           " (file), so it cannot label disks for VMs");
    }
    return warnings;
}

// A start that cannot tell where journals lie has never written one.
void Repair(const SelinuxRequest& request, SelinuxHost& host) {
    const auto folder = JournalFolderOf(request);
    if (!folder) return;
    const auto sentences = RepairLabels(*folder, host);
    if (!sentences) return Log(LogLevel::kWarning, "SELinux: " + sentences.error().Message());
    for (const std::string& sentence : *sentences) Log(LogLevel::kWarning, sentence);
}

Result<> TakeRangeDown(int fd, SelinuxHost& host) {
    const auto label = SecurityContext::Parse(HUSK_TRY(host.FileLabel(fd)));
    const auto range = label ? SecurityRange::Parse(label->range) : std::nullopt;
    if (!range || range->low == range->high) return {};
    return host.SetFileLabel(fd, label->WithRange(range->low.ToString()).ToString());
}

}  // namespace

Result<std::optional<SelinuxConfinement>> SelinuxConfinement::Prepare(const SelinuxRequest& request,
                                                                      const std::string& program, SelinuxHost& host) {
    const auto applies = Applies(request, host);
    if (!applies) return std::unexpected(WithWayOut(applies.error()));
    if (!*applies) return std::optional<SelinuxConfinement>();
    Repair(request, host);
    std::optional<PairReservation> reservation;
    auto plan = PlanSelinux(request, program, host, [&](const CategorySet& from) -> Result<CategoryPair> {
        reservation = HUSK_TRY(PairReservation::Reserve(from, host));
        return reservation->Pair();
    });
    if (!plan) return std::unexpected(WithWayOut(std::move(plan).error()));
    for (const std::string& warning : plan->warnings) Log(LogLevel::kWarning, warning);
    auto disks = std::make_unique<DiskLabels>(DiskLabelRules{.images = std::move(plan->images),
                                                             .launcher = std::move(plan->launcher),
                                                             .target = plan->domain.context,
                                                             .enforcing = plan->enforcing,
                                                             .journal_folder = request.journal_folder},
                                              host);
    return std::optional(
        SelinuxConfinement(plan->domain.context.ToString(), std::move(reservation), std::move(disks), host));
}

Result<> SelinuxConfinement::LabelDisk(int fd, const std::string& name, bool read_only) {
    auto labelled = disks_->Label(fd, name, read_only);
    if (!labelled) return std::unexpected(WithWayOut(std::move(labelled).error()));
    return {};
}

void SelinuxConfinement::LabelPipe(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
    const auto done = TakeRangeDown(fd, *host_);
    if (!done) Log(LogLevel::kWarning, "SELinux: a pipe of the console: " + done.error().Message());
}

void SelinuxConfinement::RestoreLabels() {
    for (const std::string& sentence : disks_->Restore()) Log(LogLevel::kWarning, sentence);
}

SelinuxDescription DescribeSelinux(const SelinuxRequest& request, const std::string& program, const SelinuxHost& host) {
    SelinuxDescription description;
    description.active = host.Active();
    const auto applies = Applies(request, host);
    if (!applies || !*applies) {
        description.refused = !applies;
        description.summary = applies ? (description.active ? "active, but switched off for husk" : "not active")
                                      : WithWayOut(applies.error()).Message();
        return description;
    }
    auto plan = PlanSelinux(request, program, host, DrawCategoryPair);
    if (!plan) {
        description.refused = true;
        description.summary = WithWayOut(std::move(plan).error()).Message();
        return description;
    }
    description.summary = std::string(plan->enforcing ? "enforcing" : "permissive") + "; husk runs as " +
                          plan->launcher + " and starts roles as " + plan->domain.context.ToString() + " (" +
                          plan->domain.reason +
                          (request.label ? ")" : "), with a pair of categories drawn anew for each VM");
    description.warnings = std::move(plan->warnings);
    for (std::string& warning : WarningsAboutDisks(request, *plan, host)) {
        description.warnings.push_back(std::move(warning));
    }
    return description;
}

}  // namespace husk
