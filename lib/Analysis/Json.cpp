// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analysis as JSON: docs/Guides/Analysis.md.
//
#include "hcgs/Analysis/Analyze.h"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::analysis;
using nlohmann::ordered_json;
using json = ordered_json;

/// Six significant digits: more would only be noise of the summation.
static json number(double value) {
  if (!std::isfinite(value))
    return nullptr;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value,
                                 std::chars_format::general, 6);
  double rounded = 0.0;
  std::from_chars(text, end.ptr, rounded);
  return rounded;
}

static json number(const std::optional<double> &value) {
  return value ? number(*value) : json(nullptr);
}

static json gateOf(char gate) {
  return gate ? json(std::string(1, gate)) : json(nullptr);
}

static json layerOf(int layer) {
  return layer < 0 ? json(nullptr) : json(layer);
}

static json growthOf(const std::optional<Growth> &growth) {
  if (!growth)
    return nullptr;
  static constexpr const char *verdicts[] = {"steady", "grows", "shrinks"};
  return {{"slope_db", number(growth->slope)},
          {"relative_slope_db", number(growth->relativeSlope)},
          {"r2", number(growth->r2)},
          {"verdict", verdicts[static_cast<size_t>(growth->verdict)]}};
}

static json quantityOf(const Quantity &quantity, double threshold) {
  json node = {{"name", quantity.name}};
  if (quantity.gate)
    node["gate"] = gateOf(quantity.gate);
  const bool formatted = quantity.format.bits > 0;
  node["bits"] = formatted ? json(quantity.format.bits) : json(nullptr);
  node["frac"] = formatted ? json(quantity.format.frac) : json(nullptr);
  node["elements"] = quantity.elements;
  node["peak"] = number(quantity.peak);
  node["signal_energy"] = number(quantity.signal);
  json stages = json::object(), error = json::object(), mean = json::object(),
       max = json::object();
  const double last = quantity.stages.back().error;
  for (size_t s = 1; s < quantity.stages.size(); ++s) {
    const Quantity::Stage &stage = quantity.stages[s];
    const std::string name(kStageNames[s]);
    const double count =
        static_cast<double>(std::max<int64_t>(1, quantity.elements));
    const std::optional<int64_t> first = quantity.firstOver(s, threshold);
    stages[name] = {
        {"sqnr_db", number(quantity.sqnr(s))},
        {"own_sqnr_db", number(decibels(quantity.signal, stage.own))},
        {"error_energy", number(stage.error)},
        {"max_error", number(stage.maximum)},
        {"mean_error", number(stage.absolute / count)},
        {"error_share",
         last > 0.0
             ? number((stage.error - quantity.stages[s - 1].error) / last)
             : json(nullptr)},
        {"first_over_threshold", first ? json(*first) : json(nullptr)},
        {"growth", growthOf(quantity.growth(s))}};
    json errors = json::array(), means = json::array(), maxima = json::array();
    for (size_t t = 0; t < stage.steps.size(); ++t) {
      const double own =
          static_cast<double>(std::max<int64_t>(1, quantity.steps[t].elements));
      errors.push_back(number(stage.steps[t].error / own));
      means.push_back(number(stage.steps[t].absolute / own));
      maxima.push_back(number(stage.steps[t].maximum));
    }
    error[name] = std::move(errors);
    mean[name] = std::move(means);
    max[name] = std::move(maxima);
  }
  json elements = json::array(), signal = json::array();
  for (const Quantity::Step &step : quantity.steps) {
    elements.push_back(step.elements);
    signal.push_back(number(step.signal / static_cast<double>(std::max<int64_t>(
                                              1, step.elements))));
  }
  node["stages"] = std::move(stages);
  node["steps"] = {{"elements", std::move(elements)},
                   {"signal", std::move(signal)},
                   {"error", std::move(error)},
                   {"mean", std::move(mean)},
                   {"max", std::move(max)}};
  return node;
}

static json saturationsOf(const Analysis &analysis) {
  json sites = json::array(), instructions = json::array();
  for (const SaturationSite &site : analysis.sites) {
    json steps = json::array();
    int64_t worst = 0, most = -1;
    for (const auto &[step, count] : site.steps) {
      steps.push_back({step, count});
      if (count > most) {
        most = count;
        worst = step;
      }
    }
    sites.push_back({{"layer", layerOf(site.layer)},
                     {"name", site.name},
                     {"site", site.site},
                     {"gate", gateOf(site.gate)},
                     {"table_input", site.isTableInput},
                     {"count", site.count},
                     {"elements", site.elements},
                     {"first_step", site.steps.front().first},
                     {"worst_step", worst},
                     {"steps", std::move(steps)}});
  }
  for (const SaturatedInstruction &each : analysis.instructions)
    instructions.push_back({{"pc", each.pc},
                            {"instruction", each.text},
                            {"layer", layerOf(each.layer)},
                            {"name", each.name},
                            {"gate", gateOf(each.gate)},
                            {"what", each.what},
                            {"saturations", each.results},
                            {"z_saturations", each.tableInputs}});
  return {{"agree", analysis.saturationsAgree},
          {"sites", std::move(sites)},
          {"instructions", std::move(instructions)}};
}

static json partsOf(const Analysis &analysis) {
  json list = json::array();
  for (const PartError &part : analysis.parts)
    list.push_back({{"layer", layerOf(part.layer)},
                    {"name", part.name},
                    {"part", part.part},
                    {"sqnr_db", number(part.sqnr)},
                    {"share", number(part.share)}});
  return {{"rows", analysis.measuredRows},
          {"sum_sqnr_db", number(decibels(1.0, analysis.partsSum))},
          {"list", std::move(list)}};
}

static json changesOf(const Analysis &analysis) {
  json list = json::array();
  for (const Change &change : analysis.changes)
    list.push_back(
        {{"text", change.text},
         {"kind", change.kind},
         {"layer", layerOf(change.layer)},
         {"name", change.name},
         {"site", change.site},
         {"from", change.from},
         {"to", change.to},
         {"sqnr_db", number(change.sqnr)},
         {"gain_db", number(change.gain)},
         {"cost_bytes", change.costBytes},
         {"target", change.target},
         {"config",
          change.config.empty() ? json(nullptr) : json::parse(change.config)}});
  return {{"rows", analysis.measuredRows},
          {"sqnr_db", number(decibels(1.0, analysis.changesError))},
          {"list", std::move(list)}};
}

static json worstOf(const Analysis &analysis) {
  json rows = json::array(), steps = json::array();
  for (const Analysis::RowError &row : analysis.worstRows)
    rows.push_back({{"row", row.row}, {"sqnr_db", number(row.sqnr)}});
  for (const Analysis::StepError &step : analysis.worstSteps)
    steps.push_back({{"output", analysis.outputs[step.output].name},
                     {"step", step.step},
                     {"sqnr_db", number(step.sqnr)}});
  return {{"rows", std::move(rows)}, {"steps", std::move(steps)}};
}

std::string analysis::toJson(const Analysis &analysis) {
  const double threshold = analysis.options.threshold;
  json stageNames = json::array(), stages = json::array();
  for (size_t s = 0; s < kStageNames.size(); ++s) {
    const StageSummary &stage = analysis.stages[s];
    stageNames.push_back(kStageNames[s]);
    stages.push_back({{"name", kStageNames[s]},
                      {"sqnr_db", number(stage.sqnr)},
                      {"own_sqnr_db", number(stage.ownSqnr)},
                      {"lost_db", number(stage.lost)},
                      {"error_share", number(stage.share)},
                      {"relative_error", number(std::sqrt(stage.error))}});
  }
  json outputs = json::array(), layers = json::array();
  for (const Quantity &output : analysis.outputs)
    outputs.push_back(quantityOf(output, threshold));
  for (size_t number = 0; number < analysis.layers.size(); ++number) {
    const LayerAnalysis &layer = analysis.layers[number];
    json quantities = json::array();
    for (const Quantity &quantity : layer.quantities)
      quantities.push_back(quantityOf(quantity, threshold));
    layers.push_back({{"index", number},
                      {"name", layer.name},
                      {"op", layer.op},
                      {"direction", layer.reverse ? "reverse" : "forward"},
                      {"quantities", std::move(quantities)}});
  }
  const json root = {
      {"format", "hcgs-analysis"},
      {"version", 1},
      {"model",
       {{"name", analysis.modelName}, {"sha256", analysis.modelDigest}}},
      {"target", analysis.target},
      {"data",
       {{"file", analysis.options.dataName},
        {"rows", analysis.rows},
        {"frames", analysis.frames},
        {"longest", analysis.longest},
        {"shortest", analysis.shortest}}},
      {"threshold", threshold},
      {"notes", analysis.notes},
      {"stage_names", std::move(stageNames)},
      {"stages", std::move(stages)},
      {"program",
       {{"equal", analysis.differentCodes == 0},
        {"different_codes", analysis.differentCodes},
        {"codes", analysis.codes}}},
      {"outputs", std::move(outputs)},
      {"layers", std::move(layers)},
      {"worst", worstOf(analysis)},
      {"parts", partsOf(analysis)},
      {"changes", changesOf(analysis)},
      {"saturations", saturationsOf(analysis)}};
  return root.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}
