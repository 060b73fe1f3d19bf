// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Target files that say only what differs from another target.

#include "hcgs/Target/TargetModel.h"
#include "gtest/gtest.h"
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace hcgs;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json number(json value) {
  return {
      {"value", std::move(value)}, {"origin", "fitted"}, {"source", "a test"}};
}

/// A folder with target files.
class TargetBase : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / "hcgs-target-base";
    fs::create_directories(folder / "below");
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string write(const std::string &name, const json &value) {
    std::ofstream(folder / name) << value.dump(2);
    return (folder / name).string();
  }
  /// The error of a file, with the folder's name left out.
  std::string errorOf(const std::string &name, const json &value) {
    Result<TargetModel> target = loadTarget(write(name, value));
    if (target)
      return "";
    std::string message = target.message();
    const std::string prefix = folder.string() + "/";
    for (size_t at; (at = message.find(prefix)) != std::string::npos;)
      message.erase(at, prefix.size());
    return message;
  }
  fs::path folder;
};

TEST_F(TargetBase, TheFileWins) {
  Result<TargetModel> target = loadTarget(
      write("mine.json", {{"base", "hcgs-65nm"},
                          {"name", "mine"},
                          {"vector", {{"lanes", number(16)}}},
                          {"memories", {{"wmem", {{"bytes", number(1000)}}}}},
                          {"operating_points", nullptr},
                          {"clock_hz", number(100000000)}}));
  ASSERT_TRUE(target) << target.message();
  const TargetModel base = *loadTarget("hcgs-65nm");
  EXPECT_EQ(target->name, "mine");
  EXPECT_EQ(target->description,
            "As hcgs-65nm, but for clock_hz, memories, operating_points, "
            "vector");
  EXPECT_EQ(target->vector.lanes, 16u);
  EXPECT_EQ(target->vector.latency, base.vector.latency);
  EXPECT_EQ(target->memories.wmemBytes, 1000u);
  EXPECT_EQ(target->memories.imemBytes, base.memories.imemBytes);
  EXPECT_EQ(target->mac.tiles, base.mac.tiles);
  EXPECT_TRUE(target->operatingPoints.empty());
  EXPECT_EQ(target->clockHz, 100000000u);
}

/// Programs carry the whole, which needs no base any more.
TEST_F(TargetBase, TheCanonicalTextIsWhole) {
  Result<TargetModel> target =
      loadTarget(write("mine.json", {{"base", "sharp-64k"}, {"name", "mine"}}));
  ASSERT_TRUE(target) << target.message();
  const json whole = json::parse(target->json);
  EXPECT_FALSE(whole.contains("base"));
  Result<TargetModel> again = parseTarget(target->json, "program");
  ASSERT_TRUE(again) << again.message();
  EXPECT_EQ(again->json, target->json);
  json base = json::parse(loadTarget("sharp-64k")->json);
  base["name"] = "mine";
  base["description"] = "As sharp-64k";
  EXPECT_EQ(whole, base);
}

TEST_F(TargetBase, PathsStartAtTheFile) {
  write("below/base.json",
        {{"base", "sharp-1k"}, {"name", "b"}, {"clock_hz", number(7)}});
  Result<TargetModel> target = loadTarget(
      write("mine.json", {{"base", "below/base.json"}, {"name", "mine"}}));
  ASSERT_TRUE(target) << target.message();
  EXPECT_EQ(target->clockHz, 7u);
  target = loadTarget(
      write("below/other.json", {{"base", "../mine.json"}, {"name", "other"}}));
  ASSERT_TRUE(target) << target.message();
  EXPECT_EQ(target->clockHz, 7u);
  EXPECT_EQ(target->mac.lanes, 1024u);
}

/// A number is one thing: another value does not inherit a source that says
/// something else.
TEST_F(TargetBase, NumbersAreReplacedWhole) {
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"matrix", {{"fill", {{"value", 5}}}}}}),
            "mine.json: /matrix/fill: field 'origin' is missing; a number has "
            "its value, its origin (published, fitted, assumed) and its "
            "source");
}

/// Some files go on for ever.
TEST_F(TargetBase, FilesAreRegularAndSmall) {
  EXPECT_EQ(errorOf("mine.json", {{"base", "/dev/null"}, {"name", "mine"}}),
            "mine.json: /base: '/dev/null': cannot read: a target must be a "
            "regular file");
  EXPECT_EQ(loadTarget("/dev/null").message(),
            "'/dev/null': cannot read: a target must be a regular file");
  write("large.json", {});
  fs::resize_file(folder / "large.json", (16 << 20) + 1); // sparse
  EXPECT_EQ(errorOf("mine.json", {{"base", "./large.json"}, {"name", "mine"}}),
            "mine.json: /base: './large.json': 16777217 bytes found, a target "
            "file has at most 16777216");
  EXPECT_EQ(errorOf("mine.json", {{"base", std::string("below/\0.json", 12)},
                                  {"name", "mine"}}),
            "mine.json: /base: the path \"below/\\u0000.json\" has a byte 0, "
            "which no path can have");
}

/// Bytes of wmem are counted in 31 bits.
TEST_F(TargetBase, WeightMemoriesEndBefore2GiB) {
  auto withBytes = [](uint32_t bytes) -> json {
    return {{"base", "generic"},
            {"name", "mine"},
            {"memories", {{"wmem", {{"bytes", number(bytes)}}}}}};
  };
  EXPECT_EQ(errorOf("mine.json", withBytes(0x7fffffff)), "");
  EXPECT_EQ(errorOf("mine.json", withBytes(0x80000000)),
            "mine.json: /memories/wmem/bytes/value: found 2147483648, allowed "
            "integer 1..2147483647");
}

TEST_F(TargetBase, DifferencesAreChecked) {
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"vectro", {{"lanes", number(5)}}}})
                .substr(0, 38),
            "mine.json: /: unknown field 'vectro', ");
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"mac", {{"lanes", number(128)}}}})
                .substr(0, 40),
            "mine.json: /mac/lanes/value: found 128, ");
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"clock_hz", number(1000)}}),
            "mine.json: /operating_points/0/hz/value: found 80000000, allowed "
            "/clock_hz, 1000: the first point is what everything is counted "
            "at");
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"}}),
            "mine.json: /name: missing; a target with a base has its own name");
}

TEST_F(TargetBase, NullRemoves) {
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"vector", {{"lanes", nullptr}}}}),
            "mine.json: /vector: field 'lanes' is missing");
  EXPECT_EQ(errorOf("mine.json", {{"base", "hcgs-65nm"},
                                  {"name", "mine"},
                                  {"operating_point", nullptr}}),
            "mine.json: /operating_point: null removes what the base has, and "
            "it has no 'operating_point' here; did you mean "
            "'operating_points'?");
}

TEST_F(TargetBase, UnknownBases) {
  EXPECT_EQ(errorOf("mine.json", {{"base", "sharp-2k"}, {"name", "mine"}}),
            "mine.json: /base: unknown target 'sharp-2k', allowed "
            "brainwave-96k, generic, hcgs-65nm, sharp-16k, sharp-1k, sharp-4k, "
            "sharp-64k, wang-90nm or the path of a target file (.json); did "
            "you mean 'sharp-1k'?");
  EXPECT_EQ(errorOf("mine.json", {{"base", "gone.json"}, {"name", "mine"}})
                .substr(0, 18),
            "mine.json: /base: ");
  EXPECT_EQ(errorOf("mine.json", {{"base", 5}, {"name", "mine"}}),
            "mine.json: /base: found 5, allowed the name of a shipped target "
            "or the path of a target file");
  write("broken.json", {{"name", "broken"}});
  EXPECT_EQ(errorOf("mine.json", {{"base", "broken.json"}, {"name", "mine"}}),
            "mine.json: /base: broken.json: /: field 'description' is missing");
}

/// A file may be a copy of a shipped target, but not another machine under its
/// name. What a program file carries is taken as it is.
TEST_F(TargetBase, TakesNoNamesOfShippedTargets) {
  const json shipped = json::parse(loadTarget("sharp-1k")->json);
  EXPECT_EQ(errorOf("sharp-1k.json", shipped), "");
  EXPECT_EQ(
      errorOf("mine.json", {{"base", "sharp-1k"},
                            {"name", "sharp-1k"},
                            {"matrix", {{"fill", number(9)}}}}),
      "mine.json: /name: 'sharp-1k' is the name of a shipped target, from "
      "which the file differs; give it a name of its own");
  json changed = shipped;
  changed["matrix"]["fill"]["value"] = 9;
  EXPECT_NE(errorOf("sharp-1k.json", changed), "");
  EXPECT_TRUE(parseTarget(changed.dump(), "program"));
  changed["name"] = "sharp-1k-slow";
  EXPECT_EQ(errorOf("sharp-1k.json", changed), "");
}

TEST_F(TargetBase, Cycles) {
  EXPECT_EQ(errorOf("self.json", {{"base", "self.json"}, {"name", "self"}}),
            "self.json: /base: a target cannot be its own base: self.json -> "
            "self.json");
  write("a.json", {{"base", "b.json"}, {"name", "a"}});
  EXPECT_EQ(errorOf("b.json", {{"base", "./a.json"}, {"name", "b"}}),
            "b.json: /base: ./a.json: /base: a target cannot be its own base: "
            "b.json -> ./a.json -> ./b.json");
}

} // namespace
