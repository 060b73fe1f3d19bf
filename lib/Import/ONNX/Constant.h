// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values known at compile time: weights, which can be large and stay where they
// were read, and the small integers that shapes are computed with.

#ifndef HCGS_LIB_IMPORT_ONNX_CONSTANT_H
#define HCGS_LIB_IMPORT_ONNX_CONSTANT_H

#include "Dim.h"

#include "llvm/ADT/ArrayRef.h"
#include <memory>
#include <string>
#include <vector>

namespace hcgs::frontend {

/// Floats and whatever keeps them in memory: the bytes of the protobuf, a
/// mapped file, or a vector.
struct FloatBuffer {
  const float *data = nullptr;
  size_t size = 0;
  std::shared_ptr<const void> owner;
  /// Where the numbers come from, for messages and resource names.
  std::string name;

  llvm::ArrayRef<float> get() const { return {data, size}; }

  /// A buffer that owns `values`.
  static FloatBuffer own(std::vector<float> values, std::string name);
};

/// A tensor known at compile time. On an axis where all entries are equal
/// (after ConstantOfShape or Expand) only one is stored, so that such axes can
/// be long or of dynamic length: `stored[i]` is 1 or the constant `shape[i]`.
struct Constant {
  enum class Kind { Float, Int, Bool };

  Kind kind = Kind::Float;
  llvm::SmallVector<Dim> shape;
  llvm::SmallVector<int64_t> stored;
  /// Row-major entries over `stored`: floats of kind Float, else `ints`.
  FloatBuffer floats;
  std::vector<Dim> ints;

  size_t getRank() const { return shape.size(); }
  bool isFloat() const { return kind == Kind::Float; }

  /// Number of stored entries.
  int64_t getNumStored() const;

  /// True if every axis is stored in full.
  bool isFullyStored() const;

  /// True if all entries are the same one.
  bool isSplat() const { return getNumStored() == 1; }

  /// True if all entries are zero (either sign).
  bool isZero() const;

  /// The entries of an integer or a list of integers; nothing for anything
  /// else.
  std::optional<std::vector<Dim>> getIntList() const;

  /// Lengths of the axes; only for a constant that is fully stored.
  llvm::ArrayRef<int64_t> getStaticShape() const { return stored; }

  static Constant fromInts(std::vector<Dim> values,
                           llvm::ArrayRef<int64_t> shape,
                           Kind kind = Kind::Int);
  static Constant fromFloats(FloatBuffer values, llvm::ArrayRef<int64_t> shape);
};

/// Product of `shape`; nothing if it leaves 63 bits.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_CONSTANT_H
