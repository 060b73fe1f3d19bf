// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules in the report.

#include "ScheduleReport.h"

#include <algorithm>

#include <fmt/format.h>

using namespace hcgs;
using Json = nlohmann::json;

/// What a time loop cannot be quicker than, by cause.
static constexpr const char *kLimits[] = {"macs",  "vector",   "load",
                                          "store", "dispatch", "recurrence"};

/// A number of an object, or 0. Metadata may be anybody's.
static uint64_t number(const Json &object, const char *key) {
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

/// A text of an object, or `otherwise`.
static std::string text(const Json &object, const char *key,
                        const char *otherwise) {
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : otherwise;
}

/// A value that all passes share, or null.
static Json common(const Json &passes, const char *key) {
  Json result;
  for (const Json &pass : passes) {
    const Json value = pass.is_object() ? pass.value(key, Json()) : Json();
    if (!result.is_null() && result != value)
      return Json();
    result = value;
  }
  return result;
}

/// The bounds of all passes, which run one after the other: their sums. What
/// binds is what binds the pass that takes the longest. Null if any pass has
/// none.
static Json sumOfBounds(const Json &passes) {
  Json result = {{"cycles", uint64_t(0)}, {"binding", Json()}};
  uint64_t longest = 0;
  for (const char *limit : kLimits)
    result[limit] = uint64_t(0);
  for (const Json &pass : passes) {
    const Json bound = pass.is_object() ? pass.value("bound", Json()) : Json();
    if (!bound.is_object())
      return Json();
    for (const char *limit : kLimits)
      result[limit] = number(result, limit) + number(bound, limit);
    result["cycles"] = number(result, "cycles") + number(bound, "cycles");
    if (number(bound, "cycles") >= longest) {
      longest = number(bound, "cycles");
      result["binding"] = text(bound, "binding", "?");
    }
  }
  return passes.empty() ? Json() : result;
}

/// Schedulers know of no spilled weights: their loads, which the loop repeats
/// each step, hold the load unit as well. Other parts would be other loads:
/// what comes out bounds the schedules with these.
static void addWeightLoads(Json &pass) {
  if (!pass.is_object() || !pass.contains("bound") ||
      !pass["bound"].is_object())
    return;
  Json &bound = pass["bound"];
  bound["load"] = number(bound, "load") + number(pass, "weight_load_cycles");
  if (number(bound, "load") <= number(bound, "cycles"))
    return;
  bound["cycles"] = number(bound, "load");
  bound["binding"] = "load";
}

Json hcgs::describeSchedule(const Json &meta, double cyclesPerStep) {
  Json passes = meta.value("schedule", Json::array());
  if (!passes.is_array())
    passes = Json::array();
  uint64_t entries = 0, depth = 0;
  for (Json &pass : passes) {
    addWeightLoads(pass);
    entries += number(pass, "entries");
    depth = std::max(depth, number(pass, "depth"));
  }
  Json result = {{"name", common(passes, "name")},
                 {"tile", common(passes, "tile")},
                 {"entries", entries},
                 {"depth", depth},
                 {"cycles_per_step", cyclesPerStep},
                 {"bound", sumOfBounds(passes)},
                 {"utilization", Json()}};
  if (result["bound"].is_object() && cyclesPerStep > 0)
    result["utilization"] =
        double(number(result["bound"], "cycles")) / cyclesPerStep;
  result["passes"] = std::move(passes);
  return result;
}

Json hcgs::describeSpill(const Json &meta, const Json &schedule,
                         uint64_t portBytes) {
  Json result = meta.value("spill", Json());
  if (!result.is_object())
    return Json();
  const double cycles = schedule["cycles_per_step"].get<double>();
  result["load_port_share"] = Json();
  if (cycles > 0 && portBytes > 0)
    result["load_port_share"] =
        double(number(result, "bytes_per_step")) / (double(portBytes) * cycles);
  // What the scheduler counted without loads of weights.
  double without = 0;
  for (const Json &pass : schedule["passes"]) {
    const Json own =
        pass.is_object() ? pass.value("cycles_per_step", Json()) : Json();
    if (!own.is_number()) {
      without = 0;
      break;
    }
    without += own.get<double>();
  }
  result["cycles_per_step_resident"] = without > 0 ? Json(without) : Json();
  result["cycles_per_step_cost"] =
      without > 0 ? Json(cycles - without) : Json();
  return result;
}

std::string hcgs::formatSchedule(const Json &report) {
  const Json schedule = report.value("schedule", Json());
  if (!schedule.is_object() || schedule.value("passes", Json()).empty())
    return "";
  std::string spill;
  if (const Json lost = report.value("spill", Json()); lost.is_object()) {
    spill = fmt::format("spilled     {} bytes of weights, {} a step",
                        number(lost, "bytes"), number(lost, "bytes_per_step"));
    if (lost["load_port_share"].is_number())
      spill += fmt::format(": {:.1f} % of the load port",
                           100.0 * lost["load_port_share"].get<double>());
    if (lost["cycles_per_step_cost"].is_number())
      spill += fmt::format(", {:.1f} cycles",
                           lost["cycles_per_step_cost"].get<double>());
    spill += "\n";
  }
  std::string lines =
      spill + fmt::format("schedule    {}, tiles {}, {} entries, depth {}\n"
                          "cycles      {:.1f} a step",
                          text(schedule, "name", "given"),
                          text(schedule, "tile", "given"),
                          number(schedule, "entries"),
                          number(schedule, "depth"),
                          schedule["cycles_per_step"].get<double>());
  const Json &bound = schedule["bound"];
  if (!bound.is_object() || !schedule["utilization"].is_number())
    return lines + "\n";
  // Other parts would be other loads.
  lines += fmt::format(
      ", at least {}{} ({}): {:.1f} % of the bound\n", number(bound, "cycles"),
      spill.empty() ? "" : " with these parts", text(bound, "binding", "?"),
      100.0 * schedule["utilization"].get<double>());
  std::string limits;
  for (const char *limit : kLimits)
    limits += fmt::format("{}{} {}", limits.empty() ? "" : ", ", limit,
                          number(bound, limit));
  lines += fmt::format("bounds      {}\n", limits);
  const Json busy = schedule.value("busy_per_step", Json());
  if (!busy.is_object())
    return lines;
  std::string used;
  for (const char *limit : kLimits)
    if (busy.contains(limit))
      used += fmt::format("{}{} {:.1f}", used.empty() ? "" : ", ", limit,
                          busy[limit].get<double>());
  return lines + fmt::format("busy        {}\n", used);
}
