// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading the structure of trained weights: block patterns out of their zeros,
// and circulant blocks out of their values. docs/Rationale/Detection.md derives
// what is sketched here and works an example.
//
// Only where weights are zero counts for block patterns. With masks shared by
// the gates, a position counts as occupied if any gate has a nonzero weight
// there; with separate masks, each gate has its own positions. First one bit
// per weight is collected; everything after that works on machine words.
//
// **Without given sizes** the pattern that describes the zeros in the fewest
// bits is taken (minimum description length). A description names the tiers,
// then for each line of blocks which are occupied, then the zeros inside the
// occupied smallest blocks, and last each nonzero weight outside of them. What
// deviates is named too: lines with fewer occupied blocks than the balance says
// (kept blocks may hold nothing but zeros) or more (the weights *break* the
// pattern). So a pattern has to earn the bits of its own name, a zero by chance
// costs the same under any pattern, and a hundred strays cannot hide a pattern
// that saves ten thousand bits. Candidates for the smallest block come from how
// occupied segments merge as rows or columns are joined; coarser tiers are the
// shortest path from the whole matrix to the smallest block. The result:
//   - dense if nothing saves at least `minGain` bits, or if what does would not
//     take less memory than the dense matrix. Zeros at random places
//     (unstructured pruning) are dense;
//   - broken if the shortest description has breaking lines or stray weights,
//     these are few, and the shortest one without is at least `minGain` bits
//     longer. Otherwise the shortest description without is taken;
//   - circulant if all wrapped diagonals of blocks are equal (Circulant.h), and
//     naming their values takes fewer bits than any pattern.
//
// **With given sizes**, each tier's lines are counted: how many of their n
// blocks are occupied. A keep fraction fits if kept(n) (WI-P-3) equals the
// count; the fraction with the fewest lines that do not fit is taken, dyadic
// fractions (1/2, 1/4, 3/4, 1/8, ... 15/16) before others, small denominators
// before large ones. Empty blocks with the lowest index fill up lines with too
// few; any line with too many means that the weights are broken, the blocks
// with the fewest nonzero weights being the strays. With balance none nothing
// breaks a pattern.
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
  /// to be found as well.
  std::vector<Tier> tiers;
  /// Balance of all tiers. Nothing: found for each tier if the sizes are; row,
  /// then column, if the sizes are given.
  std::optional<Balance> balance;
  /// Take each given tier's own balance instead.
  bool keepBalance = false;
  /// One mask for each gate (true) or one for all (false). Nothing: as the
  /// description is shorter; given sizes are tried with shared masks first.
  std::optional<bool> separate;
  /// Look for circulant blocks too, unless sizes are given.
  bool circulant = true;
  /// A matrix with a smaller share of zero weights is not searched for block
  /// patterns, whatever sizes are given. (Shared masks: of positions where all
  /// gates are zero.)
  double minZeroShare = 0.05;
  /// Bits by which a pattern must be shorter than what it is preferred to
  /// unless that is equal in kind: dense to sparse, sparse to broken.
  double minGain = 24.0;
  /// Bits of a stored weight: a pattern must save more of them than its index
  /// takes.
  int weightBits = 6;
};

/// A block with nonzero weights that the pattern would drop.
struct StrayBlock {
  int tier = 0; // 0 for tier 1
  Block block;
  int64_t weights = 0; // nonzero, over all gates (separate masks: of `gate`)
  int64_t gate = -1;   // separate masks: whose; else -1
};

/// What detection found.
struct Detection {
  enum class Kind { Dense, Sparse, Broken, Circulant } kind = Kind::Dense;

  /// Sparse, broken: one map if the gates share it, else one for each gate. Of
  /// broken weights these are the blocks that stay if the strays are dropped,
  /// so that zeroDropped(weights, masks) is the projection onto the pattern.
  BlockMaps masks;
  /// masks[0] if there is just one, for those that know no separate masks.
  std::shared_ptr<const BlockMap> map;
  bool separate = false;
  /// Sparse: that of the masks. Broken: what the weights nearly obey.
  Pattern pattern;
  /// Circulant: side of the blocks.
  int64_t circulantBlock = 0;

  /// Broken: what breaks the pattern, gate by gate if masks are separate,
  /// coarse tiers first, each tier in canonical order.
  std::vector<StrayBlock> strays;
  /// Broken: sum of squares of the stray weights, and of all weights.
  EnergyLoss strayEnergy;

  /// Positions at which every gate is zero, and all positions.
  int64_t emptyPositions = 0;
  int64_t positions = 0;
  /// Weights that are zero, over all gates.
  int64_t zeroWeights = 0;
  /// Sparse: kept blocks of the last tier that hold nothing but zeros.
  int64_t emptyKeptBlocks = 0;

  /// Length of the description of the zeros (circulant: of the values too), in
  /// bits, by what was found and by the dense matrix.
  double bits = 0.0;
  double denseBits = 0.0;
  /// The next best description that differs in sizes, balance or sharing
  /// ("dense" if there is none), and its length.
  struct RunnerUp {
    std::string text = "dense";
    double bits = 0.0;
  } runnerUp;
  /// By how many bits what was found is shorter than the runner-up: the odds
  /// are two to this power. Negative where the shorter one was not taken, since
  /// sizes were given or it would not pay.
  double confidenceBits() const { return runnerUp.bits - bits; }
  /// The same as a share of the runner-up's bits, 0 to 1 (0 of nothing).
  double confidence() const;

  /// "dense", "32x32:1/4,4x4:1/4 row", "32x32:1/4 column, separate masks",
  /// "circulant 16".
  std::string text() const;
  /// One sentence for the user: "pattern 32x32:1/4,4x4:1/4 row"; broken: "the
  /// weights break the pattern 32x32:1/4,4x4:1/4 row: 2 blocks too many, with 4
  /// nonzero weights; tier 1 block at rows 32..63, columns 0..31 (3), ...".
  std::string message() const;
};

/// Detects. An error only if the given sizes are invalid.
Result<Detection> detect(const MatrixView &weights,
                         const DetectOptions &options = {});

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_DETECT_H
