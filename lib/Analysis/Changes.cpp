// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Changes.h"
#include "hcgs/Numerics/PwlFit.h"
#include "hcgs/Target/TargetModel.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::analysis;
using nlohmann::json;
using numerics::FxFormat;

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

namespace {
/// Adds the parts of one layer to a list.
class PartMaker {
public:
  PartMaker(const Stages &stages, std::vector<PartVariant> &parts, int layer)
      : stages(stages), parts(parts), layer(layer) {}

  /// A part that is switched on by `change` in the layer's setting, seen from
  /// the stage `tables`.
  template <typename Function>
  PartVariant &add(const char *part, Function &&change) {
    PartVariant variant;
    variant.part.layer = layer;
    variant.part.name = stages.net().layers[layer].name;
    variant.part.part = part;
    variant.with = {layer, make(change)};
    parts.push_back(std::move(variant));
    return parts.back();
  }

  template <typename Function>
  auto make(Function change) {
    const LayerSetting &full = stages.setting(Tables).layers[layer];
    return [change, &full, number = layer](RunSetting &setting, Owned &) {
      change(setting.layers[number], full);
      return true;
    };
  }

private:
  const Stages &stages;
  std::vector<PartVariant> &parts;
  int layer;
};
} // namespace

std::vector<PartVariant> analysis::makeParts(const Stages &stages) {
  std::vector<PartVariant> parts;
  const Network &network = stages.net();
  for (const auto &tensor : network.inputs)
    for (const TensorPlace &place : tensor) {
      PartVariant variant;
      variant.part.name = network.values[place.value].name;
      variant.part.part = "input";
      variant.with.apply = [](RunSetting &setting, Owned &) {
        setting.roundInputs = true;
        return true;
      };
      parts.push_back(std::move(variant));
      break; // all inputs together
    }
  if (parts.size() > 1) {
    parts.resize(1);
    parts[0].part.name = "all inputs";
  }
  using Setting = LayerSetting;
  for (size_t number = 0; number < network.layers.size(); ++number) {
    const Layer &layer = network.layers[number];
    PartMaker maker(stages, parts, static_cast<int>(number));
    const LayerSetting &kept = stages.setting(Compressed).layers[number];
    if (layer.w && layer.w->floats.original != layer.w->floats.compressed)
      maker
          .add("compressed W",
               [&kept](Setting &s, const Setting &) { s.w = kept.w; })
          .stage = Float;
    if (layer.r && layer.r->floats.original != layer.r->floats.compressed)
      maker
          .add("compressed R",
               [&kept](Setting &s, const Setting &) { s.r = kept.r; })
          .stage = Float;
    if (layer.w)
      maker.add("W", [](Setting &s, const Setting &full) { s.w = full.w; });
    if (layer.r)
      maker.add("R", [](Setting &s, const Setting &full) { s.r = full.r; });
    if (!layer.biasCodes.empty())
      maker.add("bias",
                [](Setting &s, const Setting &full) { s.bias = full.bias; });
    auto rounded = [](Setting &s, const Setting &) { s.gates = s.q = true; };
    if (layer.op == LayerOp::LSTM) {
      maker.add("gates", [](Setting &s, const Setting &) { s.gates = true; });
      maker.add("c", [](Setting &s, const Setting &) { s.c = true; });
      maker.add("q", [](Setting &s, const Setting &) { s.q = true; });
      maker.add("h", [](Setting &s, const Setting &) { s.y = true; });
      PartVariant &tables =
          maker.add("tables", [](Setting &s, const Setting &full) {
            s.gates = s.q = true;
            s.tables = full.tables;
          });
      tables.without = {static_cast<int>(number), maker.make(rounded)};
    } else if (layer.op != LayerOp::Concat && layer.op != LayerOp::Last) {
      maker.add("result",
                [](Setting &s, const Setting &) { s.gates = s.y = true; });
      if (layer.tables[0] < 0)
        continue;
      PartVariant &table =
          maker.add("table", [](Setting &s, const Setting &full) {
            s.gates = s.y = true;
            s.tables = full.tables;
          });
      table.without = {static_cast<int>(number),
                       maker.make([](Setting &s, const Setting &) {
                         s.gates = s.y = true;
                       })};
    }
  }
  return parts;
}

//===----------------------------------------------------------------------===//
// Changes
//===----------------------------------------------------------------------===//

namespace {

/// New tables of a layer, by their places in Layer::tables.
using NewTables = std::vector<std::pair<size_t, numerics::PwlTable>>;

class ChangeMaker {
public:
  ChangeMaker(const Stages &stages, const Analysis &analysis)
      : network(stages.net()), target(stages.loaded().target()),
        analysis(analysis) {}

  std::vector<ChangeVariant> run();

private:
  using Apply = std::function<bool(RunSetting &, Owned &)>;

  /// `possible`: whether the target takes it.
  void add(int layer, const char *kind, std::string site, std::string from,
           std::string to, json config, int64_t cost, bool possible,
           Apply apply);
  void addMatrix(int number, const char *which);
  void addInputs();
  void addFormats(int number);
  void addGates(int number);
  void addTables(int number);
  /// A change of the format of c or of h or the result.
  void addFormat(int number, const char *site, FxFormat LayerFormats::*format);
  /// Puts what the compiler would fit for place `place` of the layer's tables
  /// into `tables`; false if there is no such table.
  bool refit(const Layer &layer, size_t place, FxFormat output,
             const numerics::PwlRequest &request, NewTables &tables) const;
  /// Whether the target has room for them.
  bool hasRoom(int number, const NewTables &tables) const;
  /// Whether weight memory has room if the matrices W or R of the layers of
  /// the name of `number` have so many bytes.
  bool hasRoom(int number, bool isW, int64_t bytes) const;
  /// Whether the target's values are as wide, in formats that there are.
  bool takes(FxFormat format) const {
    return format.bits <= static_cast<int>(target.activationBitsMax);
  }
  static Apply withTables(int number, NewTables tables, Apply before);
  static json valueConfig(const std::string &name, FxFormat format) {
    return {
        {"values", {{name, {{"bits", format.bits}, {"frac", format.frac}}}}}};
  }
  json layerConfig(int number, json keys) const {
    return {{"layers", {{network.layers[number].name, std::move(keys)}}}};
  }
  const Quantity &quantity(int number, std::string_view name) const {
    const auto &all = analysis.layers[number].quantities;
    return *std::find_if(all.begin(), all.end(), [&](const Quantity &each) {
      return each.name == name;
    });
  }
  int64_t saturations(int layer, std::string_view site,
                      std::string_view name) const {
    for (const SaturationSite &each : analysis.sites)
      if (each.layer == layer && each.site == site && each.name == name)
        return each.count;
    return 0;
  }

  const Network &network;
  const TargetModel &target;
  const Analysis &analysis;
  std::vector<ChangeVariant> changes;
};

} // namespace

void ChangeMaker::add(int layer, const char *kind, std::string site,
                      std::string from, std::string to, json config,
                      int64_t cost, bool possible, Apply apply) {
  ChangeVariant variant;
  Change &change = variant.change;
  change.kind = kind;
  change.layer = layer;
  change.name = layer < 0 ? site : network.layers[layer].name;
  change.site = layer < 0 ? "input" : site;
  change.from = std::move(from);
  change.to = std::move(to);
  change.text =
      fmt::format("{}: {} -> {}", change.site, change.from, change.to);
  change.costBytes = cost;
  change.target = possible;
  change.config = config.is_null() ? "" : config.dump();
  variant.variant = {layer, std::move(apply)};
  changes.push_back(std::move(variant));
}

//===----------------------------------------------------------------------===//
// Changes of matrices
//===----------------------------------------------------------------------===//

static int64_t bytesOf(int64_t words, int bits) {
  return (words * bits + 7) / 8;
}

bool ChangeMaker::hasRoom(int number, bool isW, int64_t bytes) const {
  uint64_t total = 0;
  for (const Layer &layer : network.layers)
    for (const auto *matrix : {&layer.w, &layer.r})
      if (*matrix)
        total += static_cast<uint64_t>(
            layer.name == network.layers[number].name &&
                    (matrix == &layer.w) == isW
                ? bytes
                : bytesOf((*matrix)->storedWords, (*matrix)->format.bits));
  return total <= target.memories.wmemBytes;
}

static const char *nameOf(numerics::WeightEncoding encoding) {
  return encoding == numerics::WeightEncoding::Twos ? "twos" : "signmag";
}

void ChangeMaker::addMatrix(int number, const char *which) {
  const Layer &layer = network.layers[number];
  const bool isW = which[0] == 'W';
  const Matrix &matrix = isW ? *layer.w : *layer.r;
  const WeightRule &rule = matrix.floats.rule;
  // `exactly`: nothing but the encoding asked for will do.
  auto replace = [this, number, isW, &matrix](const std::vector<float> &weights,
                                              numerics::WeightFormat format,
                                              bool all, bool exactly) -> Apply {
    return [=, this, &matrix, &weights](RunSetting &setting, Owned &owned) {
      numerics::WeightEncoding made = format.encoding;
      auto real = requantize(matrix, weights, format, all, made);
      if (!real || (made != format.encoding &&
                    (exactly || !target.hasWeightEncoding(nameOf(made)))))
        return false;
      owned.matrices.push_back(std::make_shared<RealMatrix>(
          std::move(real), matrix.gates * matrix.rows, matrix.cols));
      LayerSetting &own = setting.layers[number];
      (isW ? own.w : own.r) = owned.matrices.back().get();
      return true;
    };
  };
  auto keys = [&](json value) {
    return layerConfig(number, {{which, std::move(value)}});
  };
  const std::vector<float> &weights = *matrix.floats.compressed;
  const int64_t bytes = bytesOf(matrix.storedWords, matrix.format.bits);
  numerics::WeightFormat format = matrix.format;
  format.encoding = rule.encoding;
  if (format.bits < 8) {
    // The next width that the target has, if there is one.
    for (int bits = 8; bits > matrix.format.bits; --bits)
      if (target.hasWeightBits(static_cast<uint32_t>(bits)))
        format.bits = bits;
    const bool known = format.bits > matrix.format.bits;
    if (!known)
      ++format.bits;
    const int64_t wider = bytesOf(matrix.storedWords, format.bits);
    add(number, "weight-bits", which,
        fmt::format("{} bits", matrix.format.bits),
        fmt::format("{} bits", format.bits),
        keys({{"weight-bits", format.bits}}), wider - bytes,
        known && hasRoom(number, isW, wider),
        replace(weights, format, false, false));
  }
  format = matrix.format;
  format.encoding = format.encoding == numerics::WeightEncoding::Twos
                        ? numerics::WeightEncoding::SignMag
                        : numerics::WeightEncoding::Twos;
  // The published quantiser settles the encoding; and what was asked for in
  // vain is no change.
  if (!rule.published && rule.encoding == matrix.format.encoding)
    add(number, "weight-encoding", which, nameOf(matrix.format.encoding),
        nameOf(format.encoding),
        keys({{"weight-encoding", nameOf(format.encoding)}}), 0,
        target.hasWeightEncoding(nameOf(format.encoding)),
        replace(weights, format, false, true));
  if (matrix.floats.original != matrix.floats.compressed) {
    format = matrix.format;
    format.encoding = rule.encoding;
    const int64_t all =
        bytesOf(matrix.gates * matrix.rows * matrix.cols, format.bits);
    add(number, "dense", which, "compressed", "dense",
        keys({{"sparsity", "off"}}), all - bytes,
        target.hasMatrixKind("dense") && hasRoom(number, isW, all),
        replace(*matrix.floats.original, format, true, false));
  }
}

//===----------------------------------------------------------------------===//
// Changes of tables and formats
//===----------------------------------------------------------------------===//

bool ChangeMaker::refit(const Layer &layer, size_t place, FxFormat output,
                        const numerics::PwlRequest &request,
                        NewTables &tables) const {
  const numerics::PwlTable &now = network.tables[layer.tables[place]];
  Result<numerics::FittedPwl> fitted =
      numerics::choosePwl(layer.functions[place], now.inFrac, output, request);
  if (!fitted)
    return false;
  tables.emplace_back(place, std::move(fitted->table));
  return true;
}

bool ChangeMaker::hasRoom(int number, const NewTables &tables) const {
  std::vector<const numerics::PwlTable *> all;
  auto addOnce = [&](const numerics::PwlTable &table) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto *each) { return *each == table; }))
      all.push_back(&table);
  };
  for (const auto &[place, table] : tables) {
    if (table.entries.size() > target.memories.lutSegments)
      return false;
    addOnce(table);
  }
  for (size_t other = 0; other < network.layers.size(); ++other)
    for (size_t place = 0; place < 5; ++place) {
      const int table = network.layers[other].tables[place];
      const bool replaced =
          static_cast<int>(other) == number &&
          std::any_of(tables.begin(), tables.end(),
                      [&](const auto &each) { return each.first == place; });
      if (table >= 0 && !replaced)
        addOnce(network.tables[table]);
    }
  return all.size() <= target.memories.lutTables;
}

ChangeMaker::Apply ChangeMaker::withTables(int number, NewTables tables,
                                           Apply before) {
  return [number, before = std::move(before),
          tables = std::make_shared<const NewTables>(std::move(tables))](
             RunSetting &setting, Owned &owned) {
    if (before && !before(setting, owned))
      return false;
    for (const auto &[place, table] : *tables) {
      owned.tables.push_back(std::make_unique<ExpandedTable>(table));
      setting.layers[number].tables[place] = owned.tables.back().get();
    }
    return true;
  };
}

/// Fractions that a configuration can ask for.
constexpr int minFraction = -16, maxFraction = 30;

static std::string text(FxFormat format) { return format.str(); }

/// The largest magnitude fits with one bit of fraction more.
static bool leavesTopBit(double peak, FxFormat format) {
  return peak > 0.0 && peak * std::ldexp(1.0, format.frac + 1) <
                           static_cast<double>(format.maxCode());
}

void ChangeMaker::addFormat(int number, const char *site,
                            FxFormat LayerFormats::*format) {
  const Layer &layer = network.layers[number];
  const FxFormat now = layer.formats.*format;
  // As a configuration names values: a layer's result, and c apart.
  const std::string value = layer.name + (site[0] == 'c' ? ".c" : "");
  // Results of tables are rounded by them.
  const bool tabled = format == &LayerFormats::y && layer.op != LayerOp::LSTM &&
                      layer.tables[0] >= 0;
  auto offer = [&](const char *kind, FxFormat other) {
    if (other.frac < minFraction || other.frac > maxFraction)
      return;
    NewTables tables;
    if (tabled && !refit(layer, 0, other, layer.request, tables))
      return;
    const bool possible = takes(other) && (!tabled || hasRoom(number, tables));
    add(number, kind, site, text(now), text(other), valueConfig(value, other),
        0, possible,
        withTables(number, std::move(tables),
                   [=](RunSetting &setting, Owned &) {
                     setting.layers[number].formats.*format = other;
                     return true;
                   }));
  };
  if (now.bits < 16)
    offer("bits", {now.bits + 1, now.frac + 1});
  if (saturations(number, site, layer.name) > 0)
    offer("range", {now.bits, now.frac - 1});
  else if (leavesTopBit(quantity(number, site).peak, now))
    offer("scale", {now.bits, now.frac + 1});
}

/// The outputs of the four gates and of the cell's function: one width.
void ChangeMaker::addGates(int number) {
  const Layer &layer = network.layers[number];
  const int bits = layer.formats.gates[0].bits;
  if (bits >= 16)
    return;
  NewTables tables;
  for (size_t place = 0; place < 5; ++place) {
    const FxFormat now =
        place < 4 ? layer.formats.gates[place] : layer.formats.q;
    if (!refit(layer, place, {now.bits + 1, now.frac + 1}, layer.request,
               tables))
      return;
  }
  const bool possible = takes({bits + 1, 0}) && hasRoom(number, tables);
  add(number, "bits", "gates", fmt::format("{} bits", bits),
      fmt::format("{} bits", bits + 1),
      layerConfig(number, {{"gate-bits", bits + 1}}), 0, possible,
      withTables(number, std::move(tables), [=](RunSetting &setting, Owned &) {
        LayerFormats &formats = setting.layers[number].formats;
        for (FxFormat &gate : formats.gates)
          gate = {gate.bits + 1, gate.frac + 1};
        formats.q = {formats.q.bits + 1, formats.q.frac + 1};
        return true;
      }));
}

void ChangeMaker::addTables(int number) {
  const Layer &layer = network.layers[number];
  int64_t entries = 0;
  for (int table : layer.tables)
    if (table >= 0)
      entries = std::max<int64_t>(
          entries, static_cast<int64_t>(network.tables[table].entries.size()));
  numerics::PwlRequest request = layer.request;
  json keys;
  std::string from, to;
  if (entries == 0)
    return;
  if (request.maxError > 0.0) {
    // The tables are as coarse as an error allows, not as entries do.
    request.maxError /= 2.0;
    from = fmt::format("{:g} LSB", layer.request.maxError);
    to = fmt::format("{:g} LSB", request.maxError);
    keys = {{"pwl-max-error", request.maxError}};
  } else {
    // Tables that leave entries unused are as good as they get.
    if (2 * entries <= request.maxEntries ||
        2 * entries > numerics::maxPwlEntries)
      return;
    request.maxEntries = static_cast<int>(2 * entries);
    from = fmt::format("{} entries", entries);
    to = fmt::format("{} entries", 2 * entries);
    keys = {{"pwl-segments", 2 * entries}};
  }
  NewTables tables;
  for (size_t place = 0; place < 5; ++place)
    if (layer.tables[place] >= 0 &&
        !refit(layer, place, network.tables[layer.tables[place]].output(),
               request, tables))
      return;
  const bool possible = hasRoom(number, tables);
  add(number, "table", "tables", from, to, layerConfig(number, keys), 0,
      possible, withTables(number, std::move(tables), nullptr));
}

void ChangeMaker::addFormats(int number) {
  const Layer &layer = network.layers[number];
  if (layer.op == LayerOp::LSTM) {
    addGates(number);
    addFormat(number, "c", &LayerFormats::c);
    addFormat(number, "h", &LayerFormats::y);
  } else {
    addFormat(number, "y", &LayerFormats::y);
  }
  addTables(number);
}

void ChangeMaker::addInputs() {
  for (size_t tensor = 0; tensor < network.inputs.size(); ++tensor)
    for (const TensorPlace &place : network.inputs[tensor]) {
      const Value &value = network.values[place.value];
      const FxFormat now = value.format;
      auto apply = [number = place.value](FxFormat other) -> Apply {
        return [=](RunSetting &setting, Owned &) {
          setting.inputFormats[number] = other;
          return true;
        };
      };
      if (now.bits < 16 && now.frac < maxFraction) {
        const FxFormat finer{now.bits + 1, now.frac + 1};
        add(-1, "bits", value.name, text(now), text(finer),
            valueConfig(value.name, finer), 0, takes(finer), apply(finer));
      }
      if (saturations(-1, "input", value.name) > 0 && now.frac > minFraction) {
        const FxFormat wider{now.bits, now.frac - 1};
        add(-1, "range", value.name, text(now), text(wider),
            valueConfig(value.name, wider), 0, takes(wider), apply(wider));
      }
    }
}

std::vector<ChangeVariant> ChangeMaker::run() {
  addInputs();
  for (size_t number = 0; number < network.layers.size(); ++number) {
    const Layer &layer = network.layers[number];
    if (layer.op == LayerOp::Concat || layer.op == LayerOp::Last)
      continue;
    if (layer.w)
      addMatrix(static_cast<int>(number), "W");
    if (layer.r)
      addMatrix(static_cast<int>(number), "R");
    addFormats(static_cast<int>(number));
  }
  return std::move(changes);
}

std::vector<ChangeVariant> analysis::makeChanges(const Stages &stages,
                                                 const Analysis &analysis) {
  return ChangeMaker(stages, analysis).run();
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

namespace {
/// Values of a stage on one group, and runs of variants from them.
class GroupRuns {
public:
  GroupRuns(const Stages &stages, const Group &group, const NpzArrays &inputs)
      : stages(stages), group(group), inputs(inputs) {}

  Values run(size_t stage) const {
    Values values;
    stages.start(stages.setting(stage), group, inputs, values);
    stages.run(stages.setting(stage), group, values);
    return values;
  }

  /// The values of `variant` of `stage`, whose own values are `base`; empty if
  /// there is no such variant.
  Values run(size_t stage, const Values &base, const Variant &variant) const {
    RunSetting setting = stages.setting(stage);
    Owned owned;
    if (!variant.apply(setting, owned))
      return {};
    Values values;
    size_t first = 0;
    if (variant.first < 0) {
      stages.start(setting, group, inputs, values);
    } else {
      values = base;
      first = static_cast<size_t>(variant.first);
    }
    stages.run(setting, group, values, first);
    return values;
  }

private:
  const Stages &stages;
  const Group &group;
  const NpzArrays &inputs;
};
} // namespace

void analysis::measure(const Stages &stages, const DataSet &data,
                       Analysis &analysis) {
  const Network &network = stages.net();
  std::vector<PartVariant> parts = makeParts(stages);
  std::vector<ChangeVariant> changes = makeChanges(stages, analysis);
  std::vector<OutputError> partErrors(parts.size(), OutputError(network)),
      changeErrors(changes.size(), OutputError(network));
  OutputError baseError(network);
  std::vector<bool> possible(changes.size(), true);
  const int64_t rows = std::min(data.rows(), analysis.options.changeRows);
  auto done = [&] {
    if (analysis.options.runDone)
      analysis.options.runDone();
  };
  for (int64_t first = 0; first < rows; first += kLanes) {
    Group group = data.group(first);
    group.lanes = std::min(group.lanes, rows - first);
    for (int64_t lane = group.lanes; lane < kLanes; ++lane)
      group.lengths[lane] = 0;
    const NpzArrays inputs = data.slice(first, group);
    const GroupRuns runs(stages, group, inputs);
    const Values reference = runs.run(Float);
    {
      const Values compressed = runs.run(Compressed);
      for (size_t i = 0; i < parts.size(); ++i) {
        const size_t stage = parts[i].stage;
        const Values &base = stage == Float ? reference : compressed;
        const Values with = runs.run(stage, base, parts[i].with);
        partErrors[i].add(
            group, with,
            parts[i].without ? runs.run(stage, base, *parts[i].without) : base);
        done();
      }
    }
    const Values base = runs.run(Tables);
    baseError.add(group, base, reference);
    for (size_t i = 0; i < changes.size(); ++i) {
      const Values values =
          possible[i] ? runs.run(Tables, base, changes[i].variant) : Values();
      possible[i] = !values.empty();
      if (possible[i])
        changeErrors[i].add(group, values, reference);
      done();
    }
  }

  analysis.measuredRows = rows;
  for (size_t i = 0; i < parts.size(); ++i) {
    PartError part = std::move(parts[i].part);
    part.error = partErrors[i].relative(&baseError);
    part.sqnr = decibels(1.0, part.error);
    analysis.partsSum += part.error;
    analysis.parts.push_back(std::move(part));
  }
  for (PartError &part : analysis.parts)
    part.share = analysis.partsSum > 0.0 ? part.error / analysis.partsSum : 0.0;
  std::stable_sort(
      analysis.parts.begin(), analysis.parts.end(),
      [](const PartError &a, const PartError &b) { return a.error > b.error; });

  analysis.changesError = baseError.relative();
  const std::optional<double> before = decibels(1.0, analysis.changesError);
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!possible[i])
      continue;
    Change change = std::move(changes[i].change);
    change.error = changeErrors[i].relative();
    change.sqnr = decibels(1.0, change.error);
    if (before && change.sqnr)
      change.gain = *change.sqnr - *before;
    analysis.changes.push_back(std::move(change));
  }
  std::stable_sort(analysis.changes.begin(), analysis.changes.end(),
                   [](const Change &a, const Change &b) {
                     return a.target != b.target ? a.target : a.error < b.error;
                   });
}
