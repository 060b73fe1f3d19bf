// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which weights are spilled.

#include "Spill.h"

#include "ProgramLayout.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <optional>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;

/// Bytes of the image of a matrix.
static int64_t imageBytes(MatrixOp matrix) {
  return (matrix.getNumCodes() * matrix.getWeights().getBits() + 7) / 8;
}

/// Matrices that loops use and nothing else does, by falling size.
static std::vector<unsigned> findCandidates(const ProgramLayout &layout) {
  std::vector<bool> outside(layout.matrices.size(), false);
  ProgramOp program = layout.program;
  for (auto mvm : program.getBody().front().getOps<MvmOp>())
    outside[layout.matrixNumber(mvm.getMatrix())] = true;
  std::vector<unsigned> candidates;
  for (unsigned number = 0; number < layout.matrices.size(); ++number)
    if (!outside[number] && layout.rowBlocks[number])
      candidates.push_back(number);
  llvm::stable_sort(candidates, [&](unsigned a, unsigned b) {
    return imageBytes((layout.matrices.begin() + a)->second) >
           imageBytes((layout.matrices.begin() + b)->second);
  });
  return candidates;
}

namespace {
/// A matrix that can be kept in parts.
struct Candidate {
  unsigned matrix;
  std::vector<WeightPart> parts;
  int64_t bytes, longest;
};
} // namespace

/// How many of the candidates, from the first on, have to be kept in parts for
/// everything to fit `available` bytes, and what is left over then; nothing if
/// that does not help. `bytes`: of all matrices.
static std::optional<std::pair<size_t, int64_t>>
countNeeded(ArrayRef<Candidate> candidates, int64_t bytes, int64_t available) {
  int64_t longest = 0;
  for (auto [index, candidate] : llvm::enumerate(candidates)) {
    bytes -= candidate.bytes;
    longest = std::max(longest, candidate.longest);
    if (int64_t room = available - bytes - SpillPlan::kBuffers * longest;
        room >= 0)
      return std::make_pair(index + 1, room);
  }
  return std::nullopt;
}

SpillPlan SpillPlan::make(const ProgramLayout &layout) {
  const int64_t available = layout.target.memories.wmemBytes;
  int64_t total = 0;
  for (const auto &entry : layout.matrices)
    total += imageBytes(entry.second);
  if (total <= available || !layout.target.loadsWeights)
    return {};

  // Buffers that take a quarter of wmem together leave room for resident parts
  // and keep loads long. Some matrices cannot be cut so finely; they are kept
  // in parts only if it does not do without.
  const int64_t limit = available / 8;
  std::vector<Candidate> candidates;
  for (unsigned number : findCandidates(layout)) {
    MatrixOp matrix = (layout.matrices.begin() + number)->second;
    auto parts = cutMatrix(number, matrix, layout.rowBlocks[number], limit);
    if (!parts)
      continue;
    int64_t longest = 0;
    for (const WeightPart &part : *parts)
      longest = std::max(longest, part.bytes);
    candidates.push_back(
        {number, std::move(*parts), imageBytes(matrix), longest});
  }
  std::vector<Candidate> all = candidates;
  llvm::erase_if(candidates, [&](const Candidate &candidate) {
    return candidate.longest > limit;
  });
  auto needed = countNeeded(candidates, total, available);
  if (!needed) {
    candidates = std::move(all);
    needed = countNeeded(candidates, total, available);
  }
  if (!needed)
    return {};

  SpillPlan plan;
  plan.firstPart.assign(layout.matrices.size(), -1);
  plan.offsets.assign(layout.matrices.size(), 0);
  const int64_t room = needed->second;
  int64_t cut = 0;
  candidates.resize(needed->first);
  for (const Candidate &candidate : candidates) {
    plan.firstPart[candidate.matrix] = 0;
    plan.bufferBytes = std::max(plan.bufferBytes, candidate.longest);
    llvm::append_range(plan.parts, candidate.parts);
    cut += candidate.bytes;
  }

  llvm::stable_sort(plan.parts, [](const WeightPart &a, const WeightPart &b) {
    return a.matrix < b.matrix;
  });
  int64_t offset = 0;
  for (auto [number, entry] : llvm::enumerate(layout.matrices)) {
    if (plan.firstPart[number] < 0)
      continue;
    plan.offsets[number] = offset;
    offset += imageBytes(entry.second);
    plan.firstPart[number] =
        llvm::find_if(plan.parts,
                      [&, n = number](const WeightPart &part) {
                        return part.matrix == n;
                      }) -
        plan.parts.begin();
  }
  // Resident parts, spread evenly between those that have to be loaded.
  int64_t seen = 0, resident = 0;
  for (WeightPart &part : plan.parts) {
    seen += part.bytes;
    if (resident + part.bytes <= room &&
        double(resident + part.bytes) <= double(seen) * double(room) / cut) {
      part.spilled = false;
      resident += part.bytes;
    } else {
      plan.spilledBytes += part.bytes;
    }
  }
  plan.residentBytes = total - cut + resident;

  // Uses alternate between the buffers, in the order of the loops.
  std::vector<bool> assigned(plan.parts.size(), false);
  unsigned next = 0;
  for (const Loop &loop : layout.loops)
    for (const schedule::Entry &entry : loop.entries)
      for (unsigned part : plan.partsOf(layout, loop, entry))
        if (plan.parts[part].spilled && !assigned[part]) {
          assigned[part] = true;
          plan.parts[part].buffer = next++ % kBuffers;
        }
  for (const Loop &loop : layout.loops) {
    std::vector<int> uses;
    for (const schedule::Entry &entry : loop.entries)
      for (unsigned part : plan.partsOf(layout, loop, entry))
        uses.push_back(part);
    BufferedLoads loads(plan, uses, /*repeats=*/true);
    for (size_t number = 0; number < uses.size(); ++number)
      if (int part = loads.after(number); part >= 0)
        plan.bytesPerStep += plan.parts[part].bytes;
  }
  return plan;
}

std::vector<unsigned> SpillPlan::partsOf(const ProgramLayout &layout,
                                         const Loop &loop,
                                         const schedule::Entry &entry) const {
  auto mvm = dyn_cast<MvmOp>(loop.model.sources[entry.operation].op);
  if (!any() || !mvm)
    return {};
  const unsigned matrix = layout.matrixNumber(mvm.getMatrix());
  std::vector<unsigned> result;
  if (!isCut(matrix))
    return result;
  for (size_t i = firstPart[matrix];
       i < parts.size() && parts[i].matrix == matrix; ++i) {
    const WeightPart &part = parts[i];
    const bool hasGate =
        part.gate < 0 || !entry.gates || (entry.gates >> part.gate & 1);
    if (hasGate && part.begin < entry.end && entry.begin < part.end)
      result.push_back(i);
  }
  return result;
}

PartView SpillPlan::viewOf(const ProgramLayout &layout, unsigned part,
                           const schedule::Entry &entry, unsigned gate) const {
  const bool namesGate =
      parts[part].byGate && layout.biasOf[parts[part].matrix] >= 0;
  return {part, entry.colBegin, entry.colEnd, namesGate ? int(gate) : -1};
}

std::vector<PartView> SpillPlan::findViews(const ProgramLayout &layout) const {
  std::vector<PartView> views;
  for (const Loop &loop : layout.loops)
    for (const schedule::Entry &entry : loop.entries)
      for (unsigned part : partsOf(layout, loop, entry))
        for (unsigned gate = 0;
             gate < loop.model.problem.operations[entry.operation].gates;
             ++gate) {
          if (entry.gates && !(entry.gates >> gate & 1))
            continue;
          PartView view = viewOf(layout, part, entry, gate);
          if (!llvm::is_contained(views, view))
            views.push_back(view);
        }
  return views;
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

BufferedLoads::BufferedLoads(const SpillPlan &plan, ArrayRef<int> uses,
                             bool repeats)
    : plan(plan), uses(uses), repeats(repeats) {
  for (unsigned buffer = 0; buffer < SpillPlan::kBuffers; ++buffer)
    loaded[buffer] = next(buffer, 0);
}

int BufferedLoads::next(unsigned buffer, size_t from) const {
  for (size_t use = from; use < uses.size(); ++use)
    if (uses[use] >= 0 && plan.parts[uses[use]].spilled &&
        plan.parts[uses[use]].buffer == buffer)
      return uses[use];
  return -1;
}

std::vector<unsigned> BufferedLoads::before() const {
  std::vector<unsigned> result;
  for (unsigned buffer = 0; buffer < SpillPlan::kBuffers; ++buffer)
    if (int part = next(buffer, 0); part >= 0)
      result.push_back(part);
  return result;
}

int BufferedLoads::after(unsigned number) {
  if (uses[number] < 0 || !plan.parts[uses[number]].spilled)
    return -1;
  const unsigned buffer = plan.parts[uses[number]].buffer;
  int part = next(buffer, number + 1);
  if (part < 0 && repeats)
    part = next(buffer, 0);
  if (part < 0 || part == loaded[buffer])
    return -1;
  loaded[buffer] = part;
  return part;
}
