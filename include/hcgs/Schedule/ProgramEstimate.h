// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's own count of the cycles of a whole program: follows the
// instructions of a program file through its loops and replays them under
// docs/Spec/Timing.md, without computing any value. A test holds it equal to
// the simulator's count, with which it shares no code.
//
#ifndef HCGS_SCHEDULE_PROGRAMESTIMATE_H
#define HCGS_SCHEDULE_PROGRAMESTIMATE_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace hcgs::schedule {

struct ProgramEstimate {
  /// T-D-4.
  uint64_t cycles = 0;
  uint64_t instructions = 0;
  /// Products of kept weights.
  uint64_t macs = 0;
  /// Cycles inside an occ, by unit (load, matrix, vector, store).
  std::array<uint64_t, 4> busy = {};
  /// Instructions that were followed one by one; the others repeat them.
  uint64_t walked = 0;
};

/// Replays the entry `run`, `step` or `reset` for a sequence of `steps` time
/// steps. Fails if the program has no such entry, or if it is malformed (a
/// program that verifyProgram accepts is not). Without `shortcut` every pass of
/// every loop is followed; the counts are the same.
Result<ProgramEstimate> estimateProgram(const Program &program,
                                        std::string_view entry, uint64_t steps,
                                        bool shortcut = true);

} // namespace hcgs::schedule

#endif // HCGS_SCHEDULE_PROGRAMESTIMATE_H
