// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Select.h"

#include "Assign.h"
#include "Finite.h"
#include "Lines.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// Sum of |w| of a block over all gates. The order of additions is fixed: four
/// partial sums by column modulo 4, gate by gate and row by row.
double sumMagnitude(const MatrixView &weights, const Block &block) {
  double sums[4] = {};
  for (int64_t gate = 0; gate < weights.gates; ++gate)
    for (int64_t row = block.row; row < block.row + block.height; ++row) {
      const float *from = weights.row(gate, row) + block.col;
      int64_t c = 0;
      for (; c + 4 <= block.width; c += 4)
        for (int lane = 0; lane < 4; ++lane)
          sums[lane] += std::fabs(static_cast<double>(from[c + lane]));
      for (int lane = 0; c < block.width; ++c, ++lane)
        sums[lane] += std::fabs(static_cast<double>(from[c]));
    }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double meanMagnitude(const MatrixView &weights, const Block &block) {
  const double count = static_cast<double>(weights.gates) *
                       static_cast<double>(block.height) *
                       static_cast<double>(block.width);
  return sumMagnitude(weights, block) / count;
}

//===----------------------------------------------------------------------===//
// The best blocks of one parent
//===----------------------------------------------------------------------===//

/// What WI-P-3 asks of a parent of `rows` x `cols` blocks.
struct Quota {
  Quota(const Tier &tier, int64_t rows, int64_t cols)
      : balance(tier.balance), rows(rows), cols(cols),
        perRow(keptCount(cols, tier.keepNum, tier.keepDen)),
        perCol(keptCount(rows, tier.keepNum, tier.keepDen)),
        all(keptCount(rows * cols, tier.keepNum, tier.keepDen)) {}

  Balance balance;
  int64_t rows, cols;
  int64_t perRow, perCol, all; // of which the balance takes one, or two
};

class Chooser {
public:
  /// Sets kept[i] to 1 for the blocks (by rows) with the largest sum of scores
  /// that the quota allows, to 0 for the others.
  void choose(const Quota &quota, std::span<const double> scores,
              std::span<uint8_t> kept) {
    std::fill(kept.begin(), kept.end(), uint8_t(0));
    switch (quota.balance) {
    case Balance::Row:
      for (int64_t i = 0; i < quota.rows; ++i)
        keepLargest(scores, kept, i * quota.cols, 1, quota.cols, quota.perRow);
      return;
    case Balance::Column:
      for (int64_t j = 0; j < quota.cols; ++j)
        keepLargest(scores, kept, j, quota.cols, quota.rows, quota.perCol);
      return;
    case Balance::None:
      keepLargest(scores, kept, 0, 1, quota.rows * quota.cols, quota.all);
      return;
    case Balance::Both:
      break;
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    const double scale = largest > 0.0 ? 0x1p40 / largest : 0.0;
    rounded.clear();
    for (const double score : scores)
      rounded.push_back(std::llround(score * scale));
    BalancedChoice(rounded, quota.rows, quota.cols, quota.perRow, quota.perCol)
        .run(kept);
  }

private:
  /// Keeps `keep` of the `count` blocks first, first + step, ...
  void keepLargest(std::span<const double> scores, std::span<uint8_t> kept,
                   int64_t first, int64_t step, int64_t count, int64_t keep) {
    order.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
      order[i] = first + i * step;
    const auto larger = [&](int64_t a, int64_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    };
    if (keep < count)
      std::nth_element(order.begin(), order.begin() + keep, order.end(),
                       larger);
    for (int64_t i = 0; i < keep; ++i)
      kept[order[i]] = 1;
  }

  std::vector<int64_t> order, rounded;
};

//===----------------------------------------------------------------------===//
// Magnitude
//===----------------------------------------------------------------------===//

/// How a pattern cuts rows (or columns), tier by tier. Cuts of rows do not
/// depend on columns nor on what is kept.
struct Cuts {
  struct Strip {
    int64_t begin = 0, size = 0;
    int64_t firstChild = 0, children = 0; // in the next tier's strips
  };
  std::vector<std::vector<Strip>> tiers;

  Cuts(int64_t extent, std::span<const int64_t> sizes) {
    std::vector<Strip> parents = {{0, extent, 0, 0}};
    for (const int64_t size : sizes) {
      std::vector<Strip> strips;
      for (Strip &parent : parents) {
        parent.firstChild = static_cast<int64_t>(strips.size());
        for (int64_t begin = 0; begin < parent.size; begin += size)
          strips.push_back({parent.begin + begin,
                            std::min(size, parent.size - begin), 0, 0});
        parent.children =
            static_cast<int64_t>(strips.size()) - parent.firstChild;
      }
      if (!tiers.empty())
        tiers.back() = parents;
      tiers.push_back(strips);
      parents = std::move(strips);
    }
  }

  /// The strip of `tier` that begins at `begin`.
  int64_t at(int tier, int64_t begin) const {
    const std::vector<Strip> &strips = tiers[tier];
    return std::lower_bound(
               strips.begin(), strips.end(), begin,
               [](const Strip &strip, int64_t b) { return strip.begin < b; }) -
           strips.begin();
  }
};

/// The value of every block of every tier: the sum of |w| that the best choice
/// inside it keeps.
class KeptValues {
public:
  KeptValues(const Pattern &pattern, const MatrixView &weights)
      : down(weights.rows, sizesOf(pattern, &Tier::rows)),
        across(weights.cols, sizesOf(pattern, &Tier::cols)),
        values(pattern.tiers.size()) {
    const int last = static_cast<int>(pattern.tiers.size()) - 1;
    for (const Cuts::Strip &row : down.tiers[last])
      for (const Cuts::Strip &col : across.tiers[last])
        values[last].push_back(sumMagnitude(
            weights,
            {static_cast<int32_t>(row.begin), static_cast<int32_t>(col.begin),
             static_cast<int32_t>(row.size), static_cast<int32_t>(col.size)}));
    for (int t = last - 1; t >= 0; --t)
      for (const Cuts::Strip &row : down.tiers[t])
        for (const Cuts::Strip &col : across.tiers[t])
          values[t].push_back(valueOf(pattern.tiers[t + 1], t + 1, row, col));
  }

  /// The values of a parent's blocks, by rows.
  std::span<const double> of(const BlockMap::Parent &parent) {
    gather(parent.tier, down.at(parent.tier, parent.block.row),
           across.at(parent.tier, parent.block.col), parent.blockRows,
           parent.blockCols);
    return scores;
  }

private:
  static std::vector<int64_t> sizesOf(const Pattern &pattern, int Tier::*size) {
    std::vector<int64_t> sizes;
    for (const Tier &tier : pattern.tiers)
      sizes.push_back(tier.*size);
    return sizes;
  }

  void gather(int tier, int64_t row, int64_t col, int64_t rows, int64_t cols) {
    const int64_t stride = static_cast<int64_t>(across.tiers[tier].size());
    scores.clear();
    for (int64_t i = row; i < row + rows; ++i) {
      const auto from = values[tier].begin() + i * stride + col;
      scores.insert(scores.end(), from, from + cols);
    }
  }

  double valueOf(const Tier &tier, int index, const Cuts::Strip &row,
                 const Cuts::Strip &col) {
    gather(index, row.firstChild, col.firstChild, row.children, col.children);
    kept.resize(scores.size());
    chooser.choose(Quota(tier, row.children, col.children), scores, kept);
    double sum = 0.0;
    for (size_t i = 0; i < scores.size(); ++i)
      if (kept[i])
        sum += scores[i];
    return sum;
  }

  Cuts down, across;
  std::vector<std::vector<double>> values;
  Chooser chooser;
  std::vector<double> scores;
  std::vector<uint8_t> kept;
};

//===----------------------------------------------------------------------===//
// Random
//===----------------------------------------------------------------------===//

class RandomBlocks {
public:
  // The standard fixes this generator's numbers; its distributions it does not.
  explicit RandomBlocks(uint64_t seed) : generator(seed) {}

  Result<BlockMap> draw(const Pattern &pattern, int64_t rows, int64_t cols) {
    return BlockMap::buildByParent(
        pattern, rows, cols,
        [&](const BlockMap::Parent &parent,
            std::span<uint8_t> kept) -> Result<void> {
          if (parent.shape->balance == Balance::Both)
            drawBoth(parent, kept);
          else
            drawLines(parent, kept);
          return {};
        });
  }

private:
  uint64_t below(uint64_t m) {
    // 2^64 mod m numbers too many for equal shares: those at the top.
    const uint64_t excess = (0 - m) % m;
    uint64_t number = generator();
    while (excess != 0 && number >= 0 - excess)
      number = generator();
    return number % m;
  }

  void drawLines(const BlockMap::Parent &parent, std::span<uint8_t> kept) {
    const Tier &tier = *parent.shape;
    const LineCounts counts = lineCounts(parent.block, tier);
    const int64_t keep = keptCount(counts.blocks, tier.keepNum, tier.keepDen);
    for (int64_t line = 0; line < counts.lines; ++line) {
      order.resize(static_cast<size_t>(counts.blocks));
      std::iota(order.begin(), order.end(), 0);
      for (int64_t i = 0; i < keep; ++i) {
        std::swap(order[i], order[i + below(order.size() - i)]);
        const auto [row, col] = placeInLine(parent.block, tier, line, order[i]);
        kept[row * parent.blockCols + col] = 1;
      }
    }
  }

  void drawBoth(const BlockMap::Parent &parent, std::span<uint8_t> kept) {
    order.resize(kept.size());
    for (int64_t &score : order)
      score = static_cast<int64_t>(generator() >> 24);
    BalancedChoice(order, parent.blockRows, parent.blockCols, parent.keepPerRow,
                   parent.keepPerCol)
        .run(kept);
  }

  std::mt19937_64 generator;
  std::vector<int64_t> order;
};

Result<BlockMap> chooseByScores(
    const Pattern &pattern, const MatrixView &weights,
    const std::function<std::span<const double>(const BlockMap::Parent &)>
        &scoresOf) {
  Chooser chooser;
  return BlockMap::buildByParent(
      pattern, weights.rows, weights.cols,
      [&](const BlockMap::Parent &parent,
          std::span<uint8_t> kept) -> Result<void> {
        chooser.choose(Quota(*parent.shape, parent.blockRows, parent.blockCols),
                       scoresOf(parent), kept);
        return {};
      });
}

} // namespace

/// The weights are finite.
static Result<BlockMap> chooseGuided(const Pattern &pattern,
                                     const MatrixView &weights) {
  std::vector<double> scores;
  return chooseByScores(pattern, weights, [&](const BlockMap::Parent &parent) {
    scores.clear();
    for (int64_t i = 0; i < parent.blockRows; ++i)
      for (int64_t j = 0; j < parent.blockCols; ++j)
        scores.push_back(meanMagnitude(weights, parent.at(i, j)));
    return std::span<const double>(scores);
  });
}

/// The weights are finite.
static Result<BlockMap> chooseByMagnitude(const Pattern &pattern,
                                          const MatrixView &weights) {
  // Values are formed for every block, so what makes them meaningless must be
  // refused first.
  if (auto checked = verify(pattern); !checked)
    return checked.takeError();
  if (auto checked = verifyShape(pattern, weights.rows, weights.cols); !checked)
    return checked.takeError();
  KeptValues values(pattern, weights);
  return chooseByScores(pattern, weights, [&](const BlockMap::Parent &parent) {
    return values.of(parent);
  });
}

Result<BlockMap> compression::selectGuided(const Pattern &pattern,
                                           const MatrixView &weights) {
  if (auto finite = checkFinite(weights, "compared"); !finite)
    return finite.takeError();
  return chooseGuided(pattern, weights);
}

Result<BlockMap> compression::selectByMagnitude(const Pattern &pattern,
                                                const MatrixView &weights) {
  if (auto finite = checkFinite(weights, "compared"); !finite)
    return finite.takeError();
  return chooseByMagnitude(pattern, weights);
}

uint64_t compression::seedOf(uint64_t seed, std::string_view name,
                             uint64_t namesake) {
  uint64_t hash = 0xcbf29ce484222325; // FNV-1a: offset basis and prime
  auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  auto addNumber = [&](uint64_t number) {
    for (int i = 0; i < 8; ++i)
      add(static_cast<uint8_t>(number >> (8 * i)));
  };
  addNumber(seed);
  for (char letter : name)
    add(static_cast<uint8_t>(letter));
  if (namesake)
    addNumber(namesake);
  return hash;
}

Result<BlockMap> compression::selectRandom(const Pattern &pattern, int64_t rows,
                                           int64_t cols, uint64_t seed) {
  return RandomBlocks(seed).draw(pattern, rows, cols);
}

Result<BlockMaps> compression::selectBlocks(const Pattern &pattern,
                                            const MatrixView &weights,
                                            const SelectOptions &options) {
  if (options.how != Selection::Random)
    if (auto finite = checkFinite(weights, "compared"); !finite)
      return finite.takeError();
  RandomBlocks random(options.seed);
  BlockMaps masks;
  const int64_t count = options.separate ? weights.gates : 1;
  for (int64_t gate = 0; gate < count; ++gate) {
    const MatrixView view = options.separate ? weights.gate(gate) : weights;
    auto map = options.how == Selection::Random
                   ? random.draw(pattern, weights.rows, weights.cols)
               : options.how == Selection::Magnitude
                   ? chooseByMagnitude(pattern, view)
                   : chooseGuided(pattern, view);
    if (!map)
      return map.takeError(); // of the pattern, so the same for every gate
    masks.push_back(std::make_shared<const BlockMap>(*std::move(map)));
  }
  return masks;
}
