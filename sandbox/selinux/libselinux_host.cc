#include <fcntl.h>
#include <selinux/selinux.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/own_context.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

std::unexpected<Error> Refused(std::string_view what) {
    return std::unexpected(Error::Os(what, errno).As(ErrorKind::kConfinement));
}

std::string TakeContext(char* text) {
    std::string context = text;
    ::freecon(text);
    return context;
}

Result<std::string> ContextFile(const char* path) {
    constexpr std::size_t kMost = 65536;
    if (path == nullptr) return Fail(ErrorKind::kConfinement, "SELinux names no file of contexts for virtual machines");
    const ScopedFd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::string text(kMost, '\0');
    const ssize_t length = file ? ::read(file.Get(), text.data(), text.size()) : -1;
    if (length < 0) return Refused("cannot read SELinux's contexts for virtual machines in " + std::string(path));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

// libselinux reads and writes labels through descriptors that are open for I/O; an O_PATH one has this name instead.
std::string NameOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

class LibSelinuxHost final : public SelinuxHost {
 public:
    // Not is_selinux_enabled(): it says no where selinuxfs is hidden, and there husk must refuse instead of going
    // without.
    bool Active() const override {
        const auto context = ReadProcessContext("self");
        return context && SecurityContext::Parse(*context);
    }

    Result<bool> Enforcing() const override {
        const int mode = ::security_getenforce();
        if (mode < 0) return Refused("SELinux is active, but its file system (/sys/fs/selinux) cannot be asked");
        return mode == 1;
    }

    Result<std::string> OwnContext() const override { return ReadProcessContext("self"); }

    std::vector<std::string> RunningContexts() const override {
        std::vector<std::string> contexts;
        const std::string own = std::to_string(::getpid());
        std::error_code error;
        for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
             entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            if (name == own || name.find_first_not_of("0123456789") != std::string::npos) continue;
            if (auto context = ReadProcessContext(name)) contexts.push_back(std::move(*context));
        }
        return contexts;
    }

    // A launcher that may not ask this gets its refusal, in better words, from what it asks next.
    bool IsValid(const std::string& context) const override {
        return ::security_check_context_raw(context.c_str()) == 0 || errno != EINVAL;
    }

    Result<AccessAnswer> Ask(const std::string& source, const std::string& target, const char* object_class,
                             const char* permission) const override {
        const security_class_t number = ::string_to_security_class(object_class);
        const access_vector_t bit = number == 0 ? 0 : ::string_to_av_perm(number, permission);
        if (bit == 0) return AccessAnswer{};
        av_decision decision{};
        if (::security_compute_av_flags_raw(source.c_str(), target.c_str(), number, bit, &decision) != 0) {
            return Refused("SELinux does not answer whether " + source + " has " + permission + " on " + target);
        }
        return AccessAnswer{(decision.allowed & bit) == bit, (decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE) != 0};
    }

    Result<std::string> VirtualDomainContexts() const override {
        return ContextFile(::selinux_virtual_domain_context_path());
    }
    Result<std::string> VirtualImageContexts() const override {
        return ContextFile(::selinux_virtual_image_context_path());
    }

    Result<std::string> FileLabel(int fd) const override {
        char* label = nullptr;
        int length = ::fgetfilecon_raw(fd, &label);
        if (length < 0 && errno == EBADF) length = ::getfilecon_raw(NameOf(fd).c_str(), &label);
        if (length < 0) return Refused("cannot read its SELinux label");
        return TakeContext(label);
    }

    Result<> SetFileLabel(int fd, const std::string& label) override {
        int failed = ::fsetfilecon_raw(fd, label.c_str());
        if (failed != 0 && errno == EBADF) failed = ::setfilecon_raw(NameOf(fd).c_str(), label.c_str());
        if (failed != 0) return Refused("cannot give it the SELinux label " + label);
        return {};
    }

    Result<> SetExecContext(const std::string& context) override {
        if (::setexeccon_raw(OrNone(context)) != 0)
            return Refused("cannot set the SELinux context of roles, " + context);
        return {};
    }
    Result<> SetSocketContext(const std::string& context) override {
        if (::setsockcreatecon_raw(OrNone(context)) != 0) {
            return Refused("cannot set the SELinux context of sockets, " + context);
        }
        return {};
    }

    bool NoNewPrivileges() const override { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }
    bool OnNosuidMount(int fd) const override {
        struct statvfs mount{};
        return ::fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0;
    }

 private:
    static const char* OrNone(const std::string& context) { return context.empty() ? nullptr : context.c_str(); }
};

}  // namespace

std::unique_ptr<SelinuxHost> MakeLibSelinuxHost() { return std::make_unique<LibSelinuxHost>(); }

}  // namespace husk
