// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LayerWeights.h"

#include "AccumulatorRemedy.h"

#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using numerics::WeightEncoding;

LogicalResult rnn::checkShift(Operation *op, int shift, const Twine &what,
                              int low, int high) {
  if (shift >= low && shift <= high)
    return success();
  return emitNodeError(op) << what << " needs a shift by " << shift
                           << "; instructions have " << low << ".." << high
                           << "; the scales of its values are too far apart";
}

//===----------------------------------------------------------------------===//
// Codes of one matrix
//===----------------------------------------------------------------------===//

bool Matrix::isFixed(int64_t gate) const {
  if (!request.exponents.empty())
    return true;
  const auto &choice = best.gates[gate];
  return request.onGrid == GridPolicy::Keep && grids[gate].isCoarse() &&
         !choice.allZero && choice.squaredError == 0.0;
}

bool Matrix::isUnchanged(int64_t gate) const {
  return grids[gate].isCoarse() && result.squaredErrors[gate] == 0.0;
}

/// The exponents and errors of `format`: searched for, or as given.
static compression::MatrixExponents search(Matrix &matrix,
                                           numerics::WeightFormat format) {
  if (matrix.request.exponents.empty())
    return compression::chooseExponents(matrix.view, *matrix.layout, format);
  compression::MatrixExponents choices;
  auto result = compression::quantizeMatrix(
      matrix.view, *matrix.layout, format, matrix.request.exponents,
      {.keepCodes = false, .makeImage = false});
  if (!result) {
    matrix.error = result.message();
    return choices;
  }
  for (auto [gate, exponent] : llvm::enumerate(matrix.request.exponents)) {
    numerics::ExponentChoice choice;
    choice.exponent = exponent;
    choice.squaredError = result->squaredErrors[gate];
    choice.zeros = result->zeros[gate];
    choice.allZero = matrix.grids[gate].largest == 0;
    choices.gates.push_back(choice);
  }
  return choices;
}

static double totalError(const compression::MatrixExponents &choices) {
  double sum = 0.0;
  for (const auto &gate : choices.gates)
    sum += gate.squaredError;
  return sum;
}

void rnn::chooseCodes(Matrix &matrix) {
  const int64_t perGate = matrix.view.rows * matrix.view.cols;
  for (int64_t gate = 0; gate < matrix.view.gates; ++gate)
    matrix.grids.push_back(numerics::findGrid(
        {matrix.view.data + gate * perGate, static_cast<size_t>(perGate)}));
  matrix.format = matrix.request.format;
  matrix.best = search(matrix, matrix.format);
  if (!matrix.error.empty())
    return;
  if (matrix.format.encoding == WeightEncoding::SignMag) {
    // Signmag has no zero: a gate without any other weight would become noise,
    // and so would many zeros among others.
    int64_t zeros = 0;
    bool zeroGate = false;
    for (const auto &gate : matrix.best.gates) {
      zeroGate |= gate.allZero;
      zeros += gate.zeros;
    }
    numerics::WeightFormat twos = matrix.format;
    twos.encoding = WeightEncoding::Twos;
    const auto switchTo = [&](compression::MatrixExponents choices,
                              std::string why) {
      matrix.format = twos;
      matrix.best = std::move(choices);
      matrix.encodingRemark = std::move(why);
    };
    const std::string count =
        std::to_string(zeros) + " weights in kept positions are zero";
    const ZeroPolicy policy = matrix.request.zeros;
    if (zeros > 0 && policy == ZeroPolicy::Refuse) {
      matrix.error = count + ", which signmag cannot hold; use "
                             "weight-encoding=twos, or zeros=one to store them "
                             "as +1";
    } else if (zeroGate && !matrix.request.published) {
      switchTo(search(matrix, twos),
               "a gate has only zero weights, which signmag cannot hold; the "
               "matrix is stored as twos");
    } else if (zeros > 0 && policy == ZeroPolicy::Twos) {
      switchTo(search(matrix, twos),
               count + ", which signmag cannot hold; the matrix is stored as "
                       "twos");
    } else if (zeros > 0 && policy == ZeroPolicy::Auto) {
      compression::MatrixExponents choices = search(matrix, twos);
      if (2.0 * totalError(choices) < totalError(matrix.best))
        switchTo(std::move(choices),
                 count + ", and twos has less than half the error; the matrix "
                         "is stored as twos (zeros=one keeps signmag)");
    }
  }
  for (const auto &gate : matrix.best.gates)
    matrix.exponents.push_back(gate.exponent);
}

void rnn::quantizeWeights(Matrix &matrix) {
  auto result = compression::quantizeMatrix(
      matrix.view, *matrix.layout, matrix.format, matrix.exponents,
      {.keepCodes = false, .makeImage = false});
  if (result)
    matrix.result = *std::move(result);
  else
    matrix.error = result.message();
}

//===----------------------------------------------------------------------===//
// Sums of a layer
//===----------------------------------------------------------------------===//

/// Lowers the fraction of a gate's sum to `frac`, and with it the exponents of
/// the matrices that are finer. `why` says what asks for it where that is not
/// allowed.
static LogicalResult setFraction(LayerWeights &layer, int64_t gate, int frac,
                                 StringRef why) {
  layer.sumFracs[gate] = frac;
  for (Matrix &matrix : layer.matrices) {
    const int drop = matrix.fraction(gate) - frac;
    if (drop <= 0)
      continue;
    if (!matrix.isFixed(gate)) {
      matrix.exponents[gate] -= drop;
      continue;
    }
    const bool given = !matrix.request.exponents.empty();
    const int allowed = matrix.exponents[gate] - drop;
    InFlightDiagnostic diagnostic = emitNodeError(layer.op);
    diagnostic << matrix.name << gateText(layer.op, gate) << ": ";
    if (given)
      diagnostic << "the exponent " << matrix.exponents[gate] << " was given";
    else
      diagnostic << "the weights lie on a grid of 2^"
                 << -matrix.grids[gate].exponent;
    diagnostic << ", but " << why << " leaves room for exponents up to "
               << allowed << ", which would change them; ";
    if (matrix.operandFormat.bits - drop >= 8)
      diagnostic << matrix.operandOption << "="
                 << matrix.operandFormat.bits - drop << " (now "
                 << matrix.operandFormat.bits << "; "
                 << dbText(sqnrOfBits(drop)) << " less SQNR of "
                 << matrix.operand << ") keeps them, or ";
    return diagnostic << (given ? "give lower exponents"
                                : "let them change with on-grid=lower");
  }
  return success();
}

LogicalResult rnn::settleSums(LayerWeights &layer) {
  layer.sumFracs.resize(layer.requantFracs.size());
  for (size_t gate = 0; gate < layer.requantFracs.size(); ++gate) {
    SumLimit limit = limitOfSum(layer, gate);
    if (failed(setFraction(layer, gate, limit.frac, limit.why)))
      return failure();
    for (const Matrix &matrix : layer.matrices)
      if (matrix.exponents[gate] < numerics::minWeightExponent)
        return emitNodeError(layer.op)
               << matrix.name << gateText(layer.op, gate)
               << ": weights and biases are of such different size that the "
                  "weights would need the exponent "
               << matrix.exponents[gate] << "; the least is "
               << numerics::minWeightExponent << "; scale the layer";
    if (failed(checkShift(layer.op, limit.frac - layer.requantFracs[gate],
                          "the sum" + gateText(layer.op, gate))))
      return failure();
  }
  return success();
}

LogicalResult rnn::proveSums(LayerWeights &layer) {
  for (size_t gate = 0; gate < layer.sumFracs.size(); ++gate) {
    GateSum sum = describeSum(layer, gate);
    while (!sum.bound.fits()) {
      int coarsest = layer.matrices[0].fraction(gate);
      for (const Matrix &matrix : layer.matrices)
        coarsest = std::min(coarsest, matrix.fraction(gate));
      if (layer.sumFracs[gate] == coarsest)
        return emitOverflow(layer, gate, sum);
      if (failed(setFraction(layer, gate, layer.sumFracs[gate] - 1,
                             "the 32 bits of the accumulator")))
        return failure();
      for (Matrix &matrix : layer.matrices)
        quantizeWeights(matrix);
      if (failed(checkShift(layer.op,
                            layer.sumFracs[gate] - layer.requantFracs[gate],
                            "the sum" + gateText(layer.op, gate))))
        return failure();
      sum = describeSum(layer, gate);
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

/// "i, f" for a mask of gates; "" if it is all of them or the only one.
static std::string listGates(int64_t gates, uint64_t mask) {
  std::string text;
  if (mask + 1 == uint64_t(1) << gates)
    return text;
  for (int64_t gate = 0; gate < gates; ++gate)
    if (mask >> gate & 1)
      text += (text.empty() ? "" : ", ") +
              std::string(gateName(static_cast<unsigned>(gate)));
  return text;
}

static void reportGrids(const LayerWeights &layer, const Matrix &matrix) {
  const int64_t gates = matrix.view.gates;
  uint64_t unchanged = 0;
  int bits = 0;
  std::string steps;
  for (int64_t gate = 0; gate < gates; ++gate) {
    const numerics::WeightGrid &grid = matrix.grids[gate];
    if (matrix.isUnchanged(gate)) {
      unchanged |= uint64_t(1) << gate;
      bits = std::max(bits, grid.bits(matrix.format.encoding));
      steps += (steps.empty() ? "2^" : ", 2^") + std::to_string(-grid.exponent);
      continue;
    }
    // What lies on a grid of at most 8 bits was meant to be on it.
    if (!grid.isCoarse())
      continue;
    const int needed = grid.bits(matrix.format.encoding);
    InFlightDiagnostic remark = emitNodeRemark(layer.op);
    remark << matrix.name << gateText(layer.op, gate)
           << ": weights lie on a grid of 2^" << -grid.exponent
           << " but are changed: ";
    if (needed > matrix.format.bits)
      remark << "they need " << needed << " bits and weight-bits is "
             << matrix.format.bits;
    else if (matrix.exponents[gate] < grid.exponent)
      remark << "the sum allows the exponent " << matrix.exponents[gate];
    else
      remark << "zeros become +1 in signmag";
  }
  if (unchanged == 0)
    return;
  std::string which = listGates(gates, unchanged);
  emitNodeRemark(layer.op) << matrix.name << (which.empty() ? "" : ", gates ")
                           << which << ": weights lie on a grid (" << steps
                           << ") that takes " << bits
                           << " bits; stored without change";
}

void rnn::reportWeights(const LayerWeights &layer) {
  for (const Matrix &matrix : layer.matrices) {
    if (!matrix.encodingRemark.empty())
      emitNodeRemark(layer.op) << matrix.name << ": " << matrix.encodingRemark;
    reportGrids(layer, matrix);
    if (matrix.format.encoding == WeightEncoding::Twos)
      continue;
    int64_t zeros = 0;
    for (int64_t count : matrix.result.zeros)
      zeros += count;
    if (zeros > 0)
      emitNodeRemark(layer.op) << matrix.name << ": " << zeros
                               << " weights in kept positions are zero and "
                                  "become +1 in signmag";
  }
}
