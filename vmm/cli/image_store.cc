#include "vmm/cli/image_store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "vmm/base/log.h"
#include "vmm/base/whole_file.h"
#include "vmm/cli/program.h"
#include "vmm/machine/exit_status.h"

namespace husk {
namespace {

constexpr std::string_view kStoreSlash = "/nix/store/";

std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        if (end > begin) lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
}

// Every store path that the system needs, each an entry of one store folder.
Result<std::vector<std::string>> Closure(const ImageStoreCommand& command) {
    const std::string list = command.closure.empty()
                                 ? HUSK_TRY(CaptureProgram({"nix-store", "--query", "--requisites", command.folder}))
                                 : HUSK_TRY(ReadWholeFile(command.closure));
    std::vector<std::string> paths = Lines(list);
    if (paths.empty()) return Fail(ErrorKind::kBootSource, "the closure of " + command.folder + " is empty");
    for (const std::string& path : paths) {
        const auto store = path.find(kStoreSlash);
        const bool entry = store != std::string::npos &&
                           path.find('/', store + kStoreSlash.size()) == std::string::npos &&
                           path.size() > store + kStoreSlash.size();
        if (!entry) return Fail(ErrorKind::kBootSource, "\"" + path + "\" is no path of a store (/nix/store/NAME)");
        if (::access(path.c_str(), R_OK) != 0) return FailOs("cannot read " + path);
    }
    std::ranges::sort(paths);
    paths.erase(std::ranges::unique(paths).begin(), paths.end());
    return paths;
}

Result<> MakeSquashfs(const std::vector<std::string>& paths, const std::string& out) {
    ProgramArguments arguments{"mksquashfs"};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    for (const char* option : {"-keep-as-directory", "-all-root", "-no-xattrs", "-noappend", "-quiet", "-no-progress",
                               "-comp", "zstd", "-b", "1M"}) {
        arguments.emplace_back(option);
    }
    arguments.insert(arguments.begin() + 1 + static_cast<std::ptrdiff_t>(paths.size()), out);
    return RunProgram(arguments);
}

Result<> MakeErofs(const std::vector<std::string>& paths, const std::string& out) {
    const std::string store = paths.front().substr(0, paths.front().rfind('/'));
    ProgramArguments tar{"tar", "--create", "--owner=0", "--group=0", "--sort=name", "--directory=" + store};
    for (const std::string& path : paths) tar.push_back("./" + path.substr(path.rfind('/') + 1));
    const auto made = PipePrograms(tar, {"mkfs.erofs", "--quiet", "--tar=f", "-L", "nix-store", out});
    if (made) return made;
    return Fail(made.error().Message() +
                " (it must be erofs-utils 1.6 or newer, to read archives; an OUT that ends in "
                ".squashfs needs none)");
}

Result<std::size_t> MakeImage(const ImageStoreCommand& command) {
    const std::vector<std::string> paths = HUSK_TRY(Closure(command));
    const std::string unfinished = command.out + ".part";
    const auto made = command.out.ends_with(".erofs") ? MakeErofs(paths, unfinished) : MakeSquashfs(paths, unfinished);
    if (!made) {
        ::unlink(unfinished.c_str());
        return std::unexpected(made.error());
    }
    // Disks are whole sectors; both tools write whole blocks.
    if (::rename(unfinished.c_str(), command.out.c_str()) != 0) return FailOs("cannot rename to " + command.out);
    return paths.size();
}

}  // namespace

int RunImageStore(const ImageStoreCommand& command) {
    const auto paths = MakeImage(command);
    if (!paths) {
        Log(LogLevel::kError, "cannot make " + command.out + ": " + paths.error().Message());
        return static_cast<int>(StatusOf(paths.error().Kind()));
    }
    std::printf("%s: %zu store paths. Attach it first: --disk %s,ro\n", command.out.c_str(), *paths,
                command.out.c_str());
    return 0;
}

}  // namespace husk
