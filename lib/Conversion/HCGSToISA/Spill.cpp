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

/// The matrix that an entry of a loop multiplies by, if it is a product.
static std::optional<unsigned> matrixOf(const ProgramLayout &layout,
                                        const Loop &loop,
                                        const schedule::Entry &entry) {
  auto mvm = dyn_cast<MvmOp>(loop.model.sources[entry.operation].op);
  if (!mvm)
    return std::nullopt;
  return layout.matrixNumber(mvm.getMatrix());
}

/// For each loop and entry: whether an odd number of entries of the loop before
/// it use the same matrix. Empty if there is none.
static std::vector<std::vector<bool>> findTurns(const ProgramLayout &layout) {
  std::vector<std::vector<bool>> turns;
  bool any = false;
  for (const Loop &loop : layout.loops) {
    std::vector<bool> isOdd(layout.matrices.size(), false);
    turns.emplace_back();
    for (const schedule::Entry &entry : loop.entries) {
      const std::optional<unsigned> matrix = matrixOf(layout, loop, entry);
      turns.back().push_back(matrix && isOdd[*matrix]);
      any |= turns.back().back();
      if (matrix)
        isOdd[*matrix] = !isOdd[*matrix];
    }
  }
  return any ? turns : std::vector<std::vector<bool>>();
}

/// The same with those first whose rows are used the fewest times a step: gate
/// by gate, or column by column, rows may be loaded as often.
static std::vector<unsigned> sortByUses(const ProgramLayout &layout,
                                        std::vector<unsigned> candidates) {
  std::vector<double> uses(layout.matrices.size(), 0);
  for (const Loop &loop : layout.loops)
    for (const schedule::Entry &entry : loop.entries) {
      const schedule::Operation &operation =
          loop.model.problem.operations[entry.operation];
      if (std::optional<unsigned> matrix = matrixOf(layout, loop, entry))
        uses[*matrix] += double(entry.end - entry.begin) / operation.rows;
    }
  llvm::stable_sort(candidates,
                    [&](unsigned a, unsigned b) { return uses[a] < uses[b]; });
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

/// Those of `numbers` that can be cut, in their order.
static std::vector<Candidate>
cutAll(const ProgramLayout &layout, ArrayRef<unsigned> numbers, int64_t limit) {
  std::vector<Candidate> candidates;
  for (unsigned number : numbers) {
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
  return candidates;
}

/// How many of the candidates, from the first on, have to be kept in parts for
/// everything to fit `available` bytes, or all of them if `cutsAll`, and what
/// is left over then; nothing if that does not help. `bytes`: of all matrices.
static std::optional<std::pair<size_t, int64_t>>
countNeeded(ArrayRef<Candidate> candidates, int64_t bytes, int64_t available,
            bool cutsAll) {
  int64_t longest = 0;
  for (auto [index, candidate] : llvm::enumerate(candidates)) {
    bytes -= candidate.bytes;
    longest = std::max(longest, candidate.longest);
    if (cutsAll && index + 1 < candidates.size())
      continue;
    if (int64_t room = available - bytes - SpillPlan::kBuffers * longest;
        room >= 0)
      return std::make_pair(index + 1, room);
  }
  return std::nullopt;
}

/// Says through which buffer each spilled part comes, and what a step loads.
static void placeBuffers(const ProgramLayout &layout, SpillPlan &plan) {
  plan.bytesPerStep = 0;
  // Uses alternate between the buffers, in the order of the loops.
  std::vector<bool> assigned(plan.parts.size(), false);
  unsigned next = 0;
  for (const Loop &loop : layout.loops)
    for (unsigned index = 0; index < loop.entries.size(); ++index)
      for (unsigned part : plan.partsOf(layout, loop, index))
        if (plan.parts[part].spilled && !assigned[part]) {
          assigned[part] = true;
          plan.parts[part].buffer = next++ % SpillPlan::kBuffers;
        }
  for (const Loop &loop : layout.loops) {
    std::vector<int> uses;
    for (unsigned index = 0; index < loop.entries.size(); ++index)
      for (unsigned part : plan.partsOf(layout, loop, index))
        uses.push_back(part);
    BufferedLoads loads(plan, uses, /*repeats=*/true);
    for (size_t number = 0; number < uses.size(); ++number)
      if (int part = loads.after(number); part >= 0)
        plan.bytesPerStep += plan.parts[part].bytes;
  }
}

/// The plan that keeps the first few of `numbers`, or `all`, in parts of at
/// most `limit` bytes; nothing if that does not make `total` bytes fit.
/// `turns`: its `reversed`.
static std::optional<SpillPlan>
makePlan(const ProgramLayout &layout, ArrayRef<unsigned> numbers, int64_t total,
         int64_t limit, bool cutsAll,
         const std::vector<std::vector<bool>> &turns) {
  const int64_t available = layout.target.memories.wmemBytes;
  std::vector<Candidate> all = cutAll(layout, numbers, limit);
  // Some matrices cannot be cut so finely; they are kept in parts only if it
  // does not do without.
  std::vector<Candidate> candidates;
  llvm::copy_if(all, std::back_inserter(candidates),
                [&](const Candidate &c) { return c.longest <= limit; });
  auto needed = countNeeded(candidates, total, available, cutsAll);
  if (!needed) {
    candidates = std::move(all);
    needed = countNeeded(candidates, total, available, cutsAll);
  }
  if (!needed)
    return std::nullopt;

  SpillPlan plan;
  plan.reversed = turns;
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

  placeBuffers(layout, plan);
  return plan;
}

SpillPlan SpillPlan::make(const ProgramLayout &layout) {
  const int64_t available = layout.target.memories.wmemBytes;
  const int64_t total = weightBytes(layout);
  if (total <= available || !layout.target.loadsWeights)
    return {};
  std::vector<std::vector<unsigned>> orders = {findCandidates(layout)};
  if (std::vector<unsigned> byUses = sortByUses(layout, orders.front());
      byUses != orders.front())
    orders.push_back(std::move(byUses));

  // Long parts are few, and few instructions; short ones leave room for weights
  // that need no load. The fewer matrices are cut, the fewer instructions; the
  // more, the more evenly loads are spread. Going back and forth loads less,
  // but hands over rows in another order. Of equals the first: buffers of a
  // quarter of wmem together.
  using Turns = std::vector<std::vector<bool>>;
  std::vector<Turns> ways = {Turns()};
  if (Turns turns = findTurns(layout); !turns.empty())
    ways.push_back(std::move(turns));
  std::optional<SpillPlan> best;
  std::optional<SpillCost> least;
  auto consider = [&](ArrayRef<unsigned> order, int64_t limit, bool cutsAll,
                      const Turns &turns) {
    std::optional<SpillPlan> plan =
        makePlan(layout, order, total, limit, cutsAll, turns);
    if (!plan)
      return;
    SpillCost cost = estimateExcess(layout, *plan);
    // Then cycles, which take the time to find, do not matter.
    if (least && cost.over > least->over)
      return;
    cost.cyclesPerStep = estimateCycles(layout, *plan);
    if (least && !(cost < *least))
      return;
    best = std::move(plan);
    least = cost;
  };
  for (const Turns &turns : ways)
    for (int64_t share : {8, 4, 16, 32, 64})
      for (ArrayRef<unsigned> order : orders)
        for (bool cutsAll : {false, true})
          consider(order, available / share, cutsAll, turns);
  // The shortest parts there are.
  if (!best)
    for (const Turns &turns : ways)
      for (ArrayRef<unsigned> order : orders)
        consider(order, /*limit=*/0, /*cutsAll=*/false, turns);
  return best ? std::move(*best) : SpillPlan();
}

int64_t SpillPlan::weightBytes(const ProgramLayout &layout) {
  int64_t total = 0;
  for (const auto &entry : layout.matrices)
    total += imageBytes(entry.second);
  return total;
}

LeastBytes SpillPlan::leastBytes(const ProgramLayout &layout) {
  int64_t rest = weightBytes(layout);
  LeastBytes least = {.resident = rest};
  std::optional<WeightPart> longest;
  for (const Candidate &candidate :
       cutAll(layout, findCandidates(layout), /*limit=*/0)) {
    rest -= candidate.bytes;
    for (const WeightPart &part : candidate.parts)
      if (!longest || part.bytes > longest->bytes)
        longest = part;
    if (rest + kBuffers * longest->bytes < least.resident + least.buffers)
      least = {rest, kBuffers * longest->bytes, longest};
  }
  return least;
}

std::vector<unsigned> SpillPlan::partsOf(const ProgramLayout &layout,
                                         const Loop &loop,
                                         unsigned index) const {
  if (!any())
    return {};
  const schedule::Entry &entry = loop.entries[index];
  const std::optional<unsigned> matrix = matrixOf(layout, loop, entry);
  if (!matrix || !isCut(*matrix))
    return {};
  std::vector<unsigned> result;
  for (size_t i = firstPart[*matrix];
       i < parts.size() && parts[i].matrix == *matrix; ++i) {
    const WeightPart &part = parts[i];
    const bool hasGate =
        part.gate < 0 || !entry.gates || (entry.gates >> part.gate & 1);
    if (hasGate && part.begin < entry.end && entry.begin < part.end)
      result.push_back(i);
  }
  if (!reversed.empty() && reversed[&loop - layout.loops.data()][index])
    std::reverse(result.begin(), result.end());
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
    for (auto [index, entry] : llvm::enumerate(loop.entries))
      for (unsigned part : partsOf(layout, loop, index))
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
