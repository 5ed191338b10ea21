#include "vmm/roles/sealing.h"

#include "sandbox/seccomp/install.h"
#include "sandbox/seccomp/violation.h"
#include "sandbox/selinux/own_context.h"
#include "vmm/base/sealed_thread.h"
#include "vmm/roles/mailbox.h"

namespace husk {

Result<Sealing> Sealing::Begin(const Channel& launcher) {
    const Confinement wanted = HUSK_TRY(Expect<Confinement>(launcher)).first;
    if (wanted.context.length > 0) HUSK_TRY(CheckOwnContext(wanted.context.View()));
    return Sealing(LayerSet::FromBits(wanted.required), LayerSet::FromBits(wanted.without));
}

Result<> Sealing::SealProcess(const Limits& limits, int violations, SealReport& report) const {
    const auto last_words = MessageBuffer::Encode(Violation{});
    HUSK_TRY(ReportViolations(violations, last_words.Bytes(), MessageBuffer::kBodyAt));
    report = HUSK_TRY(husk::SealProcess(
        {.without = without_, .required = required_, .open_files = limits.open_files, .file_size = limits.file_size}));
    return {};
}

Result<> Sealing::SealThread(std::span<const sock_filter> program) const {
    if (Wants(Layer::kSeccomp)) HUSK_TRY(InstallFilter(program));
    ForbidAllocation();
    return {};
}

}  // namespace husk
