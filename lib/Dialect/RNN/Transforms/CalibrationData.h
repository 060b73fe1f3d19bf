// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calibration data: which files it is, and what is in one of them. Files are
// opened one at a time; those in `.npy` format are read where they lie, so that
// data can be larger than memory.

#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_CALIBRATIONDATA_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_CALIBRATIONDATA_H

#include "hcgs/Dialect/RNN/Transforms/CalibrationFiles.h"
#include "hcgs/Support/MappedNpy.h"
#include "hcgs/Support/Result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hcgs::rnn {

/// The arrays of one file. The one of a `.npy` has an empty name.
class CalibrationBatch {
public:
  static Result<CalibrationBatch> open(const std::string &path);

  /// Null if there is none of this name.
  const ArrayReader *find(std::string_view name) const;
  const std::vector<std::pair<std::string, ArrayReader>> &arrays() const {
    return theArrays;
  }

private:
  std::vector<std::pair<std::string, ArrayReader>> theArrays;
};

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_CALIBRATIONDATA_H
