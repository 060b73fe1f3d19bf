// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float execution of the layers, for calibration: what ranges do the values
// take on real data? Single precision, one sequence at a time, written so that
// a network of 25 million weights runs at memory speed; it is no oracle (that
// is ONNX Runtime) but is tested against a naive double-precision model.
//
// All matrices are row-major; sequences are [steps][features].
//
#ifndef HCGS_NUMERICS_FLOATREFERENCE_H
#define HCGS_NUMERICS_FLOATREFERENCE_H

#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/RangeRecorder.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::numerics {

/// y[t] = W x[t] + bias for every step; W is [outputs][inputs], `bias` empty
/// or [outputs].
void runLinear(std::span<const float> weights, std::span<const float> bias,
               int64_t outputs, int64_t inputs, std::span<const float> x,
               int64_t steps, std::span<float> y);

/// One direction of an LSTM without peepholes, clipping and coupled gates;
/// gates in the order i, o, f, g (ONNX: i, o, f, c).
struct LstmParameters {
  int64_t hidden = 0;
  int64_t inputs = 0;
  std::span<const float> w;    // [4 * hidden][inputs]
  std::span<const float> r;    // [4 * hidden][hidden]
  std::span<const float> bias; // empty, or [4 * hidden]: W's and R's added
  Activation gate = Activation::of(ActivationKind::Sigmoid);
  Activation cell = Activation::of(ActivationKind::Tanh);
  Activation output = Activation::of(ActivationKind::Tanh);
  bool reverse = false;
};

/// Where runLstm records the ranges it sees; null pointers are skipped.
struct LstmObserver {
  std::array<RangeRecorder *, 4> gateInputs{}; // before the activations
  RangeRecorder *c = nullptr;
  RangeRecorder *h = nullptr;
};

/// Runs `steps` steps over x ([steps][inputs]). `h` and `c` ([hidden]) hold the
/// initial states on entry and the final ones on return. `y` is empty or
/// [steps][hidden], step t of the input at row t in either direction.
void runLstm(const LstmParameters &parameters, std::span<const float> x,
             int64_t steps, std::span<float> h, std::span<float> c,
             std::span<float> y, const LstmObserver &observer = {});

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_FLOATREFERENCE_H
