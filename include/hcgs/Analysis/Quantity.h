// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The error of one vector-valued quantity (a gate, c, h, an output) in several
// stages, against its value in stage 0. Definitions of all figures are in
// docs/Guides/Analysis.md.
//
#ifndef HCGS_ANALYSIS_QUANTITY_H
#define HCGS_ANALYSIS_QUANTITY_H

#include "hcgs/Numerics/FixedPoint.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// 10 log10(signal / error); nothing if either is zero.
std::optional<double> decibels(double signal, double error);

/// How an error develops over time steps.
struct Growth {
  double slope = 0.0;         // of the error energy, dB a step
  double relativeSlope = 0.0; // of error over signal, dB a step
  double r2 = 0.0;            // of the second fit
  enum class Verdict : uint8_t { Steady, Grows, Shrinks } verdict;
};

class Quantity {
public:
  Quantity() = default;
  /// Stage 0 is the reference.
  Quantity(std::string name, size_t numStages)
      : name(std::move(name)), stages(numStages) {}

  /// Adds `count` elements of one step: stage s has data[s][i]; elements i with
  /// mask[i % lanes] = 0 do not count.
  void add(int64_t step, const std::vector<const double *> &data, int64_t count,
           const double *mask, int64_t lanes);

  std::string name;
  char gate = 0;
  /// 0 bits: none.
  numerics::FxFormat format{0, 0};

  struct Step {
    int64_t elements = 0;
    double signal = 0.0; // sum of squares
  };
  struct StageStep {
    double error = 0.0;    // sum of squares
    double absolute = 0.0; // sum of absolute errors
    double maximum = 0.0;
  };
  struct Stage {
    double error = 0.0, own = 0.0, absolute = 0.0, maximum = 0.0;
    std::vector<StageStep> steps;
  };
  int64_t elements = 0;
  double signal = 0.0;
  /// The largest magnitude in stage 0.
  double peak = 0.0;
  std::vector<Step> steps;
  std::vector<Stage> stages; // [0] stays zero

  std::optional<double> sqnr(size_t stage) const {
    return decibels(signal, stages[stage].error);
  }
  std::optional<double> sqnr(size_t stage, int64_t step) const {
    return decibels(steps[step].signal, stages[stage].steps[step].error);
  }
  std::optional<int64_t> firstOver(size_t stage, double threshold) const;
  std::optional<Growth> growth(size_t stage) const;

private:
  void makeStep(int64_t step);
};

} // namespace hcgs::analysis

#endif // HCGS_ANALYSIS_QUANTITY_H
