// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DetectFit.h"

#include "Assign.h"
#include "DetectCode.h"
#include "Lines.h"

#include <algorithm>
#include <numeric>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

/// A kept parent, cut into blocks: how many positions of each are occupied.
struct Cut {
  Block parent;
  int64_t rows = 0, cols = 0; // of blocks
  size_t firstCount = 0;
};

class Fitter {
public:
  Fitter(const Occupancy &occupancy, std::vector<Tier> tiers, bool separate)
      : occupancy(occupancy), masks(separate ? occupancy.gates.size() : 1) {
    fit.pattern.tiers = std::move(tiers);
    fit.separate = separate;
    fit.kept.resize(masks);
    const Block whole = {0, 0, static_cast<int32_t>(occupancy.rows()),
                         static_cast<int32_t>(occupancy.cols())};
    parents.assign(masks, {whole});
    strays.resize(masks);
  }

  Fit run() {
    for (size_t t = 0; t < fit.pattern.tiers.size(); ++t)
      fitTier(t);
    for (const std::vector<StrayBlock> &own : strays)
      fit.strays.insert(fit.strays.end(), own.begin(), own.end());
    finishBits();
    return std::move(fit);
  }

private:
  const BitGrid &mask(size_t m) const {
    return fit.separate ? occupancy.gates[m] : occupancy.any;
  }
  int64_t nonzeroIn(size_t m, const Block &block) const {
    if (fit.separate)
      return occupancy.gates[m].count(block);
    int64_t nonzero = 0;
    for (const BitGrid &gate : occupancy.gates)
      nonzero += gate.count(block);
    return nonzero;
  }

  void fitTier(size_t t);
  std::vector<Cut> cut(size_t m, const Tier &tier);
  void addLines(const Cut &cut, Balance balance);
  void chooseFraction(Tier &tier);
  void addBits(const Tier &tier);
  void choose(size_t m, size_t t, const Cut &cut);
  void chooseLine(size_t m, const Tier &tier, const Cut &cut, int64_t line,
                  std::span<uint8_t> kept);
  void chooseBoth(size_t m, const Tier &tier, const Cut &cut,
                  std::span<uint8_t> kept);
  void finishBits();

  const Occupancy &occupancy;
  const size_t masks;
  Fit fit;
  std::vector<std::vector<Block>> parents;     // of the next tier, by mask
  std::vector<std::vector<StrayBlock>> strays; // by mask
  std::vector<int64_t> counts;                 // of all blocks of the tier
  LineHistogram rows, columns, lines;          // of the tier
  ParentShapes shapes;
};

std::vector<Cut> Fitter::cut(size_t m, const Tier &tier) {
  std::vector<Cut> cuts;
  for (const Block &parent : parents[m]) {
    Cut &cut = cuts.emplace_back();
    cut.parent = parent;
    cut.rows = ceilDiv(parent.height, tier.rows);
    cut.cols = ceilDiv(parent.width, tier.cols);
    cut.firstCount = counts.size();
    for (int64_t i = 0; i < cut.rows; ++i)
      for (int64_t j = 0; j < cut.cols; ++j)
        counts.push_back(mask(m).count(blockOf(parent, tier, i, j)));
    addLines(cut, tier.balance);
  }
  return cuts;
}

void Fitter::addLines(const Cut &cut, Balance balance) {
  const int64_t *count = counts.data() + cut.firstCount;
  // Line i has the blocks first(i) + step * 0, 1, ...
  const auto add = [&](LineHistogram &to, int64_t number, int64_t length,
                       int64_t next, int64_t step) {
    for (int64_t l = 0; l < number; ++l) {
      int64_t occupied = 0;
      for (int64_t b = 0; b < length; ++b)
        occupied += count[l * next + b * step] > 0;
      ++to[{length, occupied}];
    }
  };
  ++shapes[{cut.rows, cut.cols}];
  if (balance == Balance::Row || balance == Balance::Both)
    add(rows, cut.rows, cut.cols, cut.cols, 1);
  if (balance == Balance::Column || balance == Balance::Both)
    add(columns, cut.cols, cut.rows, 1, cut.cols);
  if (balance == Balance::None)
    add(lines, 1, cut.rows * cut.cols, 0, 1);
}

void Fitter::chooseFraction(Tier &tier) {
  if (tier.balance != Balance::None) {
    lines = rows;
    for (const auto &[line, number] : columns)
      lines[line] += number;
  }
  if (tier.keepNum != 0)
    return;
  std::function<bool(Fraction)> allowed;
  if (tier.balance == Balance::Both)
    allowed = [&](Fraction fraction) { return bothIsLegal(shapes, fraction); };
  Fraction fraction = bestFraction(lines, /*unbroken=*/false, allowed);
  const Mismatch wrong = mismatch(lines, fraction);
  if (tier.balance == Balance::None && wrong.breaking + wrong.filled > 0) {
    int64_t blocks = 0, occupied = 0;
    for (const auto &[line, number] : lines) {
      blocks += line.first * number;
      occupied += line.second * number;
    }
    fraction = roughFraction(std::max<int64_t>(occupied, 1), blocks);
  }
  tier.keepNum = static_cast<int>(fraction.num);
  tier.keepDen = static_cast<int>(fraction.den);
}

/// The length of the tier's part of the description; strays are told apart.
void Fitter::addBits(const Tier &tier) {
  const Fraction fraction = {tier.keepNum, tier.keepDen};
  const auto capped = [&](const LineHistogram &lines) {
    LineHistogram result;
    for (const auto &[line, number] : lines)
      result[{line.first,
              std::min(line.second, keptCount(line.first, fraction.num,
                                              fraction.den))}] += number;
    return result;
  };
  fit.bits +=
      tierBits + fractionBits(fraction) +
      sizeBits(tier.rows, tier.cols, occupancy.rows(), occupancy.cols());
  if (tier.balance == Balance::Both) {
    fit.bits += bothBits(shapes, capped(rows), capped(columns), fraction);
  } else if (tier.balance != Balance::None) {
    fit.bits += linesBits(capped(lines), fraction);
  } else {
    int64_t blocks = 0, occupied = 0;
    for (const auto &[line, number] : lines) {
      blocks += line.first * number;
      occupied += line.second * number;
    }
    const Mismatch wrong = mismatch(lines, fraction);
    double bits = subsetBits(blocks, occupied) - fractionBits(fraction);
    if (wrong.breaking + wrong.filled == 0)
      bits = std::min(bits, linesBits(lines, fraction));
    fit.bits += bits;
  }
}

void Fitter::fitTier(size_t t) {
  Tier &tier = fit.pattern.tiers[t];
  counts.clear();
  rows.clear();
  columns.clear();
  lines.clear();
  shapes.clear();
  std::vector<std::vector<Cut>> cuts;
  for (size_t m = 0; m < masks; ++m)
    cuts.push_back(cut(m, tier));
  // First count, then choose: the fraction depends on all lines.
  chooseFraction(tier);
  addBits(tier);
  for (size_t m = 0; m < masks; ++m) {
    parents[m].clear();
    fit.kept[m].emplace_back();
    for (const Cut &cut : cuts[m])
      choose(m, t, cut);
  }
}

void Fitter::choose(size_t m, size_t t, const Cut &cut) {
  const Tier &tier = fit.pattern.tiers[t];
  std::vector<uint8_t> &all = fit.kept[m].back();
  const size_t blocks = static_cast<size_t>(cut.rows * cut.cols);
  all.resize(all.size() + blocks);
  const std::span<uint8_t> kept = std::span(all).last(blocks);
  const int64_t *count = counts.data() + cut.firstCount;
  if (tier.balance == Balance::None) {
    for (size_t b = 0; b < blocks; ++b)
      kept[b] = count[b] > 0;
  } else if (tier.balance == Balance::Both) {
    chooseBoth(m, tier, cut, kept);
  } else {
    const int64_t number = tier.balance == Balance::Row ? cut.rows : cut.cols;
    for (int64_t l = 0; l < number; ++l)
      chooseLine(m, tier, cut, l, kept);
  }
  const bool last = t + 1 == fit.pattern.tiers.size();
  for (int64_t i = 0; i < cut.rows; ++i)
    for (int64_t j = 0; j < cut.cols; ++j) {
      const int64_t b = i * cut.cols + j;
      const Block block = blockOf(cut.parent, tier, i, j);
      if (kept[b]) {
        parents[m].push_back(block);
        if (last) {
          fit.keptPositions += int64_t(block.height) * block.width;
          fit.emptyKeptBlocks += count[b] == 0;
        }
      } else if (count[b] > 0) {
        const int64_t weights = nonzeroIn(m, block);
        strays[m].push_back({static_cast<int>(t), block, weights,
                             fit.separate ? static_cast<int64_t>(m) : -1});
        fit.strayPositions += count[b];
        fit.strayWeights += weights;
      }
    }
}

/// Keeps the fullest blocks of a line; of equal ones, those with the lower
/// index.
void Fitter::chooseLine(size_t m, const Tier &tier, const Cut &cut,
                        int64_t line, std::span<uint8_t> kept) {
  const bool byRow = tier.balance == Balance::Row;
  const int64_t length = byRow ? cut.cols : cut.rows;
  const auto index = [&](int64_t b) {
    return byRow ? line * cut.cols + b : b * cut.cols + line;
  };
  const int64_t *count = counts.data() + cut.firstCount;
  const int64_t keep = keptCount(length, tier.keepNum, tier.keepDen);
  std::vector<int64_t> order(static_cast<size_t>(length));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const int64_t x = count[index(a)], y = count[index(b)];
    return x != y ? x > y : a < b;
  });
  // Blocks equally full of positions differ in weights: a stray weight usually
  // is in one gate only.
  if (keep < length && count[index(order[keep])] > 0 &&
      count[index(order[keep])] == count[index(order[keep - 1])]) {
    std::vector<int64_t> nonzero(static_cast<size_t>(length));
    for (int64_t b = 0; b < length; ++b)
      if (count[index(b)] > 0)
        nonzero[b] = nonzeroIn(m, byRow ? blockOf(cut.parent, tier, line, b)
                                        : blockOf(cut.parent, tier, b, line));
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return nonzero[a] != nonzero[b] ? nonzero[a] > nonzero[b] : a < b;
    });
  }
  for (int64_t i = 0; i < keep; ++i)
    kept[index(order[i])] = 1;
}

/// Keeps as many nonzero weights as rows and columns allow.
void Fitter::chooseBoth(size_t m, const Tier &tier, const Cut &cut,
                        std::span<uint8_t> kept) {
  const int64_t *count = counts.data() + cut.firstCount;
  std::vector<int64_t> scores(kept.size());
  for (int64_t i = 0; i < cut.rows; ++i)
    for (int64_t j = 0; j < cut.cols; ++j)
      if (count[i * cut.cols + j] > 0)
        scores[i * cut.cols + j] =
            nonzeroIn(m, blockOf(cut.parent, tier, i, j));
  BalancedChoice(scores, cut.rows, cut.cols,
                 keptCount(cut.cols, tier.keepNum, tier.keepDen),
                 keptCount(cut.rows, tier.keepNum, tier.keepDen))
      .run(kept);
}

/// Names of the balances; the zeros inside the occupied kept blocks; strays.
void Fitter::finishBits() {
  const std::vector<Tier> &tiers = fit.pattern.tiers;
  const bool same = std::all_of(tiers.begin(), tiers.end(), [&](const Tier &t) {
    return t.balance == tiers.front().balance;
  });
  double own = mixedBalanceBits;
  for (const Tier &tier : tiers)
    own += balanceBits(tier.balance);
  fit.bits += same ? sharedBalanceBits(tiers.front().balance) : own;
  int64_t inside = 0;
  for (size_t m = 0; m < masks; ++m)
    for (const Block &block : parents[m])
      if (mask(m).count(block) > 0)
        inside += int64_t(block.height) * block.width;
  const int64_t gates = static_cast<int64_t>(occupancy.gates.size());
  if (!fit.separate)
    inside *= gates;
  const int64_t all = gates * occupancy.rows() * occupancy.cols();
  fit.bits +=
      subsetBits(inside, inside - (occupancy.nonzero - fit.strayWeights)) +
      (fit.strayWeights > 0 ? subsetBits(all - inside, fit.strayWeights)
                            : 0.0) +
      (gates > 1 ? 1.0 : 0.0);
}

} // namespace

Occupancy::Occupancy(const MatrixView &weights)
    : gates(nonzeroBits(weights)), any(gates.front()) {
  for (size_t g = 0; g < gates.size(); ++g) {
    nonzero += gates[g].count();
    if (g > 0)
      any.merge(gates[g]);
  }
}

BlockMaps Fit::maps(const Occupancy &occupancy) const {
  BlockMaps result;
  for (const std::vector<std::vector<uint8_t>> &own : kept) {
    std::vector<size_t> next(own.size());
    auto map = BlockMap::buildByParent(
        pattern, occupancy.rows(), occupancy.cols(),
        [&](const BlockMap::Parent &parent,
            std::span<uint8_t> to) -> Result<void> {
          size_t &from = next[parent.tier];
          std::copy_n(own[parent.tier].begin() + static_cast<int64_t>(from),
                      to.size(), to.begin());
          from += to.size();
          return {};
        });
    result.push_back(std::make_shared<const BlockMap>(*std::move(map)));
  }
  return result;
}

Result<Fit> compression::fitTiers(const Occupancy &occupancy,
                                  std::vector<Tier> tiers, bool separate) {
  const bool fractions = std::none_of(
      tiers.begin(), tiers.end(), [](const Tier &t) { return t.keepNum == 0; });
  if (fractions)
    if (auto legal =
            verifyShape(Pattern{tiers}, occupancy.rows(), occupancy.cols());
        !legal)
      return legal.takeError();
  return Fitter(occupancy, std::move(tiers), separate).run();
}
