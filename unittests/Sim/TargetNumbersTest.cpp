// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every number of a target matters: a program that uses all of the machine runs
// on a target in which one number after the other is changed. It must run
// there, and with other cycles, time or energy; only what a machine has or has
// not (capacities, lists of what it knows, widths) may show in a refusal
// instead. The numbers are those of the schema, so that one that is added
// without an effect fails here.

#include "TestProgram.h"
#include "hcgs/Sim/Energy.h"
#include "hcgs/Sim/Runner.h"
#include "gtest/gtest.h"

#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

namespace {

/// The pointers of all numbers a schema knows; list items have the index 0.
void collectNumbers(const json &schema, const std::string &pointer,
                    std::set<std::string> &numbers) {
  if (schema.contains("items"))
    return collectNumbers(schema["items"], pointer + "/0", numbers);
  if (!schema.contains("properties"))
    return;
  if (schema["properties"].contains("value")) {
    numbers.insert(pointer);
    return;
  }
  for (const auto &[name, part] : schema["properties"].items())
    collectNumbers(part, pointer + "/" + name, numbers);
}

/// A program that uses every unit, memory and queue, on a target that states
/// everything the schema knows.
ProgramBuilder everything() {
  ProgramBuilder builder;
  builder.set("/clock_hz", 1000);
  builder.set("/nominal_volts", 2.0);
  builder.set("/operating_points/0/hz", 1000)
      .set("/operating_points/0/volts", 1.5)
      .put("/operating_points/0/name", "first");
  for (const EventInfo &info : energyEvents())
    builder.set("/energies/" + std::string(info.name), 1e-6);
  builder.set("/leakage/watts", 0.5).set("/leakage/exponent", 3);
  builder.set("/load/weights", true);

  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({4, 4, 1, 4, compression::Balance::Row});
  pattern.tiers.push_back({2, 2, 1, 2, compression::Balance::Row});
  TestMatrix dense = makeDense(random, 1, 5, 4, 5, {6});
  dense.descriptor.bias = 0;
  builder.matrix(dense);
  builder.matrix(makeHcgs(random, 1, 16, 16, 16, pattern, {6}));
  const TestMatrix spilled = makeDense(random, 1, 4, 4, 4, {6});
  builder.spilled(spilled, 1024);
  const size_t spillBytes = builder.spillBytes();
  builder.biases({1, 2, 3, 4, 5});
  for (int i = 0; i < 2; ++i) {
    numerics::PwlTable table;
    table.n = 2;
    table.entries.resize(4);
    builder.table(table);
  }
  builder.stream("x", "step", "in", 64).stream("y", "step", "out", 64);
  builder.weightStream("w");

  const std::string product =
      "mvm a[0], v[0], desc 1, blocks 0 + 1, gates i, init zero, shifts [0, 0, "
      "0, 0], tile 0\n";
  const std::string tail = "fill v[1000], 0, n 400\n";
  // Four instructions in a queue, then a long one of another unit: dispatch
  // reaches it later if the queue is shorter.
  auto queued = [](const std::string &instruction, const std::string &longOne) {
    return instruction + instruction + instruction + instruction + longOne +
           "barrier\n";
  };
  const std::string load = "load v[0], x[a1], n 64\n",
                    store = "store x[a2], v[0], n 64\n";
  builder.entry("run").code(
      "astream a1, stream 0\nastream a2, stream 1\nastream a3, stream 2\n" +
      load +
      // Results that are waited for: latencies and the fill.
      "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init bias, shifts [0, 0, "
      "0, 0], tile 0\n"
      "requant v[100], a[0], n 5, shift 0, bits 13\n"
      "vmac a[100], v[100], v[0], n 5, lshift 0, init zero\n"
      "act v[200], a[100], n 5, shift 0, table 1\n"
      "store x[a2], v[200], n 5\n"
      "barrier\n" +
      fmt::format("wload w[1024], x[a3], n {}\n", spillBytes) +
      "mvm a[0], v[0], desc 2, blocks 0 + 1, gates i, init zero, shifts [0, 0, "
      "0, 0], tile 0\n"
      "barrier\n" +
      queued(load, tail) + queued(store, tail) + queued(product, tail) +
      queued("fill v[1000], 0, n 10\n", load) + "halt");
  return builder;
}

/// What a user sees of a program that runs on a target.
struct Seen {
  uint64_t cycles = 0;
  double microseconds = 0, joules = 0;
  /// Why it does not run; nothing else is known then.
  std::string refused;

  bool operator==(const Seen &) const = default;
};

std::ostream &operator<<(std::ostream &os, const Seen &seen) {
  if (!seen.refused.empty())
    return os << "refused: " << seen.refused;
  return os << fmt::format("{} cycles, {} us, {} J", seen.cycles,
                           seen.microseconds, seen.joules);
}

Seen observe(const ProgramBuilder &builder) {
  Seen seen;
  Result<LoadedProgram::Ptr> program =
      LoadedProgram::fromBytes(builder.bytes(), "p");
  if (!program) {
    seen.refused = program.message();
    return seen;
  }
  Runner runner(*program);
  NpyArray x({1, 64}, DType::I16);
  RunOptions options;
  options.codes = true;
  Result<RunResult> result = runner.run({{"x", x}}, options);
  if (!result) {
    seen.refused = result.message();
    return seen;
  }
  const Statistics &statistics = result->statistics;
  seen.cycles = *statistics.cycles();
  seen.microseconds = statistics.microseconds();
  seen.joules = *statistics.energy();
  return seen;
}

/// How a number is changed.
struct Change {
  json value;
  /// Numbers that contradict the changed one if they stay as they are.
  std::map<std::string, json> along = {};
  /// The machine lacks something that the program needs: it is refused, and
  /// the message has these words.
  std::string refusal = {};
};

const std::map<std::string, Change> kChanges = {
    {"/clock_hz", {2000, {{"/operating_points/0/hz", 2000}}}},
    {"/nominal_volts", {3.0}},
    {"/operating_points/0/hz", {2000, {{"/clock_hz", 2000}}}},
    {"/operating_points/0/volts", {1.0}},
    {"/mac/lanes", {8, {{"/mac/tiles", json::parse("[[4, 2], [2, 4]]")}}}},
    {"/mac/tiles", {json::parse("[[2, 2], [4, 1], [1, 4]]")}},
    {"/matrix/fill", {4}},
    {"/vector/lanes", {3}},
    {"/vector/latency", {3}},
    {"/load/latency", {2}},
    {"/load/port_bytes", {2}},
    {"/load/weights", {false, {}, "does not reach wmem (/load/weights)"}},
    {"/store/latency", {2}},
    {"/store/port_bytes", {2}},
    {"/queues/load", {1}},
    {"/queues/matrix", {1}},
    {"/queues/vector", {1}},
    {"/queues/store", {1}},
    {"/memories/wmem/bytes", {1025, {}, "has 39..1024 behind"}},
    {"/memories/imem/bytes",
     {1, {}, "2 bytes of imem, target 'generic' has 1"}},
    {"/memories/vmem/elements",
     {1000, {}, "vmem of target 'generic' has 0..999"}},
    {"/memories/amem/elements",
     {100, {}, "amem of target 'generic' has 0..99"}},
    {"/memories/bmem/elements",
     {4, {}, "5 elements of bmem, target 'generic' has 4"}},
    {"/memories/lut/tables",
     {1, {}, "2 tables, target 'generic' has room for 1"}},
    {"/memories/lut/segments",
     {2, {}, "4 segments, target 'generic' allows 2"}},
    {"/memories/pmem/instructions",
     {10, {}, "of pmem, target 'generic' has 10"}},
    {"/weights/bits",
     {json::array({2, 8}),
      {},
      "weight_bits is 6, target 'generic' allows 2, 8"}},
    {"/weights/encodings",
     {json::parse(R"(["twos"])"),
      {},
      "encoding is signmag, target 'generic' allows twos"}},
    {"/activation_bits/min", {14, {}, "is 13, allowed 14..16"}},
    {"/activation_bits/max", {12, {}, "is 13, allowed 2..12"}},
    {"/accumulator_bits", {24, {}, "found 24, allowed integer 32..32"}},
    {"/matrix_kinds",
     {json::array({"dense"}),
      {},
      "kind is hcgs, target 'generic' allows dense"}},
    {"/leakage/watts", {0.25}},
    {"/leakage/exponent", {2}},
};

ProgramBuilder change(ProgramBuilder builder, const std::string &pointer,
                      const Change &how) {
  builder.set(pointer, how.value);
  for (const auto &[other, value] : how.along)
    builder.set(other, value);
  return builder;
}

TEST(TargetNumbersTest, EachHasAnEffect) {
  const Seen before = observe(everything());
  ASSERT_EQ(before.refused, "");
  std::set<std::string> numbers;
  collectNumbers(json::parse(getTargetSchema()), "", numbers);
  EXPECT_GT(numbers.size(), 50u);
  for (const std::string &pointer : numbers) {
    Change how{2e-6}; // of an event
    if (!pointer.starts_with("/energies/")) {
      auto known = kChanges.find(pointer);
      ASSERT_NE(known, kChanges.end())
          << pointer
          << " is in the schema: say how to change it, and see to "
             "it that the program above notices";
      how = known->second;
    }
    const Seen after = observe(change(everything(), pointer, how));
    if (how.refusal.empty()) {
      EXPECT_EQ(after.refused, "") << pointer;
      EXPECT_NE(after, before) << pointer;
    } else {
      EXPECT_NE(after.refused.find(how.refusal), std::string::npos)
          << pointer << ": " << after;
    }
  }
}

/// Lanes can change only with the tiles, which have an effect of their own on
/// dense products. A block-sparse product takes the lanes as they are.
TEST(TargetNumbersTest, LanesMatterWithoutTiles) {
  auto sparse = [] {
    ProgramBuilder builder;
    std::mt19937 random(1);
    compression::Pattern pattern;
    pattern.tiers.push_back({4, 4, 1, 4, compression::Balance::Row});
    builder.matrix(makeHcgs(random, 1, 16, 16, 16, pattern, {6}));
    builder.entry("run").code(
        "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, "
        "0, 0, 0], tile 0\nhalt");
    return builder;
  };
  auto cycles = [](const ProgramBuilder &builder) -> uint64_t {
    LoadedProgram::Ptr program = builder.load();
    if (!program)
      return 0;
    Result<RunResult> result = Runner(program).run({}, {});
    EXPECT_TRUE(result) << result.message();
    return result ? *result->statistics.cycles() : 0;
  };
  const uint64_t before = cycles(sparse());
  // 64 products: 16 cycles on 4 lanes, 8 on 8.
  EXPECT_EQ(before - cycles(change(sparse(), "/mac/lanes",
                                   kChanges.at("/mac/lanes"))),
            8u);
  EXPECT_EQ(before,
            cycles(change(sparse(), "/mac/tiles", kChanges.at("/mac/tiles"))));
}

/// The clock scales time, and with it leakage, and no cycle.
TEST(TargetNumbersTest, ClockScalesTimeAndLeakage) {
  const Seen before = observe(everything());
  const Seen after =
      observe(change(everything(), "/clock_hz", kChanges.at("/clock_hz")));
  EXPECT_EQ(after.cycles, before.cycles);
  EXPECT_DOUBLE_EQ(after.microseconds, before.microseconds / 2);
  // 0.5 W * (1.5 V / 2 V)^3 for the half of the time that is gone.
  EXPECT_NEAR(before.joules - after.joules,
              0.5 * 0.421875 * 1e-6 * (before.microseconds / 2), 1e-9);
}

/// Each of two numbers that belong together is refused when it changes alone.
TEST(TargetNumbersTest, ContradictionsAreRefused) {
  for (const char *pointer :
       {"/clock_hz", "/operating_points/0/hz", "/mac/lanes"}) {
    ProgramBuilder builder = everything();
    builder.set(pointer, kChanges.at(pointer).value);
    EXPECT_NE(observe(builder).refused, "") << pointer;
  }
}

/// The same number again has no effect: what is observed is the target.
TEST(TargetNumbersTest, EqualTargetsAreEqual) {
  EXPECT_EQ(observe(everything()), observe(everything()));
}

} // namespace
