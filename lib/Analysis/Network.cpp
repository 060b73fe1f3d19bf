// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Analysis/Network.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Target/Images.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::analysis;
using nlohmann::json;

std::string_view analysis::getName(LayerOp op) {
  static constexpr std::string_view names[] = {"lstm", "linear", "add",
                                               "act",  "concat", "last"};
  return names[static_cast<size_t>(op)];
}

namespace {

/// Reads one program. Metadata come from this compiler or through its checks;
/// what is missing or of another type throws json::exception.
class Reader {
public:
  Reader(const Program &program, const FloatModel &floats)
      : program(program), floats(floats) {}

  Result<Network> run();

private:
  Result<void> readImages();
  void readValues();
  Result<void> readLayer(const json &node);
  Result<Matrix> readMatrix(const Layer &layer, const json &use,
                            std::string_view which, const FloatMatrix &source);
  Result<void> readBias(Layer &layer, const json &use);
  Result<void> readLstm(Layer &layer, const json &node);
  Result<void> readResult(Layer &layer, const json &rule, int accFrac);
  void readTensors(const char *key, std::vector<std::vector<TensorPlace>> &to);
  const FloatLayer *findFloats(const Layer &layer);
  void takeState(int value, const std::vector<float> &floats);

  const Program &program;
  const FloatModel &floats;
  json meta;
  Network network;
  std::vector<MatrixDescriptor> descriptors;
  std::vector<int32_t> biases;
  /// How many layers of one op, name and direction there were.
  std::map<std::tuple<LayerOp, std::string, bool>, size_t> seen;
};

int numberOrNone(const json &node, const char *key) {
  auto it = node.find(key);
  return it == node.end() || it->is_null() ? -1 : it->get<int>();
}

} // namespace

/// The layer of the model that a layer of the program was made from: the same
/// operation, node and direction, counted where a node has several.
const FloatLayer *Reader::findFloats(const Layer &layer) {
  size_t skip = seen[{layer.op, layer.name, layer.reverse}]++;
  for (const FloatLayer &candidate : floats.layers)
    if (candidate.op == analysis::getName(layer.op) &&
        candidate.name == layer.name && candidate.reverse == layer.reverse &&
        skip-- == 0)
      return &candidate;
  return nullptr;
}

Result<void> Reader::readImages() {
  Result<std::vector<MatrixDescriptor>> read =
      readDescriptors(program.descriptors);
  if (!read)
    return read.takeError();
  descriptors = std::move(*read);
  Result<std::vector<int32_t>> bias = readBiases(program.bias);
  if (!bias)
    return bias.takeError();
  biases = std::move(*bias);
  Result<std::vector<numerics::PwlTable>> tables = readTables(program.tables);
  if (!tables)
    return tables.takeError();
  network.tables = std::move(*tables);
  return {};
}

void Reader::readValues() {
  for (const json &node : meta.at("network").at("values")) {
    Value value;
    value.name = node.at("name").get<std::string>();
    value.width = node.at("width").get<int64_t>();
    value.format = {node.at("bits").get<int>(), node.at("frac").get<int>()};
    value.sequence = node.at("kind") == "sequence";
    if (auto codes = node.find("codes"); codes != node.end())
      value.codes = codes->get<std::vector<int32_t>>();
    network.values.push_back(std::move(value));
  }
}

/// The codes of a matrix at their places, with those that its layout keeps.
static void expandCodes(const compression::WeightLayout &layout,
                        const std::vector<int16_t> &words, Matrix &matrix) {
  const int64_t rows = matrix.rows, cols = matrix.cols;
  matrix.codes.assign(matrix.gates * rows * cols, 0);
  if (layout.isCirculant()) {
    const int64_t block = layout.block();
    layout.forEachVector([&](const compression::WeightLayout::Vector &vector) {
      for (int64_t r = 0; r < vector.height; ++r)
        for (int64_t c = 0; c < vector.width; ++c)
          matrix.codes[(vector.gate * rows + vector.row + r) * cols +
                       vector.col + c] =
              words[vector.word + (c - r + block) % block];
    });
    return;
  }
  if (!layout.isDense())
    matrix.kept.assign(matrix.codes.size(), 0);
  layout.forEachRun([&](const compression::WeightLayout::Run &run) {
    const int64_t at = (run.gate * rows + run.row) * cols + run.col;
    std::copy_n(words.begin() + run.word, run.count, matrix.codes.begin() + at);
    if (!matrix.kept.empty())
      std::fill_n(matrix.kept.begin() + at, run.count, 1);
  });
}

Result<Matrix> Reader::readMatrix(const Layer &layer, const json &use,
                                  std::string_view which,
                                  const FloatMatrix &source) {
  const size_t number = use.at("desc").get<size_t>();
  if (number >= descriptors.size())
    return Error{fmt::format("metadata: layer '{}' uses descriptor {}, of {}",
                             layer.name, number, descriptors.size())};
  const MatrixDescriptor &desc = descriptors[number];
  const json &record = meta.at("matrices").at(number);
  Matrix matrix;
  matrix.gates = desc.gates;
  matrix.rows = desc.rows;
  matrix.cols = desc.cols;
  matrix.format = desc.format;
  matrix.exponents = record.at("exponents").get<std::vector<int>>();
  matrix.accFracs = record.at("acc_frac").get<std::vector<int>>();
  if (matrix.exponents.size() != desc.gates ||
      matrix.accFracs.size() != desc.gates)
    return Error{fmt::format("metadata: matrix {} has {} gates and {} "
                             "exponents",
                             number, desc.gates, matrix.exponents.size())};
  Result<compression::WeightLayout> layout = readLayout(desc, program.index);
  if (!layout)
    return layout.takeError();
  Result<std::vector<int16_t>> words =
      readCodes(desc, *layout, program.weights);
  if (!words)
    return words.takeError();
  matrix.storedWords = layout->words();
  expandCodes(*layout, *words, matrix);
  matrix.floats = source;
  matrix.format.rounding = source.rule.rounding;
  if (!source.original || source.original->size() != matrix.codes.size())
    return Error{fmt::format(
        "node '{}': {} of the program has {} weights, the model's {}",
        layer.name, which, matrix.codes.size(),
        source.original ? source.original->size() : 0)};
  return matrix;
}

/// The bias codes of a matrix, gate by gate (WI-A-1, WI-A-3).
Result<void> Reader::readBias(Layer &layer, const json &use) {
  const MatrixDescriptor &desc = descriptors[use.at("desc").get<size_t>()];
  if (!desc.bias)
    return {};
  const size_t count = size_t(desc.gates) * desc.rows;
  if (size_t(*desc.bias) + count > biases.size())
    return Error{
        fmt::format("node '{}': its biases lie outside bmem", layer.name)};
  layer.biasCodes.resize(count);
  for (int64_t gate = 0; gate < desc.gates; ++gate)
    for (int64_t row = 0; row < desc.rows; ++row)
      layer.biasCodes[gate * desc.rows + row] =
          biases[*desc.bias +
                 compression::WeightLayout::accumulatorIndex(
                     gate, row, desc.gates, desc.rows, desc.rowBlock)];
  return {};
}

void Reader::takeState(int value, const std::vector<float> &from) {
  if (value >= 0 && !network.values[value].codes.empty() &&
      from.size() == network.values[value].codes.size())
    network.values[value].floats = from;
}

Result<void> Reader::readLstm(Layer &layer, const json &node) {
  layer.inputs = {node.at("input").get<int>()};
  layer.width = node.at("hidden").get<int64_t>();
  layer.output = numberOrNone(node, "output");
  layer.finalH = numberOrNone(node, "final_h");
  layer.finalC = numberOrNone(node, "final_c");
  layer.initialH = numberOrNone(node, "initial_h");
  layer.initialC = numberOrNone(node, "initial_c");
  layer.reverse = node.at("direction") == "reverse";
  const FloatLayer *source = findFloats(layer);
  if (!source || source->functions.size() != 3)
    return Error{fmt::format("node '{}': the model has no such {} layer of its "
                             "direction",
                             layer.name, analysis::getName(layer.op))};
  Result<Matrix> w = readMatrix(layer, node.at("W"), "W", source->w);
  if (!w)
    return w.takeError();
  Result<Matrix> r = readMatrix(layer, node.at("R"), "R", source->r);
  if (!r)
    return r.takeError();
  layer.bias = source->bias;
  layer.request = source->tables;
  if (Result<void> read = readBias(layer, node.at("W")); !read)
    return read;
  if (layer.biasCodes.empty())
    if (Result<void> read = readBias(layer, node.at("R")); !read)
      return read;
  takeState(layer.initialH, source->initialH);
  takeState(layer.initialC, source->initialC);

  LayerFormats &formats = layer.formats;
  for (size_t g = 0; g < 4; ++g) {
    const json &gate = node.at("gates").at(g);
    layer.tables[g] = gate.at("table").get<int>();
    const numerics::PwlTable &table = network.tables.at(layer.tables[g]);
    formats.preFracs[g] = w->accFracs[g] - gate.at("shift").get<int>();
    formats.gates[g] = table.output();
    layer.functions[g] = source->functions[g == 3 ? 1 : 0];
  }
  const json &cell = node.at("cell");
  layer.tables[4] = cell.at("table").get<int>();
  layer.functions[4] = source->functions[2];
  formats.q = network.tables.at(layer.tables[4]).output();
  const int sum = formats.gates[0].frac + formats.gates[3].frac +
                  cell.at("ig_lshift").get<int>();
  formats.c = {cell.at("c_bits").get<int>(),
               sum - cell.at("c_shift").get<int>()};
  if (formats.gates[2].frac + formats.c.frac +
          cell.at("fc_lshift").get<int>() !=
      sum)
    return Error{fmt::format("metadata: node '{}': the products of its cell "
                             "have different fractions",
                             layer.name)};
  formats.qPreFrac = sum - cell.at("tanh_shift").get<int>();
  formats.y = {cell.at("h_bits").get<int>(),
               formats.gates[1].frac + formats.q.frac +
                   cell.at("h_lshift").get<int>() -
                   cell.at("h_shift").get<int>()};
  layer.w = std::move(*w);
  layer.r = std::move(*r);
  return {};
}

/// L-RES-1, of a sum with `accFrac` fractional bits.
Result<void> Reader::readResult(Layer &layer, const json &rule, int accFrac) {
  const int shift = rule.at("shift").get<int>();
  const Value &y = network.values.at(layer.output);
  layer.formats.y = y.format;
  if (rule.at("kind") != "act")
    return {};
  layer.tables[0] = rule.at("table").get<int>();
  (void)network.tables.at(layer.tables[0]);
  layer.formats.preFracs[0] = accFrac - shift;
  return {};
}

Result<void> Reader::readLayer(const json &node) {
  static constexpr LayerOp ops[] = {LayerOp::LSTM,   LayerOp::Linear,
                                    LayerOp::Add,    LayerOp::Act,
                                    LayerOp::Concat, LayerOp::Last};
  const std::string op = node.at("op").get<std::string>();
  const LayerOp *known =
      std::find_if(std::begin(ops), std::end(ops),
                   [&](LayerOp each) { return analysis::getName(each) == op; });
  Layer layer;
  layer.name = node.at("name").get<std::string>();
  if (known == std::end(ops))
    return Error{fmt::format("node '{}': the analysis has no float model of "
                             "the layer '{}'",
                             layer.name, op)};
  layer.op = *known;
  if (layer.op == LayerOp::LSTM) {
    if (Result<void> read = readLstm(layer, node); !read)
      return read;
    network.layers.push_back(std::move(layer));
    return {};
  }
  layer.output = node.at("output").get<int>();
  layer.inputs = node.contains("inputs")
                     ? node.at("inputs").get<std::vector<int>>()
                     : std::vector<int>{node.at("input").get<int>()};
  layer.width = network.values.at(layer.output).width;
  layer.sequence = network.values.at(layer.output).sequence;
  layer.formats.y = network.values.at(layer.output).format;
  if (layer.op == LayerOp::Concat || layer.op == LayerOp::Last) {
    network.layers.push_back(std::move(layer));
    return {};
  }
  const FloatLayer *source = findFloats(layer);
  if (!source)
    return Error{fmt::format("node '{}': the model has no such {} layer",
                             layer.name, op)};
  int accFrac = network.values.at(layer.inputs.at(0)).format.frac;
  if (layer.op == LayerOp::Linear) {
    Result<Matrix> w = readMatrix(layer, node.at("W"), "W", source->w);
    if (!w)
      return w.takeError();
    layer.w = std::move(*w);
    layer.bias = source->bias;
    if (Result<void> read = readBias(layer, node.at("W")); !read)
      return read;
    accFrac = layer.w->accFracs[0];
  } else {
    accFrac += node.at("lshifts").at(0).get<int>();
  }
  if (Result<void> read = readResult(layer, node.at("result"), accFrac); !read)
    return read;
  layer.request = source->tables;
  if (!source->functions.empty())
    layer.functions[0] = source->functions[0];
  network.layers.push_back(std::move(layer));
  return {};
}

void Reader::readTensors(const char *key,
                         std::vector<std::vector<TensorPlace>> &to) {
  for (const json &tensor : meta.at("network").at(key)) {
    std::vector<TensorPlace> places;
    for (const json &part : tensor.at("parts")) {
      const int value = part.at("value").get<int>();
      (void)network.values.at(value);
      places.push_back({value, std::max(0, numberOrNone(part, "index"))});
    }
    to.push_back(std::move(places));
  }
}

Result<Network> Reader::run() {
  if (Result<void> read = readImages(); !read)
    return read.takeError();
  meta = json::parse(program.meta);
  const json model = meta.value("model", json::object());
  network.modelName = model.value("name", "");
  network.modelDigest = model.value("sha256", "");
  readValues();
  for (const json &layer : meta.at("network").at("layers"))
    if (Result<void> read = readLayer(layer); !read)
      return read.takeError();
  readTensors("inputs", network.inputs);
  readTensors("outputs", network.outputs);
  return std::move(network);
}

Result<Network> analysis::makeNetwork(const Program &program,
                                      const FloatModel &floats) {
  try {
    return Reader(program, floats).run();
  } catch (const std::exception &error) {
    return Error{fmt::format("the metadata of the program cannot be analysed: "
                             "{}",
                             error.what())};
  }
}
