// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MaskFile.h"

#include <algorithm>

using namespace hcgs;
using namespace hcgs::rnn;

Result<MaskFile> MaskFile::read(const std::string &path) {
  Result<NpzArrays> arrays = readNpz(path);
  if (!arrays)
    return arrays.takeError().at("mask file");
  MaskFile file;
  file.path = path;
  file.arrays = *std::move(arrays);
  return file;
}

/// "[8, 4], [32, 4] (all gates) or [64, 4] (both directions)".
static std::string allowedShapes(const MaskedMatrix &matrix) {
  auto shape = [&](int64_t times) {
    const int64_t dims[] = {times * matrix.rows, matrix.cols};
    return describeShape(dims);
  };
  std::string text = shape(1);
  if (matrix.gates == 1)
    return text;
  const std::string stacked = shape(matrix.gates) + " (all gates)";
  if (matrix.directions == 1)
    return text + " or " + stacked;
  return text + ", " + stacked + " or " +
         shape(matrix.gates * matrix.directions) + " (both directions)";
}

Result<std::optional<Mask>> MaskFile::find(const MaskedMatrix &matrix) const {
  const std::string name = matrix.node + "." + matrix.name;
  const NpyArray *array = nullptr;
  for (const auto &[key, value] : arrays)
    if (key == name)
      array = &value;
  if (!array)
    return std::optional<Mask>();
  auto fail = [&](const std::string &what) {
    return Error{"array '" + name + "' of mask file '" + path + "' " + what};
  };

  const int64_t stacks = matrix.gates * matrix.directions;
  int64_t gates = 0;
  if (array->shape.size() == 2 && array->shape[1] == matrix.cols)
    for (int64_t times : {int64_t(1), matrix.gates, stacks})
      if (array->shape[0] == times * matrix.rows)
        gates = times;
  if (!gates)
    return fail("has shape " + describeShape(array->shape) +
                "; the matrix takes " + allowedShapes(matrix));

  Mask mask;
  mask.rows = matrix.rows;
  mask.cols = matrix.cols;
  int64_t first = 0;
  if (gates == stacks && matrix.directions > 1) {
    gates = matrix.gates;
    first = matrix.direction * gates * matrix.rows * matrix.cols;
  }
  mask.gates = gates;
  mask.entries.resize(gates * matrix.rows * matrix.cols);
  for (size_t i = 0; i < mask.entries.size(); ++i) {
    const int64_t at = first + static_cast<int64_t>(i);
    const double value = array->number(at);
    if (value != 0.0 && value != 1.0) {
      std::string number = std::to_string(value);
      while (number.ends_with('0'))
        number.pop_back();
      if (number.ends_with('.'))
        number.pop_back();
      return fail("holds " + number + " at row " +
                  std::to_string(at / matrix.cols) + ", column " +
                  std::to_string(at % matrix.cols) +
                  "; a mask holds 1 for kept weights and 0 for others");
    }
    mask.entries[i] = value != 0.0;
  }
  if (std::find(mask.entries.begin(), mask.entries.end(), 1) ==
      mask.entries.end()) {
    const bool stacked =
        matrix.directions > 1 && array->shape[0] == stacks * matrix.rows;
    return fail(std::string("holds only 0") +
                (!stacked           ? ""
                 : matrix.direction ? " for the reverse direction"
                                    : " for the forward direction") +
                ": the mask keeps nothing; a mask holds 1 for kept weights");
  }
  return std::optional<Mask>(std::move(mask));
}

Result<void> MaskFile::checkNames(const std::set<std::string> &names) const {
  auto listed = [&] {
    std::string known;
    for (const std::string &name : names)
      known += (known.empty() ? "" : ", ") + name;
    return known;
  };
  if (arrays.empty())
    return Error{"mask file '" + path +
                 "' has no arrays; it needs one for each matrix to mask, of " +
                 listed()};
  for (const auto &[key, value] : arrays) {
    if (names.contains(key))
      continue;
    return Error{"mask file '" + path + "' has an array '" + key +
                 "', which is no matrix of the model; there are " + listed()};
  }
  return {};
}
