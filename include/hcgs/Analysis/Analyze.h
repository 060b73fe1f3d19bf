// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the error of a program comes from: the network is run on data from the
// float model to the program, one difference after the other, and the error is
// attributed to stages, layers, parts and steps. docs/Guides/Analysis.md
// defines every figure. Plain C++.
//
//   auto analysis = analysis::analyze(program, floats, arrays, options);
//   if (!analysis)
//     return analysis.takeError();
//   std::cout << analysis::toText(*analysis);
//
#ifndef HCGS_ANALYSIS_ANALYZE_H
#define HCGS_ANALYSIS_ANALYZE_H

#include "hcgs/Analysis/FloatModel.h"
#include "hcgs/Analysis/Quantity.h"
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hcgs::analysis {

inline constexpr std::array<std::string_view, 6> kStageNames = {
    "float", "compressed", "weights", "values", "tables", "program"};
/// Stages whose layers are run here; the last one is the simulator's.
inline constexpr size_t kModelStages = 5;

struct AnalyzeOptions {
  /// Relative error that counts as too large.
  double threshold = 0.1;
  /// Rows on which parts and changes are measured; 0: not at all.
  int64_t changeRows = 32;
  /// What messages and the result call the data.
  std::string dataName = "data";
  /// Called after each run of the network on up to eight rows.
  std::function<void()> runDone;
};

struct StageSummary {
  /// Relative error energy at the outputs, the mean over tensors.
  double error = 0.0, own = 0.0;
  std::optional<double> sqnr, ownSqnr, lost, share;
};

struct LayerAnalysis {
  std::string name, op;
  bool reverse = false;
  std::vector<Quantity> quantities;
};

/// One part of a layer (-1: of the inputs), quantised alone.
struct PartError {
  int layer = -1;
  std::string name, part;
  double error = 0.0; // relative, at the outputs
  std::optional<double> sqnr;
  double share = 0.0;
};

struct Change {
  std::string text, kind;
  int layer = -1;
  std::string name, site, from, to;
  double error = 0.0;
  std::optional<double> sqnr;
  /// Nothing if the error vanishes with or without the change.
  std::optional<double> gain;
  int64_t costBytes = 0;
  /// A JSON object for --config; empty: no option does it.
  std::string config;
  /// Whether the target takes it.
  bool target = true;
};

struct SaturationSite {
  int layer = -1;
  std::string name, site;
  char gate = 0;
  bool isTableInput = false;
  int64_t count = 0, elements = 0;
  /// (step, count) of steps with any.
  std::vector<std::pair<int64_t, int64_t>> steps = {};
};

struct SaturatedInstruction {
  size_t pc = 0;
  std::string text, name, what;
  int layer = -1;
  char gate = 0;
  uint64_t results = 0, tableInputs = 0;
};

struct Analysis {
  AnalyzeOptions options;
  std::string modelName, modelDigest, target;
  std::vector<std::string> notes;
  int64_t rows = 0, frames = 0, longest = 0, shortest = 0;
  /// By stage; the first is the reference.
  std::array<StageSummary, kStageNames.size()> stages;
  /// Output codes of the simulator, and those that differ from `tables`.
  int64_t codes = 0, differentCodes = 0;
  /// All stages.
  std::vector<Quantity> outputs;
  /// The stages that are run here.
  std::vector<LayerAnalysis> layers;

  struct RowError {
    int64_t row = 0;
    double error = 0.0; // over signal; infinite where there is no signal
    std::optional<double> sqnr;
  };
  struct StepError {
    size_t output = 0;
    int64_t step = 0;
    double error = 0.0;
    std::optional<double> sqnr;
  };
  /// The worst first, at most ten.
  std::vector<RowError> worstRows;
  std::vector<StepError> worstSteps;

  int64_t measuredRows = 0;
  std::vector<PartError> parts; // largest error first
  double partsSum = 0.0;        // of their relative errors
  double changesError = 0.0;    // relative error of `tables` on these rows
  /// Those that the target takes, then others; each the largest gain first.
  std::vector<Change> changes;

  std::vector<SaturationSite> sites;
  std::vector<SaturatedInstruction> instructions;
  bool saturationsAgree = true;
};

/// Runs the analysis. `data` holds an array for each input, as calibration
/// takes them. Errors: data that do not fit the model, a layer without floats,
/// a float model that overflows.
Result<Analysis> analyze(const Program &program, const FloatModel &floats,
                         const NpzArrays &data, const AnalyzeOptions &options);

/// Indented JSON, docs/Guides/Analysis.md.
std::string toJson(const Analysis &analysis);
/// Tables of at most 80 columns.
std::string toText(const Analysis &analysis);

} // namespace hcgs::analysis

#endif // HCGS_ANALYSIS_ANALYZE_H
