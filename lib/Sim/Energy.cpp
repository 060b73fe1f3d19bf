// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Energy.h"

#include "ElementWidths.h"
#include "hcgs/Sim/LoadedProgram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

static constexpr EventInfo kEvents[kNumEvents] = {
    {Event::MultiplyBit2, "multiply_bit2", "logic"},
    {Event::Accumulate, "accumulate", "logic"},
    {Event::WmemReadBit, "wmem_read_bit", "wmem"},
    {Event::WmemWriteBit, "wmem_write_bit", "wmem"},
    {Event::ImemReadBit, "imem_read_bit", "imem"},
    {Event::VmemReadBit, "vmem_read_bit", "vmem"},
    {Event::VmemWriteBit, "vmem_write_bit", "vmem"},
    {Event::AmemReadBit, "amem_read_bit", "amem"},
    {Event::AmemWriteBit, "amem_write_bit", "amem"},
    {Event::BmemReadBit, "bmem_read_bit", "bmem"},
    {Event::LutReadBit, "lut_read_bit", "lut"},
    {Event::PmemReadBit, "pmem_read_bit", "pmem"},
    {Event::VectorElement, "vector_element", "logic"},
    {Event::PwlElement, "pwl_element", "logic"},
    {Event::LoadByte, "load_byte", "ext"},
    {Event::StoreByte, "store_byte", "ext"},
    {Event::Dispatch, "dispatch", "logic"},
    {Event::Cycle, "cycle", "clock"},
};

std::span<const EventInfo> sim::energyEvents() { return kEvents; }

static size_t indexOf(Event event) { return static_cast<size_t>(event); }

const EventInfo &sim::getInfo(Event event) { return kEvents[indexOf(event)]; }

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

/// The events of one execution of an instruction (E-V-1).
static EventCounts eventsOf(const LoadedProgram &program, size_t pc,
                            const OperandWidths &widths) {
  const DecodedInstruction &inst = program.instructions()[pc];
  const Traffic &bits = program.traffic(pc);
  EventCounts counts{};
  auto count = [&](Event event) -> uint64_t & {
    return counts[indexOf(event)];
  };
  count(Event::Dispatch) = 1;
  count(Event::PmemReadBit) = 8 * isa::kInstructionBytes;
  count(Event::WmemReadBit) = bits.wmemRead;
  count(Event::WmemWriteBit) = bits.wmemWritten;
  count(Event::ImemReadBit) = bits.imemRead;
  count(Event::AmemReadBit) = bits.amemRead;
  count(Event::AmemWriteBit) = bits.amemWritten;
  count(Event::BmemReadBit) = bits.bmemRead;
  count(Event::LutReadBit) = bits.lutRead;
  count(Event::LoadByte) = bits.extRead / 8;
  count(Event::StoreByte) = bits.extWritten / 8;
  // Traffic counts elements of vmem as the 16 bits of their slots.
  constexpr uint64_t kSlotBits = 16;
  const uint64_t read = bits.vmemRead / kSlotBits;
  count(Event::VmemReadBit) = inst.opcode == isa::Opcode::VMac
                                  ? read / 2 * (uint64_t(widths.a) + widths.b)
                                  : read * widths.a;
  count(Event::VmemWriteBit) = bits.vmemWritten / kSlotBits * widths.dst;
  if (inst.opcode == isa::Opcode::Mvm) {
    const MatrixPlan &plan = program.plan(inst);
    count(Event::Accumulate) = plan.macs;
    count(Event::MultiplyBit2) = plan.macs * plan.weightBits * widths.a;
  } else if (inst.opcode == isa::Opcode::Act) {
    count(Event::PwlElement) = inst.n;
  } else if (inst.unit == isa::Unit::Vector) {
    count(Event::VectorElement) = inst.n;
  }
  return counts;
}

EnergyCounter::EnergyCounter(const LoadedProgram &program) : loaded(program) {
  const std::vector<OperandWidths> widths = elementWidths(program);
  for (size_t pc = 0; pc < program.instructions().size(); ++pc) {
    perPc.push_back(eventsOf(program, pc, widths[pc]));
    const DecodedInstruction &inst = program.instructions()[pc];
    uint64_t products = 0;
    if (inst.opcode == isa::Opcode::Mvm) {
      const MatrixPlan &plan = program.plan(inst);
      products = uint64_t(plan.span) / plan.gates *
                 static_cast<uint64_t>(std::popcount(plan.gateMask)) *
                 plan.cols;
    }
    dense.push_back(products);
  }
}

EventCounts sim::countEvents(const EnergyCounter &counter,
                             const EnergyInput &input) {
  EventCounts counts{};
  for (size_t pc = 0; pc < input.executed.size(); ++pc)
    if (input.executed[pc])
      for (size_t event = 0; event < kNumEvents; ++event)
        counts[event] += input.executed[pc] * counter.events(pc)[event];
  counts[indexOf(Event::Cycle)] = input.cycles;
  return counts;
}

//===----------------------------------------------------------------------===//
// Energy
//===----------------------------------------------------------------------===//

namespace {
/// Joules of one event at the operating point.
class Prices {
public:
  Prices(const TargetModel &target, double factor) {
    for (const EventInfo &info : kEvents) {
      auto it = target.energies.find(std::string(info.name));
      if (it == target.energies.end())
        continue;
      price[indexOf(info.event)] = it->second;
      joules[indexOf(info.event)] = it->second.joules * factor;
    }
  }
  double of(Event event, uint64_t count) const {
    return joules[indexOf(event)] * static_cast<double>(count);
  }
  std::array<std::optional<TargetModel::Energy>, kNumEvents> price;

private:
  std::array<double, kNumEvents> joules{};
};

/// A breakdown whose lines keep the order in which they were named.
class Parts {
public:
  explicit Parts(std::vector<EnergyPart> &parts) : parts(parts) {}
  void add(std::string_view name, double joules) {
    auto it = std::find_if(parts.begin(), parts.end(),
                           [&](const auto &part) { return part.name == name; });
    if (it == parts.end())
      parts.push_back({std::string(name), joules});
    else
      it->joules += joules;
  }

private:
  std::vector<EnergyPart> &parts;
};
} // namespace

double EnergyReport::topsPerWatt() const {
  return joules > 0 ? 2e-12 * static_cast<double>(products) / joules : 0;
}
double EnergyReport::denseTopsPerWatt() const {
  return joules > 0 ? 2e-12 * static_cast<double>(denseProducts) / joules : 0;
}

/// E-B-1: the unit an event of an instruction counts for.
static std::string_view unitOf(Event event, isa::Unit unit) {
  if (event == Event::Dispatch || event == Event::PmemReadBit)
    return "dispatch";
  switch (unit) {
  case isa::Unit::Load:
    return "load";
  case isa::Unit::Matrix:
    return "matrix";
  case isa::Unit::Vector:
    return "vector";
  case isa::Unit::Store:
    return "store";
  case isa::Unit::Control:
    break;
  }
  return "dispatch";
}

EnergyReport sim::computeEnergy(const EnergyCounter &counter,
                                const EnergyInput &input,
                                const OperatingPoint &point) {
  const LoadedProgram &program = counter.program();
  const TargetModel &target = program.target();
  EnergyReport report;
  report.point = point;
  report.nominalVolts = target.nominalVolts;
  report.seconds =
      static_cast<double>(input.cycles) / static_cast<double>(point.hz);
  const double volts =
      target.nominalVolts > 0 ? point.volts / target.nominalVolts : 1;
  const Prices prices(target, volts * volts); // E-D-1

  Parts units(report.units), memories(report.memories), layers(report.layers);
  for (std::string_view name :
       {"load", "matrix", "vector", "store", "dispatch", "clock", "leakage"})
    units.add(name, 0);
  for (const EventInfo &info : kEvents)
    memories.add(info.part, 0);
  for (size_t pc = 0; pc < input.executed.size(); ++pc) {
    const uint64_t times = input.executed[pc];
    if (times == 0)
      continue;
    const DecodedInstruction &inst = program.instructions()[pc];
    double joules = 0;
    for (const EventInfo &info : kEvents) {
      const uint64_t count = times * counter.events(pc)[indexOf(info.event)];
      if (count == 0)
        continue;
      const double part = prices.of(info.event, count);
      units.add(unitOf(info.event, inst.unit), part);
      memories.add(info.part, part);
      joules += part;
    }
    layers.add(program.debug(pc).layer, joules);
    if (inst.opcode == isa::Opcode::Mvm) {
      report.products += times * program.macs(pc);
      report.denseProducts += times * counter.denseProducts(pc);
    }
  }
  const EventCounts counts = countEvents(counter, input);
  for (const EventInfo &info : kEvents) {
    const uint64_t count = counts[indexOf(info.event)];
    const double joules = prices.of(info.event, count);
    report.events.push_back(
        {info.event, count, joules, prices.price[indexOf(info.event)]});
    report.dynamic += joules;
  }
  const double clock = prices.of(Event::Cycle, input.cycles);
  if (target.leakage) // E-L-1
    report.leakage = target.leakage->watts *
                     std::pow(volts, target.leakage->exponent) * report.seconds;
  units.add("clock", clock);
  units.add("leakage", report.leakage);
  memories.add("clock", clock);
  memories.add("leakage", report.leakage);
  layers.add("", clock + report.leakage);

  report.joules = report.dynamic + report.leakage;
  report.watts = report.seconds > 0 ? report.joules / report.seconds : 0;
  if (input.frames > 0)
    report.perFrame = report.joules / static_cast<double>(input.frames);
  if (input.calls > 0)
    report.perInference = report.joules / static_cast<double>(input.calls);

  const std::vector<OperatingPoint> &points = target.operatingPoints;
  std::string chosen = "/clock_hz";
  for (size_t i = 0; i < points.size(); ++i)
    if (points[i].name == point.name)
      chosen = fmt::format("/operating_points/{}/", i);
  for (const TargetNumber &number : getNumbers(target))
    if (number.pointer.starts_with(chosen) ||
        number.pointer == "/nominal_volts" ||
        number.pointer.starts_with("/leakage/"))
      report.numbers.push_back(number);
  return report;
}

std::string sim::describeOrigins(const EnergyReport &report) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"/clock_hz", "clock"},
      {"/hz", "clock"},
      {"/nominal_volts", "nominal voltage"},
      {"/volts", "voltage"},
      {"/leakage/watts", "leakage"},
      {"/leakage/exponent", "its exponent"}};
  std::vector<std::string> origins;
  for (const TargetNumber &number : report.numbers)
    for (const auto &[end, name] : kNames)
      if (number.pointer.ends_with(end)) {
        origins.push_back(
            fmt::format("{} {}", name, hcgs::getName(number.origin)));
        break;
      }
  for (Origin origin : {Origin::Published, Origin::Fitted, Origin::Assumed}) {
    const auto events = std::count_if(
        report.events.begin(), report.events.end(), [&](const auto &event) {
          return event.count > 0 && event.price &&
                 event.price->origin == origin;
        });
    if (events > 0)
      origins.push_back(fmt::format("energies of {} events {}", events,
                                    hcgs::getName(origin)));
  }
  return fmt::format("{}", fmt::join(origins, ", "));
}

std::vector<std::string_view> sim::unpricedEvents(const EnergyReport &report) {
  std::vector<std::string_view> names;
  for (const EventEnergy &event : report.events)
    if (event.count > 0 && !event.price)
      names.push_back(getInfo(event.event).name);
  return names;
}

Result<OperatingPoint>
sim::chooseOperatingPoint(const TargetModel &target,
                          const std::optional<std::string> &name) {
  if (!name)
    return target.getOperatingPoint("");
  if (!name->empty())
    return target.getOperatingPoint(*name);
  if (target.operatingPoints.empty())
    return Error{fmt::format("the name is empty, and target '{}' has no "
                             "operating points; leave it out",
                             target.name)};
  std::vector<std::string> names;
  for (const OperatingPoint &point : target.operatingPoints)
    names.push_back(point.name);
  return Error{fmt::format("the name is empty; target '{}' has {}", target.name,
                           fmt::join(names, ", "))};
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json partsJson(const std::vector<EnergyPart> &parts) {
  json result = json::object();
  for (const EnergyPart &part : parts)
    result[part.name] = part.joules;
  return result;
}

json sim::toJson(const EnergyReport &report) {
  json result;
  result["operating_point"] = {{"name", report.point.name},
                               {"hz", report.point.hz},
                               {"volts", report.point.volts}};
  result["nominal_volts"] = report.nominalVolts;
  result["seconds"] = report.seconds;
  result["joules"] = report.joules;
  result["dynamic_joules"] = report.dynamic;
  result["leakage_joules"] = report.leakage;
  result["watts"] = report.watts;
  result["joules_per_frame"] = report.perFrame;
  result["joules_per_inference"] = report.perInference;
  result["products"] = report.products;
  result["dense_products"] = report.denseProducts;
  result["tops_per_watt"] = report.topsPerWatt();
  result["dense_tops_per_watt"] = report.denseTopsPerWatt();
  result["units"] = partsJson(report.units);
  result["memories"] = partsJson(report.memories);
  json &layers = result["layers"] = json::array();
  for (const EnergyPart &part : report.layers)
    layers.push_back({{"layer", part.name}, {"joules", part.joules}});
  json &events = result["events"] = json::object();
  for (const EventEnergy &event : report.events) {
    json &entry = events[std::string(getInfo(event.event).name)];
    entry = {{"count", event.count}, {"joules", event.joules}};
    if (!event.price)
      continue;
    entry["nominal_joules_each"] = event.price->joules;
    entry["origin"] = hcgs::getName(event.price->origin);
    entry["source"] = event.price->source;
  }
  result["unpriced_events"] = unpricedEvents(report);
  json &numbers = result["numbers"] = json::array();
  for (const TargetNumber &number : report.numbers)
    numbers.push_back({{"pointer", number.pointer},
                       {"value", json::parse(number.value)},
                       {"origin", hcgs::getName(number.origin)},
                       {"source", number.source}});
  return result;
}
