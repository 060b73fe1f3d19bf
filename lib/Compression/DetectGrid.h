// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One bit per weight, or per block of weights: what detection works on. Joining
// rows (or, in the transposed grid, columns) by OR tells which blocks of any
// size are occupied, 64 at a time.
//
#ifndef HCGS_LIB_COMPRESSION_DETECTGRID_H
#define HCGS_LIB_COMPRESSION_DETECTGRID_H

#include "hcgs/Compression/BlockMap.h"

#include <cstdint>
#include <vector>

namespace hcgs::compression {

class BitGrid {
public:
  BitGrid() = default;
  BitGrid(int64_t rows, int64_t cols);

  int64_t rows() const { return theRows; }
  int64_t cols() const { return theCols; }
  uint64_t *row(int64_t r) { return words.data() + r * wordsPerRow; }
  const uint64_t *row(int64_t r) const {
    return words.data() + r * wordsPerRow;
  }
  bool at(int64_t r, int64_t c) const { return row(r)[c / 64] >> (c % 64) & 1; }
  void clear(int64_t r, int64_t c) {
    row(r)[c / 64] &= ~(uint64_t(1) << (c % 64));
  }

  /// Ones, in all and in columns [first, last) of a row.
  int64_t count() const;
  int64_t count(int64_t r, int64_t first, int64_t last) const;
  /// Ones of a block.
  int64_t count(const Block &block) const;
  /// Ones of joinRows(height).
  int64_t countJoined(int64_t height) const;

  /// ceil(rows / height) rows, each the OR of `height` rows (the last of what
  /// is left).
  BitGrid joinRows(int64_t height) const;
  BitGrid transposed() const;
  /// One bit per `height` x `width` block, by OR.
  BitGrid joined(int64_t height, int64_t width) const;
  /// Ones of `other` become ones of this grid, of the same shape.
  void merge(const BitGrid &other);

private:
  int64_t theRows = 0, theCols = 0, wordsPerRow = 0;
  std::vector<uint64_t> words; // bits past the last column are 0
};

/// A grid per gate: which weights are not zero (NaN is not).
std::vector<BitGrid> nonzeroBits(const MatrixView &weights);

/// Positions of a `rows` x `cols` matrix covered by the ones of `cells`, which
/// stand for blocks of `height` x `width` cut from the top left.
int64_t coveredPositions(const BitGrid &cells, int64_t height, int64_t width,
                         int64_t rows, int64_t cols);

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_DETECTGRID_H
