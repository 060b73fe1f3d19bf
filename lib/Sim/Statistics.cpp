// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Statistics.h"

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
  if (!program)
    program = other.program;
  timed |= other.timed;
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
  const uint64_t clock = program ? program->target().clockHz : 0;
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
// Energy
//===----------------------------------------------------------------------===//

namespace {
/// What the events of a target's `energies` are counted by.
struct EventCounter {
  std::string_view name;
  uint64_t (*count)(const Statistics &, const Traffic &);
};

uint64_t totalExecuted(const Statistics &s) { return total(s.executed()); }
} // namespace

static constexpr EventCounter kEvents[] = {
    {"mac", [](const Statistics &s, const Traffic &) { return s.macs(); }},
    {"wmem_read_bit",
     [](const Statistics &, const Traffic &t) { return t.wmemRead; }},
    {"imem_read_bit",
     [](const Statistics &, const Traffic &t) { return t.imemRead; }},
    {"vmem_read_bit",
     [](const Statistics &, const Traffic &t) { return t.vmemRead; }},
    {"vmem_write_bit",
     [](const Statistics &, const Traffic &t) { return t.vmemWritten; }},
    {"amem_read_bit",
     [](const Statistics &, const Traffic &t) { return t.amemRead; }},
    {"amem_write_bit",
     [](const Statistics &, const Traffic &t) { return t.amemWritten; }},
    {"bmem_read_bit",
     [](const Statistics &, const Traffic &t) { return t.bmemRead; }},
    {"lut_read_bit",
     [](const Statistics &, const Traffic &t) { return t.lutRead; }},
    {"ext_read_bit",
     [](const Statistics &, const Traffic &t) { return t.extRead; }},
    {"ext_write_bit",
     [](const Statistics &, const Traffic &t) { return t.extWritten; }},
    {"dispatch",
     [](const Statistics &s, const Traffic &) { return totalExecuted(s); }},
    {"cycle", [](const Statistics &s,
                 const Traffic &) { return s.cycles().value_or(0); }},
};

std::vector<std::string_view> sim::energyEvents() {
  std::vector<std::string_view> names;
  for (const EventCounter &event : kEvents)
    names.push_back(event.name);
  return names;
}

double Statistics::energyOf(std::string_view event) const {
  const auto &energies = program->target().energies;
  auto it = energies.find(std::string(event));
  if (it == energies.end())
    return 0;
  const Traffic bits = traffic();
  for (const EventCounter &counter : kEvents)
    if (counter.name == event)
      return it->second.joules *
             static_cast<double>(counter.count(*this, bits));
  return 0;
}

std::optional<double> Statistics::energy() const {
  if (!program || !timed || program->target().energies.empty())
    return std::nullopt;
  double sum = 0;
  for (const EventCounter &event : kEvents)
    sum += energyOf(event.name);
  return sum;
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
  result["program"] = hex(program->digest());
  result["target"] = target.name;
  result["clock_hz"] = target.clockHz;
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
    memories["wmem"] = {{"read", bits.wmemRead}};
    memories["imem"] = {{"read", bits.imemRead}};
    memories["vmem"] = {{"read", bits.vmemRead}, {"write", bits.vmemWritten}};
    memories["amem"] = {{"read", bits.amemRead}, {"write", bits.amemWritten}};
    memories["bmem"] = {{"read", bits.bmemRead}};
    memories["lut"] = {{"read", bits.lutRead}};
    memories["ext"] = {{"read", bits.extRead}, {"write", bits.extWritten}};
    memories["pmem"] = {{"read", total(perPc) * 8 * isa::kInstructionBytes}};
  }

  result["saturations"] = total(saturated.results);
  result["z_saturations"] = total(saturated.inputs);
  json &list = result["saturated_instructions"] = json::array();
  for (size_t pc = 0; pc < saturated.results.size(); ++pc) {
    if (!saturated.results[pc] && !saturated.inputs[pc])
      continue;
    const DebugInfo info = program->debug(pc);
    list.push_back({{"pc", pc},
                    {"instruction", program->text(pc)},
                    {"node", info.node},
                    {"layer", info.layer},
                    {"what", info.what},
                    {"saturations", saturated.results[pc]},
                    {"z_saturations", saturated.inputs[pc]}});
  }

  const std::optional<double> joules = energy();
  result["energy_joules"] = joules ? json(*joules) : json();
  if (joules) {
    json &events = result["energy_by_event"] = json::object();
    for (const auto &[name, cost] : target.energies)
      events[name] = energyOf(name);
  }
  return result;
}
