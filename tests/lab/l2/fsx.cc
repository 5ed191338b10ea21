// fsx file|device PATH SEED SECONDS [area=I/N] [discard]: random operations on a file of our own or on a raw block
// device, all compared with a model in memory.
//
// Reads and writes go through the page cache, around it (O_DIRECT) and through a mapping. A file is also truncated both
// ways, allocated, punched and zeroed; a device is zeroed (BLKZEROOUT) and, with `discard`, discarded (BLKDISCARD).
// Often what the kernel has cached is written and forgotten, so that the next reads come from the disk. `area=I/N`:
// only the I-th of N parts of a device; the others may belong to other processes. What comes is decided by SEED alone,
// when it ends by the clock. A mismatch or a failed operation prints the seed and the last operations, and ends with
// status 1.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMaxLength = 256 << 10;  // of one operation
constexpr std::uint64_t kMaxSize = 8 << 20;      // of the file, or of the part of the device that is used
constexpr std::uint64_t kSector = 512;

struct Task {
    bool device = false;
    bool discard = false;
    std::string path;
    std::uint64_t seed = 0, seconds = 0, area = 0, areas = 1;
};

// A range of bytes, relative to the start of the area.
struct Range {
    std::uint64_t at, length;
    [[nodiscard]] std::uint64_t End() const { return at + length; }
};

class Subject {
 public:
    explicit Subject(Task task);
    void Step();    // one random operation
    void Verify();  // everything, from the disk
    void Report() const;

 private:
    [[noreturn]] void Fail(const std::string& what) const;
    void Log(const char* what, Range range);
    void Must(bool done, const char* what) const;
    [[nodiscard]] std::uint64_t Below(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
    [[nodiscard]] Range AnyRange(std::uint64_t limit, std::uint64_t alignment);
    [[nodiscard]] std::uint64_t BlockSize() const;
    [[nodiscard]] off64_t Place(Range range) const { return static_cast<off64_t>(base_ + range.at); }

    void Read(bool direct);
    void Write(bool direct);
    void Map(bool write);
    void Forget();
    void Truncate();
    void Allocate(int mode, const char* what);
    void DeviceRange(unsigned long request, const char* what);

    void Fill(std::span<unsigned char> data);
    void Grow(std::uint64_t size) { size_ = std::max(size_, size); }
    void Compare(std::span<const unsigned char> got, std::uint64_t at);
    void Written(Range range) { SetDiscarded(range, false); }
    void SetDiscarded(Range range, bool value);

    Task task_;
    std::mt19937_64 random_;
    int cached_ = -1, direct_ = -1;
    std::uint64_t base_ = 0, limit_ = kMaxSize, size_ = 0, block_ = kSector;
    std::vector<unsigned char> model_;
    std::vector<bool> discarded_;  // for each sector: it may read as zeros, too
    unsigned char* buffer_ = nullptr;
    std::deque<std::string> log_;
    std::uint64_t steps_ = 0, written_ = 0, read_ = 0;
};

Subject::Subject(Task task)
    : task_(std::move(task)), random_(task_.seed), model_(kMaxSize), discarded_(kMaxSize / kSector) {
    const int create = task_.device ? 0 : O_CREAT | O_TRUNC;
    cached_ = open(task_.path.c_str(), O_RDWR | O_CLOEXEC | create, 0600);
    Must(cached_ >= 0, "open");
    direct_ = open(task_.path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);
    Must(direct_ >= 0, "open with O_DIRECT");
    buffer_ = static_cast<unsigned char*>(std::aligned_alloc(kPage, kMaxLength + 2 * kPage));
    block_ = BlockSize();
    if (!task_.device) return;
    std::uint64_t bytes = 0;
    Must(ioctl(cached_, BLKGETSIZE64, &bytes) == 0, "BLKGETSIZE64");
    const std::uint64_t part = bytes / task_.areas / kPage * kPage;
    base_ = part * task_.area;
    limit_ = size_ = std::min(kMaxSize, part);
    Must(size_ >= kPage, "a device so small");
    const auto got = pread64(cached_, model_.data(), size_, static_cast<off64_t>(base_));
    Must(got == static_cast<ssize_t>(size_), "first read");
}

// What O_DIRECT has to be aligned to.
std::uint64_t Subject::BlockSize() const {
    struct stat status{};
    Must(fstat(cached_, &status) == 0, "fstat");
    const dev_t device = task_.device ? status.st_rdev : status.st_dev;
    const std::string name = "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) +
                             "/queue/logical_block_size";
    std::FILE* file = std::fopen(name.c_str(), "re");
    unsigned size = 0;
    Must(file != nullptr && std::fscanf(file, "%u", &size) == 1, name.c_str());
    std::fclose(file);
    return size;
}

void Subject::Fail(const std::string& what) const {
    std::printf("fsx: seed %llu, operation %llu: %s\n", static_cast<unsigned long long>(task_.seed),
                static_cast<unsigned long long>(steps_), what.c_str());
    for (const std::string& line : log_) std::printf("fsx: %s\n", line.c_str());
    std::exit(1);
}

void Subject::Must(bool done, const char* what) const {
    if (!done) Fail(std::string(what) + ": " + std::strerror(errno));
}

void Subject::Log(const char* what, Range range) {
    if (log_.size() == 40) log_.pop_front();
    log_.push_back(std::to_string(steps_) + " " + what + " " + std::to_string(range.at) + " +" +
                   std::to_string(range.length) + ", size " + std::to_string(size_));
}

// Short ones and long ones, each about as often; somewhere below `limit`.
Range Subject::AnyRange(std::uint64_t limit, std::uint64_t alignment) {
    const std::uint64_t longest = std::min(limit, Below(3) == 0 ? kMaxLength : Below(2) == 0 ? 4 * kPage : kSector * 4);
    const std::uint64_t length = std::max(alignment, (1 + Below(longest)) / alignment * alignment);
    if (length > limit) return {0, 0};
    return {Below(limit - length + 1) / alignment * alignment, length};
}

void Subject::SetDiscarded(Range range, bool value) {
    // A sector that is written in part was read before, and is what was read then: this is why Write looks at it first.
    for (std::uint64_t i = range.at / kSector; i * kSector < range.End(); ++i) discarded_[i] = value;
}

// A discarded sector may be as before or zero; from then on it is what was seen.
void Subject::Compare(std::span<const unsigned char> got, std::uint64_t at) {
    read_ += got.size();
    for (std::uint64_t i = 0; i < got.size();) {
        const std::uint64_t sector = (at + i) / kSector;
        const std::uint64_t length = std::min(got.size() - i, (sector + 1) * kSector - at - i);
        const auto piece = got.subspan(i, length);
        const auto whole = std::span(model_).subspan(sector * kSector, kSector);
        const auto known = std::span(model_).subspan(at + i, length);
        if (!std::ranges::equal(piece, known)) {
            const bool zeros = std::ranges::all_of(piece, [](unsigned char byte) { return byte == 0; });
            if (!discarded_[sector] || !zeros) {
                const auto first = std::ranges::mismatch(piece, known);
                Fail("byte " + std::to_string(at + i + static_cast<std::uint64_t>(first.in1 - piece.begin())) + " is " +
                     std::to_string(*first.in1) + " instead of " + std::to_string(*first.in2) +
                     (discarded_[sector] ? " or all zeros" : "") + (zeros ? ", the sector reads as zeros" : ""));
            }
            std::ranges::fill(whole, static_cast<unsigned char>(0));
            discarded_[sector] = false;
        }
        i += length;
    }
}

void Subject::Fill(std::span<unsigned char> data) {
    for (std::size_t i = 0; i < data.size(); i += sizeof(std::uint64_t)) {
        const std::uint64_t word = random_();
        std::memcpy(&data[i], &word, std::min(sizeof word, data.size() - i));
    }
}

void Subject::Read(bool direct) {
    const Range range = AnyRange(limit_, direct ? block_ : 1);
    Log(direct ? "read, direct" : "read", range);
    unsigned char* const data = buffer_ + (direct ? Below(kPage / block_) * block_ : Below(kPage));
    const std::uint64_t wanted = range.at >= size_ ? 0 : std::min(range.length, size_ - range.at);
    const auto got = pread64(direct ? direct_ : cached_, data, range.length, Place(range));
    Must(got >= 0, "read");
    if (static_cast<std::uint64_t>(got) < wanted)
        Fail("a read of " + std::to_string(got) + " bytes, not " + std::to_string(wanted));
    if (!task_.device && static_cast<std::uint64_t>(got) > wanted) Fail("a read beyond the end");
    Compare({data, wanted}, range.at);
}

void Subject::Write(bool direct) {
    const Range range = AnyRange(limit_, direct ? block_ : 1);
    if (range.length == 0) return;
    Log(direct ? "write, direct" : "write", range);
    unsigned char* const data = buffer_ + (direct ? Below(kPage / block_) * block_ : Below(kPage));
    if (!direct && task_.discard) {  // the sectors at both ends are written in part
        for (const std::uint64_t at : {range.at / kSector * kSector, (range.End() - 1) / kSector * kSector}) {
            Must(pread64(cached_, data, kSector, static_cast<off64_t>(base_ + at)) == kSector, "read before a write");
            Compare({data, kSector}, at);
        }
    }
    Fill({data, range.length});
    const auto done = pwrite64(direct ? direct_ : cached_, data, range.length, Place(range));
    Must(done >= 0, "write");
    if (static_cast<std::uint64_t>(done) != range.length) Fail("a write of " + std::to_string(done) + " bytes");
    std::memcpy(&model_[range.at], data, range.length);
    Written(range);
    Grow(range.End());
    written_ += range.length;
}

void Subject::Map(bool write) {
    const Range range = AnyRange(size_, task_.discard ? kSector : 1);
    if (range.length == 0) return;
    Log(write ? "write, mapped" : "read, mapped", range);
    const std::uint64_t inside = (base_ + range.at) % kPage;
    void* const map = mmap64(nullptr, inside + range.length, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, cached_,
                             static_cast<off64_t>(base_ + range.at - inside));
    Must(map != MAP_FAILED, "mmap");
    const std::span data(static_cast<unsigned char*>(map) + inside, range.length);
    if (write) {
        Fill(data);
        std::ranges::copy(data, model_.begin() + static_cast<std::ptrdiff_t>(range.at));
        Written(range);
        written_ += range.length;
        Must(Below(2) == 0 || msync(map, inside + range.length, MS_SYNC) == 0, "msync");
    } else {
        Compare(data, range.at);
    }
    munmap(map, inside + range.length);
}

// What the kernel has cached is written and dropped.
void Subject::Forget() {
    Log("forget", {0, size_});
    Must(fsync(cached_) == 0, "fsync");
    Must(posix_fadvise64(cached_, static_cast<off64_t>(base_), static_cast<off64_t>(limit_), POSIX_FADV_DONTNEED) == 0,
         "fadvise");
}

void Subject::Truncate() {
    const std::uint64_t size = Below(limit_ + 1);
    Log("truncate", {size, 0});
    Must(ftruncate64(cached_, static_cast<off64_t>(size)) == 0, "ftruncate");
    if (size < size_)
        std::fill(model_.begin() + static_cast<std::ptrdiff_t>(size), model_.end(), static_cast<unsigned char>(0));
    size_ = size;
}

void Subject::Allocate(int mode, const char* what) {
    const Range range = AnyRange(limit_, 1);
    Log(what, range);
    Must(range.length == 0 || fallocate64(cached_, mode, Place(range), static_cast<off64_t>(range.length)) == 0, what);
    if (mode == 0) return Grow(range.End());
    std::memset(&model_[range.at], 0, range.length);
}

void Subject::DeviceRange(unsigned long request, const char* what) {
    const Range range = AnyRange(limit_, block_);
    Log(what, range);
    std::array<std::uint64_t, 2> argument{base_ + range.at, range.length};
    Must(range.length == 0 || ioctl(cached_, request, argument.data()) == 0, what);
    SetDiscarded(range, request == BLKDISCARD);
    if (request != BLKDISCARD) std::memset(&model_[range.at], 0, range.length);
}

void Subject::Verify() {
    ++steps_;
    Forget();
    for (std::uint64_t at = 0; at < size_; at += kMaxLength) {
        const std::uint64_t length = std::min(kMaxLength, size_ - at);
        const auto got = pread64(cached_, buffer_, length, static_cast<off64_t>(base_ + at));
        Must(got == static_cast<ssize_t>(length), "read of everything");
        Compare({buffer_, length}, at);
    }
    struct stat status{};
    Must(fstat(cached_, &status) == 0, "fstat");
    if (!task_.device && static_cast<std::uint64_t>(status.st_size) != size_) Fail("the file's size is another");
}

void Subject::Step() {
    ++steps_;
    switch (const auto kind = Below(100); kind / 5) {
        case 0:
        case 1:
        case 2:
            return Read(false);
        case 3:
        case 4:
        case 5:
            return Read(true);
        case 6:
        case 7:
        case 8:
            return Write(false);
        case 9:
        case 10:
        case 11:
            return Write(true);
        case 12:
            return Map(false);
        case 13:
            return Map(true);
        case 14:
            return Forget();
        case 15:
            return kind == 75 ? Verify() : Must(fdatasync(cached_) == 0, "fdatasync");
        case 16:
            return task_.device ? DeviceRange(BLKZEROOUT, "zero") : Truncate();
        case 17:
            if (!task_.device) return Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch");
            return task_.discard ? DeviceRange(BLKDISCARD, "discard") : Read(true);
        case 18:
            return task_.device ? Write(true) : Allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, "zero range");
        default:
            return task_.device ? Write(true) : Allocate(0, "allocate");
    }
}

void Subject::Report() const {
    std::printf("fsx: ok, seed %llu: %llu operations, %llu MiB read, %llu MiB written\n",
                static_cast<unsigned long long>(task_.seed), static_cast<unsigned long long>(steps_),
                static_cast<unsigned long long>(read_ >> 20), static_cast<unsigned long long>(written_ >> 20));
}

[[nodiscard]] bool Parse(std::span<char*> arguments, Task& task) {
    if (arguments.size() < 5) return false;
    const std::string_view kind = arguments[1];
    task.device = kind == "device";
    task.path = arguments[2];
    task.seed = std::strtoull(arguments[3], nullptr, 10);
    task.seconds = std::strtoull(arguments[4], nullptr, 10);
    for (const std::string_view word : arguments.subspan(5)) {
        unsigned long long area = 0;
        unsigned long long areas = 1;
        if (word == "discard" && task.device) {
            task.discard = true;
        } else if (task.device && std::sscanf(word.data(), "area=%llu/%llu", &area, &areas) == 2 && area < areas) {
            task.area = area;
            task.areas = areas;
        } else {
            return false;
        }
    }
    return task.device || kind == "file";
}

}  // namespace

int main(int argc, char** argv) {
    Task task;
    if (!Parse({argv, static_cast<std::size_t>(argc)}, task)) {
        std::puts("usage: fsx file|device PATH SEED SECONDS [area=I/N] [discard]");
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    Subject subject(task);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(task.seconds);
    while (std::chrono::steady_clock::now() < end) subject.Step();
    subject.Verify();
    subject.Report();
    return 0;
}
