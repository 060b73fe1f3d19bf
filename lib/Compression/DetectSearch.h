// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search for short descriptions of the zeros of a matrix, without hints
// (docs/Rationale/Detection.md, section "The search").
//
#ifndef HCGS_LIB_COMPRESSION_DETECTSEARCH_H
#define HCGS_LIB_COMPRESSION_DETECTSEARCH_H

#include "DetectGrid.h"

#include "hcgs/Compression/Pattern.h"

#include <optional>
#include <vector>

namespace hcgs::compression {

/// One way to describe the zeros.
struct Description {
  Pattern pattern;
  bool separate = false;
  /// Lines hold more blocks than the balance says, or weights lie outside of
  /// the occupied blocks.
  bool breaks = false;
  double bits = 0.0;
};

/// Shortest first.
void sortByBits(std::vector<Description> &descriptions);

/// Length of the description of the zeros without any blocks: which weights are
/// zero, or which positions are zero in all gates and which weights of the
/// others.
double unstructuredBits(const std::vector<BitGrid> &gates, const BitGrid &any);

/// Whether the zeros of single gates look as if the gates had masks of their
/// own, rather than fallen by chance inside a shared one: a quick test that
/// lets chance zeros pass, so that nobody searches for what is not there.
bool gatesDiffer(const std::vector<BitGrid> &gates, const BitGrid &any);

/// The shortest descriptions with masks shared by the gates or with one for
/// each
/// (`separate`), shortest first; at least the shortest one that nothing breaks,
/// if there is any. `any` is the OR of `gates`. With `balance` all tiers have
/// it.
std::vector<Description> findDescriptions(const std::vector<BitGrid> &gates,
                                          const BitGrid &any, bool separate,
                                          std::optional<Balance> balance);

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_DETECTSEARCH_H
