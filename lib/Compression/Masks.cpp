// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Masks.h"

#include "Lines.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

std::string range(int64_t first, int64_t count) {
  return std::to_string(first) + ".." + std::to_string(first + count - 1);
}

std::string blockName(const Block &block) {
  return "block of rows " + range(block.row, block.height) + ", columns " +
         range(block.col, block.width);
}

/// One mask, and the blocks of it that hold a kept entry, tier by tier.
class Reading {
public:
  explicit Reading(const MaskView &mask) : mask(mask) {}

  /// Kept entries of a block.
  int64_t count(const Block &block) const {
    int64_t kept = 0;
    for (int64_t row = block.row; row < block.row + block.height; ++row) {
      const uint8_t *from = mask.data + row * mask.cols + block.col;
      kept += std::accumulate(from, from + block.width, int64_t(0));
    }
    return kept;
  }

  /// Every entry is 0 or 1, and one is 1.
  Result<void> checkEntries() const {
    const uint8_t *end = mask.data + mask.rows * mask.cols;
    const uint8_t *bad =
        std::find_if(mask.data, end, [](uint8_t entry) { return entry > 1; });
    if (bad != end)
      return Error{"mask entry at row " +
                   std::to_string((bad - mask.data) / mask.cols) + ", column " +
                   std::to_string((bad - mask.data) % mask.cols) + " is " +
                   std::to_string(int(*bad)) + "; allowed are 0 and 1"};
    return {};
  }

  /// Cuts down to the smallest blocks, which must be kept whole or not at all.
  Result<void> cut(std::span<const Tier> tiers) {
    parents = {{{0, 0, static_cast<int32_t>(mask.rows),
                 static_cast<int32_t>(mask.cols)}}};
    for (const Tier &tier : tiers) {
      std::vector<Block> kept;
      for (const Block &parent : parents.back())
        for (int64_t i = 0; i < ceilDiv(parent.height, tier.rows); ++i)
          for (int64_t j = 0; j < ceilDiv(parent.width, tier.cols); ++j)
            if (const Block block = blockOf(parent, tier, i, j);
                count(block) > 0)
              kept.push_back(block);
      parents.push_back(std::move(kept));
    }
    for (const Block &block : parents.back()) {
      const int64_t entries = int64_t(block.height) * block.width;
      if (const int64_t kept = count(block); kept != entries)
        return Error{"the mask keeps " + std::to_string(kept) + " of the " +
                     std::to_string(entries) + " weights of the " +
                     blockName(block) + "; a block of the last tier (" +
                     std::to_string(tiers.back().rows) + "x" +
                     std::to_string(tiers.back().cols) +
                     ") is kept whole or not at all"};
    }
    return {};
  }

  /// Calls visit(parent, line, blocks, kept) for every line of `tier`.
  template <typename Visitor>
  void forEachLine(const Tier &tier, size_t index, Visitor &&visit) const {
    std::vector<Block> choices;
    for (const Block &parent : parents[index]) {
      const LineCounts counts = lineCounts(parent, tier);
      for (int64_t line = 0; line < counts.lines; ++line) {
        fillLine(parent, tier, line, choices);
        const int64_t kept =
            std::count_if(choices.begin(), choices.end(),
                          [&](const Block &block) { return count(block) > 0; });
        visit(parent, line, counts.blocks, kept);
      }
    }
  }

  Result<BlockMap> build(const Pattern &pattern) const {
    return BlockMap::buildByParent(
        pattern, mask.rows, mask.cols,
        [&](const BlockMap::Parent &parent,
            std::span<uint8_t> kept) -> Result<void> {
          for (int64_t i = 0, next = 0; i < parent.blockRows; ++i)
            for (int64_t j = 0; j < parent.blockCols; ++j, ++next)
              kept[next] = count(parent.at(i, j)) > 0;
          return {};
        });
  }

private:
  MaskView mask;
  std::vector<std::vector<Block>> parents; // of each tier, and the last blocks
};

/// (blocks, kept blocks) of lines; both directions of balance both.
using Lines = std::map<std::pair<int64_t, int64_t>, int64_t>;

bool fits(const Lines &lines, int64_t num, int64_t den) {
  return std::all_of(lines.begin(), lines.end(), [&](const auto &line) {
    return keptCount(line.first.first, num, den) == line.first.second;
  });
}

/// The simplest fraction that gives all counts.
std::optional<std::pair<int, int>> findFraction(const Lines &lines) {
  if (fits(lines, 1, 1))
    return std::pair{1, 1};
  for (int den = 2; den <= 16; den *= 2)
    for (int num = 1; num < den; num += 2)
      if (fits(lines, num, den))
        return std::pair{num, den};
  // Which counts a fraction gives changes at thresholds (2k + 1) / 2n, n the
  // blocks of a line. Between two of these lies their mediant, whose
  // denominator is at most 4n. And a fraction that fits the longest lines is
  // near their share, so few numerators come into question.
  const auto [blocks, kept] = lines.rbegin()->first;
  const int64_t mostDen = std::min<int64_t>(maxTierField, 4 * blocks);
  for (int64_t den = 3; den <= mostDen; ++den) {
    const int64_t low =
        kept == 1 ? 1
                  : std::max<int64_t>(1, (2 * kept - 1) * den / (2 * blocks));
    const int64_t high = std::min(den, (2 * kept + 1) * den / (2 * blocks) + 1);
    for (int64_t num = low; num <= high; ++num)
      if (std::gcd(num, den) == 1 && fits(lines, num, den))
        return std::pair{static_cast<int>(num), static_cast<int>(den)};
  }
  return std::nullopt;
}

class Group {
public:
  Group(const uint8_t *data, int64_t gates, int64_t rows, int64_t cols,
        std::span<const Tier> tiers)
      : pattern{{tiers.begin(), tiers.end()}} {
    for (int64_t gate = 0; gate < gates; ++gate)
      masks.emplace_back(MaskView{data + gate * rows * cols, rows, cols});
  }

  Result<BlockMaps> run() {
    for (size_t gate = 0; gate < masks.size(); ++gate) {
      if (auto checked = masks[gate].checkEntries(); !checked)
        return named(checked.takeError(), gate);
      if (auto cut = masks[gate].cut(pattern.tiers); !cut)
        return named(cut.takeError(), gate);
    }
    for (size_t tier = 0; tier < pattern.tiers.size(); ++tier)
      if (auto settled = settle(tier); !settled)
        return settled.takeError();
    BlockMaps maps;
    for (size_t gate = 0; gate < masks.size(); ++gate) {
      auto map = masks[gate].build(pattern);
      if (!map)
        return named(map.takeError(), gate);
      maps.push_back(std::make_shared<const BlockMap>(*std::move(map)));
    }
    return maps;
  }

private:
  Error named(const Error &error, size_t gate) const {
    return masks.size() == 1 ? error
                             : error.at("mask of gate " + std::to_string(gate));
  }

  /// Finds the fraction of a tier if it is not known; checks it if it is.
  Result<void> settle(size_t index) {
    Tier &tier = pattern.tiers[index];
    if (tier.balance == Balance::None)
      return settleNone(index);
    // Balance both is row and column at once.
    std::vector<Balance> directions = {tier.balance};
    if (tier.balance == Balance::Both)
      directions = {Balance::Row, Balance::Column};
    if (tier.keepNum == 0) {
      Lines lines;
      for (const Balance direction : directions)
        for (const Reading &mask : masks)
          mask.forEachLine(along(tier, direction), index,
                           [&](const Block &, int64_t, int64_t blocks,
                               int64_t kept) { ++lines[{blocks, kept}]; });
      if (const auto fraction =
              lines.empty() ? std::pair{1, 1} : findFraction(lines)) {
        tier.keepNum = fraction->first;
        tier.keepDen = fraction->second;
        return {};
      }
    }
    return checkLines(index, directions);
  }

  static Tier along(Tier tier, Balance direction) {
    tier.balance = direction;
    return tier;
  }

  /// Names the first line whose count does not fit: the given fraction or, with
  /// none, the first line of as many blocks.
  Result<void> checkLines(size_t index, std::span<const Balance> directions) {
    const Tier &tier = pattern.tiers[index];
    std::optional<Error> error;
    for (size_t gate = 0; gate < masks.size() && !error; ++gate)
      for (const Balance direction : directions) {
        std::map<int64_t, int64_t> firstCounts;
        masks[gate].forEachLine(
            along(tier, direction), index,
            [&](const Block &parent, int64_t line, int64_t blocks,
                int64_t kept) {
              const int64_t wanted =
                  tier.keepNum > 0
                      ? keptCount(blocks, tier.keepNum, tier.keepDen)
                      : firstCounts.try_emplace(blocks, kept).first->second;
              if (kept == wanted || error)
                return;
              error =
                  named(Error{"tier " + std::to_string(index + 1) + ", " +
                              (direction == Balance::Row ? "block-row "
                                                         : "block-column ") +
                              std::to_string(line) + " of " +
                              (index == 0 ? "the matrix"
                                          : "the " + blockName(parent)) +
                              " keeps " + std::to_string(kept) + " of " +
                              std::to_string(blocks) + " blocks, " +
                              (tier.keepNum > 0
                                   ? tier.str() + " keeps "
                                   : "another one with as many blocks keeps ") +
                              std::to_string(wanted) +
                              "; balance none allows any number"},
                        gate);
            });
      }
    if (error)
      return *error;
    if (tier.keepNum > 0)
      return {};
    return Error{"tier " + std::to_string(index + 1) +
                 ": no fraction gives the kept blocks of lines of different "
                 "length; balance none allows any number"};
  }

  /// Balance none has no counts to check; its fraction only describes.
  Result<void> settleNone(size_t index) {
    Tier &tier = pattern.tiers[index];
    if (tier.keepNum > 0)
      return {};
    int64_t all = 0, kept = 0;
    for (const Reading &mask : masks)
      mask.forEachLine(
          tier, index,
          [&](const Block &, int64_t, int64_t blocks, int64_t own) {
            all += blocks;
            kept += own;
          });
    kept = std::max<int64_t>(kept, 1);
    all = std::max(all, kept);
    const int64_t common = std::gcd(kept, all);
    kept /= common;
    all /= common;
    if (all > maxTierField) { // the nearest fraction in range
      kept = std::max<int64_t>(1, (kept * maxTierField + all / 2) / all);
      const int64_t again = std::gcd(kept, int64_t(maxTierField));
      kept /= again;
      all = maxTierField / again;
    }
    tier.keepNum = static_cast<int>(kept);
    tier.keepDen = static_cast<int>(all);
    return {};
  }

  Pattern pattern;
  std::vector<Reading> masks;
};

} // namespace

Result<BlockMap> compression::mapOfMask(const MaskView &mask,
                                        std::span<const Tier> tiers) {
  auto maps = Group(mask.data, 1, mask.rows, mask.cols, tiers).run();
  if (!maps)
    return maps.takeError();
  return *maps->front();
}

Result<BlockMaps> compression::mapsOfMasks(const uint8_t *data, int64_t gates,
                                           int64_t rows, int64_t cols,
                                           std::span<const Tier> tiers) {
  // Equal masks are one mask.
  const int64_t size = rows * cols;
  int64_t different = 1;
  while (different < gates &&
         std::equal(data, data + size, data + different * size))
    ++different;
  return Group(data, different == gates ? 1 : gates, rows, cols, tiers).run();
}

std::vector<uint8_t> compression::maskOf(const BlockMap &map) {
  std::vector<uint8_t> mask(static_cast<size_t>(map.rows() * map.cols()), 0);
  for (const BlockMap::SmallRow &small : map.smallRows())
    for (int64_t row = small.row; row < small.row + small.height; ++row)
      for (const ColRange &range : map.ranges(small))
        std::fill_n(mask.begin() + row * map.cols() + range.col, range.width,
                    uint8_t(1));
  return mask;
}
