// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The report of a compilation: what became of each matrix, value, table and
// memory, as JSON (docs/Guides/Report.md). It is made from the program that is
// written and nothing else, so that it says the same from whatever phase the
// compilation started. Plain C++.
//
#ifndef HCGS_PIPELINES_REPORT_H
#define HCGS_PIPELINES_REPORT_H

#include "hcgs/Pipelines/Options.h"
#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"

#include <string>
#include <vector>

namespace hcgs {

/// What the program itself does not say.
struct ReportContext {
  /// Phase that the input had and phase that was reached: "rnn", "isa", ...
  std::string startPhase, endPhase;
  std::vector<std::string> remarks;
  /// What calibration saw and chose for each value, a JSON array; empty if this
  /// compilation did not calibrate.
  std::string ranges;
};

/// The report as indented JSON, keys sorted. Without a program (a compilation
/// that stopped at an earlier phase) it has no sizes. `options` are shown with
/// the target that was taken.
Result<std::string> makeReport(const CompileOptions &options,
                               const ReportContext &context,
                               const Program *program);

/// The accounting of a report's matrices as a table of at most 80 columns, with
/// totals against fp32 and the target's memories; empty if the report has none.
std::string formatAccounting(const std::string &report);

} // namespace hcgs

#endif // HCGS_PIPELINES_REPORT_H
