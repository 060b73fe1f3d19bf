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
            (std::vector<std::string>{"generic", "hcgs-65nm"}));
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
  EXPECT_TRUE(target->energies.empty());
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
            "unknown target 'hcgs-65mn', allowed generic, hcgs-65nm or the "
            "path of a target file (.json)");
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
  EXPECT_NE(errorWith("/clock_hz/sauce", "x").find("t.json: /clock_hz: "),
            std::string::npos);
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

TEST(TargetModel, EnergiesAreOptional) {
  json target = shipped("generic");
  target["energies"] = {
      {"mac", {{"value", 1e-12}, {"origin", "fitted"}, {"source", "a fit"}}}};
  Result<TargetModel> parsed = parseTarget(target.dump(), "t");
  ASSERT_TRUE(parsed) << parsed.message();
  EXPECT_EQ(parsed->energies.at("mac").joules, 1e-12);
  EXPECT_EQ(getName(parsed->energies.at("mac").origin), "fitted");
}

} // namespace
