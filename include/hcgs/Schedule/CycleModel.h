// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's own clock: replays a stream of executed instructions under
// the rules of docs/Spec/Timing.md and says when each one is taken and when
// the last one has finished. Schedulers use it to compare orders; the cycle
// estimate of a whole program uses it too, and a test holds it equal to the
// simulator, with which it shares no code.
//
// The caller resolves addresses: an instruction is its unit, how long it holds
// the unit, and the ranges it reads and writes.
//
//   CycleModel clock(timing);
//   clock.issue({Unit::Load, 9, 0, {{Memory::V, 0, 12, /*write=*/true}}});
//   clock.control();                                   // an aadd
//   clock.issue({Unit::Matrix, 48, 6, {{Memory::V, 0, 12, false},
//                                      {Memory::A, 0, 512, true}}});
//   uint64_t cycles = clock.halt();
//
#ifndef HCGS_SCHEDULE_CYCLEMODEL_H
#define HCGS_SCHEDULE_CYCLEMODEL_H

#include <array>
#include <cstdint>
#include <map>
#include <vector>

namespace hcgs::schedule {

enum class Unit : uint8_t { Load, Matrix, Vector, Store };
constexpr unsigned kUnits = 4;

/// Memories in which instructions can conflict (T-H-1).
enum class Memory : uint8_t { V, A, Ext, W };
constexpr unsigned kMemories = 4;

/// What dispatch needs to know of a machine.
struct QueueDepths {
  std::array<unsigned, kUnits> entries = {1, 1, 1, 1};
};

/// Elements (bytes of `ext` and `wmem`) begin .. end-1 that an instruction
/// touches. An instruction that reads and writes a range lists it twice.
struct Touch {
  Memory memory;
  int64_t begin;
  int64_t end;
  bool write;
};

/// One executed instruction of a unit: `occ` cycles in the unit, `lat` more
/// until its ranges are released (T-U-2).
struct Executed {
  Unit unit;
  uint64_t occ;
  uint64_t lat;
  std::vector<Touch> touches;
};

/// Dispatch, queues, units and hazards. Costs O(touched segments) an
/// instruction, whatever the number of instructions before it.
class CycleModel {
public:
  explicit CycleModel(const QueueDepths &queues);

  /// Dispatches a unit's instruction; returns the cycle it is taken in.
  uint64_t issue(const Executed &instruction);
  /// Dispatches a control instruction that only costs its cycle (T-D-3).
  void control();
  void barrier();
  /// The total of the entry (T-D-4).
  uint64_t halt();

  /// The cycle in which the last instruction so far was dispatched; -1 before
  /// the first.
  int64_t lastDispatch() const { return dispatched; }
  /// The finish of everything so far.
  uint64_t lastFinish() const { return finished; }

  /// Appends all that later times depend on but for `ext`, as times after the
  /// last dispatch: clocks that append the same go on alike from there, but for
  /// conflicts over `ext`.
  void appendState(std::vector<int64_t> &state) const;
  /// Ranges of `ext` of which a later instruction might have to wait for an
  /// earlier one. An instruction that writes waits for both kinds.
  std::vector<Touch> pendingExt() const;
  /// Lets all that was done so far be done `cycles` later, and forgets what was
  /// done to `ext`.
  void delay(uint64_t cycles);

private:
  /// The latest finishes of reads and writes of one run of elements, by the
  /// matrix unit and by the others: the matrix unit does not conflict with
  /// itself over `amem`.
  struct Finishes {
    std::array<uint64_t, 2> read = {0, 0};
    std::array<uint64_t, 2> write = {0, 0};
  };
  struct Segment {
    int64_t end;
    Finishes finishes;
  };
  using SegmentMap = std::map<int64_t, Segment>;

  uint64_t earliest(const Touch &touch, bool matrix);
  void release(const Touch &touch, bool matrix, uint64_t finish);
  /// Makes segment boundaries at both ends of the range and segments all over
  /// it; returns the first.
  SegmentMap::iterator cover(SegmentMap &map, int64_t begin, int64_t end);

  struct UnitState {
    unsigned depth = 1;
    uint64_t free = 0;
    /// Take cycles of the last `depth` instructions, as a ring.
    std::vector<uint64_t> takes;
    uint64_t count = 0;
  };

  std::array<UnitState, kUnits> units;
  std::array<SegmentMap, kMemories> memories;
  int64_t dispatched = -1;
  uint64_t finished = 0;
};

} // namespace hcgs::schedule

#endif // HCGS_SCHEDULE_CYCLEMODEL_H
