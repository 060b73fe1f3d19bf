// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Timing.h"
#include "Footprint.h"
#include "Period.h"
#include "Sequencer.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

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
// Unfinished instructions
//===----------------------------------------------------------------------===//

namespace {
/// The unfinished instructions of one unit, oldest first, in a ring that grows.
/// What most comparisons need, finish and hulls, is kept apart from the rest.
class Window {
public:
  struct Sketch {
    uint64_t finish = 0;
    Hull v, a, x, w;
    /// Whether the instruction may touch what `print` touches.
    bool meets(const Footprint &print) const {
      return v.meets(print.vHull) || a.meets(print.aHull) ||
             x.meets(print.xHull) || w.meets(print.wHull);
    }
  };

  Window() : sketches(16), prints(16) {}

  /// Adds an instruction. `print` must live on, unless `temporary`; `logged`
  /// is its place in the log.
  void push(uint64_t finish, size_t pc, size_t logged, const Footprint &print,
            bool temporary) {
    if (count == sketches.size())
      grow();
    const size_t at = index(count++);
    sketches[at] = {finish, print.vHull, print.aHull, print.xHull, print.wHull};
    prints[at].logged = logged;
    prints[at].pc = pc;
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
  size_t pc(size_t i) const { return prints[index(i)].pc; }
  /// Moves instruction i later, and in ext on.
  void move(size_t i, uint64_t cycles, int64_t bytes) {
    Sketch &sketch = sketches[index(i)];
    sketch.finish += cycles;
    if (bytes == 0)
      return;
    Footprint &print = prints[index(i)].own; // it has a register
    print.x.first = static_cast<int32_t>(print.x.first + bytes);
    print.xHull = Hull();
    print.xHull.add(print.x);
    sketch.x = print.xHull;
  }

private:
  struct Print {
    const Footprint *shared = nullptr;
    Footprint own;
    size_t logged = 0, pc = 0;
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

/// Everything that what comes after an `endloop` depends on, and the counters
/// so far, to be compared with what they are some passes later.
struct Snapshot {
  struct Pending {
    uint64_t finish;
    size_t pc;
    Footprint print;
  };
  struct Unit {
    std::vector<uint64_t> takes; // oldest first
    uint64_t issued = 0, end = 0;
    uint64_t heldByQueue = 0, heldByBarrier = 0, control = 0;
    std::vector<Pending> window;
  };
  uint64_t left = 0; // passes
  uint64_t dispatch = 0, allFinished = 0;
  uint64_t sets = 0;
  Registers registers;
  std::array<Unit, kNumUnits> units;
  size_t firstAccess = 0;
  /// Of the loop's body.
  std::vector<uint64_t> executed;
  std::vector<UnitCycles> instructions;
};

/// The search for the period of a loop that is being walked: the state is
/// compared with that after 1, 2, 4, 8, ... passes, so that a period of p
/// passes that begins after b is found within 3 max(p, b) passes.
struct LoopState {
  std::optional<Snapshot> snapshot;
  uint64_t passes = 0, nextSnapshot = 1;
  unsigned refusals = 0;
};

/// So many times accesses to ext may forbid a period that was found, and so
/// many accesses may lie in one: then the loop is walked to its end. Each is
/// compared with each.
constexpr unsigned kMostRefusals = 64;
constexpr size_t kMostAccesses = 1 << 12;

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
            std::vector<InstructionTimes> *log, bool shortcut)
      : program(program), registers(registers), log(log),
        shortcut(shortcut && !log) {
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
        fixed[pc] = makeFootprint(program, registers, inst);
    }
  }

  void control(size_t pc, const DecodedInstruction &inst);
  bool unit(size_t pc, const DecodedInstruction &inst);
  void trap(size_t, const char *, const std::string &) {}
  void enterLoop(size_t level);
  uint64_t repeatLoop(size_t level, size_t loopPc, size_t endPc, uint64_t left,
                      Registers &current);
  TimingResult finish();

private:
  /// Accounts for dispatch standing still in (after, before).
  void hold(uint64_t after, uint64_t before, bool barrier);
  /// What the cycles from the end of the unit's previous occupation to `s` are
  /// booked to.
  static UnitCycles idleBefore(const UnitState &state, uint64_t d, uint64_t s,
                               uint64_t ready, Hazard cause);

  void takeSnapshot(Snapshot &into, size_t loopPc, size_t endPc, uint64_t left);
  /// Whether the state equals that of the snapshot but for the time that has
  /// passed and the places in ext; fills in how far registers move meanwhile.
  bool repeats(const Snapshot &then, size_t loopPc, size_t endPc,
               Strides &strides);
  bool unitRepeats(const Snapshot &then, size_t number, const Strides &strides);
  /// The register by which the instruction finds its bytes in ext, if it has
  /// some.
  unsigned extRegister(size_t pc) const {
    const DecodedInstruction &inst = program.instructions()[pc];
    return inst.unit == isa::Unit::Store ? inst.dst.reg : inst.a.reg;
  }
  /// Registers that find something in vmem, amem or wmem in this loop: bit r.
  uint32_t localRegisters(size_t loopPc, size_t endPc);
  void skip(const Snapshot &then, size_t loopPc, size_t endPc, uint64_t periods,
            const Strides &strides, Registers &current);

  const LoadedProgram &program;
  const Registers &registers;
  std::vector<InstructionTimes> *log;
  const bool shortcut;
  TimingResult result;
  std::vector<Footprint> fixed; // by program counter; without touches if none
  std::array<UnitState, kNumUnits> units;
  bool started = false;
  uint64_t lastDispatch = 0;
  uint64_t allFinished = 0; // the latest finish so far
  size_t lastToFinish = kNotBlocked;

  std::array<LoopState, isa::kLoopDepth> loops;
  /// The accesses to ext since the oldest snapshot that is kept.
  std::vector<ExtAccess> accesses;
  /// Counts aset and astream, and says which was the last of a register.
  uint64_t sets = 0;
  std::array<uint64_t, isa::kNumRegisters> lastSet{};
  std::unordered_map<size_t, uint32_t> localMasks; // by loop
};
} // namespace

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
  if (inst.opcode == isa::Opcode::ASet || inst.opcode == isa::Opcode::AStream)
    lastSet[inst.reg] = ++sets;
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
    own = makeFootprint(program, registers, inst);
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
  state.window.push(finish, pc, logged, print, /*temporary=*/!shared);
  if (shortcut && (print.touches & (kXRead | kXWrite)))
    accesses.push_back({print.x.first, int64_t(print.x.first) + print.x.count,
                        uint8_t(extRegister(pc)),
                        (print.touches & kXWrite) != 0});
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

//===----------------------------------------------------------------------===//
// Loops that repeat themselves: docs/Rationale/Simulator.md, "Counting by the
// period"
//===----------------------------------------------------------------------===//

void Evaluator::enterLoop(size_t level) {
  for (size_t i = level; i < loops.size(); ++i)
    loops[i] = LoopState();
  if (level == 0)
    accesses.clear();
}

uint64_t Evaluator::repeatLoop(size_t level, size_t loopPc, size_t endPc,
                               uint64_t left, Registers &current) {
  if (!shortcut)
    return 0;
  if (accesses.size() > kMostAccesses) {
    accesses.clear();
    for (LoopState &loop : loops)
      loop.snapshot.reset();
  }
  LoopState &loop = loops[level];
  ++loop.passes;
  if (loop.snapshot) {
    const Snapshot &then = *loop.snapshot;
    const uint64_t period = then.left - left;
    Strides strides;
    // One pass at least is left to walk: it ends the loop.
    if (left > period && repeats(then, loopPc, endPc, strides)) {
      std::vector<ExtAccess> all(accesses.begin() +
                                     static_cast<int64_t>(then.firstAccess),
                                 accesses.end());
      for (const Snapshot::Unit &unit : then.units)
        for (const Snapshot::Pending &pending : unit.window)
          if (pending.print.touches & (kXRead | kXWrite))
            all.push_back(
                {pending.print.x.first,
                 int64_t(pending.print.x.first) + pending.print.x.count,
                 uint8_t(extRegister(pending.pc)),
                 (pending.print.touches & kXWrite) != 0});
      const uint64_t periods = steadyPeriods(all, strides, (left - 1) / period);
      if (periods > 0) {
        skip(then, loopPc, endPc, periods, strides, current);
        loop = LoopState();
        return periods * period;
      }
      if (++loop.refusals == kMostRefusals) {
        loop.snapshot.reset();
        loop.nextSnapshot = ~uint64_t(0);
      }
    }
  }
  if (loop.passes == loop.nextSnapshot && left > 2) {
    loop.nextSnapshot *= 2;
    loop.snapshot.reset();
    for (size_t i = level + 1; i < loops.size(); ++i)
      loops[i].snapshot.reset();
    if (std::none_of(loops.begin(), loops.end(),
                     [](const LoopState &l) { return l.snapshot.has_value(); }))
      accesses.clear();
    takeSnapshot(loop.snapshot.emplace(), loopPc, endPc, left);
  }
  return 0;
}

void Evaluator::takeSnapshot(Snapshot &into, size_t loopPc, size_t endPc,
                             uint64_t left) {
  into.left = left;
  into.dispatch = lastDispatch;
  into.allFinished = allFinished;
  into.sets = sets;
  into.registers = registers;
  into.firstAccess = accesses.size();
  for (size_t u = 0; u < kNumUnits; ++u) {
    UnitState &unit = units[u];
    Snapshot::Unit &saved = into.units[u];
    for (size_t i = 0; i < unit.takes.size(); ++i)
      saved.takes.push_back(
          unit.takes[(unit.nextTake + i) % unit.takes.size()]);
    saved.issued = unit.issued;
    saved.end = unit.end;
    saved.heldByQueue = unit.heldByQueue;
    saved.heldByBarrier = unit.heldByBarrier;
    saved.control = unit.control;
    unit.window.dropFinished(lastDispatch + 2);
    for (size_t i = 0; i < unit.window.size(); ++i)
      saved.window.push_back({unit.window.sketch(i).finish, unit.window.pc(i),
                              unit.window.print(i)});
  }
  const auto first = static_cast<int64_t>(loopPc),
             last = static_cast<int64_t>(endPc) + 1;
  into.executed.assign(result.executed.begin() + first,
                       result.executed.begin() + last);
  into.instructions.assign(result.instructions.begin() + first,
                           result.instructions.begin() + last);
}

uint32_t Evaluator::localRegisters(size_t loopPc, size_t endPc) {
  auto [it, isNew] = localMasks.try_emplace(loopPc, 0);
  if (isNew)
    for (size_t pc = loopPc; pc <= endPc; ++pc) {
      const DecodedInstruction &inst = program.instructions()[pc];
      if (inst.unit == isa::Unit::Control)
        continue;
      if (inst.unit != isa::Unit::Store)
        it->second |= 1u << inst.dst.reg;
      if (inst.unit != isa::Unit::Load)
        it->second |= 1u << inst.a.reg;
      it->second |= 1u << inst.b.reg;
    }
  return it->second;
}

bool Evaluator::repeats(const Snapshot &then, size_t loopPc, size_t endPc,
                        Strides &strides) {
  const uint32_t local = localRegisters(loopPc, endPc);
  const Registers &before = then.registers;
  for (size_t r = 0; r < isa::kNumRegisters; ++r) {
    strides[r] = int64_t(registers.value[r]) - before.value[r];
    if (registers.size[r] != before.size[r] || registers.lo[r] != before.lo[r])
      return false;
    // Only what walks by additions alone, and only in ext, may be elsewhere.
    const bool mayMove =
        registers.size[r] == 0 && !(local >> r & 1) && lastSet[r] <= then.sets;
    if (strides[r] != 0 && !mayMove)
      return false;
  }
  const uint64_t passed = lastDispatch - then.dispatch;
  // The next dispatch is later than this one.
  if (std::max(allFinished, lastDispatch + 1) !=
      std::max(then.allFinished, then.dispatch + 1) + passed)
    return false;
  for (size_t u = 0; u < kNumUnits; ++u)
    if (!unitRepeats(then, u, strides))
      return false;
  return true;
}

bool Evaluator::unitRepeats(const Snapshot &then, size_t number,
                            const Strides &strides) {
  UnitState &unit = units[number];
  const Snapshot::Unit &old = then.units[number];
  const uint64_t passed = lastDispatch - then.dispatch;
  const uint64_t next = lastDispatch + 1, oldNext = then.dispatch + 1;
  for (size_t i = 0; i < unit.takes.size(); ++i)
    if (std::max(unit.takes[(unit.nextTake + i) % unit.takes.size()], next) !=
        std::max(old.takes[i], oldNext) + passed)
      return false;
  if (unit.issued == old.issued) {
    // It stands still and only waits longer.
    if (unit.end > oldNext)
      return false;
  } else {
    // What it has idled so far will be booked to its next instruction.
    if (old.issued == 0 || unit.end != old.end + passed ||
        unit.heldByQueue != old.heldByQueue ||
        unit.heldByBarrier != old.heldByBarrier || unit.control != old.control)
      return false;
  }
  unit.window.dropFinished(lastDispatch + 2);
  if (unit.window.size() != old.window.size())
    return false;
  for (size_t i = 0; i < old.window.size(); ++i) {
    const Snapshot::Pending &pending = old.window[i];
    const Footprint &now = unit.window.print(i), &print = pending.print;
    if (unit.window.sketch(i).finish != pending.finish + passed ||
        unit.window.pc(i) != pending.pc || now.v[0] != print.v[0] ||
        now.v[1] != print.v[1] || now.vWrite != print.vWrite ||
        now.a != print.a || now.w != print.w || now.x.count != print.x.count)
      return false;
    if ((print.touches & (kXRead | kXWrite)) &&
        now.x.first != print.x.first + strides[extRegister(pending.pc)])
      return false;
  }
  return true;
}

void Evaluator::skip(const Snapshot &then, size_t loopPc, size_t endPc,
                     uint64_t periods, const Strides &strides,
                     Registers &current) {
  const uint64_t later = periods * (lastDispatch - then.dispatch);
  const auto times = static_cast<int64_t>(periods);
  for (size_t pc = loopPc; pc <= endPc; ++pc) {
    result.executed[pc] +=
        periods * (result.executed[pc] - then.executed[pc - loopPc]);
    UnitCycles &cycles = result.instructions[pc];
    const UnitCycles &old = then.instructions[pc - loopPc];
    for (const CycleUseInfo &use : kCycleUses)
      cycles.*use.count += periods * (cycles.*use.count - old.*use.count);
  }
  for (size_t u = 0; u < kNumUnits; ++u) {
    UnitState &unit = units[u];
    const Snapshot::Unit &old = then.units[u];
    for (uint64_t &take : unit.takes)
      take += later;
    if (unit.issued != old.issued) {
      unit.end += later;
    } else {
      unit.heldByQueue += periods * (unit.heldByQueue - old.heldByQueue);
      unit.heldByBarrier += periods * (unit.heldByBarrier - old.heldByBarrier);
      unit.control += periods * (unit.control - old.control);
    }
    unit.issued += periods * (unit.issued - old.issued);
    for (size_t i = 0; i < unit.window.size(); ++i) {
      const size_t pc = unit.window.pc(i);
      const bool inExt = unit.window.print(i).touches & (kXRead | kXWrite);
      unit.window.move(i, later, inExt ? times * strides[extRegister(pc)] : 0);
    }
  }
  lastDispatch += later;
  allFinished += later;
  // A loop around this one must know where the passes went.
  for (size_t i = then.firstAccess; i < accesses.size(); ++i) {
    const int64_t way = times * strides[accesses[i].reg];
    (way < 0 ? accesses[i].begin : accesses[i].end) += way;
    accesses[i].hull |= way != 0;
  }
  for (size_t r = 0; r < isa::kNumRegisters; ++r)
    current.value[r] =
        static_cast<int32_t>(current.value[r] + times * strides[r]);
}

TimingResult sim::computeTiming(const LoadedProgram &program, Entry entry,
                                int64_t steps, const Registers &start,
                                const StreamLayout &layout,
                                std::vector<InstructionTimes> *log,
                                bool shortcut) {
  Registers registers = start;
  Evaluator evaluator(program, registers, log, shortcut);
  walk(program, entry, steps, layout, registers, evaluator);
  return evaluator.finish();
}
