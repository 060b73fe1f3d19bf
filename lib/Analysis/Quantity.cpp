// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Analysis/Quantity.h"

#include <algorithm>
#include <cmath>

using namespace hcgs;
using namespace hcgs::analysis;

std::optional<double> analysis::decibels(double signal, double error) {
  if (!(signal > 0.0) || !(error > 0.0))
    return std::nullopt;
  return 10.0 * std::log10(signal / error);
}

void Quantity::makeStep(int64_t step) {
  if (static_cast<int64_t>(steps.size()) > step)
    return;
  steps.resize(step + 1);
  for (Stage &stage : stages)
    stage.steps.resize(step + 1);
}

void Quantity::add(int64_t step, const std::vector<const double *> &data,
                   int64_t count, const double *mask, int64_t lanes) {
  makeStep(step);
  Step &all = steps[step];
  double energy = 0.0;
  int64_t added = 0;
  for (int64_t i = 0; i < count; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      if (mask[lane] != 0.0) {
        energy += data[0][i + lane] * data[0][i + lane];
        peak = std::max(peak, std::fabs(data[0][i + lane]));
        ++added;
      }
  all.elements += added;
  all.signal += energy;
  elements += added;
  signal += energy;
  for (size_t s = 1; s < stages.size(); ++s) {
    double error = 0.0, own = 0.0, absolute = 0.0, maximum = 0.0;
    for (int64_t i = 0; i < count; i += lanes)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        if (mask[lane] == 0.0)
          continue;
        const double value = data[s][i + lane];
        const double difference = std::fabs(value - data[0][i + lane]);
        const double step = value - data[s - 1][i + lane];
        error += difference * difference;
        own += step * step;
        absolute += difference;
        maximum = std::max(maximum, difference);
      }
    Stage &stage = stages[s];
    StageStep &here = stage.steps[step];
    here.error += error;
    here.absolute += absolute;
    here.maximum = std::max(here.maximum, maximum);
    stage.error += error;
    stage.own += own;
    stage.absolute += absolute;
    stage.maximum = std::max(stage.maximum, maximum);
  }
}

std::optional<int64_t> Quantity::firstOver(size_t stage,
                                           double threshold) const {
  for (size_t t = 0; t < steps.size(); ++t)
    if (stages[stage].steps[t].error > threshold * threshold * steps[t].signal)
      return static_cast<int64_t>(t);
  return std::nullopt;
}

namespace {
/// A least-squares line through points (t, y).
struct Line {
  double count = 0, t = 0, y = 0, tt = 0, ty = 0, yy = 0;
  void add(double time, double value) {
    ++count;
    t += time;
    y += value;
    tt += time * time;
    ty += time * value;
    yy += value * value;
  }
  double slope() const { return (count * ty - t * y) / (count * tt - t * t); }
  double r2() const {
    const double spread = count * yy - y * y;
    if (!(spread > 0.0))
      return 0.0;
    const double both = count * ty - t * y;
    return both * both / ((count * tt - t * t) * spread);
  }
};
} // namespace

std::optional<Growth> Quantity::growth(size_t stage) const {
  Line absolute, relative;
  std::optional<size_t> first;
  size_t last = 0;
  for (size_t t = 0; t < steps.size(); ++t) {
    const double error = stages[stage].steps[t].error;
    if (!(error > 0.0) || !(steps[t].signal > 0.0))
      continue;
    const double time = static_cast<double>(t);
    absolute.add(time, 10.0 * std::log10(error / static_cast<double>(
                                                     steps[t].elements)));
    relative.add(time, 10.0 * std::log10(error / steps[t].signal));
    first = first.value_or(t);
    last = t;
  }
  if (absolute.count < 4)
    return std::nullopt;
  Growth growth;
  growth.slope = absolute.slope();
  growth.relativeSlope = relative.slope();
  growth.r2 = relative.r2();
  const double rise = growth.relativeSlope * static_cast<double>(last - *first);
  const bool clear = growth.r2 >= 0.5 && std::fabs(rise) >= 3.0;
  growth.verdict = !clear     ? Growth::Verdict::Steady
                   : rise > 0 ? Growth::Verdict::Grows
                              : Growth::Verdict::Shrinks;
  return growth;
}
