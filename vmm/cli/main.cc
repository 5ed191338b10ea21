// husk's main: a person's command, or one of the roles that the launcher starts from the same program.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "sandbox/process/spawn.h"
#include "vmm/base/clock.h"
#include "vmm/cli/check.h"
#include "vmm/cli/doctor.h"
#include "vmm/cli/image_store.h"
#include "vmm/cli/list.h"
#include "vmm/cli/options.h"
#include "vmm/machine/supervisor.h"
#include "vmm/roles/blk_role.h"
#include "vmm/roles/console_role.h"
#include "vmm/roles/net_role.h"
#include "vmm/roles/reader_role.h"
#include "vmm/roles/vmm_role.h"

namespace husk {
namespace {

int Report(const Error& error) {
    Log(LogLevel::kError, error.Message());
    return static_cast<int>(StatusOf(error.Kind()));
}

int Execute(const RunCommand& command, std::uint64_t process_start) {
    SetLogLevel(command.log_level);
    const auto ending = RunMachine(command.machine, process_start);
    if (!ending) return Report(ending.error());
    if (!ending->sentence.empty()) Log(LogLevel::kError, ending->sentence);
    return ending->Code();
}

int Main(int argc, char** argv) {
    const std::uint64_t process_start = MonotonicNanoseconds();
    if (const char* const role = std::getenv(kRoleVariable)) {
        if (std::string_view(role) == "vmm") RunVmmRole();
        if (std::string_view(role) == "console") RunConsoleRole();
        if (std::string_view(role) == "blk") RunBlkRole();
        if (std::string_view(role) == "net") RunNetRole();
        if (std::string_view(role) == "reader") RunReaderRole();
        std::fprintf(stderr, "husk: %s is set to a role that does not exist; unset it\n", kRoleVariable);
        return static_cast<int>(ExitStatus::kUsage);
    }
    const auto command = ParseCommandLine(argc, argv);
    if (!command) return Report(command.error());
    if (const auto* const run = std::get_if<RunCommand>(&*command)) return Execute(*run, process_start);
    if (const auto* const list = std::get_if<ListCommand>(&*command)) return RunList(*list);
    if (const auto* const check = std::get_if<CheckCommand>(&*command)) return RunCheck(*check);
    if (const auto* const store = std::get_if<ImageStoreCommand>(&*command)) return RunImageStore(*store);
    if (const auto* const doctor = std::get_if<DoctorCommand>(&*command)) return RunDoctor(*doctor);
    std::fputs(std::get<PrintCommand>(*command).text.c_str(), stdout);
    return 0;
}

}  // namespace
}  // namespace husk

int main(int argc, char** argv) {
    try {
        return husk::Main(argc, argv);
    } catch (const std::exception& error) {  // out of memory, most likely: the libraries throw, husk does not
        std::fprintf(stderr, "husk: %s\n", error.what());
        return 1;
    }
}
