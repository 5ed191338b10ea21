// A tool of the build: compiles every table and writes the source of filters.h to the file named by its argument.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "sandbox/seccomp/compile.h"
#include "vmm/roles/filters/role_tables.h"
#include "vmm/roles/messages.h"

namespace husk {
namespace {

// "{{6,0,0,2147418112},...}"
std::string Literal(const std::vector<sock_filter>& program) {
    std::string text = "{";
    for (const sock_filter& instruction : program) {
        text += "{" + std::to_string(instruction.code) + "," + std::to_string(instruction.jt) + "," +
                std::to_string(instruction.jf) + "," + std::to_string(instruction.k) + "},\n";
    }
    return text + "}";
}

Result<std::string> Single(const std::string& name, const ThreadTable& table) {
    const auto program = HUSK_TRY_IN(name, CompileFilter(table));
    return "namespace {\nconstexpr sock_filter k" + name + "[] = " + Literal(program) +
           ";\n}  // namespace\nstd::span<const sock_filter> " + name + "() { return k" + name + "; }\n";
}

Result<std::string> ForEachVcpu() {
    std::string programs;
    std::string spans;
    for (std::uint32_t vcpu = 0; vcpu < kMaxVcpus; ++vcpu) {
        const auto program = HUSK_TRY_IN("Vcpu", CompileFilter(role_tables::Vcpu(vcpu)));
        const std::string name = "kVcpu" + std::to_string(vcpu);
        programs += "constexpr sock_filter " + name + "[] = " + Literal(program) + ";\n";
        spans += name + ",";
    }
    return "namespace {\n" + programs + "constexpr std::array<std::span<const sock_filter>, " +
           std::to_string(kMaxVcpus) + "> kVcpus{" + spans +
           "};\n}  // namespace\nstd::span<const sock_filter> Vcpu(std::uint32_t vcpu) { return kVcpus[vcpu]; }\n";
}

Result<std::string> Source() {
    return "// Written by vmm/roles/filters/write_filters.cc.\n#include \"vmm/roles/filters/filters.h\"\n\n"
           "#include <array>\n\nnamespace husk::filters {\n" +
           HUSK_TRY(ForEachVcpu()) + HUSK_TRY(Single("Control", role_tables::Control())) +
           HUSK_TRY(Single("BlkLoop", role_tables::BlkLoop())) +
           HUSK_TRY(Single("BlkRingLoop", role_tables::BlkRingLoop())) +
           HUSK_TRY(Single("BlkPool", role_tables::BlkPool())) + HUSK_TRY(Single("Console", role_tables::Console())) +
           HUSK_TRY(Single("Net", role_tables::Net())) + HUSK_TRY(Single("Reader", role_tables::Reader())) +
           "}  // namespace husk::filters\n";
}

}  // namespace
}  // namespace husk

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const auto source = husk::Source();
    if (!source) {
        std::fprintf(stderr, "write_filters: %s\n", source.error().Message().c_str());
        return 1;
    }
    std::ofstream out(argv[1]);
    out << *source << std::flush;
    return out ? 0 : 1;
}
