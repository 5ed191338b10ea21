// The labels of a VM's disks: for the VM's pair while it runs, and as they were afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/domain_choice.h"
#include "sandbox/selinux/label_journal.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

struct DiskLabelRules {
    ImageContexts images;
    std::string launcher;  // context
    SecurityContext target;
    bool enforcing = true;
    std::optional<std::string> journal_folder;  // else JournalFolderPath of the user and the environment
};

// The launcher's main thread only. Destroying it restores.
class DiskLabels {
 public:
    DiskLabels(DiskLabelRules rules, SelinuxHost& host) : rules_(std::move(rules)), host_(host) {}
    DiskLabels(const DiskLabels&) = delete;
    DiskLabels& operator=(const DiskLabels&) = delete;
    ~DiskLabels();

    // Labels the open disk `fd`, a file or a block device that the caller holds locked; `name` is for sentences.
    // Read-write: the policy's image type with the VM's range, after the old label went into the journal. Read-only:
    // the policy's type for content that VMs only read, which stays, as other VMs may read it by then. A read-only disk
    // that cannot be labelled, but that the VM may read as it is, stays as it is. A disk labelled for another VM that
    // runs is refused. Kind kConfinement.
    [[nodiscard]] Result<> Label(int fd, const std::string& name, bool read_only);

    // Puts every label back that is still the one set here. Sentences for the log about those that are not. Once.
    std::vector<std::string> Restore();

 private:
    struct Labelled {
        ScopedFd fd;  // O_PATH: no part of the disk's lock
        LabelEntry entry;
    };

    Result<> LabelForGood(int fd, const SecurityContext& wanted, const std::string& old_label,
                          const char* object_class);
    Result<> LabelForNow(int fd, const SecurityContext& wanted, const std::string& old_label, const char* object_class);
    // Of the launcher, on files with that label.
    Result<> Need(const std::string& label, const char* object_class, const char* permission) const;
    // The label `wanted` with the SELinux user with which it may be given.
    Result<std::string> Allowed(const SecurityContext& wanted, const std::string& old_label,
                                const char* object_class) const;
    Result<> SetAndCheck(int fd, const std::string& label);
    Result<> Remember(int fd, const std::string& old_label, const std::string& new_label);
    bool MayRead(const std::string& label, const char* object_class) const;

    DiskLabelRules rules_;
    SelinuxHost& host_;
    std::optional<LabelJournal> journal_;
    std::vector<Labelled> labelled_;
};

}  // namespace husk
