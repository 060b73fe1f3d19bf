// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's file formats: `.npy` (versions 1 to 3, C or Fortran order, either
// byte order) and `.npz` (a zip of `.npy` files). They are what users hand
// tensors around in, so reading is forgiving in form and strict in content:
// sizes are checked against the bytes present before anything is allocated.
// Writing is deterministic: equal arrays give equal bytes.
//
#ifndef HCGS_SUPPORT_NPY_H
#define HCGS_SUPPORT_NPY_H

#include "hcgs/Support/Result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hcgs {

/// Element types an array may have. NumPy's names: f2 f4 f8 i1 i2 i4 i8.
enum class DType : uint8_t { F16, F32, F64, I8, I16, I32, I64 };

/// Bytes of one element.
size_t sizeOf(DType type);
/// "float32", "int16", ...
std::string_view nameOf(DType type);
/// True for the three float types.
bool isFloat(DType type);

template <typename T>
constexpr DType dtypeOf() {
  if constexpr (std::is_same_v<T, float>)
    return DType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::F64;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::I8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return DType::I16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::I32;
  else {
    static_assert(std::is_same_v<T, int64_t>, "no such element type");
    return DType::I64;
  }
}

/// A dense array: elements in C order, in this machine's byte order. An empty
/// shape is a scalar.
struct NpyArray {
  std::vector<int64_t> shape;
  DType dtype = DType::F32;
  std::vector<std::byte> data;

  NpyArray() = default;
  /// An array of zeros; `shape` must not overflow.
  NpyArray(std::vector<int64_t> shape, DType dtype);

  template <typename T>
  static NpyArray of(std::vector<int64_t> shape, std::span<const T> values) {
    NpyArray array(std::move(shape), dtypeOf<T>());
    auto bytes = std::as_bytes(values);
    array.data.assign(bytes.begin(), bytes.end());
    return array;
  }

  int64_t elements() const;
  /// The elements as T, which must be the array's element type.
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T *>(data.data()), data.size() / sizeof(T)};
  }
  template <typename T>
  std::span<T> as() {
    return {reinterpret_cast<T *>(data.data()), data.size() / sizeof(T)};
  }
  /// Element i in C order as a double; exact but for int64 beyond 2^53.
  double number(int64_t i) const;
  /// Element i of an integer array.
  int64_t integer(int64_t i) const;
  /// "float32 [3, 4]".
  std::string describe() const;
};

/// "[3, 4]".
std::string describeShape(std::span<const int64_t> shape);

/// The arrays of an `.npz`, by name, in the order of the file.
using NpzArrays = std::vector<std::pair<std::string, NpyArray>>;

/// Parses the bytes of an `.npy` file; `name` heads error messages. Elements of
/// type bool become I8, of type uint8 I16.
Result<NpyArray> parseNpy(std::string_view bytes, std::string_view name);
Result<NpyArray> readNpy(const std::string &path);
/// The bytes of `array` as an `.npy` file of version 1.0.
std::string encodeNpy(const NpyArray &array);

/// Reads every array of an `.npz` file.
Result<NpzArrays> readNpz(const std::string &path);
/// The bytes of an `.npz` file: stored, with fixed time stamps.
Result<std::string> encodeNpz(const NpzArrays &arrays);

/// Reads `path` as `.npz` if it is a zip, else as `.npy`, whose one array gets
/// an empty name.
Result<NpzArrays> readNpyOrNpz(const std::string &path);

} // namespace hcgs

#endif // HCGS_SUPPORT_NPY_H
