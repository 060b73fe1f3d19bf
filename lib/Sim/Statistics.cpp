// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Statistics.h"
#include "LayerNames.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

template <typename T>
static void addInto(std::vector<T> &sum, const std::vector<T> &more) {
  if (sum.size() < more.size())
    sum.resize(more.size(), T{});
  for (size_t i = 0; i < more.size(); ++i)
    sum[i] += more[i];
}

static uint64_t total(const std::vector<uint64_t> &counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t(0));
}

Statistics::Statistics(LoadedProgram::Ptr program)
    : program(std::move(program)) {
  const size_t count = this->program->instructions().size();
  perPc.assign(count, 0);
  cyclesPerPc.assign(count, {});
  saturated.results.assign(count, 0);
  saturated.inputs.assign(count, 0);
  point = *this->program->target().getOperatingPoint("");
}

void Statistics::addCall(size_t row, Entry, int64_t frames,
                         const TimingResult *timing) {
  ++calls;
  frameCount += static_cast<uint64_t>(frames);
  if (!timing)
    return;
  timed = true;
  if (perRow.size() <= row)
    perRow.resize(row + 1, 0);
  perRow[row] += timing->cycles;
  addInto(perPc, timing->executed);
  addInto(cyclesPerPc, timing->instructions);
  for (size_t u = 0; u < kNumUnits; ++u)
    units[u] += timing->units[u];
}

void Statistics::addSaturations(const SaturationCounters &counters) {
  addInto(saturated.results, counters.results);
  addInto(saturated.inputs, counters.inputs);
}

Statistics &Statistics::operator+=(const Statistics &other) {
  if (!program) {
    program = other.program;
    point = other.point;
  }
  timed |= other.timed;
  computed &= other.computed;
  calls += other.calls;
  frameCount += other.frameCount;
  addInto(perRow, other.perRow);
  addInto(perPc, other.perPc);
  addInto(cyclesPerPc, other.cyclesPerPc);
  for (size_t u = 0; u < kNumUnits; ++u)
    units[u] += other.units[u];
  addSaturations(other.saturated);
  return *this;
}

std::optional<uint64_t> Statistics::cycles() const {
  if (!timed)
    return std::nullopt;
  return total(perRow);
}

uint64_t Statistics::macs() const {
  uint64_t sum = 0;
  for (size_t pc = 0; pc < perPc.size(); ++pc)
    if (perPc[pc])
      sum += perPc[pc] * program->macs(pc);
  return sum;
}

std::vector<LayerCycles> Statistics::layers() const {
  std::vector<LayerCycles> result;
  std::unordered_map<std::string, size_t> places;
  for (size_t pc = 0; pc < cyclesPerPc.size(); ++pc) {
    const isa::Unit unit = program->instructions()[pc].unit;
    if (!perPc[pc] || unit == isa::Unit::Control)
      continue;
    const std::string name = program->debug(pc).layer;
    auto [it, isNew] = places.try_emplace(name, result.size());
    if (isNew)
      result.push_back({name, 0, {}});
    LayerCycles &layer = result[it->second];
    layer.macs += perPc[pc] * program->macs(pc);
    layer.units[static_cast<size_t>(unit) - 1] += cyclesPerPc[pc];
  }
  return result;
}

double Statistics::microseconds() const {
  const uint64_t clock = point.hz;
  return clock ? 1e6 * static_cast<double>(cycles().value_or(0)) /
                     static_cast<double>(clock)
               : 0;
}

double Statistics::macUtilization() const {
  const double possible = static_cast<double>(cycles().value_or(0)) *
                          (program ? program->target().mac.lanes : 0);
  return possible > 0 ? static_cast<double>(macs()) / possible : 0;
}

uint64_t Statistics::executed(isa::Opcode opcode) const {
  uint64_t sum = 0;
  for (size_t pc = 0; pc < perPc.size(); ++pc)
    if (program->instructions()[pc].opcode == opcode)
      sum += perPc[pc];
  return sum;
}

Traffic Statistics::traffic() const {
  Traffic sum;
  for (size_t pc = 0; pc < perPc.size(); ++pc) {
    const uint64_t times = perPc[pc];
    if (!times)
      continue;
    const Traffic &one = program->traffic(pc);
    sum.wmemRead += times * one.wmemRead;
    sum.wmemWritten += times * one.wmemWritten;
    sum.imemRead += times * one.imemRead;
    sum.vmemRead += times * one.vmemRead;
    sum.vmemWritten += times * one.vmemWritten;
    sum.amemRead += times * one.amemRead;
    sum.amemWritten += times * one.amemWritten;
    sum.bmemRead += times * one.bmemRead;
    sum.lutRead += times * one.lutRead;
    sum.extRead += times * one.extRead;
    sum.extWritten += times * one.extWritten;
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Without data
//===----------------------------------------------------------------------===//

Result<StreamLayout> sim::layoutRun(const LoadedProgram &program,
                                    int64_t steps) {
  if (!program.hasEntry(Entry::Run))
    return Error{"the program has no entry 'run'"};
  const std::optional<int64_t> fixed = program.fixedTime();
  if (fixed && steps != *fixed)
    return Error{fmt::format("{} time steps found, the model demands {}", steps,
                             *fixed)};
  return program.layoutStreams(steps);
}

Result<Statistics> sim::timeRun(LoadedProgram::Ptr program, int64_t steps) {
  Result<StreamLayout> layout = layoutRun(*program, steps);
  if (!layout)
    return layout.takeError();
  Statistics statistics(program);
  statistics.computed = false;
  statistics.addCall(
      0, Entry::Run, steps * static_cast<int64_t>(program->rows()),
      program->timing(Entry::Run, steps, Registers(), *layout).get());
  return statistics;
}

//===----------------------------------------------------------------------===//
// Energy
//===----------------------------------------------------------------------===//

Result<void> Statistics::setOperatingPoint(std::string_view name) {
  if (!program)
    return Error{"there is no program to run at an operating point"};
  Result<OperatingPoint> found = program->target().getOperatingPoint(name);
  if (!found)
    return found.takeError();
  point = std::move(*found);
  return {};
}

std::optional<EnergyReport> Statistics::energyReport() const {
  if (!program || !timed ||
      (program->target().energies.empty() && !program->target().leakage))
    return std::nullopt;
  return computeEnergy(program->energyCounter(),
                       {perPc, cycles().value_or(0), frameCount, calls}, point);
}

std::optional<double> Statistics::energy() const {
  const std::optional<EnergyReport> report = energyReport();
  return report ? std::optional<double>(report->joules) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json unitJson(const UnitCycles &cycles) {
  json result = json::object();
  for (const CycleUseInfo &info : kCycleUses)
    result[std::string(info.name)] = cycles.*info.count;
  return result;
}

/// The same without what is 0: most instructions have few causes.
static json shortUnitJson(const UnitCycles &cycles) {
  json result = json::object();
  for (const CycleUseInfo &info : kCycleUses)
    if (cycles.*info.count)
      result[std::string(info.name)] = cycles.*info.count;
  return result;
}

static std::string hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

json Statistics::toJson() const {
  json result;
  result["format"] = "hcgs-statistics";
  result["version"] = 2;
  if (!program)
    return result;
  const TargetModel &target = program->target();
  const LayerNames names(*program);
  result["program"] = hex(program->digest());
  result["target"] = target.name;
  result["clock_hz"] = point.hz;
  result["operating_point"] = point.name.empty() ? json() : json(point.name);
  result["mac_lanes"] = target.mac.lanes;
  result["calls"] = calls;
  result["frames"] = frameCount;

  // Without a clock nothing is known but frames and saturations.
  result["cycles"] = timed ? json(*cycles()) : json();
  result["row_cycles"] = perRow;
  result["microseconds"] = timed ? json(microseconds()) : json();
  result["macs"] = timed ? json(macs()) : json();
  result["mac_utilization"] = timed ? json(macUtilization()) : json();
  result["units"] = json::object();
  result["layers"] = json::array();
  result["instruction_cycles"] = json::array();
  result["instructions"] = json::object();
  result["traffic_bits"] = json::object();
  if (timed) {
    for (size_t u = 0; u < kNumUnits; ++u)
      result["units"][std::string(unitName(u))] = unitJson(units[u]);
    for (const LayerCycles &layer : layers()) {
      json cyclesOf = json::object();
      for (size_t u = 0; u < kNumUnits; ++u)
        cyclesOf[std::string(unitName(u))] = unitJson(layer.units[u]);
      result["layers"].push_back({{"layer", layer.layer},
                                  {"name", names.full(layer.layer)},
                                  {"macs", layer.macs},
                                  {"units", std::move(cyclesOf)}});
    }
    for (size_t pc = 0; pc < cyclesPerPc.size(); ++pc) {
      const isa::Unit unit = program->instructions()[pc].unit;
      if (perPc[pc] && unit != isa::Unit::Control)
        result["instruction_cycles"].push_back(
            {{"pc", pc},
             {"unit", unitName(static_cast<size_t>(unit) - 1)},
             {"executed", perPc[pc]},
             {"cycles", shortUnitJson(cyclesPerPc[pc])}});
    }
    for (const isa::InstructionInfo &info : isa::allInstructions())
      result["instructions"][info.mnemonic] = executed(info.opcode);
    const Traffic bits = traffic();
    json &memories = result["traffic_bits"];
    memories["wmem"] = {{"read", bits.wmemRead}, {"write", bits.wmemWritten}};
    memories["imem"] = {{"read", bits.imemRead}};
    memories["vmem"] = {{"read", bits.vmemRead}, {"write", bits.vmemWritten}};
    memories["amem"] = {{"read", bits.amemRead}, {"write", bits.amemWritten}};
    memories["bmem"] = {{"read", bits.bmemRead}};
    memories["lut"] = {{"read", bits.lutRead}};
    memories["ext"] = {{"read", bits.extRead}, {"write", bits.extWritten}};
    memories["pmem"] = {{"read", total(perPc) * 8 * isa::kInstructionBytes}};
  }

  result["saturations"] = computed ? json(total(saturated.results)) : json();
  result["z_saturations"] = computed ? json(total(saturated.inputs)) : json();
  json &list = result["saturated_instructions"] = json::array();
  for (size_t pc = 0; pc < saturated.results.size(); ++pc) {
    if (!saturated.results[pc] && !saturated.inputs[pc])
      continue;
    const DebugInfo info = program->debug(pc);
    list.push_back({{"pc", pc},
                    {"instruction", program->text(pc)},
                    {"node", info.node},
                    {"layer", info.layer},
                    {"layer_name", names.full(info.layer)},
                    {"what", info.what},
                    {"saturations", saturated.results[pc]},
                    {"z_saturations", saturated.inputs[pc]}});
  }

  // What happened is known, whatever it costs.
  json &events = result["events"] = json::object();
  if (timed) {
    EventCounts counts = countEvents(program->energyCounter(),
                                     {perPc, *cycles(), frameCount, calls});
    for (const EventInfo &info : energyEvents())
      events[std::string(info.name)] = counts[static_cast<size_t>(info.event)];
  }
  const std::optional<EnergyReport> report = energyReport();
  result["energy_joules"] = report ? json(report->joules) : json();
  result["energy"] = report ? sim::toJson(*report) : json();
  if (report) {
    for (json &layer : result["energy"]["layers"])
      layer["name"] = names.full(layer["layer"].get<std::string>());
    json &joules = result["energy_by_event"] = json::object();
    for (const EventEnergy &event : report->events)
      if (event.price)
        joules[std::string(getInfo(event.event).name)] = event.joules;
  }
  return result;
}
