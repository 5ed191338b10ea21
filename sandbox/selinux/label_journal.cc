#include "sandbox/selinux/label_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "sandbox/selinux/context.h"

namespace husk {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kFields = 5;

std::unexpected<Error> Unusable(const std::string& what) {
    return std::unexpected(Error::Os(what).As(ErrorKind::kConfinement));
}

bool IsPlain(char c) { return c > ' ' && c < '\x7f' && c != '%'; }

std::string Escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (IsPlain(c)) {
            escaped += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        escaped += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
    return escaped;
}

std::optional<std::string> Unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            if (!IsPlain(text[i])) return std::nullopt;
            plain += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const std::size_t high = kHexDigits.find(text[i + 1]);
        const std::size_t low = kHexDigits.find(text[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        plain += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return plain;
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<LabelEntry> ParseEntry(std::string_view line) {
    std::array<std::string_view, kFields> fields;
    for (std::size_t i = 0; i < kFields; ++i) {
        const std::size_t space = line.find(' ');
        if ((space == std::string_view::npos) != (i + 1 == kFields)) return std::nullopt;
        fields[i] = line.substr(0, space);
        if (space != std::string_view::npos) line.remove_prefix(space + 1);
    }
    const auto device = ParseNumber(fields[0]);
    const auto inode = ParseNumber(fields[1]);
    auto old_label = Unescape(fields[2]);
    auto new_label = Unescape(fields[3]);
    auto path = Unescape(fields[4]);
    if (!device || !inode || !old_label || !new_label || !path) return std::nullopt;
    if (old_label->empty() || old_label->size() > kMaxContextLength || new_label->empty() ||
        new_label->size() > kMaxContextLength) {
        return std::nullopt;
    }
    if (!path->starts_with('/') || path->contains('\0')) return std::nullopt;
    return LabelEntry{*device, *inode, std::move(*old_label), std::move(*new_label), std::move(*path)};
}

std::string RandomName() {
    std::array<unsigned char, 8> bytes{};
    (void)!::getrandom(bytes.data(), bytes.size(), 0);  // a name that is taken is an error, not a danger
    std::string name(kJournalPrefix);
    for (const unsigned char byte : bytes) name += {kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    return name;
}

}  // namespace

std::string FormatLabelEntry(const LabelEntry& entry) {
    return std::to_string(entry.device) + " " + std::to_string(entry.inode) + " " + Escape(entry.old_label) + " " +
           Escape(entry.new_label) + " " + Escape(entry.path) + "\n";
}

std::vector<LabelEntry> ParseLabelJournal(std::string_view text) {
    std::vector<LabelEntry> entries;
    for (std::size_t newline = text.find('\n'); newline != std::string_view::npos; newline = text.find('\n')) {
        if (auto entry = ParseEntry(text.substr(0, newline))) entries.push_back(std::move(*entry));
        text.remove_prefix(newline + 1);
    }
    return entries;
}

Result<std::string> JournalFolderPath(uid_t user, const char* runtime_dir) {
    if (user == 0) return "/run/husk";
    if (runtime_dir == nullptr || *runtime_dir != '/') {
        return Fail(
            ErrorKind::kConfinement,
            "SELinux: disks cannot be labelled without a folder to remember their labels in; set XDG_RUNTIME_DIR "
            "(a login session has it)");
    }
    return std::string(runtime_dir) + "/husk";
}

Result<JournalFolder> JournalFolder::Open(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Unusable("cannot create " + path);
    ScopedFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.Get(), &status) != 0) return Unusable("cannot open " + path);
    if (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0) {
        return Fail(ErrorKind::kConfinement, path + " must belong to the user of husk and be writable by nobody else");
    }
    return JournalFolder(std::move(fd));
}

Result<ScopedFd> JournalFolder::Lock() const {
    // Opened anew: flock belongs to the open file.
    ScopedFd fd(::openat(fd_.Get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return Unusable("cannot open the folder of label journals");
    while (::flock(fd.Get(), LOCK_EX) != 0) {
        if (errno != EINTR) return Unusable("cannot lock the folder of label journals");
    }
    return fd;
}

Result<bool> TryLockJournal(const ScopedFd& file) {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(file.Get(), F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return Unusable("cannot lock a label journal");
}

Result<LabelJournal> LabelJournal::Create(const std::string& folder_path) {
    JournalFolder folder = HUSK_TRY(JournalFolder::Open(folder_path));
    // Held until the file is locked: a start that repairs must not see it in between.
    const ScopedFd guard = HUSK_TRY(folder.Lock());
    std::string name = RandomName();
    ScopedFd file(::openat(folder.Fd(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Unusable("cannot create a label journal in " + folder_path);
    if (!HUSK_TRY(TryLockJournal(file))) return Unusable("cannot lock a label journal in " + folder_path);
    return LabelJournal(std::move(folder), std::move(name), std::move(file));
}

Result<> LabelJournal::Append(const LabelEntry& entry) {
    const std::string line = FormatLabelEntry(entry);
    if (bytes_ + line.size() > kMaxJournalBytes) return Fail(ErrorKind::kConfinement, "the label journal is full");
    if (::pwrite(file_.Get(), line.data(), line.size(), static_cast<off_t>(bytes_)) !=
            static_cast<ssize_t>(line.size()) ||
        ::fsync(file_.Get()) != 0 || ::fsync(folder_.Fd()) != 0) {
        return Unusable("cannot write the label journal");
    }
    bytes_ += line.size();
    return {};
}

void LabelJournal::Remove() { ::unlinkat(folder_.Fd(), name_.c_str(), 0); }

}  // namespace husk
