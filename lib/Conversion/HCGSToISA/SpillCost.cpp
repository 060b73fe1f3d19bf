// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a way of spilling weights costs: the schedule with the loads in it,
// replayed as schedulers do.

#include "Spill.h"

#include "ProgramLayout.h"
#include "hcgs/Compression/RowSlice.h"

#include <algorithm>
#include <map>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

namespace {
/// A loop as a scheduling problem in which loads are operations, and what each
/// leaves in its buffer is a storage, which it writes. A product with a spilled
/// part reads that storage as well, and that of the next load into the buffer,
/// which has to wait for it. Older and later loads need no mention, since the
/// load unit and the matrix unit keep their order: with one storage for a
/// buffer, every load would conflict with every product.
class SpilledLoop {
public:
  SpilledLoop(const ProgramLayout &layout, const SpillPlan &plan,
              const Loop &loop)
      : layout(layout), plan(plan), loop(loop), problem(loop.model.problem),
        timing(schedule::timingOf(layout.target)) {
    planned.depth = loop.depth;
    planned.holdings = loop.holdings;
    addEntries();
    schedule::estimate(problem, planned);
  }

  double cycles() const { return planned.cyclesPerStep; }

private:
  void addEntries();
  void addProduct(const schedule::Entry &entry, const WeightPart &part);
  /// A load that follows an entry for time step t + `step`.
  void addLoad(const WeightPart &part, unsigned step);
  /// The operation as it reads what is in a buffer.
  unsigned reading(unsigned operation, unsigned buffer);

  const ProgramLayout &layout;
  const SpillPlan &plan;
  const Loop &loop;
  schedule::Problem problem;
  schedule::Plan planned;
  schedule::MachineTiming timing;
  /// Of each buffer the storages of its loads, in their order, and how many of
  /// them were issued; the loop is entered with the last one's in the buffer.
  std::vector<unsigned> contents[SpillPlan::kBuffers];
  size_t issued[SpillPlan::kBuffers] = {};
  /// By operation and the storage that it reads.
  std::map<std::pair<unsigned, unsigned>, unsigned> readers;
};
} // namespace

unsigned SpilledLoop::reading(unsigned operation, unsigned buffer) {
  const std::vector<unsigned> &storages = contents[buffer];
  // Parts that stay in the buffer once they are there.
  if (storages.empty())
    return operation;
  const size_t count = storages.size(), next = issued[buffer] % count;
  const unsigned now = storages[(next + count - 1) % count];
  auto [place, isNew] = readers.try_emplace({operation, now});
  if (isNew) {
    place->second = problem.operations.size();
    schedule::Operation reader = problem.operations[operation];
    reader.reads.push_back({.storage = now, .all = true});
    if (count > 1)
      reader.reads.push_back({.storage = storages[next], .all = true});
    problem.operations.push_back(std::move(reader));
  }
  return place->second;
}

void SpilledLoop::addProduct(const schedule::Entry &entry,
                             const WeightPart &part) {
  schedule::Entry piece = entry;
  piece.begin = std::max(entry.begin, part.begin);
  piece.end = std::min(entry.end, part.end);
  if (part.spilled)
    piece.operation = reading(entry.operation, part.buffer);
  if (part.gate >= 0)
    piece.gates = 1u << part.gate;
  if (!part.byGate) {
    planned.entries.push_back(piece);
    return;
  }
  for (unsigned gate = 0; gate < problem.operations[entry.operation].gates;
       ++gate) {
    if (entry.gates && !(entry.gates >> gate & 1))
      continue;
    piece.gates = 1u << gate;
    planned.entries.push_back(piece);
  }
}

void SpilledLoop::addLoad(const WeightPart &part, unsigned step) {
  schedule::Operation load;
  load.unit = schedule::Unit::Load;
  load.storage = contents[part.buffer][issued[part.buffer]++];
  load.rows = 1;
  load.occupancy = [cycles = timing.transferBytes(timing.load, part.bytes)](
                       const schedule::Entry &) { return cycles; };
  planned.entries.push_back({unsigned(problem.operations.size()), 0, 1, step});
  problem.operations.push_back(std::move(load));
  // What sets the registers.
  problem.controlPerIteration += plan.instructionsOfLoad(part) - 1;
}

void SpilledLoop::addEntries() {
  std::vector<std::pair<const schedule::Entry *, int>> issues;
  std::vector<int> uses;
  for (auto [index, entry] : llvm::enumerate(loop.entries)) {
    std::vector<unsigned> parts = plan.partsOf(layout, loop, index);
    if (parts.empty())
      issues.push_back({&entry, -1});
    for (unsigned part : parts)
      issues.push_back({&entry, int(part)});
  }
  for (const auto &[entry, part] : issues)
    uses.push_back(part);
  BufferedLoads loads(plan, uses, /*repeats=*/true);
  std::vector<int> loaded;
  for (size_t number = 0; number < uses.size(); ++number) {
    loaded.push_back(loads.after(number));
    if (loaded.back() < 0)
      continue;
    contents[plan.parts[loaded.back()].buffer].push_back(
        problem.storages.size());
    problem.storages.push_back({.memory = schedule::Memory::W, .rows = 1});
    planned.holdings.push_back({});
  }
  for (auto [number, issue] : llvm::enumerate(issues)) {
    const auto &[entry, part] = issue;
    if (part < 0)
      planned.entries.push_back(*entry);
    else
      addProduct(*entry, plan.parts[part]);
    if (loaded[number] >= 0)
      addLoad(plan.parts[loaded[number]], entry->step);
  }
}

/// Bytes of the indices of all matrices and of the parts.
static int64_t countIndexBytes(const ProgramLayout &layout,
                               const SpillPlan &plan) {
  int64_t bytes = 0;
  for (auto [number, entry] : llvm::enumerate(layout.matrices)) {
    MatrixOp matrix = entry.second;
    fx::SparsityAttr blocks = matrix.getBlocks();
    if (!blocks)
      continue;
    auto whole = getLayout(matrix, blocks.getTiers().front().getRows());
    if (failed(whole))
      continue;
    bytes += whole->indexImage().size();
    if (!plan.isCut(number))
      continue;
    for (const WeightPart &part : plan.parts)
      if (part.matrix == number)
        if (auto slice = compression::rowsOf(*whole, part.begin, part.end))
          bytes += slice->indexImage().size();
  }
  return bytes;
}

SpillCost toisa::estimateExcess(const ProgramLayout &layout,
                                const SpillPlan &plan) {
  SpillCost cost;
  cost.spilledBytes = plan.spilledBytes;
  auto add = [&](int64_t needed, int64_t available) {
    cost.over += std::max<int64_t>(0, needed - available);
  };
  const auto &memories = layout.target.memories;
  add(countInstructions(layout, plan), memories.pmemInstructions);
  add(countIndexBytes(layout, plan), memories.imemBytes);
  int64_t views = llvm::count_if(
      layout.views, [&](const auto &view) { return !plan.isCut(view.matrix); });
  add(layout.matrices.size() + views + plan.findViews(layout).size(),
      ProgramLayout::kDescriptors);
  return cost;
}

double toisa::estimateCycles(const ProgramLayout &layout,
                             const SpillPlan &plan) {
  double cycles = 0;
  for (const Loop &loop : layout.loops)
    cycles += SpilledLoop(layout, plan, loop).cycles();
  return cycles;
}
