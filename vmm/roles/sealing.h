// Sealing: how a role gives up what it no longer needs, in the order in which it must.
//
//     Begin()          right after the manifest: what is wanted, and whether this is the SELinux context it should be
//     ... the role opens, creates and maps all it will ever need ...
//     SealProcess()    while there is one thread: not dumpable, no new privileges, no capabilities, Landlock ...
//     ... the role starts its threads ...
//     SealThread()     each thread for itself, the main thread last: its seccomp filter
//
// After SealThread() a thread makes no system call that is not in its table (vmm/roles/filters) and touches the heap no
// more.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

#include "sandbox/process/layers.h"
#include "sandbox/process/seal_process.h"
#include "vmm/base/result.h"
#include "vmm/roles/channel.h"

namespace husk {

class Sealing {
 public:
    // Receives what the launcher wants. An error of kind kConfinement when the context is another one.
    [[nodiscard]] static Result<Sealing> Begin(const Channel& launcher);

    struct Limits {
        std::uint64_t open_files;         // descriptors in use are below it, and none above can be opened from here on
        std::uint64_t file_size = ~0ULL;  // bytes: no file can grow beyond
    };
    // A forbidden system call of any thread is reported on `violations`, a channel or pipe to the launcher, from now
    // on, before the process dies of it. `report` is for the launcher.
    [[nodiscard]] Result<> SealProcess(const Limits& limits, int violations, SealReport& report) const;

    // The calling thread's filter, for the rest of its life.
    [[nodiscard]] Result<> SealThread(std::span<const sock_filter> program) const;

    [[nodiscard]] bool Wants(Layer layer) const { return !without_.Has(layer); }

 private:
    Sealing(LayerSet required, LayerSet without) : required_(required), without_(without) {}

    LayerSet required_;
    LayerSet without_;
};

}  // namespace husk
