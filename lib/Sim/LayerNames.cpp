// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LayerNames.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

namespace {
/// What the metadata say of a layer.
struct Layer {
  std::string name, direction;
  bool operator==(const Layer &) const = default;
};
} // namespace

static std::vector<Layer> layersOf(const LoadedProgram &program) {
  std::vector<Layer> result;
  const json &metadata = program.metadata();
  auto network = metadata.find("network");
  if (network == metadata.end() || !network->is_object())
    return result;
  auto layers = network->find("layers");
  if (layers == network->end() || !layers->is_array())
    return result;
  for (const json &layer : *layers) {
    auto text = [&](const char *key) {
      if (!layer.is_object())
        return std::string();
      auto it = layer.find(key);
      return it != layer.end() && it->is_string() ? it->get<std::string>()
                                                  : std::string();
    };
    result.push_back({text("name"), text("direction")});
  }
  return result;
}

/// Whether `end` is the end of a name, from a '/' on.
static bool endsAtSlash(std::string_view name, std::string_view end) {
  if (!name.ends_with(end))
    return false;
  return name.size() == end.size() || name[name.size() - end.size() - 1] == '/';
}

/// The shortest end of `name`, at a '/', that no other name has.
static std::string_view shortestEnd(std::string_view name,
                                    const std::vector<Layer> &layers) {
  auto isAlone = [&](std::string_view end) {
    return std::none_of(layers.begin(), layers.end(), [&](const Layer &other) {
      return other.name != name && endsAtSlash(other.name, end);
    });
  };
  for (size_t slash = name.rfind('/'); slash != std::string_view::npos;
       slash = slash ? name.rfind('/', slash - 1) : std::string_view::npos) {
    const std::string_view end = name.substr(slash + 1);
    if (!end.empty() && isAlone(end))
      return end;
  }
  return name;
}

/// What tells a layer from the others of its name: nothing if there are none,
/// its direction, or with that its index.
static std::string distinction(const std::vector<Layer> &layers, size_t index) {
  const Layer &layer = layers[index];
  const auto named =
      std::count_if(layers.begin(), layers.end(), [&](const Layer &other) {
        return other.name == layer.name;
      });
  if (named == 1 || layer.name.empty())
    return "";
  std::string text = layer.direction.empty() ? "" : " " + layer.direction;
  if (std::count(layers.begin(), layers.end(), layer) > 1)
    text += " #" + std::to_string(index);
  return text;
}

LayerNames::LayerNames(const LoadedProgram &program) {
  const std::vector<Layer> layers = layersOf(program);
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string more = distinction(layers, i);
    names.push_back(layers[i].name + more);
    ends.push_back(std::string(shortestEnd(layers[i].name, layers)) + more);
  }
}

static const std::string *find(const std::vector<std::string> &list,
                               const std::string &layer) {
  size_t index = 0;
  const char *end = layer.data() + layer.size();
  auto [last, error] = std::from_chars(layer.data(), end, index);
  if (error != std::errc() || last != end || index >= list.size())
    return nullptr;
  return &list[index];
}

std::string LayerNames::full(const std::string &layer) const {
  const std::string *name = find(names, layer);
  return name ? *name : std::string();
}

std::string LayerNames::brief(const std::string &layer) const {
  const std::string *name = find(ends, layer);
  return name ? *name : std::string();
}
