// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How long the accesses to `ext` of a loop that repeats itself keep meeting in
// the same way. In vmem, amem and wmem a period touches what the one before
// touched; in ext it walks on, each register by a stride of its own, and two
// walks of different strides may come to meet, or stop meeting. The proof that
// uses this is in docs/Rationale/Simulator.md ("Counting by the period").
//
#ifndef HCGS_LIB_SIM_PERIOD_H
#define HCGS_LIB_SIM_PERIOD_H

#include "hcgs/Target/ISA.h"

#include <array>
#include <cstdint>
#include <span>

namespace hcgs::sim {

/// Bytes begin .. end-1 of ext that an instruction touched, found by a
/// register.
struct ExtAccess {
  int64_t begin = 0, end = 0;
  uint8_t reg = 0;
  bool write = false;
  /// The bytes are the hull of many accesses: what does not meet the hull meets
  /// none of them, but what meets the hull may meet none either.
  bool hull = false;
};

/// By register: how far it moves in a period.
using Strides = std::array<int64_t, isa::kNumRegisters>;

/// The most periods m <= `most` such that, for all of 0 .. m, every two
/// accesses of which at least one writes overlap if and only if they do now,
/// each moved by that number of strides, and none leaves [0, 2^31). Of hulls
/// the same holds for the accesses in them.
uint64_t steadyPeriods(std::span<const ExtAccess> accesses,
                       const Strides &strides, uint64_t most);

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_PERIOD_H
