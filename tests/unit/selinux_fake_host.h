// A host's SELinux, made of rules a test sets: allows everything but what is denied. File labels live in memory that
// forked processes share, so that a test can kill a launcher and look at what it left.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/selinux_host.h"

namespace husk {

inline constexpr const char* kHomeLabel = "staff_u:object_r:user_home_t:s0";

class FakeLabels {
 public:
    FakeLabels() {
        void* memory = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        table_ = new (memory) Table{};
    }
    FakeLabels(const FakeLabels&) = delete;
    FakeLabels& operator=(const FakeLabels&) = delete;
    ~FakeLabels() { ::munmap(table_, sizeof(Table)); }

    std::string Get(int fd) const { return SlotOf(fd).data(); }
    void Set(int fd, const std::string& label) {
        SlotOf(fd).fill('\0');
        std::ranges::copy(label, SlotOf(fd).begin());
        ++table_->changes;
    }
    int Changes() const { return table_->changes; }

 private:
    using Label = std::array<char, 120>;
    struct Table {
        int changes = 0;
        std::array<ino_t, 128> inodes{};
        std::array<Label, 128> labels{};
    };
    // Unknown files are in the user's home.
    Label& SlotOf(int fd) const {
        struct stat status{};
        EXPECT_EQ(::fstat(fd, &status), 0);
        const auto known = std::ranges::find_if(table_->inodes, [&](ino_t i) { return i == 0 || i == status.st_ino; });
        Label& label = table_->labels[static_cast<std::size_t>(known - table_->inodes.begin())];
        if (*known == 0) std::strcpy(label.data(), kHomeLabel);
        *known = status.st_ino;
        return label;
    }
    Table* table_;
};

class FakeSelinuxHost : public SelinuxHost {
 public:
    bool active = true;
    bool enforcing = true;
    std::string own = "staff_u:staff_r:staff_t:s0-s0:c0.c1023";
    std::vector<std::string> running;
    std::set<std::string> known_types{"svirt_t", "svirt_image_t", "virt_content_t", "staff_t", "user_home_t"};
    std::set<std::string> denied;        // "source_t target_t class permission"
    std::set<std::string> denied_users;  // SELinux users that nothing may be labelled or run with
    std::set<std::string> permissive_domains;
    bool range_confines = false;  // the launcher's range must dominate what it gives
    bool no_new_privs = false;
    bool nosuid = false;
    int refuse_labels_errno = 0;
    bool ignores_labels = false;
    int die_at = -1;  // the process ends at this step of labelling, counted from 1
    std::string domain_file = "system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n";
    std::string image_file = "system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n";
    std::string exec_context;
    std::string socket_context;
    FakeLabels labels;

    bool Active() const override { return active; }
    Result<bool> Enforcing() const override { return enforcing; }
    Result<std::string> OwnContext() const override { return own; }
    std::vector<std::string> RunningContexts() const override { return running; }
    bool IsValid(const std::string& context) const override {
        const auto parsed = SecurityContext::Parse(context);
        return parsed && known_types.contains(parsed->type);
    }
    Result<AccessAnswer> Ask(const std::string& source, const std::string& target, const char* object_class,
                             const char* permission) const override {
        const SecurityContext from = SecurityContext::Parse(source).value();
        const SecurityContext to = SecurityContext::Parse(target).value();
        const std::string what = permission;
        const bool gives = what == "transition" || what == "relabelto";
        const bool by_rule = !denied.contains(from.type + " " + to.type + " " + object_class + " " + what);
        const bool by_user = !gives || !denied_users.contains(to.user);
        const bool by_range = !gives || !range_confines ||
                              SecurityRange::Parse(from.range)->high.Dominates(SecurityRange::Parse(to.range)->high);
        return AccessAnswer{by_rule && by_user && by_range, permissive_domains.contains(from.type)};
    }
    Result<std::string> VirtualDomainContexts() const override { return domain_file; }
    Result<std::string> VirtualImageContexts() const override { return image_file; }
    Result<std::string> FileLabel(int fd) const override {
        Step();
        return labels.Get(fd);
    }
    Result<> SetFileLabel(int fd, const std::string& label) override {
        Step();
        if (refuse_labels_errno != 0) return FailOs("cannot give it the SELinux label " + label, refuse_labels_errno);
        if (!ignores_labels) labels.Set(fd, label);
        Step();
        return {};
    }
    Result<> SetExecContext(const std::string& context) override {
        exec_context = context;
        return {};
    }
    Result<> SetSocketContext(const std::string& context) override {
        socket_context = context;
        return {};
    }
    bool NoNewPrivileges() const override { return no_new_privs; }
    bool OnNosuidMount(int) const override { return nosuid; }

 private:
    void Step() const {
        if (++steps_ == die_at) ::_exit(0);
    }
    mutable int steps_ = 0;
};

// A folder of disks, and one of journals beside them.
class SelinuxFolderTest : public ::testing::Test {
 protected:
    SelinuxFolderTest() {
        std::string pattern = std::filesystem::temp_directory_path() / "husk-selinux-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~SelinuxFolderTest() override { std::filesystem::remove_all(folder_); }

    std::string Path(const std::string& name) const { return folder_ / name; }
    std::string Disk(const std::string& name) const {
        std::ofstream(Path(name)) << "disk";
        return Path(name);
    }
    std::string Journals() const { return Path("journals"); }
    std::vector<std::string> JournalFiles() const {
        std::vector<std::string> paths;
        std::error_code missing;
        for (const auto& entry : std::filesystem::directory_iterator(Journals(), missing))
            paths.push_back(entry.path());
        return paths;
    }
    static std::string Contents(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::filesystem::path folder_;
};

// Runs `body` in a process of its own that never returns to the test, and waits for its end.
template <typename Body>
void InAChild(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
}

}  // namespace husk
