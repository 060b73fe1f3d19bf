// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AccumulatorRemedy.h"

#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;

std::string rnn::gateText(Operation *op, int64_t gate) {
  return isa<LSTMOp>(op)
             ? std::string(", gate ") + gateName(static_cast<unsigned>(gate))
             : std::string();
}

double rnn::sqnrOfBits(int bits) { return 20.0 * std::log10(2.0) * bits; }

std::string rnn::dbText(double db) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f dB", db);
  return text;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The limits of A-W-7 for products of the fractions `fractions`.
static SumLimit limitOfSum(const LayerWeights &layer, int64_t gate,
                           ArrayRef<int> fractions) {
  const int finest = *llvm::max_element(fractions);
  const int coarsest = *llvm::min_element(fractions);
  double bias = 0.0;
  for (int64_t row = 0; row < layer.rows && !layer.bias.empty(); ++row)
    bias = std::max(bias, std::fabs(layer.bias[gate * layer.rows + row]));

  SumLimit limit{finest, ""};
  const auto lower = [&](int frac, const char *why) {
    if (frac < limit.frac)
      limit = {frac, why};
  };
  lower(coarsest + maxLeftShift, "the coarser of the products");
  lower(layer.requantFracs[gate] + maxRequantShift, "the format of the result");
  if (bias > 0.0)
    lower(30 - static_cast<int>(std::ceil(std::log2(bias))),
          "the size of the bias");
  return limit;
}

SumLimit rnn::limitOfSum(const LayerWeights &layer, int64_t gate) {
  SmallVector<int> fractions;
  for (const Matrix &matrix : layer.matrices)
    fractions.push_back(matrix.fraction(gate));
  return ::limitOfSum(layer, gate, fractions);
}

/// The codes of a gate's biases in a sum of `frac` fractional bits.
static std::vector<int64_t> biasCodes(const LayerWeights &layer, int64_t gate,
                                      int frac) {
  std::vector<int64_t> start;
  for (int64_t row = 0; row < layer.rows && !layer.bias.empty(); ++row)
    start.push_back(static_cast<int64_t>(numerics::roundHalfAway(
        std::ldexp(layer.bias[gate * layer.rows + row], frac))));
  return start;
}

GateSum rnn::describeSum(const LayerWeights &layer, int64_t gate) {
  GateSum sum;
  sum.start = biasCodes(layer, gate, layer.sumFracs[gate]);
  for (const Matrix &matrix : layer.matrices)
    sum.terms.push_back({matrix.name.str(), matrix.result.gateMagnitudes(gate),
                         matrix.operandFormat.bits, matrix.operandOption,
                         layer.sumFracs[gate] - matrix.fraction(gate),
                         matrix.format.bits});
  sum.bound = numerics::boundRows(sum.start, sum.terms);
  return sum;
}

//===----------------------------------------------------------------------===//
// Remedies
//===----------------------------------------------------------------------===//

namespace {

/// What is tried: for each matrix, so many bits less of operand and weights.
struct Change {
  SmallVector<int> operandBits, weightBits;
};

/// Tries changes for one gate of a layer.
class Trial {
public:
  Trial(const LayerWeights &layer, int64_t gate) : layer(layer), gate(gate) {}

  /// Whether the sum fits with `change`.
  bool fits(const Change &change);
  /// The SQNR of the weights of a matrix in `less` bits less, in dB.
  double sqnr(size_t index, int less);

private:
  struct Key {
    size_t matrix;
    int bits, exponent;
    auto operator<=>(const Key &) const = default;
  };
  const compression::MatrixExponents &exponents(size_t index, int less);
  const std::vector<int64_t> &magnitudes(size_t index, int less, int exponent);

  numerics::WeightFormat narrower(size_t index, int less) const {
    numerics::WeightFormat format = layer.matrices[index].format;
    format.bits -= less;
    return format;
  }

  const LayerWeights &layer;
  int64_t gate;
  std::map<std::pair<size_t, int>, compression::MatrixExponents> choices;
  std::map<Key, std::vector<int64_t>> sums;
};

} // namespace

/// Exponents of the narrower codes; those given drop with the width.
const compression::MatrixExponents &Trial::exponents(size_t index, int less) {
  const Matrix &matrix = layer.matrices[index];
  if (less == 0)
    return matrix.best;
  auto [entry, added] = choices.try_emplace({index, less});
  if (!added)
    return entry->second;
  if (matrix.request.exponents.empty()) {
    entry->second = compression::chooseExponents(matrix.view, *matrix.layout,
                                                 narrower(index, less));
    return entry->second;
  }
  entry->second = matrix.best;
  SmallVector<int> lowered(matrix.request.exponents);
  for (int &exponent : lowered)
    exponent -= less;
  auto result = compression::quantizeMatrix(
      matrix.view, *matrix.layout, narrower(index, less), lowered,
      {.keepCodes = false, .makeImage = false});
  for (auto [i, choice] : llvm::enumerate(entry->second.gates)) {
    choice.exponent = lowered[i];
    if (result)
      choice.squaredError = result->squaredErrors[i];
  }
  return entry->second;
}

/// Sums of |code| of every row of the gate.
const std::vector<int64_t> &Trial::magnitudes(size_t index, int less,
                                              int exponent) {
  const Matrix &matrix = layer.matrices[index];
  auto [entry, added] = sums.try_emplace({index, less, exponent});
  if (!added)
    return entry->second;
  SmallVector<int> all(matrix.exponents);
  all[gate] = exponent;
  auto result = compression::quantizeMatrix(
      matrix.view, *matrix.layout, narrower(index, less), all,
      {.keepCodes = false, .makeImage = false});
  if (result)
    llvm::append_range(entry->second, result->gateMagnitudes(gate));
  return entry->second;
}

bool Trial::fits(const Change &change) {
  const size_t count = layer.matrices.size();
  SmallVector<int> chosen, fractions, operandFracs;
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back(exponents(i, change.weightBits[i]).gates[gate].exponent);
    operandFracs.push_back(layer.matrices[i].operandFormat.frac -
                           change.operandBits[i]);
    fractions.push_back(chosen[i] + operandFracs[i]);
  }
  const int coarsest = *llvm::min_element(fractions);
  int frac = ::limitOfSum(layer, gate, fractions).frac;
  for (;; --frac) {
    std::vector<numerics::ProductTerm> terms;
    for (size_t i = 0; i < count; ++i) {
      const int exponent = std::min(chosen[i], frac - operandFracs[i]);
      if (exponent < numerics::minWeightExponent)
        return false;
      const Matrix &matrix = layer.matrices[i];
      terms.push_back({matrix.name.str(),
                       magnitudes(i, change.weightBits[i], exponent),
                       matrix.operandFormat.bits - change.operandBits[i], "",
                       frac - exponent - operandFracs[i], 0});
    }
    if (numerics::boundRows(biasCodes(layer, gate, frac), terms).fits())
      return true;
    if (frac <= coarsest)
      return false;
  }
}

double Trial::sqnr(size_t index, int less) {
  double signal = 0.0, noise = 0.0;
  const Matrix &matrix = layer.matrices[index];
  const int64_t count = matrix.view.gates * matrix.view.rows * matrix.view.cols;
  for (int64_t i = 0; i < count; ++i)
    signal += static_cast<double>(matrix.view.data[i]) *
              static_cast<double>(matrix.view.data[i]);
  for (const auto &choice : exponents(index, less).gates)
    noise += choice.squaredError;
  return 10.0 * std::log10(signal / noise);
}

/// "act-bits=11 (now 13; 12.0 dB less SQNR of h)".
static std::string describe(const std::string &option, int now, int less,
                            const std::string &cost, StringRef of) {
  return option + "=" + std::to_string(now - less) + " (now " +
         std::to_string(now) + "; " + cost + " SQNR of " + of.str() + ")";
}

/// Every single width, and if none will do every pair, that mends the sum.
static std::string findRemedies(const LayerWeights &layer, int64_t gate,
                                int excess) {
  constexpr int leastOperandBits = 8, leastWeightBits = 2;
  Trial trial(layer, gate);
  const size_t count = layer.matrices.size();
  std::string text;
  const auto add = [&](const std::string &remedy) {
    text += (text.empty() ? "" : " or ") + remedy;
  };
  // One option may set both widths.
  const bool oneOption = count == 2 && layer.matrices[0].operandOption ==
                                           layer.matrices[1].operandOption;
  const auto none = [&] {
    return Change{SmallVector<int>(count, 0), SmallVector<int>(count, 0)};
  };
  // One bit less can be worth more than one bit of the sum, never the reverse
  // of what all products together need.
  const int most = std::max(excess, 1) + 8;
  const auto tryOperands = [&](ArrayRef<size_t> which) {
    for (int less = 1; less <= most; ++less) {
      Change change = none();
      for (size_t i : which) {
        if (layer.matrices[i].operandFormat.bits - less < leastOperandBits)
          return false;
        change.operandBits[i] = less;
      }
      if (!trial.fits(change))
        continue;
      std::string remedy;
      for (size_t i : which) {
        const Matrix &matrix = layer.matrices[i];
        remedy +=
            (remedy.empty() ? "" : " with ") +
            describe(matrix.operandOption, matrix.operandFormat.bits, less,
                     dbText(sqnrOfBits(less)) + " less", matrix.operand);
      }
      add(remedy);
      return true;
    }
    return false;
  };
  const auto tryWeights = [&](ArrayRef<size_t> which) {
    for (int less = 1; less <= most; ++less) {
      Change change = none();
      for (size_t i : which) {
        if (layer.matrices[i].format.bits - less < leastWeightBits)
          return false;
        change.weightBits[i] = less;
      }
      if (!trial.fits(change))
        continue;
      std::string remedy;
      for (size_t i : which) {
        const Matrix &matrix = layer.matrices[i];
        const double cost = trial.sqnr(i, 0) - trial.sqnr(i, less);
        remedy +=
            (remedy.empty() ? "" : " with ") +
            describe((count > 1 ? matrix.name + " weight-bits"
                                : Twine("weight-bits"))
                         .str(),
                     matrix.format.bits, less,
                     std::isfinite(cost) ? dbText(cost) + " less"
                                         : dbText(trial.sqnr(i, less)) + " of",
                     matrix.name);
      }
      add(remedy);
      return true;
    }
    return false;
  };
  bool operands = false, weights = false;
  if (!oneOption)
    for (size_t i = 0; i < count; ++i)
      operands |= tryOperands({i});
  if (count == 2 && !operands)
    tryOperands({0, 1});
  for (size_t i = 0; i < count; ++i)
    weights |= tryWeights({i});
  if (count == 2 && !weights)
    tryWeights({0, 1});
  if (text.empty())
    return "no width of its factors is small enough to mend it; scale the "
           "values down or split the layer";
  return "it would fit with " + text;
}

LogicalResult rnn::emitOverflow(const LayerWeights &layer, int64_t gate,
                                const GateSum &sum) {
  const numerics::AccumulatorBound &bound = sum.bound;
  InFlightDiagnostic diagnostic = layer.op->emitError();
  diagnostic << "node '" << getNodeName(layer.op) << "'"
             << gateText(layer.op, gate) << ", row " << bound.row
             << ": the accumulator can reach " << bound.magnitude
             << ", which takes " << bound.bits()
             << " bits and the machine has 32 ("
             << numerics::describeRow(sum.start, sum.terms, bound.row);
  if (sum.terms.size() > 1)
    diagnostic << ", most of it " << largestTerm(sum.terms, bound.row).name;
  return diagnostic << "); " << findRemedies(layer, gate, -bound.spareBits());
}
