// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Traps, checked mode, state, threads and damaged files.
//
#include "hcgs/Sim/Machine.h"
#include "TestProgram.h"
#include "hcgs/Sim/Timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;

/// Runs `run`; gives the trap's message, or "" if there is none.
static std::string runCode(ProgramBuilder &builder, std::string_view code,
                           bool checked, int64_t steps = 1) {
  LoadedProgram::Ptr program =
      builder.entry("run").code(code).code("halt").load();
  if (!program)
    return "refused";
  Machine machine(*program, checked);
  if (Result<void> ready = machine.prepare(steps); !ready)
    return ready.message();
  Result<void> ran = machine.execute(Entry::Run);
  return ran ? "" : ran.message();
}

static std::string runCode(std::string_view code, bool checked) {
  ProgramBuilder builder;
  return runCode(builder, code, checked);
}

//===----------------------------------------------------------------------===//
// Addresses, in both modes
//===----------------------------------------------------------------------===//

TEST(TrapTest, AddressesOutsideTheirMemory) {
  for (bool checked : {false, true}) {
    std::string message =
        runCode("aset a1, 4090\n fill v[a1], 1, n 7", checked);
    EXPECT_EQ(message,
              "trap at pc 1: fill v[a1], 1, n 7: field 'dst': elements "
              "4090..4096 lie outside vmem, allowed are 0..4095");
    message = runCode("aset a1, -1\n fill v[a1], 1, n 1", checked);
    EXPECT_CONTAINS(message, "elements -1..-1 lie outside vmem");
    message = runCode("fill v[0], 1, n 9\n aset a1, 4095\n"
                      "vacc a[a1], v[0], n 2, lshift 0, init zero",
                      checked);
    EXPECT_CONTAINS(message, "field 'dst': elements 4095..4096 lie outside "
                             "amem, allowed are 0..4095");
    EXPECT_EQ(runCode("aset a1, 4090\n fill v[a1], 1, n 6", checked), "");
  }
}

TEST(TrapTest, RingsOutsideTheirMemory) {
  const std::string message =
      runCode("aset a1, 4095 ring 4094 + 4\n fill v[a1], 1, n 3", false);
  EXPECT_CONTAINS(message, "lie outside vmem");
}

TEST(TrapTest, OperandsLongerThanTheirRing) {
  EXPECT_EQ(runCode("aset a1, 4 ring 4 + 6\n fill v[a1], 1, n 7", false),
            "trap at pc 1: fill v[a1], 1, n 7: field 'dst': 7 elements do not "
            "fit the ring of a1, which has 6");
  EXPECT_EQ(runCode("aset a1, 4 ring 4 + 6\n fill v[a1 + 5], 1, n 6", false),
            "");
}

TEST(TrapTest, BytesOutsideEveryStream) {
  auto run = [](const char *code) {
    ProgramBuilder builder;
    builder.stream("x", "step", "in", 4).stream("y", "step", "out", 4);
    return runCode(builder, code, false, 3);
  };
  EXPECT_EQ(run("astream a1, stream 0\n load v[0], x[a1], n 12"), "");
  EXPECT_CONTAINS(run("astream a1, stream 0\n load v[0], x[a1], n 13"),
                  "field 'src': bytes 64..89 lie outside every stream");
  EXPECT_CONTAINS(run("astream a1, stream 0 imm -1\n load v[0], x[a1], n 1"),
                  "lie outside every stream");
  // tscale: T frames on is the end.
  EXPECT_CONTAINS(run("astream a1, stream 0 tscale 8\n load v[0], x[a1], n 1"),
                  "lie outside every stream");
  EXPECT_EQ(run("astream a1, stream 0 imm -8 tscale 8\n load v[0], x[a1], n 4"),
            "");
  EXPECT_CONTAINS(run("load v[0], x[0], n 1"), "lie outside every stream");
  EXPECT_CONTAINS(run("aset a1, 64 ring 64 + 8\n load v[0], x[a1], n 1"),
                  "register a1 has a ring; ext has none");
}

TEST(TrapTest, StreamAddressesThatLeaveTheRegister) {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 4);
  EXPECT_CONTAINS(
      runCode(builder, "astream a1, stream 0 tscale 2147483647", false, 3),
      "field 'stream': address 6442451005 does not fit a register");
}

TEST(TrapTest, NamesTheNode) {
  ProgramBuilder builder;
  builder.debug(1, "/lstm/LSTM", 0, "fills h");
  EXPECT_CONTAINS(runCode(builder, "aset a1, 4096\n fill v[a1], 1, n 1", false),
                  "(node '/lstm/LSTM', layer '0': fills h)");
}

//===----------------------------------------------------------------------===//
// Checked mode
//===----------------------------------------------------------------------===//

TEST(CheckedTest, ReadsOfWhatNothingHasWritten) {
  const char *vectors = "fill v[0], 3, n 4\n vcopy v[8], v[1], n 4";
  EXPECT_EQ(runCode(vectors, false), "");
  EXPECT_CONTAINS(runCode(vectors, true),
                  "field 'src': reads vmem 4, which nothing has written");
  const char *sums = "fill v[0], 3, n 4\n vacc a[0], v[0], n 4, lshift 0, "
                     "init zero\n requant v[8], a[0], n 5, shift 0, bits 8";
  EXPECT_EQ(runCode(sums, false), "");
  EXPECT_CONTAINS(runCode(sums, true), "reads amem 4");
  const char *accumulate =
      "fill v[0], 3, n 4\n vacc a[0], v[0], n 4, lshift 0, init acc";
  EXPECT_EQ(runCode(accumulate, false), "");
  EXPECT_CONTAINS(runCode(accumulate, true), "field 'dst': reads amem 0");
}

TEST(CheckedTest, InitialVectorsAreWritten) {
  ProgramBuilder builder;
  builder.initial(3, {1, 2});
  EXPECT_EQ(runCode(builder, "vcopy v[8], v[3], n 2", true), "");
  ProgramBuilder other;
  other.initial(3, {1, 2});
  EXPECT_CONTAINS(runCode(other, "vcopy v[8], v[3], n 3", true),
                  "reads vmem 5");
}

TEST(CheckedTest, MatricesReadTheirInputAndSums) {
  std::mt19937 random(1);
  const TestMatrix matrix = makeDense(random, 2, 3, 5, 3, {});
  auto run = [&](const char *before, const char *init) {
    ProgramBuilder builder;
    builder.matrix(matrix);
    return runCode(builder,
                   std::string(before) +
                       "\n mvm a[0], v[0], desc 0, blocks 0 + 1, gates o, "
                       "init " +
                       init + ", shifts [0, 0, 0, 0], tile 0",
                   true);
  };
  EXPECT_EQ(run("fill v[0], 1, n 5", "zero"), "");
  EXPECT_CONTAINS(run("fill v[0], 1, n 4", "zero"), "reads vmem 4");
  EXPECT_CONTAINS(run("fill v[0], 1, n 5", "acc"), "reads amem 3");
  // Gate o of 3 rows is at 3..5; the others are not read.
  EXPECT_EQ(run("fill v[0], 1, n 5\n vacc a[3], v[0], n 3, lshift 0, init zero",
                "acc"),
            "");
}

TEST(CheckedTest, SumsThatLeave32Bits) {
  const char *product = "fill v[0], 32767, n 2\n"
                        "vmac a[0], v[0], v[0], n 1, lshift 1, init zero\n"
                        "vmac a[0], v[0], v[0], n 1, lshift 0, init acc";
  EXPECT_EQ(runCode(product, false), "");
  EXPECT_CONTAINS(runCode(product, true),
                  "trap at pc 2: vmac a[0], v[0], v[0], n 1, lshift 0, init "
                  "acc: field 'dst': the sum 3221028867 of accumulator 0 "
                  "leaves 32 bits");
  // A product alone may already.
  EXPECT_CONTAINS(runCode("fill v[0], -32768, n 1\n"
                          "vmac a[0], v[0], v[0], n 1, lshift 1, init zero",
                          true),
                  "the sum 2147483648");
  EXPECT_CONTAINS(runCode("fill v[0], -32768, n 1\n vacc a[0], v[0], n 1, "
                          "lshift 15, init zero\n vacc a[0], v[0], n 1, "
                          "lshift 15, init acc\n vacc a[0], v[0], n 1, "
                          "lshift 15, init acc",
                          true),
                  "trap at pc 3");
}

TEST(CheckedTest, MatrixSumsThatLeave32Bits) {
  std::mt19937 random(1);
  TestMatrix matrix = makeDense(random, 1, 1, 64, 1, {8});
  int64_t sum = 0;
  for (int32_t weight : matrix.weights)
    sum += weight;
  ASSERT_NE(sum, 0);
  matrix.descriptor.bias = 0;
  // The largest bias that still fits, and one more.
  const int64_t product = sum * 1000;
  for (int64_t extra : {0, 1}) {
    const int64_t limit = product > 0 ? 2147483647 - product + extra
                                      : -2147483648 - product - extra;
    ProgramBuilder builder;
    builder.matrix(matrix).biases({static_cast<int32_t>(limit)});
    const std::string message =
        runCode(builder,
                "fill v[0], 1000, n 64\n mvm a[0], v[0], desc 0, blocks 0 + 1, "
                "gates i, init bias, shifts [0, 0, 0, 0], tile 0",
                true);
    if (extra)
      EXPECT_CONTAINS(message, "of accumulator 0 leaves 32 bits");
    else
      EXPECT_EQ(message, "");
  }
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// A program that adds its input into a sum and counts calls in a ring.
static ProgramBuilder counter() {
  ProgramBuilder builder;
  builder.stream("x", "step", "in", 2).stream("y", "step", "out", 2);
  builder.entry("run").code("halt");
  builder.entry("reset").code("fill v[0], 0, n 8\n aset a5, 4 ring 4 + 3\n"
                              "vacc a[0], v[0], n 2, lshift 0, init zero\n"
                              "halt");
  builder.entry("step").code("astream a1, stream 0\n astream a2, stream 1\n"
                             "loop T\n"
                             "  load v[0], x[a1], n 2\n"
                             "  vacc a[0], v[0], n 2, lshift 0, init acc\n"
                             "  requant v[2], a[0], n 2, shift 0, bits 16\n"
                             "  vcopy v[a5], v[2], n 1\n"
                             "  store x[a2], v[2], n 2\n"
                             "  aadd a1, 4\n aadd a2, 4\n aadd a5, 1\n"
                             "endloop\n halt");
  return builder;
}

static std::vector<int16_t> stepOn(Machine &machine,
                                   std::vector<int16_t> frames) {
  EXPECT_TRUE(machine.prepare(static_cast<int64_t>(frames.size() / 2)));
  std::copy(frames.begin(), frames.end(), machine.stream(0).begin());
  Result<void> ran = machine.execute(Entry::Step);
  EXPECT_TRUE(ran) << ran.message();
  auto out = machine.stream(1);
  return {out.begin(), out.end()};
}

static Machine freshCounter(const LoadedProgram &program, bool checked) {
  Machine machine(program, checked);
  EXPECT_TRUE(machine.prepare(1));
  EXPECT_TRUE(machine.execute(Entry::Reset));
  return machine;
}

TEST(StateTest, ChunksContinue) {
  LoadedProgram::Ptr program = counter().load();
  ASSERT_TRUE(program);
  Machine machine = freshCounter(*program, true);
  EXPECT_EQ(stepOn(machine, {1, 2, 3, 4}), (std::vector<int16_t>{1, 2, 4, 6}));
  EXPECT_EQ(stepOn(machine, {10, 20}), (std::vector<int16_t>{14, 26}));
  EXPECT_EQ(machine.registers().value[5], 4); // three steps round the ring
}

TEST(StateTest, SavesAndRestores) {
  LoadedProgram::Ptr program = counter().load();
  ASSERT_TRUE(program);
  for (bool before : {false, true})
    for (bool after : {false, true}) {
      Machine machine = freshCounter(*program, before);
      stepOn(machine, {5, 6, 7, 8});
      const std::string state = machine.saveState();
      Machine other(*program, after);
      ASSERT_TRUE(other.restoreState(state));
      EXPECT_EQ(stepOn(other, {1, 1}), stepOn(machine, {1, 1}));
      EXPECT_EQ(other.registers(), machine.registers());
      EXPECT_TRUE(std::equal(other.vmem().begin(), other.vmem().end(),
                             machine.vmem().begin()));
    }
}

TEST(StateTest, RefusesOtherProgramsAndDamage) {
  LoadedProgram::Ptr program = counter().load();
  LoadedProgram::Ptr otherProgram = counter().initial(0, {1}).load();
  ASSERT_TRUE(program && otherProgram);
  const std::string state = freshCounter(*program, false).saveState();
  Machine other(*otherProgram);
  Result<void> restored = other.restoreState(state);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.message(),
            "the state belongs to another program; only the program that saved "
            "it can go on from it");
  Machine machine(*program);
  EXPECT_FALSE(machine.restoreState("hello"));
  for (size_t size = 0; size < state.size(); ++size)
    EXPECT_FALSE(machine.restoreState(std::string_view(state).substr(0, size)));
  EXPECT_FALSE(machine.restoreState(state + "x"));
  EXPECT_TRUE(machine.restoreState(state));
}

TEST(StateTest, ClearForgetsEverything) {
  LoadedProgram::Ptr program = counter().initial(100, {7, 8}).load();
  ASSERT_TRUE(program);
  Machine machine = freshCounter(*program, false);
  stepOn(machine, {5, 6});
  machine.clear();
  Machine fresh(*program);
  EXPECT_TRUE(std::equal(machine.vmem().begin(), machine.vmem().end(),
                         fresh.vmem().begin()));
  EXPECT_TRUE(std::equal(machine.amem().begin(), machine.amem().end(),
                         fresh.amem().begin()));
  EXPECT_EQ(machine.registers(), fresh.registers());
  EXPECT_EQ(machine.vmem()[100], 7);
}

// One loaded program, many threads, each with its own machine.
TEST(StateTest, ThreadsShareAProgram) {
  LoadedProgram::Ptr program = counter().load();
  ASSERT_TRUE(program);
  std::vector<std::thread> threads;
  std::vector<std::vector<int16_t>> results(8);
  std::vector<uint64_t> cycles(8);
  for (int16_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      Machine machine = freshCounter(*program, t % 2);
      for (int i = 0; i < 100; ++i) {
        const Registers before = machine.registers();
        results[t] = stepOn(machine, {t, 1});
        cycles[t] +=
            program->timing(Entry::Step, 1, before, machine.layout())->cycles;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int16_t t = 0; t < 8; ++t) {
    EXPECT_EQ(results[t], (std::vector<int16_t>{int16_t(100 * t), 100}));
    EXPECT_EQ(cycles[t], cycles[0]);
  }
}

//===----------------------------------------------------------------------===//
// Damaged files
//===----------------------------------------------------------------------===//

// PF-2: whatever single bit is flipped, the file is refused; no crash.
TEST(DamageTest, EveryFlippedBitIsRefused) {
  ProgramBuilder builder;
  std::mt19937 random(1);
  builder.matrix(makeDense(random, 1, 2, 3, 2, {}))
      .table(makeTable(random))
      .initial(0, {1, 2, 3})
      .entry("run")
      .code("halt");
  std::string bytes = builder.bytes();
  ASSERT_TRUE(LoadedProgram::fromBytes(bytes, "good"));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    ASSERT_FALSE(LoadedProgram::fromBytes(bytes, "bad")) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(DamageTest, EveryTruncationIsRefused) {
  const std::string bytes = counter().bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(LoadedProgram::fromBytes(
        std::string_view(bytes).substr(0, size), "bad"));
}

TEST(DamageTest, MetadataThatContradictsItself) {
  ProgramBuilder builder = counter();
  builder.meta["streams"][0]["elements"] = -3;
  Result<LoadedProgram::Ptr> program =
      LoadedProgram::fromBytes(builder.bytes(), "p.hcgs");
  ASSERT_FALSE(program);
  EXPECT_CONTAINS(program.message(), "'p.hcgs': ");
  EXPECT_CONTAINS(program.message(), "elements");
}
