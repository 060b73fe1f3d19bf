// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/QuantizedMatrix.h"
#include "hcgs/Compression/Circulant.h"

#include "BitStream.h"
#include "Finite.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

namespace {

//===----------------------------------------------------------------------===//
// Circulant matrices: vectors instead of positions
//===----------------------------------------------------------------------===//

/// The used elements of one gate in the order of the image, and by how many
/// positions each is used.
struct UsedElements {
  std::vector<float> values;
  std::vector<int32_t> uses;
};

/// WI-C-4: the squared error of one exponent, and that of the elements which
/// are clipped at it.
struct ElementErrors {
  double all = 0.0, clipped = 0.0;
};

ElementErrors elementErrors(const UsedElements &elements, int exponent,
                            numerics::WeightFormat format,
                            std::vector<int16_t> &codes) {
  codes.resize(elements.values.size());
  numerics::quantizeWeights(elements.values, exponent, format, codes);
  const double step = std::ldexp(1.0, -exponent);
  const double limit = format.maxMagnitude() * step;
  ElementErrors errors;
  for (size_t i = 0; i < codes.size(); ++i) {
    const double value = elements.values[i];
    const double difference = value - codes[i] * step;
    const double square = difference * difference * elements.uses[i];
    errors.all += square;
    errors.clipped += std::fabs(value) > limit ? square : 0.0;
  }
  return errors;
}

/// A-W-4 with WI-C-4. What makes looking at few exponents enough is said in
/// Numerics/WeightQuantizer.h, and holds for weighted sums as well.
numerics::ExponentChoice chooseExponent(const UsedElements &elements,
                                        numerics::WeightFormat format) {
  numerics::ExponentChoice choice;
  float largest = 0.0f;
  for (const float value : elements.values) {
    largest = std::max(largest, std::fabs(value));
    choice.zeros += value == 0.0f;
  }
  choice.allZero = largest == 0.0f;
  std::vector<int16_t> codes;
  const auto errorsOf = [&](int exponent) {
    return elementErrors(elements, exponent, format, codes);
  };
  if (choice.allZero) {
    choice.squaredError = errorsOf(0).all;
    return choice;
  }
  int unclipped = numerics::maxWeightExponent;
  while (unclipped > numerics::minWeightExponent &&
         std::ldexp(static_cast<double>(largest), unclipped) >
             format.maxMagnitude())
    --unclipped;
  choice.exponent = unclipped;
  choice.squaredError = errorsOf(unclipped).all;
  for (int e = unclipped + 1; e <= numerics::maxWeightExponent; ++e) {
    const ElementErrors errors = errorsOf(e);
    if (errors.clipped > choice.squaredError)
      break; // clipping alone is worse, here and further up
    if (errors.all < choice.squaredError) {
      choice.exponent = e;
      choice.squaredError = errors.all;
    }
  }
  // Of equal sums the smallest exponent wins.
  while (choice.exponent > numerics::minWeightExponent &&
         choice.exponent <= unclipped &&
         errorsOf(choice.exponent - 1).all <= choice.squaredError)
    --choice.exponent;
  return choice;
}

std::vector<UsedElements> usedElements(const WeightLayout &layout,
                                       std::span<const float> elements) {
  std::vector<UsedElements> gates(static_cast<size_t>(layout.gates()));
  layout.forEachVector([&](const WeightLayout::Vector &vector) {
    UsedElements &gate = gates[vector.gate];
    for (int64_t j = 0; j < layout.block(); ++j)
      if (const int64_t uses =
              circulantUses(layout.block(), vector.height, vector.width, j)) {
        gate.values.push_back(elements[vector.word + j]);
        gate.uses.push_back(static_cast<int32_t>(uses));
      }
  });
  return gates;
}

/// Adds the magnitudes of a vector's codes to the rows of its block: row r uses
/// `width` elements from (-r) mod b on, cyclically, so its sum is the window's
/// before, plus the element that enters, less the one that leaves.
void addRowMagnitudes(const WeightLayout::Vector &vector, int64_t block,
                      const int16_t *codes, int64_t *rows) {
  int64_t sum = 0;
  for (int64_t c = 0; c < vector.width; ++c)
    sum += std::abs(codes[c]);
  for (int64_t r = 0; r < vector.height; ++r) {
    rows[r] += sum;
    const int64_t enters = block - 1 - r;
    const int64_t leaves = (enters + vector.width) % block;
    sum += std::abs(codes[enters]) - std::abs(codes[leaves]);
  }
}

} // namespace

MatrixExponents compression::chooseExponents(const MatrixView &weights,
                                             const WeightLayout &layout,
                                             numerics::WeightFormat format) {
  MatrixExponents chosen;
  if (layout.isCirculant()) {
    const auto elements = readCirculant(weights, layout.block());
    if (elements)
      for (const UsedElements &gate : usedElements(layout, *elements))
        chosen.gates.push_back(chooseExponent(gate, format));
    else
      chosen.gates.resize(static_cast<size_t>(layout.gates()));
    return chosen;
  }
  // A gate of a dense matrix lies in memory in the order of the image already,
  // whatever the row block; one of a sparse matrix is gathered.
  std::vector<std::vector<float>> gathered;
  if (!layout.isDense()) {
    gathered.resize(static_cast<size_t>(layout.gates()));
    for (int64_t gate = 0; gate < layout.gates(); ++gate)
      gathered[gate].reserve(static_cast<size_t>(layout.words(gate)));
    layout.forEachRun([&](const WeightLayout::Run &run) {
      const float *from = weights.row(run.gate, run.row) + run.col;
      std::vector<float> &gate = gathered[run.gate];
      gate.insert(gate.end(), from, from + run.count);
    });
  }
  for (int64_t gate = 0; gate < layout.gates(); ++gate) {
    const std::span<const float> kept =
        layout.isDense() ? std::span<const float>(
                               weights.row(gate, 0),
                               static_cast<size_t>(weights.rows * weights.cols))
                         : std::span<const float>(gathered[gate]);
    chosen.gates.push_back(numerics::chooseExponent(kept, format));
  }
  return chosen;
}

namespace {

/// Makes the codes and images of one matrix.
class Quantizing {
public:
  Quantizing(const MatrixView &weights, const WeightLayout &layout,
             numerics::WeightFormat format, std::span<const int> exponents,
             QuantizeOptions options)
      : weights(weights), layout(layout), options(options) {
    const size_t gates = static_cast<size_t>(layout.gates());
    result.format = format;
    result.exponents.assign(exponents.begin(), exponents.end());
    result.rowMagnitudes.assign(gates * static_cast<size_t>(layout.rows()), 0);
    result.zeros.assign(gates, 0);
    result.unchanged.assign(gates, 0);
    result.squaredErrors.assign(gates, 0.0);
    if (options.keepCodes)
      result.codes.reserve(static_cast<size_t>(layout.words()));
    if (options.makeImage)
      writer.reserve(layout.words() * format.bits);
    for (const int exponent : exponents)
      steps.push_back(std::ldexp(1.0, -exponent));
  }

  Result<QuantizedMatrix> run() {
    if (auto done = layout.isCirculant() ? quantizeVectors() : quantizeRuns();
        !done)
      return done.takeError();
    result.weightImage = writer.take();
    return std::move(result);
  }

private:
  Result<void> quantizeRuns() {
    std::optional<Error> error;
    layout.forEachRun([&](const WeightLayout::Run &run) {
      const std::span<const float> from(weights.row(run.gate, run.row) +
                                            run.col,
                                        static_cast<size_t>(run.count));
      codes.resize(from.size());
      numerics::quantizeWeights(from, result.exponents[run.gate], result.format,
                                codes);
      int64_t magnitude = 0;
      for (size_t i = 0; i < from.size(); ++i) {
        if (!(std::fabs(from[i]) <= FLT_MAX) && !error)
          error = Error{
              weightName(run.gate, run.row, run.col + static_cast<int64_t>(i)) +
              " is NaN or infinite; only finite weights can be "
              "quantised"};
        magnitude += std::abs(codes[i]);
        count(run.gate, from[i], codes[i], 1);
      }
      result.rowMagnitudes[run.gate * layout.rows() + run.row] += magnitude;
      store();
    });
    if (error)
      return *error;
    return {};
  }

  Result<void> quantizeVectors() {
    if (auto finite = checkFinite(weights, "quantised"); !finite)
      return finite.takeError();
    const auto elements = readCirculant(weights, layout.block());
    if (!elements)
      return elements.error();
    const int64_t block = layout.block();
    codes.resize(static_cast<size_t>(block));
    // WI-C-3: pattern 0.
    const int16_t unused =
        static_cast<int16_t>(numerics::decodeWeight(0, result.format));
    layout.forEachVector([&](const WeightLayout::Vector &vector) {
      const std::span<const float> from(elements->data() + vector.word,
                                        static_cast<size_t>(block));
      numerics::quantizeWeights(from, result.exponents[vector.gate],
                                result.format, codes);
      for (int64_t j = 0; j < block; ++j)
        if (const int64_t uses =
                circulantUses(block, vector.height, vector.width, j))
          count(vector.gate, from[j], codes[j], uses);
        else
          codes[j] = unused;
      addRowMagnitudes(vector, block, codes.data(),
                       result.rowMagnitudes.data() +
                           vector.gate * layout.rows() + vector.row);
      store();
    });
    return {};
  }

  void count(int64_t gate, float weight, int16_t code, int64_t uses) {
    const double difference = static_cast<double>(weight) - code * steps[gate];
    result.zeros[gate] += weight == 0.0f;
    result.unchanged[gate] += difference == 0.0;
    result.squaredErrors[gate] +=
        difference * difference * static_cast<double>(uses);
  }

  void store() {
    if (options.makeImage)
      for (const int16_t code : codes)
        writer.write(numerics::encodeWeight(code, result.format),
                     result.format.bits);
    if (options.keepCodes)
      result.codes.insert(result.codes.end(), codes.begin(), codes.end());
  }

  const MatrixView &weights;
  const WeightLayout &layout;
  const QuantizeOptions options;
  QuantizedMatrix result;
  std::vector<double> steps;
  std::vector<int16_t> codes;
  BitWriter writer;
};

} // namespace

Result<QuantizedMatrix> compression::quantizeMatrix(
    const MatrixView &weights, const WeightLayout &layout,
    numerics::WeightFormat format, std::span<const int> exponents,
    QuantizeOptions options) {
  if (weights.gates != layout.gates() || weights.rows != layout.rows() ||
      weights.cols != layout.cols() ||
      static_cast<int64_t>(exponents.size()) != layout.gates())
    return Error{"weights, layout and exponents are of different shapes"};
  if (const int64_t strays = countStrayWeights(weights, layout))
    return Error{std::to_string(strays) +
                 " weights outside the kept blocks are not zero"};
  return Quantizing(weights, layout, format, exponents, options).run();
}
