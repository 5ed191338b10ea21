#include "sandbox/seccomp/install.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace husk {

Result<> InstallFilter(std::span<const sock_filter> program) {
    const sock_fprog description{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
    // Without SPEC_ALLOW, kernels before 5.16 slow the whole thread down (speculative store bypass): whoever attacks a
    // role by speculation reads guest RAM and what the role holds, which it has anyway.
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &description) != 0) {
        return FailOs("cannot install a seccomp filter");
    }
    return {};
}

}  // namespace husk
