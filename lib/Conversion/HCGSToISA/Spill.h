// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights that wmem does not hold all the time: which, and where the others
// make room for them.
//
// Matrices of time loops are kept in *parts*: row blocks, or runs of rows of
// one row block where these are large; of one gate if the matrix is dense, of
// all gates if it is compressed, as rows lie in its image. As many parts as fit
// stay in wmem; the others are spilled to ext and come through two buffers
// behind the resident weights, one being read by the matrix unit while the load
// unit fills the other:
//
//     wmem   | whole matrices | resident parts | buffer 0 | buffer 1 |
//
//     matrix     part 0 (buffer 0)    part 1 (1)      part 2 (resident) ...
//     load       part 1 (buffer 1)    part 3 (0)      ...
//
// Weights do not change, so a load belongs to no time step: wherever a part is
// used, it is loaded into its buffer as soon as the use of that buffer before
// it was issued. The hazard rules (T-H-1) order the rest.
//
#ifndef HCGS_LIB_CONVERSION_HCGSTOISA_SPILL_H
#define HCGS_LIB_CONVERSION_HCGSTOISA_SPILL_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace hcgs::schedule {
struct Entry;
}

namespace hcgs::toisa {

class ProgramLayout;
struct Loop;

/// Rows begin .. end-1 of a matrix: whole row blocks of all gates, or rows of
/// one row block.
struct WeightPart {
  unsigned matrix;
  uint32_t begin, end;
  int gate; // -1: all
  /// Bytes of the matrix's image.
  int64_t firstByte, bytes;
  /// It has rows of a higher row block, of several gates. Their accumulators do
  /// not lie side by side (WI-A-1), so each gate takes an instruction.
  bool byGate = false;
  bool spilled = true;
  /// Which buffer it is loaded to.
  unsigned buffer = 0;
};

/// The parts of a matrix whose row blocks are `rowBlock` rows high, of at most
/// `limit` bytes each where rows can be cut so finely; nothing if parts cannot
/// be had, or not of a length that an instruction can load.
std::optional<std::vector<WeightPart>> cutMatrix(unsigned number,
                                                 flow::MatrixOp matrix,
                                                 uint32_t rowBlock,
                                                 int64_t limit);

/// What a descriptor shows of a part: columns that are used at a time (0, 0:
/// all), and the gate whose biases it names, or -1.
struct PartView {
  unsigned part;
  uint32_t colBegin, colEnd;
  int gate;
  bool operator==(const PartView &) const = default;
};

/// The fewest bytes that spilled weights leave in wmem: of matrices that stay
/// resident, and of two buffers. All bytes and 0 if nothing can be spilled.
struct LeastBytes {
  int64_t resident = 0, buffers = 0;
  /// What the buffers have to hold: of the shortest parts the longest.
  std::optional<WeightPart> longest;
};

struct SpillPlan {
  static constexpr unsigned kBuffers = 2;

  /// Decides what is spilled: of a few plans, the one that takes the fewest
  /// cycles a step. Nothing if all weights fit, if the target cannot load
  /// weights, or if even this does not make them fit: then images are too
  /// large, which is reported where they are made.
  static SpillPlan make(const ProgramLayout &layout);
  /// Bytes of the images of all matrices.
  static int64_t weightBytes(const ProgramLayout &layout);
  /// How little wmem would do, whether or not the target can load weights.
  static LeastBytes leastBytes(const ProgramLayout &layout);

  bool any() const { return !parts.empty(); }
  bool isCut(unsigned matrix) const { return any() && firstPart[matrix] >= 0; }

  /// Parts of the matrices that are cut, by matrix and place in the image.
  std::vector<WeightPart> parts;
  /// By matrix: its first part, or -1; and the byte of its image in the spill
  /// section.
  std::vector<int> firstPart;
  std::vector<int64_t> offsets;
  /// Bytes of the resident weights, and of each buffer behind them.
  int64_t residentBytes = 0, bufferBytes = 0;
  /// Bytes of spilled parts, and how many a time step loads.
  int64_t spilledBytes = 0, bytesPerStep = 0;

  /// By loop and entry, or empty: whether it goes through the parts from the
  /// last to the first. If every second entry that uses a matrix does, it finds
  /// those in the buffers that the one before used last.
  std::vector<std::vector<bool>> reversed;

  /// Where a spilled part is loaded to.
  int64_t place(const WeightPart &part) const {
    return residentBytes + part.buffer * bufferBytes;
  }
  /// Whether that is beyond the reach of offsets (S-R-2), so that a register
  /// has to be set.
  bool isFar(const WeightPart &part) const {
    return place(part) >= int64_t(1) << 19;
  }
  /// Of a spilled part: the load, and what sets its registers.
  unsigned instructionsOfLoad(const WeightPart &part) const {
    return isFar(part) ? 3 : 2;
  }
  /// The parts that entry `index` of a loop uses, in their order; none if it is
  /// not the product of a matrix that is cut.
  std::vector<unsigned> partsOf(const ProgramLayout &layout, const Loop &loop,
                                unsigned index) const;
  /// The view through which an entry uses a gate of a part.
  PartView viewOf(const ProgramLayout &layout, unsigned part,
                  const schedule::Entry &entry, unsigned gate) const;
  /// All views of parts that the loops use.
  std::vector<PartView> findViews(const ProgramLayout &layout) const;
};

/// What a plan costs. Less is better.
struct SpillCost {
  /// By how much it exceeds what there is: descriptors, bytes of imem and
  /// instructions. 0 if it fits.
  int64_t over = 0;
  /// Of all loops, as estimated with the loads.
  double cyclesPerStep = 0;
  int64_t spilledBytes = 0;
  auto operator<=>(const SpillCost &) const = default;
};
/// Its `over` and `spilledBytes`, which take little time.
SpillCost estimateExcess(const ProgramLayout &layout, const SpillPlan &plan);
/// Its `cyclesPerStep`: replays the loops with the parts and loads of a plan.
double estimateCycles(const ProgramLayout &layout, const SpillPlan &plan);
/// Instructions of the whole program with the parts and loads of a plan: those
/// that will be emitted.
uint64_t countInstructions(const ProgramLayout &layout, const SpillPlan &plan);

/// Spilled parts that a list of uses loads, in turn for each buffer.
class BufferedLoads {
public:
  /// `uses`: for each use a part, or -1. A list that `repeats` is entered with
  /// its first parts in the buffers, and leaves them there.
  BufferedLoads(const SpillPlan &plan, llvm::ArrayRef<int> uses, bool repeats);

  /// What has to be loaded before the first use.
  std::vector<unsigned> before() const;
  /// What can be loaded once use `number` was issued; -1: nothing.
  int after(unsigned number);

private:
  /// The first part of a buffer that a use from `from` on needs, or -1.
  int next(unsigned buffer, size_t from) const;

  const SpillPlan &plan;
  llvm::ArrayRef<int> uses;
  bool repeats;
  int loaded[SpillPlan::kBuffers];
};

} // namespace hcgs::toisa

#endif // HCGS_LIB_CONVERSION_HCGSTOISA_SPILL_H
