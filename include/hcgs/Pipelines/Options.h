// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a user can choose about a compilation, written down once: the table
// below drives hcgs-compile's command line and help, the keyword arguments of
// Python's hcgs.compile, and `options` in the report. Plain C++.
//
// To add an option: a member of CompileOptions, an entry of the table
// (lib/Pipelines/Options.cpp), and the place that reads it.
//
#ifndef HCGS_PIPELINES_OPTIONS_H
#define HCGS_PIPELINES_OPTIONS_H

#include "hcgs/Dialect/RNN/Transforms/PassOptions.h"
#include "hcgs/Numerics/PwlFit.h"
#include "hcgs/Numerics/WeightQuantizer.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

/// What a compilation ends with: IR of a phase (docs/Guides/Phases.md), or a
/// form of the program.
enum class Emit {
  RNN,
  Compressed,
  Quantized,
  HCGS,
  ISA,
  Asm,
  Elf,
  Memh,
  CHeader
};

struct CompileOptions {
  /// Name of a shipped target or path of a target file. Empty: the target that
  /// the input names (IR from the hcgs level down does), or else
  /// kDefaultTarget.
  std::string target;
  Emit emit = Emit::Elf;

  rnn::CompressionMode sparsity = rnn::CompressionMode::Detect;
  std::string tiers;
  rnn::BalanceChoice balance = rnn::BalanceChoice::Any;
  rnn::MaskSharing masks = rnn::MaskSharing::Shared;
  rnn::BlockSelection select = rnn::BlockSelection::Magnitude;
  uint64_t seed = 0;
  /// A .npz file of 0/1 arrays, for Masks.
  std::string maskFile;
  /// Circulant block size to project to; 0: none.
  unsigned circulant = 0;
  rnn::BrokenPattern onBroken = rnn::BrokenPattern::Reject;
  bool compressLinear = false;

  /// .npy or .npz files; empty: formats from worst-case ranges.
  std::string calibrate;
  rnn::RangeMethod rangeMethod = rnn::RangeMethod::MinMax;
  double percentile = 99.99;
  double inputRange = 8.0;
  double cellRange = 8.0;

  unsigned weightBits = 6;
  numerics::WeightEncoding weightEncoding = numerics::WeightEncoding::SignMag;
  numerics::WeightRounding rounding = numerics::WeightRounding::Nearest;
  rnn::WeightQuantizer weightQuantizer = rnn::WeightQuantizer::Free;
  rnn::ZeroPolicy zeros = rnn::ZeroPolicy::Auto;
  rnn::GridPolicy onGrid = rnn::GridPolicy::Keep;
  unsigned inputBits = 13;
  unsigned actBits = 13;
  unsigned gateBits = 13;
  unsigned cellBits = 16;
  unsigned pwlSegments = 128;
  numerics::PwlChoice pwlKind = numerics::PwlChoice::Auto;
  double pwlMaxError = 0.0; // 0: the least there is
  /// NAME=FILE,...: functions given by samples.
  std::string activationTable;

  /// A name of docs/Rationale/Scheduling.md.
  std::string schedule = "auto";
  /// "adaptive", or the rows of one tile shape of the target.
  std::string tile = "adaptive";
  /// Batch rows that are computed together.
  unsigned streams = 1;
  /// The operating point of the target that times in the report are stated at;
  /// empty: its first.
  std::string operatingPoint;

  /// A .npy or .npz file to analyse the error on; empty: no analysis
  /// (docs/Guides/Analysis.md).
  std::string analyze;
  double analyzeThreshold = 0.1;
  uint64_t analyzeRows = 32;

  /// A configuration file (docs/Guides/Config.md): options, and what differs
  /// from them for single layers and values.
  std::string config;

  /// Names of the options that were set, in any order and perhaps repeatedly:
  /// they win over those of `config`.
  std::vector<std::string> given;
  /// Names of the options that `config` set, each once.
  std::vector<std::string> configured;
  /// Whether `config` says anything about single layers or values.
  bool configuresParts = false;
};

inline constexpr std::string_view kDefaultTarget = "hcgs-65nm";

/// One option as users see it.
struct OptionInfo {
  enum class Kind { Text, Integer, Real, Choice, Flag };

  /// As on the command line, without the dashes: "weight-bits".
  std::string name;
  Kind kind;
  /// What stands for the value in help: "2..8", "detect|off|impose", "FILE".
  std::string value;
  std::string help;
  /// Heading in help.
  std::string group;
  /// The value in `options`, as `set` would take it.
  std::function<std::string(const CompileOptions &options)> get;
  /// Sets the value, or says what is allowed.
  std::function<Result<void>(CompileOptions &options, std::string_view text)>
      set;
};

/// All options, in the order of help.
const std::vector<OptionInfo> &compileOptionTable();

/// Sets one option by name, in which `_` and `-` are the same. Flags take
/// "true" and "false". Errors name the option and what is allowed.
Result<void> setCompileOption(CompileOptions &options, std::string_view name,
                              std::string_view value);

/// Sets the options that the file `options.config` holds and that were not
/// given otherwise. Does nothing without a file; twice is the same as once.
Result<void> applyConfig(CompileOptions &options);

/// Whether an option was set, by its name in the table.
bool isGiven(const CompileOptions &options, std::string_view name);

/// What options demand of each other.
Result<void> checkCompileOptions(const CompileOptions &options);

/// "elf", "c-header", ...
std::string_view getName(Emit emit);

} // namespace hcgs

#endif // HCGS_PIPELINES_OPTIONS_H
