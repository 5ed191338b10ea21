#include "vmm/base/role_heap.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#ifndef HUSK_SANITIZED  // there the heap is malloc's

namespace husk {
namespace {

constexpr std::size_t kHeap = 64 << 20;
constexpr int kExhausted = 42;

void Leave() { ::_exit(kExhausted); }

// Runs `body` with a role heap in a process of its own: a heap is for the rest of a process's life.
template <typename Body>
int StatusWithHeap(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(ReserveRoleHeap(kHeap, Leave) ? body() : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Where the program's break is: malloc moves it for what is small.
void* Break() { return ::sbrk(0); }

TEST(RoleHeap, ObjectsComeFromTheHeapWithoutMovingTheBreak) {
    EXPECT_EQ(StatusWithHeap([] {
                  void* const before = Break();
                  std::map<int, std::string> map;
                  for (int i = 0; i < 100'000; ++i) map[i] = std::string(100, 'x');
                  return Break() == before && map[99'999].size() == 100 ? 0 : 2;
              }),
              0);
}

TEST(RoleHeap, FreedBlocksAreUsedAgain) {
    EXPECT_EQ(StatusWithHeap([] {
                  for (int i = 0; i < 100'000; ++i) std::vector<char>(1 << 20).back() = 'x';
                  return 0;
              }),
              0);
}

TEST(RoleHeap, BlocksAreAlignedAndDoNotOverlap) {
    EXPECT_EQ(StatusWithHeap([] {
                  std::vector<char*> blocks;
                  for (std::size_t size = 1; size < 3000; ++size) {
                      auto* const block = static_cast<char*>(RoleHeapAllocate(size));
                      if (reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) != 0) return 2;
                      std::memset(block, static_cast<int>(size % 251), size);
                      blocks.push_back(block);
                  }
                  for (std::size_t size = 1; size < 3000; ++size) {
                      for (std::size_t at = 0; at < size; ++at) {
                          if (static_cast<unsigned char>(blocks[size - 1][at]) != size % 251) return 3;
                      }
                  }
                  return 0;
              }),
              0);
}

TEST(RoleHeap, WhatIsTooMuchEndsTheRole) {
    EXPECT_EQ(StatusWithHeap([] {
                  std::vector<std::vector<char>> much;
                  while (true) much.emplace_back(1 << 20);
                  return 0;
              }),
              kExhausted);
    EXPECT_EQ(StatusWithHeap([] { return RoleHeapAllocate(~std::size_t{0}) == nullptr ? 2 : 3; }), kExhausted);
}

TEST(RoleHeap, BlocksOfBeforeGoBackToWhereTheyCameFrom) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto* const old = new std::string(1000, 'x');
        const bool reserved = ReserveRoleHeap(kHeap, Leave).has_value();
        delete old;
        ::_exit(reserved ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace husk

#endif
