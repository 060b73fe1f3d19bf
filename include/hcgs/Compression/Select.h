// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imposing a pattern: choosing the blocks to keep. Tiers are chosen from coarse
// to fine; a tier is chosen only inside the kept blocks of the one before.
//
// Magnitude: of each line the blocks with the largest mean |w| over their true
// extents and all gates (so that ragged blocks compete fairly) are kept; of
// equal ones those with the lower index. This is the authors' "guided" variant
// of HCGS. Sums are formed in double precision in a fixed order.
//
// Random: each line keeps a uniformly random subset. The generator is
// std::mt19937_64 seeded with `seed`; lines ask in the order of the index
// image; of n blocks, the kept ones are the first k of a Fisher-Yates shuffle
// (position i is swapped with i + below(n - i)), below(m) being the next number
// of the generator modulo m, numbers from floor(2^64 / m) * m up being drawn
// again. So a seed means the same blocks on every platform.
//
#ifndef HCGS_COMPRESSION_SELECT_H
#define HCGS_COMPRESSION_SELECT_H

#include "hcgs/Compression/BlockMap.h"

#include <cstdint>

namespace hcgs::compression {

/// Chooses by magnitude. The weights must be finite.
Result<BlockMap> selectByMagnitude(const Pattern &pattern,
                                   const MatrixView &weights);

/// Chooses at random.
Result<BlockMap> selectRandom(const Pattern &pattern, int64_t rows,
                              int64_t cols, uint64_t seed);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_SELECT_H
