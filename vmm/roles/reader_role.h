// The reader: turns the bytes of a boot source, which a stranger wrote, into what there is to boot and where it lies.
// After it has sealed itself it holds that source, read-only, and a pipe, and may make two system calls: pread64 and
// write.
#pragma once

namespace husk {

// The main of the role. Descriptors: reader_slot. Does not return.
[[noreturn]] void RunReaderRole();

}  // namespace husk
