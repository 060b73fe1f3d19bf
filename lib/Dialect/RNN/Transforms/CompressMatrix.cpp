// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CompressMatrix.h"

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Masks.h"
#include "hcgs/Compression/Select.h"
#include "hcgs/Dialect/FX/Utils/MatrixForms.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using compression::Balance;
using compression::BlockMaps;
using compression::Detection;
using compression::EnergyLoss;
using compression::MatrixView;

static std::string print(const char *format, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

static std::string percent(int64_t part, int64_t whole) {
  return print("%.1f %%",
               100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string rnn::describeLoss(const EnergyLoss &loss) {
  if (loss.removed <= 0.0)
    return "removes nothing";
  return "removes " + print("%.3g %% of the energy (", loss.percent()) +
         print("%.1f dB)", loss.decibels());
}

static std::optional<Balance> toBalance(BalanceChoice choice) {
  switch (choice) {
  case BalanceChoice::Any:
    return std::nullopt;
  case BalanceChoice::Row:
    return Balance::Row;
  case BalanceChoice::Column:
    return Balance::Column;
  case BalanceChoice::Both:
    return Balance::Both;
  case BalanceChoice::None:
    return Balance::None;
  }
  llvm_unreachable("no such balance");
}

static std::string sizeOf(const MatrixView &weights) {
  return std::to_string(weights.rows) + " x " + std::to_string(weights.cols);
}

/// "61440 of 983040 weights".
static std::string describeKept(const BlockMaps &maps, int64_t gates) {
  int64_t kept = 0;
  for (const auto &map : maps)
    kept += map->keptWeights();
  if (maps.size() == 1)
    kept *= gates;
  return std::to_string(kept) + " of " +
         std::to_string(gates * maps.front()->rows() * maps.front()->cols()) +
         " weights";
}

namespace {

/// One matrix on its way to a decision.
class Decider {
public:
  Decider(const MatrixView &weights, const CompressSettings &settings,
          const Mask *mask)
      : weights(weights), settings(settings), mask(mask) {}

  CompressDecision run();

private:
  void detect();
  void impose();
  void projectToCirculant(int64_t block);
  void checkCirculant(int64_t block);
  void applyMask();
  /// The maps of the mask in the tiers of `options`, strictly.
  Result<BlockMaps> readMask(const compression::DetectOptions &options) const;

  void fail(const std::string &what) { decision.error = what; }
  /// The options that detection takes from tiers, balance and what is asked
  /// for; nothing if an error was noted.
  std::optional<compression::DetectOptions> detectOptions();
  /// Keeps `maps`, zeroing what lies outside.
  void keep(BlockMaps maps, bool separate);
  /// What `on-broken` says of weights that break `detection`. `whose` begins
  /// sentences: "the weights", "the mask".
  void settle(const Detection &detection, const std::string &problem);
  /// "; 96 bits (12 %) shorter than 8x8:1/4 column", "; as short as ...": how
  /// sure the find is, and of what it could have been instead.
  static std::string describeConfidence(const Detection &detection);

  const MatrixView &weights;
  const CompressSettings &settings;
  const Mask *mask;
  CompressDecision decision;
};

} // namespace

CompressDecision Decider::run() {
  if (mask)
    applyMask();
  else if (settings.circulant)
    projectToCirculant(settings.circulant);
  else if (settings.mode == CompressionMode::Off)
    decision.how = "off";
  else if (auto circulant = dyn_cast_or_null<fx::CirculantAttr>(settings.asked))
    checkCirculant(circulant.getBlock());
  else if (settings.mode == CompressionMode::Impose)
    impose();
  else
    detect();
  return std::move(decision);
}

void Decider::keep(BlockMaps maps, bool separate) {
  if (compression::countStrayWeights(weights, maps) > 0)
    decision.change = [maps, gates = weights.gates](std::span<float> data) {
      return compression::zeroDropped(data, gates, maps);
    };
  decision.maps = std::move(maps);
  decision.separate = separate;
}

//===----------------------------------------------------------------------===//
// Detection
//===----------------------------------------------------------------------===//

std::optional<compression::DetectOptions> Decider::detectOptions() {
  compression::DetectOptions options;
  options.balance = toBalance(settings.balance);
  if (auto asked = dyn_cast_or_null<fx::SparsityAttr>(settings.asked)) {
    options.tiers = fx::toPattern(asked).tiers;
    options.balance.reset();
    options.keepBalance = true;
    options.separate = asked.getSeparate();
  } else if (!settings.tiers.empty()) {
    auto text = compression::parseTierText(
        settings.tiers, options.balance.value_or(Balance::Row));
    if (!text) {
      fail("option tiers: " + text.message());
      return std::nullopt;
    }
    options.tiers = std::move(text->tiers);
    options.keepBalance = text->ownBalance;
  }
  return options;
}

std::string Decider::describeConfidence(const Detection &detection) {
  const double bits = detection.confidenceBits();
  const std::string &other = detection.runnerUp.text;
  if (std::abs(bits) < 0.5)
    return "; as short as " + other;
  // Given sizes are taken even if something else describes the zeros better.
  if (bits < 0.0)
    return "; " + print("%.0f bits longer than ", -bits) + other;
  return "; " + print("%.0f bits (", bits) +
         print("%.0f %%) shorter than ", 100.0 * detection.confidence()) +
         other;
}

void Decider::settle(const Detection &detection, const std::string &problem) {
  switch (settings.onBroken) {
  case BrokenPattern::Reject:
    return fail(problem + "; on-broken=project drops them (" +
                describeLoss(detection.strayEnergy) +
                "), on-broken=dense stores the matrix dense, and "
                "on-broken=reject, the default, leaves it to you");
  case BrokenPattern::Dense:
    decision.remark = problem + "; stored dense, as on-broken=dense says";
    return;
  case BrokenPattern::Project:
    keep(detection.masks, detection.separate);
    decision.remark = "projected to the pattern " + detection.text() + ", " +
                      describeKept(decision.maps, weights.gates);
    return;
  }
}

void Decider::detect() {
  std::optional<compression::DetectOptions> options = detectOptions();
  if (!options)
    return;
  auto found = compression::detect(weights, *options);
  if (!found)
    return fail(found.message());
  decision.how = "detected";
  decision.detection = *std::move(found);
  const Detection &detection = *decision.detection;
  switch (detection.kind) {
  case Detection::Kind::Broken:
    return settle(detection, detection.message());
  case Detection::Kind::Dense: {
    const std::string zero = percent(detection.zeroWeights, weights.size());
    if (detection.zeroWeights * 20 >= weights.size())
      decision.remark = "no block pattern found (" + zero +
                        " of the weights are zero); stored dense";
    else
      decision.remark = "stored dense (" + zero + " zero)";
    return;
  }
  case Detection::Kind::Circulant:
    decision.circulant = detection.circulantBlock;
    decision.remark = "circulant blocks of " +
                      std::to_string(detection.circulantBlock) +
                      describeConfidence(detection);
    return;
  case Detection::Kind::Sparse:
    decision.maps = detection.masks;
    decision.separate = detection.separate;
    decision.remark =
        detection.message() + ", " + describeKept(decision.maps, weights.gates);
    if (detection.emptyKeptBlocks > 0)
      decision.remark += ", " + std::to_string(detection.emptyKeptBlocks) +
                         " kept blocks hold only zeros";
    decision.remark += describeConfidence(detection);
    return;
  }
}

//===----------------------------------------------------------------------===//
// Imposing
//===----------------------------------------------------------------------===//

void Decider::impose() {
  compression::Pattern pattern;
  bool separate = settings.masks == MaskSharing::Separate;
  if (auto asked = dyn_cast_or_null<fx::SparsityAttr>(settings.asked)) {
    pattern = fx::toPattern(asked);
    separate = asked.getSeparate();
  } else if (settings.tiers.empty()) {
    return fail("there is no pattern to impose; give one with the option "
                "tiers, such as 32x32:25%,4x4:25%");
  } else {
    auto parsed = compression::parseTiers(
        settings.tiers, toBalance(settings.balance).value_or(Balance::Row));
    if (!parsed)
      return fail("option tiers: " + parsed.message());
    pattern = *std::move(parsed);
  }
  decision.how = "imposed";
  const compression::Tier &first = pattern.tiers.front();
  if (weights.rows < first.rows || weights.cols < first.cols) {
    decision.remark =
        "stored dense: " + sizeOf(weights) + " is smaller than a block of " +
        std::to_string(first.rows) + " x " + std::to_string(first.cols);
    return;
  }
  auto counted =
      compression::resolveCounts(pattern, weights.rows, weights.cols);
  if (!counted)
    return fail(counted.message());
  pattern = *std::move(counted);

  compression::SelectOptions options;
  options.seed = settings.seed;
  options.separate = separate && weights.gates > 1;
  switch (settings.select) {
  case BlockSelection::Magnitude:
    options.how = compression::Selection::Magnitude;
    break;
  case BlockSelection::Guided:
    options.how = compression::Selection::Guided;
    break;
  case BlockSelection::Random:
    options.how = compression::Selection::Random;
    break;
  }
  auto chosen = compression::selectBlocks(pattern, weights, options);
  if (!chosen)
    return fail(chosen.message());
  keep(*std::move(chosen), options.separate);
  decision.remark = "pattern " + pattern.str() + " imposed" +
                    (options.separate ? " on each gate" : "") + ", keeps " +
                    describeKept(decision.maps, weights.gates);
}

void Decider::projectToCirculant(int64_t block) {
  if (auto fits =
          compression::verifyCirculant(weights.rows, weights.cols, block);
      !fits)
    return fail(fits.message());
  auto projection = compression::projectCirculant(weights, block);
  if (!projection)
    return fail(projection.message());
  decision.how = "circulant";
  decision.circulant = block;
  decision.remark = "circulant blocks of " + std::to_string(block);
  if (projection->loss.removed <= 0.0)
    return;
  decision.remark = "projected to " + decision.remark;
  decision.change = [elements = std::move(projection->elements),
                     loss = projection->loss, gates = weights.gates,
                     rows = weights.rows, cols = weights.cols,
                     block](std::span<float> data) {
    compression::expandCirculant(elements, gates, rows, cols, block, data);
    return loss;
  };
}

void Decider::checkCirculant(int64_t block) {
  if (auto fits =
          compression::verifyCirculant(weights.rows, weights.cols, block);
      !fits)
    return fail(fits.message());
  auto elements = compression::readCirculant(weights, block);
  if (elements) {
    decision.how = "circulant";
    decision.circulant = block;
    decision.remark =
        "circulant blocks of " + std::to_string(block) + ", as asked for";
    return;
  }
  switch (settings.onBroken) {
  case BrokenPattern::Reject: {
    auto projection = compression::projectCirculant(weights, block);
    if (!projection)
      return fail(projection.message());
    return fail(elements.message() +
                "; on-broken=project takes the nearest circulant blocks (" +
                describeLoss(projection->loss) +
                "), on-broken=dense stores the matrix dense, and "
                "on-broken=reject, the default, leaves it to you");
  }
  case BrokenPattern::Dense:
    decision.remark =
        elements.message() + "; stored dense, as on-broken=dense says";
    return;
  case BrokenPattern::Project:
    return projectToCirculant(block);
  }
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Multiplies every gate by its mask, or by the one they share.
static EnergyLoss multiply(std::span<float> data, int64_t gates,
                           const Mask &mask) {
  EnergyLoss loss;
  const size_t size = data.size() / gates;
  for (size_t i = 0; i < data.size(); ++i) {
    const double energy = static_cast<double>(data[i]) * data[i];
    loss.total += energy;
    if (mask.entries[mask.gates == 1 ? i % size : i])
      continue;
    loss.removed += energy;
    data[i] = 0.0f;
  }
  return loss;
}

Result<BlockMaps>
Decider::readMask(const compression::DetectOptions &options) const {
  auto read = [&](const std::vector<compression::Tier> &tiers) {
    return compression::mapsOfMasks(mask->entries.data(), mask->gates,
                                    mask->rows, mask->cols, tiers);
  };
  if (options.keepBalance || options.balance)
    return read(options.tiers);
  // Any balance: row, then column, as detection tries given sizes.
  std::string problem;
  for (Balance balance : {Balance::Row, Balance::Column}) {
    std::vector<compression::Tier> tiers = options.tiers;
    for (compression::Tier &tier : tiers)
      tier.balance = balance;
    auto maps = read(tiers);
    if (maps)
      return maps;
    problem += (problem.empty() ? "balance " : "; balance ") +
               std::string(compression::balanceName(balance)) + ": " +
               maps.message();
  }
  return Error{problem};
}

void Decider::applyMask() {
  decision.how = "masked";
  std::optional<compression::DetectOptions> options = detectOptions();
  if (!options)
    return;
  // The structure is that of the mask, read as weights: whatever the weights
  // are, what the mask keeps is kept.
  std::vector<float> ones(mask->entries.begin(), mask->entries.end());
  const MatrixView view{ones.data(), mask->gates, mask->rows, mask->cols};
  options->circulant = false;
  options->minZeroShare = 0.0;
  std::string problem;
  if (!options->tiers.empty()) {
    // With given sizes nothing is guessed.
    auto maps = readMask(*options);
    if (maps) {
      decision.separate = maps->size() > 1;
      decision.maps = *std::move(maps);
    } else if (settings.onBroken == BrokenPattern::Reject) {
      return fail("the mask breaks the pattern: " + maps.message());
    } else {
      problem = maps.message();
    }
  }
  if (decision.maps.empty() &&
      !(settings.onBroken == BrokenPattern::Dense && !problem.empty())) {
    auto found = compression::detect(view, *options);
    if (!found)
      return fail(found.message());
    if (found->kind == Detection::Kind::Broken) {
      problem = "as weights of 0 and 1, " + found->message();
      settle(*found, problem);
      if (!decision.error.empty())
        return;
    } else {
      decision.maps = found->masks;
      decision.separate = found->separate;
    }
    decision.detection = *std::move(found);
  }
  const int64_t gates = weights.gates;
  Mask kept = *mask;
  BlockMaps maps = decision.maps;
  decision.change = [kept = std::move(kept), maps,
                     gates](std::span<float> data) {
    EnergyLoss loss = multiply(data, gates, kept);
    // What on-broken=project drops beyond the mask.
    if (!maps.empty())
      loss.removed += compression::zeroDropped(data, gates, maps).removed;
    return loss;
  };
  if (!decision.maps.empty())
    decision.remark = "masked, pattern " +
                      decision.maps.front()->pattern().str() +
                      (decision.separate ? ", separate masks" : "") +
                      ", keeps " + describeKept(decision.maps, gates);
  else
    decision.remark =
        "masked, stored dense: " +
        (problem.empty() ? "the mask has no block pattern" : problem);
}

CompressDecision rnn::compressMatrix(const MatrixView &weights,
                                     const CompressSettings &settings,
                                     const Mask *mask) {
  return Decider(weights, settings, mask).run();
}
