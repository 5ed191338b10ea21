// A tool of the build: writes the source of SyscallName() to the file named by its argument.
#include <seccomp.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kEnd = 600;  // numbers above are not in use

}  // namespace

int main(int argc, char** argv) {
    std::FILE* const out = argc == 2 ? std::fopen(argv[1], "w") : nullptr;
    if (out == nullptr) return 1;
    std::fprintf(out,
                 "// Written by sandbox/seccomp/write_syscall_names.cc.\n"
                 "#include \"sandbox/seccomp/syscall_name.h\"\n\n"
                 "namespace husk {\n\n"
                 "std::string_view SyscallName(std::uint32_t number) {\n    switch (number) {\n");
    for (int number = 0; number < kEnd; ++number) {
        char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
        if (name == nullptr) continue;
        std::fprintf(out, "        case %d:\n            return \"%s\";\n", number, name);
        std::free(name);
    }
    std::fprintf(out, "        default:\n            return \"unknown\";\n    }\n}\n\n}  // namespace husk\n");
    return std::fclose(out) == 0 ? 0 : 1;
}
