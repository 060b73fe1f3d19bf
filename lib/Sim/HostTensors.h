// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the tensors of a host and the streams of a machine: shapes (L-IO),
// and codes for values.
//
#ifndef HCGS_LIB_SIM_HOSTTENSORS_H
#define HCGS_LIB_SIM_HOSTTENSORS_H

#include "hcgs/Sim/Machine.h"
#include "hcgs/Sim/Runner.h"
#include "hcgs/Support/Npy.h"

#include <array>
#include <cstdint>
#include <vector>

namespace hcgs::sim {

/// The elements of one part of a tensor: frame t of row b starts at
/// base + t * time + b * batch; feature f is f * feature further on.
struct PartGeometry {
  const TensorPart *part = nullptr;
  int64_t base = 0, time = 0, batch = 0, feature = 0;
};

/// One input array with the place of every part in it.
struct BoundInput {
  const TensorInfo *info = nullptr;
  const NpyArray *array = nullptr;
  std::vector<PartGeometry> parts;
};

/// The inputs of one call, with its common sizes.
struct Batch {
  std::vector<BoundInput> inputs;
  int64_t rows = 1;
  int64_t steps = 1;            // of the time axis
  std::vector<int64_t> lengths; // of each row
};

/// Whether `arrays` is one array without a name (an .npy) that can only be the
/// program's one input.
bool isSingleUnnamed(const LoadedProgram &program, const NpzArrays &arrays);

/// Finds the arrays that the entries in `entries` (all of a call) take, checks
/// their types and shapes, and finds rows and lengths. `rows` is what a state
/// demands, or 0.
Result<Batch> bindInputs(const LoadedProgram &program,
                         const std::vector<Entry> &entries,
                         const NpzArrays &arrays, const RunOptions &options);

/// Fills the streams that `entry` reads with the codes of one row, in the place
/// `place` of those that the program computes together. The machine is prepared
/// for lengths[row] steps, or 1 if the entry takes no frames.
Result<void> fillStreams(Machine &machine, Entry entry, const Batch &batch,
                         int64_t row, unsigned place, bool codes);

/// Zeros for every output `entry` stores.
NpzArrays makeOutputs(const LoadedProgram &program, Entry entry,
                      const Batch &batch, bool codes);

/// Puts what one row, in the place `place`, has stored into the outputs.
void readStreams(Machine &machine, Entry entry, const Batch &batch, int64_t row,
                 unsigned place, bool codes, NpzArrays &outputs);

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_HOSTTENSORS_H
