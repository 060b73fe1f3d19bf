// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imposing a pattern: choosing the blocks to keep. The final choice goes from
// coarse to fine; a tier is chosen only inside the kept blocks of the one
// before. Gates share a mask (their weights count together) or each chooses its
// own.
//
// Guided: of the blocks of a parent those with the largest mean |w| over their
// true extents (so that ragged blocks compete fairly), tier by tier. This is
// the published guided variant of HCGS.
//
// Magnitude: the blocks that keep the largest sum of |w| when all tiers are
// chosen. The value of a block is the sum of |w| that the best choice inside it
// keeps; values are formed from fine to coarse, and each parent keeps the
// blocks of largest value. Since the sum adds up over blocks, and what is
// chosen in one parent does not restrict another, no mask of the pattern keeps
// more. It differs from guided where a block holds a few large weights among
// small ones: guided sees their mean, magnitude what the finer tiers will keep
// of them. With one tier and no ragged blocks the two are the same.
//
// Which blocks of a parent have the largest sum:
//   row, column   the largest of each line;
//   none          the largest of the parent;
//   both          rows and columns restrict each other. The choice with the
//                 given number of blocks in every block-row and block-column
//                 and the largest sum is a transportation problem; it is solved
//                 exactly by successive shortest augmenting paths (Assign.h in
//                 lib/Compression has the argument).
// Of equal blocks of a line or parent those with the lower index (by rows) are
// kept; of equal choices with balance both, one that depends on the scores
// alone. Sums are formed in double precision in a fixed order; for balance both
// the scores of a parent are rounded to 2^-40 of the largest.
//
// Random: each line keeps a uniformly random subset (balance none: each
// parent). The generator is std::mt19937_64 seeded with `seed`; lines ask in
// the order of the index image, gate by gate if masks are separate; of n
// blocks, the kept ones are the first k of a Fisher-Yates shuffle (position i
// is swapped with i + below(n - i)), below(m) being the next number of the
// generator modulo m, numbers from floor(2^64 / m) * m up being drawn again.
// With balance both, every block, by rows, gets the next number of the
// generator, divided by 2^24, as its score, and the choice of the largest sum
// is taken; each choice can come out, though not all equally often. So a seed
// means the same blocks on every platform.
//
// A model has one seed and many matrices. Each draws from a seed of its own,
// mixed from the model's and the name of the matrix (seedOf): matrices differ
// also between neighbouring seeds, and the blocks of one do not depend on what
// else is in the model.
//
#ifndef HCGS_COMPRESSION_SELECT_H
#define HCGS_COMPRESSION_SELECT_H

#include "hcgs/Compression/BlockMap.h"

#include <cstdint>
#include <string_view>

namespace hcgs::compression {

enum class Selection : uint8_t { Random, Magnitude, Guided };

struct SelectOptions {
  Selection how = Selection::Guided;
  uint64_t seed = 0; // of Random
  /// A mask for each gate instead of one for all.
  bool separate = false;
};

/// The seed that matrix `name` ("lstm.W": the node, a dot, the matrix) draws
/// from when the model's is `seed`. It is the 64-bit FNV-1a hash of the 8 bytes
/// of `seed`, the lowest first, then of the bytes of `name`, then, if the name
/// is not unique, of the 8 bytes of `namesake`, the lowest first: 0 for the
/// first matrix of that name, which counts as unique, 1 for the second (the
/// other direction of a bidirectional node), and so on.
uint64_t seedOf(uint64_t seed, std::string_view name, uint64_t namesake = 0);

/// Chooses the masks of a matrix; one map, or one for each gate. Only the shape
/// of `weights` is looked at if the choice is random; otherwise they must be
/// finite. Fails if the pattern is invalid or illegal for the shape.
Result<BlockMaps> selectBlocks(const Pattern &pattern,
                               const MatrixView &weights,
                               const SelectOptions &options);

/// One mask for all gates.
Result<BlockMap> selectGuided(const Pattern &pattern,
                              const MatrixView &weights);
Result<BlockMap> selectByMagnitude(const Pattern &pattern,
                                   const MatrixView &weights);
Result<BlockMap> selectRandom(const Pattern &pattern, int64_t rows,
                              int64_t cols, uint64_t seed);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_SELECT_H
