// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Detect.h"

#include "Lines.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <numeric>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

constexpr double maxFilledLines = 0.05; // of a tier, for a candidate to fit
constexpr double maxStrayShare = 0.02;  // of occupied positions, to nearly fit
constexpr double maxKeptShare = 0.75;   // of the matrix, for a pattern to pay
constexpr double muchTighter = 0.6;     // a near fit that is worth an error
constexpr size_t straysInMessage = 3;

//===----------------------------------------------------------------------===//
// Occupied positions
//===----------------------------------------------------------------------===//

/// One bit per position of a matrix: some gate has a nonzero weight there.
class Occupancy {
public:
  explicit Occupancy(const MatrixView &weights)
      : wordsPerRow(ceilDiv(weights.cols, 64)),
        words(static_cast<size_t>(weights.rows * wordsPerRow)) {
    for (int64_t gate = 0; gate < weights.gates; ++gate)
      for (int64_t row = 0; row < weights.rows; ++row) {
        const float *from = weights.row(gate, row);
        uint64_t *to = words.data() + row * wordsPerRow;
        for (int64_t first = 0; first < weights.cols; first += 64, ++to) {
          const int64_t count = std::min<int64_t>(64, weights.cols - first);
          uint64_t bits = 0;
          for (int64_t i = 0; i < count; ++i)
            bits |= uint64_t(from[first + i] != 0.0f) << i;
          *to |= bits;
        }
      }
    for (const uint64_t word : words)
      total += std::popcount(word);
  }

  /// Occupied positions of the matrix.
  int64_t count() const { return total; }

  /// Occupied positions of a block.
  int64_t count(const Block &block) const {
    int64_t result = 0;
    const int64_t first = block.col, last = block.col + block.width;
    for (int64_t row = block.row; row < block.row + block.height; ++row) {
      const uint64_t *line = words.data() + row * wordsPerRow;
      for (int64_t word = first / 64; word * 64 < last; ++word) {
        uint64_t bits = line[word];
        if (word * 64 < first)
          bits &= ~uint64_t(0) << (first - word * 64);
        if (last - word * 64 < 64)
          bits &= (uint64_t(1) << (last - word * 64)) - 1;
        result += std::popcount(bits);
      }
    }
    return result;
  }

private:
  int64_t wordsPerRow;
  std::vector<uint64_t> words;
  int64_t total = 0;
};

int64_t countNonzero(const MatrixView &weights, const Block &block) {
  int64_t nonzero = 0;
  for (int64_t gate = 0; gate < weights.gates; ++gate)
    for (int64_t row = block.row; row < block.row + block.height; ++row)
      for (int64_t i = 0; i < block.width; ++i)
        nonzero += weights.row(gate, row)[block.col + i] != 0.0f;
  return nonzero;
}

//===----------------------------------------------------------------------===//
// Fractions
//===----------------------------------------------------------------------===//

/// (blocks in a line, occupied ones) -> number of such lines.
using LineHistogram = std::map<std::pair<int64_t, int64_t>, int64_t>;

struct Fraction {
  int64_t num = 1, den = 1;
};

struct Mismatch {
  int64_t breaking = 0, filled = 0;
  bool betterThan(const Mismatch &other) const {
    const int64_t all = breaking + filled,
                  others = other.breaking + other.filled;
    return all != others ? all < others : breaking < other.breaking;
  }
};

Mismatch mismatch(const LineHistogram &lines, Fraction fraction) {
  Mismatch result;
  for (const auto &[line, number] : lines) {
    const int64_t kept = keptCount(line.first, fraction.num, fraction.den);
    if (line.second > kept)
      result.breaking += number;
    else if (line.second < kept)
      result.filled += number;
  }
  return result;
}

/// Fractions in the order in which equally good ones are preferred.
const std::vector<Fraction> &simpleFractions() {
  static const std::vector<Fraction> fractions = [] {
    std::vector<Fraction> list = {{1, 1}};
    for (int64_t den = 2; den <= 16; den *= 2)
      for (int64_t num = 1; num < den; num += 2)
        list.push_back({num, den});
    for (int64_t den = 3; den <= 32; ++den)
      for (int64_t num = 1; num < den; ++num)
        if (std::gcd(num, den) == 1 &&
            (den > 16 || !std::has_single_bit(uint64_t(den))))
          list.push_back({num, den});
    return list;
  }();
  return fractions;
}

Fraction bestFraction(const LineHistogram &lines) {
  Fraction best;
  Mismatch least{INT64_MAX / 2, 0};
  const auto consider = [&](Fraction fraction) {
    const Mismatch now = mismatch(lines, fraction);
    if (now.betterThan(least)) {
      least = now;
      best = fraction;
    }
  };
  for (const Fraction fraction : simpleFractions())
    consider(fraction);
  // Long lines can have counts between the simple fractions.
  for (const auto &[line, number] : lines) {
    const int64_t common = std::gcd(line.first, line.second);
    if (line.second > 0 && line.first / common <= maxTierField)
      consider({line.second / common, line.first / common});
  }
  return best;
}

//===----------------------------------------------------------------------===//
// One candidate
//===----------------------------------------------------------------------===//

/// How the weights relate to one choice of sizes and balance.
struct Fit {
  Pattern pattern;
  std::vector<std::vector<int32_t>> kept; // by line, in index order
  std::vector<StrayBlock> strays;
  int64_t strayPositions = 0;
  double filledShare = 0.0; // the largest of all tiers
  bool redundantTier = false;
  bool abandoned = false; // hopeless; the rest was not looked at
  int64_t keptPositions = 0;
};

class Analysis {
public:
  Analysis(const MatrixView &weights, const Occupancy &occupancy,
           std::vector<Tier> sizes, bool hurry)
      : weights(weights), occupancy(occupancy), hurry(hurry) {
    fit.pattern.tiers = std::move(sizes);
  }

  Fit run() {
    std::vector<Block> parents = {{0, 0, static_cast<int32_t>(weights.rows),
                                   static_cast<int32_t>(weights.cols)}};
    for (size_t t = 0; t < fit.pattern.tiers.size() && !fit.abandoned; ++t)
      parents = chooseTier(static_cast<int>(t), parents);
    for (const Block &block : parents)
      fit.keptPositions += int64_t(block.height) * block.width;
    return std::move(fit);
  }

private:
  std::vector<Block> chooseTier(int t, const std::vector<Block> &parents) {
    Tier &tier = fit.pattern.tiers[t];
    // First count, then choose: the fraction depends on all lines.
    std::vector<int64_t> counts;
    LineHistogram lines;
    for (const Block &parent : parents) {
      const LineCounts shape = lineCounts(parent, tier);
      for (int64_t l = 0; l < shape.lines; ++l) {
        fillLine(parent, tier, l, choices);
        int64_t occupied = 0;
        for (const Block &block : choices) {
          counts.push_back(occupancy.count(block));
          occupied += counts.back() > 0;
        }
        ++lines[{shape.blocks, occupied}];
      }
    }
    if (tier.keepNum == 0) {
      const Fraction fraction = bestFraction(lines);
      tier.keepNum = static_cast<int>(fraction.num);
      tier.keepDen = static_cast<int>(fraction.den);
    }
    fit.redundantTier |= tier.keepNum == tier.keepDen;
    const Mismatch wrong = mismatch(lines, {tier.keepNum, tier.keepDen});
    int64_t all = 0;
    for (const auto &[line, number] : lines)
      all += number;
    fit.filledShare =
        std::max(fit.filledShare,
                 static_cast<double>(wrong.filled) / static_cast<double>(all));
    if (hurry && (fit.redundantTier || fit.filledShare > maxFilledLines ||
                  2 * wrong.breaking > all)) {
      fit.abandoned = true;
      return {};
    }

    std::vector<Block> children;
    const int64_t *count = counts.data();
    for (const Block &parent : parents) {
      const LineCounts shape = lineCounts(parent, tier);
      const size_t first = children.size();
      const size_t firstStray = fit.strays.size();
      for (int64_t l = 0; l < shape.lines; ++l, count += shape.blocks) {
        fillLine(parent, tier, l, choices);
        chooseLine(t, std::span<const int64_t>(count, shape.blocks), children);
      }
      sortCanonically(std::span<Block>(children).subspan(first), tier);
      std::sort(fit.strays.begin() + firstStray, fit.strays.end(),
                [](const StrayBlock &a, const StrayBlock &b) {
                  return a.block.row != b.block.row ? a.block.row < b.block.row
                                                    : a.block.col < b.block.col;
                });
    }
    return children;
  }

  /// Keeps the fullest blocks of `choices`; of equal ones, those with the
  /// lower index.
  void chooseLine(int t, std::span<const int64_t> counts,
                  std::vector<Block> &children) {
    const Tier &tier = fit.pattern.tiers[t];
    const size_t keep = static_cast<size_t>(keptCount(
        static_cast<int64_t>(counts.size()), tier.keepNum, tier.keepDen));
    std::vector<int32_t> order(counts.size());
    std::iota(order.begin(), order.end(), 0);
    const auto sortBy = [&](std::span<const int64_t> fullness) {
      std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return fullness[a] != fullness[b] ? fullness[a] > fullness[b] : a < b;
      });
    };
    sortBy(counts);
    // Blocks equally full of positions differ in weights: a stray weight
    // usually is in one gate only.
    std::vector<int64_t> nonzero;
    if (keep < order.size() && counts[order[keep]] > 0 &&
        counts[order[keep]] == counts[order[keep - 1]]) {
      for (size_t i = 0; i < counts.size(); ++i)
        nonzero.push_back(counts[i] > 0 ? countNonzero(weights, choices[i])
                                        : 0);
      sortBy(nonzero);
    }
    for (size_t i = keep; i < order.size() && counts[order[i]] > 0; ++i) {
      fit.strays.push_back({t, choices[order[i]], 0});
      fit.strayPositions += counts[order[i]];
    }
    order.resize(keep);
    std::sort(order.begin(), order.end());
    for (const int32_t position : order)
      children.push_back(choices[position]);
    fit.kept.push_back(std::move(order));
  }

  const MatrixView &weights;
  const Occupancy &occupancy;
  const bool hurry;
  Fit fit;
  std::vector<Block> choices;
};

//===----------------------------------------------------------------------===//
// The verdict
//===----------------------------------------------------------------------===//

std::shared_ptr<const BlockMap> makeMap(const Fit &fit,
                                        const MatrixView &weights) {
  size_t line = 0;
  auto map = BlockMap::build(
      fit.pattern, weights.rows, weights.cols,
      [&](const BlockMap::Line &, std::span<int32_t> kept) -> Result<void> {
        std::copy(fit.kept[line].begin(), fit.kept[line].end(), kept.begin());
        ++line;
        return {};
      });
  return std::make_shared<const BlockMap>(*std::move(map));
}

void setSparse(Detection &result, const Fit &fit, const MatrixView &weights,
               const Occupancy &occupancy) {
  result.kind = Detection::Kind::Sparse;
  result.pattern = fit.pattern;
  result.map = makeMap(fit, weights);
  const int last = static_cast<int>(fit.pattern.tiers.size()) - 1;
  for (const Block &block : result.map->blocks(last))
    result.emptyKeptBlocks += occupancy.count(block) == 0;
}

void setBroken(Detection &result, const Fit &fit, const MatrixView &weights) {
  result.kind = Detection::Kind::Broken;
  result.pattern = fit.pattern;
  result.strays = fit.strays;
  for (StrayBlock &stray : result.strays)
    stray.weights = countNonzero(weights, stray.block);
}

std::vector<Tier> withBalance(std::vector<Tier> tiers, Balance balance) {
  for (Tier &tier : tiers)
    tier.balance = balance;
  return tiers;
}

std::vector<Tier> square(std::initializer_list<int> sides) {
  std::vector<Tier> tiers;
  for (const int side : sides)
    tiers.push_back({side, side, 0, 1, Balance::Row});
  return tiers;
}

void detectGiven(Detection &result, const MatrixView &weights,
                 const Occupancy &occupancy, const DetectOptions &options) {
  // Among balances: one that nothing breaks, with the fewest kept weights; else
  // the one that is broken least.
  std::optional<Fit> best;
  const auto better = [](const Fit &a, const Fit &b) {
    if (a.strayPositions != b.strayPositions)
      return a.strayPositions < b.strayPositions;
    return a.keptPositions < b.keptPositions;
  };
  const auto consider = [&](std::vector<Tier> tiers) {
    Fit fit =
        Analysis(weights, occupancy, std::move(tiers), /*hurry=*/false).run();
    if (!best || better(fit, *best))
      best = std::move(fit);
  };
  if (options.keepBalance)
    consider(options.tiers);
  else
    for (const Balance balance : {Balance::Row, Balance::Column})
      if (!options.balance || *options.balance == balance)
        consider(withBalance(options.tiers, balance));
  if (!best->strays.empty())
    setBroken(result, *best, weights);
  else if (best->keptPositions < result.positions)
    setSparse(result, *best, weights, occupancy);
}

void detectCommon(Detection &result, const MatrixView &weights,
                  const Occupancy &occupancy, const DetectOptions &options) {
  std::vector<Fit> fitting, near;
  const double room = maxKeptShare * static_cast<double>(result.positions);
  for (const std::vector<Tier> &sizes : commonTierSizes())
    for (const Balance balance : {Balance::Row, Balance::Column}) {
      if (options.balance && *options.balance != balance)
        continue;
      Fit fit = Analysis(weights, occupancy, withBalance(sizes, balance),
                         /*hurry=*/true)
                    .run();
      if (fit.abandoned || static_cast<double>(fit.keptPositions) > room)
        continue;
      if (fit.strays.empty())
        fitting.push_back(std::move(fit));
      else if (static_cast<double>(fit.strayPositions) <=
               maxStrayShare * static_cast<double>(occupancy.count()))
        near.push_back(std::move(fit));
    }

  const auto indexBits = [&](const Fit &fit) {
    return makeMap(fit, weights)->indexBitCount();
  };
  const auto better = [&](const Fit &a, const Fit &b) {
    if (a.keptPositions != b.keptPositions)
      return a.keptPositions < b.keptPositions;
    return indexBits(a) < indexBits(b);
  };
  const auto best = std::min_element(fitting.begin(), fitting.end(), better);
  const auto nearest = std::min_element(near.begin(), near.end(), better);
  if (nearest != near.end() &&
      (best == fitting.end() ||
       static_cast<double>(nearest->keptPositions) <=
           muchTighter * static_cast<double>(best->keptPositions))) {
    setBroken(result, *nearest, weights);
    return;
  }
  if (best == fitting.end())
    return;
  setSparse(result, *best, weights, occupancy);
  result.otherBalanceFits =
      std::any_of(fitting.begin(), fitting.end(), [&](const Fit &fit) {
        return fit.keptPositions == best->keptPositions &&
               fit.pattern.tiers[0].balance != best->pattern.tiers[0].balance &&
               withBalance(fit.pattern.tiers, Balance::Row) ==
                   withBalance(best->pattern.tiers, Balance::Row);
      });
}

} // namespace

std::span<const std::vector<Tier>> compression::commonTierSizes() {
  static const std::vector<std::vector<Tier>> sizes = {
      square({32, 4}),   square({64, 4}),  square({128, 4}),  square({16, 4}),
      square({64, 8}),   square({32, 8}),  square({128, 8}),  square({16, 8}),
      square({64, 16}),  square({32, 16}), square({128, 16}), square({64, 32}),
      square({128, 32}), square({8, 4}),   square({8, 2}),    square({4, 2}),
      square({4}),       square({8}),      square({16}),      square({32}),
      square({64}),      square({128}),    square({2})};
  return sizes;
}

Result<Detection> compression::detect(const MatrixView &weights,
                                      const DetectOptions &options) {
  if (!options.tiers.empty()) {
    Pattern pattern{options.tiers};
    for (Tier &tier : pattern.tiers)
      tier.keepNum = std::max(tier.keepNum, 1);
    if (auto checked = verify(pattern); !checked)
      return checked.takeError();
  }
  const Occupancy occupancy(weights);
  Detection result;
  result.positions = weights.rows * weights.cols;
  result.emptyPositions = result.positions - occupancy.count();
  // Nothing to find; and a matrix of zeros has no pattern either.
  if (static_cast<double>(result.emptyPositions) <
          options.minZeroShare * static_cast<double>(result.positions) ||
      occupancy.count() == 0)
    return result;
  if (options.tiers.empty())
    detectCommon(result, weights, occupancy, options);
  else
    detectGiven(result, weights, occupancy, options);
  return result;
}

std::string Detection::message() const {
  if (kind == Kind::Dense)
    return "no block pattern";
  if (kind == Kind::Sparse)
    return "pattern " + pattern.str() +
           (otherBalanceFits ? " (the other balance fits as well)" : "");
  int64_t weights = 0;
  for (const StrayBlock &stray : strays)
    weights += stray.weights;
  std::string text = "the weights break the pattern " + pattern.str() + ": " +
                     std::to_string(strays.size()) +
                     (strays.size() == 1 ? " block" : " blocks") +
                     " too many, with " + std::to_string(weights) +
                     (weights == 1 ? " nonzero weight" : " nonzero weights");
  for (size_t i = 0; i < strays.size() && i < straysInMessage; ++i) {
    const StrayBlock &stray = strays[i];
    text += (i == 0 ? "; " : ", ");
    text += "tier " + std::to_string(stray.tier + 1) + " block at rows " +
            std::to_string(stray.block.row) + ".." +
            std::to_string(stray.block.row + stray.block.height - 1) +
            ", columns " + std::to_string(stray.block.col) + ".." +
            std::to_string(stray.block.col + stray.block.width - 1) + " (" +
            std::to_string(stray.weights) + ")";
  }
  if (strays.size() > straysInMessage)
    text +=
        ", and " + std::to_string(strays.size() - straysInMessage) + " more";
  return text;
}
