#include "vmm/kvm/sealed_requests.h"

#include "vmm/kvm/kvm_api.h"

namespace husk::sealed_requests {

static_assert(kRun == KVM_RUN && kIrqFd == KVM_IRQFD && kSetGsiRouting == kvm_api::kSetGsiRouting);

}  // namespace husk::sealed_requests
