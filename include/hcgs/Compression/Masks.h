// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks as arrays of 0 and 1, as mask files have them: which tiers they obey,
// and back. Unlike weights, a mask says exactly what is kept, so nothing is
// guessed here: a block that is kept in part, or a line with another count than
// the tier's, is an error. To find block sizes from a mask alone, detect the
// pattern of weights that are the mask (Detect.h).
//
#ifndef HCGS_COMPRESSION_MASKS_H
#define HCGS_COMPRESSION_MASKS_H

#include "hcgs/Compression/BlockMap.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::compression {

/// Entry (r, c) of a mask is at data[r * cols + c]: 1 = kept, 0 = dropped.
struct MaskView {
  const uint8_t *data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
};

/// The map that keeps what `mask` keeps. `tiers` are valid tiers from coarse to
/// fine; in all of them, or in none, keepNum = 0 stands for "to be found": then
/// the simplest fraction that gives the count of every line is taken (dyadic
/// ones before others, small denominators before large ones; balance none: the
/// share of kept blocks). Errors name the first entry that is neither 0 nor 1;
/// the first smallest block that is kept in part; or the tier and the first
/// line whose count does not fit, and what would fit.
Result<BlockMap> mapOfMask(const MaskView &mask, std::span<const Tier> tiers);

/// The masks of `gates` matrices, stacked gate by gate in `data`
/// (gates * rows * cols entries). If all gates have the same mask, one map.
/// Fractions to be found are the same for all gates; errors name the gate.
Result<BlockMaps> mapsOfMasks(const uint8_t *data, int64_t gates, int64_t rows,
                              int64_t cols, std::span<const Tier> tiers);

/// rows * cols entries, 1 = kept.
std::vector<uint8_t> maskOf(const BlockMap &map);

} // namespace hcgs::compression

#endif // HCGS_COMPRESSION_MASKS_H
