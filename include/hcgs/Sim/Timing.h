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
  uint64_t raw = 0, war = 0, waw = 0, port = 0;            // T-C-2
  uint64_t queue = 0, loop = 0, dispatch = 0, barrier = 0; // T-C-3
  uint64_t fill = 0;                                       // T-C-1
  uint64_t drain = 0, unused = 0;                          // T-C-4

  UnitCycles &operator+=(const UnitCycles &other);
  uint64_t total() const;
  bool operator==(const UnitCycles &) const = default;
};

/// What the cycles of a unit can be booked to.
enum class CycleUse : uint8_t {
  Busy,
  Raw,
  War,
  Waw,
  Port,
  Queue,
  Loop,
  Dispatch,
  Barrier,
  Fill,
  Drain,
  Unused,
};
/// All of them in that order, with the names of the statistics and the counter.
struct CycleUseInfo {
  CycleUse use;
  std::string_view name;
  uint64_t UnitCycles::*count;
};
inline constexpr CycleUseInfo kCycleUses[] = {
    {CycleUse::Busy, "busy", &UnitCycles::busy},
    {CycleUse::Raw, "raw", &UnitCycles::raw},
    {CycleUse::War, "war", &UnitCycles::war},
    {CycleUse::Waw, "waw", &UnitCycles::waw},
    {CycleUse::Port, "port", &UnitCycles::port},
    {CycleUse::Queue, "queue", &UnitCycles::queue},
    {CycleUse::Loop, "loop", &UnitCycles::loop},
    {CycleUse::Dispatch, "dispatch", &UnitCycles::dispatch},
    {CycleUse::Barrier, "barrier", &UnitCycles::barrier},
    {CycleUse::Fill, "fill", &UnitCycles::fill},
    {CycleUse::Drain, "drain", &UnitCycles::drain},
    {CycleUse::Unused, "unused", &UnitCycles::unused},
};
constexpr const CycleUseInfo &infoOf(CycleUse use) {
  return kCycleUses[static_cast<size_t>(use)];
}

struct TimingResult {
  uint64_t cycles = 0; // T-D-4
  std::array<UnitCycles, kNumUnits> units;
  /// By program counter: how often each instruction was executed, and the
  /// cycles of its unit that belong to it (T-C-5); of control instructions
  /// none.
  std::vector<uint64_t> executed;
  std::vector<UnitCycles> instructions;
  /// How many executed instructions were looked at one by one; the others were
  /// counted by the period. Says nothing about the program.
  uint64_t walked = 0;
};

/// Not an index of the log.
inline constexpr size_t kNotBlocked = ~size_t(0);

/// The times of one executed instruction; of a control instruction only `d`,
/// `cause` and `blockedBy` mean something.
struct InstructionTimes {
  size_t pc = 0;
  uint64_t d = 0, s = 0, finish = 0;
  /// The instruction, by its index in the log, whose finish this one was the
  /// last to wait for: of a unit's instruction the conflict with the latest
  /// finish, if that is when it was taken and without it it could have been
  /// taken before; of a `barrier` or `halt` whatever finished last. Of equal
  /// finishes that of the cause (T-C-2). Else kNotBlocked.
  size_t blockedBy = kNotBlocked;
  /// What most of the idle cycles of its unit before it are booked to (of
  /// equals the first); Busy if there are none. `Barrier` of a barrier or halt
  /// that waited, else Busy, of control instructions.
  CycleUse cause = CycleUse::Busy;
};

/// Works the timing of one call out. `log`, if given, gets every executed
/// instruction in order, which takes the long way: no period is skipped. Nor is
/// one without `shortcut`; the result is the same. The call must be one that
/// runs without a trap; otherwise the result is meaningless (but there is one).
TimingResult computeTiming(const LoadedProgram &program, Entry entry,
                           int64_t steps, const Registers &registers,
                           const StreamLayout &layout,
                           std::vector<InstructionTimes> *log = nullptr,
                           bool shortcut = true);

} // namespace hcgs::sim

#endif // HCGS_SIM_TIMING_H
