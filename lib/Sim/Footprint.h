// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an executed instruction reads and writes, and whether two conflict
// (T-H-1, T-H-2).
//
#ifndef HCGS_LIB_SIM_FOOTPRINT_H
#define HCGS_LIB_SIM_FOOTPRINT_H

#include "Sequencer.h"
#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Sim/Timing.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace hcgs::sim {

/// Kinds of conflicts in the order in which equal finishes are named (T-C-2).
using Hazard = CycleUse; // Raw, War, Waw or Port

/// An Extent in 32 bits: no memory has more than 2^31 - 1 elements or bytes, no
/// stream ends behind byte 2^31, and footprints are compared very often. An
/// operand that lies elsewhere (the call would trap) keeps its low bits, which
/// do no harm here.
struct Pieces {
  int32_t first = 0, count = 0, second = 0, restCount = 0;

  Pieces() = default;
  Pieces(const Extent &extent)
      : first(static_cast<int32_t>(extent.first)),
        count(static_cast<int32_t>(extent.count)),
        second(static_cast<int32_t>(extent.second)),
        restCount(static_cast<int32_t>(extent.restCount)) {}
  bool operator==(const Pieces &) const = default;
};

/// The smallest interval begin .. last around operands of one memory; empty at
/// first. The end may not fit 32 bits, the last element does.
struct Hull {
  int32_t begin = std::numeric_limits<int32_t>::max();
  int32_t last = std::numeric_limits<int32_t>::min();

  void add(const Pieces &pieces) {
    auto addPiece = [&](int32_t first, int32_t count) {
      if (count > 0) {
        begin = std::min(begin, first);
        // Of an operand that lies elsewhere, the low bits.
        last = std::max(last, static_cast<int32_t>(
                                  static_cast<uint32_t>(first) + (count - 1)));
      }
    };
    addPiece(pieces.first, pieces.count);
    addPiece(pieces.second, pieces.restCount);
  }
  bool meets(const Hull &other) const {
    return begin <= other.last && other.begin <= last;
  }
};

/// Memories an instruction touches, as bits, to skip comparing what cannot
/// meet.
enum Touch : uint8_t {
  kVRead = 1,
  kVWrite = 2,
  kARead = 4,
  kAWrite = 8,
  kXRead = 16,
  kXWrite = 32,
  kWRead = 64,
  kWWrite = 128,
};
constexpr uint8_t kReads = kVRead | kARead | kXRead | kWRead;

struct Footprint {
  uint8_t touches = 0;
  Hull vHull, aHull, xHull, wHull;
  /// A matrix instruction that does not choose all gates: its accumulators
  /// are some of `a`, as the plan says.
  const MatrixPlan *sparse = nullptr;
  Pieces v[2];   // read
  Pieces vWrite; // written
  Pieces a;      // accumulators; read, written or both
  Pieces x, w;   // bytes; read or written
};

/// The footprint of an instruction of a unit with these registers.
Footprint makeFootprint(const LoadedProgram &program,
                        const Registers &registers,
                        const DecodedInstruction &inst);

/// The first kind of conflict of i with the older j, if there is one. Not for
/// two matrix instructions.
std::optional<Hazard> conflict(const Footprint &i, const Footprint &j);

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_FOOTPRINT_H
