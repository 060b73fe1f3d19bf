// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `sequential`, `batch`, `intergate` and `unfolded` share: they are
// defined for LSTM layers, take one layer after the other in each step, and
// differ in how they cut and order what belongs to one layer.
//
#ifndef HCGS_LIB_SCHEDULE_LAYEREDSCHEDULER_H
#define HCGS_LIB_SCHEDULE_LAYEREDSCHEDULER_H

#include "hcgs/Schedule/Scheduler.h"

#include <functional>
#include <map>
#include <tuple>

namespace hcgs::schedule {

/// A schedule of the literature, for models with LSTM layers.
class LstmScheduler : public Scheduler {
public:
  Result<void> canServe(const Problem &problem) const override;

protected:
  explicit LstmScheduler(std::string_view name) : name(name) {}

private:
  std::string_view name;
};

/// Cycles of the busiest unit of a plan, or one dispatch cycle an instruction.
uint64_t busiest(const Problem &problem, const Plan &plan);

/// Tries row block heights: the same number of blocks in every group first,
/// then one group at a time unless the busiest unit is already full. `build`
/// makes the plan, with estimates, of the heights of all groups.
Plan searchHeights(
    const Problem &problem,
    const std::function<Plan(const std::vector<uint32_t> &)> &build);

/// Operations of one group that depend on each other without leaving it: a
/// direction of a layer for one stream. In the order of the problem.
using LayerPart = std::vector<unsigned>;

/// Parts in an order in which one after another is correct.
std::vector<LayerPart> layerPartsOf(const Problem &problem);

/// Lists of entries in program order, all of step 0: layer by layer, the parts
/// of a layer in the order of the schedule.
class LayeredScheduler : public LstmScheduler {
public:
  Plan run(const Problem &problem) const override;

protected:
  using LstmScheduler::LstmScheduler;

  /// What one row block of a layer (or all of its rows) is cut into: the sets
  /// of gates that are computed one after the other; one of 0: all at once.
  /// Each gate alone, unless a schedule says otherwise.
  virtual std::vector<unsigned> gateSets(unsigned gates) const;
  /// Whether layers are cut into row blocks.
  virtual bool cutsRows() const { return true; }

private:
  Plan build(const Problem &problem,
             const std::vector<uint32_t> &heights) const;
};

/// Each function makes one of the schedules.
std::unique_ptr<Scheduler> createSequential();
std::unique_ptr<Scheduler> createBatch();
std::unique_ptr<Scheduler> createIntergate();
std::unique_ptr<Scheduler> createUnfolded();

} // namespace hcgs::schedule

#endif // HCGS_LIB_SCHEDULE_LAYEREDSCHEDULER_H
