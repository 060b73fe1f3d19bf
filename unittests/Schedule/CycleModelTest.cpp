// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's clock against cycles counted by hand from docs/Spec/Timing.md.

#include "hcgs/Schedule/CycleModel.h"
#include "hcgs/Schedule/MachineTiming.h"

#include <gtest/gtest.h>

using namespace hcgs::schedule;

namespace {

QueueDepths depths(unsigned each) {
  return QueueDepths{{each, each, each, each}};
}

Touch reads(Memory memory, int64_t begin, int64_t end) {
  return {memory, begin, end, false};
}
Touch writes(Memory memory, int64_t begin, int64_t end) {
  return {memory, begin, end, true};
}

// T-D-1, T-U-1: dispatched in cycle 0, taken in 1.
TEST(CycleModel, TakesTheCycleAfterDispatch) {
  CycleModel clock(depths(4));
  EXPECT_EQ(clock.issue({Unit::Vector, 5, 2, {}}), 1u);
  EXPECT_EQ(clock.lastDispatch(), 0);
  EXPECT_EQ(clock.lastFinish(), 8u);
  // T-D-4: halt waits for the finish in cycle 8, the total is one more.
  EXPECT_EQ(clock.halt(), 9u);
}

// T-U-1: a unit is free after occ, whatever its latency.
TEST(CycleModel, PipelinesLatency) {
  CycleModel clock(depths(4));
  EXPECT_EQ(clock.issue({Unit::Matrix, 10, 4, {}}), 1u);
  EXPECT_EQ(clock.issue({Unit::Matrix, 10, 4, {}}), 11u);
}

// T-D-2: the third instruction waits until the first was taken from a queue of
// two; a slot freed in a cycle is filled in it.
TEST(CycleModel, DispatchWaitsForAFullQueue) {
  CycleModel clock(depths(2));
  EXPECT_EQ(clock.issue({Unit::Vector, 20, 0, {}}), 1u);
  EXPECT_EQ(clock.issue({Unit::Vector, 20, 0, {}}), 21u);
  EXPECT_EQ(clock.issue({Unit::Vector, 20, 0, {}}), 41u);
  EXPECT_EQ(clock.lastDispatch(), 2);
  clock.issue({Unit::Vector, 20, 0, {}});
  EXPECT_EQ(clock.lastDispatch(), 21);
}

// T-D-2: the only slot is freed when its instruction is taken, after a
// conflict.
TEST(CycleModel, TheFirstToWaitIsTheOneAfterAFullQueue) {
  CycleModel clock(depths(1));
  clock.issue({Unit::Load, 10, 0, {writes(Memory::V, 0, 8)}});
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {reads(Memory::V, 0, 8)}}), 11u);
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {}}), 12u);
  EXPECT_EQ(clock.lastDispatch(), 11);
}

// T-D-3: control costs its dispatch cycle.
TEST(CycleModel, ControlCostsACycle) {
  CycleModel clock(depths(4));
  clock.control();
  clock.control();
  EXPECT_EQ(clock.issue({Unit::Load, 1, 0, {}}), 3u);
  clock.barrier();
  EXPECT_EQ(clock.lastDispatch(), 4);
}

// T-H-1: a reader waits for the finish of the writer, of the overlap only.
TEST(CycleModel, ReadAfterWrite) {
  CycleModel clock(depths(4));
  clock.issue({Unit::Load, 10, 0, {writes(Memory::V, 0, 8)}});
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {reads(Memory::V, 8, 16)}}), 2u);
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {reads(Memory::V, 7, 9)}}), 11u);
}

TEST(CycleModel, WriteAfterReadAndWrite) {
  CycleModel clock(depths(4));
  clock.issue({Unit::Matrix, 10, 3, {reads(Memory::V, 0, 8)}});
  EXPECT_EQ(clock.issue({Unit::Load, 5, 0, {writes(Memory::V, 0, 1)}}), 14u);
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {writes(Memory::V, 0, 2)}}), 19u);
  // Readers do not wait for readers.
  CycleModel other(depths(4));
  other.issue({Unit::Matrix, 10, 3, {reads(Memory::V, 0, 8)}});
  EXPECT_EQ(other.issue({Unit::Vector, 1, 0, {reads(Memory::V, 0, 8)}}), 2u);
}

// T-H-1: the matrix unit does not conflict with itself over amem, but others
// conflict with it there, and it with itself over vmem.
TEST(CycleModel, MatrixUnitSumsInOrder) {
  CycleModel clock(depths(4));
  clock.issue({Unit::Matrix, 10, 6, {writes(Memory::A, 0, 4)}});
  EXPECT_EQ(clock.issue({Unit::Matrix,
                         10,
                         6,
                         {reads(Memory::A, 0, 4), writes(Memory::A, 0, 4)}}),
            11u);
  EXPECT_EQ(clock.issue({Unit::Vector, 1, 0, {reads(Memory::A, 3, 4)}}), 27u);
  EXPECT_EQ(clock.issue({Unit::Matrix, 1, 0, {writes(Memory::A, 3, 4)}}), 28u);
}

// A longer finish that was overtaken still counts.
TEST(CycleModel, LatestFinishCounts) {
  CycleModel clock(depths(4));
  clock.issue({Unit::Load, 50, 0, {reads(Memory::V, 0, 4)}});
  clock.issue({Unit::Vector, 1, 0, {reads(Memory::V, 2, 3)}});
  EXPECT_EQ(clock.issue({Unit::Store, 1, 0, {writes(Memory::V, 2, 3)}}), 51u);
}

TEST(MachineTiming, ChoosesTheTileOfFewestCycles) {
  MachineTiming timing;
  timing.tiles = {{64, 1}, {32, 2}, {16, 4}, {8, 8}};
  EXPECT_EQ(timing.bestTile(64, 12), 0u);
  EXPECT_EQ(timing.dense(64, 12, 0), 12u);
  // 9 rows: 12 columns one by one, or 2 * 2 tiles of 8 x 8, or 3 of 16 x 4.
  EXPECT_EQ(timing.bestTile(9, 12), 2u);
  EXPECT_EQ(timing.dense(9, 12, 2), 3u);
}

// T-M-1: 70 rows are 64 and 6; the 6 go as 8 x 8 if they may, 2 tiles wide.
TEST(MachineTiming, RetilesTheLastRows) {
  MachineTiming timing;
  timing.tiles = {{64, 1}, {8, 8}, {16, 4}, {32, 2}};
  EXPECT_EQ(timing.dense(70, 12, 0), 24u);
  EXPECT_EQ(timing.dense(70, 12, 0, /*retile=*/true), 12u + 2);
  // 10 rows do not fit 8 x 8.
  EXPECT_EQ(timing.dense(74, 12, 0, true), 12u + 3);
  // Nothing lower than the shape itself.
  EXPECT_EQ(timing.dense(70, 12, 1, true), timing.dense(70, 12, 1));
  EXPECT_EQ(timing.dense(64, 12, 0, true), 12u);
  EXPECT_EQ(timing.bestDense(70, 12), std::pair(0u, true));
  EXPECT_EQ(timing.bestDense(64, 12), std::pair(0u, false));
}

// The best cut of rows is found, and no cut beats the bound.
TEST(MachineTiming, LeastDense) {
  MachineTiming timing;
  timing.tiles = {{64, 1}, {32, 2}, {16, 4}, {8, 8}};
  // 64 + 32 + 8 rows: 12 + 6 + 2 cycles; by products alone it would be 19.1.
  EXPECT_EQ(timing.denseByRows(102, 12), 20u);
  // The rows are at least 104 of a column, 104 * 12 / 64 = 19.5.
  EXPECT_EQ(timing.leastDense(102, 12), 20u);
  // One column cannot use more than 64 lanes, one row not more than 8.
  EXPECT_EQ(timing.leastDense(65, 1), 2u);
  EXPECT_EQ(timing.leastDense(1, 65), 9u);
  EXPECT_EQ(timing.leastDense(1, 1), 1u);
  for (uint64_t rows = 1; rows < 140; rows += 3)
    for (uint64_t cols = 1; cols < 40; cols += 2) {
      const uint64_t least = timing.leastDense(rows, cols);
      EXPECT_GE(least * 64, rows * cols);
      EXPECT_LE(least, timing.denseByRows(rows, cols));
      auto [tile, retile] = timing.bestDense(rows, cols);
      EXPECT_LE(timing.denseByRows(rows, cols),
                timing.dense(rows, cols, tile, retile));
      // Nor does a cut of the columns.
      for (uint64_t left = 1; left < cols; left += 5)
        EXPECT_LE(least, timing.denseByRows(rows, left) +
                             timing.denseByRows(rows, cols - left));
    }
  // So long that only the products count.
  EXPECT_EQ(timing.leastDense(1 << 22, 8), 1u << 19);
}

} // namespace
