// The pair of categories that keeps one VM apart from all others under SELinux (sVirt): two different ones, random, and
// used by nobody else on this host.
//
// Reserved without a daemon: a socket bound to an abstract name made of the pair. The kernel lets one process have it,
// and frees it when that process dies in whatever way. Two limits: abstract names are of a network namespace, so
// launchers in different ones do not meet there; and libvirt knows nothing of them. Both are met by their running
// processes instead, as far as /proc shows those to this launcher. Beyond that, one chance in 523,776 remains.
#pragma once

#include <string>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

struct CategoryPair {
    unsigned low = 0;
    unsigned high = 0;

    [[nodiscard]] std::string ToString() const;  // "c1,c2"
    [[nodiscard]] CategorySet Categories() const;
    bool operator==(const CategoryPair&) const = default;
};

// Two of `from`, each pair as likely as any other, from the kernel's randomness. Kind kConfinement when there are no
// two.
[[nodiscard]] Result<CategoryPair> DrawCategoryPair(const CategorySet& from);

class PairReservation {
 public:
    // A pair of `from` that no launcher has reserved and no running process has.
    [[nodiscard]] static Result<PairReservation> Reserve(const CategorySet& from, const SelinuxHost& host);

    [[nodiscard]] const CategoryPair& Pair() const { return pair_; }

 private:
    PairReservation(CategoryPair pair, ScopedFd socket) : pair_(pair), socket_(std::move(socket)) {}

    CategoryPair pair_;
    ScopedFd socket_;
};

// Whether somebody has exactly these categories: by reservation, or as a running process.
[[nodiscard]] bool CategoriesAreInUse(const CategorySet& categories, const SelinuxHost& host);

}  // namespace husk
