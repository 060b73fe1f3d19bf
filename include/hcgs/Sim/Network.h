// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a host needs to know of a program's metadata (PF-6, L-IO): the tensors
// that go in and out, and the streams that carry them.
//
#ifndef HCGS_SIM_NETWORK_H
#define HCGS_SIM_NETWORK_H

#include "hcgs/Numerics/FixedPoint.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hcgs::sim {

enum class AxisKind : uint8_t { Time, Batch, Feature, Layer, Direction, One };
std::string_view getName(AxisKind axis);

/// L-IO-1.
struct Axis {
  AxisKind kind = AxisKind::One;
  std::optional<int64_t> size; // none: free
};

/// L-IO-2: the slice of a tensor that one stream carries.
struct TensorPart {
  uint32_t stream = 0;
  std::optional<int64_t> index; // along the layer or direction axis
  uint32_t width = 0;           // elements of a frame
  bool sequence = false;        // a frame each time step, or one in all
  numerics::FxFormat format;
};

struct TensorInfo {
  std::string name;
  std::vector<Axis> dims;
  std::vector<TensorPart> parts;

  /// The position of an axis, if the tensor has it.
  std::optional<size_t> find(AxisKind kind) const;
  /// "[time, batch, feature 20]".
  std::string describe() const;
};

/// PF-6 `streams`.
struct StreamInfo {
  enum class Direction : uint8_t { In, Out, Scratch };
  std::string name;
  bool step = true; // a frame each time step
  /// S-T-3: the spilled weights, which no tensor carries.
  bool weights = false;
  Direction direction = Direction::In;
  uint32_t elements = 0;
  /// Of a program that computes several batch rows together: the row it
  /// belongs to.
  uint32_t row = 0;
};

struct NetworkInfo {
  std::vector<TensorInfo> inputs, outputs;
  std::vector<StreamInfo> streams;
  /// Batch rows that one call computes together.
  uint32_t rows = 1;
  /// copies[row][stream of row 0]: the stream that holds the same of that row.
  std::vector<std::vector<uint32_t>> copies;
  std::optional<int64_t> time;
  std::string noStep;
};

/// Reads what the metadata says and checks it against itself. A program without
/// `network` (assembled by hand) has one tensor for each in or out stream, of
/// the stream's name, with codes as values: [time, feature] or [feature].
Result<NetworkInfo> parseNetwork(const nlohmann::json &metadata);

} // namespace hcgs::sim

#endif // HCGS_SIM_NETWORK_H
