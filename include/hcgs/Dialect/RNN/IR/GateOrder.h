// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of an LSTM's gates, written down once. It is ONNX's: wherever four
// gates are stacked (rows of W and R, biases, exponents, formats, the weight
// image) gate g has index g of this enumeration. Free of MLIR, so that every
// part of the project can include it.

#ifndef HCGS_DIALECT_RNN_IR_GATEORDER_H
#define HCGS_DIALECT_RNN_IR_GATEORDER_H

namespace hcgs::rnn {

/// Gates in stacking order. ONNX calls the last one "c"; it is the candidate
/// that the input gate scales, and is called g here to keep it apart from the
/// cell state c.
enum Gate : unsigned { GateI = 0, GateO = 1, GateF = 2, GateG = 3 };

/// Number of gates of an LSTM.
inline constexpr unsigned kNumGates = 4;

/// Gates that have a peephole weight, in ONNX's order i, o, f.
inline constexpr unsigned kNumPeepholes = 3;

/// One-letter name of gate `gate` (0..3), for messages and dumps.
inline constexpr const char *gateName(unsigned gate) {
  constexpr const char *names[kNumGates] = {"i", "o", "f", "g"};
  return gate < kNumGates ? names[gate] : "?";
}

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_IR_GATEORDER_H
