// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of options: every entry reads what it writes, and refuses the rest.

#include "hcgs/Pipelines/Options.h"
#include "hcgs/Dialect/RNN/IR/OverrideKeys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
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
    // An empty text means that nothing was given, and cannot be given.
    if (const std::string value = info.get(defaults); !value.empty())
      EXPECT_TRUE(info.set(options, value)) << info.name;
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
            "option 'cell-range': 'inf' found, allowed is a number above 0 up "
            "to 65536");
  EXPECT_EQ(errorOf("balance", "diagonal"),
            "option 'balance': 'diagonal' found, allowed are any, row, column, "
            "both, none");
  EXPECT_EQ(errorOf("circulant", "129"),
            "option 'circulant': 129 found, allowed is 0..128");
  EXPECT_EQ(errorOf("compress_linear", "yes"),
            "option 'compress-linear': 'yes' found, allowed are true and "
            "false");
  EXPECT_EQ(errorOf("input-range", "1e30"),
            "option 'input-range': '1e30' found, allowed is a number above 0 "
            "up to 65536");
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

/// The error of options set one after the other; empty if they go together.
std::string
errorOfAll(std::initializer_list<std::pair<const char *, const char *>> list) {
  CompileOptions options;
  for (auto [name, value] : list)
    if (Result<void> set = setCompileOption(options, name, value); !set)
      return set.message();
  Result<void> checked = checkCompileOptions(options);
  return checked ? "" : checked.message();
}

/// The defaults but for one option.
static CompileOptions defaultsWith(const char *name, const char *value) {
  CompileOptions options;
  EXPECT_TRUE(setCompileOption(options, name, value));
  return options;
}

TEST(Options, RulesOfCompression) {
  EXPECT_EQ(errorOfAll({{"circulant", "16"}}), "");
  EXPECT_EQ(errorOfAll({{"circulant", "0"}, {"seed", "0"}}),
            "option 'seed': has no effect without --sparsity=impose and "
            "--select=random; leave it out or give that too");
  EXPECT_EQ(errorOfAll({{"circulant", "16"}, {"sparsity", "detect"}}), "");
  EXPECT_EQ(errorOfAll({{"circulant", "16"}, {"sparsity", "off"}}),
            "options 'circulant' and 'sparsity': --circulant=16 and "
            "--sparsity=off contradict each other; leave one of them out "
            "(--config can give single layers another one)");
  EXPECT_EQ(errorOfAll({{"circulant", "1"}}),
            "option 'circulant': 1 found, allowed is 2..128, or 0 for no "
            "circulant blocks");
  EXPECT_EQ(errorOfAll({{"sparsity", "masks"}}),
            "option 'sparsity': masks needs a file of masks; give it with "
            "--mask-file");
  EXPECT_EQ(errorOfAll({{"sparsity", "masks"}, {"mask-file", "m.npz"}}), "");
  EXPECT_EQ(errorOfAll({{"on-broken", "dense"}}), "");
  EXPECT_EQ(errorOfAll({{"on-broken", "dense"}, {"sparsity", "off"}}),
            "option 'on-broken': has no effect without --sparsity=detect or "
            "masks; leave it out or give that too");
  // A configuration may impose on some layer what the seed is for.
  CompileOptions parts = defaultsWith("seed", "3");
  EXPECT_FALSE(checkCompileOptions(parts));
  parts.configuresParts = true;
  EXPECT_TRUE(checkCompileOptions(parts));
}

TEST(Options, RulesOfNumbers) {
  EXPECT_EQ(errorOfAll({{"percentile", "99"}}),
            "option 'percentile': needs range-method=percentile");
  EXPECT_EQ(errorOfAll({{"percentile", "99"},
                        {"range-method", "percentile"},
                        {"calibrate", "x.npy"}}),
            "");
  // Of single values it may be meant.
  CompileOptions parts = defaultsWith("percentile", "99");
  EXPECT_FALSE(checkCompileOptions(parts));
  parts.configuresParts = true;
  EXPECT_TRUE(checkCompileOptions(parts));
  EXPECT_EQ(errorOfAll({{"range-method", "kl"}}),
            "option 'range-method': needs data; name it with calibrate");
  EXPECT_EQ(errorOfAll({{"calibrate", "x.npy"}, {"input-range", "4"}}),
            "option 'input-range': is for compilations without data, and "
            "calibrate names some; leave out one of the two");
  EXPECT_EQ(errorOfAll({{"input-range", "4"}}), "");
  EXPECT_EQ(errorOfAll({{"weight-quantizer", "hcgs"}, {"weight-bits", "4"}}),
            "");
  EXPECT_EQ(errorOfAll({{"weight-quantizer", "hcgs"}, {"rounding", "ceil"}}),
            "option 'rounding': is settled by weight-quantizer=hcgs; leave out "
            "one of the two");
}

/// Keys of single layers take what the options of the same name take.
TEST(Options, OverrideKeysAgreeWithTheTable) {
  size_t common = 0;
  for (const rnn::OverrideKey &key : rnn::getOverrideKeys()) {
    const auto &table = compileOptionTable();
    const auto option =
        std::find_if(table.begin(), table.end(), [&](const OptionInfo &info) {
          return info.name == std::string_view(key.name);
        });
    if (option == table.end())
      continue;
    ++common;
    if (key.kind == rnn::OverrideKey::Kind::Choice) {
      EXPECT_EQ(option->kind, OptionInfo::Kind::Choice) << key.name.str();
      const std::string choices = "|" + key.choices.str() + "|";
      for (const std::string &value : valuesOf(*option))
        EXPECT_NE(choices.find("|" + value + "|"), std::string::npos)
            << key.name.str() << "=" << value;
      EXPECT_EQ(choices.size(), option->value.size() + 2) << key.name.str();
    } else if (option->kind == OptionInfo::Kind::Integer &&
               option->name != "circulant" && option->value != "N") {
      EXPECT_EQ(key.allowed(), option->value) << key.name.str();
    }
  }
  EXPECT_GE(common, 20u);
}

class ConfigTest : public testing::Test {
protected:
  /// Options with a configuration file of this text.
  Result<CompileOptions> apply(const std::string &text,
                               CompileOptions options = {}) {
    const std::string path =
        (std::filesystem::path(testing::TempDir()) / "hcgs-config-test.json")
            .string();
    std::ofstream(path) << text;
    options.config = path;
    if (Result<void> applied = applyConfig(options); !applied)
      return applied.takeError();
    return options;
  }
  std::string errorOf(const std::string &text) {
    Result<CompileOptions> options = apply(text);
    const std::string message = options ? "" : options.message();
    const size_t end = message.find("': ");
    return end == std::string::npos ? message : message.substr(end + 3);
  }
};

TEST_F(ConfigTest, SetsWhatIsNotGiven) {
  CompileOptions given;
  ASSERT_TRUE(setCompileOption(given, "weight-bits", "8"));
  Result<CompileOptions> options =
      apply(R"({"options": {"weight-bits": 4, "act_bits": "9",
                            "percentile": 99.5, "compress-linear": true,
                            "rounding": "ceil"}})",
            given);
  ASSERT_TRUE(options) << options.message();
  EXPECT_EQ(options->weightBits, 8u);
  EXPECT_EQ(options->actBits, 9u);
  EXPECT_EQ(options->percentile, 99.5);
  EXPECT_TRUE(options->compressLinear);
  EXPECT_EQ(options->rounding, numerics::WeightRounding::Ceil);
  // What the file sets is not given, so that once more is the same.
  EXPECT_FALSE(isGiven(*options, "act-bits"));
  Result<CompileOptions> again =
      apply(R"({"options": {"act-bits": 9}})", *options);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->actBits, 9u);
}

TEST_F(ConfigTest, Errors) {
  EXPECT_EQ(errorOf(R"({"options": {"act-bits": 99}})"),
            "options: option 'act-bits': 99 found, allowed is 8..16");
  EXPECT_EQ(errorOf(R"({"options": {"act-bits": [9]}})"),
            "options.act-bits: [9] found, allowed is a text, a number, true or "
            "false");
  EXPECT_EQ(errorOf(R"({"options": {"config": "other.json"}})"),
            "options.config: cannot be set in a configuration file; give it to "
            "the compiler");
  EXPECT_EQ(errorOf(R"({"options": {"acts": 9}})")
                .rfind("options: there is no option 'acts'; there are ", 0),
            0u);
  EXPECT_EQ(errorOf("[]"), "found []; the file must hold an object with "
                           "'options', 'layers', 'values' and 'about'");
  // A value that is wrong is wrong, also where it would not count.
  CompileOptions given;
  ASSERT_TRUE(setCompileOption(given, "act-bits", "12"));
  EXPECT_FALSE(apply(R"({"options": {"act-bits": 99}})", given));
}

} // namespace
