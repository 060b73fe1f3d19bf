// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Sim/Summary.h"
#include "LayerNames.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace hcgs;
using namespace hcgs::sim;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// Roofline
//===----------------------------------------------------------------------===//

static uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

Roofline sim::rooflineOf(const LoadedProgram &program,
                         const Statistics &statistics) {
  const TargetModel &target = program.target();
  Roofline roofline;
  const uint64_t lanes = std::max<uint64_t>(1, target.mac.lanes);
  const uint64_t macs = statistics.macs();
  uint64_t dispatched = 0;
  for (uint64_t count : statistics.executed())
    dispatched += count;
  enum { Load, Matrix, Vector, Store };
  roofline.bounds = {
      {"MACs", ceilDiv(macs, lanes), "every lane in every cycle"},
      {"matrix unit", statistics.unit(Matrix).busy,
       "in its tiles and row groups"},
      {"vector unit", statistics.unit(Vector).busy, "gates, cells, copies"},
      {"load port", statistics.unit(Load).busy, "with the port's latency"},
      {"store port", statistics.unit(Store).busy, "with the port's latency"},
      {"dispatch", dispatched, "one instruction a cycle"}};
  for (size_t i = 0; i < roofline.bounds.size(); ++i)
    if (roofline.bounds[i].cycles > roofline.bounds[roofline.binding].cycles)
      roofline.binding = i;

  const Traffic bits = statistics.traffic();
  const double in = static_cast<double>(bits.extRead) / 8;
  const double out = static_cast<double>(bits.extWritten) / 8;
  const double work = static_cast<double>(macs);
  const double moving =
      std::max(in / std::max<uint32_t>(1, target.load.portBytes),
               out / std::max<uint32_t>(1, target.store.portBytes));
  roofline.intensity = in + out > 0 ? work / (in + out) : 0;
  roofline.lanes = static_cast<double>(lanes);
  roofline.ports = moving > 0 ? work / moving : 0;
  roofline.attainable = roofline.ports > 0
                            ? std::min(roofline.lanes, roofline.ports)
                            : roofline.lanes;
  const uint64_t cycles = statistics.cycles().value_or(0);
  roofline.achieved = cycles ? work / static_cast<double>(cycles) : 0;
  return roofline;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// A number with a comma after each three digits. Where that takes more than
/// `width` columns, in millions.
static std::string counted(uint64_t number, size_t width = 99) {
  auto commas = [](uint64_t value) {
    std::string text = std::to_string(value);
    for (size_t at = text.size(); at > 3;)
      text.insert(at -= 3, ",");
    return text;
  };
  std::string text = commas(number);
  return text.size() <= width ? text : commas(number / 1'000'000) + " M";
}

/// A duration in the unit that suits it.
static std::string duration(double microseconds) {
  if (microseconds >= 1e6)
    return fmt::format("{:.4g} s", microseconds / 1e6);
  if (microseconds >= 1e3)
    return fmt::format("{:.4g} ms", microseconds / 1e3);
  if (microseconds >= 1)
    return fmt::format("{:.4g} us", microseconds);
  return fmt::format("{:.4g} ns", microseconds * 1e3);
}

static double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

/// At most `width` columns of a name; the end tells more than the beginning.
static std::string cut(const std::string &name, size_t width) {
  if (name.size() <= width)
    return name;
  // Not inside a UTF-8 sequence.
  size_t from = name.size() - (width - 2);
  while (from < name.size() && (name[from] & 0xc0) == 0x80)
    ++from;
  return ".." + name.substr(from);
}

namespace {
class Writer {
public:
  Writer(const LoadedProgram &program, const Statistics &statistics)
      : program(program), statistics(statistics),
        cycles(statistics.cycles().value_or(0)) {}

  std::string write();

private:
  void head();
  void units();
  void layers();
  void roofline();
  void energies();
  void list(std::string_view label, std::string parts);
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(text), format,
                   std::forward<Args>(args)...);
    while (text.ends_with(' '))
      text.pop_back();
    text += '\n';
  }

  const LoadedProgram &program;
  const Statistics &statistics;
  uint64_t cycles;
  std::string text;
};
} // namespace

void Writer::head() {
  const TargetModel &target = program.target();
  std::string model = "program";
  const json &metadata = program.metadata();
  if (auto it = metadata.find("model"); it != metadata.end() && it->is_object())
    if (auto name = it->find("name"); name != it->end() && name->is_string() &&
                                      !name->get<std::string>().empty())
      model = name->get<std::string>();
  const uint64_t frames = statistics.frames();
  line("{} on {}: {} MAC lanes at {:.6g} MHz", cut(model, 36),
       cut(target.name, 16), target.mac.lanes,
       static_cast<double>(statistics.operatingPoint().hz) / 1e6);
  line("{:<24}{:>16}",
       program.rows() > 1 ? fmt::format("groups of {} rows", program.rows())
                          : "rows",
       counted(statistics.rowCycles().size()));
  line("{:<24}{:>16}", "frames", counted(frames));
  line("{:<24}{:>16}  {}", "cycles", counted(cycles),
       duration(statistics.microseconds()));
  if (frames)
    line("{:<24}{:>16.2f}  {}", "cycles a frame",
         static_cast<double>(cycles) / static_cast<double>(frames),
         duration(statistics.microseconds() / static_cast<double>(frames)));
  line("{:<24}{:>16}  {:.2f} % of what the lanes could do", "MACs",
       counted(statistics.macs()), 100 * statistics.macUtilization());
  if (!statistics.hasData())
    return;
  uint64_t saturated = 0;
  for (uint64_t count : statistics.saturations().results)
    saturated += count;
  line("{:<24}{:>16}", "saturated results", counted(saturated));
}

void Writer::units() {
  std::string head = fmt::format("\n{:<12}", "cycles");
  for (size_t u = 0; u < kNumUnits; ++u)
    head += fmt::format("{:>10} {:>6}", unitName(u), "%");
  line("{}", head);
  for (const CycleUseInfo &use : kCycleUses) {
    std::string row = fmt::format("{:<12}", use.name);
    bool any = use.use == CycleUse::Busy;
    for (size_t u = 0; u < kNumUnits; ++u) {
      const uint64_t spent = statistics.unit(u).*use.count;
      any |= spent != 0;
      row += spent || use.use == CycleUse::Busy
                 ? fmt::format("{:>11}{:>6.1f}", counted(spent, 10),
                               percent(static_cast<double>(spent),
                                       static_cast<double>(cycles)))
                 : std::string(17, ' ');
    }
    if (any)
      line("{}", row);
  }
}

void Writer::layers() {
  const std::vector<LayerCycles> list = statistics.layers();
  if (list.empty())
    return;
  const LayerNames names(program);
  line("\n{:<20}{:>14}{:>12}{:>11}{:>12}{:>11}", "by layer", "MACs", "matrix",
       "waiting", "vector", "waiting");
  for (const LayerCycles &layer : list) {
    std::string name = names.brief(layer.layer);
    if (name.empty())
      name = "other";
    const UnitCycles &matrix = layer.units[1], &vector = layer.units[2];
    line("{:<20}{:>14}{:>12}{:>11}{:>12}{:>11}", cut(name, 20),
         counted(layer.macs, 13), counted(matrix.busy, 11),
         counted(matrix.total() - matrix.busy, 10), counted(vector.busy, 11),
         counted(vector.total() - vector.busy, 10));
  }
}

void Writer::roofline() {
  const Roofline roof = rooflineOf(program, statistics);
  line("\n{:<16}{:>14}{:>8}", "least cycles of", "cycles", "%");
  for (size_t i = 0; i < roof.bounds.size(); ++i) {
    const RooflineBound &bound = roof.bounds[i];
    line(
        "{:<16}{:>14}{:>8.1f}  {}{}", bound.name, counted(bound.cycles, 13),
        percent(static_cast<double>(bound.cycles), static_cast<double>(cycles)),
        bound.meaning, i == roof.binding ? " <-" : "");
  }
  line("{:<16}{:>14}{:>8.1f}  {}", "all", counted(cycles, 13),
       cycles ? 100.0 : 0.0, "with the waits above");
  if (roof.intensity > 0)
    line("{:<24}{:>14.4g}  MACs for each byte loaded or stored",
         "arithmetic intensity", roof.intensity);
  line("{:<24}{:>14.4g}  MACs a cycle: {}", "attainable", roof.attainable,
       roof.attainable < roof.lanes ? "the ports bound it"
                                    : "the lanes bound it");
  line("{:<24}{:>14.4g}  MACs a cycle, {:.2f} % of it", "achieved",
       roof.achieved, percent(roof.achieved, roof.attainable));
}

/// An energy in the unit that suits it.
static std::string energy(double joules) {
  static constexpr std::pair<double, const char *> kUnits[] = {
      {1, "J"}, {1e-3, "mJ"}, {1e-6, "uJ"}, {1e-9, "nJ"}};
  for (const auto &[size, name] : kUnits)
    if (joules >= size)
      return fmt::format("{:.4g} {}", joules / size, name);
  return fmt::format("{:.4g} pJ", joules * 1e12);
}

/// Parts with ", " between them, on as many lines of 80 columns as they fill;
/// none if there are none.
void Writer::list(std::string_view label, std::string parts) {
  for (; !parts.empty(); label = "") {
    constexpr size_t kRoom = 80 - 24;
    size_t end = parts.size();
    if (end > kRoom)
      end = parts.rfind(", ", kRoom - 1) + 2;
    line("{:<24}{}", label, parts.substr(0, end));
    parts.erase(0, end);
  }
}

void Writer::energies() {
  const std::optional<EnergyReport> report = statistics.energyReport();
  if (!report)
    return;
  line("\n{:<24}{:>16}  {} at {:.6g} MHz, {:.4g} V", "energy",
       energy(report->joules),
       report->point.name.empty() ? "nominal" : report->point.name,
       static_cast<double>(report->point.hz) / 1e6, report->point.volts);
  line("{:<24}{:>16}  {} in leakage", "power",
       fmt::format("{:.4g} mW", 1e3 * report->watts), energy(report->leakage));
  if (report->perFrame > 0)
    line("{:<24}{:>16}", "a frame", energy(report->perFrame));
  if (report->perInference > 0)
    line("{:<24}{:>16}", "a call", energy(report->perInference));
  line("{:<24}{:>16.4g}  TOPS/W; {:.4g} dense-equivalent", "efficiency",
       report->topsPerWatt(), report->denseTopsPerWatt());

  // How far to trust all this.
  list("origins", describeOrigins(*report));
  list("without an energy",
       fmt::format("{}", fmt::join(unpricedEvents(*report), ", ")));

  // Three breakdowns side by side; each adds up to the total.
  std::vector<EnergyPart> layerParts = report->layers;
  const LayerNames names(program);
  for (EnergyPart &part : layerParts) {
    part.name = names.brief(part.name);
    if (part.name.empty())
      part.name = "other";
  }
  std::vector<std::string> columns[3];
  const std::vector<EnergyPart> *lists[] = {&report->units, &report->memories,
                                            &layerParts};
  for (size_t list = 0; list < 3; ++list)
    for (const EnergyPart &part : *lists[list])
      if (part.joules > 0)
        columns[list].push_back(
            fmt::format("{:<15}{:>7.1f}  ", cut(part.name, 15),
                        percent(part.joules, report->joules)));
  line("{:<15}{:>7}  {:<15}{:>7}  {:<15}{:>7}", "by unit", "%", "by memory",
       "%", "by layer", "%");
  size_t rows = 0;
  for (const auto &column : columns)
    rows = std::max(rows, column.size());
  for (size_t row = 0; row < rows; ++row) {
    std::string cells;
    for (const auto &column : columns)
      cells += row < column.size() ? column[row] : std::string(24, ' ');
    line("{}", cells);
  }
}

std::string Writer::write() {
  head();
  units();
  layers();
  roofline();
  energies();
  return std::move(text);
}

std::string sim::summaryText(const LoadedProgram &program,
                             const Statistics &statistics) {
  return Writer(program, statistics).write();
}
