// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Traces of a run: when each instruction was dispatched, taken and finished,
// as a table or as Chrome trace events, which the Perfetto UI opens.
// docs/Guides/Trace.md says what they show.
//
#ifndef HCGS_SIM_TRACE_H
#define HCGS_SIM_TRACE_H

#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Support/Result.h"
#include "hcgs/Target/TargetModel.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hcgs::sim {

enum class TraceForm : uint8_t { Text, Json, JsonGz };

/// The form that a file's name asks for; "-" is text. An error that lists the
/// endings for any other.
Result<TraceForm> traceFormOf(std::string_view path);

/// Trips first .. end-1 through the loop over time; without `end` to the last.
struct TraceSteps {
  int64_t first = 0;
  std::optional<int64_t> end;
};

/// "A:B", "A:", ":B" or "A".
Result<TraceSteps> parseTraceSteps(std::string_view text);

struct TraceOptions {
  TraceForm form = TraceForm::Json;
  TraceSteps steps = {};
  /// The most instructions a trace holds. Where there are more, it ends after
  /// the last whole trip; if not even one fits, inside it.
  size_t limit = 200'000;
  /// The clock that the trace states; without, that of the target's default.
  std::optional<OperatingPoint> point = {};
};

struct Trace {
  /// The file's bytes.
  std::string bytes;
  /// The trips it holds: first .. end-1.
  int64_t first = 0, end = 0;
  /// What the limit left out, for the user; empty if nothing.
  std::string leftOut;
};

/// The trace of `run` on a sequence of `steps` time steps. An error if it
/// cannot take so many (layoutRun), or if the run has none of the trips asked
/// for.
Result<Trace> traceRun(const LoadedProgram &program, int64_t steps,
                       const TraceOptions &options);

} // namespace hcgs::sim

#endif // HCGS_SIM_TRACE_H
