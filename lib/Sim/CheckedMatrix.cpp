// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checked mode of mvm: the true sums, in 64 bits, lane by lane.
//
#include "Executor.h"

#include <vector>

using namespace hcgs;
using namespace hcgs::sim;

/// The sum of products of one lane of a group.
static int64_t laneSum(const PackedMatrix &matrix,
                       const PackedMatrix::Group &group, size_t lanes,
                       size_t lane, const int16_t *x) {
  int64_t sum = 0;
  size_t weight = group.weight + 2 * lane;
  for (uint32_t entry = 0; entry < group.entries; ++entry)
    for (unsigned pair = 0; pair < matrix.entryColumns(); pair += 2) {
      for (unsigned c = 0; c < 2; ++c) {
        const int64_t code = matrix.isNarrow()
                                 ? matrix.narrowWeights()[weight + c]
                                 : matrix.wideWeights()[weight + c];
        if (code != 0) // padding may lie past the input
          sum += code * x[matrix.entries()[group.entry + entry] + pair + c];
      }
      weight += 2 * lanes;
    }
  return sum;
}

bool Executor::checkMatrix(size_t pc, const DecodedInstruction &inst,
                           const MatrixPlan &plan, const PackedMatrix &matrix,
                           const Extent &dst, const int16_t *x,
                           const int32_t *out) {
  for (size_t g = plan.firstGroup; g < plan.lastGroup; ++g) {
    const PackedMatrix::Group &group = matrix.groups()[g];
    const PackedMatrix::Shape &shape = matrix.shapes()[group.shape];
    for (const PackedMatrix::Piece &piece : shape.pieces)
      for (uint32_t i = 0; i < piece.count; ++i) {
        const int64_t position =
            int64_t(group.base) + piece.offset + i - plan.base;
        const int64_t at = place(dst, position);
        const size_t lane = piece.lane + i;
        const int64_t product =
            laneSum(matrix, group, shape.lanes, lane, x) *
            (int64_t(1) << plan.laneShifts[group.shape * kMaxLanes + lane]);
        int64_t start = 0;
        if (inst.init == isa::Init::Acc) {
          if (!readAccumulators(pc, "dst", {at, 1, 0, 0}))
            return false;
          start = out[position];
        } else if (inst.init == isa::Init::Bias) {
          start = plan.bias[group.base + piece.offset + i];
        }
        if (overflows(pc, at, product) || overflows(pc, at, start + product))
          return false;
        machine.amemWritten[at] = 1;
      }
  }
  return true;
}
