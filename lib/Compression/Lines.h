// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a tier cuts its parents into lines of blocks, in the order of the index
// image (WI-I-2, WI-I-3). Shared by maps and detection.
//
#ifndef HCGS_LIB_COMPRESSION_LINES_H
#define HCGS_LIB_COMPRESSION_LINES_H

#include "hcgs/Compression/BlockMap.h"

#include <algorithm>
#include <vector>

namespace hcgs::compression {

/// Lines of a parent, and blocks in each of its lines.
struct LineCounts {
  int64_t lines = 0, blocks = 0;
};

/// Lines are block-rows (balance row, both), block-columns (column), or the
/// whole parent is one line (none).
inline LineCounts lineCounts(const Block &parent, const Tier &tier) {
  const int64_t down = ceilDiv(parent.height, tier.rows);
  const int64_t across = ceilDiv(parent.width, tier.cols);
  switch (tier.balance) {
  case Balance::Row:
  case Balance::Both:
    break;
  case Balance::Column:
    return {across, down};
  case Balance::None:
    return {1, down * across};
  }
  return {down, across};
}

/// The block at block-row `i`, block-column `j` of a parent, by true extents.
inline Block blockOf(const Block &parent, const Tier &tier, int64_t i,
                     int64_t j) {
  Block block;
  block.row = parent.row + static_cast<int32_t>(i * tier.rows);
  block.col = parent.col + static_cast<int32_t>(j * tier.cols);
  block.height = std::min(tier.rows, parent.row + parent.height - block.row);
  block.width = std::min(tier.cols, parent.col + parent.width - block.col);
  return block;
}

/// Block-row and block-column of block `i` of line `line`.
inline std::pair<int64_t, int64_t>
placeInLine(const Block &parent, const Tier &tier, int64_t line, int64_t i) {
  if (listsColumns(tier.balance))
    return {i, line};
  if (tier.balance == Balance::None) {
    const int64_t across = ceilDiv(parent.width, tier.cols);
    return {i / across, i % across};
  }
  return {line, i};
}

/// Fills `choices` with the blocks of line `line`.
inline void fillLine(const Block &parent, const Tier &tier, int64_t line,
                     std::vector<Block> &choices) {
  const int64_t count = lineCounts(parent, tier).blocks;
  choices.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const auto [row, col] = placeInLine(parent, tier, line, i);
    choices[i] = blockOf(parent, tier, row, col);
  }
}

/// Puts blocks of one parent, chosen line by line, into canonical order.
inline void sortCanonically(std::span<Block> blocks, const Tier &tier) {
  if (listsColumns(tier.balance))
    std::sort(blocks.begin(), blocks.end(), [](const Block &a, const Block &b) {
      return a.row != b.row ? a.row < b.row : a.col < b.col;
    });
}

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_LINES_H
