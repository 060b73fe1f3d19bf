// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Support/Json.h"

#include <set>
#include <string>
#include <vector>

using namespace hcgs;
using nlohmann::json;

static constexpr int kMaxDepth = 64;

Result<json> hcgs::parseJson(std::string_view text, std::string_view what) {
  std::string problem;
  // Keys of the objects that are open, outermost first.
  std::vector<std::set<std::string>> keys;
  auto watch = [&](int depth, json::parse_event_t event, json &value) {
    if (depth > kMaxDepth && problem.empty())
      problem = "values nest more than " + std::to_string(kMaxDepth) + " deep";
    if (event == json::parse_event_t::object_start)
      keys.emplace_back();
    if (event == json::parse_event_t::object_end && !keys.empty())
      keys.pop_back();
    if (event == json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(value.get<std::string>()).second && problem.empty())
      problem = "key '" + value.get<std::string>() + "' occurs twice";
    return problem.empty();
  };
  try {
    json value = json::parse(text.begin(), text.end(), watch);
    if (!problem.empty())
      return Error{problem}.at(what);
    return value;
  } catch (const json::exception &error) {
    if (!problem.empty())
      return Error{problem}.at(what);
    // Drop the library's own prefix, "[json.exception.parse_error.101] ".
    std::string message = error.what();
    if (size_t end = message.find("] "); end != std::string::npos)
      message.erase(0, end + 2);
    return Error{"not JSON: " + message}.at(what);
  }
}
