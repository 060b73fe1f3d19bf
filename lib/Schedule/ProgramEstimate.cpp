// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows a program and counts its cycles.

#include "hcgs/Schedule/ProgramEstimate.h"

#include "hcgs/Schedule/MachineTiming.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/TargetModel.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

using namespace hcgs;
using namespace hcgs::schedule;

namespace {

/// What timing needs of a matrix.
struct MatrixTiming {
  MatrixDescriptor descriptor;
  compression::WeightLayout layout;
  /// By the gates computed; made when they are first needed.
  std::array<std::optional<RowGroupTiming>, 16> groups;
};

/// Follows a program through its loops. A loop whose passes repeat themselves
/// is not followed to its end; docs/Rationale/Simulator.md ("Counting by the
/// period") proves that nothing is lost.
class Follower {
public:
  Follower(const MachineTiming &timing, uint64_t steps, bool shortcut)
      : timing(timing), steps(steps), shortcut(shortcut), clock(timing.queues) {
  }

  Result<void> readProgram(const Program &program);
  Result<ProgramEstimate> run(size_t pc);

private:
  struct Register {
    int64_t value = 0, lo = 0, size = 0;
  };
  using Registers = std::array<Register, isa::kNumRegisters>;
  /// Bytes of ext and the register they were found by.
  struct ExtBytes {
    int64_t begin, end;
    unsigned reg;
    bool write;
  };
  /// How things stood after some pass of a loop, and what it did since.
  struct Mark {
    int64_t left;
    int64_t dispatched;
    Registers registers;
    std::vector<int64_t> clock;
    std::vector<Touch> pending; // in ext
    ProgramEstimate counts;
    std::vector<ExtBytes> ext;
    /// Registers that found elements of other memories, and that were set.
    uint32_t local = 0, set = 0;
  };
  struct Level {
    size_t first;
    int64_t left;
    int64_t passes = 0;
    /// The pass after which the next mark is made.
    int64_t nextMark = 1;
    unsigned refusals = 0;
    std::optional<Mark> mark = {};
  };

  void touch(Memory memory, isa::Addr address, int64_t n, bool write);
  void vectorUnit(uint64_t n) {
    issue(Unit::Vector, timing.vector(n), timing.vectorLatency);
  }
  void issue(Unit unit, uint64_t occ, uint64_t lat) {
    current.unit = unit;
    current.occ = occ;
    current.lat = lat;
    estimate.busy[static_cast<unsigned>(unit)] += occ;
    clock.issue(current);
  }
  void multiply(const isa::Mvm &mvm);
  /// T-H-2: the bytes of the codes of rows begin .. end-1, which are at
  /// boundaries of row blocks.
  void touchWeights(const MatrixTiming &matrix, int64_t begin, int64_t end);
  /// A pass of the innermost loop is over and another follows: skips those
  /// that are known.
  void passDone();
  void skipPeriods(const Mark &mark);
  /// How many periods from the mark to now may follow each other with all bytes
  /// of ext in the streams they are in now, no stream both loaded and stored,
  /// but at most `most`.
  int64_t periodsApart(const Mark &mark, int64_t most) const;
  /// The stream that has all these bytes, or -1.
  int streamOf(int64_t begin, int64_t end) const;
  void setRegister(unsigned number, const Register &value) {
    registers[number] = value;
    for (Level &level : loops)
      if (level.mark)
        level.mark->set |= 1u << number;
  }
  /// Executes one instruction; returns false at `halt`.
  bool execute(const isa::Instruction &instruction, size_t &pc);

  const MachineTiming &timing;
  int64_t steps;
  bool shortcut;
  CycleModel clock;
  std::vector<isa::Instruction> text;
  /// Whether there is a `wload`.
  bool loadsWeights = false;
  std::vector<MatrixTiming> matrices;
  /// Where each stream begins, one after the other, and the end of the last.
  std::vector<int64_t> streams;
  Registers registers = {};
  std::vector<Level> loops;
  Executed current;
  ProgramEstimate estimate;
};

} // namespace

Result<void> Follower::readProgram(const Program &program) {
  for (size_t pc = 0; pc < program.numInstructions(); ++pc) {
    Result<isa::Instruction> instruction = isa::decode(program.word(pc));
    if (!instruction)
      return instruction.takeError().at("instruction " + std::to_string(pc));
    loadsWeights |= std::holds_alternative<isa::WLoad>(*instruction);
    text.push_back(*instruction);
  }
  auto descriptors = readDescriptors(program.descriptors);
  if (!descriptors)
    return descriptors.takeError();
  for (MatrixDescriptor &descriptor : *descriptors) {
    Result<compression::WeightLayout> layout =
        readLayout(descriptor, program.index);
    if (!layout)
      return layout.takeError();
    matrices.push_back({std::move(descriptor), std::move(*layout), {}});
  }
  nlohmann::json meta =
      nlohmann::json::parse(program.meta, nullptr, /*allow_exceptions=*/false);
  if (!meta.is_object() || !meta.contains("streams"))
    return Error{"the metadata have no streams"};
  int64_t next = 0;
  for (const nlohmann::json &stream : meta["streams"]) {
    streams.push_back(next);
    int64_t bytes = 2 * stream.value("elements", int64_t(0));
    next += bytes * (stream.value("kind", "") == "step" ? steps : 1);
  }
  streams.push_back(next);
  return {};
}

/// S-R-2: one range, or two where the ring wraps.
void Follower::touch(Memory memory, isa::Addr address, int64_t n, bool write) {
  const Register &reg = registers[address.reg];
  int64_t first = reg.value + address.off;
  for (Level &level : loops)
    if (level.mark) {
      if (memory == Memory::Ext)
        level.mark->ext.push_back({first, first + n, address.reg, write});
      else
        level.mark->local |= 1u << address.reg;
    }
  if (!reg.size) {
    current.touches.push_back({memory, first, first + n, write});
    return;
  }
  first = ((first - reg.lo) % reg.size + reg.size) % reg.size;
  int64_t here = std::min(n, reg.size - first);
  current.touches.push_back(
      {memory, reg.lo + first, reg.lo + first + here, write});
  if (here < n)
    current.touches.push_back({memory, reg.lo, reg.lo + n - here, write});
}

void Follower::touchWeights(const MatrixTiming &matrix, int64_t begin,
                            int64_t end) {
  const MatrixDescriptor &d = matrix.descriptor;
  const int64_t first = matrix.layout.firstWordOf(begin) * d.format.bits;
  const int64_t last = matrix.layout.firstWordOf(end) * d.format.bits;
  if (first < last)
    current.touches.push_back({Memory::W, d.weightOffset + first / 8,
                               d.weightOffset + (last + 7) / 8,
                               /*write=*/false});
}

void Follower::multiply(const isa::Mvm &mvm) {
  if (mvm.desc >= matrices.size())
    return;
  MatrixTiming &matrix = matrices[mvm.desc];
  const MatrixDescriptor &d = matrix.descriptor;
  unsigned gates = std::popcount(mvm.gates.mask);
  int64_t begin = int64_t(mvm.first) * d.rowBlock;
  int64_t end =
      std::min<int64_t>(begin + int64_t(mvm.count) * d.rowBlock, d.rows);
  touch(Memory::V, mvm.src, d.colRange().size(), /*write=*/false);
  if (loadsWeights) // else nothing writes wmem, and nothing can conflict
    touchWeights(matrix, begin, end);
  // Gates of a row block lie one after the other (WI-A-1); `dst` is where the
  // first row block begins.
  for (int64_t row = begin; row < end; row += d.rowBlock) {
    int64_t height = std::min<int64_t>(d.rowBlock, d.rows - row);
    for (unsigned gate = 0; gate < d.gates; ++gate) {
      if (!mvm.gates.has(gate))
        continue;
      isa::Addr place = mvm.dst;
      place.off += (row - begin) * d.gates + gate * height;
      touch(Memory::A, place, height, /*write=*/true);
    }
  }
  std::optional<RowGroupTiming> &groups = matrix.groups[mvm.gates.mask & 15];
  if (!groups)
    groups.emplace(matrix.layout, mvm.gates.mask & 15, timing.lanes,
                   d.colRange());
  estimate.macs += groups->macs(begin, end);
  const uint64_t occ =
      matrix.layout.isDense()
          ? timing.dense(uint64_t(end - begin) * gates, d.colRange().size(),
                         mvm.tile, mvm.retile)
          : groups->cycles(begin, end);
  issue(Unit::Matrix, occ, timing.matrixFill);
}

bool Follower::execute(const isa::Instruction &instruction, size_t &pc) {
  ++estimate.instructions;
  ++estimate.walked;
  current.touches.clear();
  ++pc;
  return std::visit(
      [&](const auto &i) -> bool {
        using T = std::decay_t<decltype(i)>;
        if constexpr (std::is_same_v<T, isa::Halt>) {
          estimate.cycles = clock.halt();
          return false;
        } else if constexpr (std::is_same_v<T, isa::Barrier>) {
          clock.barrier();
        } else if constexpr (std::is_same_v<T, isa::Loop>) {
          clock.control();
          int64_t trips = std::max<int64_t>(0, (i.trips.seq ? steps : 0) +
                                                   int64_t(i.trips.imm));
          if (i.cap)
            trips = std::min<int64_t>(trips, i.cap);
          if (trips)
            loops.push_back({pc, trips});
          else
            pc += i.length;
        } else if constexpr (std::is_same_v<T, isa::EndLoop>) {
          clock.control();
          if (!loops.empty()) {
            if (--loops.back().left) {
              passDone();
              pc = loops.back().first;
            } else {
              loops.pop_back();
            }
          }
        } else if constexpr (std::is_same_v<T, isa::ASet>) {
          clock.control();
          setRegister(i.dst, {i.value, i.lo, i.size});
        } else if constexpr (std::is_same_v<T, isa::AStream>) {
          clock.control();
          int64_t base =
              i.stream + size_t(1) < streams.size() ? streams[i.stream] : 0;
          setRegister(i.dst, {base + i.imm + steps * i.tscale, 0, 0});
        } else if constexpr (std::is_same_v<T, isa::AAdd>) {
          clock.control();
          Register &reg = registers[i.dst];
          reg.value += i.imm;
          if (reg.size)
            reg.value = reg.lo +
                        ((reg.value - reg.lo) % reg.size + reg.size) % reg.size;
        } else if constexpr (std::is_same_v<T, isa::Load>) {
          touch(Memory::Ext, i.src, 2 * int64_t(i.n), false);
          touch(Memory::V, i.dst, i.n, true);
          issue(Unit::Load, timing.transfer(timing.load, i.n), 0);
        } else if constexpr (std::is_same_v<T, isa::Store>) {
          touch(Memory::V, i.src, i.n, false);
          touch(Memory::Ext, i.dst, 2 * int64_t(i.n), true);
          issue(Unit::Store, timing.transfer(timing.store, i.n), 0);
        } else if constexpr (std::is_same_v<T, isa::WLoad>) {
          touch(Memory::Ext, i.src, i.n, false);
          touch(Memory::W, i.dst, i.n, true);
          issue(Unit::Load, timing.transferBytes(timing.load, i.n), 0);
        } else if constexpr (std::is_same_v<T, isa::Mvm>) {
          multiply(i);
        } else if constexpr (std::is_same_v<T, isa::Act> ||
                             std::is_same_v<T, isa::Requant>) {
          touch(Memory::A, i.src, i.n, false);
          touch(Memory::V, i.dst, i.n, true);
          vectorUnit(i.n);
        } else if constexpr (std::is_same_v<T, isa::VMac>) {
          touch(Memory::V, i.a, i.n, false);
          touch(Memory::V, i.b, i.n, false);
          touch(Memory::A, i.dst, i.n, true);
          vectorUnit(i.n);
        } else if constexpr (std::is_same_v<T, isa::VAcc>) {
          touch(Memory::V, i.src, i.n, false);
          touch(Memory::A, i.dst, i.n, true);
          vectorUnit(i.n);
        } else if constexpr (std::is_same_v<T, isa::VCopy>) {
          touch(Memory::V, i.src, i.n, false);
          touch(Memory::V, i.dst, i.n, true);
          vectorUnit(i.n);
        } else {
          static_assert(std::is_same_v<T, isa::Fill>);
          touch(Memory::V, i.dst, i.n, true);
          vectorUnit(i.n);
        }
        return true;
      },
      instruction);
}

int Follower::streamOf(int64_t begin, int64_t end) const {
  // The last stream that does not begin after it: empty ones hold nothing.
  auto next = std::upper_bound(streams.begin(), streams.end(), begin);
  if (next == streams.begin() || next == streams.end() || end > *next)
    return -1;
  return int(next - streams.begin()) - 1;
}

int64_t Follower::periodsApart(const Mark &mark, int64_t most) const {
  std::array<bool, 256> loaded = {}, stored = {};
  for (const ExtBytes &bytes : mark.ext) {
    const int64_t way =
        most * (registers[bytes.reg].value - mark.registers[bytes.reg].value);
    const int stream = streamOf(bytes.begin, bytes.end);
    if (stream < 0 || stream >= int(loaded.size()) ||
        streamOf(bytes.begin + way, bytes.end + way) != stream)
      return 0;
    (bytes.write ? stored : loaded)[size_t(stream)] = true;
  }
  for (size_t i = 0; i < loaded.size(); ++i)
    if (loaded[i] && stored[i])
      return 0;
  // Nor may the loop have to wait for what came before it.
  for (const Touch &touch : mark.pending) {
    const int stream = streamOf(touch.begin, touch.end);
    if (stream < 0 || stream >= int(loaded.size()) ||
        (touch.write ? loaded : stored)[size_t(stream)])
      return 0;
  }
  return most;
}

void Follower::skipPeriods(const Mark &mark) {
  Level &level = loops.back();
  const int64_t passes = mark.left - level.left;
  const int64_t cycles = clock.lastDispatch() - mark.dispatched;
  // What is under way now must be over when the loop ends: then it does not
  // matter where in ext it was.
  const int64_t underWay =
      std::max<int64_t>(0, int64_t(clock.lastFinish()) - clock.lastDispatch());
  const int64_t most =
      (level.left - 1) / passes - (underWay + cycles - 1) / cycles;
  if (most < 1)
    return;
  const int64_t periods = periodsApart(mark, most);
  if (periods == 0) {
    if (++level.refusals == 16)
      level.nextMark = -1;
    return;
  }
  const auto times = uint64_t(periods);
  estimate.instructions +=
      times * (estimate.instructions - mark.counts.instructions);
  estimate.macs += times * (estimate.macs - mark.counts.macs);
  for (size_t unit = 0; unit < estimate.busy.size(); ++unit)
    estimate.busy[unit] +=
        times * (estimate.busy[unit] - mark.counts.busy[unit]);
  clock.delay(times * uint64_t(cycles));
  // Loops around this one see the bytes of all periods as one range each.
  for (size_t i = 0; i + 1 < loops.size(); ++i)
    if (loops[i].mark)
      for (ExtBytes bytes : mark.ext) {
        const int64_t way = periods * (registers[bytes.reg].value -
                                       mark.registers[bytes.reg].value);
        (way < 0 ? bytes.begin : bytes.end) += way;
        loops[i].mark->ext.push_back(bytes);
      }
  for (size_t r = 0; r < registers.size(); ++r)
    registers[r].value +=
        periods * (registers[r].value - mark.registers[r].value);
  level.left -= periods * passes;
  level.mark.reset(); // `mark` is gone
  level.nextMark = -1;
}

void Follower::passDone() {
  Level &level = loops.back();
  ++level.passes;
  if (!shortcut || level.nextMark < 0 || level.left < 2)
    return;
  if (level.mark && level.mark->ext.size() > 1 << 16)
    level.mark.reset();
  if (level.mark) {
    const Mark &mark = *level.mark;
    bool same = true;
    for (size_t r = 0; r < registers.size() && same; ++r) {
      const Register &now = registers[r], &then = mark.registers[r];
      const bool pinned = then.size || (mark.local | mark.set) >> r & 1;
      same = now.lo == then.lo && now.size == then.size &&
             (now.value == then.value || !pinned);
    }
    std::vector<int64_t> state;
    if (same)
      clock.appendState(state);
    if (same && state == mark.clock) {
      skipPeriods(mark);
      if (level.nextMark < 0)
        return;
    }
  }
  if (level.passes == level.nextMark) {
    level.nextMark *= 2;
    level.mark = Mark{level.left, clock.lastDispatch(), registers,
                      {},         clock.pendingExt(),   estimate,
                      {}};
    clock.appendState(level.mark->clock);
  }
}

Result<ProgramEstimate> Follower::run(size_t pc) {
  while (pc < text.size())
    if (!execute(text[pc], pc))
      return estimate;
  return Error{"the entry runs past the last instruction"};
}

Result<ProgramEstimate> schedule::estimateProgram(const Program &program,
                                                  std::string_view entry,
                                                  uint64_t steps,
                                                  bool shortcut) {
  Result<TargetModel> target = parseTarget(program.target, "target");
  if (!target)
    return target.takeError();
  nlohmann::json meta =
      nlohmann::json::parse(program.meta, nullptr, /*allow_exceptions=*/false);
  auto pc = nlohmann::json::json_pointer("/entries/" + std::string(entry));
  if (!meta.is_object() || !meta.contains(pc) || !meta[pc].is_number_unsigned())
    return Error{"the program has no entry '" + std::string(entry) + "'"};
  MachineTiming timing = timingOf(*target);
  Follower follower(timing, steps, shortcut);
  if (Result<void> read = follower.readProgram(program); !read)
    return read.takeError();
  return follower.run(meta[pc].get<size_t>());
}
