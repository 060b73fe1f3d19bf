// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The data that a network is analysed on: arrays by input name, as calibration
// takes them, cut into groups of rows.
//
#ifndef HCGS_LIB_ANALYSIS_DATA_H
#define HCGS_LIB_ANALYSIS_DATA_H

#include "Executor.h"
#include "hcgs/Sim/LoadedProgram.h"
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// Where the elements of a slice of a tensor are: frame t of row b, element f
/// at base + t * time + b * batch + f * feature.
struct SliceStrides {
  int64_t base = 0, time = 0, batch = 0, feature = 0;
};
SliceStrides stridesOf(const sim::TensorInfo &tensor,
                       const std::vector<int64_t> &shape, int64_t index);

class DataSet {
public:
  /// Finds the inputs of the program in `arrays`: by name; the only sequence
  /// also as `x` or as the array of a .npy; states that are missing are zero.
  /// Errors begin with `name`. The arrays must outlive the data set.
  static Result<DataSet> bind(const sim::LoadedProgram &program,
                              const NpzArrays &arrays, const std::string &name);

  int64_t rows() const { return numRows; }
  const std::vector<int64_t> &lengths() const { return allLengths; }

  /// Rows first, first + 1, ... of a group.
  Group group(int64_t first) const;
  /// Their inputs as the simulator takes them, in the order of the program.
  NpzArrays slice(int64_t first, const Group &group) const;

private:
  struct Input {
    const sim::TensorInfo *info = nullptr;
    const NpyArray *array = nullptr; // null: zeros
    std::vector<int64_t> shape;      // with all axes
  };

  std::vector<Input> inputs;
  int64_t numRows = 1, numSteps = 1;
  std::vector<int64_t> allLengths;
};

} // namespace hcgs::analysis

#endif // HCGS_LIB_ANALYSIS_DATA_H
