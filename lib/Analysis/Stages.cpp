// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Stages.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

using namespace hcgs;
using namespace hcgs::analysis;
using numerics::FxFormat;

Stages::Forms Stages::makeForms(const Matrix &matrix) {
  const int64_t rows = matrix.gates * matrix.rows;
  Forms forms;
  forms.original =
      std::make_shared<RealMatrix>(matrix.floats.original, rows, matrix.cols);
  forms.compressed = matrix.floats.compressed == matrix.floats.original
                         ? forms.original
                         : std::make_shared<RealMatrix>(
                               matrix.floats.compressed, rows, matrix.cols);
  forms.quantized =
      std::make_shared<RealMatrix>(dequantize(matrix), rows, matrix.cols);
  return forms;
}

Stages::Stages(const sim::LoadedProgram &program, const Network &network)
    : program(program), network(network), w(network.layers.size()),
      r(network.layers.size()), roundedBias(network.layers.size()) {
  for (const numerics::PwlTable &table : network.tables)
    tables.push_back(std::make_unique<ExpandedTable>(table));
  lastUse.assign(network.values.size(), 0);
  for (size_t number = 0; number < network.layers.size(); ++number) {
    const Layer &layer = network.layers[number];
    if (layer.w)
      w[number] = makeForms(*layer.w);
    if (layer.r)
      r[number] = makeForms(*layer.r);
    for (size_t i = 0; i < layer.biasCodes.size(); ++i)
      roundedBias[number].push_back(std::ldexp(
          static_cast<double>(layer.biasCodes[i]),
          -layer.w->accFracs[i / static_cast<size_t>(layer.w->rows)]));
    for (int value : layer.inputs)
      lastUse[value] = number;
    for (int value : {layer.initialH, layer.initialC})
      if (value >= 0)
        lastUse[value] = number;
  }
  for (const auto &tensor : network.outputs)
    for (const TensorPlace &place : tensor)
      lastUse[place.value] = SIZE_MAX;
  makeSettings();
}

void Stages::makeSettings() {
  for (size_t stage = 0; stage < kModelStages; ++stage) {
    RunSetting &run = settings[stage];
    run.roundInputs = stage >= RoundedValues;
    run.roundStates = stage >= Weights;
    for (const Value &value : network.values)
      run.inputFormats.push_back(value.format);
    for (size_t number = 0; number < network.layers.size(); ++number) {
      const Layer &layer = network.layers[number];
      LayerSetting setting;
      setting.layer = &layer;
      setting.formats = layer.formats;
      auto form = [&](const Forms &forms) {
        return stage == Float        ? forms.original.get()
               : stage == Compressed ? forms.compressed.get()
                                     : forms.quantized.get();
      };
      setting.w = form(w[number]);
      setting.r = form(r[number]);
      setting.bias = stage < Weights ? &layer.bias : &roundedBias[number];
      setting.gates = setting.c = setting.q = setting.y =
          stage >= RoundedValues;
      if (stage >= Tables)
        for (size_t t = 0; t < setting.tables.size(); ++t)
          if (layer.tables[t] >= 0)
            setting.tables[t] = tables[layer.tables[t]].get();
      run.layers.push_back(setting);
    }
  }
}

void Stages::start(const RunSetting &setting, const Group &group,
                   const NpzArrays &inputs, Values &values,
                   NetworkCounts *counts) const {
  values.assign(network.values.size(), {});
  for (size_t number = 0; number < network.values.size(); ++number) {
    const Value &value = network.values[number];
    if (value.codes.empty())
      continue;
    const bool rounded = setting.roundStates || value.floats.empty();
    for (size_t f = 0; f < value.codes.size(); ++f)
      values[number].insert(
          values[number].end(), kLanes,
          rounded ? numerics::toValue(value.codes[f], value.format)
                  : static_cast<double>(value.floats[f]));
  }
  for (size_t tensor = 0; tensor < network.inputs.size(); ++tensor)
    for (const TensorPlace &place : network.inputs[tensor]) {
      const Value &value = network.values[place.value];
      const FxFormat format = setting.inputFormats[place.value];
      const NpyArray &array = inputs[tensor].second;
      const SliceStrides at =
          stridesOf(program.inputs()[tensor], array.shape, place.index);
      const int64_t frames = value.sequence ? group.steps : 1;
      std::vector<double> &to = values[place.value];
      to.assign(frames * value.width * kLanes, 0.0);
      for (int64_t lane = 0; lane < group.lanes; ++lane) {
        const int64_t own = value.sequence ? group.lengths[lane] : 1;
        for (int64_t t = 0; t < own; ++t)
          for (int64_t f = 0; f < value.width; ++f) {
            double v = array.as<double>()[at.base + t * at.time +
                                          lane * at.batch + f * at.feature];
            if (setting.roundInputs) {
              // A-FX-3, as the host does it.
              const double code =
                  numerics::roundHalfAway(v * std::ldexp(1.0, format.frac));
              const double kept =
                  static_cast<double>(numerics::toCode(v, format));
              if (counts && kept != code)
                counts->inputs[place.value].add(0, t, 1);
              v = kept * format.lsb();
            }
            to[(t * value.width + f) * kLanes + lane] = v;
          }
        if (counts) {
          counts->inputs[place.value].elements.resize(1);
          counts->inputs[place.value].elements[0] += own * value.width;
        }
      }
    }
}

void Stages::run(const RunSetting &setting, const Group &group, Values &values,
                 size_t first) const {
  for (size_t layer = first; layer < network.layers.size(); ++layer)
    LayerRun(network, setting.layers[layer], group, values).runAll();
}

void Stages::dropUnused(Values &values, size_t layer) const {
  for (size_t value = 0; value < values.size(); ++value)
    if (lastUse[value] <= layer)
      std::vector<double>().swap(values[value]);
}

void OutputError::add(const Group &group, const Values &values,
                      const Values &reference) {
  for (size_t tensor = 0; tensor < network->outputs.size(); ++tensor)
    for (const TensorPlace &place : network->outputs[tensor]) {
      const Value &value = network->values[place.value];
      const std::vector<double> &a = values[place.value],
                                &b = reference[place.value];
      for (int64_t lane = 0; lane < group.lanes; ++lane) {
        const int64_t frames = value.sequence ? group.lengths[lane] : 1;
        for (int64_t i = 0; i < frames * value.width; ++i) {
          const double difference = a[i * kLanes + lane] - b[i * kLanes + lane];
          error[tensor] += difference * difference;
          signal[tensor] += b[i * kLanes + lane] * b[i * kLanes + lane];
        }
      }
    }
}

double OutputError::relative(const OutputError *of) const {
  const std::vector<double> &signals = of ? of->signal : signal;
  double sum = 0.0;
  int64_t count = 0;
  for (size_t tensor = 0; tensor < signals.size(); ++tensor)
    if (signals[tensor] > 0.0) {
      sum += error[tensor] / signals[tensor];
      ++count;
    }
  return count ? sum / static_cast<double>(count) : 0.0;
}
