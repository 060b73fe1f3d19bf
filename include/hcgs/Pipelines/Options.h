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
  rnn::BlockSelection select = rnn::BlockSelection::Magnitude;
  uint64_t seed = 0;
  bool compressLinear = false;

  /// A .npy or .npz file; empty: formats from worst-case ranges.
  std::string calibrate;
  rnn::RangeMethod rangeMethod = rnn::RangeMethod::MinMax;
  double percentile = 99.99;
  double inputRange = 8.0;
  double cellRange = 8.0;

  unsigned weightBits = 6;
  numerics::WeightEncoding weightEncoding = numerics::WeightEncoding::SignMag;
  numerics::WeightRounding rounding = numerics::WeightRounding::Nearest;
  bool refuseZeros = false;
  unsigned inputBits = 13;
  unsigned actBits = 13;
  unsigned gateBits = 13;
  unsigned cellBits = 16;
  unsigned pwlSegments = 256;

  std::string scheduler = "unfolded";
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

/// What options demand of each other.
Result<void> checkCompileOptions(const CompileOptions &options);

/// "elf", "c-header", ...
std::string_view getName(Emit emit);

} // namespace hcgs

#endif // HCGS_PIPELINES_OPTIONS_H
