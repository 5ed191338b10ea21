// Roles of tests/support/role_probe.cc, started by SpawnRole and looked at from the outside.
#pragma once

#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sandbox/process/spawn.h"
#include "tests/support/role_probe.h"
#include "tests/unit/sandbox_child.h"

namespace husk {

// A copy of the probe where an ordinary user can run it too: the build may lie below a folder of root's.
class ProbeProgram {
 public:
    ProbeProgram() {
        std::string folder = std::filesystem::temp_directory_path() / "husk-probe-XXXXXX";
        folder_ = ::mkdtemp(folder.data());
        std::filesystem::permissions(folder_, std::filesystem::perms{0755});
        std::filesystem::copy_file(HUSK_ROLE_PROBE, Path());
    }
    ProbeProgram(const ProbeProgram&) = delete;
    ProbeProgram& operator=(const ProbeProgram&) = delete;
    ~ProbeProgram() { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string Path() const { return folder_ / "probe"; }

 private:
    std::filesystem::path folder_;
};

// One started probe. It ends with this object.
class Probe {
 public:
    Probe(const std::string& program, const SpawnOptions& options) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
        channel_.Reset(ends[0]);
        const ScopedFd theirs(ends[1]);
        const std::vector<SlotAssignment> slots{{theirs.Get(), kProbeChannel}};
        process_ = SpawnRole(program, "probe", "husk: probe", slots, options);
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() {
        if (!process_) return;
        channel_.Reset();
        (void)WaitForRole(*process_);
    }

    [[nodiscard]] const Result<RoleProcess>& Process() const { return process_; }

    [[nodiscard]] ProbeReport Ask(const ProbeRequest& request) const {
        ProbeReport report;
        EXPECT_EQ(::send(channel_.Get(), &request, sizeof request, MSG_NOSIGNAL), ssize_t{sizeof request});
        EXPECT_EQ(::recv(channel_.Get(), &report, sizeof report, 0), ssize_t{sizeof report});
        return report;
    }

    // A field of /proc/PID/status, e.g. "CapBnd".
    [[nodiscard]] std::string Status(const std::string& field) const {
        std::ifstream file(Folder() + "/status");
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with(field + ":")) return line.substr(line.find_first_not_of(" \t", field.size() + 1));
        }
        return "no " + field;
    }
    // Whether it is in another namespace than this process; `kind` as in /proc/PID/ns.
    [[nodiscard]] bool HasOwn(const std::string& kind) const {
        const auto link = [&kind](const std::string& folder) {
            return std::filesystem::read_symlink(folder + "/ns/" + kind);
        };
        return link(Folder()) != link("/proc/self");
    }

 private:
    [[nodiscard]] std::string Folder() const { return "/proc/" + std::to_string(process_->pid); }

    ScopedFd channel_;
    Result<RoleProcess> process_ = Fail("no channel");
};

}  // namespace husk
