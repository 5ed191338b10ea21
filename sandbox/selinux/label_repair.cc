#include "sandbox/selinux/label_repair.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace husk {
namespace {

// The file of the entry, where its path still leads to the inode that was labelled: through no final link, and without
// opening it for I/O.
ScopedFd Find(const LabelEntry& entry) {
    ScopedFd fd(::open(entry.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.Get(), &status) != 0) return ScopedFd();
    if (status.st_dev != entry.device || status.st_ino != entry.inode) return ScopedFd();
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return ScopedFd();
    return fd;
}

// Whether the entry is done with; its sentence goes to `sentences`.
bool Repair(const LabelEntry& entry, SelinuxHost& host, std::vector<std::string>& sentences) {
    const ScopedFd fd = Find(entry);
    if (!fd) {
        sentences.push_back("SELinux: " + entry.path + " had the label " + entry.old_label +
                            " before a husk that was killed changed it, but is no longer there");
        return true;
    }
    const auto put_back = PutLabelBack(fd.Get(), entry, host);
    if (!put_back) {
        sentences.push_back("SELinux: the label of " + entry.path + " was " + entry.old_label +
                            " and could not be put back: " + put_back.error().Message());
        return false;
    }
    if (*put_back) {
        sentences.push_back("SELinux: the label of " + entry.path + " is " + entry.old_label +
                            " again, after a husk that was killed");
    }
    return true;
}

// Nothing where it is not a journal of ours: someone else's, a link, or readable by others.
ScopedFd OpenJournal(const JournalFolder& folder, const std::string& name) {
    ScopedFd file(::openat(folder.Fd(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!file || ::fstat(file.Get(), &status) != 0) return ScopedFd();
    const bool ours = S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
    return ours && status.st_nlink == 1 ? std::move(file) : ScopedFd();
}

std::string ReadAll(const ScopedFd& file) {
    std::string text(kMaxJournalBytes, '\0');
    std::size_t length = 0;
    while (length < text.size()) {
        const ssize_t got = ::pread(file.Get(), text.data() + length, text.size() - length, static_cast<off_t>(length));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        length += static_cast<std::size_t>(got);
    }
    text.resize(length);
    return text;
}

std::vector<std::string> JournalNames(const JournalFolder& folder) {
    std::vector<std::string> names;
    const int fd = ::openat(folder.Fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return names;
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd), ::closedir);
    if (!listing) {
        ::close(fd);
        return names;
    }
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name(entry->d_name);
        if (name.starts_with(kJournalPrefix)) names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace

Result<bool> PutLabelBack(int fd, const LabelEntry& entry, SelinuxHost& host) {
    if (HUSK_TRY(host.FileLabel(fd)) != entry.new_label) return false;
    HUSK_TRY(host.SetFileLabel(fd, entry.old_label));
    return true;
}

Result<std::vector<std::string>> RepairLabels(const std::string& folder_path, SelinuxHost& host) {
    std::vector<std::string> sentences;
    if (::access(folder_path.c_str(), F_OK) != 0) return sentences;  // no husk has ever labelled anything
    const JournalFolder folder = HUSK_TRY(JournalFolder::Open(folder_path));
    const ScopedFd guard = HUSK_TRY(folder.Lock());
    for (const std::string& name : JournalNames(folder)) {
        const ScopedFd file = OpenJournal(folder, name);
        if (!file) continue;
        const auto locked = TryLockJournal(file);
        if (!locked || !*locked) continue;
        bool done = true;
        auto entries = ParseLabelJournal(ReadAll(file));
        std::ranges::reverse(entries);
        for (const LabelEntry& entry : entries) done = Repair(entry, host, sentences) && done;
        if (done) ::unlinkat(folder.Fd(), name.c_str(), 0);
    }
    return sentences;
}

}  // namespace husk
