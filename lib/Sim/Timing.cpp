// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Timing.h"
#include "Sequencer.h"

#include <algorithm>
#include <limits>

using namespace hcgs;
using namespace hcgs::sim;

std::string_view sim::unitName(size_t unit) {
  static constexpr std::string_view names[kNumUnits] = {"load", "matrix",
                                                        "vector", "store"};
  return names[unit];
}

UnitCycles &UnitCycles::operator+=(const UnitCycles &other) {
  for (const CycleUseInfo &use : kCycleUses)
    this->*use.count += other.*use.count;
  return *this;
}

uint64_t UnitCycles::total() const {
  uint64_t sum = 0;
  for (const CycleUseInfo &use : kCycleUses)
    sum += this->*use.count;
  return sum;
}

//===----------------------------------------------------------------------===//
// Footprints: what an executed instruction reads and writes
//===----------------------------------------------------------------------===//

namespace {
/// Kinds of conflicts in the order in which equal finishes are named (T-C-2).
using Hazard = CycleUse; // Raw, War, Waw or Port

/// An Extent in 32 bits: what a memory holds can be counted so, and footprints
/// are compared very often. An operand that lies elsewhere (the call would
/// trap) keeps its low bits, which do no harm here.
struct Pieces {
  int32_t first = 0, count = 0, second = 0, restCount = 0;

  Pieces() = default;
  Pieces(const Extent &extent)
      : first(static_cast<int32_t>(extent.first)),
        count(static_cast<int32_t>(extent.count)),
        second(static_cast<int32_t>(extent.second)),
        restCount(static_cast<int32_t>(extent.restCount)) {}
};

/// The smallest interval around operands of one memory; empty at first.
struct Hull {
  int32_t begin = std::numeric_limits<int32_t>::max();
  int32_t end = std::numeric_limits<int32_t>::min();

  void add(const Pieces &pieces) {
    auto addPiece = [&](int32_t first, int32_t count) {
      if (count > 0) {
        begin = std::min(begin, first);
        end = std::max(end, first + count);
      }
    };
    addPiece(pieces.first, pieces.count);
    addPiece(pieces.second, pieces.restCount);
  }
  bool meets(const Hull &other) const {
    return begin < other.end && other.begin < end;
  }
};

bool overlap(int64_t begin, int64_t count, int64_t otherBegin,
             int64_t otherCount) {
  return begin < otherBegin + otherCount && otherBegin < begin + count &&
         count > 0 && otherCount > 0;
}

bool overlap(const Pieces &a, const Pieces &b) {
  if (overlap(a.first, a.count, b.first, b.count))
    return true;
  if (a.restCount == 0 && b.restCount == 0)
    return false;
  return overlap(a.second, a.restCount, b.first, b.count) ||
         overlap(a.first, a.count, b.second, b.restCount) ||
         overlap(a.second, a.restCount, b.second, b.restCount);
}

/// Memories an instruction touches, as bits, to skip comparing what cannot
/// meet.
enum Touch : uint8_t {
  kVRead = 1,
  kVWrite = 2,
  kARead = 4,
  kAWrite = 8,
  kXRead = 16,
  kXWrite = 32,
};

struct Footprint {
  uint8_t touches = 0;
  Hull vHull, aHull, xHull;
  /// A matrix instruction that does not choose all gates: its accumulators
  /// are some of `a`, as the plan says.
  const MatrixPlan *sparse = nullptr;
  Pieces v[2];   // read
  Pieces vWrite; // written
  Pieces a;      // accumulators; read, written or both
  Pieces x;      // bytes; read or written
};

/// Whether the elements of `operand` that lie in [begin, begin + count) include
/// a chosen accumulator of `plan`.
bool planMeets(const MatrixPlan &plan, const Pieces &operand, int64_t begin,
               int64_t count) {
  auto piece = [&](int64_t first, int64_t size, int64_t position) {
    const int64_t from = std::max(first, begin);
    const int64_t to = std::min(first + size, begin + count);
    return from < to &&
           plan.writesAny(static_cast<uint32_t>(position + from - first),
                          static_cast<uint32_t>(position + to - first));
  };
  return piece(operand.first, operand.count, 0) ||
         piece(operand.second, operand.restCount, operand.count);
}

bool accumulatorsMeet(const Footprint &i, const Footprint &j) {
  if (!overlap(i.a, j.a))
    return false;
  // At most one of the two is a matrix instruction (T-H-1).
  const Footprint &matrix = i.sparse ? i : j;
  const Footprint &other = i.sparse ? j : i;
  if (!matrix.sparse)
    return true;
  return planMeets(*matrix.sparse, matrix.a, other.a.first, other.a.count) ||
         planMeets(*matrix.sparse, matrix.a, other.a.second, other.a.restCount);
}

/// T-H-1: the first kind of conflict of i with the older j, if there is one.
/// Not for two matrix instructions.
std::optional<Hazard> conflict(const Footprint &i, const Footprint &j) {
  const bool raw = (j.touches >> 1) & i.touches & (kVRead | kARead | kXRead);
  const bool war = j.touches & (i.touches >> 1) & (kVRead | kARead | kXRead);
  const bool waw = j.touches & i.touches & (kVWrite | kAWrite | kXWrite);
  if (!raw && !war && !waw)
    return std::nullopt;
  const bool aMeet = (i.touches & (kARead | kAWrite)) &&
                     (j.touches & (kARead | kAWrite)) && accumulatorsMeet(i, j);
  const bool xMeet = (i.touches & (kXRead | kXWrite)) &&
                     (j.touches & (kXRead | kXWrite)) && overlap(i.x, j.x);
  if (raw) {
    if ((j.touches & kVWrite) && (i.touches & kVRead) &&
        (overlap(i.v[0], j.vWrite) || overlap(i.v[1], j.vWrite)))
      return Hazard::Raw;
    if ((j.touches & kAWrite) && (i.touches & kARead) && aMeet)
      return Hazard::Raw;
    if ((j.touches & kXWrite) && (i.touches & kXRead) && xMeet)
      return Hazard::Raw;
  }
  if (war) {
    if ((j.touches & kVRead) && (i.touches & kVWrite) &&
        (overlap(i.vWrite, j.v[0]) || overlap(i.vWrite, j.v[1])))
      return Hazard::War;
    if ((j.touches & kARead) && (i.touches & kAWrite) && aMeet)
      return Hazard::War;
    if ((j.touches & kXRead) && (i.touches & kXWrite) && xMeet)
      return Hazard::War;
  }
  if (waw) {
    if ((j.touches & i.touches & kVWrite) && overlap(i.vWrite, j.vWrite))
      return Hazard::Waw;
    if ((j.touches & i.touches & kAWrite) && aMeet)
      return Hazard::Waw;
    if ((j.touches & i.touches & kXWrite) && xMeet)
      return Hazard::Waw;
  }
  return std::nullopt;
}

/// The unfinished instructions of one unit, oldest first, in a ring that grows.
/// What most comparisons need, finish and hulls, is kept apart from the rest.
class Window {
public:
  struct Sketch {
    uint64_t finish = 0;
    Hull v, a, x;
    /// Whether the instruction may touch what `print` touches.
    bool meets(const Footprint &print) const {
      return v.meets(print.vHull) || a.meets(print.aHull) ||
             x.meets(print.xHull);
    }
  };

  Window() : sketches(16), prints(16) {}

  /// Adds an instruction. `print` must live on, unless `temporary`; `logged`
  /// is its place in the log.
  void push(uint64_t finish, size_t logged, const Footprint &print,
            bool temporary) {
    if (count == sketches.size())
      grow();
    const size_t at = index(count++);
    sketches[at] = {finish, print.vHull, print.aHull, print.xHull};
    prints[at].logged = logged;
    prints[at].shared = temporary ? nullptr : &print;
    if (temporary)
      prints[at].own = print;
  }
  void dropFinished(uint64_t cycle) {
    while (count > 0 && sketches[head].finish <= cycle) {
      head = (head + 1) & (sketches.size() - 1);
      --count;
    }
  }
  size_t size() const { return count; }
  /// i = 0 is the oldest.
  const Sketch &sketch(size_t i) const { return sketches[index(i)]; }
  const Footprint &print(size_t i) const {
    const Print &p = prints[index(i)];
    return p.shared ? *p.shared : p.own;
  }
  size_t logged(size_t i) const { return prints[index(i)].logged; }

private:
  struct Print {
    const Footprint *shared = nullptr;
    Footprint own;
    size_t logged = 0;
  };
  size_t index(size_t i) const { return (head + i) & (sketches.size() - 1); }
  void grow() {
    std::vector<Sketch> moreSketches(sketches.size() * 2);
    std::vector<Print> morePrints(sketches.size() * 2);
    for (size_t i = 0; i < count; ++i) {
      moreSketches[i] = sketches[index(i)];
      morePrints[i] = prints[index(i)];
    }
    sketches.swap(moreSketches);
    prints.swap(morePrints);
    head = 0;
  }

  std::vector<Sketch> sketches; // as many as prints; a power of two
  std::vector<Print> prints;
  size_t head = 0, count = 0;
};

struct UnitState {
  Window window;
  std::vector<uint64_t> takes; // the last Q take cycles, a ring
  size_t nextTake = 0;
  uint64_t issued = 0;
  uint64_t end = 0; // f: end of the previous occupation
  /// Cycles at or after `end` in which dispatch was held by a queue or barrier,
  /// or dispatched a control instruction (T-C-3).
  uint64_t heldByQueue = 0, heldByBarrier = 0, control = 0;
};

/// Whether the unit is that of a port to `ext`.
bool isPort(size_t unit) {
  return unit == static_cast<size_t>(isa::Unit::Load) - 1 ||
         unit == static_cast<size_t>(isa::Unit::Store) - 1;
}

/// What most idle cycles were booked to; of equals the first, Busy if none.
CycleUse mostOf(const UnitCycles &used) {
  CycleUse most = CycleUse::Busy;
  uint64_t count = 0;
  for (const CycleUseInfo &info : kCycleUses)
    if (info.use != CycleUse::Busy && used.*info.count > count) {
      most = info.use;
      count = used.*info.count;
    }
  return most;
}

/// Evaluates the rules, one executed instruction after the other.
class Evaluator {
public:
  Evaluator(const LoadedProgram &program, const Registers &registers,
            std::vector<InstructionTimes> *log)
      : program(program), registers(registers), log(log) {
    const TargetModel &target = program.target();
    const uint32_t depths[kNumUnits] = {
        target.queues.load, target.queues.matrix, target.queues.vector,
        target.queues.store};
    for (size_t u = 0; u < kNumUnits; ++u)
      units[u].takes.assign(std::max<uint32_t>(1, depths[u]), 0);
    result.executed.assign(program.instructions().size(), 0);
    result.instructions.assign(program.instructions().size(), {});
    // What is addressed through a0 alone touches the same elements each time.
    fixed.resize(program.instructions().size());
    for (size_t pc = 0; pc < fixed.size(); ++pc) {
      const DecodedInstruction &inst = program.instructions()[pc];
      if (inst.unit != isa::Unit::Control && inst.dst.reg == 0 &&
          inst.a.reg == 0 && inst.b.reg == 0)
        fixed[pc] = makeFootprint(inst);
    }
  }

  void control(size_t pc, const DecodedInstruction &inst);
  bool unit(size_t pc, const DecodedInstruction &inst);
  void trap(size_t, const char *, const std::string &) {}
  TimingResult finish();

private:
  Footprint makeFootprint(const DecodedInstruction &inst) const;
  /// Accounts for dispatch standing still in (after, before).
  void hold(uint64_t after, uint64_t before, bool barrier);
  /// What the cycles from the end of the unit's previous occupation to `s` are
  /// booked to.
  static UnitCycles idleBefore(const UnitState &state, uint64_t d, uint64_t s,
                               uint64_t ready, Hazard cause);

  const LoadedProgram &program;
  const Registers &registers;
  std::vector<InstructionTimes> *log;
  TimingResult result;
  std::vector<Footprint> fixed; // by program counter; without touches if none
  std::array<UnitState, kNumUnits> units;
  bool started = false;
  uint64_t lastDispatch = 0;
  uint64_t allFinished = 0; // the latest finish so far
  size_t lastToFinish = kNotBlocked;
};
} // namespace

Footprint Evaluator::makeFootprint(const DecodedInstruction &inst) const {
  Footprint f;
  switch (inst.opcode) {
  case isa::Opcode::Load:
    f.touches = kXRead | kVWrite;
    f.x = resolve(registers, inst.a, 2 * int64_t(inst.n));
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::Store:
    f.touches = kVRead | kXWrite;
    f.x = resolve(registers, inst.dst, 2 * int64_t(inst.n));
    f.v[0] = resolve(registers, inst.a, inst.n);
    break;
  case isa::Opcode::Mvm: {
    const MatrixPlan &plan = program.plan(inst);
    f.touches = kVRead | kAWrite | (inst.init == isa::Init::Acc ? kARead : 0);
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.a = resolve(registers, inst.dst, plan.span);
    if (!plan.allGates)
      f.sparse = &plan;
    break;
  }
  case isa::Opcode::Act:
  case isa::Opcode::Requant:
    f.touches = kARead | kVWrite;
    f.a = resolve(registers, inst.a, inst.n);
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::VMac:
    f.v[1] = resolve(registers, inst.b, inst.n);
    [[fallthrough]];
  case isa::Opcode::VAcc:
    f.touches = kVRead | kAWrite | (inst.init == isa::Init::Acc ? kARead : 0);
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.a = resolve(registers, inst.dst, inst.n);
    break;
  case isa::Opcode::VCopy:
    f.touches = kVRead | kVWrite;
    f.v[0] = resolve(registers, inst.a, inst.n);
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  default: // fill
    f.touches = kVWrite;
    f.vWrite = resolve(registers, inst.dst, inst.n);
    break;
  }
  f.vHull.add(f.v[0]);
  f.vHull.add(f.v[1]);
  f.vHull.add(f.vWrite);
  f.aHull.add(f.a);
  f.xHull.add(f.x);
  return f;
}

void Evaluator::hold(uint64_t after, uint64_t before, bool barrier) {
  for (UnitState &u : units) {
    const uint64_t from = std::max(after + 1, u.end);
    if (from < before)
      (barrier ? u.heldByBarrier : u.heldByQueue) += before - from;
  }
}

void Evaluator::control(size_t pc, const DecodedInstruction &inst) {
  ++result.executed[pc];
  ++result.walked;
  uint64_t d = started ? lastDispatch + 1 : 0;
  const bool waits =
      inst.opcode == isa::Opcode::Barrier || inst.opcode == isa::Opcode::Halt;
  const bool waited = waits && allFinished > d; // T-D-3
  if (waited) {
    hold(lastDispatch, allFinished, /*barrier=*/true);
    d = allFinished;
  }
  started = true;
  lastDispatch = d;
  for (UnitState &u : units)
    if (u.end <= d)
      ++u.control;
  if (log)
    log->push_back({pc, d, 0, 0, waited ? lastToFinish : kNotBlocked,
                    waited ? CycleUse::Barrier : CycleUse::Busy});
}

bool Evaluator::unit(size_t pc, const DecodedInstruction &inst) {
  ++result.executed[pc];
  ++result.walked;
  const size_t number = static_cast<size_t>(inst.unit) - 1;
  UnitState &state = units[number];

  // T-D-1, T-D-2.
  uint64_t d = started ? lastDispatch + 1 : 0;
  const size_t depth = state.takes.size();
  if (state.issued >= depth && state.takes[state.nextTake] > d) {
    hold(lastDispatch, state.takes[state.nextTake], /*barrier=*/false);
    d = state.takes[state.nextTake];
  }
  started = true;
  lastDispatch = d;

  // T-U-1. `ready` is when i could be taken but for conflicts.
  const Footprint *shared = fixed[pc].touches ? &fixed[pc] : nullptr;
  Footprint own;
  if (!shared)
    own = makeFootprint(inst);
  const Footprint &print = shared ? *shared : own;
  const uint64_t ready = std::max(d + 1, state.end);
  uint64_t s = ready;
  Hazard cause = Hazard::Port;
  size_t blockedBy = kNotBlocked;
  for (size_t u = 0; u < kNumUnits; ++u) {
    Window &window = units[u].window;
    window.dropFinished(d + 1);
    // T-H-1: sums are in order inside the matrix unit, and it writes nothing
    // but amem.
    if (inst.unit == isa::Unit::Matrix && u == number)
      continue;
    for (size_t k = window.size(); k-- > 0;) {
      const Window::Sketch &elder = window.sketch(k);
      if (elder.finish < s || elder.finish <= ready)
        break;
      if (!elder.meets(print))
        continue;
      const std::optional<Hazard> kind = conflict(print, window.print(k));
      if (!kind)
        continue;
      const Hazard hazard = isPort(u) ? Hazard::Port : *kind;
      // Of equal finishes the first kind counts (T-C-2).
      if (elder.finish > s || hazard < cause) {
        cause = hazard;
        blockedBy = window.logged(k);
      }
      s = elder.finish;
      break;
    }
  }

  UnitCycles used = idleBefore(state, d, s, ready, cause);
  used.busy = inst.occ;
  result.instructions[pc] += used;

  state.takes[state.nextTake] = s;
  state.nextTake = state.nextTake + 1 == depth ? 0 : state.nextTake + 1;
  ++state.issued;
  state.end = s + inst.occ;
  state.heldByQueue = state.heldByBarrier = state.control = 0;
  const uint64_t finish = state.end + inst.lat; // T-U-2
  const size_t logged = log ? log->size() : 0;
  if (finish > allFinished) {
    allFinished = finish;
    lastToFinish = logged;
  }
  if (log)
    log->push_back({pc, d, s, finish, blockedBy, mostOf(used)});
  state.window.push(finish, logged, print, /*temporary=*/!shared);
  return true;
}

UnitCycles Evaluator::idleBefore(const UnitState &state, uint64_t d, uint64_t s,
                                 uint64_t ready, Hazard cause) {
  UnitCycles idle;
  if (state.issued == 0) {
    idle.fill = s; // T-C-1
    return idle;
  }
  if (s > ready)
    idle.*infoOf(cause).count = s - ready; // T-C-2
  if (state.end < d + 1) {                 // T-C-3
    idle.queue = state.heldByQueue;
    idle.barrier = state.heldByBarrier;
    idle.loop = state.control;
    idle.dispatch = d + 1 - state.end - idle.queue - idle.barrier - idle.loop;
  }
  return idle;
}

TimingResult Evaluator::finish() {
  result.cycles = lastDispatch + 1; // T-D-4
  for (size_t pc = 0; pc < result.instructions.size(); ++pc)
    if (const isa::Unit unit = program.instructions()[pc].unit;
        unit != isa::Unit::Control)
      result.units[static_cast<size_t>(unit) - 1] += result.instructions[pc];
  for (size_t u = 0; u < kNumUnits; ++u) // T-C-4
    (units[u].issued ? result.units[u].drain : result.units[u].unused) +=
        result.cycles - units[u].end;
  return std::move(result);
}

TimingResult sim::computeTiming(const LoadedProgram &program, Entry entry,
                                int64_t steps, const Registers &start,
                                const StreamLayout &layout,
                                std::vector<InstructionTimes> *log, bool) {
  Registers registers = start;
  Evaluator evaluator(program, registers, log);
  walk(program, entry, steps, layout, registers, evaluator);
  return evaluator.finish();
}
