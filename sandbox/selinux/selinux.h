// SELinux, as the launcher uses it: a domain and a category pair for one VM, its disks' labels, and the contexts of its
// sockets and roles. In the order of a start:
//
//     Prepare                    decides, reserves the pair, asks the policy, repairs what killed launchers left
//     LabelDisk                  for each disk, opened and locked
//     LabelPipe                  for each descriptor of the user's that a role inherits
//     LabelSockets               around the creation of sockets and socket pairs for the roles
//     EnterTarget                around the creation of each role's process
//     RestoreLabels              when all roles have ended
//
// A role then runs CheckOwnContext (own_context.h) with Target(). All of it belongs to the launcher's main thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/selinux/category_pair.h"
#include "sandbox/selinux/disk_labels.h"
#include "sandbox/selinux/scoped_context.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"

namespace husk {

struct SelinuxRequest {
    enum class Mode {
        kAuto,      // required where the kernel has SELinux active
        kRequired,  // refused where it has not
        kOff,
    };
    Mode mode = Mode::kAuto;
    // Either makes kAuto mean kRequired. Not both.
    std::optional<std::string> type;   // instead of the domain husk would choose
    std::optional<std::string> label;  // the whole context, taken as it is: no pair is chosen
    // Where the label journal lies; else where label_journal.h says.
    std::optional<std::string> journal_folder;
};

class SelinuxConfinement {
 public:
    // Nothing: SELinux is off, or not active and not required. `program`: the absolute path of husk's binary. `host`
    // must outlive the confinement. Logs warnings. Errors: kConfinement (with what gives or waives it), kUsage.
    [[nodiscard]] static Result<std::optional<SelinuxConfinement>> Prepare(const SelinuxRequest& request,
                                                                           const std::string& program,
                                                                           SelinuxHost& host);

    // The context of every role of this VM.
    [[nodiscard]] const std::string& Target() const { return target_; }

    // See DiskLabels::Label.
    [[nodiscard]] Result<> LabelDisk(int fd, const std::string& name, bool read_only);
    // Where `fd` is a pipe: takes its range down to the low level. A pipe has the whole range of the shell that made
    // it, with categories that no VM has, and stays with what it is piped into: nothing to restore. A failure is
    // logged; a role that is refused the pipe will say so.
    void LabelPipe(int fd);
    // Logs what it could not do. The destructor does it too; a killed launcher's next start does it for it.
    void RestoreLabels();

    [[nodiscard]] Result<ScopedSocketContext> LabelSockets() { return ScopedSocketContext::Set(target_, *host_); }
    [[nodiscard]] Result<ScopedExecContext> EnterTarget() { return ScopedExecContext::Set(target_, *host_); }

 private:
    SelinuxConfinement(std::string target, std::optional<PairReservation> pair, std::unique_ptr<DiskLabels> disks,
                       SelinuxHost& host)
        : target_(std::move(target)), pair_(std::move(pair)), disks_(std::move(disks)), host_(&host) {}

    std::string target_;
    std::optional<PairReservation> pair_;  // destroyed after the disks are labelled back
    std::unique_ptr<DiskLabels> disks_;
    SelinuxHost* host_;
};

// What Prepare would do, without doing anything: for doctor.
struct SelinuxDescription {
    bool active = false;
    bool refused = false;               // `husk run` would end with `summary`
    std::string summary;                // one sentence
    std::vector<std::string> warnings;  // what it would log, and what would refuse disks
};
[[nodiscard]] SelinuxDescription DescribeSelinux(const SelinuxRequest& request, const std::string& program,
                                                 const SelinuxHost& host);

}  // namespace husk
