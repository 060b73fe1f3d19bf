// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Some rows of a compressed matrix as a matrix of its own, for weights that are
// kept in parts. Its words are a run of the words of the whole (firstWordOf),
// since row groups follow one another in every weight image; the index image is
// a new one.
//
//   4 x 4, tier 2x2 1/2 column      rows 2..3, tier 2x2 1/2 none
//     A A . .
//     A A . .                         . . B B
//     . . B B                         . . B B
//     . . B B
//     index 0 1                       index 1 block, 1
//
#ifndef HCGS_COMPRESSION_ROWSLICE_H
#define HCGS_COMPRESSION_ROWSLICE_H

#include "hcgs/Compression/Layout.h"

#include <cstdint>

namespace hcgs::compression {

/// The pattern of such a slice. What tier 1 promises of block-columns does not
/// hold in a part of them: balance column becomes none, and both becomes row.
/// Finer tiers divide whole blocks and stay as they are.
Pattern patternOfRows(Pattern pattern);

/// Rows begin .. end-1 of a map. Both are multiples of tier 1's block height,
/// or `end` is the end of the matrix; anything else is an error.
Result<BlockMap> rowsOf(const BlockMap &map, int64_t begin, int64_t end);

/// Rows begin .. end-1 of a matrix of any kind, all its gates, with row blocks
/// as high as before. Both are multiples of the row block height, or `end` is
/// the end of the matrix; a matrix of kind hcgs asks for what rowsOf(BlockMap)
/// does, a circulant one for a slice that still can have its block size
/// (WI-C-1). Anything else is an error.
Result<WeightLayout> rowsOf(const WeightLayout &layout, int64_t begin,
                            int64_t end);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_ROWSLICE_H
