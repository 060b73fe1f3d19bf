// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of operators that move entries of constants about.

#include "Fold.h"

#include <algorithm>

using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Strided views
//===----------------------------------------------------------------------===//

SmallVector<int64_t> hcgs::frontend::rowMajor(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

Constant hcgs::frontend::strided(const Constant &in, ArrayRef<Dim> shape,
                                 ArrayRef<int64_t> stored,
                                 ArrayRef<int64_t> strides, int64_t offset) {
  Constant out;
  out.kind = in.kind;
  out.shape.assign(shape.begin(), shape.end());
  out.stored.assign(stored.begin(), stored.end());
  int64_t count = out.getNumStored();
  out.floats.name = in.floats.name;
  // The order of the numbers is already right: view them.
  SmallVector<int64_t> dense = rowMajor(stored);
  bool contiguous = true;
  for (size_t i = 0; i < stored.size(); ++i)
    contiguous &= stored[i] == 1 || strides[i] == dense[i];
  if (contiguous && in.isFloat()) {
    out.floats = in.floats;
    out.floats.data += count ? offset : 0;
    out.floats.size = count;
    return out;
  }
  std::vector<float> floats;
  if (in.isFloat())
    floats.reserve(count);
  SmallVector<int64_t> index(stored.size(), 0);
  int64_t at = offset;
  for (int64_t i = 0; i < count; ++i) {
    if (in.isFloat())
      floats.push_back(in.floats.data[at]);
    else
      out.ints.push_back(in.ints[at]);
    for (size_t axis = stored.size(); axis-- > 0;) {
      at += strides[axis];
      if (++index[axis] < stored[axis])
        break;
      at -= strides[axis] * stored[axis];
      index[axis] = 0;
    }
  }
  if (in.isFloat())
    out.floats = FloatBuffer::own(std::move(floats), in.floats.name);
  return out;
}

/// `in` with other axes over the same stored numbers.
static Constant relabel(const Constant &in, ArrayRef<Dim> shape,
                        ArrayRef<int64_t> stored) {
  Constant out = in;
  out.shape.assign(shape.begin(), shape.end());
  out.stored.assign(stored.begin(), stored.end());
  return out;
}

//===----------------------------------------------------------------------===//
// Constant
//===----------------------------------------------------------------------===//

LogicalResult hcgs::frontend::foldConstant(Node &node) {
  FailureOr<onnx::TensorProto *> tensor = node.getTensorAttr("value");
  if (failed(tensor))
    return failure();
  if (*tensor) {
    FailureOr<Constant> constant = node.readTensor(**tensor);
    return failed(constant) ? failure() : node.setOutput(0, *constant);
  }
  auto list = [&](auto values) {
    if constexpr (std::is_same_v<decltype(values), std::vector<float>>) {
      int64_t size = values.size();
      return Constant::fromFloats(
          FloatBuffer::own(std::move(values), node.getName().str()), {size});
    } else {
      int64_t size = values.size();
      return Constant::fromInts({values.begin(), values.end()}, {size});
    }
  };
  auto scalar = [](Constant constant) {
    constant.shape.clear();
    constant.stored.clear();
    return constant;
  };
  if (node.hasAttr("value_ints")) {
    auto values = node.getInts("value_ints");
    return failed(values) ? failure() : node.setOutput(0, list(*values));
  }
  if (node.hasAttr("value_floats")) {
    auto values = node.getFloats("value_floats");
    return failed(values) ? failure() : node.setOutput(0, list(*values));
  }
  if (node.hasAttr("value_int")) {
    auto value = node.getInt("value_int", 0);
    return failed(value)
               ? failure()
               : node.setOutput(0, scalar(list(std::vector<int64_t>{*value})));
  }
  if (node.hasAttr("value_float")) {
    auto value = node.getFloat("value_float", 0);
    return failed(value)
               ? failure()
               : node.setOutput(0, scalar(list(std::vector<float>{*value})));
  }
  return node.error() << "needs one of the attributes value, value_int, "
                         "value_ints, value_float and value_floats";
}

LogicalResult hcgs::frontend::foldConstantOfShape(Node &node) {
  FailureOr<onnx::TensorProto *> tensor = node.getTensorAttr("value");
  FailureOr<std::vector<Dim>> shape = readInts(node, 0, "input");
  if (failed(tensor) || failed(shape))
    return failure();
  Constant value =
      Constant::fromFloats(FloatBuffer::own({0.0f}, node.getName().str()), {1});
  if (*tensor) {
    FailureOr<Constant> read = node.readTensor(**tensor);
    if (failed(read))
      return failure();
    value = *read;
    if (value.getNumStored() != 1)
      return node.error() << "attribute 'value' must have one element";
  }
  for (const Dim &dim : *shape)
    if (dim.isCertainlyBelow(0))
      return node.error() << "asks for an axis of length "
                          << node.getImporter().describe(dim);
  return node.setOutput(
      0, relabel(value, *shape, SmallVector<int64_t>(shape->size(), 1)));
}

//===----------------------------------------------------------------------===//
// Other axes, same numbers
//===----------------------------------------------------------------------===//

LogicalResult hcgs::frontend::foldIdentity(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "input");
  return failed(in) ? failure() : node.setOutput(0, **in);
}

LogicalResult hcgs::frontend::foldShape(Node &node) {
  FailureOr<const Entry *> in = node.getEntry(0, "data");
  if (failed(in))
    return failure();
  SmallVector<Dim> dims;
  if (auto *constant = std::get_if<Constant>(*in)) {
    dims = constant->shape;
  } else {
    for (const Group &axis : std::get<Tensor>(**in).axes) {
      std::optional<Dim> size = sizeOf(axis);
      if (!size)
        return node.error() << "the length of an axis leaves 64 bits";
      dims.push_back(*size);
    }
  }
  int64_t rank = static_cast<int64_t>(dims.size());
  FailureOr<int64_t> start = node.getInt("start", 0),
                     end = node.getInt("end", rank);
  if (failed(start) || failed(end))
    return failure();
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  int64_t first = clamp(*start), last = std::max(first, clamp(*end));
  return node.setOutput(
      0, Constant::fromInts({dims.begin() + first, dims.begin() + last},
                            {last - first}));
}

LogicalResult hcgs::frontend::foldSize(Node &node) {
  FailureOr<const Entry *> in = node.getEntry(0, "data");
  if (failed(in))
    return failure();
  std::optional<Dim> size = Dim(1);
  auto times = [&](std::optional<Dim> dim) {
    size = size && dim ? multiply(*size, *dim) : std::nullopt;
  };
  if (auto *constant = std::get_if<Constant>(*in)) {
    for (const Dim &dim : constant->shape)
      times(dim);
  } else {
    for (const Group &axis : std::get<Tensor>(**in).axes)
      times(sizeOf(axis));
  }
  if (!size)
    return node.error() << "the number of elements leaves 64 bits";
  return node.setOutput(0, Constant::fromInts({*size}, {}));
}

LogicalResult hcgs::frontend::foldSqueeze(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  if (failed(in))
    return failure();
  auto axes = readSqueezeAxes(node, (*in)->getRank());
  if (failed(axes))
    return failure();
  SmallVector<Dim> shape;
  SmallVector<int64_t> stored;
  for (auto [axis, dim] : llvm::enumerate((*in)->shape)) {
    bool drop = *axes ? llvm::is_contained(**axes, static_cast<int64_t>(axis))
                      : dim.isStatic(1);
    if (drop && !dim.isStatic(1))
      return node.error() << "removes axis " << axis << " of length "
                          << node.getImporter().describe(dim)
                          << "; only axes of length 1 can be removed";
    if (drop)
      continue;
    shape.push_back(dim);
    stored.push_back((*in)->stored[axis]);
  }
  return node.setOutput(0, relabel(**in, shape, stored));
}

LogicalResult hcgs::frontend::foldUnsqueeze(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  if (failed(in))
    return failure();
  auto axes = readUnsqueezeAxes(node, (*in)->getRank());
  if (failed(axes))
    return failure();
  SmallVector<Dim> shape((*in)->shape);
  SmallVector<int64_t> stored((*in)->stored);
  for (int64_t axis : *axes) {
    shape.insert(shape.begin() + axis, Dim(1));
    stored.insert(stored.begin() + axis, 1);
  }
  return node.setOutput(0, relabel(**in, shape, stored));
}

/// `in` in the shape `shape`.
static LogicalResult reshapeTo(Node &node, const Constant &in,
                               ArrayRef<Dim> shape) {
  std::optional<Dim> before = Dim(1), after = Dim(1);
  for (const Dim &dim : in.shape)
    before = before ? multiply(*before, dim) : before;
  for (const Dim &dim : shape)
    after = after ? multiply(*after, dim) : after;
  Importer &importer = node.getImporter();
  if (!before || !after || *before != *after)
    return node.error() << "reshapes a constant of shape "
                        << importer.describe(in.shape) << " to "
                        << importer.describe(shape)
                        << ", which has another number of elements";
  SmallVector<int64_t> stored;
  if (in.isSplat())
    stored.append(shape.size(), 1);
  else if (in.isFullyStored())
    for (const Dim &dim : shape)
      stored.push_back(dim.getCoefficient());
  else
    return node.error() << "reshapes a constant of shape "
                        << importer.describe(in.shape)
                        << " that was spread over an axis of dynamic length";
  return node.setOutput(0, relabel(in, shape, stored));
}

LogicalResult hcgs::frontend::foldReshape(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  if (failed(in))
    return failure();
  auto target = readReshape(node, (*in)->getRank(),
                            [&](int64_t axis) { return (*in)->shape[axis]; });
  if (failed(target))
    return failure();
  SmallVector<Dim> shape(*target);
  Dim *open =
      llvm::find_if(shape, [](const Dim &dim) { return dim.isStatic(-1); });
  if (open == shape.end())
    return reshapeTo(node, **in, shape);
  std::optional<Dim> known = Dim(1), total = Dim(1);
  for (const Dim &dim : shape)
    if (&dim != open)
      known = known ? multiply(*known, dim) : known;
  for (const Dim &dim : (*in)->shape)
    total = total ? multiply(*total, dim) : total;
  if (known && total)
    if (std::optional<Dim> rest = divide(*total, *known))
      *open = *rest;
  return reshapeTo(node, **in, shape);
}

LogicalResult hcgs::frontend::foldFlatten(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "input");
  if (failed(in))
    return failure();
  FailureOr<int64_t> axis = readFlatten(node, (*in)->getRank());
  if (failed(axis))
    return failure();
  std::optional<Dim> sizes[2] = {Dim(1), Dim(1)};
  for (auto [index, dim] : llvm::enumerate((*in)->shape)) {
    std::optional<Dim> &size = sizes[static_cast<int64_t>(index) >= *axis];
    size = size ? multiply(*size, dim) : size;
  }
  if (!sizes[0] || !sizes[1])
    return node.error() << "the number of elements leaves 64 bits";
  return reshapeTo(node, **in, {*sizes[0], *sizes[1]});
}

LogicalResult hcgs::frontend::foldExpand(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "input");
  FailureOr<std::vector<Dim>> target = readInts(node, 1, "shape");
  if (failed(in) || failed(target))
    return failure();
  size_t rank = std::max((*in)->getRank(), target->size());
  SmallVector<Dim> shape(rank, Dim(1));
  SmallVector<int64_t> stored(rank, 1);
  size_t shift = rank - (*in)->getRank();
  for (size_t axis = 0; axis < rank; ++axis) {
    Dim from = axis < shift ? Dim(1) : (*in)->shape[axis - shift];
    size_t back = rank - axis;
    Dim to = back > target->size() ? Dim(1) : (*target)[target->size() - back];
    if (!from.isStatic(1) && !to.isStatic(1) && from != to)
      return node.error() << "expands an axis of length "
                          << node.getImporter().describe(from) << " to "
                          << node.getImporter().describe(to);
    shape[axis] = from.isStatic(1) ? to : from;
    stored[axis] = axis < shift ? 1 : (*in)->stored[axis - shift];
  }
  return node.setOutput(0, relabel(**in, shape, stored));
}

//===----------------------------------------------------------------------===//
// Parts and other orders
//===----------------------------------------------------------------------===//

LogicalResult hcgs::frontend::foldTranspose(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  if (failed(in))
    return failure();
  auto permutation = readPermutation(node, (*in)->getRank());
  if (failed(permutation))
    return failure();
  SmallVector<int64_t> from = rowMajor((*in)->stored), strides, stored;
  SmallVector<Dim> shape;
  for (int64_t axis : *permutation) {
    shape.push_back((*in)->shape[axis]);
    stored.push_back((*in)->stored[axis]);
    strides.push_back(from[axis]);
  }
  return node.setOutput(0, strided(**in, shape, stored, strides, 0));
}

LogicalResult hcgs::frontend::foldSlice(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  if (failed(in))
    return failure();
  auto slices = readSlice(node, (*in)->getRank());
  if (failed(slices))
    return failure();
  SmallVector<Dim> shape((*in)->shape);
  SmallVector<int64_t> stored((*in)->stored), strides = rowMajor(stored);
  int64_t offset = 0;
  for (const SliceAxis &slice : *slices) {
    auto range = resolveSlice(slice, shape[slice.axis]);
    if (!range)
      return node.error() << "cuts an axis of length "
                          << node.getImporter().describe(shape[slice.axis])
                          << " at places that are not known at compile time";
    // Where only one entry is stored, all entries are that one.
    if ((*in)->shape[slice.axis].isStatic(stored[slice.axis])) {
      offset += range->first.getCoefficient() * strides[slice.axis];
      stored[slice.axis] = range->second.getCoefficient();
      strides[slice.axis] *= slice.step;
    }
    shape[slice.axis] = range->second;
  }
  return node.setOutput(0, strided(**in, shape, stored, strides, offset));
}

LogicalResult hcgs::frontend::foldSplit(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "input");
  FailureOr<int64_t> axis = node.getInt("axis", 0);
  if (failed(in) || failed(axis) ||
      failed(axis = normalizeAxis(node, *axis, (*in)->getRank())))
    return failure();
  if (!(*in)->shape[*axis].isStatic((*in)->stored[*axis]))
    return node.error() << "splits an axis of dynamic length";
  auto lengths = readSplit(node, (*in)->stored[*axis]);
  if (failed(lengths))
    return failure();
  SmallVector<int64_t> strides = rowMajor((*in)->stored);
  int64_t offset = 0;
  for (auto [index, length] : llvm::enumerate(*lengths)) {
    SmallVector<Dim> shape((*in)->shape);
    SmallVector<int64_t> stored((*in)->stored);
    shape[*axis] = length;
    stored[*axis] = length;
    if (failed(node.setOutput(index,
                              strided(**in, shape, stored, strides, offset))))
      return failure();
    offset += length * strides[*axis];
  }
  return success();
}

/// Joins constants along `axis`, on which all are stored in full.
static LogicalResult concatenate(Node &node, ArrayRef<Constant> parts,
                                 int64_t axis) {
  Importer &importer = node.getImporter();
  Constant out = parts.front();
  out.floats = {};
  out.ints.clear();
  out.shape[axis] = 0;
  out.stored[axis] = 0;
  for (const Constant &part : parts) {
    bool fits = part.kind == out.kind && part.getRank() == out.getRank();
    for (size_t i = 0; fits && i < part.getRank(); ++i)
      if (static_cast<int64_t>(i) != axis)
        fits = part.shape[i] == out.shape[i] && part.stored[i] == out.stored[i];
    if (!fits || !part.shape[axis].isStatic(part.stored[axis]))
      return node.error() << "joins constants of shapes "
                          << importer.describe(parts.front().shape) << " and "
                          << importer.describe(part.shape) << " on axis "
                          << axis;
    out.stored[axis] += part.stored[axis];
  }
  out.shape[axis] = out.stored[axis];
  int64_t outer = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= out.stored[i];
  std::vector<float> floats;
  if (out.isFloat())
    floats.reserve(out.getNumStored());
  for (int64_t row = 0; row < outer; ++row)
    for (const Constant &part : parts) {
      int64_t run = part.getNumStored() / outer;
      if (out.isFloat())
        floats.insert(floats.end(), part.floats.data + row * run,
                      part.floats.data + (row + 1) * run);
      else
        out.ints.insert(out.ints.end(), part.ints.begin() + row * run,
                        part.ints.begin() + (row + 1) * run);
    }
  if (out.isFloat())
    out.floats = FloatBuffer::own(std::move(floats), node.getName().str());
  return node.setOutput(0, std::move(out));
}

LogicalResult hcgs::frontend::foldConcat(Node &node) {
  std::vector<Constant> parts;
  for (size_t i = 0; i < node.getNumInputs(); ++i) {
    FailureOr<const Constant *> part = node.getConstant(i, "inputs");
    if (failed(part))
      return failure();
    parts.push_back(**part);
  }
  if (parts.empty())
    return node.error() << "has no inputs";
  FailureOr<int64_t> axis = node.getInt("axis", 1);
  if (failed(axis) ||
      failed(axis = normalizeAxis(node, *axis, parts.front().getRank())))
    return failure();
  return concatenate(node, parts, *axis);
}

LogicalResult hcgs::frontend::foldGather(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "data");
  FailureOr<const Constant *> indices = node.getConstant(1, "indices");
  FailureOr<std::vector<Dim>> places = readInts(node, 1, "indices");
  FailureOr<int64_t> axis = node.getInt("axis", 0);
  if (failed(in) || failed(indices) || failed(places) || failed(axis) ||
      failed(axis = normalizeAxis(node, *axis, (*in)->getRank())))
    return failure();
  if ((*indices)->getRank() > 1 || places->empty() ||
      !(*in)->shape[*axis].isStatic((*in)->stored[*axis]))
    return node.error() << "takes entries of a constant of shape "
                        << node.getImporter().describe((*in)->shape)
                        << "; one index or a list of them on an axis of "
                           "constant length is supported";
  int64_t length = (*in)->stored[*axis];
  SmallVector<int64_t> strides = rowMajor((*in)->stored);
  std::vector<Constant> parts;
  for (const Dim &place : *places) {
    FailureOr<int64_t> index = normalizeAxis(
        node, place.isStatic() ? place.getCoefficient() : INT64_MAX, length);
    if (failed(index))
      return failure();
    SmallVector<Dim> shape((*in)->shape);
    SmallVector<int64_t> stored((*in)->stored);
    shape[*axis] = stored[*axis] = 1;
    parts.push_back(
        strided(**in, shape, stored, strides, *index * strides[*axis]));
  }
  if ((*indices)->getRank() == 1)
    return concatenate(node, parts, *axis);
  SmallVector<Dim> shape(parts[0].shape);
  SmallVector<int64_t> stored(parts[0].stored);
  shape.erase(shape.begin() + *axis);
  stored.erase(stored.begin() + *axis);
  return node.setOutput(0, relabel(parts[0], shape, stored));
}
