// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Targets: the shipped ones, and every rule of schema and model.

#include "hcgs/Target/TargetModel.h"
#include "gtest/gtest.h"
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace hcgs;
using nlohmann::json;

namespace {

json shipped(const char *name) {
  Result<TargetModel> target = loadTarget(name);
  EXPECT_TRUE(target) << target.message();
  return json::parse(target->json);
}

/// The error of the 65-nm target with one value changed.
std::string errorWith(const char *pointer, json value) {
  json target = shipped("hcgs-65nm");
  target[json::json_pointer(pointer)] = std::move(value);
  Result<TargetModel> parsed = parseTarget(target.dump(), "t.json");
  return parsed ? "" : parsed.message();
}

TEST(TargetModel, ShippedTargetsLoad) {
  EXPECT_EQ(getShippedTargets(),
            (std::vector<std::string>{"brainwave-96k", "generic", "hcgs-65nm",
                                      "sharp-16k", "sharp-1k", "sharp-4k",
                                      "sharp-64k", "wang-90nm"}));
  for (const std::string &name : getShippedTargets()) {
    Result<TargetModel> target = loadTarget(name);
    ASSERT_TRUE(target) << target.message();
    EXPECT_EQ(target->name, name);
    for (TileShape tile : target->mac.tiles)
      EXPECT_EQ(tile.rows * tile.cols, target->mac.lanes);
  }
}

TEST(TargetModel, PublishedFigures) {
  Result<TargetModel> target = loadTarget("hcgs-65nm");
  ASSERT_TRUE(target) << target.message();
  EXPECT_EQ(target->clockHz, 80000000u);
  EXPECT_EQ(target->mac.lanes, 64u);
  EXPECT_EQ(target->memories.wmemBytes, 288000u);
  EXPECT_TRUE(target->hasWeightBits(6));
  EXPECT_FALSE(target->hasWeightBits(8));
  EXPECT_TRUE(target->hasMatrixKind("hcgs"));
  EXPECT_FALSE(target->hasMatrixKind("circulant"));
  EXPECT_TRUE(loadTarget("generic")->hasMatrixKind("circulant"));
  EXPECT_TRUE(loadTarget("generic")->energies.empty());
  EXPECT_FALSE(target->loadsWeights);
  EXPECT_TRUE(loadTarget("generic")->loadsWeights);
  // Two points: one is published, the other fitted.
  ASSERT_EQ(target->operatingPoints.size(), 2u);
  EXPECT_EQ(target->operatingPoints[0].hz, 80000000u);
  EXPECT_EQ(target->operatingPoints[1].name, "efficient");
  EXPECT_FALSE(target->energies.empty());
  EXPECT_TRUE(target->leakage);
}

/// The canonical text says the same as the file.
TEST(TargetModel, CanonicalTextReadsBack) {
  Result<TargetModel> target = loadTarget("hcgs-65nm");
  ASSERT_TRUE(target);
  Result<TargetModel> again = parseTarget(target->json, "again");
  ASSERT_TRUE(again) << again.message();
  EXPECT_EQ(again->json, target->json);
}

TEST(TargetModel, UnknownNameListsTheKnown) {
  EXPECT_EQ(loadTarget("hcgs-65mn").message(),
            "unknown target 'hcgs-65mn', allowed brainwave-96k, generic, "
            "hcgs-65nm, sharp-16k, sharp-1k, sharp-4k, sharp-64k, wang-90nm or "
            "the path of a target file (.json); did you mean 'hcgs-65nm'?");
  EXPECT_NE(loadTarget("/nowhere/x.json").message().find("/nowhere/x.json"),
            std::string::npos);
}

TEST(TargetModel, ReadsFiles) {
  std::string path = testing::TempDir() + "/hcgs-target-test.json";
  json target = shipped("generic");
  target["name"] = "mine";
  std::ofstream(path) << target.dump(2);
  Result<TargetModel> loaded = loadTarget(path);
  std::remove(path.c_str());
  ASSERT_TRUE(loaded) << loaded.message();
  EXPECT_EQ(loaded->name, "mine");
}

TEST(TargetModel, SchemaErrorsSayWhereWhatAndAllowed) {
  EXPECT_EQ(errorWith("/vector/lanes/value", 0),
            "t.json: /vector/lanes/value: found 0, allowed integer 1..1048576");
  EXPECT_EQ(errorWith("/clock_hz/value", "fast"),
            "t.json: /clock_hz/value: found \"fast\", allowed integer "
            "1..1000000000000");
  EXPECT_EQ(errorWith("/clock_hz/origin", "guessed"),
            "t.json: /clock_hz/origin: found \"guessed\", allowed one of "
            "[\"published\",\"fitted\",\"assumed\"]");
  EXPECT_EQ(errorWith("/clock_hz/sauce", "x"),
            "t.json: /clock_hz: unknown field 'sauce', allowed origin, source, "
            "value");
  json target = shipped("hcgs-65nm");
  target["mac"].erase("lanes");
  EXPECT_NE(parseTarget(target.dump(), "t").message().find("'lanes'"),
            std::string::npos);
  EXPECT_NE(parseTarget("[]", "t").message(), "");
  EXPECT_EQ(parseTarget("{", "t").message().substr(0, 12), "t: not JSON:");
}

TEST(TargetModel, CrossFieldRules) {
  EXPECT_EQ(errorWith("/mac/tiles/value/1", json({16, 2})),
            "t.json: /mac/tiles/value/1: 16x2 takes 32 multipliers, /mac/lanes "
            "has 64");
  EXPECT_EQ(errorWith("/mac/tiles/value/1", json({64, 1})),
            "t.json: /mac/tiles/value/1: shape 64x1 occurs twice");
  EXPECT_EQ(errorWith("/memories/lut/segments/value", 300),
            "t.json: /memories/lut/segments/value: found 300, allowed a power "
            "of two");
  EXPECT_EQ(errorWith("/activation_bits/max/value", 7),
            "t.json: /activation_bits/min/value: found 8, allowed at most "
            "/activation_bits/max, 7");
}

json number(json value) {
  return {
      {"value", std::move(value)}, {"origin", "fitted"}, {"source", "a test"}};
}

TEST(TargetModel, EnergiesAreOptional) {
  json target = shipped("generic");
  target["nominal_volts"] = number(1.0);
  target["energies"] = {{"accumulate", number(1e-12)}};
  target["leakage"] = {{"watts", number(0.25)}, {"exponent", number(3)}};
  Result<TargetModel> parsed = parseTarget(target.dump(), "t");
  ASSERT_TRUE(parsed) << parsed.message();
  EXPECT_EQ(parsed->energies.at("accumulate").joules, 1e-12);
  EXPECT_EQ(getName(parsed->energies.at("accumulate").origin), "fitted");
  ASSERT_TRUE(parsed->leakage);
  EXPECT_EQ(parsed->leakage->watts, 0.25);
  EXPECT_EQ(parsed->leakage->exponent, 3);
  target.erase("nominal_volts");
  EXPECT_EQ(parseTarget(target.dump(), "t").message(),
            "t: /energies: needs /nominal_volts, the voltage that joules and "
            "watts hold at");
  target.erase("energies");
  EXPECT_EQ(parseTarget(target.dump(), "t").message(),
            "t: /leakage: needs /nominal_volts, the voltage that joules and "
            "watts hold at");
}

TEST(TargetModel, UnknownAndMissingFields) {
  EXPECT_EQ(errorWith("/vector/lane", 5),
            "t.json: /vector: unknown field 'lane', allowed lanes, latency; "
            "did you mean 'lanes'?");
  EXPECT_EQ(errorWith("/coffee", 5).substr(0, 40),
            "t.json: /: unknown field 'coffee', allow");
  EXPECT_EQ(
      errorWith("/energies", {{"multiply_bits2", number(1)}}).substr(0, 48),
      "t.json: /energies: unknown field 'multiply_bits2");
  EXPECT_EQ(errorWith("/queues/load", {{"value", 4}}),
            "t.json: /queues/load: field 'origin' is missing; a number has its "
            "value, its origin (published, fitted, assumed) and its source");
  EXPECT_EQ(errorWith("/queues/load", 4),
            "t.json: /queues/load: found 4, allowed an object with value, "
            "origin and source");
  EXPECT_EQ(errorWith("/base", "generic"),
            "t.json: /base: only a target file can have a base; give the whole "
            "target, as --print-target prints it");
  json target = shipped("hcgs-65nm");
  target.erase("vector");
  EXPECT_EQ(parseTarget(target.dump(), "t").message(),
            "t: /: field 'vector' is missing");
}

TEST(TargetModel, ValuesOutOfRange) {
  const std::pair<const char *, json> wrong[] = {
      {"/memories/wmem/bytes/value", 0},
      {"/memories/vmem/elements/value", 0},
      {"/memories/pmem/instructions/value", -1},
      {"/clock_hz/value", -80000000},
      {"/load/latency/value", -1},
      {"/load/port_bytes/value", 0},
      {"/queues/matrix/value", 0},
      {"/mac/lanes/value", 0},
      {"/mac/lanes/value", 64.5},
      {"/accumulator_bits/value", 24},
      {"/nominal_volts/value", 0},
      {"/nominal_volts/value", -1.2},
      {"/operating_points/0/hz/value", 0},
      {"/operating_points/0/volts/value", 1000},
      {"/energies", {{"cycle", number(-1e-12)}}},
      {"/leakage", {{"watts", number(-1)}, {"exponent", number(1)}}}};
  for (const auto &[pointer, value] : wrong) {
    const std::string message = errorWith(pointer, value);
    EXPECT_NE(message.find(std::string("t.json: ") + pointer),
              std::string::npos)
        << pointer << ": " << message;
    EXPECT_NE(message.find("found "), std::string::npos) << message;
    EXPECT_NE(message.find(", allowed "), std::string::npos) << message;
  }
  EXPECT_EQ(errorWith("/weights/bits/value", json({6, 6})),
            "t.json: /weights/bits/value: found [6,6], allowed a list of "
            "integer 2..8, none twice");
  EXPECT_EQ(errorWith("/matrix_kinds/value", json::array()),
            "t.json: /matrix_kinds/value: found [], allowed a list of one of "
            "[\"dense\",\"hcgs\",\"circulant\"], none twice");
}

TEST(TargetModel, LanesNoShapeFits) {
  EXPECT_EQ(errorWith("/mac/lanes/value", 100),
            "t.json: /mac/lanes/value: found 100, and no shape of /mac/tiles "
            "takes as many: 64x1 = 64, 32x2 = 64, 16x4 = 64, 8x8 = 64, 4x16 = "
            "64, 2x32 = 64, 1x64 = 64; rows * columns must be the lanes");
}

json point(const char *name, int64_t hz, double volts) {
  return {{"name", name}, {"hz", number(hz)}, {"volts", number(volts)}};
}

TEST(TargetModel, OperatingPoints) {
  json target = shipped("hcgs-65nm");
  target["operating_points"] = {point("fast", 80000000, 1.2),
                                point("slow", 8000000, 0.7)};
  Result<TargetModel> parsed = parseTarget(target.dump(), "t");
  ASSERT_TRUE(parsed) << parsed.message();
  EXPECT_EQ(parsed->getOperatingPoint("")->name, "fast");
  EXPECT_EQ(parsed->getOperatingPoint("slow")->hz, 8000000u);
  EXPECT_EQ(parsed->getOperatingPoint("slow")->volts, 0.7);
  EXPECT_EQ(parsed->getOperatingPoint("slwo").message(),
            "target 'hcgs-65nm' has no operating point 'slwo', allowed fast, "
            "slow");
  EXPECT_EQ(parsed->getOperatingPoint("slov").message(),
            "target 'hcgs-65nm' has no operating point 'slov', allowed fast, "
            "slow; did you mean 'slow'?");
  Result<TargetModel> generic = loadTarget("generic");
  EXPECT_EQ(generic->getOperatingPoint("")->hz, generic->clockHz);
  EXPECT_EQ(generic->getOperatingPoint("fast").message(),
            "target 'generic' has no operating points, and so none called "
            "'fast'; a target file lists them under 'operating_points'");
}

TEST(TargetModel, OperatingPointsThatContradict) {
  EXPECT_EQ(errorWith("/operating_points", {point("fast", 8000000, 1.2)}),
            "t.json: /operating_points/0/hz/value: found 8000000, allowed "
            "/clock_hz, 80000000: the first point is what everything is "
            "counted at");
  EXPECT_EQ(errorWith("/operating_points", {point("fast", 80000000, 1.2),
                                            point("fast", 8000000, 1.2)}),
            "t.json: /operating_points/1/name: name 'fast' occurs twice");
  EXPECT_EQ(errorWith("/operating_points", {point("fast", 80000000, 1.2),
                                            point("quick", 80000000, 1.2)}),
            "t.json: /operating_points/1: 'fast' and 'quick' are both 80000000 "
            "Hz at 1.2 V");
  EXPECT_EQ(errorWith("/operating_points",
                      {point("fast", 80000000, 0.7), point("low", 1000, 0.7),
                       point("slow", 8000000, 1.2)}),
            "t.json: /operating_points/2/volts/value: found 1.2 V for 'slow' "
            "at 8000000 Hz, and 0.7 V for 'fast' at 80000000 Hz; a faster "
            "clock takes no lower voltage");
  EXPECT_EQ(errorWith("/operating_points", {point("slow", 80000000, 1.2),
                                            point("fast", 90000000, 0.7)}),
            "t.json: /operating_points/1/volts/value: found 0.7 V for 'fast' "
            "at 90000000 Hz, and 1.2 V for 'slow' at 80000000 Hz; a faster "
            "clock takes no lower voltage");
  // One voltage may do for several clocks, and one clock run at several.
  EXPECT_EQ(errorWith("/operating_points", {point("fast", 80000000, 1.2),
                                            point("same", 8000000, 1.2),
                                            point("spare", 80000000, 1.3)}),
            "");
  EXPECT_NE(errorWith("/operating_points", json::array()), "");
  EXPECT_NE(errorWith("/operating_points", {point("Too Fast", 80000000, 1.2)}),
            "");
  json target = shipped("hcgs-65nm");
  target.erase("nominal_volts");
  EXPECT_EQ(parseTarget(target.dump(), "t").message(),
            "t: /operating_points: needs /nominal_volts, the voltage that "
            "joules and watts hold at");
}

/// What is printed is a file that says the same, in the order of the schema.
TEST(TargetModel, PrintedTargetsReadBack) {
  for (const std::string &name : getShippedTargets()) {
    Result<TargetModel> target = loadTarget(name);
    ASSERT_TRUE(target) << target.message();
    const std::string text = printTarget(*target);
    EXPECT_EQ(text.substr(0, 13 + name.size()), "{\n  \"name\": \"" + name);
    Result<TargetModel> again = parseTarget(text, "printed");
    ASSERT_TRUE(again) << again.message();
    EXPECT_EQ(again->json, target->json);
  }
}

TEST(TargetModel, NumbersHaveOrigins) {
  Result<TargetModel> target = loadTarget("hcgs-65nm");
  const std::vector<TargetNumber> numbers = getNumbers(*target);
  ASSERT_GT(numbers.size(), 30u);
  EXPECT_EQ(numbers[0].pointer, "/clock_hz");
  EXPECT_EQ(numbers[0].value, "80000000");
  EXPECT_EQ(getName(numbers[0].origin), "published");
  EXPECT_NE(numbers[0].source.find("80 MHz"), std::string::npos);
  bool found = false;
  for (const TargetNumber &number : numbers)
    found |= number.pointer == "/operating_points/0/volts" &&
             number.origin == Origin::Assumed;
  EXPECT_TRUE(found);
}

TEST(TargetModel, TableFits80Columns) {
  Result<std::string> table = printTargetTable();
  ASSERT_TRUE(table) << table.message();
  size_t lines = 0;
  for (size_t at = 0; at < table->size(); ++lines) {
    const size_t end = table->find('\n', at);
    EXPECT_LE(end - at, 80u);
    at = end + 1;
  }
  EXPECT_EQ(lines, 1 + getShippedTargets().size());
}

} // namespace
