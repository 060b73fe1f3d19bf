// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scheduling problems of LSTM stacks on the machines of targets/, without a
// model, IR or target file: for tests of schedulers and for the table of
// benchmarks/schedule.
//
#ifndef HCGS_UNITTESTS_SCHEDULE_LSTMPROBLEMS_H
#define HCGS_UNITTESTS_SCHEDULE_LSTMPROBLEMS_H

#include "hcgs/Schedule/MachineTiming.h"
#include "hcgs/Schedule/Scheduler.h"

#include <optional>
#include <string>
#include <vector>

namespace hcgs::schedule {

/// sharp-1k, sharp-4k, sharp-16k, sharp-64k, wang-90nm, hcgs-65nm or
/// brainwave-96k.
MachineTiming machineNamed(const std::string &name);

enum class Weights { Dense, Sixteenth, Circulant };

struct Stack {
  MachineTiming machine;
  uint32_t input = 0;
  std::vector<uint32_t> hidden;
  bool bidirectional = false;
  unsigned streams = 1;
  Weights weights = Weights::Dense;
  /// Every dense product uses this tile; else the best for each.
  std::optional<unsigned> tile = {};
  /// Elements of amem and vmem, or 0.
  int64_t capacity = 0;
};

Problem makeProblem(const Stack &stack);

} // namespace hcgs::schedule

#endif // HCGS_UNITTESTS_SCHEDULE_LSTMPROBLEMS_H
