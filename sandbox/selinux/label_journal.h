// The journal of relabelled disks: what lets the next start put labels back after a launcher was killed.
//
// One file for each launcher, mode 0600, in a folder that only its user can write. It is locked (an OFD lock) while the
// launcher lives, and an entry is on the disk before the label it speaks of is changed. A journal that nobody holds
// locked belongs to a launcher that is gone. Attributes of the disk itself would not do: a VM's domain may write those
// of its own disk, and could forge the label that it gets back.
//
// Folder: /run/husk for root, whatever the environment says (a journal tells root which labels to set, so it must not
// lie where another user can write); else $XDG_RUNTIME_DIR/husk. Without one, disks are not relabelled and the start is
// refused.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

struct LabelEntry {
    std::uint64_t device = 0;  // st_dev of the file
    std::uint64_t inode = 0;
    std::string old_label;
    std::string new_label;
    std::string path;  // absolute

    bool operator==(const LabelEntry&) const = default;
};

// One line with its newline; odd bytes become %XX.
[[nodiscard]] std::string FormatLabelEntry(const LabelEntry& entry);
// Untrusted text. Lines that are no entries are passed over; so is a last line without its newline: its label was not
// changed yet.
[[nodiscard]] std::vector<LabelEntry> ParseLabelJournal(std::string_view text);

// `runtime_dir` is $XDG_RUNTIME_DIR or null. Kind kConfinement.
[[nodiscard]] Result<std::string> JournalFolderPath(uid_t user, const char* runtime_dir);

// An open folder of journals. Creates it; refuses one that others could write.
class JournalFolder {
 public:
    [[nodiscard]] static Result<JournalFolder> Open(const std::string& path);

    [[nodiscard]] int Fd() const { return fd_.Get(); }
    // Waits until no other start creates or repairs journals here. Lasts as long as what it returns.
    [[nodiscard]] Result<ScopedFd> Lock() const;

 private:
    explicit JournalFolder(ScopedFd fd) : fd_(std::move(fd)) {}
    ScopedFd fd_;
};

inline constexpr std::string_view kJournalPrefix = "labels.";
inline constexpr std::size_t kMaxJournalBytes = 1 << 20;

// Whether `file`, a journal, could be locked; false where its launcher lives.
[[nodiscard]] Result<bool> TryLockJournal(const ScopedFd& file);

// This launcher's own. Destroying it leaves the file, for the next start to repair from.
class LabelJournal {
 public:
    [[nodiscard]] static Result<LabelJournal> Create(const std::string& folder);

    // On the disk when it returns.
    [[nodiscard]] Result<> Append(const LabelEntry& entry);
    // When all labels are back.
    void Remove();

 private:
    LabelJournal(JournalFolder folder, std::string name, ScopedFd file)
        : folder_(std::move(folder)), name_(std::move(name)), file_(std::move(file)) {}

    JournalFolder folder_;
    std::string name_;
    ScopedFd file_;
    std::size_t bytes_ = 0;
};

}  // namespace husk
