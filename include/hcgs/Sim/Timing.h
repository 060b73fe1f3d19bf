// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles of an entry call, exactly by docs/Spec/Timing.md.
//
// Why one pass in program order is enough. The machine overlaps four units, yet
// nothing here steps a clock. By the rules, everything that decides when an
// instruction i is dispatched (d), taken (s) and finished is older than i:
//
//   d(i)  needs d(i-1) and the take of the instruction Q places before it in
//         its unit (T-D-2), or the finish of all older ones (T-D-3);
//   s(i)  needs d(i), the previous occupation of its unit, and the finish of
//         older conflicting instructions (T-U-1): a unit takes in order, so
//         nothing younger can go first;
//   finish(i) = s(i) + occ + lat.
//
// So the three times of i follow from those of its elders, one instruction at a
// time, in the order in which the program is executed. And since loops,
// addresses and lengths never depend on data, neither does any of it: a call's
// cycles are a function of (entry, T, address registers at entry), and the
// functional simulation needs no clock at all. LoadedProgram::timing remembers
// results by that key.
//
// Finding the conflicts of i fast. Only an elder that finishes after the time
// at which i could otherwise be taken matters, be it for s(i) or for the cause
// of the wait (T-C-1). Within a unit finish times rise strictly (occ >= 1, the
// latency is the unit's own), so each unit keeps its unfinished instructions in
// order, searches from the newest back, and stops at the first conflict or at
// the first one that finishes too early. What finished by d(i) + 1 can never
// hold a younger one up, since d only rises: it is dropped. The window holds
// about a queue and a pipeline, whatever the program's length.
//
#ifndef HCGS_SIM_TIMING_H
#define HCGS_SIM_TIMING_H

#include "hcgs/Sim/LoadedProgram.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hcgs::sim {

/// The units in the order of counters: load, matrix, vector, store.
inline constexpr size_t kNumUnits = 4;
std::string_view unitName(size_t unit);

/// Where the cycles of one unit went ("Where cycles went" in Timing.md). They
/// add up to the total.
struct UnitCycles {
  uint64_t busy = 0;
  uint64_t raw = 0, war = 0, waw = 0;            // T-C-1
  uint64_t queue = 0, barrier = 0, dispatch = 0; // T-C-2
  uint64_t drain = 0, unused = 0;                // T-C-3

  UnitCycles &operator+=(const UnitCycles &other);
  uint64_t total() const;
  bool operator==(const UnitCycles &) const = default;
};

struct TimingResult {
  uint64_t cycles = 0; // T-D-4
  std::array<UnitCycles, kNumUnits> units;
  /// How often each instruction was executed, by program counter.
  std::vector<uint64_t> executed;
};

/// The times of one executed instruction; of a control instruction only `d`
/// means something.
struct InstructionTimes {
  size_t pc = 0;
  uint64_t d = 0, s = 0, finish = 0;
};

/// Works the timing of one call out. `log`, if given, gets every executed
/// instruction in order. The call must be one that runs without a trap;
/// otherwise the result is meaningless (but there is one).
TimingResult computeTiming(const LoadedProgram &program, Entry entry,
                           int64_t steps, const Registers &registers,
                           const StreamLayout &layout,
                           std::vector<InstructionTimes> *log = nullptr);

} // namespace hcgs::sim

#endif // HCGS_SIM_TIMING_H
