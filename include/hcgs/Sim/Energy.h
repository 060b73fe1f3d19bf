// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The energy of a run, by docs/Spec/Energy.md: events that are counted exactly,
// times what the target says one costs, plus leakage times time, at an
// operating point. What an event costs is known only as well as the target's
// numbers are; each comes with its origin, and reports carry that along.
//
//   EnergyCounter counter(program);             // once a program
//   EnergyInput run{executed, cycles, frames, calls};
//   EnergyReport report = computeEnergy(counter, run, point);
//
#ifndef HCGS_SIM_ENERGY_H
#define HCGS_SIM_ENERGY_H

#include "hcgs/Target/TargetModel.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hcgs::sim {

class LoadedProgram;

/// E-V-1, in the order of the specification. The names of the events are the
/// keys of a target's `energies`.
enum class Event : uint8_t {
  MultiplyBit2,
  Accumulate,
  WmemReadBit,
  WmemWriteBit,
  ImemReadBit,
  VmemReadBit,
  VmemWriteBit,
  AmemReadBit,
  AmemWriteBit,
  BmemReadBit,
  LutReadBit,
  PmemReadBit,
  VectorElement,
  PwlElement,
  LoadByte,
  StoreByte,
  Dispatch,
  Cycle,
};
inline constexpr size_t kNumEvents = 18;

struct EventInfo {
  Event event;
  /// "wmem_read_bit".
  std::string_view name;
  /// The memory it belongs to, "logic" or "clock" (E-B-2).
  std::string_view part;
};
std::span<const EventInfo> energyEvents();
const EventInfo &getInfo(Event event);

using EventCounts = std::array<uint64_t, kNumEvents>;

/// What one execution of each instruction brings. Works the widths of all
/// operands out (E-W), once.
class EnergyCounter {
public:
  explicit EnergyCounter(const LoadedProgram &program);

  const LoadedProgram &program() const { return loaded; }
  /// Of the instruction at `pc`; `cycle` is 0.
  const EventCounts &events(size_t pc) const { return perPc[pc]; }
  /// Products of the same rows without compression (E-B-5).
  uint64_t denseProducts(size_t pc) const { return dense[pc]; }

private:
  const LoadedProgram &loaded;
  std::vector<EventCounts> perPc;
  std::vector<uint64_t> dense;
};

/// What was executed.
struct EnergyInput {
  /// How often each instruction was, by program counter.
  std::span<const uint64_t> executed;
  uint64_t cycles = 0, frames = 0, calls = 0;
};

/// One line of a breakdown.
struct EnergyPart {
  std::string name;
  double joules = 0;
};

/// One event: joules at the operating point, and what one costs at the nominal
/// voltage with the origin of that number; nothing if the target does not say.
struct EventEnergy {
  Event event;
  uint64_t count = 0;
  double joules = 0;
  std::optional<TargetModel::Energy> price;
};

struct EnergyReport {
  OperatingPoint point;
  double nominalVolts = 0;
  double seconds = 0;                          // E-T-2
  double joules = 0, dynamic = 0, leakage = 0; // E-S-1
  double watts = 0;
  double perFrame = 0, perInference = 0; // 0 if there was none
  uint64_t products = 0, denseProducts = 0;
  std::vector<EventEnergy> events;
  /// E-B-1..3, in a fixed order, layers in that of the program; a layer without
  /// a name is everything that belongs to none.
  std::vector<EnergyPart> units, memories, layers;
  /// The other numbers of the target that went in: clock, voltages, leakage.
  std::vector<TargetNumber> numbers;

  /// 1e-12 * 2 * products / joules.
  double topsPerWatt() const;
  double denseTopsPerWatt() const;
};

/// How often each event happened.
EventCounts countEvents(const EnergyCounter &counter, const EnergyInput &input);

/// The energy of a run at an operating point. The target may price nothing at
/// all; then it is 0.
EnergyReport computeEnergy(const EnergyCounter &counter,
                           const EnergyInput &input,
                           const OperatingPoint &point);

/// Where the numbers that went in come from, in one line: "clock published,
/// voltage assumed, ..., energies of 3 events fitted". Events that did not
/// happen are left out.
std::string describeOrigins(const EnergyReport &report);

/// The events that happened and of which the target does not say what one
/// costs: their energy is missing from the report.
std::vector<std::string_view> unpricedEvents(const EnergyReport &report);

/// The operating point that a user asks for by its name: the target's first if
/// none is. An error, which lists the names, for one that does not exist and
/// for an empty name.
Result<OperatingPoint>
chooseOperatingPoint(const TargetModel &target,
                     const std::optional<std::string> &name);

/// As documented in docs/Guides/Statistics.md, `energy`.
nlohmann::json toJson(const EnergyReport &report);

} // namespace hcgs::sim

#endif // HCGS_SIM_ENERGY_H
