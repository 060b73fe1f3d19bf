// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading the block pattern out of the zeros of trained weights.
//
// A position counts as occupied if any gate has a nonzero weight there. First
// one bit per position is collected; everything after that asks how many
// occupied positions a rectangle has, a few machine words each, so that time is
// linear in the number of weights.
//
// Given block sizes (and a balance, rows or columns of blocks), each tier's
// lines are counted: how many of their n blocks are occupied. A keep fraction
// fits if kept(n) (WI-P-3) equals the count; the fraction with the fewest lines
// that do not fit is taken, dyadic fractions (1/2, 1/4, 3/4, 1/8, ... 15/16)
// before others, small denominators before large ones. Lines that do not fit
// are of two kinds:
//   - too few occupied blocks: harmless. A kept block may hold nothing but
//     zeros; empty blocks with the lowest index fill the line up;
//   - too many: the weights *break* the pattern. The blocks with the fewest
//     nonzero weights are named as the strays.
//
// Given sizes, any breaking line means that the weights are broken. Without
// given sizes the common ones are tried (commonTierSizes). A candidate fits if
// nothing breaks it and at most 5 % of each tier's lines are filled up; it
// nearly fits if what breaks it is at most 2 % of the occupied positions. Of
// those that fit and keep at most 3/4 of the matrix, the one that keeps the
// fewest weights wins, then the one with the smallest index, then the earlier
// one. If one that keeps at most 60 % as many weights nearly fits, the weights
// are broken: to take the looser pattern in silence would hide damage to the
// tighter one. If nothing fits, not even nearly, the matrix is dense.
//
#ifndef HCGS_COMPRESSION_DETECT_H
#define HCGS_COMPRESSION_DETECT_H

#include "hcgs/Compression/BlockMap.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hcgs::compression {

struct DetectOptions {
  /// Block sizes, with or without fractions (keepNum = 0: to be found); empty:
  /// the common ones.
  std::vector<Tier> tiers;
  /// Balance; nothing: try row, then column.
  std::optional<Balance> balance;
  /// Take each given tier's own balance instead.
  bool keepBalance = false;
  /// A matrix with a smaller share of empty positions is dense, whatever sizes
  /// are given.
  double minZeroShare = 0.05;
};

/// A block with nonzero weights that the pattern would drop.
struct StrayBlock {
  int tier = 0; // 0 for tier 1
  Block block;
  int64_t weights = 0; // nonzero, over all gates
};

/// What detection found.
struct Detection {
  enum class Kind { Dense, Sparse, Broken } kind = Kind::Dense;
  /// Sparse: the map, with its pattern.
  std::shared_ptr<const BlockMap> map;
  /// Broken: the pattern that the weights nearly obey, and what breaks it
  /// (coarse tiers first, each tier in canonical order).
  Pattern pattern;
  std::vector<StrayBlock> strays;
  /// Positions at which every gate is zero, and all positions.
  int64_t emptyPositions = 0;
  int64_t positions = 0;
  /// Sparse, sizes and balance not given: the other balance fits as well.
  bool otherBalanceFits = false;
  /// Sparse: kept blocks of the last tier that hold nothing but zeros.
  int64_t emptyKeptBlocks = 0;

  /// Broken: "the weights break 32x32:1/4,4x4:1/4 row: block ... (rows 32..63,
  /// columns 0..31) holds 3 nonzero weights, ...".
  std::string message() const;
};

/// Detects. An error only if the given sizes are invalid.
Result<Detection> detect(const MatrixView &weights,
                         const DetectOptions &options = {});

/// The sizes tried without given ones, in order.
std::span<const std::vector<Tier>> commonTierSizes();

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_DETECT_H
