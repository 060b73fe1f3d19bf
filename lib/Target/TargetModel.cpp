// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Target/TargetModel.h"
#include "Json.h"
#include "TargetFile.h"
#include "hcgs/Support/Suggest.h"
#include <algorithm>
#include <fmt/format.h>

using namespace hcgs;
using nlohmann::json;

std::string_view hcgs::getName(Origin origin) {
  switch (origin) {
  case Origin::Published:
    return "published";
  case Origin::Fitted:
    return "fitted";
  case Origin::Assumed:
    return "assumed";
  }
  return "?";
}

Origin hcgs::originOf(const json &number) {
  const auto name = number.at("origin").get<std::string>();
  return name == "published" ? Origin::Published
         : name == "fitted"  ? Origin::Fitted
                             : Origin::Assumed;
}

template <typename T>
static bool contains(const std::vector<T> &list, const auto &value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool TargetModel::hasWeightBits(uint32_t bits) const {
  return contains(weightBits, bits);
}
bool TargetModel::hasWeightEncoding(std::string_view encoding) const {
  return contains(weightEncodings, encoding);
}
bool TargetModel::hasMatrixKind(std::string_view kind) const {
  return contains(matrixKinds, kind);
}

Result<OperatingPoint>
TargetModel::getOperatingPoint(std::string_view wanted) const {
  if (wanted.empty())
    return operatingPoints.empty() ? OperatingPoint{"", clockHz, nominalVolts}
                                   : operatingPoints.front();
  std::vector<std::string> names;
  for (const OperatingPoint &point : operatingPoints) {
    if (point.name == wanted)
      return point;
    names.push_back(point.name);
  }
  if (names.empty())
    return Error{fmt::format("target '{}' has no operating points, and so none "
                             "called '{}'; a target file lists them under "
                             "'operating_points'",
                             name, wanted)};
  return Error{fmt::format("target '{}' has no operating point '{}', allowed "
                           "{}{}",
                           name, wanted, fmt::join(names, ", "),
                           didYouMean(wanted, names))};
}

//===----------------------------------------------------------------------===//
// Into the model, and against itself
//===----------------------------------------------------------------------===//

/// The number at a pointer; the schema promised that it is there and fits.
template <typename T>
static T at(const json &value, const char *pointer) {
  return value.at(json::json_pointer(std::string(pointer) + "/value")).get<T>();
}

static TargetModel::Port readPort(const json &value, const std::string &unit) {
  return {at<uint32_t>(value, ("/" + unit + "/latency").c_str()),
          at<uint32_t>(value, ("/" + unit + "/port_bytes").c_str())};
}

static TargetModel readModel(const json &value) {
  TargetModel model;
  model.name = value.at("name").get<std::string>();
  model.description = value.at("description").get<std::string>();
  model.clockHz = at<uint64_t>(value, "/clock_hz");
  model.mac.lanes = at<uint32_t>(value, "/mac/lanes");
  for (const json &tile : value.at(json::json_pointer("/mac/tiles/value")))
    model.mac.tiles.push_back(
        {tile[0].get<uint32_t>(), tile[1].get<uint32_t>()});
  model.matrixFill = at<uint32_t>(value, "/matrix/fill");
  model.vector.lanes = at<uint32_t>(value, "/vector/lanes");
  model.vector.latency = at<uint32_t>(value, "/vector/latency");
  model.load = readPort(value, "load");
  model.store = readPort(value, "store");
  model.queues.load = at<uint32_t>(value, "/queues/load");
  model.queues.matrix = at<uint32_t>(value, "/queues/matrix");
  model.queues.vector = at<uint32_t>(value, "/queues/vector");
  model.queues.store = at<uint32_t>(value, "/queues/store");
  model.memories.wmemBytes = at<uint64_t>(value, "/memories/wmem/bytes");
  model.memories.imemBytes = at<uint64_t>(value, "/memories/imem/bytes");
  model.memories.vmemElements = at<uint64_t>(value, "/memories/vmem/elements");
  model.memories.amemElements = at<uint64_t>(value, "/memories/amem/elements");
  model.memories.bmemElements = at<uint64_t>(value, "/memories/bmem/elements");
  model.memories.lutTables = at<uint32_t>(value, "/memories/lut/tables");
  model.memories.lutSegments = at<uint32_t>(value, "/memories/lut/segments");
  model.memories.pmemInstructions =
      at<uint64_t>(value, "/memories/pmem/instructions");
  model.weightBits = at<std::vector<uint32_t>>(value, "/weights/bits");
  model.weightEncodings =
      at<std::vector<std::string>>(value, "/weights/encodings");
  model.activationBitsMin = at<uint32_t>(value, "/activation_bits/min");
  model.activationBitsMax = at<uint32_t>(value, "/activation_bits/max");
  model.accumulatorBits = at<uint32_t>(value, "/accumulator_bits");
  model.matrixKinds = at<std::vector<std::string>>(value, "/matrix_kinds");
  if (value.contains("nominal_volts"))
    model.nominalVolts = at<double>(value, "/nominal_volts");
  if (value.contains("operating_points"))
    for (const json &point : value.at("operating_points"))
      model.operatingPoints.push_back({point.at("name").get<std::string>(),
                                       at<uint64_t>(point, "/hz"),
                                       at<double>(point, "/volts")});
  if (value.at("load").contains("weights"))
    model.loadsWeights = at<bool>(value, "/load/weights");
  if (value.contains("energies"))
    for (const auto &[event, energy] : value.at("energies").items())
      model.energies[event] = {energy.at("value").get<double>(),
                               originOf(energy),
                               energy.at("source").get<std::string>()};
  if (value.contains("leakage"))
    model.leakage = {at<double>(value, "/leakage/watts"),
                     at<double>(value, "/leakage/exponent")};
  return model;
}

/// The shapes of the multipliers against their number, and one another.
static Result<void> validateTiles(const TargetModel &model) {
  const std::vector<TileShape> &tiles = model.mac.tiles;
  auto lanesOf = [](const TileShape &tile) {
    return uint64_t(tile.rows) * tile.cols;
  };
  auto fits = [&](const TileShape &tile) {
    return lanesOf(tile) == model.mac.lanes;
  };
  if (std::none_of(tiles.begin(), tiles.end(), fits)) {
    std::vector<std::string> found;
    for (const TileShape &tile : tiles)
      found.push_back(
          fmt::format("{}x{} = {}", tile.rows, tile.cols, lanesOf(tile)));
    return Error{fmt::format("found {}, and no shape of /mac/tiles takes as "
                             "many: {}; rows * columns must be the lanes",
                             model.mac.lanes, fmt::join(found, ", "))}
        .at("/mac/lanes/value");
  }
  for (size_t i = 0; i < tiles.size(); ++i) {
    const TileShape &tile = tiles[i];
    const std::string where = fmt::format("/mac/tiles/value/{}", i);
    if (!fits(tile))
      return Error{fmt::format("{}x{} takes {} multipliers, /mac/lanes has {}",
                               tile.rows, tile.cols, lanesOf(tile),
                               model.mac.lanes)}
          .at(where);
    if (std::find(tiles.begin(), tiles.begin() + i, tile) != tiles.begin() + i)
      return Error{
          fmt::format("shape {}x{} occurs twice", tile.rows, tile.cols)}
          .at(where);
  }
  return {};
}

/// Clocks and voltages.
static Result<void> validatePower(const TargetModel &model) {
  const std::vector<OperatingPoint> &points = model.operatingPoints;
  for (auto [present, field] : {std::pair{!points.empty(), "operating_points"},
                                {!model.energies.empty(), "energies"},
                                {model.leakage.has_value(), "leakage"}})
    if (present && model.nominalVolts == 0)
      return Error{fmt::format("needs /nominal_volts, the voltage that joules "
                               "and watts hold at")}
          .at(fmt::format("/{}", field));
  for (size_t i = 0; i < points.size(); ++i) {
    const std::string where = fmt::format("/operating_points/{}", i);
    for (size_t k = 0; k < i; ++k) {
      if (points[k].name == points[i].name)
        return Error{fmt::format("name '{}' occurs twice", points[i].name)}.at(
            where + "/name");
      if (points[k].hz == points[i].hz && points[k].volts == points[i].volts)
        return Error{fmt::format("'{}' and '{}' are both {} Hz at {} V",
                                 points[k].name, points[i].name, points[i].hz,
                                 points[i].volts)}
            .at(where);
      if ((points[i].hz > points[k].hz && points[i].volts < points[k].volts) ||
          (points[i].hz < points[k].hz && points[i].volts > points[k].volts))
        return Error{fmt::format("found {} V for '{}' at {} Hz, and {} V for "
                                 "'{}' at {} Hz; a faster clock takes no lower "
                                 "voltage",
                                 points[i].volts, points[i].name, points[i].hz,
                                 points[k].volts, points[k].name, points[k].hz)}
            .at(where + "/volts/value");
    }
  }
  if (!points.empty() && points.front().hz != model.clockHz)
    return Error{fmt::format("found {}, allowed /clock_hz, {}: the first point "
                             "is what everything is counted at",
                             points.front().hz, model.clockHz)}
        .at("/operating_points/0/hz/value");
  return {};
}

/// Rules that tie several values together.
static Result<void> validate(const TargetModel &model) {
  if (Result<void> valid = validateTiles(model); !valid)
    return valid;
  uint32_t segments = model.memories.lutSegments;
  if ((segments & (segments - 1)) != 0)
    return Error{fmt::format("found {}, allowed a power of two", segments)}.at(
        "/memories/lut/segments/value");
  if (model.activationBitsMin > model.activationBitsMax)
    return Error{fmt::format("found {}, allowed at most /activation_bits/max, "
                             "{}",
                             model.activationBitsMin, model.activationBitsMax)}
        .at("/activation_bits/min/value");
  return validatePower(model);
}

Result<TargetModel> hcgs::readTarget(const json &value) {
  TargetModel model = readModel(value);
  if (Result<void> valid = validate(model); !valid)
    return valid.takeError();
  Result<std::string> canonical = printCanonical(value, "target");
  if (!canonical)
    return canonical.takeError();
  model.json = std::move(*canonical);
  return model;
}

Result<TargetModel> hcgs::parseTarget(std::string_view text,
                                      std::string_view where) {
  Result<json> value = parseJson(text, where);
  if (!value)
    return value.takeError();
  if (Result<void> valid = checkTargetSchema(*value); !valid)
    return valid.takeError().at(where);
  Result<TargetModel> model = readTarget(*value);
  if (!model)
    return model.takeError().at(where);
  return model;
}
