// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Summary.h"
#include "TestProgram.h"
#include "hcgs/Sim/Runner.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;
using nlohmann::json;

/// T steps of y = W x on ports of 4 bytes with latency 1, 4 MAC lanes.
/// `priced`: on a target that states the energies of all events but `unpriced`.
static LoadedProgram::Ptr
products(bool priced = false,
         const std::vector<std::string_view> &unpriced = {}) {
  std::mt19937 random(1);
  ProgramBuilder builder;
  if (priced) {
    for (const EventInfo &info : energyEvents())
      if (std::find(unpriced.begin(), unpriced.end(), info.name) ==
          unpriced.end())
        builder.set("/energies/" + std::string(info.name), 1.23456789e-12);
    builder.set("/nominal_volts", 1.0);
    builder.set("/leakage/watts", 0.123456).set("/leakage/exponent", 3);
  }
  builder.stream("x", "step", "in", 8).stream("y", "step", "out", 8);
  builder.matrix(makeDense(random, 1, 8, 8, 8, {6}));
  builder.meta["network"] = {
      {"inputs", json::array()},
      {"outputs", json::array()},
      {"values", json::array()},
      {"layers",
       {{{"name", "/net/a_layer_with_a_very_long_name_of_its_own"}}}}};
  builder.entry("run").code(R"(
    astream a1, stream 0
    astream a2, stream 1
    loop T
      load v[0], x[a1], n 8
      mvm a[0], v[0], desc 0, blocks 0 + 1, gates i, init zero, shifts [0, 0, 0, 0], tile 0
      requant v[16], a[0], n 8, shift 1, bits 8
      store x[a2], v[16], n 8
      aadd a1, 16
      aadd a2, 16
    endloop
    halt
  )");
  builder.debug(4, "node", 0, "W rows 0..7, step t");
  return builder.load();
}

static Statistics runOn(const LoadedProgram::Ptr &program, int64_t steps) {
  Statistics statistics(program);
  Result<StreamLayout> layout = program->layoutStreams(steps);
  EXPECT_TRUE(layout);
  statistics.addCall(
      0, Entry::Run, steps,
      program->timing(Entry::Run, steps, Registers(), *layout).get());
  return statistics;
}

TEST(SummaryTest, RooflineCountsTheWork) {
  LoadedProgram::Ptr program = products();
  ASSERT_TRUE(program);
  const int64_t steps = 10;
  const Roofline roof = rooflineOf(*program, runOn(program, steps));
  auto cycles = [&](std::string_view name) -> uint64_t {
    for (const RooflineBound &bound : roof.bounds)
      if (bound.name == name)
        return bound.cycles;
    ADD_FAILURE() << name;
    return 0;
  };
  const uint64_t occ = program->instructions()[4].occ;
  EXPECT_EQ(cycles("MACs"), 64u * steps / 4);
  EXPECT_EQ(cycles("matrix unit"), occ * steps);
  EXPECT_EQ(cycles("vector unit"), 4u * steps);
  EXPECT_EQ(cycles("load port"), 5u * steps); // 1 + 16 bytes / 4
  EXPECT_EQ(cycles("store port"), 5u * steps);
  EXPECT_EQ(cycles("dispatch"), 7u * steps + 4);
  EXPECT_EQ(roof.bounds[roof.binding].cycles,
            std::max<uint64_t>({64u * steps / 4, occ * steps, 7u * steps + 4}));
  // 64 MACs for 16 bytes in and 16 out; a port brings 16 bytes in 4 cycles.
  EXPECT_DOUBLE_EQ(roof.intensity, 2);
  EXPECT_DOUBLE_EQ(roof.ports, 16);
  EXPECT_DOUBLE_EQ(roof.attainable, 4);
}

/// Of the events without an energy those that happened are named: `act` and
/// `wload` do not occur.
TEST(SummaryTest, NamesEventsWithoutEnergy) {
  LoadedProgram::Ptr whole = products(true);
  ASSERT_TRUE(whole);
  EXPECT_EQ(summaryText(*whole, runOn(whole, 3)).find("without an energy"),
            std::string::npos);
  LoadedProgram::Ptr program = products(
      true, {"multiply_bit2", "lut_read_bit", "wmem_write_bit", "vmem_read_bit",
             "vector_element", "load_byte", "store_byte", "dispatch"});
  ASSERT_TRUE(program);
  const Statistics statistics = runOn(program, 3);
  EXPECT_NE(summaryText(*program, statistics)
                .find("\nwithout an energy       multiply_bit2, vmem_read_bit, "
                      "vector_element, load_byte,\n"
                      "                        store_byte, dispatch\n"),
            std::string::npos)
      << summaryText(*program, statistics);
  EXPECT_EQ(statistics.toJson()["energy"]["unpriced_events"],
            json({"multiply_bit2", "vmem_read_bit", "vector_element",
                  "load_byte", "store_byte", "dispatch"}));
}

/// Counts of any size stay apart from the percentages and counts beside them.
TEST(SummaryTest, ColumnsOfLargeCountsStayApart) {
  // As in "100.0323,000,064", "64,000,000323,000,064" and "1,234 M323".
  const std::regex merged("\\.[0-9]+,|,[0-9]{4}|M[0-9]");
  LoadedProgram::Ptr program = products();
  ASSERT_TRUE(program);
  // Doubled up to counts of 12 digits: every number of digits comes by.
  Statistics statistics = runOn(program, 1000);
  while (*statistics.cycles() < 100'000'000'000) {
    const Statistics half = statistics;
    statistics += half;
    const std::string text = summaryText(*program, statistics);
    std::smatch found;
    EXPECT_FALSE(std::regex_search(text, found, merged))
        << "'" << found.str() << "' in\n"
        << text;
  }
}

TEST(SummaryTest, FitsEightyColumns) {
  for (auto [steps, priced] :
       {std::pair(1, false), {100, true}, {100'000, true}, {100'000, false}}) {
    LoadedProgram::Ptr program = products(priced);
    ASSERT_TRUE(program);
    const Statistics statistics = runOn(program, steps);
    const std::string text = summaryText(*program, statistics);
    EXPECT_EQ(text.find("\nenergy ") != std::string::npos, priced) << text;
    EXPECT_EQ(text.find("dense-equivalent") != std::string::npos, priced);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80u) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    EXPECT_NE(text.find("program on generic: 4 MAC lanes"), std::string::npos)
        << text;
    EXPECT_NE(text.find("\n..ng_name_of_its_own "), std::string::npos) << text;
  }
}
