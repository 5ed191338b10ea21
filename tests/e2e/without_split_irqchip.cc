// Linked into a husk for tests, whose KVM is then one that lacks KVM_CAP_SPLIT_IRQCHIP. All other requests pass.
#include <linux/kvm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
    va_list arguments;
    va_start(arguments, request);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (request == KVM_CHECK_EXTENSION && argument == KVM_CAP_SPLIT_IRQCHIP) return 0;
    return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}
