// The --stats file: one JSON object about the whole run, with an entry for each time the guest booted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/machine/config.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/family.h"

namespace husk {

class StatsReport {
 public:
    // Opens the file now, so that a path that cannot be written is known before the guest runs.
    [[nodiscard]] static Result<StatsReport> Create(const MachineConfig& config, std::uint64_t process_start);

    // Adds one boot; the family has ended. Times are microseconds since husk's start.
    void AddBoot(const Family& family, const Ending& ending);
    [[nodiscard]] Result<> Write(const Ending& ending);

 private:
    StatsReport(ScopedFd file, const MachineConfig& config, std::uint64_t process_start);

    ScopedFd file_;
    std::string path_;
    std::string name_;
    std::uint32_t vcpus_;
    std::uint64_t process_start_;
    std::vector<std::string> boots_;  // each a JSON object
};

}  // namespace husk
