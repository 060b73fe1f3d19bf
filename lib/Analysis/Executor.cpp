// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Executor.h"

#include <algorithm>
#include <cmath>

using namespace hcgs;
using namespace hcgs::analysis;
using numerics::FxFormat;

/// Sites of an LSTM: four pre-activations, four gates, then these.
static constexpr size_t kCell = 8, kQPre = 9, kQ = 10, kH = 11;
/// Sites of other layers.
static constexpr size_t kPre = 0, kY = 1;

ExpandedTable::ExpandedTable(const numerics::PwlTable &table)
    : values(65536), saturated(65536) {
  const double lsb = table.output().lsb();
  for (int z = -32768; z < 32768; ++z) {
    values[z + 32768] = static_cast<float>(
        table.evaluate(static_cast<int16_t>(z)) * lsb); // exact
    saturated[z + 32768] = table.saturates(static_cast<int16_t>(z));
  }
}

void SaturationCounts::add(size_t site, int64_t step, int64_t count) {
  if (count == 0)
    return;
  if (counts.size() <= site)
    counts.resize(site + 1);
  if (static_cast<int64_t>(counts[site].size()) <= step)
    counts[site].resize(step + 1, 0);
  counts[site][step] += count;
}

std::vector<Site> analysis::sitesOf(const Layer &layer) {
  const LayerFormats &formats = layer.formats;
  if (layer.op == LayerOp::Concat || layer.op == LayerOp::Last)
    return {};
  if (layer.op != LayerOp::LSTM) {
    const bool table = layer.tables[0] >= 0;
    return {{"pre", 0,
             table ? FxFormat{16, formats.preFracs[0]} : FxFormat{0, 0}, table},
            {"y", 0, formats.y, false}};
  }
  constexpr std::string_view letters = "iofg";
  std::vector<Site> sites;
  for (size_t g = 0; g < 4; ++g)
    sites.push_back({std::string(1, letters[g]) + ".pre", letters[g],
                     FxFormat{16, formats.preFracs[g]}, true});
  for (size_t g = 0; g < 4; ++g)
    sites.push_back(
        {std::string(1, letters[g]), letters[g], formats.gates[g], false});
  sites.push_back({"c", 0, formats.c, false});
  sites.push_back({"q.pre", 0, FxFormat{16, formats.qPreFrac}, true});
  sites.push_back({"q", 0, formats.q, false});
  sites.push_back({"h", 0, formats.y, false});
  return sites;
}

LayerRun::LayerRun(const Network &network, const LayerSetting &setting,
                   const Group &group, Values &values, SaturationCounts *counts)
    : network(network), setting(setting), group(group), values(values),
      counts(counts), width(setting.layer->width) {
  const Layer &layer = *setting.layer;
  const std::vector<Site> sites = sitesOf(layer);
  data.assign(sites.size(), std::vector<double>(width * kLanes, 0.0));
  if (counts)
    counts->elements.resize(sites.size(), 0);
  isSequence = layer.op == LayerOp::LSTM || layer.sequence;
  numSteps = isSequence ? group.steps : 1;
  if (layer.output >= 0)
    values[layer.output].assign(numSteps * width * kLanes, 0.0);
  if (sites.empty()) {
    numSteps = 0;
    move();
    return;
  }
  x.resize(network.values[layer.inputs[0]].width * kLanes);
  if (layer.op != LayerOp::LSTM)
    return;
  sums.resize(4 * width * kLanes);
  auto initial = [&](int value) {
    return value >= 0 ? values[value] : std::vector<double>(width * kLanes);
  };
  h = initial(layer.initialH);
  c = initial(layer.initialC);
}

/// Layers that only put values elsewhere.
void LayerRun::move() {
  const Layer &layer = *setting.layer;
  std::vector<double> &to = values[layer.output];
  if (layer.op == LayerOp::Last) {
    const std::vector<double> &from = values[layer.inputs[0]];
    for (int64_t lane = 0; lane < group.lanes; ++lane)
      for (int64_t f = 0; f < width; ++f)
        to[f * kLanes + lane] =
            from[((group.lengths[lane] - 1) * width + f) * kLanes + lane];
    return;
  }
  const int64_t frames = static_cast<int64_t>(to.size()) / (width * kLanes);
  int64_t offset = 0;
  for (int input : layer.inputs) {
    const int64_t part = network.values[input].width * kLanes;
    for (int64_t t = 0; t < frames; ++t)
      std::copy_n(values[input].begin() + t * part, part,
                  to.begin() + t * width * kLanes + offset);
    offset += part;
  }
}

/// The input of step k: of each lane the frame that is due.
void LayerRun::gather(int64_t k) {
  const std::vector<double> &from = values[setting.layer->inputs[0]];
  const int64_t size = static_cast<int64_t>(x.size());
  if (!setting.layer->reverse) {
    std::copy_n(from.begin() + k * size, size, x.begin());
    return;
  }
  for (int64_t lane = 0; lane < group.lanes; ++lane)
    if (active[lane] != 0.0)
      for (int64_t at = lane; at < size; at += kLanes)
        x[at] = from[placeOf(k, lane) * size + at];
}

void LayerRun::round(size_t site, FxFormat format, int64_t k) {
  const double scale = std::ldexp(1.0, format.frac);
  const double lsb = std::ldexp(1.0, -format.frac);
  const double low = static_cast<double>(format.minCode());
  const double high = static_cast<double>(format.maxCode());
  double clipped = 0.0;
  std::vector<double> &v = data[site];
  for (size_t i = 0; i < v.size(); i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double code = std::floor(v[i + lane] * scale + 0.5);
      const double kept = std::min(std::max(code, low), high);
      clipped += kept != code ? active[lane] : 0.0;
      v[i + lane] = kept * lsb;
    }
  if (counts)
    counts->add(site, k, static_cast<int64_t>(clipped));
}

void LayerRun::activate(size_t from, size_t to, int function, bool rounded,
                        FxFormat format, int64_t k) {
  const std::vector<double> &z = data[from];
  std::vector<double> &y = data[to];
  const ExpandedTable *table = setting.tables[function];
  if (!table) {
    const numerics::Activation &real = setting.layer->functions[function];
    std::transform(z.begin(), z.end(), y.begin(), real);
    if (rounded)
      round(to, format, k);
    return;
  }
  const double scale = std::ldexp(
      1.0, from == kQPre && function == 4 ? setting.formats.qPreFrac
                                          : setting.formats.preFracs[function]);
  double saturated = 0.0;
  for (size_t i = 0; i < z.size(); i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t code = static_cast<int64_t>(z[i + lane] * scale);
      y[i + lane] = (*table)(code);
      saturated += table->saturates(code) ? active[lane] : 0.0;
    }
  if (counts)
    counts->add(to, k, static_cast<int64_t>(saturated));
}

void LayerRun::step(int64_t k) {
  double elements = 0.0;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    const int64_t length = isSequence           ? group.lengths[lane]
                           : lane < group.lanes ? 1
                                                : 0;
    active[lane] = k < length ? 1.0 : 0.0;
    elements += active[lane];
  }
  if (counts)
    for (int64_t &count : counts->elements)
      count += static_cast<int64_t>(elements) * width;
  gather(k);
  if (setting.layer->op == LayerOp::LSTM)
    stepLstm(k);
  else
    stepOther(k);
}

/// L-LSTM-1 to L-LSTM-6, each rounding if it is on.
void LayerRun::stepLstm(int64_t k) {
  const LayerFormats &formats = setting.formats;
  const int64_t size = width * kLanes;
  std::fill(sums.begin(), sums.end(), 0.0);
  if (setting.bias && !setting.bias->empty())
    for (int64_t row = 0; row < 4 * width; ++row)
      std::fill_n(sums.begin() + row * kLanes, kLanes, (*setting.bias)[row]);
  setting.w->addProduct(x.data(), sums.data());
  setting.r->addProduct(h.data(), sums.data());
  for (int g = 0; g < 4; ++g) {
    std::copy_n(sums.begin() + g * size, size, data[g].begin());
    if (setting.gates)
      round(g, {16, formats.preFracs[g]}, k);
    activate(g, 4 + g, g, setting.gates, formats.gates[g], k);
  }
  const double *i = data[4].data(), *o = data[5].data(), *f = data[6].data(),
               *g = data[7].data();
  for (int64_t at = 0; at < size; ++at)
    data[kCell][at] = f[at] * c[at] + i[at] * g[at];
  data[kQPre] = data[kCell];
  if (setting.c)
    round(kCell, formats.c, k);
  if (setting.q)
    round(kQPre, {16, formats.qPreFrac}, k);
  activate(kQPre, kQ, 4, setting.q, formats.q, k);
  for (int64_t at = 0; at < size; ++at)
    data[kH][at] = o[at] * data[kQ][at];
  if (setting.y)
    round(kH, formats.y, k);

  std::vector<double> *output =
      setting.layer->output >= 0 ? &values[setting.layer->output] : nullptr;
  for (int64_t lane = 0; lane < group.lanes; ++lane) {
    if (active[lane] == 0.0)
      continue;
    const int64_t place = placeOf(k, lane) * size;
    for (int64_t at = lane; at < size; at += kLanes) {
      h[at] = data[kH][at];
      c[at] = data[kCell][at];
      if (output)
        (*output)[place + at] = h[at];
    }
  }
}

void LayerRun::stepOther(int64_t k) {
  const Layer &layer = *setting.layer;
  const int64_t size = width * kLanes;
  std::vector<double> &pre = data[kPre];
  if (layer.op == LayerOp::Linear) {
    std::fill(pre.begin(), pre.end(), 0.0);
    if (setting.bias && !setting.bias->empty())
      for (int64_t row = 0; row < width; ++row)
        std::fill_n(pre.begin() + row * kLanes, kLanes, (*setting.bias)[row]);
    setting.w->addProduct(x.data(), pre.data());
  } else {
    pre = x;
    for (size_t i = 1; i < layer.inputs.size(); ++i) {
      const double *other = values[layer.inputs[i]].data() + k * size;
      for (int64_t at = 0; at < size; ++at)
        pre[at] += other[at];
    }
  }
  if (layer.tables[0] < 0) {
    data[kY] = pre;
    if (setting.y)
      round(kY, setting.formats.y, k);
  } else {
    if (setting.gates)
      round(kPre, {16, setting.formats.preFracs[0]}, k);
    activate(kPre, kY, 0, setting.y, setting.formats.y, k);
  }
  std::vector<double> &output = values[layer.output];
  for (int64_t lane = 0; lane < group.lanes; ++lane)
    if (active[lane] != 0.0)
      for (int64_t at = lane; at < size; at += kLanes)
        output[k * size + at] = data[kY][at];
}

void LayerRun::finish() {
  if (setting.layer->finalH >= 0)
    values[setting.layer->finalH] = h;
  if (setting.layer->finalC >= 0)
    values[setting.layer->finalC] = c;
}
