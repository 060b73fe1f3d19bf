// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Energy against docs/Spec/Energy.md: events and widths counted by hand, the
// arithmetic of voltages, and breakdowns that add up.

#include "hcgs/Sim/Energy.h"
#include "TestProgram.h"
#include "hcgs/Sim/Runner.h"
#include "gtest/gtest.h"

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

namespace {

uint64_t countOf(const EnergyCounter &counter, size_t pc, Event event) {
  return counter.events(pc)[static_cast<size_t>(event)];
}

/// Bits that the instruction reads from vmem.
uint64_t bitsRead(const EnergyCounter &counter, size_t pc) {
  return countOf(counter, pc, Event::VmemReadBit);
}

TEST(EnergyTest, EventsAreNamedLikeTheFieldsOfTheSchema) {
  const json schema = json::parse(getTargetSchema());
  const json &fields = schema["properties"]["energies"]["properties"];
  EXPECT_EQ(fields.size(), kNumEvents);
  size_t place = 0;
  for (const EventInfo &info : energyEvents()) {
    EXPECT_TRUE(fields.contains(info.name)) << info.name;
    EXPECT_EQ(static_cast<size_t>(info.event), place++);
  }
}

/// E-V-1 for every unit.
TEST(EnergyTest, CountsEvents) {
  std::mt19937 random(1);
  compression::Pattern pattern;
  pattern.tiers.push_back({4, 4, 1, 2, compression::Balance::Row});
  pattern.tiers.push_back({2, 2, 1, 2, compression::Balance::Row});
  numerics::PwlTable table = makeTable(random);
  table.b = 11;
  for (numerics::PwlTable::Entry &entry : table.entries)
    entry = {1, 0};
  table.lo = table.hi = 0;
  ProgramBuilder builder;
  builder.matrix(makeHcgs(random, 4, 8, 8, 4, pattern, {6})).table(table);
  builder.stream("x", "step", "in", 8).stream("y", "step", "out", 8);
  builder.entry("run").code(
      "astream a1, stream 0\n"                                  // 0
      "astream a2, stream 1\n"                                  // 1
      "load v[0], x[a1], n 8\n"                                 // 2
      "mvm a[0], v[0], desc 0, blocks 0 + 2, gates iofg, init " // 3
      "zero, shifts [0, 0, 0, 0], tile 0\n"                     //
      "act v[8], a[0], n 8, shift 0, table 0\n"                 // 4
      "requant v[16], a[8], n 8, shift 0, bits 13\n"            // 5
      "vmac a[32], v[8], v[16], n 8, lshift 0, init zero\n"     // 6
      "vacc a[32], v[16], n 8, lshift 0, init acc\n"            // 7
      "requant v[24], a[32], n 8, shift 0, bits 7\n"            // 8
      "store x[a2], v[24], n 8\n"                               // 9
      "mvm a[0], v[24], desc 0, blocks 0 + 1, gates io, init "  // 10
      "zero, shifts [0, 0, 0, 0], tile 0\n"                     //
      "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  const EnergyCounter counter(*program);
  // A stream without a format has 16 bits.
  EXPECT_EQ(countOf(counter, 2, Event::LoadByte), 16u);
  EXPECT_EQ(countOf(counter, 2, Event::VmemWriteBit), 8u * 16);
  EXPECT_EQ(countOf(counter, 3, Event::Accumulate), 64u);
  EXPECT_EQ(countOf(counter, 3, Event::MultiplyBit2), 64u * 6 * 16);
  EXPECT_EQ(countOf(counter, 3, Event::WmemReadBit), 64u * 6);
  EXPECT_EQ(countOf(counter, 3, Event::ImemReadBit), 2u + 4);
  EXPECT_EQ(countOf(counter, 3, Event::AmemWriteBit), 32u * 32);
  EXPECT_EQ(counter.denseProducts(3), 4u * 8 * 8);
  // Two columns are kept for each of 4 small block-rows.
  EXPECT_EQ(bitsRead(counter, 3), 4u * 2 * 16);
  EXPECT_EQ(countOf(counter, 4, Event::PwlElement), 8u);
  EXPECT_EQ(countOf(counter, 4, Event::VectorElement), 0u);
  EXPECT_EQ(countOf(counter, 4, Event::LutReadBit), 8u * 32);
  EXPECT_EQ(countOf(counter, 4, Event::AmemReadBit), 8u * 32);
  EXPECT_EQ(countOf(counter, 4, Event::VmemWriteBit), 8u * 11);
  EXPECT_EQ(countOf(counter, 5, Event::VmemWriteBit), 8u * 13);
  EXPECT_EQ(countOf(counter, 5, Event::VectorElement), 8u);
  EXPECT_EQ(bitsRead(counter, 6), 8u * (11 + 13));
  EXPECT_EQ(countOf(counter, 6, Event::AmemReadBit), 0u);
  EXPECT_EQ(bitsRead(counter, 7), 8u * 13);
  EXPECT_EQ(countOf(counter, 7, Event::AmemReadBit), 8u * 32);
  EXPECT_EQ(bitsRead(counter, 9), 8u * 7);
  EXPECT_EQ(countOf(counter, 9, Event::StoreByte), 16u);
  // Half of the gates and of the rows, and narrower inputs.
  EXPECT_EQ(countOf(counter, 10, Event::Accumulate), 64u / 4);
  EXPECT_EQ(countOf(counter, 10, Event::MultiplyBit2), 64u / 4 * 6 * 7);
  EXPECT_EQ(counter.denseProducts(10), 2u * 4 * 8);
  for (size_t pc = 0; pc < 12; ++pc) {
    EXPECT_EQ(countOf(counter, pc, Event::Dispatch), 1u);
    EXPECT_EQ(countOf(counter, pc, Event::PmemReadBit), 128u);
    EXPECT_EQ(countOf(counter, pc, Event::Cycle), 0u);
  }
}

/// E-W-1: constants have the width of their value, copies that of their source.
TEST(EnergyTest, ConstantsAndCopiesAreAsWideAsTheyAre) {
  ProgramBuilder builder;
  builder.initial(100, {0, -4, 3});
  builder.entry("run").code("fill v[0], -1, n 4\n"       // 1 bit
                            "fill v[4], 127, n 4\n"      // 8 bits
                            "vcopy v[8], v[4], n 4\n"    // 1
                            "vcopy v[12], v[0], n 4\n"   //
                            "vcopy v[16], v[100], n 3\n" // 3 bits
                            "vcopy v[20], v[0], n 8\n"   // the widest
                            "vcopy v[40], v[200], n 4\n" // nobody knows
                            "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  const EnergyCounter counter(*program);
  const unsigned bits[] = {1 * 4, 8 * 4, 8 * 4, 1 * 4, 3 * 3, 8 * 8, 16 * 4};
  for (size_t pc = 0; pc < 7; ++pc)
    EXPECT_EQ(countOf(counter, pc, Event::VmemWriteBit), bits[pc]) << pc;
  EXPECT_EQ(bitsRead(counter, 2), 8u * 4);
  EXPECT_EQ(bitsRead(counter, 5), 8u * 8);
}

/// E-W-2: elements that a register reaches as it moves through its ring, and
/// no others.
TEST(EnergyTest, RingsKeepTheirElementsApart) {
  ProgramBuilder builder;
  builder.entry("run").code("aset a1, 64 ring 64 + 24\n" // 0
                            "loop 5\n"                   // 1
                            "requant v[a1], a[0], n 4, shift 0, bits 13\n"
                            "requant v[a1 + 4], a[0], n 8, shift 0, bits 9\n"
                            "vacc a[0], v[a1], n 4, lshift 0, init zero\n"
                            "vacc a[0], v[a1 + 4], n 8, lshift 0, init zero\n"
                            "vacc a[0], v[a1 + 2], n 4, lshift 0, init zero\n"
                            "vacc a[0], v[64], n 4, lshift 0, init zero\n"
                            "aadd a1, 12\n" // 8
                            "endloop\n"
                            "vacc a[0], v[a1 - 8], n 8, lshift 0, init zero\n"
                            "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  const EnergyCounter counter(*program);
  EXPECT_EQ(bitsRead(counter, 4), 4u * 13);
  EXPECT_EQ(bitsRead(counter, 5), 8u * 9);
  EXPECT_EQ(bitsRead(counter, 6), 4u * 13); // across the border
  EXPECT_EQ(bitsRead(counter, 7), 4u * 13); // the same place without the ring
  EXPECT_EQ(bitsRead(counter, 10), 8u * 9); // backwards around the ring
}

/// E-W-2 for an operand that wraps, and one that lies behind a border of the
/// steps in which its register moves.
TEST(EnergyTest, OperandsThatWrapReachBothEnds) {
  ProgramBuilder builder;
  builder.entry("run").code("fill v[60], 127, n 40\n"    // 8 bits
                            "aset a1, 64 ring 64 + 24\n" // 64..87
                            "loop 5\n"                   //
                            "requant v[a1 + 22], a[0], n 4, shift 0, bits 13\n"
                            "aadd a1, 12\n"              //
                            "endloop\n"                  // writes:
                            "vcopy v[200], v[64], n 2\n" // 86, 87, 64, 65
                            "vcopy v[200], v[86], n 2\n" //
                            "vcopy v[200], v[74], n 4\n" // 74 .. 77
                            "vcopy v[200], v[66], n 8\n" // and no others
                            "vcopy v[200], v[78], n 8\n" //
                            "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  const EnergyCounter counter(*program);
  EXPECT_EQ(bitsRead(counter, 6), 2u * 13);
  EXPECT_EQ(bitsRead(counter, 7), 2u * 13);
  EXPECT_EQ(bitsRead(counter, 8), 4u * 13);
  EXPECT_EQ(bitsRead(counter, 9), 8u * 8);
  EXPECT_EQ(bitsRead(counter, 10), 8u * 8);
}

/// E-W-2 for a register that walks without a ring: it may be anywhere.
TEST(EnergyTest, WalksReachEverything) {
  ProgramBuilder builder;
  builder.entry("run").code("aset a1, 0\n"
                            "loop 5\n"
                            "requant v[a1], a[0], n 4, shift 0, bits 13\n"
                            "aadd a1, 3\n"
                            "endloop\n"
                            "vacc a[0], v[900], n 4, lshift 0, init zero\n"
                            "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  EXPECT_EQ(bitsRead(EnergyCounter(*program), 5), 4u * 13);
}

/// E-W-3: a later pass that loads what an earlier one stored.
TEST(EnergyTest, ScratchStreamsAreAsWideAsWhatIsStored) {
  ProgramBuilder builder;
  builder.stream("s", "step", "scratch", 4);
  builder.entry("run").code("astream a1, stream 0\n"
                            "load v[0], x[a1], n 4\n"
                            "requant v[8], a[0], n 4, shift 0, bits 10\n"
                            "store x[a1], v[8], n 4\n"
                            "halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  EXPECT_EQ(countOf(EnergyCounter(*program), 1, Event::VmemWriteBit), 4u * 10);
}

//===----------------------------------------------------------------------===//
// Voltages
//===----------------------------------------------------------------------===//

/// A target with round prices and two points; a program of two layers that uses
/// every unit.
ProgramBuilder pricedProgram() {
  ProgramBuilder builder;
  builder.set("/clock_hz", 1000);
  builder.set("/nominal_volts", 2.0);
  for (const EventInfo &info : energyEvents())
    builder.set("/energies/" + std::string(info.name),
                1e-6 * (1 + static_cast<int>(info.event)));
  builder.set("/leakage/watts", 0.5).set("/leakage/exponent", 3);
  builder.set("/operating_points/0/hz", 1000)
      .set("/operating_points/0/volts", 2.0)
      .put("/operating_points/0/name", "fast")
      .set("/operating_points/1/hz", 100)
      .set("/operating_points/1/volts", 1.0)
      .put("/operating_points/1/name", "slow");
  std::mt19937 random(1);
  builder.matrix(makeDense(random, 1, 4, 4, 4, {6})).table(makeTable(random));
  builder.stream("s", "sequence", "scratch", 4);
  builder.entry("run").code("fill v[0], 1, n 4\n"
                            "mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, "
                            "init zero, shifts [0, 0, 0, 0], tile 0\n"
                            "requant v[4], a[0], n 4, shift 0, bits 13\n"
                            "vcopy v[8], v[4], n 4\n"
                            "act v[12], a[0], n 4, shift 0, table 0\n"
                            "astream a1, stream 0\n"
                            "store x[a1], v[12], n 4\n"
                            "load v[16], x[a1], n 4\n"
                            "halt");
  builder.debug(0, "n", 0, "").debug(1, "n", 0, "").debug(2, "n", 1, "");
  return builder;
}

Statistics run(const LoadedProgram::Ptr &program) {
  Runner runner(program);
  Result<RunResult> result = runner.run({});
  if (result)
    return result->statistics;
  ADD_FAILURE() << result.message();
  return Statistics(program);
}

/// The line of that name; NaN if there is none.
double partOf(const std::vector<EnergyPart> &parts, std::string_view name) {
  for (const EnergyPart &part : parts)
    if (part.name == name)
      return part.joules;
  return NAN;
}

/// Joules of all events of these kinds.
double joulesOf(const EnergyReport &report, const std::vector<Event> &events) {
  double sum = 0;
  for (Event event : events)
    sum += report.events[static_cast<size_t>(event)].joules;
  return sum;
}

double sumOf(const std::vector<EnergyPart> &parts) {
  double sum = 0;
  for (const EnergyPart &part : parts)
    sum += part.joules;
  return sum;
}

TEST(EnergyTest, ScalesWithVoltageAndTime) {
  LoadedProgram::Ptr program = pricedProgram().load();
  ASSERT_TRUE(program);
  Statistics statistics = run(program);
  const EnergyReport fast = *statistics.energyReport();
  EXPECT_EQ(fast.point.name, "fast");
  const auto cycles = static_cast<double>(*statistics.cycles());
  EXPECT_DOUBLE_EQ(fast.seconds, cycles / 1000);
  EXPECT_DOUBLE_EQ(fast.leakage, 0.5 * cycles / 1000);
  double dynamic = 0;
  for (const EventEnergy &event : fast.events) {
    ASSERT_TRUE(event.price);
    EXPECT_DOUBLE_EQ(event.joules, static_cast<double>(event.count) * 1e-6 *
                                       (1 + static_cast<int>(event.event)));
    dynamic += event.joules;
  }
  EXPECT_DOUBLE_EQ(fast.dynamic, dynamic);
  EXPECT_DOUBLE_EQ(fast.joules, fast.dynamic + fast.leakage);
  EXPECT_DOUBLE_EQ(fast.watts, fast.joules / fast.seconds);

  ASSERT_TRUE(statistics.setOperatingPoint("slow"));
  const EnergyReport slow = *statistics.energyReport();
  EXPECT_DOUBLE_EQ(slow.seconds, 10 * fast.seconds);
  EXPECT_DOUBLE_EQ(slow.dynamic, fast.dynamic / 4);
  EXPECT_DOUBLE_EQ(slow.leakage, 10 * fast.leakage / 8);
  EXPECT_DOUBLE_EQ(statistics.microseconds(), 1e6 * slow.seconds);
  EXPECT_EQ(statistics.toJson()["clock_hz"], 100);
  EXPECT_EQ(statistics.toJson()["operating_point"], "slow");
  Result<void> refused = statistics.setOperatingPoint("medium");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.message(), "target 'generic' has no operating point "
                               "'medium', allowed fast, slow");
  EXPECT_EQ(statistics.operatingPoint().name, "slow");
}

TEST(EnergyTest, ChoosesOperatingPoints) {
  LoadedProgram::Ptr program = pricedProgram().load();
  ASSERT_TRUE(program);
  const TargetModel &target = program->target();
  EXPECT_EQ(chooseOperatingPoint(target, std::nullopt)->name, "fast");
  EXPECT_EQ(chooseOperatingPoint(target, "slow")->hz, 100u);
  EXPECT_EQ(chooseOperatingPoint(target, "slov").message(),
            "target 'generic' has no operating point 'slov', allowed fast, "
            "slow; did you mean 'slow'?");
  EXPECT_EQ(chooseOperatingPoint(target, "").message(),
            "the name is empty; target 'generic' has fast, slow");
  EXPECT_EQ(chooseOperatingPoint(*loadTarget("generic"), "").message(),
            "the name is empty, and target 'generic' has no operating points; "
            "leave it out");
}

/// E-B-4.
TEST(EnergyTest, BreakdownsAddUp) {
  LoadedProgram::Ptr program = pricedProgram().load();
  ASSERT_TRUE(program);
  const Statistics statistics = run(program);
  const EnergyReport report = *statistics.energyReport();
  for (const auto *parts : {&report.units, &report.memories, &report.layers})
    EXPECT_NEAR(sumOf(*parts), report.joules, 1e-12 * report.joules);
  for (const EnergyPart &part : report.units)
    EXPECT_GT(part.joules, 0) << part.name;
  // E-B-1, E-B-2: events that belong to one line alone.
  const std::pair<double, std::vector<Event>> lines[] = {
      {partOf(report.units, "dispatch"), {Event::Dispatch, Event::PmemReadBit}},
      {partOf(report.units, "clock"), {Event::Cycle}},
      {partOf(report.memories, "pmem"), {Event::PmemReadBit}},
      {partOf(report.memories, "lut"), {Event::LutReadBit}},
      {partOf(report.memories, "ext"), {Event::LoadByte, Event::StoreByte}},
      {partOf(report.memories, "amem"),
       {Event::AmemReadBit, Event::AmemWriteBit}},
      {partOf(report.memories, "vmem"),
       {Event::VmemReadBit, Event::VmemWriteBit}},
      {partOf(report.memories, "wmem"),
       {Event::WmemReadBit, Event::WmemWriteBit}}};
  for (const auto &[joules, events] : lines) {
    EXPECT_GT(joules, 0);
    EXPECT_NEAR(joules, joulesOf(report, events), 1e-12 * report.joules)
        << getInfo(events.front()).name;
  }
  EXPECT_DOUBLE_EQ(partOf(report.units, "leakage"), report.leakage);
  EXPECT_DOUBLE_EQ(partOf(report.memories, "leakage"), report.leakage);
  ASSERT_EQ(report.layers.size(), 3u);
  EXPECT_EQ(report.layers[0].name, "0");
  EXPECT_EQ(report.layers[1].name, "1");
  EXPECT_EQ(report.layers[2].name, "");
  EXPECT_GT(report.layers[0].joules, report.layers[1].joules);
  EXPECT_EQ(report.products, 16u);
  EXPECT_EQ(report.denseProducts, 16u);
  EXPECT_DOUBLE_EQ(report.topsPerWatt(), 32e-12 / report.joules);
  // Every number that went in comes with its origin.
  std::vector<std::string> pointers;
  for (const TargetNumber &number : report.numbers)
    pointers.push_back(number.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{
                          "/nominal_volts", "/operating_points/0/hz",
                          "/operating_points/0/volts", "/leakage/watts",
                          "/leakage/exponent"}));
  EXPECT_EQ(describeOrigins(report),
            "nominal voltage assumed, clock assumed, voltage assumed, leakage "
            "assumed, its exponent assumed, energies of 15 events assumed");
  const json text = statistics.toJson();
  EXPECT_DOUBLE_EQ(text["energy_joules"], report.joules);
  EXPECT_EQ(text["energy"]["events"]["cycle"]["count"], *statistics.cycles());
  EXPECT_EQ(text["energy"]["events"]["cycle"]["origin"], "assumed");
}

/// Calls add up; an inference is one of them.
TEST(EnergyTest, EnergiesOfCallsAddUp) {
  LoadedProgram::Ptr program = pricedProgram().load();
  ASSERT_TRUE(program);
  Statistics statistics = run(program);
  const EnergyReport one = *statistics.energyReport();
  EXPECT_GT(one.joules, 0);
  EXPECT_DOUBLE_EQ(one.perInference, one.joules);
  statistics += run(program);
  const EnergyReport two = *statistics.energyReport();
  EXPECT_DOUBLE_EQ(two.joules, 2 * one.joules);
  EXPECT_DOUBLE_EQ(two.perInference, one.joules);
  EXPECT_DOUBLE_EQ(two.watts, one.watts);
}

TEST(EnergyTest, TargetsWithoutPricesStateNoEnergy) {
  ProgramBuilder builder;
  builder.entry("run").code("halt");
  LoadedProgram::Ptr program = builder.load();
  ASSERT_TRUE(program);
  const Statistics statistics = run(program);
  EXPECT_FALSE(statistics.energy());
  EXPECT_TRUE(statistics.toJson()["energy"].is_null());
  EXPECT_TRUE(statistics.toJson()["operating_point"].is_null());
}

} // namespace
