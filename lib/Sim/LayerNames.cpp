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

static std::vector<std::string> namesOf(const LoadedProgram &program) {
  std::vector<std::string> names;
  const json &metadata = program.metadata();
  auto network = metadata.find("network");
  if (network == metadata.end() || !network->is_object())
    return names;
  auto layers = network->find("layers");
  if (layers == network->end() || !layers->is_array())
    return names;
  for (const json &layer : *layers) {
    names.emplace_back();
    if (!layer.is_object())
      continue;
    if (auto name = layer.find("name");
        name != layer.end() && name->is_string())
      names.back() = name->get<std::string>();
  }
  return names;
}

/// Whether `end` is the end of a name, from a '/' on.
static bool endsAtSlash(std::string_view name, std::string_view end) {
  if (!name.ends_with(end))
    return false;
  return name.size() == end.size() || name[name.size() - end.size() - 1] == '/';
}

LayerNames::LayerNames(const LoadedProgram &program)
    : names(namesOf(program)), ends(names) {
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = names[i];
    auto isAlone = [&](std::string_view end) {
      return std::none_of(names.begin(), names.end(), [&](const auto &other) {
        return &other != &names[i] && endsAtSlash(other, end);
      });
    };
    for (size_t slash = name.rfind('/'); slash != std::string_view::npos;
         slash = slash ? name.rfind('/', slash - 1) : std::string_view::npos) {
      const std::string_view end = name.substr(slash + 1);
      if (!end.empty() && isAlone(end)) {
        ends[i] = end;
        break;
      }
    }
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
