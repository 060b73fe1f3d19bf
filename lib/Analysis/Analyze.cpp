// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first pass over the data: all stages side by side, and the simulator.
//
#include "hcgs/Analysis/Analyze.h"
#include "Changes.h"
#include "hcgs/Analysis/Network.h"
#include "hcgs/Sim/Machine.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::analysis;

namespace {

class Analyzer {
public:
  Analyzer(sim::LoadedProgram::Ptr program, const Network &network,
           const DataSet &data, Analysis &analysis)
      : program(std::move(program)), network(network), data(data),
        analysis(analysis), stages(*this->program, network),
        machine(*this->program) {
    counts.layers.resize(network.layers.size());
    counts.inputs.resize(network.values.size());
  }

  Result<void> run();

private:
  void makeQuantities();
  Result<void> runGroup(int64_t first);
  void runLayer(size_t number, const Group &group,
                std::array<Values, kModelStages> &values);
  Result<Values> simulate(const Group &group, const NpzArrays &inputs);
  void compareOutputs(int64_t first, const Group &group,
                      const std::array<Values, kModelStages> &values,
                      const Values &simulated);
  void summarize();
  void listWorst();
  void listSaturations();

  sim::LoadedProgram::Ptr program;
  const Network &network;
  const DataSet &data;
  Analysis &analysis;
  Stages stages;
  sim::Machine machine;
  NetworkCounts counts;
  /// Of each row, the relative error of the program, over all outputs.
  std::vector<double> rowErrors;
};

} // namespace

void Analyzer::makeQuantities() {
  for (const Layer &layer : network.layers) {
    LayerAnalysis &own = analysis.layers.emplace_back();
    own.name = layer.name;
    own.op = getName(layer.op);
    own.reverse = layer.reverse;
    for (const Site &site : sitesOf(layer)) {
      Quantity &quantity = own.quantities.emplace_back(site.name, kModelStages);
      quantity.gate = site.gate;
      quantity.format = site.format;
    }
  }
  for (size_t i = 0; i < network.outputs.size(); ++i) {
    Quantity &quantity = analysis.outputs.emplace_back(
        program->outputs()[i].name, kStageNames.size());
    quantity.format = network.values[network.outputs[i][0].value].format;
  }
}

/// One layer in all stages, step by step.
void Analyzer::runLayer(size_t number, const Group &group,
                        std::array<Values, kModelStages> &values) {
  std::vector<LayerRun> runs;
  runs.reserve(kModelStages);
  for (size_t stage = 0; stage < kModelStages; ++stage)
    runs.emplace_back(network, stages.setting(stage).layers[number], group,
                      values[stage],
                      stage == Tables ? &counts.layers[number] : nullptr);
  std::vector<Quantity> &quantities = analysis.layers[number].quantities;
  std::vector<const double *> data(kModelStages);
  for (int64_t k = 0; k < runs[0].steps(); ++k) {
    for (LayerRun &run : runs)
      run.step(k);
    for (size_t site = 0; site < quantities.size(); ++site) {
      for (size_t stage = 0; stage < kModelStages; ++stage)
        data[stage] = runs[stage].site(site).data();
      quantities[site].add(k, data,
                           static_cast<int64_t>(runs[0].site(site).size()),
                           runs[0].activeLanes().data(), kLanes);
    }
  }
  for (LayerRun &run : runs)
    run.finish();
}

/// The outputs of the program on a group, row by row.
Result<Values> Analyzer::simulate(const Group &group, const NpzArrays &inputs) {
  Values results(network.values.size());
  for (int64_t lane = 0; lane < group.lanes; ++lane) {
    machine.clear();
    if (Result<void> ready = machine.prepare(group.lengths[lane]); !ready)
      return ready.takeError();
    for (size_t tensor = 0; tensor < network.inputs.size(); ++tensor) {
      const sim::TensorInfo &info = program->inputs()[tensor];
      const NpyArray &array = inputs[tensor].second;
      for (const sim::TensorPart &part : info.parts) {
        const SliceStrides at =
            stridesOf(info, array.shape, part.index.value_or(0));
        std::span<int16_t> stream = machine.stream(part.stream);
        for (size_t i = 0; i < stream.size(); ++i) {
          const int64_t t = static_cast<int64_t>(i) / part.width,
                        f = static_cast<int64_t>(i) % part.width;
          stream[i] = static_cast<int16_t>(numerics::toCode(
              array.as<double>()[at.base + t * at.time + lane * at.batch +
                                 f * at.feature],
              part.format));
        }
      }
    }
    if (Result<void> ran = machine.execute(sim::Entry::Run); !ran)
      return ran.takeError();
    for (size_t tensor = 0; tensor < network.outputs.size(); ++tensor)
      for (size_t i = 0; i < network.outputs[tensor].size(); ++i) {
        const sim::TensorPart &part = program->outputs()[tensor].parts[i];
        const std::span<const int16_t> stream = machine.stream(part.stream);
        std::vector<double> &to = results[network.outputs[tensor][i].value];
        to.resize((part.sequence ? group.steps : 1) * part.width * kLanes);
        for (size_t e = 0; e < stream.size(); ++e)
          to[e * kLanes + lane] = numerics::toValue(stream[e], part.format);
      }
  }
  return results;
}

/// Infinite where there is error and no signal.
static double relativeError(double signal, double error) {
  return signal > 0.0 ? error / signal : error > 0.0 ? INFINITY : 0.0;
}

void Analyzer::compareOutputs(int64_t first, const Group &group,
                              const std::array<Values, kModelStages> &values,
                              const Values &simulated) {
  for (size_t tensor = 0; tensor < network.outputs.size(); ++tensor) {
    std::array<double, kLanes> rowSignal{}, rowError{};
    for (const TensorPlace &place : network.outputs[tensor]) {
      const Value &value = network.values[place.value];
      const int64_t size = value.width * kLanes;
      const int64_t frames = value.sequence ? group.steps : 1;
      std::vector<const double *> all(kStageNames.size());
      for (int64_t t = 0; t < frames; ++t) {
        std::array<double, kLanes> mask{};
        for (size_t stage = 0; stage < kModelStages; ++stage)
          all[stage] = values[stage][place.value].data() + t * size;
        all.back() = simulated[place.value].data() + t * size;
        for (int64_t lane = 0; lane < group.lanes; ++lane) {
          if (value.sequence && t >= group.lengths[lane])
            continue;
          mask[lane] = 1.0;
          for (int64_t f = 0; f < value.width; ++f) {
            const int64_t i = f * kLanes + lane;
            const double error = all.back()[i] - all[0][i];
            ++analysis.codes;
            analysis.differentCodes += all.back()[i] != all[Tables][i];
            rowSignal[lane] += all[0][i] * all[0][i];
            rowError[lane] += error * error;
          }
        }
        analysis.outputs[tensor].add(t, all, size, mask.data(), kLanes);
      }
    }
    for (int64_t lane = 0; lane < group.lanes; ++lane)
      rowErrors[first + lane] +=
          relativeError(rowSignal[lane], rowError[lane]) /
          static_cast<double>(network.outputs.size());
  }
}

Result<void> Analyzer::runGroup(int64_t first) {
  const Group group = data.group(first);
  const NpzArrays inputs = data.slice(first, group);
  Result<Values> simulated = simulate(group, inputs);
  if (!simulated)
    return simulated.takeError().at(analysis.options.dataName);

  std::array<Values, kModelStages> values;
  for (size_t stage = 0; stage < kModelStages; ++stage)
    stages.start(stages.setting(stage), group, inputs, values[stage],
                 stage == Tables ? &counts : nullptr);
  for (size_t number = 0; number < network.layers.size(); ++number) {
    runLayer(number, group, values);
    for (Values &each : values)
      stages.dropUnused(each, number);
  }
  compareOutputs(first, group, values, *simulated);
  if (analysis.options.runDone)
    analysis.options.runDone();
  return {};
}

//===----------------------------------------------------------------------===//
// What it comes to
//===----------------------------------------------------------------------===//

void Analyzer::summarize() {
  double tensors = 0.0;
  for (const Quantity &output : analysis.outputs)
    if (output.signal > 0.0) {
      ++tensors;
      for (size_t stage = 1; stage < kStageNames.size(); ++stage) {
        analysis.stages[stage].error +=
            output.stages[stage].error / output.signal;
        analysis.stages[stage].own += output.stages[stage].own / output.signal;
      }
    }
  for (StageSummary &stage : analysis.stages)
    if (tensors > 0.0) {
      stage.error /= tensors;
      stage.own /= tensors;
    }
  const double last = analysis.stages.back().error;
  for (size_t stage = 1; stage < kStageNames.size(); ++stage) {
    StageSummary &own = analysis.stages[stage];
    const StageSummary &before = analysis.stages[stage - 1];
    own.sqnr = decibels(1.0, own.error);
    own.ownSqnr = decibels(1.0, own.own);
    if (own.sqnr && before.sqnr)
      own.lost = *before.sqnr - *own.sqnr;
    if (last > 0.0)
      own.share = (own.error - before.error) / last;
  }
}

void Analyzer::listWorst() {
  constexpr size_t most = 10;
  for (size_t row = 0; row < rowErrors.size(); ++row)
    analysis.worstRows.push_back({static_cast<int64_t>(row), rowErrors[row],
                                  std::isinf(rowErrors[row])
                                      ? std::nullopt
                                      : decibels(1.0, rowErrors[row])});
  auto worse = [](const auto &a, const auto &b) { return a.error > b.error; };
  std::stable_sort(analysis.worstRows.begin(), analysis.worstRows.end(), worse);
  const size_t program = kStageNames.size() - 1;
  for (size_t i = 0; i < analysis.outputs.size(); ++i)
    for (size_t t = 0; t < analysis.outputs[i].steps.size(); ++t)
      analysis.worstSteps.push_back(
          {i, static_cast<int64_t>(t),
           relativeError(analysis.outputs[i].steps[t].signal,
                         analysis.outputs[i].stages[program].steps[t].error),
           analysis.outputs[i].sqnr(program, static_cast<int64_t>(t))});
  std::stable_sort(analysis.worstSteps.begin(), analysis.worstSteps.end(),
                   worse);
  if (analysis.worstRows.size() > most)
    analysis.worstRows.resize(most);
  if (analysis.worstSteps.size() > most)
    analysis.worstSteps.resize(most);
}

static void addSite(Analysis &analysis, const SaturationCounts &counts,
                    size_t number, SaturationSite site) {
  site.elements = counts.elements.size() > number ? counts.elements[number] : 0;
  if (counts.counts.size() > number)
    for (size_t t = 0; t < counts.counts[number].size(); ++t)
      if (const int64_t count = counts.counts[number][t]) {
        site.count += count;
        site.steps.emplace_back(static_cast<int64_t>(t), count);
      }
  if (site.count > 0)
    analysis.sites.push_back(std::move(site));
}

/// The gate that the debug map names: "... gate f ...".
static char gateIn(const std::string &what) {
  for (std::string_view key : {"gate ", "gates "})
    if (size_t at = what.find(key);
        at != std::string::npos && at + key.size() < what.size() &&
        std::string_view("iofg").find(what[at + key.size()]) !=
            std::string_view::npos &&
        (at + key.size() + 1 == what.size() ||
         !std::isalpha(static_cast<unsigned char>(what[at + key.size() + 1]))))
      return what[at + key.size()];
  return 0;
}

void Analyzer::listSaturations() {
  for (size_t number = 0; number < network.values.size(); ++number)
    addSite(analysis, counts.inputs[number], 0,
            {-1, network.values[number].name, "input"});
  // By layer: results, inputs of tables.
  std::map<int, std::pair<int64_t, int64_t>> expected, counted;
  for (size_t number = 0; number < network.layers.size(); ++number) {
    const std::vector<Site> sites = sitesOf(network.layers[number]);
    for (size_t i = 0; i < sites.size(); ++i) {
      const size_t before = analysis.sites.size();
      addSite(analysis, counts.layers[number], i,
              {static_cast<int>(number), network.layers[number].name,
               sites[i].name, sites[i].gate, sites[i].isTableInput});
      if (analysis.sites.size() == before)
        continue;
      auto &[results, tableInputs] = expected[static_cast<int>(number)];
      (sites[i].isTableInput ? tableInputs : results) +=
          analysis.sites.back().count;
    }
  }
  const sim::SaturationCounters &counters = machine.saturations();
  bool located = true;
  for (size_t pc = 0; pc < program->instructions().size(); ++pc) {
    if (pc >= counters.results.size() ||
        (counters.results[pc] == 0 && counters.inputs[pc] == 0))
      continue;
    const sim::DebugInfo debug = program->debug(pc);
    SaturatedInstruction instruction;
    instruction.pc = pc;
    instruction.text = program->text(pc);
    instruction.name = debug.node;
    instruction.what = debug.what;
    instruction.gate = gateIn(debug.what);
    instruction.results = counters.results[pc];
    instruction.tableInputs = counters.inputs[pc];
    const char *begin = debug.layer.data(), *end = begin + debug.layer.size();
    located &= std::from_chars(begin, end, instruction.layer).ec == std::errc();
    auto &[results, tableInputs] = counted[instruction.layer];
    results += static_cast<int64_t>(instruction.results);
    tableInputs += static_cast<int64_t>(instruction.tableInputs);
    analysis.instructions.push_back(std::move(instruction));
  }
  std::stable_sort(
      analysis.instructions.begin(), analysis.instructions.end(),
      [](const SaturatedInstruction &a, const SaturatedInstruction &b) {
        return a.results + a.tableInputs > b.results + b.tableInputs;
      });
  analysis.saturationsAgree = located && expected == counted;
}

Result<void> Analyzer::run() {
  makeQuantities();
  analysis.rows = data.rows();
  const auto [shortest, longest] =
      std::minmax_element(data.lengths().begin(), data.lengths().end());
  analysis.shortest = *shortest;
  analysis.longest = *longest;
  for (int64_t length : data.lengths())
    analysis.frames += length;
  rowErrors.assign(static_cast<size_t>(data.rows()), 0.0);
  for (int64_t first = 0; first < data.rows(); first += kLanes)
    if (Result<void> ran = runGroup(first); !ran)
      return ran;
  for (const LayerAnalysis &layer : analysis.layers)
    for (const Quantity &quantity : layer.quantities)
      if (!std::isfinite(quantity.signal))
        return Error{fmt::format("node '{}': values overflow in the float "
                                 "model; the scale of the data does not suit "
                                 "it",
                                 layer.name)}
            .at(analysis.options.dataName);
  summarize();
  listWorst();
  listSaturations();
  if (analysis.options.changeRows > 0)
    measure(stages, data, analysis);
  return {};
}

Result<Analysis> analysis::analyze(const Program &program,
                                   const FloatModel &floats,
                                   const NpzArrays &data,
                                   const AnalyzeOptions &options) {
  Result<std::vector<uint8_t>> bytes = writeProgram(program);
  if (!bytes)
    return bytes.takeError();
  Result<sim::LoadedProgram::Ptr> loaded = sim::LoadedProgram::fromBytes(
      {reinterpret_cast<const char *>(bytes->data()), bytes->size()},
      "program");
  if (!loaded)
    return loaded.takeError();
  Result<Network> network = makeNetwork(program, floats);
  if (!network)
    return network.takeError();
  Result<DataSet> set = DataSet::bind(**loaded, data, options.dataName);
  if (!set)
    return set.takeError();
  Analysis analysis;
  analysis.options = options;
  analysis.modelName = network->modelName;
  analysis.modelDigest = network->modelDigest;
  analysis.target = (*loaded)->target().name;
  if (floats.startsCompressed)
    analysis.notes.push_back(
        "the input was compressed already; what that cost is not known");
  if (Result<void> ran = Analyzer(*loaded, *network, *set, analysis).run();
      !ran)
    return ran.takeError();
  return analysis;
}
