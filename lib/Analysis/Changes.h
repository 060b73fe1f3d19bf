// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts and changes: whole runs of the network in which one thing differs from
// a stage. Which there are follows from the formats and from what was seen in
// the stages.
//
#ifndef HCGS_LIB_ANALYSIS_CHANGES_H
#define HCGS_LIB_ANALYSIS_CHANGES_H

#include "Stages.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// What a changed setting refers to.
struct Owned {
  std::vector<std::shared_ptr<const RealMatrix>> matrices;
  std::vector<std::unique_ptr<ExpandedTable>> tables;
};

/// A run that differs from a stage from layer `first` on (from the inputs on if
/// that is -1).
struct Variant {
  int first = -1;
  /// Makes the setting out of that of the stage; what is new is put into
  /// `owned`. False: the change cannot be made.
  std::function<bool(RunSetting &setting, Owned &owned)> apply;
};

/// A part with the runs that measure it: its energy is the difference of
/// `with` from `without` (a stage itself if that does nothing).
struct PartVariant {
  PartError part;
  /// The stage that it is a difference from.
  size_t stage = Compressed;
  Variant with;
  std::optional<Variant> without;
};
std::vector<PartVariant> makeParts(const Stages &stages);

struct ChangeVariant {
  Change change;
  Variant variant;
};
/// `analysis` has quantities and saturations.
std::vector<ChangeVariant> makeChanges(const Stages &stages,
                                       const Analysis &analysis);

/// Measures all of them on the first rows of the data.
void measure(const Stages &stages, const DataSet &data, Analysis &analysis);

} // namespace hcgs::analysis

#endif // HCGS_LIB_ANALYSIS_CHANGES_H
