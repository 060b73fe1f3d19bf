// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accounting of matrices, as JSON and as a table.

#include "Accounting.h"
#include "ScheduleReport.h"
#include "hcgs/Pipelines/Report.h"

#include "hcgs/Compression/Layout.h"
#include "hcgs/Dialect/RNN/IR/GateOrder.h"

#include <algorithm>
#include <bit>
#include <string>

#include <fmt/format.h>

using namespace hcgs;
using compression::WeightLayout;
using Json = nlohmann::json;

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

namespace {

/// How evenly the work of some gates is spread over the row groups.
struct BalanceOfWork {
  int64_t worst = 0, worstCycles = 0;
  double mean = 0.0, meanCycles = 0.0;

  BalanceOfWork(const WeightLayout &layout, unsigned gateMask, int64_t lanes) {
    if (layout.isDense()) {
      // Every row is as much work as every other, however the schedule cuts
      // them into blocks.
      worst = std::popcount(gateMask) * layout.cols();
      worstCycles = compression::ceilDiv(worst, lanes);
      mean = static_cast<double>(worst);
      meanCycles = static_cast<double>(worstCycles);
      return;
    }
    const auto groups = layout.rowGroups(gateMask);
    for (const auto &group : groups) {
      const int64_t cycles = compression::ceilDiv(group.macs, lanes);
      worst = std::max(worst, group.macs);
      worstCycles = std::max(worstCycles, cycles);
      mean += static_cast<double>(group.macs);
      meanCycles += static_cast<double>(cycles);
    }
    if (!groups.empty()) {
      mean /= static_cast<double>(groups.size());
      meanCycles /= static_cast<double>(groups.size());
    }
  }

  void addTo(Json &entry) const {
    entry["balance_worst"] = worst;
    entry["balance_mean"] = mean;
    entry["balance_worst_cycles"] = worstCycles;
    entry["balance_mean_cycles"] = meanCycles;
  }
};

} // namespace

static Json ratio(uint64_t whole, uint64_t part) {
  return part ? Json(double(whole) / double(part)) : Json();
}

/// The accounting of one gate.
static Json describeGate(const WeightLayout &layout, int64_t gate, int bits,
                         const Json &provenance, int64_t lanes) {
  const uint64_t total = uint64_t(layout.rows()) * layout.cols();
  const uint64_t kept = layout.words(gate);
  // Only of an LSTM's four gates is it known which is which.
  const bool named = layout.gates() == rnn::kNumGates;
  Json entry = {{"gate", named ? Json(rnn::gateName(gate)) : Json()},
                {"kept", kept},
                {"ratio_to_dense", ratio(total, kept)},
                {"stored_bits", kept * bits}};
  // A shared index belongs to no single gate.
  entry["index_bits"] =
      layout.isSeparate() ? Json(layout.map(gate).indexBitCount()) : Json();
  BalanceOfWork(layout, 1u << gate, lanes).addTo(entry);
  for (const char *key : {"squared_error", "sqnr_db"})
    if (provenance.contains(key) && provenance[key].is_array() &&
        size_t(gate) < provenance[key].size())
      entry[key] = provenance[key][gate];
  return entry;
}

Result<Json> hcgs::describeMatrix(const MatrixDescriptor &descriptor,
                                  const Json &meta,
                                  std::span<const uint8_t> index,
                                  const TargetModel &target) {
  Result<WeightLayout> layout = readLayout(descriptor, index);
  if (!layout)
    return layout.takeError();
  const int bits = descriptor.format.bits;
  const uint64_t total =
      uint64_t(descriptor.gates) * descriptor.rows * descriptor.cols;
  const uint64_t kept = layout->words();
  Json tiers = Json::array();
  Json balance;
  for (const compression::Tier &tier : descriptor.pattern.tiers)
    tiers.push_back({{"rows", tier.rows},
                     {"cols", tier.cols},
                     {"keep", {tier.keepNum, tier.keepDen}},
                     {"balance", compression::balanceName(tier.balance)}});
  if (!tiers.empty())
    balance = tiers[0]["balance"];
  uint64_t indexBits = 0;
  for (const auto &map : layout->maps())
    indexBits += map->indexBitCount();
  const uint64_t padding = layout->paddingBits(bits) +
                           (8 * uint64_t(descriptor.indexBytes) - indexBits);

  // Biases lie with the first of a layer's matrices; R names those of W.
  const bool ownsBias = descriptor.bias && meta.value("matrix", Json()) != "R";
  const bool signmag =
      descriptor.format.encoding == numerics::WeightEncoding::SignMag;
  const Json provenance = meta.value("provenance", Json::object());
  Json gates = Json::array();
  for (uint32_t gate = 0; gate < descriptor.gates; ++gate)
    gates.push_back(
        describeGate(*layout, gate, bits, provenance, target.mac.lanes));
  const bool hcgs = descriptor.kind == MatrixKind::Hcgs;
  Json result = {
      {"node", meta.value("node", Json())},
      {"layer", meta.value("layer", Json())},
      {"matrix", meta.value("matrix", Json())},
      {"kind", compression::matrixKindName(descriptor.kind)},
      {"gates", descriptor.gates},
      {"rows", descriptor.rows},
      {"cols", descriptor.cols},
      {"row_block", descriptor.rowBlock},
      {"tiers", std::move(tiers)},
      {"balance", std::move(balance)},
      {"masks",
       hcgs ? Json(layout->isSeparate() ? "separate" : "shared") : Json()},
      {"circulant_block", descriptor.block ? Json(descriptor.block) : Json()},
      {"kept", kept},
      {"total", total},
      {"ratio_to_dense", ratio(total, kept)},
      {"weight_bits", bits},
      {"weight_encoding", signmag ? "signmag" : "twos"},
      {"weight_bytes", descriptor.weightBytes},
      {"index_bytes", descriptor.indexBytes},
      {"stored_bits",
       8 * uint64_t(descriptor.weightBytes) - layout->paddingBits(bits)},
      {"index_bits", indexBits},
      {"padding_bits", padding},
      {"bias_bytes",
       ownsBias ? 4 * uint64_t(descriptor.gates) * descriptor.rows : 0},
      {"per_gate", std::move(gates)},
      {"exponents", meta.value("exponents", Json::array())},
      {"in_frac", meta.value("in_frac", Json())},
      {"acc_frac", meta.value("acc_frac", Json())}};
  BalanceOfWork(*layout, (1u << descriptor.gates) - 1, target.mac.lanes)
      .addTo(result);
  // What is known only if the program came from a model.
  if (provenance.is_object())
    for (const auto &[key, value] : provenance.items())
      result[key] = value;
  return result;
}

Json hcgs::describeLayers(const Json &matrices) {
  static constexpr const char *kSums[] = {
      "kept",        "total",      "weight_bytes", "index_bytes",
      "stored_bits", "index_bits", "padding_bits", "bias_bytes"};
  Json layers = Json::array();
  for (const Json &matrix : matrices) {
    auto same =
        std::find_if(layers.begin(), layers.end(), [&](const Json &layer) {
          return layer["layer"] == matrix["layer"] &&
                 layer["node"] == matrix["node"];
        });
    if (same == layers.end()) {
      Json layer = {{"layer", matrix["layer"]},
                    {"node", matrix["node"]},
                    {"direction", matrix["direction"]}};
      for (const char *key : kSums)
        layer[key] = uint64_t(0);
      layers.push_back(std::move(layer));
      same = layers.end() - 1;
    }
    for (const char *key : kSums)
      (*same)[key] = (*same)[key].get<uint64_t>() + matrix[key].get<uint64_t>();
  }
  for (Json &layer : layers)
    layer["ratio_to_dense"] =
        ratio(layer["total"].get<uint64_t>(), layer["kept"].get<uint64_t>());
  return layers;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

/// At most `width` characters, the end being what tells nodes apart.
static std::string shorten(const std::string &text, size_t width) {
  return text.size() <= width ? text
                              : ".." + text.substr(text.size() - (width - 2));
}

/// "lstm.W". A program that came from assembly knows no nodes, and maybe not
/// which matrix it is: then what is known of it, or "-".
static std::string nameOf(const Json &matrix) {
  std::string name;
  for (const char *key : {"node", "matrix"})
    if (const Json &part = matrix[key]; part.is_string())
      name += (name.empty() ? "" : ".") + part.get<std::string>();
  return name.empty() ? "-" : name;
}

/// 80 columns at most.
static std::string line(const std::string &name, const std::string &shape,
                        const std::string &kind, const Json &entry,
                        const std::string &index, const std::string &padding) {
  const double mean = entry["balance_mean"].get<double>();
  const double worst = entry["balance_worst"].get<double>();
  const Json &ratio = entry["ratio_to_dense"];
  return fmt::format(
      "{:<14} {:<11} {:<5} {:>8} {:>6} {:>9} {:>7} {:>6} {:>5}\n",
      shorten(name, 14), shape, kind, entry["kept"].get<uint64_t>(),
      ratio.is_null() ? "-" : fmt::format("{:.2f}", ratio.get<double>()),
      entry["stored_bits"].get<uint64_t>(), index, padding,
      mean > 0 ? fmt::format("{:.2f}", worst / mean) : "-");
}

/// The layer whose sums leave the fewest bits, "13 of 32 bits to spare (lstm)";
/// empty if no bound is known.
static std::string spareBits(const Json &matrices) {
  const Json *least = nullptr;
  for (const Json &matrix : matrices)
    if (matrix.contains("acc_spare_bits") &&
        (!least || matrix["acc_spare_bits"] < (*least)["acc_spare_bits"]))
      least = &matrix;
  if (!least)
    return "";
  const Json &node = (*least)["node"];
  return fmt::format("sums        {} of 32 bits to spare{}\n",
                     (*least)["acc_spare_bits"].get<int64_t>(),
                     node.is_string() ? " (" + shorten(node, 40) + ")" : "");
}

static std::string share(const Json &memory) {
  const double used = memory["used"].get<double>();
  const double available = memory["available"].get<double>();
  std::string text =
      fmt::format("{} of {} bytes ({:.1f} %)", memory["used"].get<uint64_t>(),
                  memory["available"].get<uint64_t>(),
                  available > 0 ? 100.0 * used / available : 0.0);
  if (const uint64_t buffers = memory.value("buffers", uint64_t(0)))
    text += fmt::format(": {} resident, two buffers of {}",
                        memory["used"].get<uint64_t>() - buffers, buffers / 2);
  return text;
}

std::string hcgs::formatAccounting(const std::string &report) {
  const Json json = Json::parse(report, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("matrices"))
    return "";
  std::string text = fmt::format(
      "{:<14} {:<11} {:<5} {:>8} {:>6} {:>9} {:>7} {:>6} {:>5}\n", "matrix",
      "shape", "kind", "kept", "ratio", "weights", "index", "pad", "bal.");
  uint64_t kept = 0, total = 0, padding = 0;
  for (const Json &matrix : json["matrices"]) {
    const uint64_t gates = matrix["gates"];
    const std::string kind = matrix["kind"];
    std::string name = nameOf(matrix);
    const auto alike =
        std::count_if(json["matrices"].begin(), json["matrices"].end(),
                      [&](const Json &other) { return nameOf(other) == name; });
    if (alike > 1 && matrix["direction"].is_string())
      name += " " + matrix["direction"].get<std::string>();
    std::string shape = fmt::format("{}x{}", matrix["rows"].get<uint64_t>(),
                                    matrix["cols"].get<uint64_t>());
    if (gates > 1)
      shape = fmt::format("{}x{}", gates, shape);
    text += line(name, shape, kind == "circulant" ? "circ" : kind, matrix,
                 fmt::format("{}", matrix["index_bits"].get<uint64_t>()),
                 fmt::format("{}", matrix["padding_bits"].get<uint64_t>()));
    kept += matrix["kept"].get<uint64_t>();
    total += matrix["total"].get<uint64_t>();
    padding += matrix["padding_bits"].get<uint64_t>();
    // Gates that share their blocks, or have all weights, are alike.
    if (matrix["masks"] != "separate")
      continue;
    size_t number = 0;
    for (const Json &gate : matrix["per_gate"]) {
      const std::string which = gate["gate"].is_string()
                                    ? gate["gate"].get<std::string>()
                                    : std::to_string(number);
      text += line("  gate " + which, "", "", gate,
                   fmt::format("{}", gate["index_bits"].get<uint64_t>()), "");
      ++number;
    }
  }
  const Json &totals = json["totals"], &memories = json["memories"];
  const uint64_t weights = totals["weight_bytes"],
                 index = totals["index_bytes"], dense = totals["fp32_bytes"];
  text += fmt::format(
      "\nweights, index and padding are bits; bal. is the worst row group's "
      "work over\nthe mean's\n\n"
      "kept        {} of {} weights: {:.2f}x\n"
      "memory      {} bytes of weights, {} of index, {} bits padding\n"
      "fp32 dense  {} bytes, biases included: {:.2f}x\n"
      "wmem        {}\n"
      "imem        {}\n",
      kept, total, kept ? double(total) / double(kept) : 0.0, weights, index,
      padding, dense,
      weights + index ? double(dense) / double(weights + index) : 0.0,
      share(memories["wmem"]), share(memories["imem"]));
  return text + spareBits(json["matrices"]) + formatSchedule(json);
}
