// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading of operands and attributes that operators on constants and on
// computed values share.

#include "Fold.h"

using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

FailureOr<int64_t> hcgs::frontend::normalizeAxis(Node &node, int64_t axis,
                                                 int64_t rank) {
  if (axis < -rank || axis >= rank)
    return node.error() << "axis " << axis << " is not within " << -rank << ".."
                        << rank - 1;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> hcgs::frontend::readPermutation(Node &node,
                                                                int64_t rank) {
  FailureOr<std::vector<int64_t>> perm = node.getInts("perm");
  if (failed(perm))
    return failure();
  SmallVector<int64_t> result(perm->begin(), perm->end());
  if (!node.hasAttr("perm"))
    for (int64_t axis = rank; axis-- > 0;)
      result.push_back(axis);
  SmallVector<int64_t> sorted(result);
  llvm::sort(sorted);
  bool ok = static_cast<int64_t>(sorted.size()) == rank;
  for (int64_t i = 0; ok && i < rank; ++i)
    ok = sorted[i] == i;
  if (!ok)
    return node.error() << "attribute 'perm' must name each of the " << rank
                        << " axes once";
  return result;
}

FailureOr<SmallVector<int64_t>>
hcgs::frontend::readUnsqueezeAxes(Node &node, int64_t rank) {
  auto axes = node.getIntList(1, "axes");
  if (failed(axes))
    return failure();
  if (!*axes)
    return node.error() << "axes are missing";
  int64_t resultRank = rank + static_cast<int64_t>((*axes)->size());
  SmallVector<int64_t> result;
  for (const Dim &axis : **axes) {
    if (!axis.isStatic())
      return node.error() << "axes must be constant";
    FailureOr<int64_t> normal =
        normalizeAxis(node, axis.getCoefficient(), resultRank);
    if (failed(normal))
      return failure();
    result.push_back(*normal);
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return node.error() << "an axis is named twice";
  return result;
}

FailureOr<std::optional<SmallVector<int64_t>>>
hcgs::frontend::readSqueezeAxes(Node &node, int64_t rank) {
  auto axes = node.getIntList(1, "axes");
  if (failed(axes))
    return failure();
  if (!*axes)
    return std::optional<SmallVector<int64_t>>();
  SmallVector<int64_t> result;
  for (const Dim &axis : **axes) {
    FailureOr<int64_t> normal = normalizeAxis(
        node, axis.isStatic() ? axis.getCoefficient() : INT64_MAX, rank);
    if (failed(normal))
      return failure();
    result.push_back(*normal);
  }
  llvm::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return std::optional(std::move(result));
}

FailureOr<SmallVector<Dim>> hcgs::frontend::readReshape(
    Node &node, int64_t rank,
    llvm::function_ref<std::optional<Dim>(int64_t axis)> sizeOfAxis) {
  auto target = node.getIntList(1, "shape");
  FailureOr<int64_t> allowZero = node.getInt("allowzero", 0);
  if (failed(target) || failed(allowZero))
    return failure();
  if (!*target)
    return node.error() << "shape is missing";
  SmallVector<Dim> shape((*target)->begin(), (*target)->end());
  for (auto [index, dim] : llvm::enumerate(shape)) {
    if (!dim.isStatic(0) || *allowZero != 0)
      continue;
    int64_t axis = static_cast<int64_t>(index);
    std::optional<Dim> copied = axis < rank ? sizeOfAxis(axis) : std::nullopt;
    if (!copied)
      return node.error() << "shape copies axis " << axis
                          << " of a value of rank " << rank;
    dim = *copied;
  }
  if (llvm::count_if(shape, [](const Dim &d) { return d.isStatic(-1); }) > 1)
    return node.error() << "shape leaves more than one length open (-1)";
  return shape;
}

FailureOr<int64_t> hcgs::frontend::readFlatten(Node &node, int64_t rank) {
  FailureOr<int64_t> axis = node.getInt("axis", 1);
  if (failed(axis) || *axis == rank)
    return axis;
  return normalizeAxis(node, *axis, rank);
}

FailureOr<SmallVector<int64_t>> hcgs::frontend::readSplit(Node &node,
                                                          int64_t size) {
  auto split = node.getIntList(1, "split");
  FailureOr<int64_t> parts =
      node.getInt("num_outputs", static_cast<int64_t>(node.getNumOutputs()));
  if (failed(split) || failed(parts))
    return failure();
  SmallVector<int64_t> lengths;
  if (*split) {
    for (const Dim &length : **split)
      lengths.push_back(length.isStatic() ? length.getCoefficient() : -1);
  } else if (*parts > 0) {
    // The last part takes what is left.
    int64_t each = (size + *parts - 1) / *parts, rest = size;
    for (int64_t i = 0; i < *parts; ++i, rest -= lengths.back())
      lengths.push_back(std::min(each, rest));
  }
  int64_t sum = 0;
  bool ok = lengths.size() == node.getNumOutputs();
  for (int64_t length : lengths) {
    ok &= length > 0;
    sum += length;
  }
  if (!ok || sum != size)
    return node.error() << "splits an axis of length " << size << " into "
                        << node.getNumOutputs()
                        << " outputs whose lengths do not add up";
  return lengths;
}

FailureOr<std::vector<Dim>> hcgs::frontend::readInts(Node &node, size_t index,
                                                     StringRef role) {
  FailureOr<const Constant *> constant = node.getConstant(index, role);
  if (failed(constant))
    return failure();
  std::optional<std::vector<Dim>> values = (*constant)->getIntList();
  if (!values)
    return node.error() << "input " << role << " ('" << node.getInputName(index)
                        << "') must be an integer or a list of integers";
  return *values;
}

FailureOr<SmallVector<SliceAxis>> hcgs::frontend::readSlice(Node &node,
                                                            int64_t rank) {
  auto starts = node.getIntList(1, "starts"), ends = node.getIntList(2, "ends"),
       axes = node.getIntList(3, "axes"), steps = node.getIntList(4, "steps");
  if (failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  if (!*starts || !*ends)
    return node.error() << "starts or ends are missing";
  size_t count = (*starts)->size();
  if ((*ends)->size() != count || (*axes && (*axes)->size() != count) ||
      (*steps && (*steps)->size() != count))
    return node.error() << "starts, ends, axes and steps differ in length";
  SmallVector<SliceAxis> result;
  for (size_t i = 0; i < count; ++i) {
    Dim axis = *axes ? (**axes)[i] : Dim(static_cast<int64_t>(i));
    Dim step = *steps ? (**steps)[i] : Dim(1);
    if (!axis.isStatic() || !step.isStatic() || step.isStatic(0))
      return node.error() << "axes and steps must be constant, steps not 0";
    FailureOr<int64_t> normal =
        normalizeAxis(node, axis.getCoefficient(), rank);
    if (failed(normal))
      return failure();
    result.push_back(
        {*normal, (**starts)[i], (**ends)[i], step.getCoefficient()});
  }
  return result;
}

std::optional<std::pair<Dim, Dim>>
hcgs::frontend::resolveSlice(const SliceAxis &slice, const Dim &size) {
  // The whole axis, whatever its length.
  bool toEnd = slice.end == size || (slice.end.isStatic() &&
                                     slice.end.getCoefficient() >= INT32_MAX);
  if (slice.step == 1 && slice.start.isStatic(0) && toEnd)
    return std::pair(Dim(0), size);
  if (!size.isStatic() || !slice.start.isStatic() ||
      (!toEnd && !slice.end.isStatic()))
    return std::nullopt;
  int64_t length = size.getCoefficient();
  bool forward = slice.step > 0;
  // As NumPy: negative numbers count from the end, then clamp.
  auto clamp = [&](int64_t at) {
    if (at < 0)
      at = at < -length ? -1 : at + length;
    return forward ? std::clamp<int64_t>(at, 0, length)
                   : std::clamp<int64_t>(at, -1, length - 1);
  };
  int64_t start = clamp(slice.start.getCoefficient());
  int64_t end = toEnd && forward ? length : clamp(slice.end.getCoefficient());
  int64_t count = forward ? (end - start + slice.step - 1) / slice.step
                          : (start - end - slice.step - 1) / -slice.step;
  return std::pair(Dim(start), Dim(std::max<int64_t>(count, 0)));
}
