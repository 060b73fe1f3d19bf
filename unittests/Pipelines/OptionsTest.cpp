// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of options: every entry reads what it writes, and refuses the rest.

#include "hcgs/Pipelines/Options.h"

#include <gtest/gtest.h>

#include <set>

using namespace hcgs;

namespace {

/// Values that differ from every default, by kind of option.
std::vector<std::string> valuesOf(const OptionInfo &info) {
  switch (info.kind) {
  case OptionInfo::Kind::Text:
    return {"something", "a b,c:1/4"};
  case OptionInfo::Kind::Integer: {
    const size_t dots = info.value.find("..");
    if (dots == std::string::npos)
      return {"0", "18446744073709551615"};
    return {info.value.substr(0, dots), info.value.substr(dots + 2)};
  }
  case OptionInfo::Kind::Real:
    return {"0.5", "100"};
  case OptionInfo::Kind::Flag:
    return {"true", "false"};
  case OptionInfo::Kind::Choice: {
    std::vector<std::string> values;
    std::string rest = info.value;
    for (size_t bar; (bar = rest.find('|')) != std::string::npos;
         rest.erase(0, bar + 1))
      values.push_back(rest.substr(0, bar));
    values.push_back(rest);
    return values;
  }
  }
  return {};
}

TEST(Options, EveryValueIsReadBack) {
  for (const OptionInfo &info : compileOptionTable())
    for (const std::string &value : valuesOf(info)) {
      CompileOptions options;
      Result<void> set = setCompileOption(options, info.name, value);
      ASSERT_TRUE(set) << info.name << "=" << value << ": " << set.message();
      EXPECT_EQ(info.get(options), value) << info.name;
    }
}

TEST(Options, SettingOneChangesNoOther) {
  for (const OptionInfo &info : compileOptionTable()) {
    CompileOptions options, defaults;
    ASSERT_TRUE(info.set(options, valuesOf(info).front()));
    for (const OptionInfo &other : compileOptionTable())
      if (other.name != info.name) {
        EXPECT_EQ(other.get(options), other.get(defaults))
            << info.name << " changes " << other.name;
      }
  }
}

TEST(Options, DefaultsAreAllowed) {
  const CompileOptions defaults;
  for (const OptionInfo &info : compileOptionTable()) {
    CompileOptions options;
    EXPECT_TRUE(info.set(options, info.get(defaults))) << info.name;
  }
  EXPECT_TRUE(checkCompileOptions(defaults));
}

TEST(Options, NamesAreUniqueAndEveryEntryHasHelp) {
  std::set<std::string> names;
  for (const OptionInfo &info : compileOptionTable()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(info.name.find('_'), std::string::npos) << info.name;
    EXPECT_FALSE(info.help.empty() || info.help.back() == '.') << info.name;
    EXPECT_FALSE(info.group.empty()) << info.name;
    EXPECT_EQ(info.value.empty(), info.kind == OptionInfo::Kind::Flag)
        << info.name;
  }
}

std::string errorOf(std::string_view name, std::string_view value) {
  CompileOptions options;
  Result<void> set = setCompileOption(options, name, value);
  return set ? "" : set.message();
}

TEST(Options, WrongValues) {
  EXPECT_EQ(errorOf("weight_bits", "9"),
            "option 'weight-bits': 9 found, allowed is 2..8");
  EXPECT_EQ(errorOf("weight-bits", "1"),
            "option 'weight-bits': 1 found, allowed is 2..8");
  EXPECT_EQ(errorOf("cell_bits", "16.0"),
            "option 'cell-bits': '16.0' found, allowed is an integer 8..16");
  EXPECT_EQ(errorOf("act_bits", ""),
            "option 'act-bits': '' found, allowed is an integer 8..16");
  EXPECT_EQ(errorOf("seed", "-1"),
            "option 'seed': '-1' is no non-negative integer");
  EXPECT_EQ(errorOf("percentile", "0"),
            "option 'percentile': '0' found, allowed is a number above 0 up "
            "to 100");
  EXPECT_EQ(errorOf("cell_range", "inf"),
            "option 'cell-range': 'inf' found, allowed is a number above 0");
  EXPECT_EQ(errorOf("balance", "both"),
            "option 'balance': 'both' found, allowed are any, row, column");
  EXPECT_EQ(errorOf("refuse_zeros", "yes"),
            "option 'refuse-zeros': 'yes' found, allowed are true and false");
  EXPECT_EQ(errorOf("speed", "fast").rfind("there is no option 'speed'", 0),
            0u);
}

TEST(Options, RulesBetweenOptions) {
  CompileOptions options;
  options.sparsity = rnn::CompressionMode::Impose;
  EXPECT_FALSE(checkCompileOptions(options));
  options.tiers = "32x32,4x4"; // no fractions: enough to detect with
  EXPECT_FALSE(checkCompileOptions(options));
  options.sparsity = rnn::CompressionMode::Detect;
  EXPECT_TRUE(checkCompileOptions(options));
  options.sparsity = rnn::CompressionMode::Impose;
  options.tiers = "32x32:25%,4x4:25%";
  EXPECT_TRUE(checkCompileOptions(options));
}

} // namespace
