// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Target/TargetModel.h"
#include "EmbeddedTargets.h"
#include "Json.h"
#include "hcgs/Support/MappedFile.h"
#include <algorithm>
#include <fmt/format.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

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

//===----------------------------------------------------------------------===//
// Against the schema
//===----------------------------------------------------------------------===//

namespace {
/// targets/schema.json, parsed once.
struct TargetSchema {
  TargetSchema() {
    json text = json::parse(kTargetSchema);
    valijson::SchemaParser parser;
    valijson::adapters::NlohmannJsonAdapter adapter(text);
    parser.populateSchema(adapter, schema);
  }
  valijson::Schema schema;
};
} // namespace

/// "<root>", "[mac]", "[lanes]" -> "/mac/lanes".
static std::string pointerOf(const valijson::ValidationResults::Error &error) {
  std::string pointer;
  for (const std::string &step : error.context)
    if (step.size() > 2 && step.front() == '[')
      pointer += "/" + step.substr(1, step.size() - 2);
  return pointer;
}

static std::string shown(const json &value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

/// The library's sentence as one of ours: lower case, no final stop.
static std::string plainSentence(std::string text) {
  if (!text.empty())
    text[0] = char(std::tolower(text[0]));
  while (!text.empty() && text.back() == '.')
    text.pop_back();
  return text;
}

/// The legal values a schema states for the value at a pointer, as JSON.
static std::string allowedBySchema(const json &schema,
                                   const std::string &pointer) {
  const json *node = &schema;
  size_t start = 1;
  while (start < pointer.size()) {
    size_t end = std::min(pointer.find('/', start), pointer.size());
    std::string step = pointer.substr(start, end - start);
    start = end + 1;
    if (node->contains("properties") && (*node)["properties"].contains(step))
      node = &(*node)["properties"][step];
    else if (node->contains("items"))
      node = &(*node)["items"];
    else
      return "";
  }
  if (node->contains("enum"))
    return "one of " + (*node)["enum"].dump();
  if (node->contains("minimum") && node->contains("maximum"))
    return fmt::format("{} {}..{}", node->value("type", "number"),
                       (*node)["minimum"].dump(), (*node)["maximum"].dump());
  if (node->contains("minimum"))
    return fmt::format("{} from {}", node->value("type", "number"),
                       (*node)["minimum"].dump());
  if (node->contains("pattern"))
    return "text that matches " + node->value("pattern", "");
  if (node->contains("type"))
    return node->value("type", "");
  return "";
}

/// The first error of a list that the schema finds.
static Result<void> checkSchema(const json &value) {
  static const TargetSchema schema;
  valijson::Validator validator;
  valijson::adapters::NlohmannJsonAdapter adapter(value);
  valijson::ValidationResults results;
  if (validator.validate(schema.schema, adapter, &results))
    return {};
  // A failure is repeated for each object around it; the innermost says what
  // is wrong.
  valijson::ValidationResults::Error error, best;
  bool first = true;
  while (results.popError(error)) {
    if (first || error.context.size() > best.context.size())
      best = error;
    first = false;
  }
  std::string pointer = pointerOf(best);
  std::string message = plainSentence(best.description);
  json::json_pointer place(pointer);
  if (value.contains(place) && !value.at(place).is_object()) {
    std::string allowed = allowedBySchema(json::parse(kTargetSchema), pointer);
    message = fmt::format("found {}", shown(value.at(place)));
    message += allowed.empty() ? "; " + plainSentence(best.description)
                               : ", allowed " + allowed;
  }
  return Error{message}.at(pointer.empty() ? "/" : pointer);
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
  if (value.contains("energies"))
    for (const auto &[event, energy] : value.at("energies").items()) {
      std::string origin = energy.at("origin").get<std::string>();
      model.energies[event] = {energy.at("value").get<double>(),
                               origin == "published" ? Origin::Published
                               : origin == "fitted"  ? Origin::Fitted
                                                     : Origin::Assumed,
                               energy.at("source").get<std::string>()};
    }
  return model;
}

/// Rules that tie several values together.
static Result<void> validate(const TargetModel &model) {
  const std::vector<TileShape> &tiles = model.mac.tiles;
  for (size_t i = 0; i < tiles.size(); ++i) {
    std::string where = fmt::format("/mac/tiles/value/{}", i);
    if (uint64_t(tiles[i].rows) * tiles[i].cols != model.mac.lanes)
      return Error{fmt::format("{}x{} takes {} multipliers, /mac/lanes has {}",
                               tiles[i].rows, tiles[i].cols,
                               uint64_t(tiles[i].rows) * tiles[i].cols,
                               model.mac.lanes)}
          .at(where);
    if (std::find(tiles.begin(), tiles.begin() + i, tiles[i]) !=
        tiles.begin() + i)
      return Error{
          fmt::format("shape {}x{} occurs twice", tiles[i].rows, tiles[i].cols)}
          .at(where);
  }
  uint32_t segments = model.memories.lutSegments;
  if ((segments & (segments - 1)) != 0)
    return Error{fmt::format("found {}, allowed a power of two", segments)}.at(
        "/memories/lut/segments/value");
  if (model.activationBitsMin > model.activationBitsMax)
    return Error{fmt::format("found {}, allowed at most /activation_bits/max, "
                             "{}",
                             model.activationBitsMin, model.activationBitsMax)}
        .at("/activation_bits/min/value");
  return {};
}

Result<TargetModel> hcgs::parseTarget(std::string_view text,
                                      std::string_view where) {
  Result<json> value = parseJson(text, where);
  if (!value)
    return value.takeError();
  if (Result<void> valid = checkSchema(*value); !valid)
    return valid.takeError().at(where);
  TargetModel model = readModel(*value);
  if (Result<void> valid = validate(model); !valid)
    return valid.takeError().at(where);
  Result<std::string> canonical = printCanonical(*value, where);
  if (!canonical)
    return canonical.takeError();
  model.json = std::move(*canonical);
  return model;
}

//===----------------------------------------------------------------------===//
// Finding targets
//===----------------------------------------------------------------------===//

std::vector<std::string> hcgs::getShippedTargets() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < kNumEmbeddedTargets; ++i)
    names.push_back(kEmbeddedTargets[i].name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string_view hcgs::getTargetSchema() { return kTargetSchema; }

Result<TargetModel> hcgs::loadTarget(std::string_view nameOrPath) {
  for (unsigned i = 0; i < kNumEmbeddedTargets; ++i)
    if (nameOrPath == kEmbeddedTargets[i].name)
      return parseTarget(kEmbeddedTargets[i].text,
                         fmt::format("target '{}'", nameOrPath));
  bool isPath = nameOrPath.find('/') != std::string_view::npos ||
                nameOrPath.ends_with(".json");
  if (!isPath)
    return Error{fmt::format(
        "unknown target '{}', allowed {} or the path of a target file (.json)",
        nameOrPath, fmt::join(getShippedTargets(), ", "))};
  Result<MappedFile> file = MappedFile::open(std::string(nameOrPath));
  if (!file)
    return file.takeError();
  return parseTarget(file->bytes(), nameOrPath);
}
