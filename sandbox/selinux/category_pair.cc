#include "sandbox/selinux/category_pair.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace husk {
namespace {

constexpr int kDraws = 256;

// Below `limit`, every number as likely as any other.
Result<unsigned> RandomBelow(unsigned limit) {
    const std::uint64_t fair = (std::uint64_t{1} << 32) / limit * limit;
    for (;;) {
        std::uint32_t number = 0;
        if (::getrandom(&number, sizeof(number), 0) != static_cast<ssize_t>(sizeof(number))) {
            if (errno == EINTR) continue;
            return FailOs("cannot get random numbers");
        }
        if (number < fair) return number % limit;
    }
}

// A socket with the pair's name; none where another has it.
Result<ScopedFd> BindName(const CategoryPair& pair) {
    ScopedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return FailOs("cannot create the socket that reserves a category pair");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "husk/selinux/" + pair.ToString();
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    // The type that bind(2) takes.
    if (::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
    if (errno == EADDRINUSE) return ScopedFd();
    return FailOs("cannot reserve a category pair");
}

bool IsRunning(const CategorySet& categories, const SelinuxHost& host) {
    return std::ranges::any_of(host.RunningContexts(), [&](const std::string& text) {
        const auto context = SecurityContext::Parse(text);
        return context && context->Categories() == categories;
    });
}

}  // namespace

std::string CategoryPair::ToString() const { return "c" + std::to_string(low) + ",c" + std::to_string(high); }

CategorySet CategoryPair::Categories() const { return CategorySet().set(low).set(high); }

Result<CategoryPair> DrawCategoryPair(const CategorySet& from) {
    std::vector<unsigned> categories;
    for (unsigned category = 0; category < kCategories; ++category) {
        if (from.test(category)) categories.push_back(category);
    }
    const auto count = static_cast<unsigned>(categories.size());
    if (count < 2) return Fail(ErrorKind::kConfinement, "SELinux: there are no two categories to choose from");
    const unsigned first = HUSK_TRY(RandomBelow(count));
    const unsigned other = HUSK_TRY(RandomBelow(count - 1));
    const unsigned second = other + (other >= first ? 1 : 0);
    return CategoryPair{categories[std::min(first, second)], categories[std::max(first, second)]};
}

Result<PairReservation> PairReservation::Reserve(const CategorySet& from, const SelinuxHost& host) {
    for (int draw = 0; draw < kDraws; ++draw) {
        const CategoryPair pair = HUSK_TRY(DrawCategoryPair(from));
        ScopedFd socket = HUSK_TRY(BindName(pair));
        // Looked for only once the name is taken: of two launchers, one sees the other in any case.
        if (socket && !IsRunning(pair.Categories(), host)) return PairReservation(pair, std::move(socket));
    }
    return Fail(ErrorKind::kConfinement, "SELinux: no category pair that nobody uses was found; " +
                                             std::to_string(from.count()) + " categories are there to choose from");
}

bool CategoriesAreInUse(const CategorySet& categories, const SelinuxHost& host) {
    if (IsRunning(categories, host)) return true;
    if (categories.count() != 2) return false;
    CategoryPair pair;
    while (!categories.test(pair.low)) ++pair.low;
    for (pair.high = pair.low + 1; !categories.test(pair.high);) ++pair.high;
    const auto socket = BindName(pair);
    return !socket || !*socket;  // where it cannot be told, somebody may
}

}  // namespace husk
