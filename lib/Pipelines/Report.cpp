// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The report, from the sections of a program.

#include "hcgs/Pipelines/Report.h"

#include "Accounting.h"
#include "ScheduleReport.h"
#include "hcgs/Schedule/ProgramEstimate.h"
#include "hcgs/Target/Images.h"
#include "hcgs/Target/TargetModel.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <span>

#include <nlohmann/json.hpp>

using namespace hcgs;
using Json = nlohmann::json;

/// Options with numbers as numbers and flags as flags.
static Json describeOptions(const CompileOptions &options) {
  Json result = Json::object();
  for (const OptionInfo &info : compileOptionTable()) {
    const std::string text = info.get(options);
    switch (info.kind) {
    case OptionInfo::Kind::Integer: {
      uint64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      result[info.name] = number;
      break;
    }
    case OptionInfo::Kind::Real: {
      double number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      result[info.name] = number;
      break;
    }
    case OptionInfo::Kind::Flag:
      result[info.name] = text == "true";
      break;
    case OptionInfo::Kind::Text:
      result[info.name] = text.empty() ? Json() : Json(text);
      break;
    case OptionInfo::Kind::Choice:
      result[info.name] = text;
      break;
    }
  }
  return result;
}

/// The formats of all values of the network, and of the cells inside layers.
static Json describeFormats(const Json &network) {
  Json formats = Json::array();
  if (!network.is_object())
    return formats;
  for (const Json &value : network.value("values", Json::array())) {
    Json entry = value;
    entry.erase("codes");
    const int bits = entry.value("bits", 0), frac = entry.value("frac", 0);
    if (bits > 0) {
      entry["min"] = -std::ldexp(1.0, bits - 1 - frac);
      entry["max"] = std::ldexp(std::ldexp(1.0, bits - 1) - 1, -frac);
    }
    formats.push_back(std::move(entry));
  }
  return formats;
}

static Json memory(uint64_t used, uint64_t available, const char *unit) {
  return {{"used", used}, {"available", available}, {"unit", unit}};
}

/// What a time step costs, counted by replaying `run`: in the steady state, and
/// as the only one of its sequence. The steady state is the difference of two
/// lengths: both past the filling of any pipeline, and apart by a multiple of
/// every period up to 6 steps and most up to 24 (240 = 2^4 * 3 * 5), so that no
/// part of a period is counted. Replays skip periods, so long ones are cheap.
static Result<void> describeTiming(const Program &program,
                                   const TargetModel &target,
                                   const OperatingPoint &point, Json &report) {
  constexpr uint64_t kShort = 48, kLong = 48 + 240;
  schedule::ProgramEstimate counts[3];
  const uint64_t lengths[3] = {1, kShort, kLong};
  for (size_t i = 0; i < 3; ++i) {
    Result<schedule::ProgramEstimate> count =
        schedule::estimateProgram(program, "run", lengths[i]);
    if (!count)
      return count.takeError().at("estimate");
    counts[i] = *count;
  }
  const double steps = double(kLong - kShort);
  const double cycles = double(counts[2].cycles - counts[1].cycles) / steps;
  const double macs = double(counts[2].macs - counts[1].macs) / steps;
  const double lanes = target.mac.lanes;
  report["estimate"] = {
      {"cycles_per_step", cycles},
      {"cycles_of_one_step", counts[0].cycles},
      {"macs_per_step", macs},
      {"mac_utilization", cycles > 0 ? macs / (lanes * cycles) : 0.0},
      {"mac_utilization_of_one_step",
       double(counts[0].macs) / (lanes * double(counts[0].cycles))},
      {"microseconds_per_step", 1e6 * cycles / double(point.hz)}};
  const Json meta = Json::parse(program.meta, nullptr, false);
  report["estimate"]["rows"] = meta.value("rows", 1);
  report["schedule"] = describeSchedule(meta, cycles);
  if (Json spill =
          describeSpill(meta, report["schedule"], target.load.portBytes);
      !spill.is_null())
    report["spill"] = std::move(spill);
  report["schedule"]["cycles_of_one_step"] = counts[0].cycles;
  report["schedule"]["instructions"] = program.numInstructions();
  const double dispatched =
      double(counts[2].instructions - counts[1].instructions) / steps;
  report["schedule"]["instructions_per_step"] = dispatched;
  // What the program keeps busy, by the names of the bounds: where this comes
  // near the cycles a step, it is what leaves no room.
  Json &busy = report["schedule"]["busy_per_step"];
  busy = {{"dispatch", dispatched}};
  constexpr const char *kUnits[] = {"load", "macs", "vector", "store"};
  for (size_t unit = 0; unit < 4; ++unit)
    busy[kUnits[unit]] =
        double(counts[2].busy[unit] - counts[1].busy[unit]) / steps;
  return {};
}

/// "forward" or "reverse" of a matrix of an LSTM layer; null of others.
static Json directionOf(const Json &meta, const Json &matrix) {
  const Json layers =
      meta.value(Json::json_pointer("/network/layers"), Json::array());
  const Json layer = matrix.value("layer", Json());
  if (!layer.is_number_unsigned() || layer.get<size_t>() >= layers.size())
    return Json();
  return layers[layer.get<size_t>()].value("direction", Json());
}

/// Everything that a program says about itself.
static Result<void> describeProgram(const Program &program,
                                    const std::string &operatingPoint,
                                    Json &report) {
  Result<std::vector<MatrixDescriptor>> descriptors =
      readDescriptors(program.descriptors);
  if (!descriptors)
    return descriptors.takeError();
  Result<std::vector<numerics::PwlTable>> tables = readTables(program.tables);
  if (!tables)
    return tables.takeError();
  Result<TargetModel> target = parseTarget(program.target, "target");
  if (!target)
    return target.takeError();
  Result<OperatingPoint> point = target->getOperatingPoint(operatingPoint);
  if (!point)
    return point.takeError().at("option 'operating-point'");
  const Json meta = Json::parse(program.meta, nullptr, false);
  if (!meta.is_object())
    return Error{"the program's metadata is no JSON object"};
  const Json matrixMeta = meta.value("matrices", Json::array());
  const Json tableMeta = meta.value("tables", Json::array());

  uint64_t kept = 0, fp32Bytes = 0, weightBytes = 0;
  Json matrices = Json::array();
  for (size_t i = 0; i < descriptors->size(); ++i) {
    // Views and parts share the weights of a matrix that is counted.
    if ((*descriptors)[i].isView() ||
        (!matrixMeta.empty() && i >= matrixMeta.size()))
      continue;
    const Json entry = i < matrixMeta.size() && matrixMeta[i].is_object()
                           ? matrixMeta[i]
                           : Json::object();
    Result<Json> matrix =
        describeMatrix((*descriptors)[i], entry, program.index, *target);
    if (!matrix)
      return matrix.takeError();
    (*matrix)["direction"] = directionOf(meta, entry);
    kept += (*matrix)["kept"].get<uint64_t>();
    // Of all parts, whether wmem has room for them or not.
    weightBytes += (*matrix)["weight_bytes"].get<uint64_t>();
    fp32Bytes += 4 * (*matrix)["total"].get<uint64_t>() +
                 (*matrix)["bias_bytes"].get<uint64_t>();
    matrices.push_back(std::move(*matrix));
  }
  report["layers"] = describeLayers(matrices);
  report["matrices"] = std::move(matrices);

  report["totals"] = {
      {"weight_bytes", weightBytes},
      {"resident_bytes", program.weights.size()},
      {"index_bytes", program.index.size()},
      {"bias_bytes", program.bias.size()},
      {"table_bytes", program.tables.size()},
      {"program_bytes", program.text.size()},
      {"kept_weights", kept},
      {"fp32_bytes", fp32Bytes},
      {"ratio", weightBytes > 0 ? Json(double(fp32Bytes) / double(weightBytes))
                                : Json()}};

  Json list = Json::array();
  for (size_t i = 0; i < tables->size(); ++i) {
    const numerics::PwlTable &table = (*tables)[i];
    Json entry = i < tableMeta.size() && tableMeta[i].is_object()
                     ? tableMeta[i]
                     : Json::object();
    entry["kind"] = numerics::pwlKindName(table.kind);
    entry["entries"] = table.entries.size();
    entry["regions"] = table.directory.size();
    entry["bytes"] = table.bytes();
    // What the functions were given by is long, and in the program.
    if (entry.contains("samples"))
      entry["samples"] = entry["samples"].size() / 2;
    list.push_back(std::move(entry));
  }
  report["tables"] = std::move(list);
  report["formats"] = describeFormats(meta.value("network", Json()));
  // Of spilled weights.
  uint64_t bufferBytes = 0;
  if (const Json spill = meta.value("spill", Json()); spill.is_object())
    if (const Json bytes = spill.value("buffer_bytes", Json());
        bytes.is_number_unsigned())
      bufferBytes = bytes;
  report["memories"] = {
      {"wmem", memory(program.weights.size() + bufferBytes,
                      target->memories.wmemBytes, "bytes")},
      {"imem",
       memory(program.index.size(), target->memories.imemBytes, "bytes")},
      {"vmem", memory(meta.value("vmem", uint64_t(0)),
                      target->memories.vmemElements, "elements")},
      {"amem", memory(meta.value("amem", uint64_t(0)),
                      target->memories.amemElements, "elements")},
      {"bmem", memory(program.bias.size() / 4, target->memories.bmemElements,
                      "elements")},
      {"lut", memory(tables->size(), target->memories.lutTables, "tables")},
      {"pmem", memory(program.numInstructions(),
                      target->memories.pmemInstructions, "instructions")}};
  if (bufferBytes)
    report["memories"]["wmem"]["buffers"] = bufferBytes;
  report["target"] = {
      {"name", target->name},
      {"sha256", sha256Hex(target->json)},
      {"clock_hz", point->hz},
      {"operating_point", point->name.empty() ? Json() : Json(point->name)}};
  report["model"] = meta.value("model", Json());
  if (Result<void> timed = describeTiming(program, *target, *point, report);
      !timed)
    return timed;
  report["step"] = {{"supported", !meta.contains("no_step")},
                    {"reason", meta.value("no_step", Json())}};
  return {};
}

Result<std::string> hcgs::makeReport(const CompileOptions &options,
                                     const ReportContext &context,
                                     const Program *program) {
  Json report = {
      {"format", "hcgs-report"},
      {"version", 1},
      {"producer", {{"name", "hcgs"}, {"version", HCGS_VERSION}}},
      {"options", describeOptions(options)},
      {"phases", {{"start", context.startPhase}, {"end", context.endPhase}}},
      {"remarks", context.remarks}};
  if (!context.ranges.empty())
    report["ranges"] = Json::parse(context.ranges);
  if (program)
    if (Result<void> described =
            describeProgram(*program, options.operatingPoint, report);
        !described)
      return described.takeError();
  return report.dump(2) + "\n";
}
