// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An array that can be read element by element from wherever it lies: in memory
// or, if it is an `.npy` file in C order and in this machine's byte order, in
// the mapping of the file. Calibration sets can be larger than memory.
//
#ifndef HCGS_SUPPORT_MAPPEDNPY_H
#define HCGS_SUPPORT_MAPPEDNPY_H

#include "hcgs/Support/MappedFile.h"
#include "hcgs/Support/Npy.h"

#include <optional>

namespace hcgs {

class ArrayReader {
public:
  /// Of an array in memory.
  explicit ArrayReader(NpyArray array);
  /// Of the `.npy` file at `path`. What cannot be read in place is loaded.
  static Result<ArrayReader> open(const std::string &path);

  const std::vector<int64_t> &shape() const { return theShape; }
  DType dtype() const { return theType; }
  int64_t elements() const;
  /// Element i in C order, as of NpyArray.
  double number(int64_t i) const;
  int64_t integer(int64_t i) const;
  /// "float32 [3, 4]".
  std::string describe() const;

private:
  ArrayReader() = default;
  const std::byte *bytes() const {
    return file ? reinterpret_cast<const std::byte *>(file->bytes().data()) +
                      offset
                : array.data.data();
  }

  std::vector<int64_t> theShape;
  DType theType = DType::F32;
  NpyArray array;
  std::optional<MappedFile> file;
  size_t offset = 0; // of the elements in the file
};

} // namespace hcgs

#endif // HCGS_SUPPORT_MAPPEDNPY_H
