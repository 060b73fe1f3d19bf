// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Data.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::analysis;
using sim::Axis;
using sim::AxisKind;
using sim::TensorInfo;

static std::vector<int64_t> elementStrides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

SliceStrides analysis::stridesOf(const TensorInfo &tensor,
                                 const std::vector<int64_t> &shape,
                                 int64_t index) {
  const std::vector<int64_t> strides = elementStrides(shape);
  auto stride = [&](AxisKind kind) {
    const std::optional<size_t> axis = tensor.find(kind);
    return axis ? strides[*axis] : 0;
  };
  // Slices are numbered along the axis that has more than one place (L-IO-2).
  const std::optional<size_t> layers = tensor.find(AxisKind::Layer);
  const bool byLayer = layers && shape[*layers] > 1;
  return {index * stride(byLayer ? AxisKind::Layer : AxisKind::Direction),
          stride(AxisKind::Time), stride(AxisKind::Batch),
          stride(AxisKind::Feature)};
}

static bool isState(const TensorInfo &tensor) {
  return !tensor.find(AxisKind::Time).has_value();
}

/// The array for an input; null if there is none.
static const NpyArray *findArray(const TensorInfo &tensor,
                                 const NpzArrays &arrays, bool onlySequence) {
  auto named = [&](std::string_view name) -> const NpyArray * {
    for (const auto &[key, array] : arrays)
      if (key == name)
        return &array;
    return nullptr;
  };
  if (const NpyArray *array = named(tensor.name))
    return array;
  if (!onlySequence)
    return nullptr;
  const NpyArray *array = named("x");
  return array ? array : named("");
}

static std::string namesOf(const NpzArrays &arrays) {
  if (arrays.size() == 1 && arrays[0].first.empty())
    return "one array without a name (.npy); use a .npz with one for each "
           "input";
  std::string names;
  for (const auto &[name, array] : arrays)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  return names.empty() ? "none" : names;
}

/// The first array that names nothing, "" if there is none: a misspelt state
/// would count as zero otherwise. Lengths and labels may stand beside inputs.
static std::string findUnknown(const sim::LoadedProgram &program,
                               const NpzArrays &arrays, bool takesX) {
  for (const auto &[key, array] : arrays) {
    const std::string &name = key;
    const bool input = std::any_of(
        program.inputs().begin(), program.inputs().end(),
        [&](const TensorInfo &tensor) { return tensor.name == name; });
    if (!input && name != "lengths" && name != "labels" &&
        !(takesX && (name == "x" || name.empty())))
      return name.empty() ? "(without a name)" : name;
  }
  return "";
}

Result<DataSet> DataSet::bind(const sim::LoadedProgram &program,
                              const NpzArrays &arrays,
                              const std::string &name) {
  DataSet data;
  auto wrong = [&](const std::string &what) { return Error{what}.at(name); };
  const int64_t sequences =
      std::count_if(program.inputs().begin(), program.inputs().end(),
                    [](const TensorInfo &tensor) { return !isState(tensor); });
  const bool takesX = sequences == 1 || program.inputs().size() == 1;
  std::optional<int64_t> rows, steps;
  for (const TensorInfo &tensor : program.inputs()) {
    Input input;
    input.info = &tensor;
    input.array = findArray(tensor, arrays,
                            sequences == 1 ? !isState(tensor)
                                           : program.inputs().size() == 1);
    const std::optional<size_t> batch = tensor.find(AxisKind::Batch);
    if (!input.array) {
      if (!isState(tensor) || program.inputs().size() == 1)
        return wrong(fmt::format("no array for input '{}'; found {}",
                                 tensor.name, namesOf(arrays)));
      data.inputs.push_back(input);
      continue;
    }
    input.shape = input.array->shape;
    if (batch && input.shape.size() + 1 == tensor.dims.size())
      input.shape.insert(input.shape.begin() + *batch, 1);
    bool fits = input.shape.size() == tensor.dims.size();
    // Rows are run one by one, so that any number of them will do.
    for (size_t axis = 0; fits && axis < input.shape.size(); ++axis)
      fits = axis == batch || tensor.dims[axis].size.value_or(
                                  input.shape[axis]) == input.shape[axis];
    if (!fits)
      return wrong(fmt::format(
          "the array for input '{}' has shape {}; the model takes {}{}",
          tensor.name, describeShape(input.array->shape), tensor.describe(),
          batch ? ", the batch axis may be left out" : ""));
    if (input.array->elements() == 0)
      return wrong(fmt::format("the array for input '{}' is empty (shape {})",
                               tensor.name, describeShape(input.array->shape)));
    for (int64_t i = 0; i < input.array->elements(); ++i)
      if (!std::isfinite(input.array->number(i)))
        return wrong(fmt::format("the array for input '{}' holds {} at element "
                                 "{}; only finite numbers can be analysed",
                                 tensor.name, input.array->number(i), i));
    auto agree = [&](AxisKind kind, std::optional<int64_t> &common,
                     const char *what) -> Result<void> {
      const std::optional<size_t> axis = tensor.find(kind);
      if (!axis)
        return {};
      if (common.value_or(input.shape[*axis]) != input.shape[*axis])
        return wrong(fmt::format("the array for input '{}' has {} {}, an "
                                 "earlier one {}; all inputs of a run belong "
                                 "together",
                                 tensor.name, input.shape[*axis], what,
                                 *common));
      common = input.shape[*axis];
      return {};
    };
    if (Result<void> good = agree(AxisKind::Batch, rows, "batch rows"); !good)
      return good.takeError();
    if (Result<void> good = agree(AxisKind::Time, steps, "time steps"); !good)
      return good.takeError();
    data.inputs.push_back(std::move(input));
  }
  if (const std::string unknown = findUnknown(program, arrays, takesX);
      !unknown.empty()) {
    std::string names;
    for (const TensorInfo &tensor : program.inputs())
      names += fmt::format("'{}', ", tensor.name);
    return wrong(fmt::format("the array '{}' is no input of the model; allowed "
                             "are {}{}'lengths' and 'labels'",
                             unknown, names,
                             takesX ? "'x' for the single sequence, " : ""));
  }
  data.numRows = rows.value_or(1);
  data.numSteps = steps.value_or(program.fixedTime().value_or(1));
  if (const int64_t fixed = program.fixedTime().value_or(data.numSteps);
      fixed != data.numSteps)
    return wrong(fmt::format("the data have {} time steps, the model demands "
                             "{}",
                             data.numSteps, fixed));
  data.allLengths.assign(static_cast<size_t>(data.numRows), data.numSteps);
  const bool named = std::any_of(
      program.inputs().begin(), program.inputs().end(),
      [](const TensorInfo &tensor) { return tensor.name == "lengths"; });
  for (const auto &[key, array] : arrays) {
    if (key != "lengths" || named)
      continue;
    if (isFloat(array.dtype) || array.shape.size() != 1 ||
        array.shape[0] != data.numRows)
      return wrong(fmt::format("'lengths' is {}; it must hold one integer for "
                               "each of the {} batch rows",
                               array.describe(), data.numRows));
    for (int64_t row = 0; row < data.numRows; ++row) {
      const int64_t length = array.integer(row);
      if (length < 1 || length > data.numSteps)
        return wrong(fmt::format("'lengths' says {} steps for row {}; the "
                                 "arrays have 1 to {}",
                                 length, row, data.numSteps));
      if (program.fixedTime() && length != data.numSteps)
        return wrong(fmt::format("'lengths' says {} steps for row {}; the "
                                 "model demands {}",
                                 length, row, data.numSteps));
      data.allLengths[row] = length;
    }
  }
  return data;
}

Group DataSet::group(int64_t first) const {
  Group group;
  group.lanes = std::min(kLanes, numRows - first);
  for (int64_t lane = 0; lane < group.lanes; ++lane) {
    group.lengths[lane] = allLengths[first + lane];
    group.steps = std::max(group.steps, group.lengths[lane]);
  }
  return group;
}

NpzArrays DataSet::slice(int64_t first, const Group &group) const {
  NpzArrays arrays;
  for (const Input &input : inputs) {
    std::vector<int64_t> shape;
    for (size_t axis = 0; axis < input.info->dims.size(); ++axis) {
      const Axis &dim = input.info->dims[axis];
      shape.push_back(dim.kind == AxisKind::Batch  ? group.lanes
                      : dim.kind == AxisKind::Time ? group.steps
                      : input.array                ? input.shape[axis]
                                                   : dim.size.value_or(1));
    }
    NpyArray array(shape, DType::F64);
    if (input.array) {
      // Element by element: the index in the slice counts up, that in the
      // source follows.
      const std::vector<int64_t> strides = elementStrides(input.shape);
      const std::optional<size_t> batch = input.info->find(AxisKind::Batch);
      std::vector<int64_t> index(shape.size(), 0);
      for (double &element : array.as<double>()) {
        int64_t from = batch ? first * strides[*batch] : 0;
        for (size_t axis = 0; axis < index.size(); ++axis)
          from += index[axis] * strides[axis];
        element = input.array->number(from);
        for (size_t axis = index.size(); axis-- > 0;) {
          if (++index[axis] < shape[axis])
            break;
          index[axis] = 0;
        }
      }
    }
    arrays.emplace_back(input.info->name, std::move(array));
  }
  return arrays;
}
