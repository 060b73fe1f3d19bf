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

/// WI-I-3: bits of each number of a tier, from the nominal size of its parents.
int tierIndexBits(const Pattern &pattern, size_t tier, int64_t rows,
                  int64_t cols) {
  const Tier &own = pattern.tiers[tier];
  const bool byRow = own.balance == Balance::Row;
  const int64_t extent = tier == 0 ? (byRow ? cols : rows)
                         : byRow   ? pattern.tiers[tier - 1].cols
                                   : pattern.tiers[tier - 1].rows;
  return indexBits(ceilDiv(extent, byRow ? own.cols : own.rows));
}

} // namespace

Result<BlockMap> BlockMap::build(const Pattern &pattern, int64_t rows,
                                 int64_t cols, const Chooser &chooser) {
  if (auto checked = verify(pattern); !checked)
    return checked.takeError();
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  if (rows < 1 || cols < 1 || rows > limit || cols > limit)
    return Error{"a matrix of " + std::to_string(rows) + " x " +
                 std::to_string(cols) + " cannot have a block pattern"};

  BlockMap map;
  map.thePattern = pattern;
  map.theRows = rows;
  map.theCols = cols;
  std::vector<Block> parents = {
      {0, 0, static_cast<int32_t>(rows), static_cast<int32_t>(cols)}};
  std::vector<Block> choices;
  std::vector<int32_t> kept;
  for (size_t t = 0; t < pattern.tiers.size(); ++t) {
    const Tier &tier = pattern.tiers[t];
    TierBlocks built;
    built.firstChild.push_back(0);
    for (size_t p = 0; p < parents.size(); ++p) {
      const size_t first = built.blocks.size();
      const LineCounts counts = lineCounts(parents[p], tier);
      const int64_t keep = keptCount(counts.blocks, tier.keepNum, tier.keepDen);
      kept.resize(static_cast<size_t>(keep));
      for (int64_t l = 0; l < counts.lines; ++l) {
        fillLine(parents[p], tier, l, choices);
        const Line line{static_cast<int>(t), static_cast<int64_t>(p), choices,
                        keep};
        if (auto chosen = chooser(line, kept); !chosen)
          return chosen.takeError();
        for (size_t i = 0; i < kept.size(); ++i) {
          if (kept[i] < 0 || kept[i] >= counts.blocks ||
              (i > 0 && kept[i] <= kept[i - 1]))
            return Error{"tier " + std::to_string(t + 1) + ", parent " +
                         std::to_string(p) + ", line " + std::to_string(l) +
                         ": block " + std::to_string(kept[i]) +
                         (kept[i] >= counts.blocks || kept[i] < 0
                              ? " is out of range; there are " +
                                    std::to_string(counts.blocks)
                              : " does not rise above the one before it")};
          built.blocks.push_back(choices[kept[i]]);
        }
      }
      sortCanonically(std::span<Block>(built.blocks).subspan(first), tier);
      built.firstChild.push_back(static_cast<int64_t>(built.blocks.size()));
    }
    parents = built.blocks;
    map.tiers.push_back(std::move(built));
  }
  map.finish();
  return map;
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

Result<BlockMap> BlockMap::fromIndexImage(const Pattern &pattern, int64_t rows,
                                          int64_t cols,
                                          std::span<const uint8_t> image) {
  BitReader reader(image);
  const auto chooser = [&](const Line &line,
                           std::span<int32_t> kept) -> Result<void> {
    const int bits = tierIndexBits(pattern, line.tier, rows, cols);
    for (int32_t &position : kept) {
      if (reader.remaining() < bits)
        return Error{"index image of " + std::to_string(image.size()) +
                     " bytes is too short for the pattern " + pattern.str()};
      position = static_cast<int32_t>(reader.read(bits));
    }
    return {};
  };
  auto map = build(pattern, rows, cols, chooser);
  if (!map)
    return map.takeError().at("malformed index");
  if (reader.remaining() >= 8)
    return Error{"malformed index: the image has " +
                 std::to_string(image.size()) + " bytes; the pattern " +
                 pattern.str() + " needs " +
                 std::to_string(ceilDiv(map->indexBitCount(), 8))};
  if (reader.read(static_cast<int>(reader.remaining())) != 0)
    return Error{"malformed index: filler bits of the last byte are not 0"};
  return map;
}

int64_t BlockMap::indexBitCount() const {
  int64_t bits = 0;
  for (size_t t = 0; t < tiers.size(); ++t)
    bits += static_cast<int64_t>(tiers[t].blocks.size()) *
            tierIndexBits(thePattern, t, theRows, theCols);
  return bits;
}

std::vector<uint8_t> BlockMap::indexImage() const {
  BitWriter writer;
  const Block whole = {0, 0, static_cast<int32_t>(theRows),
                       static_cast<int32_t>(theCols)};
  std::vector<std::vector<uint32_t>> lines;
  for (size_t t = 0; t < tiers.size(); ++t) {
    const Tier &tier = thePattern.tiers[t];
    const int bits = tierIndexBits(thePattern, t, theRows, theCols);
    const bool byRow = tier.balance == Balance::Row;
    const size_t parents = tiers[t].firstChild.size() - 1;
    for (size_t p = 0; p < parents; ++p) {
      const Block &parent = t == 0 ? whole : tiers[t - 1].blocks[p];
      lines.assign(static_cast<size_t>(lineCounts(parent, tier).lines), {});
      for (int64_t i = tiers[t].firstChild[p]; i < tiers[t].firstChild[p + 1];
           ++i) {
        const Block &block = tiers[t].blocks[i];
        const uint32_t down = (block.row - parent.row) / tier.rows;
        const uint32_t across = (block.col - parent.col) / tier.cols;
        lines[byRow ? down : across].push_back(byRow ? across : down);
      }
      for (const std::vector<uint32_t> &line : lines)
        for (const uint32_t position : line)
          writer.write(position, bits);
    }
  }
  return writer.take();
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
        visit(row, col, range.col - col);
        col = range.col + range.width;
      }
      visit(row, col, map.cols() - col);
    }
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

void compression::zeroDropped(std::span<float> weights, int64_t gates,
                              const BlockMap &map) {
  forEachGap(map, [&](int64_t row, int64_t col, int64_t count) {
    for (int64_t gate = 0; gate < gates; ++gate)
      std::fill_n(weights.begin() + (gate * map.rows() + row) * map.cols() +
                      col,
                  count, 0.0f);
  });
}
