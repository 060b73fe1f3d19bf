// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the simulator counted: cycles and where they went, work, traffic and
// saturations. The JSON form is documented in docs/Guides/Statistics.md.
//
#ifndef HCGS_SIM_STATISTICS_H
#define HCGS_SIM_STATISTICS_H

#include "hcgs/Sim/Energy.h"
#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Sim/Machine.h"
#include "hcgs/Sim/Timing.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hcgs::sim {

/// What a layer of the debug map took: products, and the cycles of each unit
/// that belong to its instructions (T-C-5). Instructions without a layer are
/// one without a name.
struct LayerCycles {
  std::string layer;
  uint64_t macs = 0;
  std::array<UnitCycles, kNumUnits> units;
};

/// Counters of one or more calls of a program. The rows of a batch, or its
/// groups of rows, run one after the other on the machine that is simulated:
/// their cycles add up.
class Statistics {
public:
  Statistics() = default;
  explicit Statistics(LoadedProgram::Ptr program);

  /// Counts one call: an entry on one row. `timing` is null if cycles are not
  /// counted; then only frames and saturations are.
  void addCall(size_t row, Entry entry, int64_t frames,
               const TimingResult *timing);
  /// Adds a machine's saturations.
  void addSaturations(const SaturationCounters &counters);
  /// Adds the counters of another piece of work on the same program.
  Statistics &operator+=(const Statistics &other);

  /// Total cycles of all calls; nothing if they were not counted.
  std::optional<uint64_t> cycles() const;
  /// Cycles of each row.
  const std::vector<uint64_t> &rowCycles() const { return perRow; }
  uint64_t frames() const { return frameCount; }
  uint64_t macs() const;
  /// At the operating point.
  double microseconds() const;
  /// MACs / (lanes * cycles).
  double macUtilization() const;
  const UnitCycles &unit(size_t number) const { return units[number]; }
  /// Executed instructions by program counter, and by opcode.
  const std::vector<uint64_t> &executed() const { return perPc; }
  uint64_t executed(isa::Opcode opcode) const;
  /// Cycles of its unit that belong to each instruction (T-C-5).
  const std::vector<UnitCycles> &instructionCycles() const {
    return cyclesPerPc;
  }
  /// By layer, in the order of the program.
  std::vector<LayerCycles> layers() const;
  Traffic traffic() const;
  /// None are known of a run that was only timed.
  const SaturationCounters &saturations() const { return saturated; }
  bool hasData() const { return computed; }
  /// The clock and voltage that times and energies are worked out for; the
  /// target's default unless another one is chosen. The error lists the names.
  Result<void> setOperatingPoint(std::string_view name);
  const OperatingPoint &operatingPoint() const { return point; }
  /// Joules, if the target states what events cost and cycles were counted.
  std::optional<double> energy() const;
  /// Where they went.
  std::optional<EnergyReport> energyReport() const;

  /// Everything, as documented.
  nlohmann::json toJson() const;

private:
  friend Result<Statistics> timeRun(LoadedProgram::Ptr program, int64_t steps);

  LoadedProgram::Ptr program;
  OperatingPoint point;
  bool timed = false, computed = true;
  uint64_t calls = 0, frameCount = 0;
  std::vector<uint64_t> perRow;
  std::vector<uint64_t> perPc;
  std::vector<UnitCycles> cyclesPerPc;
  std::array<UnitCycles, kNumUnits> units;
  SaturationCounters saturated;
};

/// An error if `run` does not exist or cannot take a sequence of so many time
/// steps; else where its streams lie.
Result<StreamLayout> layoutRun(const LoadedProgram &program, int64_t steps);

/// The counters of one call of `run` on a sequence of `steps` time steps (of a
/// program that computes several rows together: on so many of them). They do
/// not depend on data, and none is computed. Errors are those of layoutRun.
Result<Statistics> timeRun(LoadedProgram::Ptr program, int64_t steps);

} // namespace hcgs::sim

#endif // HCGS_SIM_STATISTICS_H
