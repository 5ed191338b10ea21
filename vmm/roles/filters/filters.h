// The compiled seccomp programs of all sealed threads, as constants of the binary: husk_write_filters makes their
// source from role_tables.h at build time. For InstallFilter().
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

namespace husk::filters {

// `vcpu` below kMaxVcpus. Each vCPU has a program of its own: it names the one vCPU descriptor that the thread may run.
[[nodiscard]] std::span<const sock_filter> Vcpu(std::uint32_t vcpu);
[[nodiscard]] std::span<const sock_filter> Control();
[[nodiscard]] std::span<const sock_filter> BlkLoop();
[[nodiscard]] std::span<const sock_filter> BlkRingLoop();
[[nodiscard]] std::span<const sock_filter> BlkPool();
[[nodiscard]] std::span<const sock_filter> Console();
[[nodiscard]] std::span<const sock_filter> Net();
[[nodiscard]] std::span<const sock_filter> Reader();

}  // namespace husk::filters
