// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mask files: a .npz with a 0/1 array `<node>.W` or `<node>.R` for each matrix
// that has a mask, of the shape of one gate, of all gates stacked, or, for a
// bidirectional node, of both directions stacked.
//
#ifndef HCGS_LIB_DIALECT_RNN_TRANSFORMS_MASKFILE_H
#define HCGS_LIB_DIALECT_RNN_TRANSFORMS_MASKFILE_H

#include "hcgs/Support/Npy.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hcgs::rnn {

/// The mask of one matrix, as a stack of gates of rows x cols entries that are
/// 0 or 1. One gate stands for all of them.
struct Mask {
  std::vector<uint8_t> entries;
  int64_t gates = 1, rows = 0, cols = 0;
};

/// The matrix that a mask is wanted for.
struct MaskedMatrix {
  std::string node;
  std::string name; // "W", "R"
  int64_t gates = 1, rows = 0, cols = 0;
  /// Directions of the node, and which of them this is.
  int64_t directions = 1, direction = 0;
};

class MaskFile {
public:
  /// Reads `path`. Errors name the file.
  static Result<MaskFile> read(const std::string &path);

  /// The mask of a matrix; nothing if the file has none. An error if it has
  /// another shape or holds anything but 0 and 1.
  Result<std::optional<Mask>> find(const MaskedMatrix &matrix) const;

  /// An error if an array is for none of `names` ("lstm.W").
  Result<void> checkNames(const std::set<std::string> &names) const;

private:
  std::string path;
  NpzArrays arrays;
};

} // namespace hcgs::rnn

#endif // HCGS_LIB_DIALECT_RNN_TRANSFORMS_MASKFILE_H
