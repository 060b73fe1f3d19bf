// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights that wmem does not hold all the time: which, and where the others
// make room for them.
//
// Matrices of time loops are kept in *parts*: row blocks; of a dense matrix,
// where these are large, runs of rows of one gate; of a compressed one as many
// row blocks as make a matrix of its own. As many parts as fit stay in wmem;
// the others are spilled to ext and come through two buffers behind the
// resident weights, one being read by the matrix unit while the load unit fills
// the other:
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

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace hcgs::schedule {
struct Entry;
}

namespace hcgs::toisa {

class ProgramLayout;
struct Loop;

/// Rows begin .. end-1 of a matrix: of one gate, rows of one row block; or of
/// all gates, whole row blocks.
struct WeightPart {
  unsigned matrix;
  uint32_t begin, end;
  int gate; // -1: all
  /// Bytes of the matrix's image.
  int64_t firstByte, bytes;
  bool spilled = true;
  /// Which buffer it is loaded to.
  unsigned buffer = 0;
};

struct SpillPlan {
  static constexpr unsigned kBuffers = 2;

  /// Decides what is spilled. Nothing if all weights fit, if the target cannot
  /// load weights, or if even this does not make them fit: then images are too
  /// large, which is reported where they are made.
  static SpillPlan make(const ProgramLayout &layout);

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

  /// Where a spilled part is loaded to.
  int64_t place(const WeightPart &part) const {
    return residentBytes + part.buffer * bufferBytes;
  }
  /// The parts that an entry of a loop uses, in their order; none if it is not
  /// the product of a matrix that is cut.
  std::vector<unsigned> partsOf(const ProgramLayout &layout, const Loop &loop,
                                const schedule::Entry &entry) const;
};

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
