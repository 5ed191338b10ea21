// Result and Error: how everything that can fail outside the guest reports it.
//
// An Error is a sentence for a person. It gains context on its way up ("cannot open disk root.raw: Permission
// denied") and carries the kind of failure, from which the exit status follows. Errors allocate, so they belong to
// start-up and to the launcher; after sealing, faults of a guest are plain enums instead.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace husk {

// What kind of thing went wrong. ExitStatus (vmm/machine) maps each kind to husk's exit status.
enum class ErrorKind {
    kHost,         // the host or KVM refused something
    kUsage,        // the person asked for something impossible
    kConfinement,  // a confinement layer could not be applied
    kBootSource,   // the kernel or initrd cannot be used
};

class Error {
 public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
    explicit Error(std::string message) : Error(ErrorKind::kHost, std::move(message)) {}

    // `what` followed by the description of `os_errno`, e.g. "cannot open x: Permission denied".
    [[nodiscard]] static Error Os(std::string_view what, int os_errno = errno);

    // The same error with "context: " before its sentence.
    [[nodiscard]] Error Within(std::string_view context) &&;
    [[nodiscard]] Error As(ErrorKind kind) && {
        kind_ = kind;
        return std::move(*this);
    }

    [[nodiscard]] ErrorKind Kind() const { return kind_; }
    [[nodiscard]] const std::string& Message() const { return message_; }

 private:
    ErrorKind kind_;
    std::string message_;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// std::unexpected from the arguments of an Error: `return Fail("no such disk");`
template <typename... Args>
[[nodiscard]] std::unexpected<Error> Fail(Args&&... args) {
    return std::unexpected<Error>(std::in_place, std::forward<Args>(args)...);
}
[[nodiscard]] inline std::unexpected<Error> FailOs(std::string_view what, int os_errno = errno) {
    return std::unexpected<Error>(Error::Os(what, os_errno));
}

// The value of a Result that has one, as a value: HUSK_TRY must not end in a reference into a variable of its own (g++
// 12 ends that variable first).
template <typename T>
[[nodiscard]] T TakeValue(Result<T>&& result) {
    return std::move(result).value();
}
inline void TakeValue(Result<void>&&) {}

}  // namespace husk

// The value of a Result, or return its error from the function around it. May be nested.
#define HUSK_TRY(expression) HUSK_TRY_AS(HUSK_TRY_NAME(__COUNTER__), , expression)

// The same, with context put before the error's sentence.
#define HUSK_TRY_IN(context, expression) HUSK_TRY_AS(HUSK_TRY_NAME(__COUNTER__), .Within(context), expression)

#define HUSK_TRY_NAME(number) HUSK_TRY_PASTE(husk_result_, number)
#define HUSK_TRY_PASTE(prefix, number) prefix##number
#define HUSK_TRY_AS(name, addition, expression)                              \
    ({                                                                       \
        auto name = (expression);                                            \
        if (!name) return std::unexpected(std::move(name).error() addition); \
        ::husk::TakeValue(std::move(name));                                  \
    })
