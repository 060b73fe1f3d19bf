// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finding targets and merging them with their bases.

#include "EmbeddedTargets.h"
#include "TargetFile.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Support/Suggest.h"
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

using namespace hcgs;
using nlohmann::json;

std::vector<std::string> hcgs::getShippedTargets() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < kNumEmbeddedTargets; ++i)
    names.push_back(kEmbeddedTargets[i].name);
  std::sort(names.begin(), names.end());
  return names;
}

bool hcgs::isTargetPath(std::string_view nameOrPath) {
  return nameOrPath.find('/') != std::string_view::npos ||
         nameOrPath.ends_with(".json");
}

bool hcgs::isTargetNumber(const json &value) {
  return value.is_object() && value.contains("value");
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

static Result<void> mergeInto(json &base, const json &file,
                              const std::string &pointer) {
  for (const auto &[key, value] : file.items()) {
    const std::string here = pointer + "/" + key;
    if (value.is_null()) {
      if (base.erase(key) > 0)
        continue;
      std::vector<std::string> names;
      for (const auto &[name, ignored] : base.items())
        names.push_back(name);
      return Error{fmt::format("null removes what the base has, and it has no "
                               "'{}' here{}",
                               key, didYouMean(key, names))}
          .at(here);
    }
    auto it = base.find(key);
    const bool parts = it != base.end() && it->is_object() &&
                       value.is_object() && !isTargetNumber(*it);
    if (!parts)
      base[key] = value;
    else if (Result<void> merged = mergeInto(*it, value, here); !merged)
      return merged;
  }
  return {};
}

Result<void> hcgs::mergeTarget(json &base, const json &file) {
  return mergeInto(base, file, "");
}

/// What a target that does not describe itself is.
static std::string describeDifference(const std::string &base,
                                      const json &file) {
  std::vector<std::string> changed;
  for (const auto &[key, value] : file.items())
    if (key != "name" && key != "description" && key != "base")
      changed.push_back(key);
  return changed.empty()
             ? "As " + base
             : fmt::format("As {}, but for {}", base, fmt::join(changed, ", "));
}

//===----------------------------------------------------------------------===//
// Finding
//===----------------------------------------------------------------------===//

namespace {
/// A target on the way from one file to the next.
class Loader {
public:
  /// The whole of a target, not yet checked. `directory` is where paths start.
  Result<json> load(std::string_view nameOrPath,
                    const std::filesystem::path &directory);
  /// How messages call the file that was asked for.
  std::string where;

private:
  Result<json> complete(json file, const std::string &where,
                        const std::filesystem::path &directory);

  /// The files that wait for their bases: what cycles are found by, and how
  /// messages call them.
  std::vector<std::pair<std::string, std::string>> waiting;
};
} // namespace

/// Targets have a few kilobytes; what goes on for ever is not read.
static constexpr uintmax_t kMostBytes = uintmax_t(16) << 20;

/// The text of a target file.
static Result<std::string> readTargetFile(const std::string &path) {
  if (path.find('\0') != std::string::npos)
    return Error{fmt::format(
        "the path {} has a byte 0, which no path can have",
        json(path).dump(-1, ' ', false, json::error_handler_t::replace))};
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  // What is missing or a folder is for the operating system to refuse.
  if (std::filesystem::exists(status) &&
      !std::filesystem::is_directory(status)) {
    if (!std::filesystem::is_regular_file(status))
      return Error{fmt::format("'{}': cannot read: a target must be a regular "
                               "file",
                               path)};
    const uintmax_t bytes = std::filesystem::file_size(path, failed);
    if (!failed && bytes > kMostBytes)
      return Error{fmt::format("'{}': {} bytes found, a target file has at "
                               "most {}",
                               path, bytes, kMostBytes)};
  }
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return std::string(file->bytes());
}

static Error unknownTarget(std::string_view name) {
  const std::vector<std::string> names = getShippedTargets();
  return Error{fmt::format(
      "unknown target '{}', allowed {} or the path of a target file (.json){}",
      name, fmt::join(names, ", "), didYouMean(name, names))};
}

Result<json> Loader::load(std::string_view nameOrPath,
                          const std::filesystem::path &directory) {
  std::string key(nameOrPath), called, text;
  std::filesystem::path folder;
  if (isTargetPath(nameOrPath)) {
    const std::filesystem::path path = directory / nameOrPath;
    folder = path.parent_path();
    called = path.string();
    std::error_code failed;
    key = std::filesystem::weakly_canonical(path, failed).string();
    Result<std::string> read = readTargetFile(called);
    if (!read)
      return read.takeError();
    text = std::move(*read);
  } else {
    const EmbeddedTarget *end = kEmbeddedTargets + kNumEmbeddedTargets;
    const EmbeddedTarget *found =
        std::find_if(kEmbeddedTargets, end, [&](const EmbeddedTarget &target) {
          return nameOrPath == target.name;
        });
    if (found == end)
      return unknownTarget(nameOrPath);
    called = fmt::format("target '{}'", nameOrPath);
    text = found->text;
  }
  if (where.empty())
    where = called;
  auto again =
      std::find_if(waiting.begin(), waiting.end(),
                   [&](const auto &file) { return file.first == key; });
  if (again != waiting.end()) {
    std::string cycle;
    for (; again != waiting.end(); ++again)
      cycle += again->second + " -> ";
    return Error{"a target cannot be its own base: " + cycle + called};
  }
  Result<json> value = parseJson(text, called);
  if (!value)
    return value.takeError();
  waiting.emplace_back(key, called);
  Result<json> whole = complete(std::move(*value), called, folder);
  waiting.pop_back();
  return whole;
}

Result<json> Loader::complete(json file, const std::string &called,
                              const std::filesystem::path &directory) {
  if (!file.is_object() || !file.contains("base"))
    return file;
  auto refuse = [&](const char *pointer, const std::string &message) {
    return Error{message}.at(pointer).at(called);
  };
  const json name = file.at("base");
  if (!name.is_string())
    return refuse("/base", "found " + name.dump() +
                               ", allowed the name of a shipped target or the "
                               "path of a target file");
  const auto base = name.get<std::string>();
  file.erase("base");
  Result<json> whole = load(base, directory);
  if (!whole)
    return refuse("/base", whole.message());
  // Differences to something broken would be blamed for its faults.
  if (Result<void> valid = checkTargetSchema(*whole); !valid)
    return refuse("/base", valid.takeError().at(base).message);
  if (!file.contains("name"))
    return refuse("/name", "missing; a target with a base has its own name");
  if (!file.contains("description"))
    file["description"] =
        describeDifference(whole->at("name").get<std::string>(), file);
  if (Result<void> merged = mergeTarget(*whole, file); !merged)
    return merged.takeError().at(called);
  return whole;
}

/// Refuses a file with the name of a shipped target and other content: results
/// that say "hcgs-65nm" would be those of another machine.
static Result<void> checkName(const TargetModel &model) {
  const std::vector<std::string> names = getShippedTargets();
  if (std::find(names.begin(), names.end(), model.name) == names.end())
    return {};
  Result<TargetModel> shipped = loadTarget(model.name);
  if (!shipped)
    return shipped.takeError();
  if (shipped->json == model.json)
    return {};
  return Error{fmt::format("'{}' is the name of a shipped target, from which "
                           "the file differs; give it a name of its own",
                           model.name)}
      .at("/name");
}

Result<TargetModel> hcgs::loadTarget(std::string_view nameOrPath) {
  Loader loader;
  Result<json> whole = loader.load(nameOrPath, {});
  if (!whole)
    return whole.takeError();
  if (Result<void> valid = checkTargetSchema(*whole); !valid)
    return valid.takeError().at(loader.where);
  Result<TargetModel> model = readTarget(*whole);
  if (!model)
    return model.takeError().at(loader.where);
  if (isTargetPath(nameOrPath))
    if (Result<void> named = checkName(*model); !named)
      return named.takeError().at(loader.where);
  return model;
}
