// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The smallest blocks of a pattern, as detection finds them: which are
// occupied, and what their inside and the strays outside cost
// (docs/Rationale/Detection.md, section "Smallest blocks").
//
#ifndef HCGS_LIB_COMPRESSION_DETECTLEAF_H
#define HCGS_LIB_COMPRESSION_DETECTLEAF_H

#include "DetectGrid.h"

#include <cstdint>
#include <vector>

namespace hcgs::compression {

struct Leaf {
  int64_t height = 1, width = 1;
  std::vector<BitGrid> cells; // one per mask: the occupied blocks
  int64_t strays = 0;         // weights outside of them
  double bits = 0.0;          // zeros inside, strays outside
};

/// Candidates. Blocks that hold so few nonzero weights that these are cheaper
/// to name one by one are left out as strays; the same leaf with them follows.
std::vector<Leaf> findLeaves(const std::vector<BitGrid> &gates,
                             const BitGrid &any, bool separate);

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_DETECTLEAF_H
