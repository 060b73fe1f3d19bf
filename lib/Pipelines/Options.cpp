// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of options.

#include "hcgs/Pipelines/Options.h"
#include "hcgs/Compression/Pattern.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace hcgs;

namespace {

/// Builds entries of the table for the current group.
class TableBuilder {
public:
  std::vector<OptionInfo> table;
  std::string group;

  void text(const char *name, const char *value,
            std::string CompileOptions::*member, const char *help) {
    add(
        name, OptionInfo::Kind::Text, value, help,
        [=](const CompileOptions &options) { return options.*member; },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          options.*member = text;
          return {};
        });
  }

  /// An integer in [min, max]; a seed has no upper end to show.
  template <typename T>
  void integer(const char *name, T CompileOptions::*member, T min, T max,
               const char *help) {
    const std::string value =
        max == static_cast<T>(-1) ? "N" : fmt::format("{}..{}", min, max);
    add(
        name, OptionInfo::Kind::Integer, value, help,
        [=](const CompileOptions &options) {
          return fmt::format("{}", options.*member);
        },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          T number{};
          auto [end, error] =
              std::from_chars(text.data(), text.data() + text.size(), number);
          if (error != std::errc() || end != text.data() + text.size() ||
              text.empty())
            return Error{
                value == "N"
                    ? fmt::format("'{}' is no non-negative integer", text)
                    : fmt::format("'{}' found, allowed is an integer {}", text,
                                  value)};
          if (number < min || number > max)
            return Error{fmt::format("{} found, allowed is {}", number, value)};
          options.*member = number;
          return {};
        });
  }

  /// A number above 0, up to `max` if that is not 0.
  void real(const char *name, double CompileOptions::*member, double max,
            const char *help) {
    add(
        name, OptionInfo::Kind::Real, "X", help,
        [=](const CompileOptions &options) {
          return fmt::format("{}", options.*member);
        },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          double number = 0;
          auto [end, error] =
              std::from_chars(text.data(), text.data() + text.size(), number);
          if (error != std::errc() || end != text.data() + text.size() ||
              !std::isfinite(number) || number <= 0 ||
              (max > 0 && number > max))
            return Error{
                fmt::format("'{}' found, allowed is a number above 0{}", text,
                            max > 0 ? fmt::format(" up to {}", max) : "")};
          options.*member = number;
          return {};
        });
  }

  template <typename T>
  using Choices = std::vector<std::pair<std::string, T>>;

  template <typename T>
  void choice(const char *name, T CompileOptions::*member,
              const Choices<T> &choices, const char *help) {
    std::vector<std::string> names;
    for (const auto &[text, _] : choices)
      names.push_back(text);
    add(
        name, OptionInfo::Kind::Choice,
        fmt::format("{}", fmt::join(names, "|")), help,
        [=](const CompileOptions &options) {
          for (const auto &[text, value] : choices)
            if (options.*member == value)
              return text;
          return std::string();
        },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          for (const auto &[allowed, value] : choices)
            if (text == allowed) {
              options.*member = value;
              return {};
            }
          return Error{fmt::format("'{}' found, allowed are {}", text,
                                   fmt::join(names, ", "))};
        });
  }

  void flag(const char *name, bool CompileOptions::*member, const char *help) {
    add(
        name, OptionInfo::Kind::Flag, "", help,
        [=](const CompileOptions &options) -> std::string {
          return options.*member ? "true" : "false";
        },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          if (text != "true" && text != "false")
            return Error{
                fmt::format("'{}' found, allowed are true and false", text)};
          options.*member = text == "true";
          return {};
        });
  }

private:
  void
  add(std::string name, OptionInfo::Kind kind, std::string value,
      std::string help, std::function<std::string(const CompileOptions &)> get,
      std::function<Result<void>(CompileOptions &, std::string_view)> set) {
    table.push_back({std::move(name), kind, std::move(value), std::move(help),
                     group, std::move(get), std::move(set)});
  }
};

} // namespace

static std::vector<OptionInfo> buildTable() {
  using Options = CompileOptions;
  TableBuilder t;

  t.group = "What to make";
  t.text("target", "NAME|FILE", &Options::target,
         "Machine to compile for: a shipped target or a target file; by "
         "default the one that the input names, or hcgs-65nm");
  t.choice<Emit>("emit", &Options::emit,
                 {{"rnn", Emit::RNN},
                  {"compressed", Emit::Compressed},
                  {"quantized", Emit::Quantized},
                  {"hcgs", Emit::HCGS},
                  {"isa", Emit::ISA},
                  {"asm", Emit::Asm},
                  {"elf", Emit::Elf},
                  {"memh", Emit::Memh},
                  {"c-header", Emit::CHeader}},
                 "Stop with the IR of a phase, or with a form of the program");

  t.group = "Compression";
  t.choice<rnn::CompressionMode>(
      "sparsity", &Options::sparsity,
      {{"detect", rnn::CompressionMode::Detect},
       {"off", rnn::CompressionMode::Off},
       {"impose", rnn::CompressionMode::Impose}},
      "Read the block pattern out of the zeros of the weights, store all "
      "matrices dense, or choose blocks and zero the others");
  t.text("tiers", "TIERS", &Options::tiers,
         "Block sizes and fractions to keep, such as 32x32:25%,4x4:25%; "
         "needed to impose, while detection tries common ones");
  t.choice<rnn::BalanceChoice>("balance", &Options::balance,
                               {{"any", rnn::BalanceChoice::Any},
                                {"row", rnn::BalanceChoice::Row},
                                {"column", rnn::BalanceChoice::Column}},
                               "Equally many blocks in every block-row or "
                               "block-column; any: whichever fits, row to "
                               "impose");
  t.choice<rnn::BlockSelection>("select", &Options::select,
                                {{"magnitude", rnn::BlockSelection::Magnitude},
                                 {"random", rnn::BlockSelection::Random}},
                                "How imposed blocks are chosen");
  t.integer<uint64_t>("seed", &Options::seed, 0, UINT64_MAX,
                      "Seed of --select=random");
  t.flag("compress-linear", &Options::compressLinear,
         "Compress linear layers, too");

  t.group = "Ranges of values";
  t.text("calibrate", "FILE.npy|npz", &Options::calibrate,
         "Inputs on which the float model is run to see the ranges of values; "
         "without it formats come from the worst case");
  t.choice<rnn::RangeMethod>("range-method", &Options::rangeMethod,
                             {{"minmax", rnn::RangeMethod::MinMax},
                              {"percentile", rnn::RangeMethod::Percentile}},
                             "How calibration turns values into ranges");
  t.real("percentile", &Options::percentile, 100,
         "With --range-method=percentile: the percentage of magnitudes that "
         "must fit");
  t.real("input-range", &Options::inputRange, 0,
         "Range of inputs without calibration: [-X, X)");
  t.real("cell-range", &Options::cellRange, 0,
         "Range of cell states without calibration: [-X, X)");

  t.group = "Number formats";
  t.integer<unsigned>("weight-bits", &Options::weightBits, 2, 8,
                      "Width of weights");
  t.choice<numerics::WeightEncoding>(
      "weight-encoding", &Options::weightEncoding,
      {{"signmag", numerics::WeightEncoding::SignMag},
       {"twos", numerics::WeightEncoding::Twos}},
      "Sign and magnitude without a zero, or symmetric two's complement");
  t.choice<numerics::WeightRounding>(
      "rounding", &Options::rounding,
      {{"nearest", numerics::WeightRounding::Nearest},
       {"ceil", numerics::WeightRounding::Ceil}},
      "Weights to the nearest code, or magnitudes up as in the published "
      "training");
  t.flag("refuse-zeros", &Options::refuseZeros,
         "Refuse zero weights in kept positions, which signmag cannot hold, "
         "instead of storing the smallest magnitude");
  t.integer<unsigned>("input-bits", &Options::inputBits, 8, 16,
                      "Width of the model's inputs");
  t.integer<unsigned>("act-bits", &Options::actBits, 8, 16,
                      "Width of h and of results of other layers");
  t.integer<unsigned>("gate-bits", &Options::gateBits, 8, 16,
                      "Width of gates and of tanh of the cell");
  t.integer<unsigned>("cell-bits", &Options::cellBits, 8, 16,
                      "Width of the cell state");
  t.choice<unsigned>("pwl-segments", &Options::pwlSegments,
                     {{"2", 2},
                      {"4", 4},
                      {"8", 8},
                      {"16", 16},
                      {"32", 32},
                      {"64", 64},
                      {"128", 128},
                      {"256", 256},
                      {"512", 512}},
                     "Segments of the tables of activation functions");

  t.group = "Schedule";
  t.text("scheduler", "NAME", &Options::scheduler,
         "How the order of instructions is chosen: unfolded");
  return std::move(t.table);
}

const std::vector<OptionInfo> &hcgs::compileOptionTable() {
  static const std::vector<OptionInfo> table = buildTable();
  return table;
}

Result<void> hcgs::setCompileOption(CompileOptions &options,
                                    std::string_view name,
                                    std::string_view value) {
  std::string wanted(name);
  for (char &c : wanted)
    if (c == '_')
      c = '-';
  std::vector<std::string_view> names;
  for (const OptionInfo &info : compileOptionTable()) {
    names.push_back(info.name);
    if (info.name != wanted)
      continue;
    Result<void> set = info.set(options, value);
    if (!set)
      return set.takeError().at(fmt::format("option '{}'", wanted));
    return {};
  }
  return Error{fmt::format("there is no option '{}'; there are {}", wanted,
                           fmt::join(names, ", "))};
}

Result<void> hcgs::checkCompileOptions(const CompileOptions &options) {
  if (options.sparsity == rnn::CompressionMode::Impose && options.tiers.empty())
    return Error{"option 'sparsity': impose needs block sizes; give them with "
                 "--tiers, such as --tiers=32x32:25%,4x4:25%"};
  if (options.tiers.empty())
    return {};
  const bool impose = options.sparsity == rnn::CompressionMode::Impose;
  const auto balance = compression::Balance::Row; // makes no difference here
  Result<void> checked;
  if (impose) {
    if (auto pattern = compression::parseTiers(options.tiers, balance);
        !pattern)
      checked = pattern.takeError();
  } else if (auto sizes = compression::parseTierSizes(options.tiers, balance);
             !sizes) {
    checked = sizes.takeError();
  }
  return checked ? checked : checked.takeError().at("option 'tiers'");
}

std::string_view hcgs::getName(Emit emit) {
  switch (emit) {
  case Emit::RNN:
    return "rnn";
  case Emit::Compressed:
    return "compressed";
  case Emit::Quantized:
    return "quantized";
  case Emit::HCGS:
    return "hcgs";
  case Emit::ISA:
    return "isa";
  case Emit::Asm:
    return "asm";
  case Emit::Elf:
    return "elf";
  case Emit::Memh:
    return "memh";
  case Emit::CHeader:
    return "c-header";
  }
  return "";
}
