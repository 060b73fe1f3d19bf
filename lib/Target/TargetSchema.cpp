// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Targets against targets/schema.json, with errors for people: fields that are
// unknown or missing are looked for here, values are left to the library.

#include "EmbeddedTargets.h"
#include "TargetFile.h"
#include "hcgs/Support/Suggest.h"
#include <cctype>
#include <fmt/format.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

using namespace hcgs;
using nlohmann::json;

std::string_view hcgs::getTargetSchema() { return kTargetSchema; }

namespace {
/// targets/schema.json, parsed once.
struct TargetSchema {
  TargetSchema() : text(json::parse(kTargetSchema)) {
    valijson::SchemaParser parser;
    valijson::adapters::NlohmannJsonAdapter adapter(text);
    parser.populateSchema(adapter, schema);
  }
  json text;
  valijson::Schema schema;
};
} // namespace

static const TargetSchema &getSchema() {
  static const TargetSchema schema;
  return schema;
}

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
    text[0] = char(std::tolower(static_cast<unsigned char>(text[0])));
  while (!text.empty() && text.back() == '.')
    text.pop_back();
  return text;
}

/// The part of the schema for the value at a pointer, or null.
static const json *schemaAt(const std::string &pointer) {
  const json *node = &getSchema().text;
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
      return nullptr;
  }
  return node;
}

/// The legal values a schema states, in words.
static std::string allowedBy(const json &node) {
  const std::string type = node.value("type", "");
  if (node.contains("enum"))
    return "one of " + node["enum"].dump();
  if (node.contains("minimum") && node.contains("maximum"))
    return fmt::format("{} {}..{}", type, node["minimum"].dump(),
                       node["maximum"].dump());
  if (node.contains("pattern"))
    return "text that matches " + node.value("pattern", "");
  if (node.contains("minLength"))
    return "text that is not empty";
  if (type == "array") {
    const json items = node.value("items", json::object());
    return fmt::format("a list of {}{}{}",
                       node.contains("minItems") && node.contains("maxItems")
                           ? fmt::format("{}..{} times ",
                                         node["minItems"].dump(),
                                         node["maxItems"].dump())
                           : "",
                       allowedBy(items),
                       node.value("uniqueItems", false) ? ", none twice" : "");
  }
  if (type == "boolean")
    return "true or false";
  if (type == "object") {
    const json properties = node.value("properties", json::object());
    if (properties.contains("value"))
      return "an object with value, origin and source";
    return "an object";
  }
  return type;
}

/// Names nobody knows, and names that must be there and are not: the first
/// one, with the object it belongs to.
static Result<void> checkNames(const json &schema, const json &value,
                               const std::string &pointer) {
  if (value.is_array() && schema.contains("items")) {
    for (size_t i = 0; i < value.size(); ++i)
      if (Result<void> valid = checkNames(schema["items"], value[i],
                                          fmt::format("{}/{}", pointer, i));
          !valid)
        return valid;
    return {};
  }
  if (!value.is_object() || !schema.contains("properties"))
    return {};
  const json &properties = schema["properties"];
  const std::string here = pointer.empty() ? "/" : pointer;
  std::vector<std::string> names;
  for (const auto &[name, ignored] : properties.items())
    names.push_back(name);
  for (const auto &[name, ignored] : value.items())
    if (!properties.contains(name))
      return Error{fmt::format("unknown field '{}', allowed {}{}", name,
                               fmt::join(names, ", "), didYouMean(name, names))}
          .at(here);
  if (schema.contains("required"))
    for (const json &name : schema["required"])
      if (!value.contains(name.get<std::string>()))
        return Error{
            fmt::format("field '{}' is missing{}", name.get<std::string>(),
                        isTargetNumber(schema["properties"])
                            ? "; a number has its value, its origin "
                              "(published, fitted, assumed) and its source"
                            : "")}
            .at(here);
  for (const auto &[name, part] : value.items())
    if (Result<void> valid =
            checkNames(properties[name], part, pointer + "/" + name);
        !valid)
      return valid;
  return {};
}

Result<void> hcgs::checkTargetSchema(const json &value) {
  const TargetSchema &schema = getSchema();
  if (!value.is_object())
    return Error{fmt::format("found {}, allowed an object", shown(value))};
  if (value.contains("base"))
    return Error{"only a target file can have a base; give the whole target, "
                 "as --print-target prints it"}
        .at("/base");
  if (Result<void> named = checkNames(schema.text, value, ""); !named)
    return named;
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
  const std::string pointer = pointerOf(best);
  std::string message = plainSentence(best.description);
  const json::json_pointer place(pointer);
  const json *node = schemaAt(pointer);
  if (node && value.contains(place)) {
    std::string allowed = allowedBy(*node);
    message = fmt::format("found {}", shown(value.at(place)));
    message += allowed.empty() ? "; " + plainSentence(best.description)
                               : ", allowed " + allowed;
  }
  return Error{message}.at(pointer.empty() ? "/" : pointer);
}
