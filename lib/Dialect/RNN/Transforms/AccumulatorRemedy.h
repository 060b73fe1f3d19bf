// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of a layer in rnn-quantize, and what would mend one that could leave
// 32 bits. A remedy is found by trying: the operand of a matrix, or its
// weights, in fewer and fewer bits at the same range, with everything decided
// anew that depends on it (A-W-4, A-W-7), until the bound holds.
//
// What a remedy costs is said in decibels of signal to quantisation noise
// (SQNR), 10 log10(sum v^2 / sum (v - q(v))^2):
//   - an operand in d bits less at the same range has steps 2^d times as wide
//     and rounding noise, step^2 / 12, 4^d times as large: 20 log10(2^d) dB;
//   - of weights, the SQNR over all gates is computed with both widths.
//
#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_ACCUMULATORREMEDY_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_ACCUMULATORREMEDY_H

#include "LayerWeights.h"

namespace hcgs::rnn {

/// ", gate f" for an LSTM, "" for a linear layer.
std::string gateText(mlir::Operation *op, int64_t gate);

/// The fraction that a gate's sum can have, the proof aside (A-W-7).
struct SumLimit {
  int frac;
  std::string why; // what keeps it from being larger
};
SumLimit limitOfSum(const LayerWeights &layer, int64_t gate);

/// The sum of one gate, as A-ACC-3 sees it.
struct GateSum {
  std::vector<int64_t> start;
  std::vector<numerics::ProductTerm> terms;
  numerics::AccumulatorBound bound;
};
/// Of the codes that were made last; `terms` view into the layer.
GateSum describeSum(const LayerWeights &layer, int64_t gate);

/// Reports that a sum can overflow: where, what it is made of, and which
/// smaller widths would mend it at what cost.
mlir::LogicalResult emitOverflow(const LayerWeights &layer, int64_t gate,
                                 const GateSum &sum);

/// The SQNR that `bits` bits less cost at the same range, in dB.
double sqnrOfBits(int bits);
/// "6.0 dB".
std::string dbText(double db);

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_ACCUMULATORREMEDY_H
