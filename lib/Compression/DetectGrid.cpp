// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DetectGrid.h"

#include <algorithm>
#include <bit>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// One bit for each of 64 floats. In two steps that compilers vectorise: a byte
/// for each, then eight bytes into eight bits by a multiplication that adds
/// byte i, shifted by i, into the top byte.
uint64_t nonzero64(const float *from) {
  uint8_t bytes[64];
  for (int i = 0; i < 64; ++i)
    bytes[i] = from[i] != 0.0f;
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    uint64_t eight = 0;
    for (int k = 0; k < 8; ++k)
      eight |= uint64_t(bytes[8 * i + k]) << (8 * k);
    bits |= (eight * 0x0102040810204080ULL >> 56) << (8 * i);
  }
  return bits;
}

/// Transposes 64 x 64 bits in place: swaps the off-diagonal quarters of all
/// squares of 64, 32, ..., 2.
void transpose64(uint64_t *rows) {
  uint64_t mask = 0x00000000ffffffffULL;
  for (int half = 32; half != 0; half /= 2, mask ^= mask << half)
    for (int r = 0; r < 64; r = (r + half + 1) & ~half) {
      const uint64_t swap = ((rows[r] >> half) ^ rows[r + half]) & mask;
      rows[r] ^= swap << half;
      rows[r + half] ^= swap;
    }
}

} // namespace

BitGrid::BitGrid(int64_t rows, int64_t cols)
    : theRows(rows), theCols(cols), wordsPerRow(ceilDiv(cols, 64)),
      words(static_cast<size_t>(rows * wordsPerRow)) {}

int64_t BitGrid::count() const {
  int64_t ones = 0;
  for (const uint64_t word : words)
    ones += std::popcount(word);
  return ones;
}

int64_t BitGrid::count(int64_t r, int64_t first, int64_t last) const {
  const uint64_t *from = row(r);
  int64_t word = first / 64;
  const int64_t lastWord = (last - 1) / 64;
  const uint64_t head = ~uint64_t(0) << (first % 64);
  const uint64_t tail = ~uint64_t(0) >> (63 - (last - 1) % 64);
  if (word == lastWord)
    return std::popcount(from[word] & head & tail);
  int64_t ones = std::popcount(from[word] & head);
  while (++word < lastWord)
    ones += std::popcount(from[word]);
  return ones + std::popcount(from[word] & tail);
}

int64_t BitGrid::count(const Block &block) const {
  int64_t ones = 0;
  for (int64_t r = block.row; r < block.row + block.height; ++r)
    ones += count(r, block.col, block.col + block.width);
  return ones;
}

int64_t BitGrid::countJoined(int64_t height) const {
  int64_t ones = 0;
  std::vector<uint64_t> joined(static_cast<size_t>(wordsPerRow));
  for (int64_t r = 0; r < theRows; r += height) {
    std::copy_n(row(r), wordsPerRow, joined.begin());
    for (int64_t i = r + 1; i < std::min(r + height, theRows); ++i)
      for (int64_t w = 0; w < wordsPerRow; ++w)
        joined[w] |= row(i)[w];
    for (const uint64_t word : joined)
      ones += std::popcount(word);
  }
  return ones;
}

BitGrid BitGrid::joinRows(int64_t height) const {
  BitGrid result(ceilDiv(theRows, height), theCols);
  for (int64_t r = 0; r < result.theRows; ++r) {
    uint64_t *to = result.row(r);
    for (int64_t i = r * height; i < std::min((r + 1) * height, theRows); ++i)
      for (int64_t w = 0; w < wordsPerRow; ++w)
        to[w] |= row(i)[w];
  }
  return result;
}

BitGrid BitGrid::transposed() const {
  BitGrid result(theCols, theRows);
  for (int64_t r = 0; r < theRows; r += 64)
    for (int64_t w = 0; w < wordsPerRow; ++w) {
      uint64_t square[64] = {};
      for (int64_t i = 0; i < std::min<int64_t>(64, theRows - r); ++i)
        square[i] = row(r + i)[w];
      transpose64(square);
      for (int64_t i = 0; i < std::min<int64_t>(64, theCols - 64 * w); ++i)
        result.row(64 * w + i)[r / 64] = square[i];
    }
  return result;
}

BitGrid BitGrid::joined(int64_t height, int64_t width) const {
  if (width == 1)
    return joinRows(height);
  return joinRows(height).transposed().joinRows(width).transposed();
}

void BitGrid::merge(const BitGrid &other) {
  for (size_t i = 0; i < words.size(); ++i)
    words[i] |= other.words[i];
}

std::vector<BitGrid> compression::nonzeroBits(const MatrixView &weights) {
  std::vector<BitGrid> grids;
  for (int64_t gate = 0; gate < weights.gates; ++gate) {
    BitGrid &grid = grids.emplace_back(weights.rows, weights.cols);
    for (int64_t r = 0; r < weights.rows; ++r) {
      const float *from = weights.row(gate, r);
      uint64_t *to = grid.row(r);
      int64_t c = 0;
      for (; c + 64 <= weights.cols; c += 64)
        *to++ = nonzero64(from + c);
      for (int64_t i = c; i < weights.cols; ++i)
        *to |= uint64_t(from[i] != 0.0f) << (i - c);
    }
  }
  return grids;
}

int64_t compression::coveredPositions(const BitGrid &cells, int64_t height,
                                      int64_t width, int64_t rows,
                                      int64_t cols) {
  // Full blocks, less what the last row and column of blocks lack.
  const int64_t lackRows = cells.rows() * height - rows;
  const int64_t lackCols = cells.cols() * width - cols;
  int64_t covered = cells.count() * height * width;
  if (lackRows > 0)
    covered -=
        cells.count(cells.rows() - 1, 0, cells.cols()) * lackRows * width;
  if (lackCols > 0)
    for (int64_t r = 0; r < cells.rows(); ++r)
      covered -= int64_t(cells.at(r, cells.cols() - 1)) * lackCols *
                 std::min(height, rows - r * height);
  return covered;
}
