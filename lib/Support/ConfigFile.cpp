// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Support/ConfigFile.h"
#include "hcgs/Support/MappedFile.h"

#include <utility>

using namespace hcgs;
using nlohmann::json;

std::string hcgs::shownJson(const json &value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

std::string hcgs::configPlace(const std::string &path,
                              const std::string &place) {
  return "configuration '" + path + "'" + (place.empty() ? "" : ": " + place);
}

Result<ConfigFile> hcgs::readConfigFile(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError().at("configuration");
  Result<json> root = parseJson(file->bytes(), configPlace(path, ""));
  if (!root)
    return root.takeError();
  const std::string sections = "'options', 'layers', 'values' and 'about'";
  if (!root->is_object())
    return Error{"found " + shownJson(*root) +
                 "; the file must hold an object with " + sections}
        .at(configPlace(path, ""));
  ConfigFile config;
  const std::pair<const char *, json *> parts[] = {{"options", &config.options},
                                                   {"layers", &config.layers},
                                                   {"values", &config.values}};
  for (auto &[key, value] : root->items()) {
    // Notes of whoever made the file, such as the width search.
    if (key == "about")
      continue;
    json *part = nullptr;
    for (const auto &[name, member] : parts)
      if (key == name)
        part = member;
    if (!part)
      return Error{"there is no section '" + key + "'; allowed are " + sections}
          .at(configPlace(path, ""));
    if (!value.is_object())
      return Error{"found " + shownJson(value) + ", allowed is an object"}.at(
          configPlace(path, key));
    *part = std::move(value);
  }
  return config;
}
