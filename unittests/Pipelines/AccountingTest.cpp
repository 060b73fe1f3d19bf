// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of --print-accounting, of reports that do not know all names.

#include "hcgs/Pipelines/Report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using Json = nlohmann::json;

namespace {

/// A report of one matrix with separate masks.
Json reportOf(const Json &node, const Json &name, const Json &gates) {
  Json matrix = {{"node", node},
                 {"matrix", name},
                 {"gates", gates.size()},
                 {"rows", 8},
                 {"cols", 6},
                 {"kind", "hcgs"},
                 {"masks", "separate"},
                 {"kept", 24},
                 {"total", 48},
                 {"ratio_to_dense", 2.0},
                 {"stored_bits", 144},
                 {"index_bits", 8},
                 {"padding_bits", 0},
                 {"balance_mean", 4.0},
                 {"balance_worst", 4},
                 {"per_gate", Json::array()}};
  for (const Json &gate : gates)
    matrix["per_gate"].push_back({{"gate", gate},
                                  {"kept", 12},
                                  {"ratio_to_dense", 2.0},
                                  {"stored_bits", 72},
                                  {"index_bits", 4},
                                  {"balance_mean", 2.0},
                                  {"balance_worst", 2}});
  const Json memory = {{"used", 18}, {"available", 1024}};
  return {{"matrices", Json::array({matrix})},
          {"totals",
           {{"weight_bytes", 18}, {"index_bytes", 1}, {"fp32_bytes", 192}}},
          {"memories", {{"wmem", memory}, {"imem", memory}}}};
}

bool has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST(Accounting, NamesMatricesAndGates) {
  const std::string text =
      formatAccounting(reportOf("lstm", "W", {"i", "o", "f", "g"}).dump());
  EXPECT_TRUE(has(text, "lstm.W ")) << text;
  EXPECT_TRUE(has(text, "  gate g ")) << text;
}

TEST(Accounting, NumbersGatesWithoutName) {
  // Two or three gates are none of an LSTM's.
  const std::string text =
      formatAccounting(reportOf("lstm", "W", {nullptr, nullptr}).dump());
  EXPECT_TRUE(has(text, "  gate 0 ")) << text;
  EXPECT_TRUE(has(text, "  gate 1 ")) << text;
}

TEST(Accounting, TakesMatricesWithoutName) {
  const Json gates = Json::array({nullptr, nullptr});
  std::string text = formatAccounting(reportOf("lstm", nullptr, gates).dump());
  EXPECT_TRUE(has(text, "\nlstm ")) << text;
  text = formatAccounting(reportOf(nullptr, "R", gates).dump());
  EXPECT_TRUE(has(text, "\nR ")) << text;
  text = formatAccounting(reportOf(nullptr, nullptr, gates).dump());
  EXPECT_TRUE(has(text, "\n- ")) << text;
}

} // namespace
