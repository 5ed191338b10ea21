#include "boot/nixos/initrd/decompressor.h"

#include <algorithm>
#include <utility>

namespace husk {
namespace {

constexpr std::size_t kInputBytes = 64 << 10;
constexpr std::size_t kOutputBytes = 128 << 10;

}  // namespace

SourceReader::SourceReader(const ByteSource& source, ByteRange range)
    : source_(source),
      position_(std::min(range.offset, source.Size())),
      end_(position_ + std::min(range.length, source.Size() - position_)) {}

Result<std::span<const std::byte>> SourceReader::Peek() {
    if (buffer_.size() - used_ < 2 && end_ - position_ > buffer_.size() - used_) {
        buffer_.resize(std::min<std::uint64_t>(kInputBytes, end_ - position_));
        used_ = 0;
        HUSK_TRY(source_.Read(position_, buffer_));
    }
    return std::span<const std::byte>(buffer_).subspan(used_);
}

void SourceReader::Skip(std::uint64_t length) {
    length = std::min(length, end_ - position_);
    position_ += length;
    if (length > buffer_.size() - used_) {
        buffer_.clear();
        used_ = 0;
        return;
    }
    used_ += length;
}

Decompressor::Decompressor(std::unique_ptr<Codec> codec, SourceReader& reader, DecompressionBudget& budget)
    : codec_(std::move(codec)), reader_(&reader), budget_(&budget), output_(codec_ ? kOutputBytes : 0) {}

Result<Decompressor> Decompressor::Open(Compression compression, const DecompressionLibraries& libraries,
                                        SourceReader& reader, DecompressionBudget& budget) {
    if (compression == Compression::kNone) return Decompressor(nullptr, reader, budget);
    return Decompressor(HUSK_TRY(MakeCodec(compression, libraries)), reader, budget);
}

Result<Codec::Progress> Decompressor::Step() {
    const std::span<const std::byte> in = HUSK_TRY(reader_->Peek());
    if (codec_) return codec_->Step(in, output_);
    output_.assign(in.begin(), in.end());
    return Codec::Progress{in.size(), in.size(), in.empty()};
}

Result<> Decompressor::Spend(const Codec::Progress& progress) {
    const std::uint64_t work = std::uint64_t{progress.taken} + progress.made;
    if (progress.made > budget_->output || work > budget_->work) {
        return Fail(ErrorKind::kBootSource, "it unpacks to more than 4 GiB");
    }
    budget_->output -= progress.made;
    budget_->work -= work;
    return {};
}

Result<std::span<const std::byte>> Decompressor::Next() {
    while (!ended_) {
        const Codec::Progress progress = HUSK_TRY(Step());
        HUSK_TRY(Spend(progress));
        reader_->Skip(progress.taken);
        ended_ = progress.ended;
        if (progress.made > 0) return std::span<const std::byte>(output_).first(progress.made);
        if (progress.taken == 0 && !ended_ && reader_->AtEnd()) {
            return Fail(ErrorKind::kBootSource, "it ends in the middle of compressed data");
        }
        if (progress.taken == 0 && !ended_) return Fail(ErrorKind::kBootSource, "its compressed data are damaged");
    }
    return std::span<const std::byte>();
}

}  // namespace husk
