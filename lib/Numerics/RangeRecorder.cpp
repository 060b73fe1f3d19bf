// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/RangeRecorder.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace hcgs::numerics;

static constexpr size_t numBins = size_t(1) << RangeRecorder::binsLog2;

/// The least t with magnitude < 2^t; magnitude > 0.
static int topOf(double magnitude) {
  int exponent;
  std::frexp(magnitude, &exponent);
  return exponent;
}

double RangeRecorder::binWidth() const {
  return std::ldexp(1.0, top - binsLog2);
}

void RangeRecorder::grow(int newTop) {
  if (top == unset) {
    top = newTop;
    bins.assign(numBins, 0);
    return;
  }
  const int shift = newTop - top;
  top = newTop;
  // Bin i becomes bin i >> shift; rising, so that no bin is read again.
  for (size_t i = 0; i < numBins; ++i) {
    const int64_t held = bins[i];
    bins[i] = 0;
    bins[shift >= binsLog2 ? 0 : i >> shift] += held;
  }
}

void RangeRecorder::add(std::span<const float> values) {
  if (values.empty())
    return;
  // The largest magnitude first, so that the bins grow at most once.
  float least = 0.0f, most = 0.0f;
  bool first = true;
  for (const float value : values) {
    if (!std::isfinite(value)) {
      nonFinite = true;
      continue;
    }
    least = first ? value : std::min(least, value);
    most = first ? value : std::max(most, value);
    first = false;
  }
  if (first)
    return; // nothing finite
  if (total == 0) {
    low = least;
    high = most;
  } else {
    low = std::min<double>(low, least);
    high = std::max<double>(high, most);
  }
  const double largest = std::max(std::fabs(low), std::fabs(high));
  if (largest > 0.0 && (top == unset || topOf(largest) > top))
    grow(topOf(largest));
  const double scale = top == unset ? 0.0 : std::ldexp(1.0, binsLog2 - top);
  for (const float value : values) {
    if (!std::isfinite(value))
      continue;
    ++total;
    if (value == 0.0f)
      ++zeros;
    else
      ++bins[static_cast<size_t>(std::fabs(static_cast<double>(value)) *
                                 scale)];
  }
}

void RangeRecorder::merge(const RangeRecorder &other) {
  nonFinite |= other.nonFinite;
  if (other.total == 0)
    return;
  low = total == 0 ? other.low : std::min(low, other.low);
  high = total == 0 ? other.high : std::max(high, other.high);
  total += other.total;
  zeros += other.zeros;
  if (other.top == unset)
    return;
  if (top == unset || other.top > top)
    grow(other.top);
  const int shift = top - other.top;
  for (size_t i = 0; i < numBins; ++i)
    bins[shift >= binsLog2 ? 0 : i >> shift] += other.bins[i];
}

double RangeRecorder::magnitudePercentile(double percent) const {
  const double largest = std::max(std::fabs(low), std::fabs(high));
  const double wanted = std::ceil(static_cast<double>(total) * percent / 100.0);
  double seen = static_cast<double>(zeros);
  if (top == unset || (seen >= wanted && seen > 0.0))
    return 0.0;
  for (size_t bin = 0; bin < numBins; ++bin) {
    seen += static_cast<double>(bins[bin]);
    if (seen >= wanted && bins[bin] > 0)
      return std::min(static_cast<double>(bin + 1) * binWidth(), largest);
  }
  return largest;
}

int RangeRecorder::leastSquaresLimit(int bits) const {
  if (top == unset)
    return 0;
  const double width = binWidth();
  int best = top;
  double bestError = std::numeric_limits<double>::infinity();
  // Below 2^top / 2^bits everything of note is clipped.
  for (int limit = top; limit > top - binsLog2; --limit) {
    const double step = std::ldexp(1.0, limit - (bits - 1));
    const double most = std::ldexp(1.0, limit) - step;
    double error = 0.0;
    for (size_t bin = 0; bin < numBins; ++bin) {
      if (bins[bin] == 0)
        continue;
      const double centre = (static_cast<double>(bin) + 0.5) * width;
      double square;
      if (centre > most + 0.5 * step || step > width) {
        const double code =
            std::min(most, std::floor(centre / step + 0.5) * step);
        square = (centre - code) * (centre - code) + width * width / 12.0;
      } else {
        square = step * step / 12.0;
      }
      error += static_cast<double>(bins[bin]) * square;
    }
    if (error < bestError) {
      bestError = error;
      best = limit;
    }
  }
  return best;
}

int RangeRecorder::divergenceLimit(int bits) const {
  if (top == unset)
    return 0;
  // As many bins for a level as the literature has: 2048 for 128.
  const size_t levels = size_t(1) << (bits - 1);
  const size_t merged = std::max<size_t>(1, numBins / (16 * levels));
  std::vector<double> counts(numBins / merged);
  for (size_t bin = 0; bin < numBins; ++bin)
    counts[bin / merged] += static_cast<double>(bins[bin]);

  int best = top;
  double bestDivergence = std::numeric_limits<double>::infinity();
  const double all = static_cast<double>(total - zeros);
  double above = 0.0; // values beyond the candidate
  size_t end = counts.size();
  std::vector<double> q(end);
  for (int limit = top; end >= levels && end > 1; --limit, end /= 2) {
    const auto p = [&](size_t bin) {
      return counts[bin] + (bin + 1 == end ? above : 0.0);
    };
    const size_t perLevel = end / levels;
    double inside = 0.0;
    for (size_t level = 0; level < levels; ++level) {
      double count = 0.0, used = 0.0;
      for (size_t bin = level * perLevel; bin < (level + 1) * perLevel; ++bin) {
        count += counts[bin];
        used += p(bin) > 0.0 ? 1.0 : 0.0;
      }
      if (used == 0.0)
        continue;
      count = std::max(count, 0.5);
      inside += count;
      for (size_t bin = level * perLevel; bin < (level + 1) * perLevel; ++bin)
        q[bin] = count / used;
    }
    double divergence = 0.0;
    for (size_t bin = 0; bin < end; ++bin)
      if (const double count = p(bin); count > 0.0)
        divergence += count / all * std::log((count / all) / (q[bin] / inside));
    if (divergence < bestDivergence) {
      bestDivergence = divergence;
      best = limit;
    }
    for (size_t bin = end / 2; bin < end; ++bin)
      above += counts[bin];
  }
  return best;
}

double RangeRecorder::shareAbove(double limit) const {
  if (top == unset || limit >= std::max(std::fabs(low), std::fabs(high)))
    return 0.0;
  const double first = std::ceil(limit / binWidth());
  int64_t above = 0;
  for (size_t bin = first < 0.0 ? 0
                    : first >= static_cast<double>(numBins)
                        ? numBins
                        : static_cast<size_t>(first);
       bin < numBins; ++bin)
    above += bins[bin];
  return static_cast<double>(above) / static_cast<double>(total);
}
