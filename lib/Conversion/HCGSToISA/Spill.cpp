// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which weights are spilled.

#include "Spill.h"

#include "ProgramLayout.h"
#include "hcgs/Compression/Layout.h"

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

/// The parts of a dense matrix of at most `limit` bytes each; nothing if they
/// cannot begin and end at bytes.
static std::optional<std::vector<WeightPart>>
cutMatrix(unsigned number, MatrixOp matrix, uint32_t rowBlock, int64_t limit) {
  const int64_t gates = matrix.getGates(), rows = matrix.getRows();
  const int64_t rowBits = matrix.getCols() * matrix.getWeights().getBits();
  std::vector<WeightPart> parts;
  auto add = [&](int64_t begin, int64_t end, int gate) {
    const int64_t first = compression::WeightLayout::accumulatorIndex(
                              std::max(gate, 0), begin, gates, rows, rowBlock) *
                          rowBits;
    const int64_t bits = (end - begin) * (gate < 0 ? gates : 1) * rowBits;
    // The filler of the last byte of the image is the end's own.
    const bool last = first + bits == gates * rows * rowBits;
    if (first % 8 != 0 || (bits % 8 != 0 && !last))
      return false;
    parts.push_back({.matrix = number,
                     .begin = uint32_t(begin),
                     .end = uint32_t(end),
                     .gate = gate,
                     .firstByte = first / 8,
                     .bytes = (bits + 7) / 8});
    return true;
  };
  // Eight rows end at a byte, however wide.
  const int64_t strip = limit * 8 / rowBits / 8 * 8;
  for (int64_t begin = 0; begin < rows; begin += rowBlock) {
    const int64_t end = std::min<int64_t>(begin + rowBlock, rows);
    if ((end - begin) * gates * rowBits <= limit * 8) {
      if (!add(begin, end, -1))
        return std::nullopt;
      continue;
    }
    if (strip == 0)
      return std::nullopt;
    for (int64_t gate = 0; gate < gates; ++gate)
      for (int64_t row = begin; row < end; row += strip)
        if (!add(row, std::min(row + strip, end), gate))
          return std::nullopt;
  }
  return parts;
}

/// Matrices that loops use and nothing else does, dense ones, by falling size.
static std::vector<unsigned> findCandidates(const ProgramLayout &layout) {
  std::vector<bool> outside(layout.matrices.size(), false);
  ProgramOp program = layout.program;
  for (auto mvm : program.getBody().front().getOps<MvmOp>())
    outside[layout.matrixNumber(mvm.getMatrix())] = true;
  std::vector<unsigned> candidates;
  for (auto [number, entry] : llvm::enumerate(layout.matrices)) {
    MatrixOp matrix = entry.second;
    if (matrix.isDense() && !outside[number] && layout.rowBlocks[number])
      candidates.push_back(number);
  }
  llvm::stable_sort(candidates, [&](unsigned a, unsigned b) {
    return imageBytes((layout.matrices.begin() + a)->second) >
           imageBytes((layout.matrices.begin() + b)->second);
  });
  return candidates;
}

SpillPlan SpillPlan::make(const ProgramLayout &layout) {
  const int64_t available = layout.target.memories.wmemBytes;
  int64_t total = 0;
  for (const auto &entry : layout.matrices)
    total += imageBytes(entry.second);
  if (total <= available || !layout.target.loadsWeights)
    return {};

  // Buffers that take a quarter of wmem together leave room for resident parts
  // and keep loads long; an instruction counts bytes in 24 bits.
  const int64_t limit =
      std::min<int64_t>(available / 8, (int64_t(1) << 24) - 1);
  SpillPlan plan;
  plan.firstPart.assign(layout.matrices.size(), -1);
  plan.offsets.assign(layout.matrices.size(), 0);
  int64_t uncut = total, cut = 0, room = 0;
  for (unsigned number : findCandidates(layout)) {
    MatrixOp matrix = (layout.matrices.begin() + number)->second;
    auto parts = cutMatrix(number, matrix, layout.rowBlocks[number], limit);
    if (!parts)
      continue;
    plan.firstPart[number] = 0;
    for (const WeightPart &part : *parts)
      plan.bufferBytes = std::max(plan.bufferBytes, part.bytes);
    llvm::append_range(plan.parts, *parts);
    uncut -= imageBytes(matrix);
    cut += imageBytes(matrix);
    room = available - uncut - kBuffers * plan.bufferBytes;
    if (room >= 0)
      break;
  }
  if (plan.parts.empty() || room < 0)
    return {};

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
  plan.residentBytes = uncut + resident;

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
