// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/BlockMap.h"

#include "BitStream.h"
#include "Lines.h"

#include <limits>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

Block wholeMatrix(int64_t rows, int64_t cols) {
  return {0, 0, static_cast<int32_t>(rows), static_cast<int32_t>(cols)};
}

/// "tier 2, parent 7 (rows 32..63, columns 0..31)".
std::string parentName(const BlockMap::Parent &parent) {
  const Block &block = parent.block;
  return "tier " + std::to_string(parent.tier + 1) + ", parent " +
         std::to_string(parent.parent) + " (rows " + std::to_string(block.row) +
         ".." + std::to_string(block.row + block.height - 1) + ", columns " +
         std::to_string(block.col) + ".." +
         std::to_string(block.col + block.width - 1) + ")";
}

/// The parent and what WI-P-3 asks of it.
BlockMap::Parent describeParent(const Tier &tier, int tierIndex, int64_t index,
                                const Block &block) {
  BlockMap::Parent parent;
  parent.tier = tierIndex;
  parent.parent = index;
  parent.block = block;
  parent.blockRows = ceilDiv(block.height, tier.rows);
  parent.blockCols = ceilDiv(block.width, tier.cols);
  parent.shape = &tier;
  const auto kept = [&](int64_t n) {
    return keptCount(n, tier.keepNum, tier.keepDen);
  };
  if (tier.balance == Balance::Row || tier.balance == Balance::Both)
    parent.keepPerRow = kept(parent.blockCols);
  if (tier.balance == Balance::Column || tier.balance == Balance::Both)
    parent.keepPerCol = kept(parent.blockRows);
  parent.keep = parent.keepPerRow > 0 ? parent.blockRows * parent.keepPerRow
                : parent.keepPerCol > 0
                    ? parent.blockCols * parent.keepPerCol
                    : kept(parent.blockRows * parent.blockCols);
  return parent;
}

/// WI-P-3: every block-row and block-column keeps its count. `kept` are the
/// positions of blocks, by rows.
Result<void> checkBalance(const BlockMap::Parent &parent,
                          std::span<const int64_t> kept) {
  std::vector<int64_t> counts;
  const auto check = [&](const char *line, int64_t lines, int64_t blocks,
                         int64_t wanted, bool byColumn) -> Result<void> {
    if (wanted == 0)
      return {};
    counts.assign(static_cast<size_t>(lines), 0);
    for (const int64_t position : kept)
      ++counts[byColumn ? position % parent.blockCols
                        : position / parent.blockCols];
    for (int64_t i = 0; i < lines; ++i)
      if (counts[i] != wanted)
        return Error{parentName(parent) + ": " + line + " " +
                     std::to_string(i) + " keeps " + std::to_string(counts[i]) +
                     " of " + std::to_string(blocks) + " blocks; balance " +
                     balanceName(parent.shape->balance) + " asks for " +
                     std::to_string(wanted)};
    return {};
  };
  if (auto rows = check("block-row", parent.blockRows, parent.blockCols,
                        parent.keepPerRow, /*byColumn=*/false);
      !rows)
    return rows.takeError();
  return check("block-column", parent.blockCols, parent.blockRows,
               parent.keepPerCol, /*byColumn=*/true);
}

Error badPosition(const BlockMap::Parent &parent, int64_t line,
                  int64_t position, bool outside, int64_t blocks) {
  return Error{"tier " + std::to_string(parent.tier + 1) + ", parent " +
               std::to_string(parent.parent) + ", line " +
               std::to_string(line) + ": block " + std::to_string(position) +
               (outside
                    ? " is out of range; there are " + std::to_string(blocks)
                    : " does not rise above the one before it")};
}

} // namespace

Block BlockMap::Parent::at(int64_t i, int64_t j) const {
  return blockOf(block, *shape, i, j);
}

Result<BlockMap> BlockMap::buildFrom(const Pattern &pattern, int64_t rows,
                                     int64_t cols,
                                     const PositionChooser &chooser) {
  if (auto checked = verify(pattern); !checked)
    return checked.takeError();
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  if (rows < 1 || cols < 1 || rows > limit || cols > limit)
    return Error{"a matrix of " + std::to_string(rows) + " x " +
                 std::to_string(cols) + " cannot have a block pattern"};
  if (auto checked = verifyShape(pattern, rows, cols); !checked)
    return checked.takeError();

  BlockMap map;
  map.thePattern = pattern;
  map.theRows = rows;
  map.theCols = cols;
  map.tiers.resize(pattern.tiers.size());
  std::vector<int64_t> kept;
  for (size_t t = 0; t < pattern.tiers.size(); ++t) {
    const Tier &tier = map.thePattern.tiers[t];
    TierBlocks &built = map.tiers[t];
    const int64_t parents =
        t == 0 ? 1 : static_cast<int64_t>(map.tiers[t - 1].blocks.size());
    built.firstChild.reserve(static_cast<size_t>(parents) + 1);
    built.firstChild.push_back(0);
    for (int64_t p = 0; p < parents; ++p) {
      const Parent parent = describeParent(tier, static_cast<int>(t), p,
                                           t == 0 ? wholeMatrix(rows, cols)
                                                  : map.tiers[t - 1].blocks[p]);
      kept.clear();
      if (auto chosen = chooser(parent, kept); !chosen)
        return chosen.takeError();
      if (auto checked = checkBalance(parent, kept); !checked)
        return checked.takeError();
      // By rows, then columns: the canonical order.
      if (listsColumns(tier.balance))
        std::sort(kept.begin(), kept.end());
      for (const int64_t position : kept)
        built.blocks.push_back(parent.at(position / parent.blockCols,
                                         position % parent.blockCols));
      built.firstChild.push_back(static_cast<int64_t>(built.blocks.size()));
    }
  }
  map.finish();
  return map;
}

Result<BlockMap> BlockMap::buildByParent(const Pattern &pattern, int64_t rows,
                                         int64_t cols,
                                         const ParentChooser &chooser) {
  std::vector<uint8_t> flags;
  return buildFrom(
      pattern, rows, cols,
      [&](const Parent &parent, std::vector<int64_t> &kept) -> Result<void> {
        flags.assign(static_cast<size_t>(parent.blockRows * parent.blockCols),
                     0);
        if (auto chosen = chooser(parent, flags); !chosen)
          return chosen.takeError();
        for (size_t i = 0; i < flags.size(); ++i)
          if (flags[i])
            kept.push_back(static_cast<int64_t>(i));
        return {};
      });
}

Result<BlockMap> BlockMap::build(const Pattern &pattern, int64_t rows,
                                 int64_t cols, const Chooser &chooser) {
  std::vector<Block> choices;
  std::vector<int32_t> positions;
  return buildFrom(
      pattern, rows, cols,
      [&](const Parent &parent, std::vector<int64_t> &kept) -> Result<void> {
        const Tier &tier = *parent.shape;
        const LineCounts counts = lineCounts(parent.block, tier);
        const int64_t keep =
            keptCount(counts.blocks, tier.keepNum, tier.keepDen);
        positions.resize(static_cast<size_t>(keep));
        for (int64_t l = 0; l < counts.lines; ++l) {
          fillLine(parent.block, tier, l, choices);
          const Line line{parent.tier, parent.parent, choices, keep};
          if (auto chosen = chooser(line, positions); !chosen)
            return chosen.takeError();
          for (size_t i = 0; i < positions.size(); ++i) {
            const int32_t position = positions[i];
            const bool outside = position < 0 || position >= counts.blocks;
            if (outside || (i > 0 && position <= positions[i - 1]))
              return badPosition(parent, l, position, outside, counts.blocks);
            const auto [row, col] =
                placeInLine(parent.block, tier, l, position);
            kept.push_back(row * parent.blockCols + col);
          }
        }
        return {};
      });
}

void BlockMap::finish() {
  // Heights of the small block-rows: nested cuts of each tier-1 block-row,
  // which do not depend on which blocks are kept.
  struct Strip {
    int32_t row, height;
  };
  std::vector<Strip> strips = {{0, static_cast<int32_t>(theRows)}};
  for (const Tier &tier : thePattern.tiers) {
    std::vector<Strip> finer;
    for (const Strip &strip : strips)
      for (int32_t r = 0; r < strip.height; r += tier.rows)
        finer.push_back({strip.row + r, std::min(tier.rows, strip.height - r)});
    strips = std::move(finer);
  }
  std::vector<int32_t> stripOfRow(static_cast<size_t>(theRows));
  theSmallRows.resize(strips.size());
  for (size_t i = 0; i < strips.size(); ++i) {
    theSmallRows[i].row = strips[i].row;
    theSmallRows[i].height = strips[i].height;
    stripOfRow[strips[i].row] = static_cast<int32_t>(i);
  }

  // Canonical order visits the blocks of one small block-row by rising column,
  // since parents of the same rows are visited so; a counting sort keeps that.
  const std::vector<Block> &blocks = tiers.back().blocks;
  for (const Block &block : blocks) {
    SmallRow &small = theSmallRows[stripOfRow[block.row]];
    ++small.ranges;
    small.keptCols += block.width;
  }
  int64_t next = 0;
  for (SmallRow &small : theSmallRows) {
    small.firstRange = next;
    next += small.ranges;
    theKeptWeights += small.keptCols * small.height;
    small.ranges = 0;
  }
  theRanges.resize(blocks.size());
  for (const Block &block : blocks) {
    SmallRow &small = theSmallRows[stripOfRow[block.row]];
    theRanges[small.firstRange + small.ranges++] = {block.col, block.width};
  }
}

Result<BlockMap> BlockMap::readIndexImage(const Pattern &pattern, int64_t rows,
                                          int64_t cols,
                                          std::span<const uint8_t> images,
                                          size_t &used) {
  BitReader reader(images);
  const auto readNumber = [&](int bits, int64_t &value) -> Result<void> {
    if (reader.remaining() < bits)
      return Error{"index image of " + std::to_string(images.size()) +
                   " bytes is too short for the pattern " + pattern.str()};
    value = reader.read(bits);
    return {};
  };
  const auto chooser = [&](const Parent &parent,
                           std::vector<int64_t> &kept) -> Result<void> {
    const int bits = indexBitsOf(pattern, parent.tier, rows, cols);
    const int countBits = countBitsOf(pattern, parent.tier, cols);
    const bool byColumn = listsColumns(parent.shape->balance);
    const int64_t lines = byColumn ? parent.blockCols : parent.blockRows;
    const int64_t blocks = byColumn ? parent.blockRows : parent.blockCols;
    for (int64_t line = 0; line < lines; ++line) {
      int64_t count = byColumn ? parent.keepPerCol : parent.keepPerRow;
      if (countBits > 0) {
        if (auto read = readNumber(countBits, count); !read)
          return read.takeError();
        if (count > blocks)
          return Error{"tier " + std::to_string(parent.tier + 1) + ", parent " +
                       std::to_string(parent.parent) + ", line " +
                       std::to_string(line) + ": keeps " +
                       std::to_string(count) + " blocks; there are " +
                       std::to_string(blocks)};
      }
      for (int64_t i = 0, position = 0, before = -1; i < count; ++i) {
        if (auto read = readNumber(bits, position); !read)
          return read.takeError();
        const bool outside = position >= blocks;
        if (outside || position <= before)
          return badPosition(parent, line, position, outside, blocks);
        before = position;
        kept.push_back(byColumn ? position * parent.blockCols + line
                                : line * parent.blockCols + position);
      }
    }
    return {};
  };
  auto map = buildFrom(pattern, rows, cols, chooser);
  if (!map)
    return map.takeError().at("malformed index");
  // The reader takes whole bytes, and no more of them than it needs.
  if (reader.read(static_cast<int>(reader.remaining() % 8)) != 0)
    return Error{"malformed index: filler bits of the last byte are not 0"};
  used = images.size() - static_cast<size_t>(reader.remaining() / 8);
  return map;
}

Result<BlockMap> BlockMap::fromIndexImage(const Pattern &pattern, int64_t rows,
                                          int64_t cols,
                                          std::span<const uint8_t> image) {
  size_t used = 0;
  auto map = readIndexImage(pattern, rows, cols, image, used);
  if (map && used != image.size())
    return Error{"malformed index: the image has " +
                 std::to_string(image.size()) + " bytes; the pattern " +
                 pattern.str() + " needs " + std::to_string(used)};
  return map;
}

int BlockMap::indexBitsOf(const Pattern &pattern, int tier, int64_t rows,
                          int64_t cols) {
  const Tier &own = pattern.tiers[tier];
  if (listsColumns(own.balance))
    return indexBits(
        ceilDiv(tier == 0 ? rows : pattern.tiers[tier - 1].rows, own.rows));
  return indexBits(
      ceilDiv(tier == 0 ? cols : pattern.tiers[tier - 1].cols, own.cols));
}

int BlockMap::countBitsOf(const Pattern &pattern, int tier, int64_t cols) {
  const Tier &own = pattern.tiers[tier];
  if (own.balance != Balance::None)
    return 0;
  return indexBits(
      ceilDiv(tier == 0 ? cols : pattern.tiers[tier - 1].cols, own.cols) + 1);
}

Block BlockMap::parent(int tier, int64_t parent) const {
  return tier == 0 ? wholeMatrix(theRows, theCols)
                   : tiers[tier - 1].blocks[parent];
}

int64_t BlockMap::indexBitCount() const {
  int64_t bits = 0;
  for (int t = 0; t < static_cast<int>(tiers.size()); ++t) {
    bits += static_cast<int64_t>(tiers[t].blocks.size()) *
            indexBitsOf(thePattern, t, theRows, theCols);
    if (const int countBits = countBitsOf(thePattern, t, theCols))
      for (int64_t p = 0; p < parentCount(t); ++p)
        bits +=
            countBits * ceilDiv(parent(t, p).height, thePattern.tiers[t].rows);
  }
  return bits;
}

std::vector<uint8_t> BlockMap::indexImage() const {
  BitWriter writer;
  std::vector<std::vector<uint32_t>> lines;
  for (int t = 0; t < static_cast<int>(tiers.size()); ++t) {
    const Tier &tier = thePattern.tiers[t];
    const int bits = indexBitsOf(thePattern, t, theRows, theCols);
    const int countBits = countBitsOf(thePattern, t, theCols);
    const bool byColumn = listsColumns(tier.balance);
    for (int64_t p = 0; p < parentCount(t); ++p) {
      const Block above = parent(t, p);
      const int64_t count = byColumn ? ceilDiv(above.width, tier.cols)
                                     : ceilDiv(above.height, tier.rows);
      if (static_cast<int64_t>(lines.size()) < count)
        lines.resize(static_cast<size_t>(count));
      for (int64_t l = 0; l < count; ++l)
        lines[l].clear();
      for (int64_t i = tiers[t].firstChild[p]; i < tiers[t].firstChild[p + 1];
           ++i) {
        const Block &block = tiers[t].blocks[i];
        const uint32_t down = (block.row - above.row) / tier.rows;
        const uint32_t across = (block.col - above.col) / tier.cols;
        lines[byColumn ? across : down].push_back(byColumn ? down : across);
      }
      for (int64_t l = 0; l < count; ++l) {
        writer.write(static_cast<uint32_t>(countBits ? lines[l].size() : 0),
                     countBits);
        for (const uint32_t position : lines[l])
          writer.write(position, bits);
      }
    }
  }
  return writer.take();
}

std::vector<uint8_t> compression::indexImageOf(const BlockMaps &masks) {
  std::vector<uint8_t> images;
  for (const std::shared_ptr<const BlockMap> &map : masks) {
    const std::vector<uint8_t> image = map->indexImage();
    images.insert(images.end(), image.begin(), image.end());
  }
  return images;
}

Result<BlockMaps> compression::readIndexImages(const Pattern &pattern,
                                               int64_t rows, int64_t cols,
                                               int64_t masks,
                                               std::span<const uint8_t> image) {
  BlockMaps maps;
  size_t begin = 0;
  for (int64_t gate = 0; gate < masks; ++gate) {
    size_t used = 0;
    auto map = BlockMap::readIndexImage(pattern, rows, cols,
                                        image.subspan(begin), used);
    if (!map)
      return masks == 1
                 ? map.takeError()
                 : map.takeError().at("mask of gate " + std::to_string(gate));
    maps.push_back(std::make_shared<const BlockMap>(*std::move(map)));
    begin += used;
  }
  if (begin != image.size())
    return Error{"malformed index: the image has " +
                 std::to_string(image.size()) + " bytes; " +
                 (masks == 1
                      ? std::string("the pattern ")
                      : std::to_string(masks) + " masks of the pattern ") +
                 pattern.str() + (masks == 1 ? " needs " : " need ") +
                 std::to_string(begin)};
  return maps;
}

bool BlockMap::isKept(int64_t row, int64_t col) const {
  const auto after = std::upper_bound(
      theSmallRows.begin(), theSmallRows.end(), row,
      [](int64_t r, const SmallRow &small) { return r < small.row; });
  const auto kept = ranges(*std::prev(after));
  const auto next = std::upper_bound(
      kept.begin(), kept.end(), col,
      [](int64_t c, const ColRange &range) { return c < range.col; });
  if (next == kept.begin())
    return false;
  const ColRange &range = *std::prev(next);
  return col < range.col + range.width;
}

bool compression::operator==(const BlockMap &a, const BlockMap &b) {
  if (!(a.thePattern == b.thePattern) || a.theRows != b.theRows ||
      a.theCols != b.theCols)
    return false;
  for (size_t t = 0; t < a.tiers.size(); ++t)
    if (a.tiers[t].blocks != b.tiers[t].blocks)
      return false;
  return true;
}

namespace {

/// Calls visit(row, firstColumn, count) for every gap between kept columns.
template <typename Visitor>
void forEachGap(const BlockMap &map, Visitor &&visit) {
  for (const BlockMap::SmallRow &small : map.smallRows())
    for (int64_t row = small.row; row < small.row + small.height; ++row) {
      int64_t col = 0;
      for (const ColRange &range : map.ranges(small)) {
        if (range.col > col)
          visit(row, col, range.col - col);
        col = range.col + range.width;
      }
      if (map.cols() > col)
        visit(row, col, map.cols() - col);
    }
}

double energyOf(std::span<const float> weights) {
  double sum = 0.0;
  for (const float weight : weights)
    sum += static_cast<double>(weight) * weight;
  return sum;
}

} // namespace

int64_t compression::countStrayWeights(const MatrixView &weights,
                                       const BlockMap &map) {
  int64_t strays = 0;
  forEachGap(map, [&](int64_t row, int64_t col, int64_t count) {
    for (int64_t gate = 0; gate < weights.gates; ++gate) {
      const float *from = weights.row(gate, row) + col;
      for (int64_t i = 0; i < count; ++i)
        strays += from[i] != 0.0f;
    }
  });
  return strays;
}

int64_t compression::countStrayWeights(const MatrixView &weights,
                                       const BlockMaps &masks) {
  if (masks.size() == 1)
    return countStrayWeights(weights, *masks.front());
  int64_t strays = 0;
  for (size_t gate = 0; gate < masks.size(); ++gate)
    strays += countStrayWeights(weights.gate(static_cast<int64_t>(gate)),
                                *masks[gate]);
  return strays;
}

EnergyLoss compression::zeroDropped(std::span<float> weights, int64_t gates,
                                    const BlockMap &map) {
  EnergyLoss loss;
  loss.total = energyOf(weights);
  forEachGap(map, [&](int64_t row, int64_t col, int64_t count) {
    for (int64_t gate = 0; gate < gates; ++gate) {
      const std::span<float> gap = weights.subspan(
          static_cast<size_t>((gate * map.rows() + row) * map.cols() + col),
          static_cast<size_t>(count));
      loss.removed += energyOf(gap);
      std::fill(gap.begin(), gap.end(), 0.0f);
    }
  });
  return loss;
}

EnergyLoss compression::zeroDropped(std::span<float> weights, int64_t gates,
                                    const BlockMaps &masks) {
  if (masks.size() == 1)
    return zeroDropped(weights, gates, *masks.front());
  EnergyLoss loss;
  const size_t size = weights.size() / static_cast<size_t>(gates);
  for (size_t gate = 0; gate < masks.size(); ++gate) {
    const EnergyLoss own =
        zeroDropped(weights.subspan(gate * size, size), 1, *masks[gate]);
    loss.removed += own.removed;
    loss.total += own.total;
  }
  return loss;
}
