// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/QuantizedMatrix.h"

#include "BitStream.h"

#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <string>

using namespace hcgs;
using namespace hcgs::compression;

MatrixExponents compression::chooseExponents(const MatrixView &weights,
                                             const WeightLayout &layout,
                                             numerics::WeightFormat format) {
  MatrixExponents chosen;
  // A gate of a dense matrix lies in memory in the order of the image already,
  // whatever the row block; one of a sparse matrix is gathered.
  std::vector<std::vector<float>> gathered;
  if (!layout.isDense()) {
    gathered.resize(static_cast<size_t>(layout.gates()));
    for (std::vector<float> &gate : gathered)
      gate.reserve(static_cast<size_t>(layout.map()->keptWeights()));
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

Result<QuantizedMatrix> compression::quantizeMatrix(
    const MatrixView &weights, const WeightLayout &layout,
    numerics::WeightFormat format, std::span<const int> exponents,
    QuantizeOptions options) {
  if (weights.gates != layout.gates() || weights.rows != layout.rows() ||
      weights.cols != layout.cols() ||
      static_cast<int64_t>(exponents.size()) != layout.gates())
    return Error{"weights, layout and exponents are of different shapes"};
  if (!layout.isDense())
    if (const int64_t strays = countStrayWeights(weights, *layout.map()))
      return Error{std::to_string(strays) +
                   " weights outside the kept blocks are not zero"};

  QuantizedMatrix result;
  result.format = format;
  result.exponents.assign(exponents.begin(), exponents.end());
  result.rowMagnitudes.assign(
      static_cast<size_t>(layout.gates() * layout.rows()), 0);
  result.zeros.assign(static_cast<size_t>(layout.gates()), 0);
  result.squaredErrors.assign(static_cast<size_t>(layout.gates()), 0.0);
  if (options.keepCodes)
    result.codes.reserve(static_cast<size_t>(layout.words()));

  std::vector<double> steps;
  for (const int exponent : exponents)
    steps.push_back(std::ldexp(1.0, -exponent));
  BitWriter writer;
  if (options.makeImage)
    writer.reserve(layout.words() * format.bits);
  std::vector<int16_t> codes;
  WeightLayout::Run broken;
  bool finite = true;
  layout.forEachRun([&](const WeightLayout::Run &run) {
    const std::span<const float> from(weights.row(run.gate, run.row) + run.col,
                                      static_cast<size_t>(run.count));
    codes.resize(from.size());
    numerics::quantizeWeights(from, exponents[run.gate], format, codes);
    int64_t magnitude = 0, zeros = 0;
    double error = result.squaredErrors[run.gate];
    for (size_t i = 0; i < from.size(); ++i) {
      if (!(std::fabs(from[i]) <= FLT_MAX) && finite) {
        finite = false;
        broken = run;
        broken.col += static_cast<int64_t>(i);
      }
      magnitude += std::abs(codes[i]);
      zeros += from[i] == 0.0f;
      const double difference =
          static_cast<double>(from[i]) - codes[i] * steps[run.gate];
      error += difference * difference;
    }
    result.rowMagnitudes[run.gate * layout.rows() + run.row] += magnitude;
    result.zeros[run.gate] += zeros;
    result.squaredErrors[run.gate] = error;
    if (options.makeImage)
      for (const int16_t code : codes)
        writer.write(numerics::encodeWeight(code, format), format.bits);
    if (options.keepCodes)
      result.codes.insert(result.codes.end(), codes.begin(), codes.end());
  });
  if (!finite)
    return Error{"weight at gate " + std::to_string(broken.gate) + ", row " +
                 std::to_string(broken.row) + ", column " +
                 std::to_string(broken.col) +
                 " is NaN or infinite; only finite weights can be quantised"};
  result.weightImage = writer.take();
  return result;
}
