// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Carries a plan out for several steps with labels in place of numbers: each
// element of each slot knows of which time step it is and how much of it was
// added. Shares nothing with the schedulers, and only the layout rule (a ring
// of slots, a window of row blocks) with Plan.cpp.
//
#ifndef HCGS_UNITTESTS_SCHEDULE_PLANCHECK_H
#define HCGS_UNITTESTS_SCHEDULE_PLANCHECK_H

#include "hcgs/Schedule/Scheduler.h"

#include <string>

namespace hcgs::schedule {

/// What is wrong with the plan, or an empty string.
std::string findFault(const Problem &problem, const Plan &plan);

/// Cycles a step of the plan, replayed by CycleModel with real addresses.
double replayedCycles(const Problem &problem, const Plan &plan);

} // namespace hcgs::schedule

#endif // HCGS_UNITTESTS_SCHEDULE_PLANCHECK_H
