#include "sandbox/selinux/disk_labels.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "sandbox/selinux/category_pair.h"
#include "sandbox/selinux/label_repair.h"
#include "vmm/base/log.h"

namespace husk {
namespace {

std::unexpected<Error> Denied(const std::string& launcher, const std::string& label, const char* object_class,
                              const char* permission) {
    const auto source = SecurityContext::Parse(launcher);
    const auto target = SecurityContext::Parse(label);
    return Fail(ErrorKind::kConfinement, "SELinux: " + (source ? source->type : launcher) + " has no permission { " +
                                             permission + " } on " + (target ? target->type : label) + " (" +
                                             object_class +
                                             "), so husk cannot label it for its VM; husk's policy module "
                                             "(sandbox/selinux/policy) gives it for disk images, and restorecon "
                                             "may give the file a label that is one");
}

}  // namespace

DiskLabels::~DiskLabels() {
    for (const std::string& sentence : Restore()) Log(LogLevel::kWarning, sentence);
}

Result<> DiskLabels::Label(int fd, const std::string& name, bool read_only) {
    const std::string context = "disk " + name;
    struct stat status{};
    if (::fstat(fd, &status) != 0) return FailOs("cannot inspect " + context);
    const char* const object_class = S_ISBLK(status.st_mode) ? "blk_file" : "file";
    const std::string old_label = HUSK_TRY_IN(context, host_.FileLabel(fd));
    const SecurityContext wanted =
        read_only ? rules_.images.read_only : rules_.images.read_write.WithRange(rules_.target.range);

    if (const auto old = SecurityContext::Parse(old_label)) {
        if (old->type == wanted.type && old->range == wanted.range) return {};
        if (old->type == rules_.images.read_write.type && old->Categories().any() &&
            CategoriesAreInUse(old->Categories(), host_)) {
            return Fail(ErrorKind::kConfinement, context + " is labelled for another VM that is running (" + old_label +
                                                     "); it stays that VM's");
        }
    }
    Result<> done = read_only ? LabelForGood(fd, wanted, old_label, object_class)
                              : LabelForNow(fd, wanted, old_label, object_class);
    if (done || (read_only && MayRead(old_label, object_class))) return {};
    return std::unexpected(std::move(done).error().Within(context).As(ErrorKind::kConfinement));
}

Result<> DiskLabels::LabelForGood(int fd, const SecurityContext& wanted, const std::string& old_label,
                                  const char* object_class) {
    return SetAndCheck(fd, HUSK_TRY(Allowed(wanted, old_label, object_class)));
}

Result<> DiskLabels::LabelForNow(int fd, const SecurityContext& wanted, const std::string& old_label,
                                 const char* object_class) {
    const std::string label = HUSK_TRY(Allowed(wanted, old_label, object_class));
    // The way back too, before going.
    HUSK_TRY(Need(label, object_class, "relabelfrom"));
    HUSK_TRY(Need(old_label, object_class, "relabelto"));
    HUSK_TRY(Remember(fd, old_label, label));
    return SetAndCheck(fd, label);
}

Result<> DiskLabels::Need(const std::string& label, const char* object_class, const char* permission) const {
    const AccessAnswer answer = HUSK_TRY(host_.Ask(rules_.launcher, label, object_class, permission));
    if (answer.allowed || answer.permissive_source || !rules_.enforcing) return {};
    return Denied(rules_.launcher, label, object_class, permission);
}

Result<std::string> DiskLabels::Allowed(const SecurityContext& wanted, const std::string& old_label,
                                        const char* object_class) const {
    HUSK_TRY(Need(old_label, object_class, "relabelfrom"));
    SecurityContext own_user = wanted;
    if (const auto launcher = SecurityContext::Parse(rules_.launcher)) own_user.user = launcher->user;
    for (const SecurityContext& candidate : {wanted, own_user}) {
        std::string label = candidate.ToString();
        if (host_.IsValid(label) && Need(label, object_class, "relabelto")) return label;
    }
    return Denied(rules_.launcher, wanted.ToString(), object_class, "relabelto");
}

Result<> DiskLabels::Remember(int fd, const std::string& old_label, const std::string& new_label) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    struct stat status{};
    Labelled disk{ScopedFd(::open(link.c_str(), O_PATH | O_CLOEXEC)), {}};
    if (!disk.fd || ::fstat(disk.fd.Get(), &status) != 0) return FailOs("cannot inspect it");
    std::error_code error;
    const std::filesystem::path path = std::filesystem::read_symlink(link, error);
    if (error) return FailOs("cannot find its path", error.value());
    disk.entry = {status.st_dev, status.st_ino, old_label, new_label, path.string()};
    if (!journal_) {
        const std::string folder = rules_.journal_folder
                                       ? *rules_.journal_folder
                                       : HUSK_TRY(JournalFolderPath(::geteuid(), std::getenv("XDG_RUNTIME_DIR")));
        journal_ = HUSK_TRY(LabelJournal::Create(folder));
    }
    HUSK_TRY(journal_->Append(disk.entry));
    labelled_.push_back(std::move(disk));
    return {};
}

Result<> DiskLabels::SetAndCheck(int fd, const std::string& label) {
    HUSK_TRY(host_.SetFileLabel(fd, label));
    // Some file systems take a label and keep another.
    if (HUSK_TRY(host_.FileLabel(fd)) != label) {
        return Fail(ErrorKind::kConfinement, "its file system does not keep the SELinux label " + label);
    }
    return {};
}

bool DiskLabels::MayRead(const std::string& label, const char* object_class) const {
    const auto answer = host_.Ask(rules_.target.ToString(), label, object_class, "read");
    return answer && answer->allowed;
}

std::vector<std::string> DiskLabels::Restore() {
    std::vector<std::string> sentences;
    bool all_done = true;
    for (; !labelled_.empty(); labelled_.pop_back()) {
        const Labelled& disk = labelled_.back();
        const auto put_back = PutLabelBack(disk.fd.Get(), disk.entry, host_);
        if (!put_back) {
            all_done = false;
            sentences.push_back("SELinux: the label of " + disk.entry.path + " was " + disk.entry.old_label +
                                " and could not be put back: " + put_back.error().Message());
        }
    }
    if (journal_ && all_done) journal_->Remove();
    journal_.reset();
    return sentences;
}

}  // namespace husk
