// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values known at compile time.

#include "Constant.h"

#include <utility>

using namespace hcgs::frontend;

std::optional<int64_t>
hcgs::frontend::countElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    if (__builtin_mul_overflow(count, dim, &count))
      return std::nullopt;
  return count;
}

FloatBuffer FloatBuffer::own(std::vector<float> values, std::string name) {
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  FloatBuffer buffer;
  buffer.data = owner->data();
  buffer.size = owner->size();
  buffer.owner = owner;
  buffer.name = std::move(name);
  return buffer;
}

int64_t Constant::getNumStored() const {
  int64_t count = 1;
  for (int64_t dim : stored)
    count *= dim;
  return count;
}

bool Constant::isFullyStored() const {
  for (auto [full, kept] : llvm::zip_equal(shape, stored))
    if (!full.isStatic(kept))
      return false;
  return true;
}

bool Constant::isZero() const {
  if (isFloat())
    return llvm::all_of(floats.get(), [](float v) { return v == 0.0f; });
  return llvm::all_of(ints, [](const Dim &v) { return v.isStatic(0); });
}

std::optional<std::vector<Dim>> Constant::getIntList() const {
  // Longest list of axes, lengths or indices that makes sense.
  constexpr int64_t kLongest = 4096;
  if (kind != Kind::Int || getRank() > 1)
    return std::nullopt;
  if (isFullyStored())
    return ints;
  if (!shape[0].isStatic() || shape[0].getCoefficient() > kLongest)
    return std::nullopt;
  return std::vector<Dim>(shape[0].getCoefficient(), ints.front());
}

Constant Constant::fromInts(std::vector<Dim> values,
                            llvm::ArrayRef<int64_t> shape, Kind kind) {
  Constant constant;
  constant.kind = kind;
  constant.shape.append(shape.begin(), shape.end());
  constant.stored.append(shape.begin(), shape.end());
  constant.ints = std::move(values);
  return constant;
}

Constant Constant::fromFloats(FloatBuffer values,
                              llvm::ArrayRef<int64_t> shape) {
  Constant constant;
  constant.shape.append(shape.begin(), shape.end());
  constant.stored.append(shape.begin(), shape.end());
  constant.floats = std::move(values);
  return constant;
}
