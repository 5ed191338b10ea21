#include "devices/host/disk_backend.h"

#include <algorithm>

namespace husk {

void DiskTransfer::Advance(std::size_t count) {
    offset += count;
    length -= count;
    while (count > 0) {
        iovec& buffer = data.front();
        const std::size_t part = std::min(count, buffer.iov_len);
        buffer.iov_base = static_cast<std::byte*>(buffer.iov_base) + part;
        buffer.iov_len -= part;
        count -= part;
        if (buffer.iov_len == 0) data = data.subspan(1);
    }
}

}  // namespace husk
