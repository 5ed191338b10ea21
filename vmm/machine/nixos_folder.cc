#include "vmm/machine/nixos_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace husk {
namespace {

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

constexpr std::string_view kStore = "/nix/store/";

std::unexpected<Error> Unusable(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

Result<std::string> Resolve(const std::string& path) {
    std::array<char, PATH_MAX> resolved{};
    if (::realpath(path.c_str(), resolved.data()) == nullptr) {
        return std::unexpected(Error::Os("cannot use the NixOS system " + path).As(ErrorKind::kBootSource));
    }
    struct stat status{};
    if (::stat(resolved.data(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return Unusable("cannot use the NixOS system " + path +
                        ": it is not a folder (for a disk image: --disk FILE --boot disk; for an ISO: --iso FILE)");
    }
    return std::string(resolved.data());
}

struct Candidate {
    const char* name;
    SourceForm form;
};
constexpr std::array kCandidates{
    Candidate{"boot.json", SourceForm::kBootspec}, Candidate{"netboot.ipxe", SourceForm::kNetbootIpxe},
    Candidate{"kexec-boot", SourceForm::kKexecBoot}, Candidate{"kernel-params", SourceForm::kKernelParams}};

}  // namespace

Result<HostFile> OpenHostFile(const std::string& what, const std::string& path) {
    const auto refuse = [&](Error error) {
        return std::unexpected(std::move(error).Within("cannot use " + what + " " + path).As(ErrorKind::kBootSource));
    };
    // Non-blocking: opening a FIFO must not hang.
    HostFile file{ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), 0};
    if (!file.fd) return refuse(Error(::strerror(errno)));
    struct stat status{};
    if (::fstat(file.fd.Get(), &status) != 0) return refuse(Error(::strerror(errno)));
    if (S_ISDIR(status.st_mode)) return refuse(Error("it is a directory"));
    if (!S_ISREG(status.st_mode)) return refuse(Error("it is not a regular file"));
    if (status.st_size == 0) return refuse(Error("it is empty"));
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    return file;
}

Result<NixosFolder> NixosFolder::Open(const std::string& path, const std::string& specialisation) {
    NixosFolder folder;
    folder.folder_ = HUSK_TRY(Resolve(path));
    const std::string own = folder.folder_ + "/specialisation/" + specialisation;
    const bool plain = specialisation.find('/') == std::string::npos && specialisation != "." && specialisation != "..";
    if (!specialisation.empty() && plain && Exists(own)) {
        folder.folder_ = HUSK_TRY(Resolve(own));
        folder.own_specialisation_ = true;
    }
    if (const std::size_t store = folder.folder_.find(kStore); store != std::string::npos) {
        folder.root_ = folder.folder_.substr(0, store);
    }
    for (const Candidate& candidate : kCandidates) {
        folder.description_ = folder.folder_ + "/" + candidate.name;
        if (!Exists(folder.description_)) continue;
        folder.form_ = candidate.form;
        folder.file_ = HUSK_TRY(OpenHostFile("the NixOS system's", folder.description_));
        return folder;
    }
    return Unusable(
        "cannot use the NixOS system " + path +
        ": it has neither boot.json nor kernel-params, netboot.ipxe or kexec-boot; give the result of building "
        "config.system.build.toplevel");
}

void NixosFolder::Fill(ReaderConfig& request) const {
    request.form = form_;
    request.bytes = file_.bytes;
    request.folder.Assign(folder_);
    request.has_initrd = Exists(folder_ + "/initrd");
    request.has_secrets = Exists(folder_ + "/append-initrd-secrets");
    if (own_specialisation_) request.specialisation = {};
}

std::string NixosFolder::PathOf(std::string_view found) const {
    if (root_.empty() || ::access((root_ + std::string(found)).c_str(), F_OK) != 0) return std::string(found);
    return root_ + std::string(found);
}

bool NixosFolder::MayGoToTheGuest(std::string_view resolved) const {
    return resolved.starts_with(kStore) || resolved.starts_with(folder_ + "/") ||
           (!root_.empty() && resolved.starts_with(root_ + std::string(kStore)));
}

Result<HostFile> NixosFolder::OpenFile(const std::string& what, std::string_view found) const {
    const std::string path = PathOf(found);
    std::array<char, PATH_MAX> resolved{};
    if (::realpath(path.c_str(), resolved.data()) == nullptr) {
        if (errno == ENOENT && path.starts_with("/nix/store/")) {
            return Unusable("cannot use " + what + " " + path +
                            ": it is not there; copy the system with all that it needs (nix copy)");
        }
        return std::unexpected(Error::Os("cannot use " + what + " " + path).As(ErrorKind::kBootSource));
    }
    if (!MayGoToTheGuest(resolved.data())) {
        return Unusable(
            "cannot use " + what + " " + path + ": " + resolved.data() +
            " is neither in /nix/store nor in the system's folder, and no other file of the host goes to a guest");
    }
    return OpenHostFile(what, resolved.data());
}

}  // namespace husk
