// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Detect.h"

#include "DetectCode.h"
#include "DetectFit.h"
#include "DetectSearch.h"
#include "hcgs/Compression/Circulant.h"

#include <algorithm>
#include <cmath>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

constexpr double maxStrayShare = 0.02; // of nonzero weights, to call it broken
constexpr double minShorter = 0.02; // of the dense description, for a pattern
constexpr double separateShare =
    0.25;                            // of bits for zeros in occupied positions
constexpr double clearlyFewer = 0.9; // of weights kept with shared masks
constexpr size_t straysInMessage = 3;

std::string describe(const Pattern &pattern, bool separate) {
  return pattern.str() + (separate ? ", separate masks" : "");
}

std::vector<Tier> withBalance(std::vector<Tier> tiers, Balance balance) {
  for (Tier &tier : tiers)
    tier.balance = balance;
  return tiers;
}

/// Tiers that keep all their blocks. More of them often are another way to
/// write the same: a row-balanced tier is one without balance inside full rows.
int64_t fullTiers(const Pattern &pattern) {
  return std::count_if(pattern.tiers.begin(), pattern.tiers.end(),
                       [](const Tier &t) { return t.keepNum == t.keepDen; });
}

class Detector {
public:
  Detector(const MatrixView &weights, const DetectOptions &options)
      : weights(weights), options(options), occupancy(weights) {
    result.positions = weights.rows * weights.cols;
    result.emptyPositions = result.positions - occupancy.any.count();
    result.zeroWeights = weights.size() - occupancy.nonzero;
    result.denseBits = unstructuredBits(occupancy.gates, occupancy.any);
    result.bits = result.denseBits;
    result.runnerUp.bits = result.denseBits;
  }

  Result<Detection> run() {
    // A matrix of zeros has no structure.
    if (occupancy.nonzero == 0)
      return std::move(result);
    if (!options.tiers.empty()) {
      if (auto done = detectGiven(); !done)
        return done.takeError();
    } else {
      detectFree();
      if (options.circulant)
        considerCirculant();
    }
    return std::move(result);
  }

private:
  bool mayShare() const {
    return !options.separate.value_or(false) &&
           enough(result.emptyPositions, result.positions);
  }
  bool maySeparate() const {
    return weights.gates > 1 && options.separate.value_or(true) &&
           enough(result.zeroWeights, weights.size());
  }
  bool enough(int64_t zeros, int64_t all) const {
    return static_cast<double>(zeros) >=
           options.minZeroShare * static_cast<double>(all);
  }

  Result<void> detectGiven();
  Result<std::optional<Fit>> bestGiven(bool separate) const;
  void detectFree();
  bool take(const Description &description, double unbroken);
  void considerCirculant();
  bool saves(const BlockMaps &masks) const;
  void setSparse(const Fit &fit, BlockMaps masks);
  void setBroken(const Fit &fit);
  void setMasks(const Fit &fit, BlockMaps masks);

  const MatrixView &weights;
  const DetectOptions &options;
  const Occupancy occupancy;
  Detection result;
};

void Detector::setMasks(const Fit &fit, BlockMaps masks) {
  result.pattern = fit.pattern;
  result.separate = fit.separate;
  result.masks = std::move(masks);
  if (!fit.separate)
    result.map = result.masks.front();
}

void Detector::setSparse(const Fit &fit, BlockMaps masks) {
  result.kind = Detection::Kind::Sparse;
  result.emptyKeptBlocks = fit.emptyKeptBlocks;
  setMasks(fit, std::move(masks));
}

void Detector::setBroken(const Fit &fit) {
  result.kind = Detection::Kind::Broken;
  result.strays = fit.strays;
  setMasks(fit, fit.maps(occupancy));
  const auto energy = [&](int64_t gate, const Block &block) {
    double sum = 0.0;
    for (int64_t r = block.row; r < block.row + block.height; ++r)
      for (int64_t c = block.col; c < block.col + block.width; ++c) {
        const double w = weights.row(gate, r)[c];
        sum += w * w;
      }
    return sum;
  };
  const Block whole = {0, 0, static_cast<int32_t>(weights.rows),
                       static_cast<int32_t>(weights.cols)};
  for (int64_t gate = 0; gate < weights.gates; ++gate) {
    result.strayEnergy.total += energy(gate, whole);
    for (const StrayBlock &stray : result.strays)
      if (stray.gate == -1 || stray.gate == gate)
        result.strayEnergy.removed += energy(gate, stray.block);
  }
}

//===----------------------------------------------------------------------===//
// Given sizes
//===----------------------------------------------------------------------===//

/// Among balances: one that nothing breaks, with the fewest kept weights; else
/// the one that is broken least.
Result<std::optional<Fit>> Detector::bestGiven(bool separate) const {
  std::vector<std::vector<Tier>> candidates;
  if (options.keepBalance)
    candidates = {options.tiers};
  else if (options.balance)
    candidates = {withBalance(options.tiers, *options.balance)};
  else
    candidates = {withBalance(options.tiers, Balance::Row),
                  withBalance(options.tiers, Balance::Column)};
  std::optional<Fit> best;
  for (std::vector<Tier> &tiers : candidates) {
    auto fit = fitTiers(occupancy, std::move(tiers), separate);
    if (!fit)
      return fit.takeError();
    if (!best || (fit->strayPositions != best->strayPositions
                      ? fit->strayPositions < best->strayPositions
                      : fit->keptPositions < best->keptPositions))
      best = *std::move(fit);
  }
  return best;
}

Result<void> Detector::detectGiven() {
  std::optional<Fit> shared, separate;
  if (mayShare()) {
    auto fit = bestGiven(/*separate=*/false);
    if (!fit)
      return fit.takeError();
    shared = *std::move(fit);
  }
  const auto obeyed = [&](const std::optional<Fit> &fit) {
    return fit && fit->strays.empty() &&
           fit->keptPositions < fit->positions(occupancy);
  };
  if (maySeparate()) {
    auto fit = bestGiven(/*separate=*/true);
    if (!fit)
      return fit.takeError();
    // Nobody asked for separate masks: then they must fit, say clearly more
    // than a shared mask, broken or not, and keep clearly fewer weights than
    // one that fits. Few positions obey many patterns by chance.
    const double shortest =
        std::min(result.denseBits, shared ? shared->bits : result.denseBits);
    const double fewer =
        obeyed(shared)
            ? clearlyFewer *
                  static_cast<double>(weights.gates * shared->keptPositions)
            : static_cast<double>(weights.size());
    if (options.separate ||
        (obeyed(*fit) && (*fit)->bits + options.minGain <= shortest &&
         static_cast<double>((*fit)->keptPositions) < fewer))
      separate = *std::move(fit);
  }
  const Fit *best = separate ? &*separate : shared ? &*shared : nullptr;
  if (!best || (best->strays.empty() &&
                best->keptPositions == best->positions(occupancy)))
    return {};
  if (best->strays.empty())
    setSparse(*best, best->maps(occupancy));
  else
    setBroken(*best);
  result.bits = best->bits;
  if (separate && shared && shared->bits < result.runnerUp.bits)
    result.runnerUp = {describe(shared->pattern, false), shared->bits};
  return {};
}

//===----------------------------------------------------------------------===//
// No hints
//===----------------------------------------------------------------------===//

bool Detector::saves(const BlockMaps &masks) const {
  int64_t stored = 0;
  for (const std::shared_ptr<const BlockMap> &map : masks) {
    const int64_t gates = masks.size() == 1 ? weights.gates : 1;
    stored +=
        map->keptWeights() * gates * options.weightBits + map->indexBitCount();
  }
  return stored < weights.size() * options.weightBits;
}

/// Accepts a description if its weights show it well enough; `unbroken` is the
/// length of the shortest description that nothing breaks.
bool Detector::take(const Description &description, double unbroken) {
  if (description.breaks && unbroken - description.bits < options.minGain)
    return false;
  auto fit =
      fitTiers(occupancy, description.pattern.tiers, description.separate);
  if (!fit)
    return false;
  BlockMaps masks = fit->maps(occupancy);
  if (!saves(masks))
    return false;
  if (fit->strays.empty()) {
    setSparse(*fit, std::move(masks));
  } else {
    if (!description.breaks ||
        static_cast<double>(fit->strayWeights) >
            maxStrayShare * static_cast<double>(occupancy.nonzero))
      return false;
    setBroken(*fit);
  }
  result.bits = description.bits;
  return true;
}

void Detector::detectFree() {
  std::vector<Description> found;
  if (mayShare())
    found = findDescriptions(occupancy.gates, occupancy.any, /*separate=*/false,
                             options.balance);
  // Separate masks can only win if the zeros in positions that are not empty
  // are a large part of what is to be told.
  const int64_t occupied = result.positions - result.emptyPositions;
  const double mixed = subsetBits(weights.gates * occupied, occupancy.nonzero);
  const double shortest = found.empty() ? result.denseBits : found.front().bits;
  if (maySeparate() &&
      (options.separate || (mixed > separateShare * shortest &&
                            gatesDiffer(occupancy.gates, occupancy.any)))) {
    std::vector<Description> more = findDescriptions(
        occupancy.gates, occupancy.any, /*separate=*/true, options.balance);
    std::move(more.begin(), more.end(), std::back_inserter(found));
    sortByBits(found);
  }
  double unbroken = result.denseBits;
  for (const Description &one : found)
    if (!one.breaks)
      unbroken = std::min(unbroken, one.bits);
  const double longest =
      result.denseBits -
      std::max(options.minGain, minShorter * result.denseBits);
  const auto taken =
      std::find_if(found.begin(), found.end(), [&](const Description &one) {
        return one.bits <= longest && take(one, unbroken);
      });
  // The runner-up is the best that is not what was found.
  const bool dense = taken == found.end();
  if (dense)
    result.runnerUp = {"nothing", result.denseBits};
  for (const Description &one : found) {
    if (!dense &&
        ((one.pattern == taken->pattern && one.separate == taken->separate) ||
         fullTiers(one.pattern) > fullTiers(taken->pattern)))
      continue;
    if (dense || one.bits < result.denseBits)
      result.runnerUp = {describe(one.pattern, one.separate), one.bits};
    break;
  }
}

//===----------------------------------------------------------------------===//
// Circulant blocks
//===----------------------------------------------------------------------===//

/// Bits that tell one of these values, if they are told independently: minus
/// log2 of the probability that two of them are equal.
double valueBits(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  double equal = 0.0;
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first);
    const double share =
        static_cast<double>(last - first) / static_cast<double>(values.size());
    equal += share * share;
    first = last;
  }
  return values.empty() ? 0.0 : -std::log2(equal);
}

void Detector::considerCirculant() {
  const int64_t block = detectCirculant(weights, allCirculantBlocks());
  if (block == 0)
    return;
  auto elements = readCirculant(weights, block);
  if (!elements)
    return;
  const int64_t words = static_cast<int64_t>(elements->size());
  std::erase(*elements, 0.0f);
  const int64_t nonzero = static_cast<int64_t>(elements->size());
  // Now the values count too: once for each nonzero element, or for each
  // nonzero weight.
  const double value = valueBits(*std::move(elements));
  const double bits = tierBits + smallNumberBits(block) +
                      subsetBits(words, nonzero) +
                      value * static_cast<double>(nonzero);
  const double all = value * static_cast<double>(occupancy.nonzero);
  if (bits + options.minGain > result.bits + all)
    return;
  Detection circulant;
  circulant.kind = Detection::Kind::Circulant;
  circulant.circulantBlock = block;
  circulant.emptyPositions = result.emptyPositions;
  circulant.positions = result.positions;
  circulant.zeroWeights = result.zeroWeights;
  circulant.bits = bits;
  circulant.denseBits = result.denseBits + all;
  circulant.runnerUp = {result.text(), result.bits + all};
  result = std::move(circulant);
}

} // namespace

Result<Detection> compression::detect(const MatrixView &weights,
                                      const DetectOptions &options) {
  if (!options.tiers.empty()) {
    Pattern pattern{options.tiers};
    for (Tier &tier : pattern.tiers)
      tier.keepNum = std::max(tier.keepNum, 1);
    if (auto checked = verify(pattern); !checked)
      return checked.takeError();
  }
  return Detector(weights, options).run();
}

double Detection::confidence() const {
  return runnerUp.bits > 0.0
             ? std::clamp(confidenceBits() / runnerUp.bits, 0.0, 1.0)
             : 0.0;
}

std::string Detection::text() const {
  switch (kind) {
  case Kind::Dense:
    return "dense";
  case Kind::Circulant:
    return "circulant " + std::to_string(circulantBlock);
  case Kind::Sparse:
  case Kind::Broken:
    return describe(pattern, separate);
  }
  return {};
}

std::string Detection::message() const {
  if (kind == Kind::Dense)
    return "no block pattern";
  if (kind == Kind::Circulant)
    return "circulant blocks of " + std::to_string(circulantBlock) + " x " +
           std::to_string(circulantBlock);
  if (kind == Kind::Sparse)
    return "pattern " + text();
  int64_t weights = 0;
  for (const StrayBlock &stray : strays)
    weights += stray.weights;
  std::string message = "the weights break the pattern " + text() + ": " +
                        std::to_string(strays.size()) +
                        (strays.size() == 1 ? " block" : " blocks") +
                        " too many, with " + std::to_string(weights) +
                        (weights == 1 ? " nonzero weight" : " nonzero weights");
  for (size_t i = 0; i < strays.size() && i < straysInMessage; ++i) {
    const StrayBlock &stray = strays[i];
    message += i == 0 ? "; " : ", ";
    if (stray.gate >= 0)
      message += "gate " + std::to_string(stray.gate) + " ";
    message += "tier " + std::to_string(stray.tier + 1) + " block at rows " +
               std::to_string(stray.block.row) + ".." +
               std::to_string(stray.block.row + stray.block.height - 1) +
               ", columns " + std::to_string(stray.block.col) + ".." +
               std::to_string(stray.block.col + stray.block.width - 1) + " (" +
               std::to_string(stray.weights) + ")";
  }
  if (strays.size() > straysInMessage)
    message +=
        ", and " + std::to_string(strays.size() - straysInMessage) + " more";
  return message;
}
