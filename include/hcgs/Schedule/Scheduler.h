// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scheduling without IR: what has to be issued in one time step, in which
// order it is issued, and how many copies of each value that order needs.
//
// A `Problem` is one pass (one time loop). Its *operations* write rows of
// *storages* and read rows of others. Storage is what must share memory: the
// operations of an accumulator chain write one storage; a state h(t) and the
// h(t-1) it replaces are one storage, read with `back` 1 where the old value is
// meant. Rows of a layer are handled in *row blocks*, all of one height per
// group (WI-A-1); a *piece* is one row block of one operation and becomes one
// instruction.
//
// A `Plan` orders the pieces of one iteration t of the steady state. Piece
// (op, rows, step k) handles time step t+k. Example, one layer in two blocks:
//
//     storage  x          12 rows              slots 1
//              a          4 x 64 accumulators  slots 1, row block 32
//              h          64 rows              slots 2, row block 32
//     order    R  rows 0..31  step 0     a(t)   += R h(t-1)
//              R  rows 32..63 step 0
//              x             step 1      x(t+1) is loaded
//              ...           step 0      gates, cell and h(t) of rows 0..31
//              W  rows 0..31  step 1     a(t+1)  = bias + W x(t+1)
//              ...           step 0      gates, cell and h(t) of rows 32..63
//              W  rows 32..63 step 1
//
// R of the next iteration waits for h(t), whose last rows become ready under
// W: nothing waits as long as W takes longer than the tail of a row block.
//
// h needs two slots, because h(t) of rows 0..31 is written while R still reads
// h(t-1) of rows 0..31 for rows 32..63. `a` needs one: a(t+1) of a block is
// written after the gates of a(t) of that block were read.
//
// A matrix product may be cut further: by gates, and into segments of columns,
// so that a part of R h(t) can start when the part of h(t) that it multiplies
// is ready. Entries of one accumulator chain may come in any order, since sums
// commute; the first one of a row and gate starts the accumulator. All rows and
// gates of an entry must be first, or none.
//
// docs/Rationale/Scheduling.md tells how plans are found and which bounds no
// plan can beat.
//
#ifndef HCGS_SCHEDULE_SCHEDULER_H
#define HCGS_SCHEDULE_SCHEDULER_H

#include "hcgs/Schedule/CycleModel.h"
#include "hcgs/Support/Result.h"

#include <array>
#include <compare>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hcgs::schedule {

constexpr unsigned kNone = ~0u;

/// Rows that share one row block height: those of a layer. Both directions of a
/// layer and all streams that go through it may be one group; what does not
/// depend on each other inside it is handled as separate instances.
struct Group {
  uint32_t rows = 0;
  /// Row block heights must be multiples of this (or `rows`): WI-A-2.
  uint32_t granule = 1;
  /// An LSTM layer, which is what `sequential`, `batch`, `intergate` and
  /// `unfolded` are defined for.
  bool lstm = false;
};

/// rows x gates elements in each slot.
struct Storage {
  Memory memory = Memory::V;
  uint32_t rows = 0;
  uint32_t gates = 1;
  /// kNone: handled as one block of all rows.
  unsigned group = kNone;
  /// Holds a value before the first step, so its size cannot be a window.
  bool state = false;
};

struct Operand {
  unsigned storage;
  /// All rows are read, whatever rows are computed (a matrix product), or the
  /// rows that are computed, moved by `offset`.
  bool all = false;
  int64_t offset = 0;
  /// Of an accumulator: the gate that is read, or -1 for all.
  int gate = -1;
  /// 1: the value of the step before.
  unsigned back = 0;
};

struct Entry;

/// How a dense product arranges the lanes (T-M-1): a shape by its place in the
/// target's list, and whether the unit takes a partial last segment of rows
/// with a lower shape.
struct TileChoice {
  unsigned tile = 0;
  bool retile = false;
  bool operator==(const TileChoice &) const = default;
};

struct Operation {
  Unit unit = Unit::Vector;
  /// What is written, from row `offset` on; kNone: a stream.
  unsigned storage = kNone;
  int64_t offset = 0;
  uint32_t rows = 0;
  unsigned group = kNone;
  std::vector<Operand> reads;
  /// Of a matrix product: how many gates it computes and how many columns it
  /// has, and where a segment of columns may begin (multiples). An entry may
  /// take some of the gates and a segment of the columns.
  uint32_t gates = 1;
  uint32_t cols = 0;
  uint32_t colGranule = 1;
  /// Cycles in the unit for the part that an entry names: any rows that begin
  /// and end at row blocks, any gates, any columns from boundary to boundary.
  std::function<uint64_t(const Entry &)> occupancy;
  /// Cycles in the unit for all of it, which no cut into entries can beat.
  uint64_t leastOccupancy = 0;
  /// Of a dense product, else empty: the same for so many of its gates.
  std::function<uint64_t(unsigned)> leastOfGates;
  /// Of a dense product, else empty: the tile shape for the part that an entry
  /// names.
  std::function<TileChoice(const Entry &)> tileFor;
  uint64_t latency = 0;

  bool isProduct() const { return cols != 0; }
};

/// Operations in an order in which one after another is correct.
struct Problem {
  std::vector<Group> groups;
  std::vector<Storage> storages;
  std::vector<Operation> operations;
  QueueDepths queues;
  /// Control instructions at the end of an iteration that no plan can avoid:
  /// the endloop and one aadd for each stream that is walked. Each ring of a
  /// plan adds one; see controlInstructions.
  unsigned controlPerIteration = 1;
  /// Instructions for which there is program memory, as `planInstructions`
  /// counts them, or 0: as many as they like.
  uint64_t instructionLimit = 0;
  /// Elements of each memory that the storages may take together, or 0: as
  /// many as they like. Plans that take more, of this or of program memory,
  /// lose against any that fits.
  std::array<int64_t, kMemories> capacity = {};
};

/// How a storage is held. Slot s of the ring holds the steps t with
/// t mod slots = s. With a window, row block b of a slot lies at block place
/// b mod window.
struct Holding {
  unsigned slots = 1;
  uint32_t rowBlock = 0;
  uint32_t window = 0;
};

/// Rows begin .. end-1 of an operation, for time step t + step. One
/// instruction.
struct Entry {
  unsigned operation;
  uint32_t begin;
  uint32_t end;
  unsigned step;
  /// Of a matrix product: the gates (bit g: gate g; 0: all) and the columns
  /// colBegin .. colEnd-1 (0, 0: all).
  unsigned gates = 0;
  uint32_t colBegin = 0, colEnd = 0;
  /// Of a dense product.
  TileChoice tile = {};
};

struct Plan {
  /// Largest step of an entry.
  unsigned depth = 0;
  std::vector<uint32_t> rowBlocks; // by group
  std::vector<Holding> holdings;   // by storage
  std::vector<Entry> entries;
  /// Estimated cycles of an iteration in the steady state, and of a sequence
  /// of one step.
  double cyclesPerStep = 0;
  uint64_t cyclesOfOneStep = 0;
  /// What the search for it took: pieces that were placed and entries that were
  /// replayed. `auto` only.
  uint64_t work = 0;
};

/// Elements that one slot of a storage takes.
int64_t slotElements(const Storage &storage, const Holding &holding);

/// Where rows begin .. end-1 of one gate (-1: all gates) lie in a slot: the
/// first element and the one after the last. Rows of several row blocks are
/// only contiguous for all gates, or with one gate and no window.
std::pair<int64_t, int64_t> elementRange(const Storage &storage,
                                         const Holding &holding, uint32_t begin,
                                         uint32_t end, int gate);

/// Control instructions of an iteration: those of the problem and one aadd for
/// each ring. All storages of one memory with the same number of slots, if more
/// than one, are one ring.
unsigned controlInstructions(const Problem &problem, const Plan &plan);

/// Elements of each memory that the storages of a plan take.
std::array<int64_t, kMemories> storageElements(const Problem &problem,
                                               const Plan &plan);

/// Instructions of the loop, its prologue and its epilogue: D + 1 copies of
/// each entry at depth D, what advances rings and streams in each iteration,
/// and two for each part that only runs in sequences that are long enough for
/// it.
uint64_t planInstructions(const Problem &problem, const Plan &plan);

/// By how much a plan exceeds what there is. The smaller one is better.
struct Overflow {
  /// Elements of all memories.
  int64_t elements = 0;
  uint64_t instructions = 0;

  bool any() const { return elements || instructions; }
  auto operator<=>(const Overflow &) const = default;
};
Overflow overflowOf(const Problem &problem, const Plan &plan);

/// Cycles a step that no plan can beat, by what forces them. Valid for every
/// order, every depth and every cut of operations into entries; proved in
/// docs/Rationale/Scheduling.md.
struct LowerBound {
  /// Busy cycles of the matrix unit, each operation at its best.
  uint64_t macs = 0;
  /// Busy cycles of the other units.
  uint64_t vector = 0, load = 0, store = 0;
  /// One entry an operation, and the control instructions.
  uint64_t dispatch = 0;
  /// From the last row of one value of a state to the last row of the next.
  uint64_t recurrence = 0;

  uint64_t cycles() const;
  /// Which of them is the largest: the name of the member; of equals the first.
  std::string_view binding() const;
};
LowerBound lowerBound(const Problem &problem);

/// Elements of a storage that an entry reads or writes in the slot of time
/// step t + lead, t being the iteration.
struct PlannedTouch {
  unsigned storage;
  int64_t begin, end;
  int64_t lead;
  bool write;
};
/// All of them, with exact ranges: each run of gates that lie side by side is
/// one. The order is that of the operation's reads, then the writes.
std::vector<PlannedTouch> plannedTouches(const Problem &problem,
                                         const Plan &plan, const Entry &entry);

/// Fills in `slots` and `window` of every storage: the fewest with which no
/// value is overwritten before its last reader was issued.
void chooseHoldings(const Problem &problem, Plan &plan);

/// Whether the operations that share accumulators start them evenly: each
/// entry is the first for all of its rows and gates, or for none.
bool startsEvenly(const Problem &problem, const Plan &plan);

/// Fills in the two estimates by replaying the plan.
void estimate(const Problem &problem, Plan &plan);

/// The cycle in which each entry of a settled iteration is taken.
std::vector<uint64_t> settledTakes(const Problem &problem, const Plan &plan);

/// A way of scheduling. Results must be legal; hcgs-verify-schedule checks
/// them by other code.
class Scheduler {
public:
  virtual ~Scheduler() = default;
  virtual Plan run(const Problem &problem) const = 0;
  /// Whether the schedule is defined for this model. The error names the
  /// schedule, what the model lacks and what serves.
  virtual Result<void> canServe(const Problem &problem) const = 0;
};

/// The scheduler of that name, or null.
std::unique_ptr<Scheduler> createScheduler(std::string_view name);
/// All names, for messages and help.
std::vector<std::string> schedulerNames();

} // namespace hcgs::schedule

#endif // HCGS_SCHEDULE_SCHEDULER_H
