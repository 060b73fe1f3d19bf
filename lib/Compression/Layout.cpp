// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/Circulant.h"

#include "BitStream.h"

#include <algorithm>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

const char *compression::matrixKindName(MatrixKind kind) {
  switch (kind) {
  case MatrixKind::Dense:
    return "dense";
  case MatrixKind::Hcgs:
    return "hcgs";
  case MatrixKind::Circulant:
    break;
  }
  return "circulant";
}

WeightLayout WeightLayout::dense(int64_t gates, int64_t rows, int64_t cols,
                                 int64_t rowBlock) {
  WeightLayout layout;
  layout.theGates = gates;
  layout.theRows = rows;
  layout.theCols = cols;
  layout.theRowBlock = rowBlock;
  layout.theWords = gates * rows * cols;
  return layout;
}

WeightLayout WeightLayout::circulant(int64_t gates, int64_t rows, int64_t cols,
                                     int64_t block, int64_t rowBlock) {
  WeightLayout layout = dense(gates, rows, cols, rowBlock);
  layout.theKind = MatrixKind::Circulant;
  layout.theBlock = block;
  layout.theWords = circulantWords(gates, rows, cols, block);
  return layout;
}

WeightLayout WeightLayout::sparse(int64_t gates,
                                  std::shared_ptr<const BlockMap> map,
                                  int64_t rowBlock) {
  WeightLayout layout = dense(gates, map->rows(), map->cols(), rowBlock);
  layout.theKind = MatrixKind::Hcgs;
  layout.theMaps.push_back(std::move(map));
  layout.placeSmallRows();
  return layout;
}

WeightLayout WeightLayout::sparse(BlockMaps maps, int64_t rowBlock) {
  WeightLayout layout =
      dense(static_cast<int64_t>(maps.size()), maps.front()->rows(),
            maps.front()->cols(), rowBlock);
  layout.theKind = MatrixKind::Hcgs;
  layout.theMaps = std::move(maps);
  layout.placeSmallRows();
  return layout;
}

void WeightLayout::placeSmallRows() {
  const size_t smallRows = theMaps.front()->smallRows().size();
  firstWord.reserve(smallRows * static_cast<size_t>(theGates) + 1);
  int64_t next = 0;
  for (size_t i = 0; i < smallRows; ++i)
    for (int64_t gate = 0; gate < theGates; ++gate) {
      const BlockMap::SmallRow &small = map(gate).smallRows()[i];
      firstWord.push_back(next);
      next += small.height * small.keptCols;
    }
  firstWord.push_back(next);
  theWords = next;
}

int64_t WeightLayout::words(int64_t gate) const {
  return theKind == MatrixKind::Hcgs ? map(gate).keptWeights()
                                     : theWords / theGates;
}

int64_t WeightLayout::macs() const {
  return theKind == MatrixKind::Hcgs ? theWords : theGates * theRows * theCols;
}

int64_t WeightLayout::paddingBits(int bits) const {
  int64_t unused = 0;
  forEachVector([&](const Vector &vector) {
    for (int64_t j = 0; j < theBlock; ++j)
      unused += circulantUses(theBlock, vector.height, vector.width, j) == 0;
  });
  return 8 * bytes(bits) - (theWords - unused) * bits;
}

int64_t WeightLayout::smallRowOf(int64_t row) const {
  const auto rows = theMaps.front()->smallRows();
  const auto after = std::upper_bound(
      rows.begin(), rows.end(), row,
      [](int64_t r, const BlockMap::SmallRow &small) { return r < small.row; });
  return after - rows.begin() - 1;
}

int64_t WeightLayout::firstWordOf(int64_t row) const {
  if (row >= theRows)
    return theWords;
  if (isDense())
    return row * theGates * theCols;
  if (isCirculant())
    return row / theBlock * theGates * ceilDiv(theCols, theBlock) * theBlock;
  return firstWord[smallRowOf(row) * theGates];
}

WordInfo WeightLayout::describe(int64_t word) const {
  if (isDense()) {
    const int64_t perRow = theGates * theCols; // words of a row of all gates
    const int64_t first = word / (theRowBlock * perRow) * theRowBlock;
    const int64_t height = std::min(theRowBlock, theRows - first);
    const int64_t rest = word - first * perRow;
    const int64_t gate = rest / (height * theCols);
    const int64_t within = rest % (height * theCols);
    return {gate, first + within / theCols, within % theCols};
  }
  if (isCirculant()) {
    // Block-columns lie one after the other, so columns of first rows do, too.
    const int64_t perGate = ceilDiv(theCols, theBlock) * theBlock;
    const int64_t line = word / perGate; // block-row and gate
    return {line % theGates, line / theGates * theBlock, word % perGate};
  }
  const int64_t index =
      std::upper_bound(firstWord.begin(), firstWord.end(), word) -
      firstWord.begin() - 1;
  const int64_t gate = index % theGates;
  const BlockMap &own = map(gate);
  const BlockMap::SmallRow &small = own.smallRows()[index / theGates];
  int64_t rest = word - firstWord[index];
  for (const ColRange &range : own.ranges(small)) {
    const int64_t size = int64_t(small.height) * range.width;
    if (rest < size)
      return {gate, small.row + rest / range.width,
              range.col + rest % range.width};
    rest -= size;
  }
  return {};
}

int64_t WeightLayout::wordOf(int64_t gate, int64_t row, int64_t col) const {
  if (isDense())
    return accumulatorOf(gate, row) * theCols + col;
  if (isCirculant()) {
    const int64_t line = row / theBlock * theGates + gate;
    const int64_t element =
        (col % theBlock + theBlock - row % theBlock) % theBlock;
    return (line * ceilDiv(theCols, theBlock) + col / theBlock) * theBlock +
           element;
  }
  const int64_t index = smallRowOf(row);
  const BlockMap &own = map(gate);
  const BlockMap::SmallRow &small = own.smallRows()[index];
  int64_t word = firstWord[index * theGates + gate];
  for (const ColRange &range : own.ranges(small)) {
    if (col >= range.col && col < range.col + range.width)
      return word + (row - small.row) * range.width + (col - range.col);
    word += int64_t(small.height) * range.width;
  }
  return -1;
}

std::vector<WeightLayout::RowGroup>
WeightLayout::rowGroups(unsigned gateMask, ColumnSpan columns) const {
  std::vector<RowGroup> groups;
  auto keptCols = [&](const BlockMap &map, const BlockMap::SmallRow &small) {
    if (columns.size() == theCols)
      return small.keptCols;
    int64_t kept = 0;
    for (const ColRange &range : map.ranges(small))
      if (range.col >= columns.begin && range.col < columns.end)
        kept += range.width;
    return kept;
  };
  if (theKind == MatrixKind::Hcgs) {
    const auto rows = theMaps.front()->smallRows();
    for (size_t i = 0; i < rows.size(); ++i) {
      RowGroup group{rows[i].row, rows[i].height, 0};
      for (int64_t gate = 0; gate < theGates; ++gate)
        if (gateMask >> gate & 1)
          group.macs +=
              group.height * keptCols(map(gate), map(gate).smallRows()[i]);
      groups.push_back(group);
    }
    return groups;
  }
  int64_t chosen = 0;
  for (int64_t gate = 0; gate < theGates; ++gate)
    chosen += gateMask >> gate & 1;
  const int64_t step = isCirculant() ? theBlock : theRowBlock;
  for (int64_t row = 0; row < theRows; row += step) {
    const int64_t height = std::min(step, theRows - row);
    groups.push_back({row, height, chosen * height * columns.size()});
  }
  return groups;
}

Result<void> compression::verifyRowBlock(const WeightLayout &layout) {
  const int64_t rowBlock = layout.rowBlock();
  if (rowBlock < 1)
    return Error{"row block height is " + std::to_string(rowBlock) +
                 "; it must be at least 1"};
  if (layout.isDense())
    return {};
  if (layout.isCirculant()) {
    if (rowBlock >= layout.rows() || rowBlock % layout.block() == 0)
      return {};
    return Error{"row block height " + std::to_string(rowBlock) +
                 " cuts circulant blocks; choose a multiple of their size (" +
                 std::to_string(layout.block()) + ")"};
  }
  // Small block-rows are those of the pattern, the same for all masks.
  for (const BlockMap::SmallRow &small : layout.map(0).smallRows()) {
    const int64_t first = small.row / rowBlock;
    const int64_t last = (small.row + small.height - 1) / rowBlock;
    if (first != last)
      return Error{"row block height " + std::to_string(rowBlock) +
                   " cuts the small block-row of rows " +
                   std::to_string(small.row) + ".." +
                   std::to_string(small.row + small.height - 1) +
                   "; choose a multiple of the first tier's block height (" +
                   std::to_string(layout.map(0).pattern().tiers[0].rows) + ")"};
  }
  return {};
}

int64_t compression::countStrayWeights(const MatrixView &weights,
                                       const WeightLayout &layout) {
  return layout.maps().empty() ? 0 : countStrayWeights(weights, layout.maps());
}

std::vector<uint8_t> compression::packCodes(std::span<const int16_t> codes,
                                            numerics::WeightFormat format) {
  BitWriter writer;
  writer.reserve(static_cast<int64_t>(codes.size()) * format.bits);
  for (const int16_t code : codes)
    writer.write(numerics::encodeWeight(code, format), format.bits);
  return writer.take();
}

Result<std::vector<int16_t>>
compression::unpackCodes(std::span<const uint8_t> image, int64_t words,
                         numerics::WeightFormat format) {
  const int64_t bytes = ceilDiv(words * format.bits, 8);
  if (static_cast<int64_t>(image.size()) != bytes)
    return Error{"weight image has " + std::to_string(image.size()) +
                 " bytes; " + std::to_string(words) + " weights of " +
                 std::to_string(format.bits) + " bits take " +
                 std::to_string(bytes)};
  BitReader reader(image);
  std::vector<int16_t> codes(static_cast<size_t>(words));
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint32_t pattern = reader.read(format.bits);
    if (!numerics::isValidPattern(pattern, format))
      return Error{"weight " + std::to_string(i) +
                   " of the image has the "
                   "pattern of " +
                   std::to_string(numerics::decodeWeight(pattern, format)) +
                   ", which " + std::to_string(format.bits) +
                   "-bit twos does not use"};
    codes[i] = static_cast<int16_t>(numerics::decodeWeight(pattern, format));
  }
  if (reader.read(static_cast<int>(reader.remaining())) != 0)
    return Error{"filler bits after the last weight of the image are not 0"};
  return codes;
}
