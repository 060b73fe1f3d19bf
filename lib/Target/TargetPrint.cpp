// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Targets as people read them.

#include "TargetFile.h"
#include <algorithm>
#include <fmt/format.h>
#include <tuple>

using namespace hcgs;
using nlohmann::json;
using nlohmann::ordered_json;

/// The keys of an object as the schema orders them.
static std::vector<std::string> orderedKeys(const json &value,
                                            const ordered_json &schema) {
  std::vector<std::string> keys;
  if (schema.contains("properties"))
    for (const auto &[key, ignored] : schema["properties"].items())
      if (value.contains(key))
        keys.push_back(key);
  return keys;
}

static const ordered_json &orderedSchema() {
  static const ordered_json schema = ordered_json::parse(getTargetSchema());
  return schema;
}

/// A value in one line, with spaces after commas and colons.
static std::string inLine(const json &value, const ordered_json &schema) {
  std::string text;
  if (value.is_array()) {
    for (const json &item : value)
      text += (text.empty() ? "" : ", ") + inLine(item, {});
    return "[" + text + "]";
  }
  if (value.is_object()) {
    for (const std::string &key : orderedKeys(value, schema))
      text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", key,
                          inLine(value[key], schema["properties"][key]));
    return "{" + text + "}";
  }
  return value.dump();
}

static std::string print(const json &value, const ordered_json &schema,
                         const std::string &indent) {
  const std::string deeper = indent + "  ";
  const bool listOfObjects =
      value.is_array() && !value.empty() && value[0].is_object();
  if (!(value.is_object() && !isTargetNumber(value)) && !listOfObjects)
    return inLine(value, schema);
  std::string text;
  auto add = [&](const std::string &part) {
    text += (text.empty() ? "\n" : ",\n") + deeper + part;
  };
  if (listOfObjects) {
    for (const json &item : value)
      add(print(item, schema["items"], deeper));
    return "[" + text + "\n" + indent + "]";
  }
  for (const std::string &key : orderedKeys(value, schema))
    add(fmt::format("\"{}\": {}", key,
                    print(value[key], schema["properties"][key], deeper)));
  return "{" + text + "\n" + indent + "}";
}

std::string hcgs::printTarget(const TargetModel &target) {
  return print(json::parse(target.json), orderedSchema(), "") + "\n";
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

static void collect(const json &value, const ordered_json &schema,
                    const std::string &pointer,
                    std::vector<TargetNumber> &numbers) {
  if (isTargetNumber(value)) {
    numbers.push_back({pointer, inLine(value["value"], {}), originOf(value),
                       value["source"].get<std::string>()});
  } else if (value.is_object()) {
    for (const std::string &key : orderedKeys(value, schema))
      collect(value[key], schema["properties"][key], pointer + "/" + key,
              numbers);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      collect(value[i], schema["items"], fmt::format("{}/{}", pointer, i),
              numbers);
  }
}

std::vector<TargetNumber> hcgs::getNumbers(const TargetModel &target) {
  std::vector<TargetNumber> numbers;
  collect(json::parse(target.json), orderedSchema(), "", numbers);
  return numbers;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static std::string showHz(uint64_t hz) {
  constexpr uint64_t kMega = 1000000;
  return hz % kMega == 0 ? fmt::format("{} MHz", hz / kMega)
                         : fmt::format("{:.4g} MHz", double(hz) / kMega);
}

/// 64 MiB, 4 KiB, 288.0 kB.
static std::string showBytes(uint64_t bytes) {
  for (auto [unit, name] :
       {std::pair<uint64_t, const char *>{1 << 20, "MiB"}, {1 << 10, "KiB"}})
    if (bytes >= unit && bytes % unit == 0)
      return fmt::format("{} {}", bytes / unit, name);
  return bytes < 1000 ? fmt::format("{} B", bytes)
                      : fmt::format("{:.1f} kB", double(bytes) / 1000);
}

/// "6", "2..8", "4,8".
static std::string showBits(std::vector<uint32_t> bits) {
  std::sort(bits.begin(), bits.end());
  const bool range = bits.back() - bits.front() + 1 == bits.size();
  if (range && bits.size() > 1)
    return fmt::format("{}..{}", bits.front(), bits.back());
  return fmt::format("{}", fmt::join(bits, ","));
}

Result<std::string> hcgs::printTargetTable() {
  static constexpr char kLine[] = "{:<13} {:>6} {:>8}  {:<20} {:>6} {:>9}\n";
  std::string text = fmt::format(kLine, "target", "lanes", "clock",
                                 "matrix kinds", "w bits", "wmem");
  std::vector<TargetModel> targets;
  for (const std::string &name : getShippedTargets()) {
    Result<TargetModel> target = loadTarget(name);
    if (!target)
      return target.takeError();
    targets.push_back(std::move(*target));
  }
  std::sort(targets.begin(), targets.end(),
            [](const TargetModel &a, const TargetModel &b) {
              return std::tie(a.mac.lanes, a.name) <
                     std::tie(b.mac.lanes, b.name);
            });
  for (const TargetModel &target : targets)
    text += fmt::format(
        kLine, target.name, target.mac.lanes, showHz(target.clockHz),
        fmt::format("{}", fmt::join(target.matrixKinds, " ")),
        showBits(target.weightBits), showBytes(target.memories.wmemBytes));
  return text;
}
