// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of options.

#include "hcgs/Pipelines/Options.h"
#include "hcgs/Compression/Pattern.h"
#include "hcgs/Schedule/Scheduler.h"
#include "hcgs/Support/ConfigFile.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <initializer_list>
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

  /// A text. An empty one would mean that nothing was given; with `checked` it
  /// is refused later, by what knows all the values that are allowed.
  void text(const char *name, const char *value,
            std::string CompileOptions::*member, std::string help,
            bool checked = false) {
    add(
        name, OptionInfo::Kind::Text, value, std::move(help),
        [=](const CompileOptions &options) { return options.*member; },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          if (text.empty() && !checked)
            return Error{fmt::format("the value is empty, allowed is {}; leave "
                                     "the option out for its default",
                                     value)};
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
  /// With `orNone` also 0, which is written "none".
  void real(const char *name, double CompileOptions::*member, double max,
            const char *help, bool orNone = false) {
    add(
        name, OptionInfo::Kind::Real, orNone ? "X|none" : "X", help,
        [=](const CompileOptions &options) -> std::string {
          if (orNone && options.*member == 0)
            return "none";
          return fmt::format("{}", options.*member);
        },
        [=](CompileOptions &options, std::string_view text) -> Result<void> {
          if (orNone && text == "none") {
            options.*member = 0;
            return {};
          }
          double number = 0;
          auto [end, error] =
              std::from_chars(text.data(), text.data() + text.size(), number);
          if (error != std::errc() || end != text.data() + text.size() ||
              !std::isfinite(number) || number <= 0 ||
              (max > 0 && number > max))
            return Error{
                fmt::format("'{}' found, allowed is a number above 0{}{}", text,
                            max > 0 ? fmt::format(" up to {}", max) : "",
                            orNone ? ", or none" : "")};
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
    auto note = [name,
                 set = std::move(set)](CompileOptions &options,
                                       std::string_view text) -> Result<void> {
      Result<void> done = set(options, text);
      if (done)
        options.given.push_back(name);
      return done;
    };
    table.push_back({std::move(name), kind, std::move(value), std::move(help),
                     group, std::move(get), std::move(note)});
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

  t.text(
      "config", "FILE.json", &Options::config,
      "Options, and what differs from them for single layers, matrices and "
      "values (docs/Guides/Config.md); other options of the command line win "
      "over those of the file");

  t.group = "Compression";
  t.choice<rnn::CompressionMode>(
      "sparsity", &Options::sparsity,
      {{"detect", rnn::CompressionMode::Detect},
       {"off", rnn::CompressionMode::Off},
       {"impose", rnn::CompressionMode::Impose},
       {"masks", rnn::CompressionMode::Masks}},
      "Read the structure out of the weights, store all matrices dense, choose "
      "blocks and zero the others, or take the kept weights from --mask-file");
  t.text("tiers", "TIERS", &Options::tiers,
         "Block sizes and what to keep of each, coarse to fine, such as "
         "32x32:25%,4x4:1/4:column; needed to impose, otherwise found");
  t.choice<rnn::BalanceChoice>("balance", &Options::balance,
                               {{"any", rnn::BalanceChoice::Any},
                                {"row", rnn::BalanceChoice::Row},
                                {"column", rnn::BalanceChoice::Column},
                                {"both", rnn::BalanceChoice::Both},
                                {"none", rnn::BalanceChoice::None}},
                               "Equally many blocks in every block-row, "
                               "block-column, both or neither; any: whichever "
                               "fits, row to impose");
  t.choice<rnn::MaskSharing>("masks", &Options::masks,
                             {{"shared", rnn::MaskSharing::Shared},
                              {"separate", rnn::MaskSharing::Separate}},
                             "Whether the gates of a matrix keep the same "
                             "imposed blocks or each its own");
  t.choice<rnn::BlockSelection>("select", &Options::select,
                                {{"magnitude", rnn::BlockSelection::Magnitude},
                                 {"guided", rnn::BlockSelection::Guided},
                                 {"random", rnn::BlockSelection::Random}},
                                "How imposed blocks are chosen: the largest "
                                "sum of |w| over all tiers, the largest mean "
                                "|w| tier by tier, or at random");
  t.integer<uint64_t>("seed", &Options::seed, 0, UINT64_MAX,
                      "Seed of --select=random");
  t.text("mask-file", "FILE.npz", &Options::maskFile,
         "With --sparsity=masks: 0/1 arrays named NODE.W and NODE.R");
  t.integer<unsigned>("circulant", &Options::circulant, 0, 128,
                      "Replace blocks of this size, 2 to 128, by the nearest "
                      "circulant ones; 0: do not");
  t.choice<rnn::BrokenPattern>(
      "on-broken", &Options::onBroken,
      {{"reject", rnn::BrokenPattern::Reject},
       {"project", rnn::BrokenPattern::Project},
       {"dense", rnn::BrokenPattern::Dense}},
      "Weights that break the pattern they nearly obey: refuse them, drop what "
      "breaks it, or store the matrix dense");
  t.flag("compress-linear", &Options::compressLinear,
         "Impose on linear layers, too");

  t.group = "Ranges of values";
  t.text("calibrate", "FILES", &Options::calibrate,
         "Inputs on which the float model is run to see the ranges of values: "
         "a .npy or .npz file, several with commas between, a folder, or a "
         "pattern such as 'calib/*.npz'; without it formats come from the "
         "worst case");
  t.choice<rnn::RangeMethod>("range-method", &Options::rangeMethod,
                             {{"minmax", rnn::RangeMethod::MinMax},
                              {"percentile", rnn::RangeMethod::Percentile},
                              {"mse", rnn::RangeMethod::MSE},
                              {"kl", rnn::RangeMethod::KL}},
                             "How calibration turns values into ranges: all "
                             "values, a percentile of the magnitudes, the "
                             "least squared error, the least Kullback-Leibler "
                             "divergence");
  t.real("percentile", &Options::percentile, 100,
         "With --range-method=percentile: the percentage of magnitudes that "
         "must fit");
  t.real("input-range", &Options::inputRange, 65536,
         "Range of inputs without calibration: [-X, X)");
  t.real("cell-range", &Options::cellRange, 65536,
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
  t.choice<rnn::WeightQuantizer>(
      "weight-quantizer", &Options::weightQuantizer,
      {{"free", rnn::WeightQuantizer::Free},
       {"hcgs", rnn::WeightQuantizer::HCGS}},
      "Codes by encoding, rounding and least squared error, or the published "
      "quantiser: signmag, ceil, steps of 2^(1-bits) on [-1, 1]");
  t.choice<rnn::ZeroPolicy>(
      "zeros", &Options::zeros,
      {{"auto", rnn::ZeroPolicy::Auto},
       {"one", rnn::ZeroPolicy::One},
       {"twos", rnn::ZeroPolicy::Twos},
       {"refuse", rnn::ZeroPolicy::Refuse}},
      "Zero weights in kept positions, which signmag cannot hold: as +1 unless "
      "twos has less than half the error, always as +1, the matrix as twos, or "
      "an error");
  t.choice<rnn::GridPolicy>(
      "on-grid", &Options::onGrid,
      {{"keep", rnn::GridPolicy::Keep}, {"lower", rnn::GridPolicy::Lower}},
      "Weights on a grid (trained with quantisation) that a sum cannot take as "
      "they are: an error, or let them change");
  t.integer<unsigned>("input-bits", &Options::inputBits, 8, 16,
                      "Width of the model's inputs");
  t.integer<unsigned>("act-bits", &Options::actBits, 8, 16,
                      "Width of h and of results of other layers");
  t.integer<unsigned>("gate-bits", &Options::gateBits, 8, 16,
                      "Width of gates and of tanh of the cell");
  t.integer<unsigned>("cell-bits", &Options::cellBits, 8, 16,
                      "Width of the cell state");
  t.integer<unsigned>("pwl-segments", &Options::pwlSegments, 1, 512,
                      "Most entries of the table of an activation function");
  t.choice<numerics::PwlChoice>(
      "pwl-kind", &Options::pwlKind,
      {{"auto", numerics::PwlChoice::Auto},
       {"uniform", numerics::PwlChoice::Uniform},
       {"two-level", numerics::PwlChoice::TwoLevel}},
      "Segments of one size, regions with segments of their own size, or "
      "whichever is cheaper");
  t.real("pwl-max-error", &Options::pwlMaxError, 100,
         "Worst error of tables in output LSBs: the cheapest table that keeps "
         "it is taken; none: the one with the least error",
         /*orNone=*/true);
  t.text("activation-table", "NAME=FILE,...", &Options::activationTable,
         "Compute points (x, y) of a .csv or .npy file in place of a function "
         "(tanh=FILE), or of one layer's (NODE=FILE; of an LSTM NODE:f, :g or "
         ":h)");

  t.group = "Schedule";
  t.text("schedule", "NAME", &Options::schedule,
         "How the order of instructions is chosen: " +
             fmt::format("{}", fmt::join(schedule::schedulerNames(), ", ")) +
             " (docs/Rationale/Scheduling.md)",
         /*checked=*/true);
  t.text("tile", "adaptive|K", &Options::tile,
         "Shape of the lanes for products of dense matrices: the one with the "
         "fewest cycles for each, or one of K rows for all",
         /*checked=*/true);
  t.integer<unsigned>("streams", &Options::streams, 1, 64,
                      "Batch rows that are computed together, so that one "
                      "fills the gaps of another (docs/Guides/Streams.md)");

  t.text("operating-point", "NAME", &Options::operatingPoint,
         "State times in the report at this clock and voltage of the target "
         "instead of its first",
         /*checked=*/true);

  t.group = "Analysis";
  t.text("analyze", "FILE.npy|npz", &Options::analyze,
         "Run the float model, each step of its quantisation and the program "
         "on these inputs, and say where the error comes from "
         "(docs/Guides/Analysis.md)");
  t.real("analyze-threshold", &Options::analyzeThreshold, 1000,
         "Relative error above which a time step counts as bad");
  t.integer<uint64_t>("analyze-rows", &Options::analyzeRows, 0, UINT64_MAX,
                      "Rows on which parts and changes are measured; 0: skip");
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

bool hcgs::isGiven(const CompileOptions &options, std::string_view name) {
  return std::find(options.given.begin(), options.given.end(), name) !=
         options.given.end();
}

Result<void> hcgs::applyConfig(CompileOptions &options) {
  if (options.config.empty())
    return {};
  Result<ConfigFile> config = readConfigFile(options.config);
  if (!config)
    return config.takeError();
  const std::vector<std::string> given = options.given;
  std::vector<std::string> seen;
  options.configured.clear();
  options.configuresParts = !config->layers.empty() || !config->values.empty();
  for (auto &[name, value] : config->options.items()) {
    const std::string place = configPlace(options.config, "options." + name);
    if (name == "config" || name == "emit")
      return Error{"cannot be set in a configuration file; give it to the "
                   "compiler"}
          .at(place);
    std::string text;
    if (value.is_string())
      text = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      text = value.dump();
    else
      return Error{shownJson(value) +
                   " found, allowed is a text, a number, true or false"}
          .at(place);
    std::string wanted = name;
    std::replace(wanted.begin(), wanted.end(), '_', '-');
    if (std::find(seen.begin(), seen.end(), wanted) != seen.end())
      return Error{fmt::format("'{}' occurs twice", wanted)}.at(
          configPlace(options.config, "options"));
    seen.push_back(wanted);
    CompileOptions scratch = options;
    Result<void> set = setCompileOption(scratch, wanted, text);
    if (!set)
      return set.takeError().at(configPlace(options.config, "options"));
    if (!isGiven(options, wanted)) {
      options = std::move(scratch);
      options.given = given;
      options.configured.push_back(wanted);
    }
  }
  return {};
}

static bool isConfigured(const CompileOptions &options, std::string_view name) {
  return std::find(options.configured.begin(), options.configured.end(),
                   name) != options.configured.end();
}

/// Whether an option was set and still stands: what a configuration sets gives
/// way without a word if one of `others`, which leave no room for it, was
/// given.
static bool isAsked(const CompileOptions &options, std::string_view name,
                    std::initializer_list<std::string_view> others = {}) {
  if (isGiven(options, name))
    return true;
  return isConfigured(options, name) &&
         std::none_of(others.begin(), others.end(),
                      [&](auto other) { return isGiven(options, other); });
}

/// What the options of compression demand of each other.
static Result<void> checkCompression(const CompileOptions &options) {
  using Mode = rnn::CompressionMode;
  const Mode mode = options.sparsity;
  const bool circulant = options.circulant != 0;
  if (options.circulant == 1)
    return Error{"option 'circulant': 1 found, allowed is 2..128, or 0 for no "
                 "circulant blocks"};
  if (circulant && isAsked(options, "sparsity") && mode != Mode::Detect)
    return Error{fmt::format(
        "options 'circulant' and 'sparsity': --circulant={} and --sparsity={} "
        "contradict each other; leave one of them out (--config can give "
        "single layers another one)",
        options.circulant,
        mode == Mode::Off      ? "off"
        : mode == Mode::Impose ? "impose"
                               : "masks")};
  if (mode == Mode::Impose && options.tiers.empty())
    return Error{"option 'sparsity': impose needs block sizes; give them with "
                 "--tiers, such as --tiers=32x32:25%,4x4:25%"};
  if (mode == Mode::Masks && options.maskFile.empty())
    return Error{"option 'sparsity': masks needs a file of masks; give it with "
                 "--mask-file"};
  // Layers of a configuration may use what the other layers do not.
  if (options.configuresParts)
    return {};
  struct Need {
    const char *option;
    bool met;
    const char *needs;
  };
  const bool impose = mode == Mode::Impose && !circulant;
  const bool blocks = mode != Mode::Off && !circulant;
  for (const Need &need :
       {Need{"tiers", blocks, "--sparsity=detect, impose or masks"},
        Need{"balance", blocks, "--sparsity=detect, impose or masks"},
        Need{"masks", impose, "--sparsity=impose"},
        Need{"select", impose, "--sparsity=impose"},
        Need{"seed", impose && options.select == rnn::BlockSelection::Random,
             "--sparsity=impose and --select=random"},
        Need{"compress-linear", impose || circulant,
             "--sparsity=impose or --circulant"},
        Need{"mask-file", mode == Mode::Masks, "--sparsity=masks"},
        Need{"on-broken", blocks && !impose, "--sparsity=detect or masks"}})
    if (isAsked(options, need.option, {"sparsity", "circulant"}) && !need.met)
      return Error{fmt::format("option '{}': has no effect without {}{}; leave "
                               "it out or give that too",
                               need.option, need.needs,
                               circulant ? " (there is --circulant)" : "")};
  return {};
}

/// Options of numbers that contradict each other, or of which one makes the
/// other mean nothing.
static Result<void> checkNumberOptions(const CompileOptions &options) {
  // Single layers and values of a configuration file may need what the rest
  // does not.
  if (isAsked(options, "percentile") && !options.configuresParts &&
      options.rangeMethod != rnn::RangeMethod::Percentile)
    return Error{"option 'percentile': needs range-method=percentile"};
  if (isAsked(options, "range-method") && options.calibrate.empty())
    return Error{"option 'range-method': needs data; name it with calibrate"};
  if (!options.calibrate.empty())
    for (const char *name : {"input-range", "cell-range"})
      if (isAsked(options, name, {"calibrate"}))
        return Error{fmt::format(
            "option '{}': is for compilations without data, and calibrate "
            "names some; leave out one of the two",
            name)};
  if (options.weightQuantizer == rnn::WeightQuantizer::HCGS)
    for (const char *name : {"weight-encoding", "rounding"})
      if (isAsked(options, name, {"weight-quantizer"}))
        return Error{fmt::format("option '{}': is settled by "
                                 "weight-quantizer=hcgs; leave out one of the "
                                 "two",
                                 name)};
  return {};
}

Result<void> hcgs::checkCompileOptions(const CompileOptions &options) {
  if (Result<void> checked = checkNumberOptions(options); !checked)
    return checked;
  if (Result<void> checked = checkCompression(options); !checked)
    return checked;
  if (isAsked(options, "operating-point") && options.emit < Emit::ISA)
    return Error{fmt::format("option 'operating-point': has no effect without "
                             "a program, and --emit={} stops before there is "
                             "one; leave one of them out",
                             getName(options.emit))};
  if (!options.analyze.empty() && options.emit < Emit::ISA)
    return Error{fmt::format("option 'analyze': needs the program, and "
                             "--emit={} stops before there is one; emit isa or "
                             "a form of the program",
                             getName(options.emit))};
  if (options.tiers.empty())
    return {};
  const bool impose = options.sparsity == rnn::CompressionMode::Impose;
  const auto balance = compression::Balance::Row; // makes no difference here
  Result<void> checked;
  if (impose) {
    if (auto pattern = compression::parseTiers(options.tiers, balance);
        !pattern)
      checked = pattern.takeError();
  } else if (auto sizes = compression::parseTierText(options.tiers, balance);
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
