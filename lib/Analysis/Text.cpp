// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analysis as tables for a terminal of 80 columns.
//
#include "hcgs/Analysis/Analyze.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::analysis;

namespace {

/// Collects lines.
class Text {
public:
  explicit Text(const Analysis &analysis) : analysis(analysis) {}
  std::string run();

private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out), format,
                   std::forward<Args>(args)...);
    while (!out.empty() && out.back() == ' ')
      out.pop_back();
    out += '\n';
  }
  void stages();
  void outputs();
  void layers();
  void steps();
  void parts();
  void changes();
  void saturations();

  const Analysis &analysis;
  std::string out;
};

} // namespace

/// A name in at most `width` columns: of long ones the end, which differs.
static std::string fit(const std::string &name, size_t width) {
  if (name.size() <= width)
    return name;
  return ".." + name.substr(name.size() - (width - 2));
}

/// "41.2", and never "-0.0".
static std::string oneDigit(double value) {
  return fmt::format("{:.1f}", value > -0.05 && value < 0.0 ? 0.0 : value);
}

/// The same, or `none` without a value.
static std::string db(const std::optional<double> &value,
                      const char *none = "exact") {
  return value ? oneDigit(*value) : none;
}

/// What stands for an SQNR that there is not: all error and no signal, or none.
static const char *noneOf(double error) {
  return error > 0.0 ? "-inf" : "exact";
}

static std::string percent(const std::optional<double> &value) {
  return value ? oneDigit(100.0 * *value) + " %" : "-";
}

static std::string stepOf(const std::optional<int64_t> &step) {
  return step ? fmt::format("{}", *step) : "-";
}

static const char *verdictOf(const std::optional<Growth> &growth) {
  if (!growth)
    return "-";
  static constexpr const char *verdicts[] = {"steady", "grows", "shrinks"};
  return verdicts[static_cast<size_t>(growth->verdict)];
}

void Text::stages() {
  static constexpr const char *meaning[] = {
      "the imported model", "dropped blocks",       "weight codes and biases",
      "formats of values",  "tables for functions", "the simulated machine"};
  line("");
  line("{:<11} {:>9} {:>9} {:>9} {:>9}   {}", "stage", "SQNR dB", "lost dB",
       "own dB", "share", "adds");
  for (size_t s = 0; s < kStageNames.size(); ++s) {
    const StageSummary &stage = analysis.stages[s];
    if (s == 0) {
      line("{:<11} {:>9} {:>9} {:>9} {:>9}   {}", kStageNames[s], "", "", "",
           "", meaning[s]);
      continue;
    }
    const bool nothing = stage.own == 0.0;
    line("{:<11} {:>9} {:>9} {:>9} {:>9}   {}", kStageNames[s], db(stage.sqnr),
         nothing ? "0.0" : db(stage.lost, "-"),
         nothing ? "none" : db(stage.ownSqnr), percent(stage.share),
         meaning[s]);
  }
  if (analysis.differentCodes == 0)
    line("the program's {} output codes are those of the stage 'tables'",
         analysis.codes);
  else
    line("DEFECT: {} of {} output codes of the program differ from 'tables'; "
         "the compiler\nor the simulator is wrong: please report it",
         analysis.differentCodes, analysis.codes);
}

void Text::outputs() {
  line("");
  line("{:<32} {:>8} {:>10} {:>10} {:>6} {:>8}", "output", "SQNR dB",
       "max error", "mean", "over", "growth");
  const size_t last = kStageNames.size() - 1;
  for (const Quantity &output : analysis.outputs)
    line("{:<32} {:>8} {:>10.3g} {:>10.3g} {:>6} {:>8}", fit(output.name, 32),
         db(output.sqnr(last)), output.stages[last].maximum,
         output.stages[last].absolute /
             static_cast<double>(std::max<int64_t>(1, output.elements)),
         stepOf(output.firstOver(last, analysis.options.threshold)),
         verdictOf(output.growth(last)));
}

void Text::layers() {
  line("");
  line("{:<18} {:>10} {:>8} {:>8} {:>8} {:>9} {:>5} {:>7}", "layer, value",
       "compressed", "weights", "values", "tables", "max error", "over",
       "growth");
  const size_t last = kModelStages - 1;
  for (const LayerAnalysis &layer : analysis.layers) {
    if (layer.quantities.empty())
      continue;
    line("{} ({}{})", fit(layer.name, 60), layer.op,
         layer.reverse ? ", reverse" : "");
    for (const Quantity &quantity : layer.quantities) {
      std::string own = quantity.name;
      if (quantity.format.bits > 0)
        own = fmt::format("{:<6} {}", quantity.name, quantity.format.str());
      line("  {:<16} {:>10} {:>8} {:>8} {:>8} {:>9.2g} {:>5} {:>7}", own,
           db(quantity.sqnr(1)), db(quantity.sqnr(2)), db(quantity.sqnr(3)),
           db(quantity.sqnr(4)), quantity.stages[last].maximum,
           stepOf(quantity.firstOver(last, analysis.options.threshold)),
           verdictOf(quantity.growth(last)));
    }
  }
  line("SQNR in dB against the float model; over: first step whose relative "
       "error is");
  line("above {}", analysis.options.threshold);
}

void Text::steps() {
  line("");
  line("worst steps:");
  for (size_t i = 0; i < std::min<size_t>(5, analysis.worstSteps.size()); ++i) {
    const Analysis::StepError &step = analysis.worstSteps[i];
    line("  {:<40} step {:>6} {:>8} dB",
         fit(analysis.outputs[step.output].name, 40), step.step,
         db(step.sqnr, noneOf(step.error)));
  }
  line("worst rows:");
  for (size_t i = 0; i < std::min<size_t>(5, analysis.worstRows.size()); ++i)
    line("  {:<40} row  {:>6} {:>8} dB", "", analysis.worstRows[i].row,
         db(analysis.worstRows[i].sqnr, noneOf(analysis.worstRows[i].error)));
}

void Text::parts() {
  line("");
  line("parts quantised alone ({} rows)", analysis.measuredRows);
  line("  {:<44} {:<14} {:>8} {:>8}", "layer", "part", "SQNR dB", "share");
  size_t shown = 0;
  for (const PartError &part : analysis.parts)
    if (part.error > 0.0 && shown++ < 12)
      line("  {:<44} {:<14} {:>8} {:>8}", fit(part.name, 44), part.part,
           db(part.sqnr), percent(part.share));
  line("  {:<44} {:<14} {:>8}", "the sum of all", "",
       db(decibels(1.0, analysis.partsSum)));
  line("  {:<44} {:<14} {:>8}", "all together, and compression", "",
       db(decibels(1.0, analysis.changesError)));
}

void Text::changes() {
  line("");
  line("changes, measured one by one ({} rows, now {} dB)",
       analysis.measuredRows, db(decibels(1.0, analysis.changesError)));
  line("  {:>7} {:>8}  {:<25} {}", "gain dB", "bytes", "layer", "change");
  size_t possible = 0, refused = 0;
  for (const Change &change : analysis.changes) {
    if (!change.target && refused == 0)
      line("  needs another target than '{}':", fit(analysis.target, 30));
    if ((change.target ? possible++ < 12 : refused++ < 4))
      line("  {:>7} {:>8}  {:<25} {}",
           change.gain ? fmt::format("{:+.2f}", *change.gain) : "all",
           change.costBytes, fit(change.name, 25), fit(change.text, 34));
  }
}

void Text::saturations() {
  line("");
  if (analysis.sites.empty() && analysis.instructions.empty()) {
    line("nothing saturated");
    return;
  }
  line("saturations");
  line("  {:<30} {:<6} {:>10} {:>9} {:>6} {:>6}", "layer", "value", "count",
       "share", "first", "steps");
  for (const SaturationSite &site : analysis.sites)
    line("  {:<30} {:<6} {:>10} {:>9} {:>6} {:>6}{}", fit(site.name, 30),
         site.site, site.count,
         percent(static_cast<double>(site.count) /
                 static_cast<double>(std::max<int64_t>(1, site.elements))),
         site.steps.front().first, site.steps.size(),
         site.isTableInput ? "  (z)" : "");
  line("  (z): input of a table, harmless where the function is flat");
  size_t shown = 0;
  for (const SaturatedInstruction &each : analysis.instructions)
    if (shown++ < 8)
      line("  pc {:>5} {:<28} {:>9} {:>9} z  {}", each.pc, fit(each.name, 28),
           each.results, each.tableInputs, each.what.substr(0, 17));
  if (!analysis.saturationsAgree)
    line("  the simulator's counters differ from these counts; without a "
         "debug map they\n  cannot be compared");
}

std::string Text::run() {
  line("analysis of '{}' on {}: {} rows, {} frames", analysis.modelName,
       fit(analysis.options.dataName, 30), analysis.rows, analysis.frames);
  for (const std::string &note : analysis.notes)
    line("note: {}", note);
  stages();
  outputs();
  layers();
  steps();
  if (analysis.measuredRows > 0) {
    parts();
    changes();
  }
  saturations();
  return std::move(out);
}

std::string analysis::toText(const Analysis &analysis) {
  return Text(analysis).run();
}
