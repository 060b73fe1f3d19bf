// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seeded random programs on random targets: rings that wrap, nested loops with
// and without trips, barriers, all instructions, queues from one entry up,
// views of matrices, spilled weights that are loaded in pieces over each other.
// The simulator must equal the reference machine in every element of memory,
// every saturation, every dispatch, take and finish, and every counted cycle.
//
#include "ReferenceMachine.h"
#include "TestProgram.h"
#include "hcgs/Schedule/ProgramEstimate.h"
#include "hcgs/Sim/Machine.h"
#include "hcgs/Sim/Timing.h"
#include "hcgs/Target/Assembly.h"

#include <gtest/gtest.h>

#include <cstring>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using compression::Balance;
using compression::Pattern;

namespace {
constexpr unsigned kMemory = 96;  // elements of vmem and of amem
constexpr unsigned kElements = 8; // of every stream
constexpr int kWeights = 2048;    // where spilled weights may be loaded
constexpr int kWeightBytes = 400; // and how many

/// Writes one random program. Operands are either absolute or relative to a
/// register with a ring, so that they are always in range; `ext` operands
/// follow an astream that makes them so.
class Generator {
public:
  /// With `trips`, loops make up to so many, and there are more of them.
  explicit Generator(unsigned seed, int trips = 0)
      : random(seed), trips(trips) {
    steps = between(1, trips ? trips : 6);
    spills = between(0, 1);
    for (const char *pointer :
         {"/memories/vmem/elements", "/memories/amem/elements"})
      builder.set(pointer, kMemory);
    builder.set("/memories/wmem/bytes", kWeights + kWeightBytes);
    for (const char *unit : {"load", "matrix", "vector", "store"})
      builder.set(std::string("/queues/") + unit, between(1, 5));
    for (const char *port : {"load", "store"}) {
      builder.set(std::string("/") + port + "/latency", between(0, 4));
      builder.set(std::string("/") + port + "/port_bytes", between(1, 8));
    }
    builder.set("/vector/lanes", between(1, 8));
    builder.set("/vector/latency", between(0, 6));
    builder.set("/matrix/fill", between(0, 6));
    const int lanes = between(2, 16);
    builder.set("/mac/lanes", lanes);
    auto tiles = nlohmann::json::array();
    for (int rows = 1; rows <= lanes; ++rows)
      if (lanes % rows == 0)
        tiles.push_back({rows, lanes / rows});
    numTiles = int(tiles.size());
    std::shuffle(tiles.begin(), tiles.end(), random);
    builder.set("/mac/tiles", tiles);
    builder.stream("x", "step", "in", kElements)
        .stream("y", "step", "out", kElements)
        .stream("h", "sequence", "out", kElements)
        .stream("s", "step", "scratch", kElements);
    makeMatrices();
    if (spills)
      builder.weightStream("weights");
    for (int i = 0; i < 2; ++i)
      input.tables.push_back(makeTable(random));
    for (const numerics::PwlTable &table : input.tables)
      builder.table(table);
    input.initial.push_back({unsigned(between(0, 20)), {}});
    for (int i = between(1, 40); i > 0; --i)
      input.initial[0].values.push_back(
          static_cast<int16_t>(between(-3000, 3000)));
    builder.initial(input.initial[0].first, input.initial[0].values);

    builder.entry("run");
    for (int reg = 1; reg <= 8; ++reg)
      setRing(reg);
    emit(fmt::format("aset a9, {} ring {} + {}", kWeights + 7, kWeights,
                     kWeightBytes));
    for (int reg = 22; trips && reg <= 24; ++reg)
      emit(fmt::format("astream a{}, stream {}", reg, between(0, 3)));
    block(between(5, 14), 0);
    if (trips)
      nest(fmt::format("loop {}", between(trips / 2, 2 * trips)), 0);
    emit("halt");
  }

  /// The loaded program, and where its streams lie; null if it is refused.
  LoadedProgram::Ptr load(StreamLayout &layout) const {
    LoadedProgram::Ptr program = builder.load();
    Result<StreamLayout> found =
        program ? program->layoutStreams(steps) : StreamLayout();
    if (!found)
      return nullptr;
    layout = std::move(*found);
    return program;
  }

  std::mt19937 random;
  int64_t steps;
  bool spills;
  int numTiles;
  ProgramBuilder builder;
  ReferenceInput input;
  std::string text;

private:
  int trips;
  int between(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  }
  void emit(const std::string &line) {
    text += line + "\n";
    builder.code(line);
  }

  void makeMatrices() {
    for (int i = 0; i < 8; ++i) {
      const bool spilled = i > 4;
      if (spilled && !spills)
        break;
      numerics::WeightFormat format;
      format.bits = between(2, 8);
      // Every pattern is a weight, whatever is loaded over what.
      if (spilled)
        format.encoding = numerics::WeightEncoding::SignMag;
      const unsigned gates = between(1, 4), rows = between(1, 7),
                     cols = between(1, 12);
      TestMatrix matrix;
      if (i == 0 || i == 5) {
        matrix = makeDense(random, gates, rows, cols, between(1, rows), format);
      } else if ((i == 4 || i == 6) && std::max(rows, cols) > 1) {
        const unsigned size = between(2, std::max(rows, cols));
        matrix = makeCirculant(random, gates, rows, cols,
                               size * unsigned(between(1, 2)), size, format);
      } else {
        Pattern pattern;
        for (int tier = 0, tiers = between(1, 3); tier < tiers; ++tier) {
          pattern.tiers.push_back(
              {between(1, tier ? pattern.tiers.back().rows : 4),
               between(1, tier ? pattern.tiers.back().cols : 6), 1,
               between(1, 3), Balance(between(0, 3))});
          if (!verifyShape(pattern, rows, cols))
            pattern.tiers.back().balance = Balance::Row;
        }
        matrix = makeHcgs(random, gates, rows, cols,
                          pattern.tiers[0].rows * unsigned(between(1, 2)),
                          pattern, format, between(0, 1));
      }
      if (between(0, 1)) {
        matrix.descriptor.bias = static_cast<uint32_t>(input.biases.size());
        for (unsigned r = 0; r < rows * gates; ++r)
          input.biases.push_back(static_cast<int32_t>(random()));
      }
      if (spilled) {
        // The reference takes the place from the descriptor.
        matrix.descriptor.weightOffset =
            kWeights +
            between(0, kWeightBytes - int(matrix.weightImage.size()));
        matrix.descriptor.spill = uint32_t(builder.spillBytes());
        builder.spilled(matrix, matrix.descriptor.weightOffset);
      } else {
        builder.matrix(matrix);
      }
      input.matrices.push_back(matrix);
      if (between(0, 2) == 0)
        continue;
      MatrixDescriptor &d = matrix.descriptor;
      const int step = d.kind == MatrixKind::Dense ? 1
                       : d.kind == MatrixKind::Circulant
                           ? int(d.block)
                           : d.pattern.tiers[0].cols;
      const int blocks = (int(cols) + step - 1) / step;
      const int first = between(0, blocks - 1),
                last = between(first, blocks - 1);
      d.colBegin = uint32_t(first * step);
      d.colEnd = std::min(cols, unsigned((last + 1) * step));
      if (between(0, 1))
        d.bias.reset();
      builder.view(unsigned(input.matrices.size()) - 1, d.colBegin, d.colEnd,
                   d.bias);
      input.matrices.push_back(std::move(matrix));
    }
    builder.biases(input.biases);
  }

  void setRing(int reg) {
    // With long loops, rings that come round after a few passes.
    const int size = trips ? 32 * between(1, 3) : between(30, kMemory);
    const int lo = between(0, kMemory - size);
    emit(fmt::format("aset a{}, {} ring {} + {}", reg,
                     between(lo, lo + size - 1), lo, size));
  }

  /// An operand of at most 28 elements.
  std::string operand(char space, int n) {
    if (between(0, 2) == 0)
      return fmt::format("{}[{}]", space, between(0, kMemory - n));
    const int off = between(-60, 60);
    return fmt::format("{}[a{} {} {}]", space, between(1, 8),
                       off < 0 ? '-' : '+', std::abs(off));
  }

  /// Points a20 or a21 into a stream; the operand is inside it.
  std::string extOperand(bool written, int n) {
    // With long loops, registers that walk, through all streams and beyond:
    // only the clock follows them.
    if (trips && between(0, 3))
      return fmt::format("x[a{} + {}]", between(22, 24), between(0, 40));
    const int stream = written ? between(1, 3) : between(0, 1) * 3;
    const int bytes =
        stream == 2 ? int(kElements) * 2 : int(kElements) * 2 * int(steps);
    const int place = between(0, bytes - 2 * n);
    const int reg = between(20, 21), off = between(-40, 40);
    const int tscale = between(-3, 3), added = between(-9, 9);
    emit(fmt::format("astream a{}, stream {} imm {} tscale {}", reg, stream,
                     place - off - added - tscale * int(steps), tscale));
    emit(fmt::format("aadd a{}, {}", reg, added));
    return fmt::format("x[a{} {} {}]", reg, off < 0 ? '-' : '+', std::abs(off));
  }

  /// Loads some bytes of the spilled weights somewhere.
  void loadWeights() {
    const int bytes = int(builder.spillBytes());
    const int n = between(1, std::min(bytes, kWeightBytes));
    const int place = between(0, bytes - n), off = between(-40, 40);
    emit(fmt::format("astream a30, stream 4 imm {}", place - off));
    const std::string to =
        between(0, 1)
            ? fmt::format("w[{}]", kWeights + between(0, kWeightBytes - n))
            : fmt::format("w[a9 + {}]", between(0, 400));
    emit(fmt::format("wload {}, x[a30 {} {}], n {}", to, off < 0 ? '-' : '+',
                     std::abs(off), n));
  }

  void block(int count, int depth) {
    for (int i = 0; i < count; ++i)
      statement(depth);
  }

  void statement(int depth) {
    const int n = between(1, 20), m = between(1, int(kElements));
    const char *init = between(0, 1) ? "acc" : "zero";
    switch (between(spills ? -2 : 0, 13)) {
    case -2:
    case -1:
      loadWeights();
      break;
    case 0:
      emit(fmt::format("load {1}, {0}, n {2}", extOperand(false, m),
                       operand('v', m), m));
      break;
    case 1:
      emit(fmt::format("store {}, {}, n {}", extOperand(true, m),
                       operand('v', m), m));
      break;
    case 2:
    case 3:
    case 4: {
      const int desc = between(0, int(input.matrices.size()) - 1);
      const MatrixDescriptor &d = input.matrices[desc].descriptor;
      const int first = between(0, int(d.rowBlocks()) - 1);
      const int blocks = between(1, int(d.rowBlocks()) - first);
      std::string gates;
      while (gates.empty())
        for (unsigned g = 0; g < d.gates; ++g)
          if (between(0, 2))
            gates += isa::kGateLetters[g];
      emit(fmt::format(
          "mvm {}, {}, desc {}, blocks {} + {}, gates {}, init {}, "
          "shifts [{}, {}, {}, {}], tile {}{}",
          operand('a', 28), operand('v', 12), desc, first, blocks, gates,
          d.bias && between(0, 1) ? "bias" : init, between(0, 15),
          between(0, 3), between(0, 3), between(0, 15),
          between(0, numTiles - 1), between(0, 1) ? " retile" : ""));
      break;
    }
    case 5:
      emit(fmt::format("act {}, {}, n {}, shift {}, table {}", operand('v', n),
                       operand('a', n), n, between(-15, 31), between(0, 1)));
      break;
    case 6:
      emit(fmt::format("requant {}, {}, n {}, shift {}, bits {}",
                       operand('v', n), operand('a', n), n, between(-15, 31),
                       between(2, 16)));
      break;
    case 7:
      emit(fmt::format("vmac {}, {}, {}, n {}, lshift {}, init {}",
                       operand('a', n), operand('v', n), operand('v', n), n,
                       between(0, 15), init));
      break;
    case 8:
      emit(fmt::format("vacc {}, {}, n {}, lshift {}, init {}", operand('a', n),
                       operand('v', n), n, between(0, 15), init));
      break;
    case 9:
      emit(fmt::format("vcopy {}, {}, n {}", operand('v', n), operand('v', n),
                       n));
      break;
    case 10:
      emit(fmt::format("fill {}, {}, n {}", operand('v', n),
                       between(-32768, 32767), n));
      break;
    case 11:
      if (trips && between(0, 1))
        emit(fmt::format("aadd a{}, {}", between(22, 24), between(-30, 30)));
      else
        emit(fmt::format("aadd a{}, {}", between(1, 8),
                         trips ? 16 * between(-3, 3) : between(-100, 100)));
      break;
    case 12:
      if (between(0, 2) == 0)
        emit("barrier");
      else
        setRing(between(1, 8));
      break;
    default:
      if (depth == 4)
        break;
      if (trips && depth < 2)
        nest(between(0, 1) ? fmt::format("loop {}", between(0, trips))
                           : fmt::format("loop T - {}", between(0, 3)),
             depth);
      else if (between(0, 1))
        nest(fmt::format("loop {}", between(0, 3)), depth);
      else
        nest(fmt::format("loop T - {} cap {}", between(0, 3), between(1, 4)),
             depth);
    }
  }

  /// A whole loop is added at once: the builder counts its length.
  void nest(const std::string &head, int depth) {
    const size_t begin = text.size();
    ProgramBuilder outer = builder;
    text += head + "\n";
    block(between(1, 4), depth + 1);
    text += "endloop\n";
    builder = outer;
    builder.code(text.substr(begin));
  }
};
} // namespace

static void expectSame(const UnitCycles &got, const UnitCycles &want,
                       const std::string &where) {
  for (const CycleUseInfo &info : kCycleUses)
    EXPECT_EQ(got.*info.count, want.*info.count) << where << ' ' << info.name;
}

/// What an instruction is said to have waited for finished when it was taken,
/// and it was not taken for want of a conflict only if none is named.
static void expectBlockers(const std::vector<InstructionTimes> &log,
                           const ReferenceMachine &reference) {
  std::array<uint64_t, kNumUnits> end{};
  for (size_t i = 0; i < log.size(); ++i) {
    const ReferenceEvent &event = reference.events[i];
    const InstructionTimes &times = log[i];
    bool blocked;
    uint64_t until;
    if (event.unit >= 0) {
      blocked = event.s > std::max(event.d + 1, end[event.unit]);
      until = event.s;
      end[event.unit] = event.s + event.occ;
    } else {
      blocked = event.waitsForAll && event.d > (i ? log[i - 1].d + 1 : 0);
      until = event.d;
      EXPECT_EQ(times.cause, blocked ? CycleUse::Barrier : CycleUse::Busy);
    }
    EXPECT_EQ(times.blockedBy != kNotBlocked, blocked) << "instruction " << i;
    if (blocked && times.blockedBy != kNotBlocked) {
      ASSERT_LT(times.blockedBy, i);
      EXPECT_EQ(log[times.blockedBy].finish, until) << "instruction " << i;
    }
  }
}

/// Times a program both ways, and expects the same of both. Gives the
/// instructions that each has walked through.
static std::pair<uint64_t, uint64_t>
expectShortcut(const LoadedProgram &program, int64_t steps,
               const StreamLayout &layout) {
  auto time = [&](bool shortcut) {
    return computeTiming(program, Entry::Run, steps, Registers(), layout,
                         nullptr, shortcut);
  };
  const TimingResult way = time(false), shortcut = time(true);
  EXPECT_EQ(way.cycles, shortcut.cycles);
  EXPECT_EQ(way.executed, shortcut.executed);
  for (size_t u = 0; u < kNumUnits; ++u)
    expectSame(shortcut.units[u], way.units[u], std::string(unitName(u)));
  EXPECT_EQ(way.instructions, shortcut.instructions);
  return {way.walked, shortcut.walked};
}

class RandomProgramTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomProgramTest, EqualsTheReferenceMachine) {
  // Every case stands for many programs, so that failures name a seed.
  for (unsigned seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    Generator generator(seed);
    SCOPED_TRACE(fmt::format("seed {}, T {}:\n{}", seed, generator.steps,
                             generator.text));
    LoadedProgram::Ptr program = generator.builder.load();
    ASSERT_TRUE(program);
    for (size_t pc = 0; pc < program->instructions().size(); ++pc) {
      Result<isa::Instruction> inst = parseInstruction(program->text(pc));
      ASSERT_TRUE(inst) << inst.message();
      generator.input.instructions.push_back(*inst);
    }
    generator.input.target = program->target();
    for (size_t i = 0; i < generator.input.matrices.size(); ++i)
      ASSERT_LE(generator.input.matrices[i].descriptor.rows *
                    generator.input.matrices[i].descriptor.gates,
                28u);

    Machine machine(*program);
    ASSERT_TRUE(machine.prepare(generator.steps));
    std::vector<uint8_t> ext(machine.layout().totalBytes);
    if (generator.spills) {
      const StreamLayout::Place place = machine.layout().streams[4];
      ext.resize(place.base + place.bytes);
      ASSERT_EQ(program->spill().size(), place.bytes);
      std::copy(program->spill().begin(), program->spill().end(),
                ext.begin() + place.base);
    }
    for (int16_t &code : machine.stream(0))
      code = static_cast<int16_t>(generator.random());
    std::memcpy(ext.data() + machine.layout().streams[0].base,
                machine.stream(0).data(), machine.stream(0).size_bytes());
    Result<void> ran = machine.execute(Entry::Run);
    ASSERT_TRUE(ran) << ran.message();

    ReferenceMachine reference(generator.input, machine.layout(), ext);
    reference.execute(0, generator.steps);
    ASSERT_TRUE(std::equal(machine.vmem().begin(), machine.vmem().end(),
                           reference.vmem.begin(), reference.vmem.end()));
    ASSERT_TRUE(std::equal(machine.amem().begin(), machine.amem().end(),
                           reference.amem.begin(), reference.amem.end()));
    for (size_t s = 0; s < 4; ++s)
      ASSERT_EQ(0, std::memcmp(machine.stream(s).data(),
                               reference.ext.data() +
                                   machine.layout().streams[s].base,
                               machine.stream(s).size_bytes()))
          << "stream " << s;
    ASSERT_EQ(machine.registers(), reference.registers);
    ASSERT_EQ(machine.saturations().results, reference.saturations);
    ASSERT_EQ(machine.saturations().inputs, reference.inputSaturations);

    reference.clock();
    std::vector<InstructionTimes> log;
    const TimingResult timing =
        computeTiming(*program, Entry::Run, generator.steps, Registers(),
                      machine.layout(), &log);
    ASSERT_EQ(log.size(), reference.events.size());
    for (size_t i = 0; i < log.size(); ++i) {
      const ReferenceEvent &event = reference.events[i];
      ASSERT_EQ(log[i].pc, event.pc);
      ASSERT_EQ(log[i].d, event.d) << "instruction " << i;
      if (event.unit >= 0) {
        ASSERT_EQ(log[i].s, event.s) << "instruction " << i;
        ASSERT_EQ(log[i].finish, event.finish) << "instruction " << i;
      }
    }
    ASSERT_EQ(timing.cycles, reference.cycles);
    for (size_t u = 0; u < kNumUnits; ++u) {
      expectSame(timing.units[u], reference.units[u], std::string(unitName(u)));
      EXPECT_EQ(timing.units[u].total(), timing.cycles);
    }
    for (size_t pc = 0; pc < reference.instructions.size(); ++pc)
      expectSame(timing.instructions[pc], reference.instructions[pc],
                 fmt::format("instruction {}", pc));
    expectBlockers(log, reference);
    ASSERT_FALSE(HasFailure());
  }
}

namespace {
/// A few instructions in a loop that runs often, with long ones before it:
/// whatever differs between two passes is seldom hidden by something else.
std::string tightLoop(std::mt19937 &random, ProgramBuilder &builder) {
  auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  builder.stream("x", "step", "in", 4).stream("y", "step", "out", 4);
  builder.stream("s", "sequence", "scratch", 400);
  for (const char *unit : {"load", "vector", "store"})
    builder.set(std::string("/queues/") + unit, between(1, 4));
  for (const char *port : {"load", "store"})
    builder.set(std::string("/") + port + "/latency", between(0, 12));
  builder.set("/vector/lanes", between(1, 3));
  builder.set("/vector/latency", between(0, 9));
  auto v = [&] {
    return between(0, 2) ? fmt::format("v[{}]", 8 * between(0, 3))
                         : fmt::format("v[a4 + {}]", 8 * between(0, 3));
  };
  auto x = [&] {
    const int reg = between(1, 3);
    return fmt::format("x[a{} + {}]", reg, reg == 3 ? 2 * between(0, 99) : 0);
  };
  auto statement = [&](int n) {
    switch (between(0, 8)) {
    case 0:
      return std::string("barrier\n");
    case 1:
    case 2:
      return fmt::format("fill {}, 1, n {}\n", v(), n);
    case 3:
      return fmt::format("vcopy {}, {}, n {}\n", v(), v(), n);
    case 4:
      return fmt::format("load {}, {}, n {}\n", v(), x(), n);
    case 5:
      return fmt::format("store {}, {}, n {}\n", x(), v(), n);
    case 6:
      return fmt::format("vacc a[0], {}, n {}, lshift 0, init acc\n", v(), n);
    case 7:
      return fmt::format("aadd a4, {}\n", 8 * between(1, 3));
    default:
      return fmt::format("aadd a3, {}\n", 2 * between(-1, 2));
    }
  };
  std::string text = "astream a1, stream 0\nastream a2, stream 1\n"
                     "astream a3, stream 2 imm 200\n"
                     "aset a4, 64 ring 64 + 64\n";
  for (int i = between(0, 3); i > 0; --i)
    text += statement(between(1, 150));
  text += "loop T\n";
  for (int i = between(1, 4); i > 0; --i)
    text += statement(between(1, 8));
  text += "aadd a1, 8\naadd a2, 8\nendloop\n";
  text += statement(between(1, 8)) + statement(between(1, 8)) + "halt";
  builder.entry("run").code(text);
  return text;
}
} // namespace

TEST_P(RandomProgramTest, TheShortcutEqualsTheLongWayInTightLoops) {
  for (unsigned seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    std::mt19937 random(seed);
    ProgramBuilder builder;
    const std::string text = tightLoop(random, builder);
    SCOPED_TRACE(fmt::format("seed {}:\n{}", seed, text));
    LoadedProgram::Ptr program = builder.load();
    ASSERT_TRUE(program);
    for (int64_t steps : {3, 10, 20, 37, 80}) {
      Result<StreamLayout> layout = program->layoutStreams(steps);
      ASSERT_TRUE(layout);
      expectShortcut(*program, steps, *layout);
      ASSERT_FALSE(HasFailure()) << steps << " steps";
    }
  }
}

// Counting by the period, over lengths around any period there is.
TEST_P(RandomProgramTest, TheShortcutEqualsTheLongWay) {
  uint64_t walked = 0, shortened = 0;
  for (unsigned seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    Generator generator(seed, /*trips=*/40);
    SCOPED_TRACE(fmt::format("seed {}, T {}:\n{}", seed, generator.steps,
                             generator.text));
    StreamLayout layout;
    LoadedProgram::Ptr program = generator.load(layout);
    ASSERT_TRUE(program);
    const auto [way, shortcut] =
        expectShortcut(*program, generator.steps, layout);
    walked += way;
    shortened += shortcut;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_LT(shortened, walked / 2);
}

/// The compiler's estimate, both ways, which must be equal.
static schedule::ProgramEstimate estimateBoth(const ProgramBuilder &builder,
                                              int64_t steps) {
  const std::string bytes = builder.bytes();
  Result<Program> file = readProgram(
      {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  EXPECT_TRUE(file);
  schedule::ProgramEstimate results[2];
  for (bool shortcut : {false, true}) {
    Result<schedule::ProgramEstimate> estimate = schedule::estimateProgram(
        *file, "run", static_cast<uint64_t>(steps), shortcut);
    EXPECT_TRUE(estimate) << estimate.message();
    if (estimate)
      results[shortcut] = *estimate;
  }
  EXPECT_EQ(results[0].cycles, results[1].cycles);
  EXPECT_EQ(results[0].instructions, results[1].instructions);
  EXPECT_EQ(results[0].macs, results[1].macs);
  EXPECT_EQ(results[0].busy, results[1].busy);
  return results[1];
}

// The compiler's estimate shares no code with the simulator.
TEST_P(RandomProgramTest, TheEstimateEqualsTheSimulator) {
  for (unsigned seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    Generator generator(seed);
    SCOPED_TRACE(fmt::format("seed {}, T {}:\n{}", seed, generator.steps,
                             generator.text));
    StreamLayout layout;
    LoadedProgram::Ptr program = generator.load(layout);
    ASSERT_TRUE(program);
    const TimingResult timing = computeTiming(
        *program, Entry::Run, generator.steps, Registers(), layout);
    const schedule::ProgramEstimate estimate =
        estimateBoth(generator.builder, generator.steps);
    ASSERT_EQ(estimate.cycles, timing.cycles);
    for (size_t u = 0; u < kNumUnits; ++u)
      ASSERT_EQ(estimate.busy[u], timing.units[u].busy) << unitName(u);
    ASSERT_FALSE(HasFailure());
  }
}

// Its own shortcut; addresses outside streams are nowhere in particular, so
// that the simulator's numbers are not to be compared with.
TEST_P(RandomProgramTest, TheEstimatesShortcutEqualsItsLongWay) {
  uint64_t followed = 0, walked = 0;
  for (unsigned seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    Generator generator(seed, /*trips=*/40);
    SCOPED_TRACE(fmt::format("seed {}, T {}:\n{}", seed, generator.steps,
                             generator.text));
    const schedule::ProgramEstimate estimate =
        estimateBoth(generator.builder, generator.steps);
    followed += estimate.instructions;
    walked += estimate.walked;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_LT(walked, followed * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomProgramTest, ::testing::Range(0u, 16u));
