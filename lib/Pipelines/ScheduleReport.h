// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a program is scheduled, how long a time step takes, and how long it must
// take at least: the `schedule` of the report.
//
#ifndef HCGS_LIB_PIPELINES_SCHEDULEREPORT_H
#define HCGS_LIB_PIPELINES_SCHEDULEREPORT_H

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace hcgs {

/// From `schedule` of the metadata (one entry for each time loop) and the
/// cycles a step that the whole program was counted to take. A program that
/// says nothing of its schedule (one from assembly) has no passes.
nlohmann::json describeSchedule(const nlohmann::json &meta,
                                double cyclesPerStep);

/// Weights that are kept outside of wmem, from `spill` of the metadata: what
/// they take of the load port, and how many cycles a step more than the
/// schedule, which knows nothing of them. Null if there are none.
nlohmann::json describeSpill(const nlohmann::json &meta,
                             const nlohmann::json &schedule,
                             uint64_t portBytes);

/// The lines of the accounting, or nothing if the report has no passes.
std::string formatSchedule(const nlohmann::json &report);

} // namespace hcgs

#endif // HCGS_LIB_PIPELINES_SCHEDULEREPORT_H
