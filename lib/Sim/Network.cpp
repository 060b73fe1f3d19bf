// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Network.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

/// Streams and axes are small numbers; what is larger is no honest file.
static constexpr int64_t kMaxElements = int64_t(1) << 20;
static constexpr int64_t kMaxAxis = int64_t(1) << 40;

static constexpr std::array<std::string_view, 6> kAxisNames = {
    "time", "batch", "feature", "layer", "direction", "one"};

std::string_view sim::getName(AxisKind axis) {
  return kAxisNames[static_cast<size_t>(axis)];
}

std::optional<size_t> TensorInfo::find(AxisKind kind) const {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i].kind == kind)
      return i;
  return std::nullopt;
}

std::string TensorInfo::describe() const {
  std::string text = "[";
  for (const Axis &axis : dims) {
    if (text.size() > 1)
      text += ", ";
    if (axis.kind == AxisKind::One) {
      text += "1";
      continue;
    }
    text += sim::getName(axis.kind);
    if (axis.size)
      text += fmt::format(" {}", *axis.size);
  }
  return text + "]";
}

namespace {
/// A place in the metadata and the path to it, for errors.
class Node {
public:
  Node(const json &value, std::string path)
      : value(&value), path(std::move(path)) {}

  Error wrong(std::string_view allowed) const {
    std::string found =
        value->dump(-1, ' ', false, json::error_handler_t::replace);
    if (found.size() > 40)
      found = found.substr(0, 40) + "...";
    return Error{fmt::format("metadata: '{}' is {}, allowed is {}", path, found,
                             allowed)};
  }
  Result<Node> at(const char *key) const {
    if (!value->is_object())
      return wrong("an object");
    auto it = value->find(key);
    if (it == value->end())
      return Error{fmt::format("metadata: '{}' has no '{}'", path, key)};
    return Node(*it, path + "." + key);
  }
  Result<std::vector<Node>> list(size_t most) const {
    if (!value->is_array() || value->size() > most)
      return wrong(fmt::format("a list of at most {}", most));
    std::vector<Node> nodes;
    for (size_t i = 0; i < value->size(); ++i)
      nodes.emplace_back((*value)[i], fmt::format("{}[{}]", path, i));
    return nodes;
  }
  Result<int64_t> integer(int64_t min, int64_t max) const {
    if (value->is_number_integer()) {
      const bool fits = !value->is_number_unsigned() ||
                        value->get<uint64_t>() <= uint64_t(INT64_MAX);
      if (fits && value->get<int64_t>() >= min && value->get<int64_t>() <= max)
        return value->get<int64_t>();
    }
    return wrong(fmt::format("an integer {}..{}", min, max));
  }
  Result<std::string> string() const {
    if (!value->is_string())
      return wrong("a string");
    return value->get<std::string>();
  }
  bool isNull() const { return value->is_null(); }

private:
  const json *value;
  std::string path;
};
} // namespace

/// Which of `names` the node's string is.
template <size_t count>
static Result<size_t> choice(const Node &node,
                             const std::array<std::string_view, count> &names) {
  Result<std::string> text = node.string();
  if (!text)
    return text.takeError();
  for (size_t i = 0; i < count; ++i)
    if (*text == names[i])
      return i;
  std::string allowed;
  for (std::string_view name : names)
    allowed += fmt::format("{}'{}'", allowed.empty() ? "" : ", ", name);
  return node.wrong(allowed);
}

/// Reads field `key` of `node` as an integer.
static Result<int64_t> integerField(const Node &node, const char *key,
                                    int64_t min, int64_t max) {
  Result<Node> field = node.at(key);
  if (!field)
    return field.takeError();
  return field->integer(min, max);
}

/// The same, where null stands for nothing.
static Result<std::optional<int64_t>>
optionalField(const Node &node, const char *key, int64_t min, int64_t max) {
  Result<Node> field = node.at(key);
  if (!field)
    return field.takeError();
  if (field->isNull())
    return std::optional<int64_t>();
  Result<int64_t> value = field->integer(min, max);
  if (!value)
    return value.takeError();
  return std::optional<int64_t>(*value);
}

static Result<StreamInfo> parseStream(const Node &node) {
  static constexpr std::array<std::string_view, 3> kinds = {"step", "sequence",
                                                            "weights"};
  static constexpr std::array<std::string_view, 3> directions = {"in", "out",
                                                                 "scratch"};
  StreamInfo stream;
  Result<Node> name = node.at("name"), kind = node.at("kind"),
               direction = node.at("direction");
  for (Result<Node> *field : {&name, &kind, &direction})
    if (!*field)
      return field->takeError();
  Result<std::string> text = name->string();
  if (!text)
    return text.takeError();
  stream.name = std::move(*text);
  Result<size_t> which = choice(*kind, kinds);
  if (!which)
    return which.takeError();
  stream.step = *which == 0;
  stream.weights = *which == 2;
  which = choice(*direction, directions);
  if (!which)
    return which.takeError();
  stream.direction = static_cast<StreamInfo::Direction>(*which);
  // Spilled weights are limited by what a program can address.
  Result<int64_t> elements = integerField(
      node, "elements", 1, stream.weights ? int64_t(1) << 30 : kMaxElements);
  if (!elements)
    return elements.takeError();
  stream.elements = static_cast<uint32_t>(*elements);
  return stream;
}

namespace {
/// L-VAL-2.
struct Value {
  uint32_t width = 0;
  bool sequence = false;
  numerics::FxFormat format;
};
} // namespace

static Result<Value> parseValue(const Node &node) {
  static constexpr std::array<std::string_view, 2> kinds = {"sequence",
                                                            "vector"};
  Value value;
  Result<int64_t> width = integerField(node, "width", 1, kMaxElements),
                  bits = integerField(node, "bits", 2, 16),
                  frac = integerField(node, "frac", -1000, 1000);
  for (Result<int64_t> *number : {&width, &bits, &frac})
    if (!*number)
      return number->takeError();
  value.width = static_cast<uint32_t>(*width);
  value.format = {static_cast<int>(*bits), static_cast<int>(*frac)};
  Result<Node> kind = node.at("kind");
  if (!kind)
    return kind.takeError();
  Result<size_t> which = choice(*kind, kinds);
  if (!which)
    return which.takeError();
  value.sequence = *which == 0;
  return value;
}

static Result<TensorInfo> parseTensor(const Node &node,
                                      const std::vector<Value> &values,
                                      const NetworkInfo &network,
                                      StreamInfo::Direction direction) {
  TensorInfo tensor;
  Result<Node> name = node.at("name"), dims = node.at("dims"),
               parts = node.at("parts");
  for (Result<Node> *field : {&name, &dims, &parts})
    if (!*field)
      return field->takeError();
  Result<std::string> text = name->string();
  if (!text)
    return text.takeError();
  tensor.name = std::move(*text);

  Result<std::vector<Node>> axes = dims->list(8);
  if (!axes)
    return axes.takeError();
  for (const Node &axisNode : *axes) {
    Result<Node> kind = axisNode.at("axis");
    if (!kind)
      return kind.takeError();
    Result<size_t> which = choice(*kind, kAxisNames);
    if (!which)
      return which.takeError();
    Axis axis;
    axis.kind = static_cast<AxisKind>(*which);
    Result<std::optional<int64_t>> size =
        optionalField(axisNode, "size", 1, kMaxAxis);
    if (!size)
      return size.takeError();
    axis.size = *size;
    if (axis.kind == AxisKind::One) {
      if (axis.size.value_or(1) != 1)
        return axisNode.wrong("an axis 'one' of size 1");
      axis.size = 1;
    } else if (tensor.find(axis.kind)) {
      return axisNode.wrong("each kind of axis once");
    }
    tensor.dims.push_back(axis);
  }

  // A layer or direction axis chooses the part.
  std::optional<size_t> selector = tensor.find(AxisKind::Layer);
  if (std::optional<size_t> other = tensor.find(AxisKind::Direction)) {
    if (selector && tensor.dims[*selector].size.value_or(0) != 1 &&
        tensor.dims[*other].size.value_or(0) != 1)
      return dims->wrong("one axis of 'layer' and 'direction'");
    if (!selector || tensor.dims[*selector].size.value_or(0) == 1)
      selector = other;
  }
  Result<std::vector<Node>> partNodes = parts->list(64);
  if (!partNodes)
    return partNodes.takeError();
  // A slice of an input may be read in several formats, or not at all (L-IO-2).
  const bool input = direction == StreamInfo::Direction::In;
  if (partNodes->empty() && !input)
    return parts->wrong("a list of at least one part");
  const int64_t slices = selector ? tensor.dims[*selector].size.value_or(0) : 1;
  std::vector<bool> seen(
      static_cast<size_t>(std::clamp<int64_t>(slices, 0, 64)));
  for (const Node &partNode : *partNodes) {
    Result<int64_t> value = integerField(
        partNode, "value", 0, static_cast<int64_t>(values.size()) - 1);
    Result<int64_t> stream =
        integerField(partNode, "stream", 0,
                     static_cast<int64_t>(network.streams.size()) - 1);
    if (!value)
      return value.takeError();
    if (!stream)
      return stream.takeError();
    Result<std::optional<int64_t>> index =
        optionalField(partNode, "index", 0, 63);
    if (!index)
      return index.takeError();
    TensorPart part;
    part.stream = static_cast<uint32_t>(*stream);
    part.index = *index;
    part.width = values[*value].width;
    part.sequence = values[*value].sequence;
    part.format = values[*value].format;
    const StreamInfo &carrier = network.streams[part.stream];
    if (carrier.elements != part.width || carrier.step != part.sequence ||
        carrier.direction != direction || carrier.row != 0 || carrier.weights)
      return partNode.wrong(
          fmt::format("a stream of the value's width ({}), kind and direction",
                      part.width));
    if (network.rows > 1 && network.copies[1][part.stream] == part.stream)
      return partNode.wrong("a stream with a copy for each row");
    const size_t slice = static_cast<size_t>(part.index.value_or(0));
    if (slice >= seen.size() || (seen[slice] && !input))
      return partNode.wrong(input ? "an index of the tensor"
                                  : "one part for each index of the tensor");
    seen[slice] = true;
    std::optional<size_t> feature = tensor.find(AxisKind::Feature);
    const int64_t features =
        feature ? tensor.dims[*feature].size.value_or(-1) : 1;
    if (features != part.width)
      return partNode.wrong(fmt::format(
          "a value as wide as the tensor's feature axis ({})", features));
    if (tensor.find(AxisKind::Time).has_value() != part.sequence)
      return partNode.wrong("a sequence exactly if the tensor has a time axis");
    tensor.parts.push_back(part);
  }
  if (!input && (std::find(seen.begin(), seen.end(), false) != seen.end() ||
                 static_cast<int64_t>(seen.size()) != slices))
    return parts->wrong("one part for each index of the tensor");
  return tensor;
}

/// PF-6 `rows`: which stream of each row is the copy of which of row 0.
static Result<void> parseRows(const Node &root, const json &metadata,
                              NetworkInfo &network) {
  const auto count = static_cast<uint32_t>(network.streams.size());
  network.copies.assign(1, {});
  for (uint32_t i = 0; i < count; ++i)
    network.copies[0].push_back(i);
  if (!metadata.contains("rows"))
    return {};
  Result<int64_t> rows = integerField(root, "rows", 1, 64);
  if (!rows)
    return rows.takeError();
  network.rows = static_cast<uint32_t>(*rows);
  constexpr uint32_t kNoStream = ~0u;
  network.copies.resize(network.rows, std::vector<uint32_t>(count, kNoStream));
  Result<Node> list = root.at("streams");
  if (!list)
    return list.takeError();
  Result<std::vector<Node>> nodes = list->list(64);
  if (!nodes)
    return nodes.takeError();
  for (uint32_t i = 0; i < count; ++i) {
    const Node &node = (*nodes)[i];
    if (!metadata["streams"][i].contains("row"))
      continue;
    Result<int64_t> row = integerField(node, "row", 1, *rows - 1),
                    of = integerField(node, "of", 0, int64_t(count) - 1);
    for (Result<int64_t> *field : {&row, &of})
      if (!*field)
        return field->takeError();
    StreamInfo &stream = network.streams[i];
    stream.row = static_cast<uint32_t>(*row);
    const StreamInfo &first = network.streams[*of];
    uint32_t &place = network.copies[*row][*of];
    if (metadata["streams"][*of].contains("row") || place != kNoStream ||
        first.step != stream.step || first.direction != stream.direction ||
        first.elements != stream.elements)
      return node.wrong("one copy, for each row, of a stream of row 0");
    place = i;
  }
  // A stream without copies is shared by all rows.
  for (uint32_t i = 0; i < count; ++i) {
    const bool copied = network.copies.back()[i] != kNoStream;
    for (size_t row = 1; row < network.copies.size(); ++row) {
      uint32_t &place = network.copies[row][i];
      if ((place != kNoStream) != copied)
        return (*nodes)[i].wrong(
            fmt::format("a stream with a copy for each of {} rows", *rows));
      if (!copied)
        place = i;
    }
  }
  return {};
}

/// One tensor for each stream of a program that describes no network.
static TensorInfo tensorOfStream(uint32_t number, const StreamInfo &stream) {
  TensorInfo tensor;
  tensor.name = stream.name;
  if (stream.step)
    tensor.dims.push_back({AxisKind::Time, std::nullopt});
  tensor.dims.push_back({AxisKind::Feature, stream.elements});
  TensorPart part;
  part.stream = number;
  part.width = stream.elements;
  part.sequence = stream.step;
  part.format = {16, 0};
  tensor.parts.push_back(part);
  return tensor;
}

Result<NetworkInfo> sim::parseNetwork(const json &metadata) {
  NetworkInfo network;
  if (!metadata.is_object())
    return Error{"metadata: not a JSON object"};
  const Node root(metadata, "metadata");
  if (metadata.contains("streams")) {
    Result<std::vector<Node>> streams = root.at("streams")->list(64);
    if (!streams)
      return streams.takeError();
    for (const Node &node : *streams) {
      Result<StreamInfo> stream = parseStream(node);
      if (!stream)
        return stream.takeError();
      network.streams.push_back(std::move(*stream));
    }
  }
  if (Result<void> rows = parseRows(root, metadata, network); !rows)
    return rows.takeError();
  if (metadata.contains("time")) {
    Result<std::optional<int64_t>> time =
        optionalField(root, "time", 1, kMaxAxis);
    if (!time)
      return time.takeError();
    network.time = *time;
  }
  if (auto it = metadata.find("no_step");
      it != metadata.end() && it->is_string())
    network.noStep = it->get<std::string>();
  if (auto entries = metadata.find("entries");
      entries != metadata.end() && entries->is_object())
    if (auto it = entries->find("no_step");
        it != entries->end() && it->is_string())
      network.noStep = it->get<std::string>();

  auto description = metadata.find("network");
  if (description == metadata.end() || description->is_null()) {
    for (uint32_t i = 0; i < network.streams.size(); ++i) {
      const StreamInfo &stream = network.streams[i];
      if (stream.row != 0 || stream.weights)
        continue;
      if (stream.direction == StreamInfo::Direction::In)
        network.inputs.push_back(tensorOfStream(i, stream));
      else if (stream.direction == StreamInfo::Direction::Out)
        network.outputs.push_back(tensorOfStream(i, stream));
    }
    return network;
  }

  const Node node(*description, "network");
  Result<Node> valueList = node.at("values"), inputList = node.at("inputs"),
               outputList = node.at("outputs");
  for (Result<Node> *field : {&valueList, &inputList, &outputList})
    if (!*field)
      return field->takeError();
  Result<std::vector<Node>> valueNodes = valueList->list(1u << 16),
                            inputNodes = inputList->list(64),
                            outputNodes = outputList->list(64);
  for (Result<std::vector<Node>> *nodes :
       {&valueNodes, &inputNodes, &outputNodes})
    if (!*nodes)
      return nodes->takeError();
  std::vector<Value> values;
  for (const Node &valueNode : *valueNodes) {
    Result<Value> value = parseValue(valueNode);
    if (!value)
      return value.takeError();
    values.push_back(*value);
  }
  for (const Node &tensorNode : *inputNodes) {
    Result<TensorInfo> tensor =
        parseTensor(tensorNode, values, network, StreamInfo::Direction::In);
    if (!tensor)
      return tensor.takeError();
    network.inputs.push_back(std::move(*tensor));
  }
  for (const Node &tensorNode : *outputNodes) {
    Result<TensorInfo> tensor =
        parseTensor(tensorNode, values, network, StreamInfo::Direction::Out);
    if (!tensor)
      return tensor.takeError();
    network.outputs.push_back(std::move(*tensor));
  }
  return network;
}
