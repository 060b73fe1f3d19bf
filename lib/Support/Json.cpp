// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Support/Json.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace hcgs;
using nlohmann::json;

static constexpr int kMaxDepth = 64;

namespace {
/// An object or array that has begun and not ended, and where in it the reader
/// is.
struct Open {
  bool isObject;
  std::set<std::string> keys = {}; // of an object, so far
  std::string key = {};            // the last of them
  size_t elements = 0;             // of an array, so far
};
} // namespace

/// The JSON pointer of what is read in the first `depth` of `opens`. Its first
/// segments are enough to find something that lies deep.
static std::string placeIn(const std::vector<Open> &opens, size_t depth) {
  constexpr size_t kShown = 8;
  json::json_pointer pointer;
  for (size_t i = 0; i < std::min(depth, kShown); ++i)
    if (opens[i].isObject)
      pointer /= opens[i].key;
    else
      pointer /= opens[i].elements - 1;
  return pointer.to_string() + (depth > kShown ? "/..." : "");
}

Result<json> hcgs::parseJson(std::string_view text, std::string_view what) {
  using Event = json::parse_event_t;
  std::string problem, place;
  std::vector<Open> opens; // outermost first
  auto watch = [&](int depth, Event event, json &value) {
    if (!problem.empty()) // the rest is read, and not looked at
      return false;
    const bool ends = event == Event::object_end || event == Event::array_end;
    if (!ends && event != Event::key && !opens.empty())
      ++opens.back().elements;
    if (depth > kMaxDepth) {
      problem = "values nest more than " + std::to_string(kMaxDepth) + " deep";
      place = placeIn(opens, opens.size());
    } else if (event == Event::object_start || event == Event::array_start) {
      opens.push_back({event == Event::object_start});
    } else if (ends) {
      opens.pop_back();
    } else if (event == Event::key) {
      Open &object = opens.back();
      object.key = value.get<std::string>();
      if (!object.keys.insert(object.key).second) {
        problem = "key '" + object.key + "' occurs twice";
        place = placeIn(opens, opens.size() - 1);
      }
    }
    return problem.empty();
  };
  auto refuse = [&] {
    Error error{problem};
    return (place.empty() ? error : error.at(place)).at(what);
  };
  try {
    json value = json::parse(text.begin(), text.end(), watch);
    if (!problem.empty())
      return refuse();
    return value;
  } catch (const json::exception &error) {
    if (!problem.empty())
      return refuse();
    // Drop the library's own prefix, "[json.exception.parse_error.101] ".
    std::string message = error.what();
    if (size_t end = message.find("] "); end != std::string::npos)
      message.erase(0, end + 2);
    return Error{"not JSON: " + message}.at(what);
  }
}
