// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostTensors.h"
#include "hcgs/Sim/Kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

using namespace hcgs;
using namespace hcgs::sim;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Whether `entry` moves data through any stream of the tensor.
static bool uses(const LoadedProgram &program, Entry entry,
                 const TensorInfo &tensor) {
  return std::any_of(tensor.parts.begin(), tensor.parts.end(),
                     [&](const TensorPart &part) {
                       return program.streamsOf(entry) >> part.stream & 1;
                     });
}

/// The parts of a tensor of this shape, which fits the tensor's axes.
static std::vector<PartGeometry> geometryOf(const TensorInfo &tensor,
                                            std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  auto strideOf = [&](AxisKind kind) {
    std::optional<size_t> axis = tensor.find(kind);
    return axis ? strides[*axis] : 0;
  };
  // The axis along which parts are numbered has more than one place.
  const std::optional<size_t> layers = tensor.find(AxisKind::Layer);
  const bool byLayer = layers && shape[*layers] > 1;
  const int64_t step =
      strideOf(byLayer ? AxisKind::Layer : AxisKind::Direction);
  std::vector<PartGeometry> parts;
  for (const TensorPart &part : tensor.parts)
    parts.push_back({&part, part.index.value_or(0) * step,
                     strideOf(AxisKind::Time), strideOf(AxisKind::Batch),
                     strideOf(AxisKind::Feature)});
  return parts;
}

/// Checks rank and fixed axes; a fixed time axis binds `run` only.
static Result<void> checkShape(const TensorInfo &tensor, const NpyArray &array,
                               bool anyTime) {
  bool fits = array.shape.size() == tensor.dims.size();
  for (size_t axis = 0; fits && axis < tensor.dims.size(); ++axis) {
    const Axis &dim = tensor.dims[axis];
    const int64_t size = array.shape[axis];
    if (size < 1)
      return Error{fmt::format("input '{}': shape {} is empty; every axis must "
                               "have at least one element",
                               tensor.name, describeShape(array.shape))};
    if (dim.size && *dim.size != size &&
        !(anyTime && dim.kind == AxisKind::Time))
      fits = false;
  }
  if (!fits)
    return Error{fmt::format("input '{}': shape {} does not fit {}",
                             tensor.name, describeShape(array.shape),
                             tensor.describe())};
  return {};
}

static Result<void> checkType(const TensorInfo &tensor, const NpyArray &array,
                              bool codes) {
  if (codes == isFloat(array.dtype))
    return Error{fmt::format(
        "input '{}': element type {} found, {}", tensor.name,
        nameOf(array.dtype),
        codes ? "but integer codes are wanted (int8, int16, int32, int64)"
              : "but values are wanted (float16, float32, float64); integers "
                "are taken as codes, if asked for")};
  return {};
}

static std::string inputNames(const LoadedProgram &program) {
  std::string names;
  for (const TensorInfo &tensor : program.inputs())
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", tensor.name);
  return names.empty() ? "none" : names;
}

bool sim::isSingleUnnamed(const LoadedProgram &program,
                          const NpzArrays &arrays) {
  return program.inputs().size() == 1 && arrays.size() == 1 &&
         arrays.front().first.empty();
}

Result<Batch> sim::bindInputs(const LoadedProgram &program,
                              const std::vector<Entry> &entries,
                              const NpzArrays &arrays,
                              const RunOptions &options) {
  Batch batch;
  const bool single = isSingleUnnamed(program, arrays);
  for (const auto &[name, array] : arrays) {
    const bool known =
        single || std::any_of(program.inputs().begin(), program.inputs().end(),
                              [&, &key = name](const TensorInfo &tensor) {
                                return tensor.name == key;
                              });
    if (known)
      continue;
    if (name.empty())
      return Error{fmt::format(
          "one array without a name found, the program has {} inputs: {}; give "
          "their arrays by name, in an .npz file",
          program.inputs().size(), inputNames(program))};
    return Error{fmt::format("array '{}' is no input of the program; its "
                             "inputs are {}",
                             name, inputNames(program))};
  }

  bool haveRows = false, haveSteps = false;
  std::string rowsFrom, stepsFrom;
  for (const TensorInfo &tensor : program.inputs()) {
    if (std::none_of(entries.begin(), entries.end(),
                     [&](Entry entry) { return uses(program, entry, tensor); }))
      continue;
    const NpyArray *array = nullptr;
    for (const auto &[name, candidate] : arrays)
      if (single || name == tensor.name)
        array = &candidate;
    if (!array)
      return Error{fmt::format("input '{}' is missing; give a tensor {}",
                               tensor.name, tensor.describe())};
    if (Result<void> good = checkType(tensor, *array, options.codes); !good)
      return good.takeError();
    const bool anyTime = entries.back() != Entry::Run;
    if (Result<void> good = checkShape(tensor, *array, anyTime); !good)
      return good.takeError();
    auto agree = [&](AxisKind kind, bool &have, int64_t &size,
                     std::string &from) -> Result<void> {
      std::optional<size_t> axis = tensor.find(kind);
      if (!axis)
        return {};
      const int64_t own = array->shape[*axis];
      if (have && own != size)
        return Error{fmt::format("input '{}' has {} on its {} axis, input "
                                 "'{}' has {}; they must agree",
                                 tensor.name, own, sim::getName(kind), from,
                                 size)};
      have = true;
      size = own;
      from = tensor.name;
      return {};
    };
    if (Result<void> good =
            agree(AxisKind::Batch, haveRows, batch.rows, rowsFrom);
        !good)
      return good.takeError();
    if (Result<void> good =
            agree(AxisKind::Time, haveSteps, batch.steps, stepsFrom);
        !good)
      return good.takeError();
    batch.inputs.push_back({&tensor, array, geometryOf(tensor, array->shape)});
  }

  const std::optional<int64_t> fixed = program.fixedTime();
  if (!haveSteps)
    batch.steps = fixed.value_or(1);
  const bool run = entries.back() == Entry::Run;
  if (run && fixed && batch.steps != *fixed)
    return Error{fmt::format("{} time steps found, the model demands {}",
                             batch.steps, *fixed)};
  batch.lengths = options.lengths;
  if (batch.lengths.empty())
    batch.lengths.assign(static_cast<size_t>(batch.rows), batch.steps);
  if (static_cast<int64_t>(batch.lengths.size()) != batch.rows)
    return Error{fmt::format("{} lengths found, the inputs have {} row{}; give "
                             "one length a row",
                             batch.lengths.size(), batch.rows,
                             batch.rows == 1 ? "" : "s")};
  for (size_t row = 0; row < batch.lengths.size(); ++row) {
    const int64_t length = batch.lengths[row];
    if (length < 1 || length > batch.steps)
      return Error{fmt::format("the length of row {} is {}, allowed are 1..{}: "
                               "the inputs have {} time step{}",
                               row, length, batch.steps, batch.steps,
                               batch.steps == 1 ? "" : "s")};
    if (run && fixed && length != *fixed)
      return Error{fmt::format("the length of row {} is {}, the model demands "
                               "{} time steps",
                               row, length, *fixed)};
  }
  return batch;
}

//===----------------------------------------------------------------------===//
// Values and codes
//===----------------------------------------------------------------------===//

static Error badElement(const BoundInput &input, int64_t row, int64_t frame,
                        int64_t feature, const std::string &what) {
  return Error{fmt::format("input '{}', row {}, frame {}, feature {}: {}",
                           input.info->name, row, frame, feature, what)};
}

/// L-IO-4: the value that has no code.
static Error notFinite(const BoundInput &input, int64_t row, int64_t frame,
                       int64_t feature, double value) {
  return badElement(input, row, frame, feature,
                    fmt::format("is {}; values must be finite",
                                std::isnan(value) ? "NaN"
                                : value > 0       ? "infinite"
                                                  : "minus infinite"));
}

/// Quantises one frame of values (A-FX-3).
static Result<void> quantiseFrame(const BoundInput &input,
                                  const PartGeometry &part, int64_t at,
                                  int64_t row, int64_t frame, int16_t *out) {
  const int64_t width = part.part->width;
  const numerics::FxFormat format = part.part->format;
  if (input.array->dtype == DType::F32 && part.feature == 1) {
    const int64_t bad =
        Kernels::best().quantise(out, input.array->as<float>().data() + at,
                                 static_cast<size_t>(width), format);
    if (bad >= 0)
      return notFinite(input, row, frame, bad, input.array->number(at + bad));
    return {};
  }
  for (int64_t f = 0; f < width; ++f) {
    const double value = input.array->number(at + f * part.feature);
    if (!std::isfinite(value))
      return notFinite(input, row, frame, f, value);
    out[f] = static_cast<int16_t>(numerics::toCode(value, format));
  }
  return {};
}

/// Takes one frame of codes.
static Result<void> copyFrame(const BoundInput &input, const PartGeometry &part,
                              int64_t at, int64_t row, int64_t frame,
                              int16_t *out) {
  const numerics::FxFormat format = part.part->format;
  for (int64_t f = 0; f < part.part->width; ++f) {
    const int64_t code = input.array->integer(at + f * part.feature);
    if (code < format.minCode() || code > format.maxCode())
      return badElement(input, row, frame, f,
                        fmt::format("code {} found, allowed are {}..{}", code,
                                    format.minCode(), format.maxCode()));
    out[f] = static_cast<int16_t>(code);
  }
  return {};
}

Result<void> sim::fillStreams(Machine &machine, Entry entry, const Batch &batch,
                              int64_t row, unsigned place, bool codes) {
  for (const BoundInput &input : batch.inputs)
    for (const PartGeometry &part : input.parts) {
      if (!(machine.program().streamsOf(entry) >> part.part->stream & 1))
        continue;
      std::span<int16_t> stream =
          machine.stream(machine.program().streamOf(part.part->stream, place));
      const int64_t width = part.part->width;
      const int64_t frames = static_cast<int64_t>(stream.size()) / width;
      for (int64_t t = 0; t < frames; ++t) {
        const int64_t at = part.base + row * part.batch + t * part.time;
        int16_t *out = stream.data() + t * width;
        Result<void> done = codes ? copyFrame(input, part, at, row, t, out)
                                  : quantiseFrame(input, part, at, row, t, out);
        if (!done)
          return done;
      }
    }
  return {};
}

NpzArrays sim::makeOutputs(const LoadedProgram &program, Entry entry,
                           const Batch &batch, bool codes) {
  NpzArrays outputs;
  for (const TensorInfo &tensor : program.outputs()) {
    if (!uses(program, entry, tensor))
      continue;
    std::vector<int64_t> shape;
    for (const Axis &axis : tensor.dims)
      shape.push_back(axis.kind == AxisKind::Time    ? batch.steps
                      : axis.kind == AxisKind::Batch ? batch.rows
                                                     : axis.size.value_or(1));
    outputs.emplace_back(tensor.name,
                         NpyArray(shape, codes ? DType::I16 : DType::F32));
  }
  return outputs;
}

void sim::readStreams(Machine &machine, Entry entry, const Batch &batch,
                      int64_t row, unsigned place, bool codes,
                      NpzArrays &outputs) {
  size_t number = 0;
  for (const TensorInfo &tensor : machine.program().outputs()) {
    if (!uses(machine.program(), entry, tensor))
      continue;
    NpyArray &array = outputs[number++].second;
    for (const PartGeometry &part : geometryOf(tensor, array.shape)) {
      std::span<const int16_t> stream =
          machine.stream(machine.program().streamOf(part.part->stream, place));
      const int64_t width = part.part->width;
      const int64_t frames = static_cast<int64_t>(stream.size()) / width;
      const double lsb = part.part->format.lsb();
      for (int64_t t = 0; t < frames; ++t) {
        const int64_t at = part.base + row * part.batch + t * part.time;
        const int16_t *in = stream.data() + t * width;
        if (codes)
          for (int64_t f = 0; f < width; ++f)
            array.as<int16_t>()[at + f * part.feature] = in[f];
        else
          for (int64_t f = 0; f < width; ++f)
            array.as<float>()[at + f * part.feature] =
                static_cast<float>(in[f] * lsb);
      }
    }
  }
}
