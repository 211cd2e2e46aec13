#include "env/posix/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr size_t kPiece = kSparePieceBytes;

char* MapPiece() { return static_cast<char*>(MapLargeMemory(kPiece, kPiece)); }

bool IsMapped(void* memory) {
  unsigned char resident[kPiece / 4096];
  return ::mincore(memory, kPiece, resident) == 0;
}

TEST(LargeMemoryTest, WhatWasGivenBackServesAgain) {
  char* const first = MapPiece();
  ASSERT_NE(first, nullptr);
  std::fill_n(first, kPiece, 'a');
  UnmapLargeMemory(first, kPiece);
  char* const again = MapPiece();
  EXPECT_EQ(again, first);
  // What is written stays from now on, the system does not take it any more.
  std::fill_n(again, kPiece, 'b');
  EXPECT_EQ(std::count(again, again + kPiece, 'b'), kPiece);
  char* const other = MapPiece();
  EXPECT_NE(other, again);
  UnmapLargeMemory(again, kPiece);
  UnmapLargeMemory(other, kPiece);
}

TEST(LargeMemoryTest, OnlyWholePiecesServeAgain) {
  void* const piece = MapPiece();
  UnmapLargeMemory(piece, kPiece);
  void* const large = MapLargeMemory(2 * kPiece, kPiece);
  ASSERT_NE(large, nullptr);
  EXPECT_NE(large, piece);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % kPiece, 0u);
  UnmapLargeMemory(large, 2 * kPiece);
  EXPECT_FALSE(IsMapped(large));
}

TEST(LargeMemoryTest, ALimitedNumberStaysMapped) {
  std::vector<void*> pieces;
  for (size_t i = 0; i < kMaxSparePieces + 10; ++i) {
    pieces.push_back(MapPiece());
    ASSERT_NE(pieces.back(), nullptr);
    EXPECT_TRUE(IsMapped(pieces.back()));
  }
  for (void* const piece : pieces) UnmapLargeMemory(piece, kPiece);
  EXPECT_EQ(std::count_if(pieces.begin(), pieces.end(), IsMapped),
            kMaxSparePieces);
}

// Goal: no piece is with two threads at a time. Method: each writes its own
// number at both ends of what it has, and looks at it before it gives it back.
TEST(LargeMemoryTest, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (char t = 1; t <= 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) {
        char* const piece = MapPiece();
        piece[0] = piece[kPiece - 1] = t;
        std::this_thread::yield();
        EXPECT_EQ(piece[0], t);
        EXPECT_EQ(piece[kPiece - 1], t);
        UnmapLargeMemory(piece, kPiece);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace holdfast
