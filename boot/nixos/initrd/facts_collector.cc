#include "boot/nixos/initrd/facts_collector.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "boot/nixos/initrd/module_index.h"

namespace husk {
namespace {

constexpr std::size_t kMaxArchives = 16;
constexpr std::size_t kMaxModules = 16384;
constexpr std::size_t kMaxModuleName = 64;  // Linux: MODULE_NAME_LEN less what it needs itself
constexpr std::size_t kMaxVersions = 16;
constexpr std::size_t kMaxScripts = 256;
constexpr std::size_t kTextBytes = 1U << 20;  // of modules.builtin, fstab and fsinfo

std::string_view Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 is 0

// The part of `path` behind "lib/modules/", wherever that folder is; empty when it is in none.
std::string_view UnderModules(std::string_view path) {
    constexpr std::string_view kFolder = "lib/modules/";
    const std::size_t at = path.find(kFolder);
    const bool whole = at == 0 || (at != path.npos && path[at - 1] == '/');
    return whole ? path.substr(at + kFolder.size()) : std::string_view();
}

// "virtio_blk" of "virtio-blk.ko.zst"; empty for what is no module.
std::string ModuleName(std::string_view file) {
    std::string name(file.substr(0, kMaxModuleName + 8));
    for (const std::string_view suffix : {".gz", ".xz", ".zst"}) {
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    if (!name.ends_with(".ko")) return {};
    name.resize(name.size() - 3);
    std::ranges::replace(name, '-', '_');
    return name.size() <= kMaxModuleName ? name : std::string();
}

bool IsEarly(std::string_view path) {
    return path.starts_with("kernel/x86/microcode/") || path.starts_with("kernel/firmware/acpi/");
}

bool IsUnlocker(std::string_view path) {
    const std::string_view file = BaseName(path);
    return file == "cryptsetup" || file == "systemd-cryptsetup" || path == "etc/crypttab";
}

// fstab and fsinfo, by where nixpkgs and others put them.
bool IsFstab(std::string_view path) { return path == "etc/fstab" || BaseName(path).ends_with("-initrd-fstab"); }
bool IsFsInfo(std::string_view path) { return BaseName(path).ends_with("-initrd-fsinfo"); }
bool IsBuiltInList(std::string_view path) { return UnderModules(path).ends_with("/modules.builtin"); }
bool IsBuiltInIndex(std::string_view path) { return UnderModules(path).ends_with("/modules.builtin.bin"); }
bool IsStoreScript(std::string_view path) { return path.starts_with("nix/store/") && path.ends_with("-init.sh"); }

}  // namespace

void FactsCollector::Archive(Compression compression, std::uint64_t offset) {
    const bool after_another = std::ranges::any_of(facts_.archives, [](const auto& a) { return !a.early; });
    facts_.secrets_appended = facts_.secrets_appended || after_another;
    if (facts_.archives.size() < kMaxArchives) facts_.archives.push_back({compression, offset, 0, false});
}

std::size_t FactsCollector::Entry(const CpioEntry& entry) {
    const std::string_view path = entry.name;
    InitrdArchive& archive = facts_.archives.back();
    ++archive.entries;
    ++facts_.entries;
    archive.early = archive.early || IsEarly(path);
    facts_.nixos = facts_.nixos || path.starts_with("nix/store/");
    facts_.unlocks_luks = facts_.unlocks_luks || IsUnlocker(path);
    facts_.holds_store = facts_.holds_store || path == "nix-store.squashfs";
    facts_.secrets_appended = facts_.secrets_appended || path.starts_with(".initrd-secrets/");
    has_initrd_release_ = has_initrd_release_ || path == "etc/initrd-release";
    if (path == "init") return cpio_limits::kName;
    if (!entry.IsFile()) return 0;
    NoteModule(path);
    if (IsStoreScript(path)) return 2;
    if (IsFstab(path) || IsFsInfo(path) || IsBuiltInList(path)) return std::min(kTextBytes, text_left_);
    return IsBuiltInIndex(path) ? std::min(cpio_limits::kBody, text_left_) : 0;
}

void FactsCollector::Body(const CpioEntry& entry, std::span<const std::byte> body) {
    const std::string_view path = entry.name;
    if (path == "init") return NoteInit(entry, body);
    if (IsStoreScript(path)) {
        if (Text(body) == "#!" && store_scripts_.size() < kMaxScripts) store_scripts_.emplace(path);
        return;
    }
    text_left_ -= body.size();
    if (IsFstab(path)) return NoteMounts(ParseFstab(Text(body)));
    if (IsFsInfo(path)) return NoteMounts(ParseFsInfo(Text(body)));
    const bool index = IsBuiltInIndex(path);
    if (index && !IsModuleIndex(body)) return;  // depmod leaves an empty file when it was not told
    if (!facts_.built_in) facts_.built_in.emplace();
    if (index) {
        for (const std::string_view name : kModulesOfInterest) {
            if (ModuleIndexHas(body, name)) facts_.built_in->emplace(name);
        }
        return;
    }
    for (std::string_view rest = Text(body); !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        NoteBuiltIn(ModuleName(BaseName(line)));
    }
}

void FactsCollector::NoteBuiltIn(std::string_view name) {
    if (std::ranges::find(kModulesOfInterest, name) != kModulesOfInterest.end()) facts_.built_in->emplace(name);
}

void FactsCollector::NoteModule(std::string_view path) {
    const std::string_view under = UnderModules(path);
    const std::size_t slash = under.find('/');
    if (slash == 0 || slash == under.npos) return;
    std::string name = ModuleName(BaseName(path));
    if (name.empty()) return;
    const std::string_view version = under.substr(0, slash);
    if (version.size() <= kMaxModuleName && facts_.kernel_versions.size() < kMaxVersions) {
        facts_.kernel_versions.emplace(version);
    }
    if (facts_.modules.size() < kMaxModules) facts_.modules.insert(std::move(name));
}

void FactsCollector::NoteInit(const CpioEntry& entry, std::span<const std::byte> body) {
    init_is_link_ = entry.IsLink();
    (init_is_link_ ? init_target_ : init_start_) = Text(body.first(std::min<std::size_t>(body.size(), 512)));
}

void FactsCollector::NoteMounts(std::vector<InitrdMount> mounts) {
    const std::size_t room = 2 * kMaxMounts - std::min(facts_.mounts.size(), 2 * kMaxMounts);
    mounts.resize(std::min(mounts.size(), room));
    std::ranges::move(mounts, std::back_inserter(facts_.mounts));
}

Stage1 FactsCollector::KindOfInit() const {
    if (init_is_link_) {
        const std::string_view file = BaseName(init_target_);
        const std::string_view inside = std::string_view(init_target_).substr(init_target_.starts_with('/') ? 1 : 0);
        if (file == "systemd") return Stage1::kSystemd;
        return file.ends_with(".sh") || store_scripts_.contains(inside) ? Stage1::kScript : Stage1::kOther;
    }
    if (init_start_.empty()) return Stage1::kNone;
    if (init_start_.starts_with("#!")) return Stage1::kScript;
    return has_initrd_release_ ? Stage1::kSystemd : Stage1::kOther;  // systemd insists on that file in an initrd
}

InitrdFacts FactsCollector::Finish() {
    facts_.stage1 = KindOfInit();
    return std::move(facts_);
}

}  // namespace husk
