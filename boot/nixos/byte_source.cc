#include "boot/nixos/byte_source.h"

#include <algorithm>
#include <utility>

namespace husk {
namespace {

std::unexpected<Error> Outside() { return Fail(ErrorKind::kBootSource, "it ends before what it says it holds"); }

}  // namespace

Result<> SpanSource::Read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return Outside();
    std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
    return {};
}

RangesSource::RangesSource(const ByteSource& source, std::vector<ByteRange> ranges)
    : source_(source), ranges_(std::move(ranges)) {
    for (const ByteRange& range : ranges_) {
        if (range.length > ~size_) {  // more than 2^64 bytes: no source holds that
            ranges_.clear();
            size_ = 0;
            return;
        }
        size_ += range.length;
    }
}

Result<> RangesSource::Read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset > size_ || out.size() > size_ - offset) return Outside();
    for (const ByteRange& range : ranges_) {
        if (out.empty()) break;
        if (offset >= range.length) {
            offset -= range.length;
            continue;
        }
        const std::size_t here = std::min<std::uint64_t>(out.size(), range.length - offset);
        if (range.offset > ~offset) return Outside();
        HUSK_TRY(source_.Read(range.offset + offset, out.first(here)));
        out = out.subspan(here);
        offset = 0;
    }
    return {};
}

}  // namespace husk
