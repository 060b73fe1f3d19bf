// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which range should a fixed-point value cover? A recorder watches a value on
// calibration data, however much of it there is, in memory of constant size,
// and then answers for each method of docs/Rationale/Quantization.md.
//
// The histogram. 2^16 bins of the same width over the magnitudes [0, 2^top).
// A magnitude that does not fit doubles `top`, and neighbouring bins are added
// up. Because bins nest, what the histogram holds in the end depends only on
// the set of values and not on their order, on batches, or on which of them
// came first; two recorders of parts of the data can be added up exactly.
//
//   2^top = 4:   |0   1   2   3|   bins of 1, to keep the drawing small
//   5 arrives:   top = 3, |0 1|2 3|4 5|6 7| bins of 2
//
// Formats have power-of-two ranges, so candidates for a range are +-2^t, and
// each is a whole number of bins.
//
#ifndef HCGS_NUMERICS_RANGERECORDER_H
#define HCGS_NUMERICS_RANGERECORDER_H

#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::numerics {

class RangeRecorder {
public:
  /// log2 of the number of bins.
  static constexpr int binsLog2 = 16;

  void add(std::span<const float> values);
  /// As if everything `other` saw had been added here.
  void merge(const RangeRecorder &other);

  bool empty() const { return total == 0; }
  /// Finite values seen.
  int64_t count() const { return total; }
  /// Whether a NaN or an infinity was among the values.
  bool sawNonFinite() const { return nonFinite; }
  double min() const { return low; }
  double max() const { return high; }

  /// A magnitude that at least `percent` (0 < percent <= 100) of all values do
  /// not exceed; at most 2^(top - 16) larger than the least such, and never
  /// larger than the largest value seen.
  double magnitudePercentile(double percent) const;

  /// The t for which values limited to [-2^t, 2^t) and rounded to `bits` bits
  /// (2..16) have the least squared error; of equal ones the largest. Values
  /// are taken to be spread evenly over each bin, so that the error of one is
  /// (centre - code's value)^2 + width^2 / 12, or step^2 / 12 where the step is
  /// no wider than a bin.
  int leastSquaresLimit(int bits) const;

  /// The t with the least Kullback-Leibler divergence of the magnitudes from
  /// what L = 2^(bits-1) levels over [0, 2^t) leave of them (Migacz, "8-bit
  /// inference with TensorRT", GTC 2017, with power-of-two thresholds); of
  /// equal ones the largest. The histogram is taken in 16 L bins, or 2^16 if
  /// that is less. P are the bins below 2^t with all larger values counted in
  /// the last of them. Q are the same bins, each level's values (without the
  /// larger ones) spread evenly over those of its bins that P has values in; a
  /// level that has none but is clipped to counts as half a value. P and Q are
  /// normalised. Zeros, which any level holds, do not count; t goes down while
  /// there is a bin for every level.
  int divergenceLimit(int bits) const;

  /// The share of values whose magnitude is at least `limit`, rounded up to a
  /// whole number of bins; none if no magnitude is larger.
  double shareAbove(double limit) const;

private:
  void grow(int newTop);
  double binWidth() const;

  double low = 0.0, high = 0.0;
  int64_t total = 0;
  bool nonFinite = false;
  /// The magnitudes lie in [0, 2^top); without any but zeros, unset.
  int top = unset;
  static constexpr int unset = -10000;
  int64_t zeros = 0; // counted apart: they fit any width
  std::vector<int64_t> bins;
};

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_RANGERECORDER_H
