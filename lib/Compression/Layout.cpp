// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Layout.h"

#include "BitStream.h"

#include <algorithm>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

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

WeightLayout WeightLayout::sparse(int64_t gates,
                                  std::shared_ptr<const BlockMap> map,
                                  int64_t rowBlock) {
  WeightLayout layout;
  layout.theGates = gates;
  layout.theRows = map->rows();
  layout.theCols = map->cols();
  layout.theRowBlock = rowBlock;
  layout.theWords = gates * map->keptWeights();
  int64_t next = 0;
  layout.firstWord.reserve(map->smallRows().size() + 1);
  for (const BlockMap::SmallRow &small : map->smallRows()) {
    layout.firstWord.push_back(next);
    next += gates * small.height * small.keptCols;
  }
  layout.firstWord.push_back(next);
  layout.theMap = std::move(map);
  return layout;
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
  const size_t index =
      std::upper_bound(firstWord.begin(), firstWord.end(), word) -
      firstWord.begin() - 1;
  const BlockMap::SmallRow &small = theMap->smallRows()[index];
  const int64_t perGate = small.height * small.keptCols;
  const int64_t gate = (word - firstWord[index]) / perGate;
  int64_t rest = (word - firstWord[index]) % perGate;
  for (const ColRange &range : theMap->ranges(small)) {
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
  const auto rows = theMap->smallRows();
  const auto after = std::upper_bound(
      rows.begin(), rows.end(), row,
      [](int64_t r, const BlockMap::SmallRow &small) { return r < small.row; });
  const BlockMap::SmallRow &small = *std::prev(after);
  int64_t word = firstWord[std::prev(after) - rows.begin()] +
                 gate * small.height * small.keptCols;
  for (const ColRange &range : theMap->ranges(small)) {
    if (col >= range.col && col < range.col + range.width)
      return word + (row - small.row) * range.width + (col - range.col);
    word += int64_t(small.height) * range.width;
  }
  return -1;
}

Result<void> compression::verifyRowBlock(const WeightLayout &layout) {
  if (layout.rowBlock() < 1)
    return Error{"row block height is " + std::to_string(layout.rowBlock()) +
                 "; it must be at least 1"};
  if (layout.isDense())
    return {};
  for (const BlockMap::SmallRow &small : layout.map()->smallRows()) {
    const int64_t first = small.row / layout.rowBlock();
    const int64_t last = (small.row + small.height - 1) / layout.rowBlock();
    if (first != last)
      return Error{"row block height " + std::to_string(layout.rowBlock()) +
                   " cuts the small block-row of rows " +
                   std::to_string(small.row) + ".." +
                   std::to_string(small.row + small.height - 1) +
                   "; choose a multiple of the first tier's block height (" +
                   std::to_string(layout.map()->pattern().tiers[0].rows) + ")"};
  }
  return {};
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
