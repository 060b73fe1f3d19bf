// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the zeros of weights relate to one pattern of given sizes: which blocks
// are kept, and what breaks it.
//
#ifndef HCGS_LIB_COMPRESSION_DETECTFIT_H
#define HCGS_LIB_COMPRESSION_DETECTFIT_H

#include "DetectGrid.h"

#include "hcgs/Compression/Detect.h"

#include <vector>

namespace hcgs::compression {

/// What is not zero, by gate and in any gate.
struct Occupancy {
  std::vector<BitGrid> gates;
  BitGrid any;
  int64_t nonzero = 0;

  explicit Occupancy(const MatrixView &weights);
  int64_t rows() const { return any.rows(); }
  int64_t cols() const { return any.cols(); }
};

struct Fit {
  Pattern pattern; // with fractions
  bool separate = false;
  /// [mask][tier]: a byte per block of each kept parent, in canonical order.
  std::vector<std::vector<std::vector<uint8_t>>> kept;
  std::vector<StrayBlock> strays;
  int64_t strayWeights = 0;
  int64_t strayPositions = 0;  // of all masks
  int64_t keptPositions = 0;   // of all masks
  int64_t emptyKeptBlocks = 0; // of the last tier
  double bits = 0.0;           // length of the description

  /// Positions of all masks.
  int64_t positions(const Occupancy &occupancy) const {
    return static_cast<int64_t>(kept.size()) * occupancy.rows() *
           occupancy.cols();
  }
  /// The maps that keep what is kept.
  BlockMaps maps(const Occupancy &occupancy) const;
};

/// Fits `tiers`, whose fractions are given or (keepNum = 0) to be found. The
/// tiers must be valid. An error if a given fraction of balance both is illegal
/// for the shape.
Result<Fit> fitTiers(const Occupancy &occupancy, std::vector<Tier> tiers,
                     bool separate);

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_DETECTFIT_H
