// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `auto` schedule, for any model.
//
#ifndef HCGS_LIB_SCHEDULE_AUTOSCHEDULER_H
#define HCGS_LIB_SCHEDULE_AUTOSCHEDULER_H

#include "hcgs/Schedule/Scheduler.h"

namespace hcgs::schedule {

class AutoScheduler : public Scheduler {
public:
  Plan run(const Problem &problem) const override;
  Result<void> canServe(const Problem &problem) const override;
};

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_AUTOSCHEDULER_H
