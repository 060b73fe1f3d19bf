// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many instructions the Emitter makes, before it does: whether a way of
// spilling weights fits the program memory decides which way is taken.
// HCGSToISA.cpp asserts that both agree.

#include "ProgramLayout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

namespace {
/// Counts a pass over a time loop as Emitter::emitPass makes it.
class PassCount {
public:
  PassCount(const ProgramLayout &layout, const SpillPlan &plan,
            const Loop &loop)
      : plan(plan), loop(loop) {
    for (unsigned index = 0; index < loop.entries.size(); ++index)
      partsOf.push_back(plan.partsOf(layout, loop, index));
  }
  uint64_t count() const;

private:
  /// Entries one after another, with the loads that they need.
  uint64_t countRegion(ArrayRef<unsigned> indices, bool repeats) const;
  /// The instructions of an entry for one part.
  uint64_t countProducts(const schedule::Entry &entry,
                         const WeightPart &part) const;

  const SpillPlan &plan;
  const Loop &loop;
  /// By entry.
  std::vector<std::vector<unsigned>> partsOf;
};
} // namespace

/// What makes instructions run in long enough sequences only.
static uint64_t countGuard(int64_t after) { return after < 1 ? 0 : 2; }

uint64_t PassCount::countProducts(const schedule::Entry &entry,
                                  const WeightPart &part) const {
  if (!part.byGate)
    return 1;
  const unsigned all =
      (1u << loop.model.problem.operations[entry.operation].gates) - 1;
  return llvm::popcount(entry.gates ? entry.gates & all : all);
}

uint64_t PassCount::countRegion(ArrayRef<unsigned> indices,
                                bool repeats) const {
  uint64_t count = 0;
  std::vector<int> uses;
  for (unsigned index : indices) {
    if (partsOf[index].empty()) {
      uses.push_back(-1);
      ++count;
    }
    for (unsigned part : partsOf[index]) {
      uses.push_back(part);
      count += countProducts(loop.entries[index], plan.parts[part]);
    }
  }
  BufferedLoads loads(plan, uses, repeats);
  // In front of a region that repeats they are outside its loop.
  for (unsigned part : loads.before())
    count += plan.instructionsOfLoad(plan.parts[part]);
  for (size_t use = 0; use < uses.size(); ++use)
    if (int part = loads.after(use); part >= 0)
      count += plan.instructionsOfLoad(plan.parts[part]);
  return count;
}

uint64_t PassCount::count() const {
  const int64_t depth = loop.depth;
  const unsigned entries = loop.entries.size();
  uint64_t count = loop.walks.size();
  // Prologue: neighbours for the same step share a guard.
  for (int64_t t = -depth; t < 0; ++t)
    for (unsigned from = 0; from < entries;) {
      const unsigned step = loop.entries[from].step;
      SmallVector<unsigned> indices;
      for (; from < entries && loop.entries[from].step == step; ++from)
        indices.push_back(from);
      if (int64_t time = t + int64_t(step); time >= 0)
        count += countGuard(time) + countRegion(indices, /*repeats=*/false);
    }
  // The loop, and what is loaded before it.
  SmallVector<unsigned> all = llvm::to_vector(llvm::seq(entries));
  std::vector<int> uses;
  for (const std::vector<unsigned> &parts : partsOf)
    llvm::append_range(uses, parts);
  if (!BufferedLoads(plan, uses, /*repeats=*/true).before().empty())
    count += countGuard(depth);
  count += 2 + countRegion(all, /*repeats=*/true) + loop.rings.size() +
           loop.walks.size();
  // Epilogue.
  for (int64_t left = depth - 1; left >= 0; --left) {
    SmallVector<unsigned> indices;
    llvm::copy_if(all, std::back_inserter(indices), [&](unsigned index) {
      return int64_t(loop.entries[index].step) <= left;
    });
    count += countGuard(left) + countRegion(indices, /*repeats=*/false) +
             loop.rings.size() + (left > 0 ? loop.walks.size() : 0);
  }
  return count;
}

/// Emitter::emitStates.
static uint64_t countStates(const Loop &loop) {
  uint64_t count = loop.rings.size();
  SequenceOp sequence = loop.op;
  for (Value initial : sequence.getInitial()) {
    auto read = initial.getDefiningOp<ReadOp>();
    count += read && ProgramLayout::isLoadedIntoState(read) ? 2 : 1;
  }
  return count;
}

/// Emitter::emitOutside.
static uint64_t countOutside(Operation &op) {
  if (auto read = dyn_cast<ReadOp>(op))
    return ProgramLayout::isLoadedIntoState(read) ? 0 : 2;
  if (llvm::isa<WriteOp>(op))
    return 2;
  if (auto concat = dyn_cast<ConcatOp>(op))
    return concat.getInputs().size();
  return llvm::isa<MvmOp, VmacOp, VaccOp, ActOp, RequantOp>(op) ? 1 : 0;
}

uint64_t toisa::countInstructions(const ProgramLayout &layout,
                                  const SpillPlan &plan) {
  ProgramOp program = layout.program;
  uint64_t outside = 0, states = 0, passes = 0, reset = 0;
  for (Operation &op : program.getBody().front()) {
    auto loop =
        llvm::find_if(layout.loops, [&](const Loop &l) { return &op == l.op; });
    if (loop == layout.loops.end()) {
      outside += countOutside(op);
      continue;
    }
    // What comes before the loop resets it, with the states.
    states += countStates(*loop);
    reset = outside + states;
    passes += PassCount(layout, plan, *loop).count();
  }
  const uint64_t once = outside + states + passes + 1; // halt
  // The entry `reset` has it once more.
  return layout.noStep.empty() ? once + reset + 1 : once;
}
