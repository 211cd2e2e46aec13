#include "env/posix/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr size_t kPiece = LargeMemory::kPieceBytes;

char* MapPiece(LargeMemory& memory) {
  return static_cast<char*>(memory.Map(kPiece));
}

bool IsMapped(void* memory) {
  unsigned char resident[kPiece / 4096];
  return ::mincore(memory, kPiece, resident) == 0;
}

TEST(LargeMemoryTest, WhatWasGivenBackServesAgain) {
  LargeMemory memory;
  char* const first = MapPiece(memory);
  ASSERT_NE(first, nullptr);
  std::fill_n(first, kPiece, 'a');
  memory.Unmap(first, kPiece);
  char* const again = MapPiece(memory);
  EXPECT_EQ(again, first);
  // What is written stays from now on, the system does not take it any more.
  std::fill_n(again, kPiece, 'b');
  EXPECT_EQ(std::count(again, again + kPiece, 'b'), kPiece);
  char* const other = MapPiece(memory);
  EXPECT_NE(other, again);
  memory.Unmap(again, kPiece);
  memory.Unmap(other, kPiece);
}

TEST(LargeMemoryTest, OnlyWholePiecesServeAgain) {
  LargeMemory memory;
  void* const piece = MapPiece(memory);
  memory.Unmap(piece, kPiece);
  void* const large = memory.Map(2 * kPiece);
  ASSERT_NE(large, nullptr);
  EXPECT_NE(large, piece);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % kPiece, 0u);
  memory.Unmap(large, 2 * kPiece);
  EXPECT_FALSE(IsMapped(large));
}

TEST(LargeMemoryTest, ALimitedNumberStaysMapped) {
  LargeMemory memory;
  std::vector<void*> pieces;
  for (size_t i = 0; i < LargeMemory::kMaxSpare + 10; ++i) {
    pieces.push_back(MapPiece(memory));
    ASSERT_NE(pieces.back(), nullptr);
    EXPECT_TRUE(IsMapped(pieces.back()));
  }
  for (void* const piece : pieces) memory.Unmap(piece, kPiece);
  EXPECT_EQ(std::count_if(pieces.begin(), pieces.end(), IsMapped),
            LargeMemory::kMaxSpare);
}

TEST(LargeMemoryTest, GivesEverythingBackAtItsEnd) {
  void* piece;
  {
    LargeMemory memory;
    piece = MapPiece(memory);
    memory.Unmap(piece, kPiece);
    EXPECT_TRUE(IsMapped(piece));
  }
  EXPECT_FALSE(IsMapped(piece));
}

// Goal: no piece is with two threads at a time. Method: each writes its own
// number at both ends of what it has, and looks at it before it gives it back.
TEST(LargeMemoryTest, ServesManyThreads) {
  LargeMemory memory;
  std::vector<std::thread> threads;
  for (char t = 1; t <= 4; ++t) {
    threads.emplace_back([t, &memory] {
      for (int i = 0; i < 200; ++i) {
        char* const piece = MapPiece(memory);
        piece[0] = piece[kPiece - 1] = t;
        std::this_thread::yield();
        EXPECT_EQ(piece[0], t);
        EXPECT_EQ(piece[kPiece - 1], t);
        memory.Unmap(piece, kPiece);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace holdfast
