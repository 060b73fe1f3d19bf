// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/RowSlice.h"
#include "hcgs/Compression/Circulant.h"

#include <string>

using namespace hcgs;
using namespace hcgs::compression;

Pattern compression::patternOfRows(Pattern pattern) {
  Balance &balance = pattern.tiers.front().balance;
  if (balance == Balance::Column)
    balance = Balance::None;
  else if (balance == Balance::Both)
    balance = Balance::Row;
  return pattern;
}

/// Rows begin .. end-1 exist, and `step` divides both, or `end` is the last.
static Result<void> checkRows(int64_t begin, int64_t end, int64_t rows,
                              int64_t step, const char *what) {
  const std::string range =
      "rows " + std::to_string(begin) + " to " + std::to_string(end);
  if (begin < 0 || begin >= end || end > rows)
    return Error{range + " are no part of a matrix of " + std::to_string(rows) +
                 " rows"};
  if (begin % step != 0 || (end % step != 0 && end != rows))
    return Error{range + " cut " + what + " of " + std::to_string(step) +
                 " rows; begin and end at multiples of that"};
  return {};
}

Result<BlockMap> compression::rowsOf(const BlockMap &map, int64_t begin,
                                     int64_t end) {
  if (auto good = checkRows(begin, end, map.rows(),
                            map.pattern().tiers.front().rows, "blocks");
      !good)
    return good.takeError();
  // Of the tier before and of this one: which block of the whole map each block
  // of the slice is. Parents come in canonical order, tier by tier.
  std::vector<int64_t> before = {0}, own;
  int tier = 0;
  return BlockMap::buildByParent(
      patternOfRows(map.pattern()), end - begin, map.cols(),
      [&](const BlockMap::Parent &parent,
          std::span<uint8_t> kept) -> Result<void> {
        if (parent.tier != tier) {
          tier = parent.tier;
          before = std::move(own);
          own.clear();
        }
        const auto [first, last] = map.children(tier, before[parent.parent]);
        for (int64_t i = first; i < last; ++i) {
          const Block &block = map.blocks(tier)[i];
          if (block.row < begin || block.row >= end)
            continue;
          const int64_t down =
              (block.row - begin - parent.block.row) / parent.shape->rows;
          const int64_t across =
              (block.col - parent.block.col) / parent.shape->cols;
          kept[down * parent.blockCols + across] = 1;
          own.push_back(i);
        }
        return {};
      });
}

Result<WeightLayout> compression::rowsOf(const WeightLayout &layout,
                                         int64_t begin, int64_t end) {
  if (auto good =
          checkRows(begin, end, layout.rows(), layout.rowBlock(), "row blocks");
      !good)
    return good.takeError();
  const int64_t rows = end - begin;
  const int64_t rowBlock = std::min(layout.rowBlock(), rows);
  if (layout.isDense())
    return WeightLayout::dense(layout.gates(), rows, layout.cols(), rowBlock);
  if (layout.isCirculant()) {
    if (auto good = verifyCirculant(rows, layout.cols(), layout.block()); !good)
      return good.takeError();
    return WeightLayout::circulant(layout.gates(), rows, layout.cols(),
                                   layout.block(), rowBlock);
  }
  BlockMaps maps;
  for (const std::shared_ptr<const BlockMap> &map : layout.maps()) {
    Result<BlockMap> slice = rowsOf(*map, begin, end);
    if (!slice)
      return slice.takeError();
    maps.push_back(std::make_shared<const BlockMap>(*std::move(slice)));
  }
  return layout.isSeparate()
             ? WeightLayout::sparse(std::move(maps), rowBlock)
             : WeightLayout::sparse(layout.gates(), maps.front(), rowBlock);
}
