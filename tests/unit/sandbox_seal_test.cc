// Each test tries one escape twice: in a child sealed without the layer in question, where it must work, and in a
// sealed one, where it must fail as named.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <functional>
#include <thread>

#include "sandbox/process/capabilities.h"
#include "sandbox/process/landlock.h"
#include "sandbox/process/seal_process.h"
#include "tests/unit/sandbox_child.h"
#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

constexpr std::uint64_t kOpenFiles = 64;

void Seal(LayerSet without = {}) {
    const auto report = SealProcess({.without = without, .required = {}, .open_files = kOpenFiles});
    ASSERT_TRUE(report.has_value()) << report.error().Message();
}

// What Landlock does from this ABI on, on the kernel that runs the test.
int FromLandlockAbi(int abi, int os_errno) { return LandlockAbi() >= abi ? os_errno : 0; }

class SealedProcess : public testing::TestWithParam<Identity> {
 protected:
    using Attempt = std::function<int()>;
    void ExpectOnlyWithout(Layer layer, const Attempt& attempt, int expected) {
        InChild(GetParam(), [&] {
            Seal({layer});
            EXPECT_EQ(attempt(), 0) << "without " << LayerName(layer);
        });
        InChild(GetParam(), [&] {
            Seal();
            EXPECT_EQ(attempt(), expected) << "sealed";
        });
    }
    void ExpectOnlyUnsealed(const Attempt& attempt, int expected) {
        InChild(GetParam(), [&] { EXPECT_EQ(attempt(), 0) << "unsealed"; });
        InChild(GetParam(), [&] {
            Seal();
            EXPECT_EQ(attempt(), expected) << "sealed";
        });
    }
    // The same in a user namespace, where everybody has all capabilities.
    void ExpectOnlyWithCapabilities(const Attempt& attempt, int expected) {
        InChild(GetParam(), [&] {
            ASSERT_EQ(ErrnoOf(::unshare(CLONE_NEWUSER | CLONE_NEWUTS)), 0);
            EXPECT_EQ(attempt(), 0) << "unsealed";
            Seal();
            EXPECT_EQ(attempt(), expected) << "sealed";
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Users, SealedProcess, testing::Values(Identity::kRunner, Identity::kOrdinaryUser),
                         IdentityName);

// A process of the same user that lives as long as this object. It ends when its pipe does: a sealed process cannot
// even end its own children.
class Sibling {
 public:
    Sibling() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[1]);
            char byte = 0;
            ::_exit(static_cast<int>(::read(ends[0], &byte, 1)));
        }
        ::close(ends[0]);
        alive_.Reset(ends[1]);
    }
    Sibling(const Sibling&) = delete;
    Sibling& operator=(const Sibling&) = delete;
    ~Sibling() {
        alive_.Reset();
        ::waitpid(pid_, nullptr, 0);
    }
    [[nodiscard]] pid_t Pid() const { return pid_; }

 private:
    pid_t pid_ = -1;
    ScopedFd alive_;
};

sockaddr_in Loopback(in_port_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    return address;
}

template <typename Address>
int WithSocket(int (*call)(int, const sockaddr*, socklen_t), int family, const Address& address, socklen_t size) {
    const ScopedFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ErrnoOf(call(fd.Get(), reinterpret_cast<const sockaddr*>(&address), size));
}

TEST_P(SealedProcess, CannotOpenAFile) {
    const auto open = [] { return ErrnoOf(::open("/etc/passwd", O_RDONLY | O_CLOEXEC)); };
    ExpectOnlyWithout(Layer::kLandlock, open, FromLandlockAbi(1, EACCES));
}

TEST_P(SealedProcess, CannotMakeAFile) {
    const auto make = [] { return ErrnoOf(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); };
    ExpectOnlyWithout(Layer::kLandlock, make, FromLandlockAbi(1, EACCES));
}

TEST_P(SealedProcess, CannotConnectByTcp) {
    const ScopedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener.Get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener.Get(), 8), 0);
    ASSERT_EQ(::getsockname(listener.Get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto connect = [&] { return WithSocket(::connect, AF_INET, address, sizeof address); };
    ExpectOnlyWithout(Layer::kLandlock, connect, FromLandlockAbi(4, EACCES));
}

TEST_P(SealedProcess, CannotBindATcpPort) {
    const auto bind = [] { return WithSocket(::bind, AF_INET, Loopback(0), sizeof(sockaddr_in)); };
    ExpectOnlyWithout(Layer::kLandlock, bind, FromLandlockAbi(4, EACCES));
}

TEST_P(SealedProcess, CannotReachAnAbstractSocket) {
    const ScopedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    socklen_t size = sizeof address;
    constexpr socklen_t kUnnamed = offsetof(sockaddr_un, sun_path);  // the kernel then chooses an abstract name
    address.sun_family = AF_UNIX;
    ASSERT_EQ(::bind(listener.Get(), reinterpret_cast<const sockaddr*>(&address), kUnnamed), 0);
    ASSERT_EQ(::listen(listener.Get(), 8), 0);
    ASSERT_EQ(::getsockname(listener.Get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto connect = [&] { return WithSocket(::connect, AF_UNIX, address, size); };
    ExpectOnlyWithout(Layer::kLandlock, connect, FromLandlockAbi(6, EPERM));
}

TEST_P(SealedProcess, CannotSignalAProcessOutside) {
    for (const LayerSet without : {LayerSet{Layer::kLandlock}, LayerSet{}}) {
        InChild(GetParam(), [&] {
            const Sibling sibling;
            const int expected = without.Empty() ? FromLandlockAbi(6, EPERM) : 0;
            Seal(without);
            EXPECT_EQ(ErrnoOf(::kill(sibling.Pid(), 0)), expected);
        });
    }
}

TEST_P(SealedProcess, CannotTraceASibling) {
    for (const LayerSet without : {LayerSet{Layer::kLandlock}, LayerSet{}}) {
        InChild(GetParam(), [&] {
            ASSERT_EQ(DropAllCapabilities(), 0);  // the sibling's too: Landlock alone decides
            const Sibling sibling;
            const int expected = without.Empty() ? FromLandlockAbi(1, EPERM) : 0;
            Seal(without);
            EXPECT_EQ(ErrnoOf(::ptrace(PTRACE_SEIZE, sibling.Pid(), nullptr, nullptr)), expected);
        });
    }
}

TEST_P(SealedProcess, CannotBeTracedByASibling) {
    for (const bool sealed : {false, true}) {
        InChild(GetParam(), [sealed] {
            ASSERT_EQ(DropAllCapabilities(), 0);
            const pid_t target = ::getpid();
            const pid_t tracer = ::fork();
            if (tracer == 0) {
                ::usleep(50'000);
                ::_exit(ErrnoOf(::ptrace(PTRACE_SEIZE, target, nullptr, nullptr)));
            }
            if (sealed) Seal({Layer::kLandlock});
            int status = 0;
            ASSERT_EQ(::waitpid(tracer, &status, 0), tracer);
            EXPECT_EQ(WEXITSTATUS(status), sealed ? EPERM : 0);
        });
    }
}

int MakeExecutable() {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ErrnoOf(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

TEST_P(SealedProcess, CannotMakeMemoryExecutable) {
    ExpectOnlyWithout(Layer::kMdwe, MakeExecutable, HostHasMdwe() ? EACCES : 0);
}

TEST_P(SealedProcess, CannotMapWritableCode) {
    const auto map = [] {
        return ::mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                               : 0;
    };
    ExpectOnlyWithout(Layer::kMdwe, map, HostHasMdwe() ? EACCES : 0);
}

TEST_P(SealedProcess, CannotUseACapability) {
    ExpectOnlyWithCapabilities([] { return ErrnoOf(::sethostname("sealed", 6)); }, EPERM);
}

TEST_P(SealedProcess, CannotRaiseACapability) {
    const auto raise = [] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
        data[0].permitted = data[0].effective = 1U << CAP_CHOWN;
        return ErrnoOf(::syscall(SYS_capset, &header, data.data()));
    };
    // Seen from the inside of the attempt, the control has lowered all but one; that one is what sealing takes.
    ExpectOnlyWithCapabilities(raise, EPERM);
}

TEST(SealedRoot, CannotBecomeAnotherUser) {
    ASSERT_EQ(::geteuid(), 0U) << "only root can show that the attempt works unsealed";
    InChild(Identity::kRunner, [] { EXPECT_EQ(ErrnoOf(::setresuid(65534, 65534, 65534)), 0); });
    InChild(Identity::kRunner, [] {
        Seal();
        EXPECT_EQ(ErrnoOf(::setresuid(65534, 65534, 65534)), EPERM);
    });
}

TEST_P(SealedProcess, CannotOpenMoreDescriptorsThanItUses) {
    ExpectOnlyUnsealed([] { return ErrnoOf(::fcntl(0, F_DUPFD_CLOEXEC, int{kOpenFiles})); }, EINVAL);
}

TEST_P(SealedProcess, CannotGrowAFileBeyondItsLimit) {
    InChild(GetParam(), [] {
        constexpr off_t kMost = 8192;
        const int file = ::memfd_create("file", MFD_CLOEXEC);
        ASSERT_EQ(ErrnoOf(::ftruncate(file, kMost + 1)), 0);
        ASSERT_EQ(ErrnoOf(::ftruncate(file, 0)), 0);
        ASSERT_TRUE(SealProcess({.without = {}, .required = {}, .open_files = kOpenFiles, .file_size = kMost}));
        ::signal(SIGXFSZ, SIG_IGN);
        EXPECT_EQ(ErrnoOf(::ftruncate(file, kMost)), 0);
        EXPECT_EQ(ErrnoOf(::ftruncate(file, kMost + 1)), EFBIG);
    });
}

TEST_P(SealedProcess, LeavesNoCoreDump) {
    InChild(GetParam(), [] {
        Seal();
        rlimit limit{};
        ASSERT_EQ(::getrlimit(RLIMIT_CORE, &limit), 0);
        EXPECT_EQ(limit.rlim_cur, 0U);
        EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
    });
}

TEST_P(SealedProcess, SealsTheThreadsItCreatesLater) {
    InChild(GetParam(), [] {
        Seal();
        int opened = 0;
        int executable = 0;
        std::thread([&] {
            opened = ErrnoOf(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
            executable = MakeExecutable();
        }).join();
        EXPECT_EQ(opened, FromLandlockAbi(1, EACCES));
        EXPECT_EQ(executable, HostHasMdwe() ? EACCES : 0);
    });
}

TEST_P(SealedProcess, KeepsItsDeathSignalAndWhatIsOpen) {
    InChild(GetParam(), [] {
        ASSERT_EQ(::prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
        const ScopedFd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        Seal();
        int signal = 0;
        ASSERT_EQ(::prctl(PR_GET_PDEATHSIG, &signal), 0);
        EXPECT_EQ(signal, SIGKILL);
        char byte = 0;
        EXPECT_EQ(::pread(file.Get(), &byte, 1, 0), 1);
        EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    });
}

}  // namespace
}  // namespace husk
