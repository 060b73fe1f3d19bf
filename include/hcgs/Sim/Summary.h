// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The counters of a run as tables for a terminal of 80 columns (hcgs-sim
// --summary), and the roofline behind one of them. docs/Guides/Statistics.md
// says what they mean.
//
#ifndef HCGS_SIM_SUMMARY_H
#define HCGS_SIM_SUMMARY_H

#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Sim/Statistics.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hcgs::sim {

/// Cycles that one part of the machine needs for the work of a run, were it
/// never to wait.
struct RooflineBound {
  std::string_view name;
  uint64_t cycles = 0;
  std::string_view meaning;
};

struct Roofline {
  /// MACs / lanes first, then what each unit is busy, then one cycle an
  /// instruction of dispatch.
  std::vector<RooflineBound> bounds;
  /// The largest of them; of equals the first.
  size_t binding = 0;
  /// MACs for each byte that is loaded or stored; 0 if none is.
  double intensity = 0;
  /// MACs a cycle: what the lanes and the two ports allow at this intensity
  /// (the smaller), and what was reached.
  double lanes = 0, ports = 0, attainable = 0, achieved = 0;
};

/// Of statistics with cycles.
Roofline rooflineOf(const LoadedProgram &program, const Statistics &statistics);

/// Tables: cycles and time, where cycles went by unit and by layer, roofline,
/// and energy if the target states it. Lines of at most 80 columns.
std::string summaryText(const LoadedProgram &program,
                        const Statistics &statistics);

} // namespace hcgs::sim

#endif // HCGS_SIM_SUMMARY_H
