// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bookkeeping of axes: which factors are the same, and how a base becomes
// the view that the graph wants.

#include "Importer.h"

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

std::optional<Dim> hcgs::frontend::sizeOf(ArrayRef<Factor> group) {
  std::optional<Dim> size = Dim(1);
  for (const Factor &factor : group)
    if (size)
      size = multiply(*size, factor.size);
  return size;
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

Group Importer::newGroup(Dim size) {
  if (size.isStatic(1))
    return {};
  unsigned id = factors.size();
  factors.push_back({id, std::nullopt});
  return {Factor{id, size}};
}

unsigned Importer::find(unsigned factor) {
  while (factors[factor].parent != factor)
    factor = factors[factor].parent = factors[factors[factor].parent].parent;
  return factor;
}

std::optional<rnn::Axis> Importer::getAxis(const Factor &factor) {
  return factors[find(factor.id)].axis;
}

LogicalResult Importer::setAxis(const Group &group, rnn::Axis axis,
                                ErrorFn error) {
  for (const Factor &factor : group) {
    std::optional<rnn::Axis> &known = factors[find(factor.id)].axis;
    if (known && *known != axis)
      return error() << "uses an axis as " << rnn::stringifyAxis(axis)
                     << " that counts " << rnn::stringifyAxis(*known)
                     << " elsewhere in the model";
    known = axis;
  }
  return success();
}

bool Importer::sameAxis(ArrayRef<Factor> a, ArrayRef<Factor> b) {
  return llvm::equal(a, b, [&](const Factor &x, const Factor &y) {
    return find(x.id) == find(y.id);
  });
}

bool Importer::sameAxes(ArrayRef<Group> a, ArrayRef<Group> b) {
  return llvm::equal(
      a, b, [&](const Group &x, const Group &y) { return sameAxis(x, y); });
}

LogicalResult Importer::unify(const Group &a, const Group &b, ErrorFn error) {
  if (sameAxis(a, b))
    return success();
  std::optional<Dim> sizeA = sizeOf(a), sizeB = sizeOf(b);
  // An axis of constant length meets a dynamic one: the graph fixes it.
  auto fix = [&](ArrayRef<Factor> dynamic, const Dim &size,
                 const Dim &other) -> std::optional<LogicalResult> {
    if (std::optional<unsigned> symbol = size.asSymbol();
        symbol && other.isStatic())
      return bind(*symbol, other.getCoefficient());
    return std::nullopt;
  };
  if (sizeA && sizeB) {
    if (std::optional<LogicalResult> result = fix(a, *sizeA, *sizeB))
      return *result;
    if (std::optional<LogicalResult> result = fix(b, *sizeB, *sizeA))
      return *result;
  }
  bool fits = sizeA && sizeB &&
              (*sizeA == *sizeB || (sizeA->asSymbol() && sizeB->asSymbol()));
  if (!fits || a.size() != 1 || b.size() != 1)
    return error() << "joins an axis of length " << describe({a})
                   << " with one of length " << describe({b});
  FactorInfo &infoA = factors[find(a[0].id)], &infoB = factors[find(b[0].id)];
  if (infoA.axis && infoB.axis && *infoA.axis != *infoB.axis)
    return error() << "joins an axis that counts "
                   << rnn::stringifyAxis(*infoA.axis)
                   << " with one that counts "
                   << rnn::stringifyAxis(*infoB.axis);
  if (!infoA.axis)
    infoA.axis = infoB.axis;
  infoB.parent = infoA.parent;
  return success();
}

LogicalResult Importer::bind(unsigned symbol, int64_t size) {
  bindings[symbols[symbol]] = size;
  newBinding = true;
  return failure();
}

//===----------------------------------------------------------------------===//
// Types and text
//===----------------------------------------------------------------------===//

int64_t Importer::typeDim(ArrayRef<Factor> group) {
  std::optional<Dim> size = sizeOf(group);
  return size && size->isStatic() ? size->getCoefficient()
                                  : ShapedType::kDynamic;
}

RankedTensorType Importer::typeOf(ArrayRef<Group> axes) {
  SmallVector<int64_t> shape;
  for (const Group &axis : axes)
    shape.push_back(typeDim(axis));
  return RankedTensorType::get(shape, builder.getF32Type());
}

std::string Importer::describe(const Dim &dim) {
  if (dim.isStatic())
    return std::to_string(dim.getCoefficient());
  std::string text;
  if (dim.getCoefficient() != 1)
    text = std::to_string(dim.getCoefficient()) + "*";
  llvm::interleave(
      dim.getSymbols(), [&](unsigned symbol) { text += symbols[symbol]; },
      [&] { text += "*"; });
  return text;
}

std::string Importer::describe(ArrayRef<Dim> dims) {
  std::string text = "[";
  llvm::interleave(
      dims, [&](const Dim &dim) { text += describe(dim); },
      [&] { text += ", "; });
  return text + "]";
}

std::string Importer::describe(ArrayRef<Group> axes) {
  SmallVector<Dim> dims;
  for (const Group &axis : axes)
    dims.push_back(sizeOf(axis).value_or(Dim(0)));
  return describe(dims);
}

//===----------------------------------------------------------------------===//
// From base to view
//===----------------------------------------------------------------------===//

/// True if `value` is a function argument under other names.
static bool comesFromArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<rnn::TransposeOp, rnn::SqueezeOp, rnn::UnsqueezeOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return true;
}

FailureOr<Value> Importer::materialize(const Tensor &tensor,
                                       ArrayRef<Group> axes, Location loc,
                                       ErrorFn error) {
  auto fail = [&]() -> InFlightDiagnostic {
    SmallVector<Group> computed(tensor.dims);
    if (tensor.isStacked())
      computed.insert(computed.begin(), Group{tensor.layer});
    InFlightDiagnostic diag = error();
    diag << "needs a value of shape " << describe(axes)
         << ", but it is computed as " << describe(computed)
         << "; only axes that are renamed, reordered or of length 1 can be "
            "brought into another form";
    return diag;
  };

  Value value = tensor.getBase();
  SmallVector<Group> dims(tensor.dims);
  if (tensor.isStacked()) {
    // [batch, layer * unit] is one value beside the other.
    if (axes.size() == 2 && sameAxis(axes[0], dims[0]) && !axes[1].empty() &&
        find(axes[1].front().id) == find(tensor.layer.id) &&
        sameAxis(ArrayRef<Factor>(axes[1]).drop_front(), dims[1]))
      return rnn::ConcatOp::create(builder, loc, typeOf(axes), tensor.parts,
                                   /*formats=*/nullptr)
          .getResult();
    dims.insert(dims.begin(), Group{tensor.layer});
    value = rnn::StackOp::create(builder, loc, typeOf(dims), tensor.parts);
  }
  if (sameAxes(axes, dims))
    return value;

  // A single state [batch, unit] as one layer of states.
  if (dims.size() == 2 && axes.size() == 3 && axes[0].empty() &&
      sameAxes(axes.drop_front(), dims) && !dims[1].empty() &&
      getAxis(dims[1].front()) == rnn::Axis::Unit && !comesFromArgument(value))
    return rnn::StackOp::create(builder, loc, typeOf(axes), ValueRange(value))
        .getResult();

  // Joined directions that the graph wants apart.
  if (dims.size() == 3 && dims[2].size() == 2 &&
      llvm::any_of(axes, [&](const Group &axis) {
        return sameAxis(axis, ArrayRef<Factor>(dims[2]).take_front());
      })) {
    SmallVector<Group> split{dims[0], Group{dims[2][0]}, dims[1],
                             Group{dims[2][1]}};
    value = rnn::SplitDirectionsOp::create(builder, loc, typeOf(split), value);
    dims = split;
  }

  // Which axis of the base each axis of the view is; unit axes take any.
  SmallVector<int64_t> source(axes.size(), -1);
  SmallVector<bool> used(dims.size(), false);
  auto claim = [&](size_t to, size_t from) {
    source[to] = static_cast<int64_t>(from);
    used[from] = true;
  };
  for (size_t to = 0; to < axes.size(); ++to) {
    if (axes[to].empty())
      continue;
    for (size_t from = 0; from < dims.size() && source[to] < 0; ++from)
      if (!used[from] && sameAxis(axes[to], dims[from]))
        claim(to, from);
    if (source[to] < 0)
      return fail();
  }
  // A unit axis prefers the one at its own place, counted from the end or from
  // the front, to spare a transpose.
  auto sameFromEnd = [&](size_t to, size_t from) {
    return axes.size() - to == dims.size() - from;
  };
  auto sameFromFront = [](size_t to, size_t from) { return to == from; };
  auto anywhere = [](size_t, size_t) { return true; };
  auto claimUnits = [&](auto fits) {
    for (size_t to = 0; to < axes.size(); ++to)
      for (size_t from = 0; from < dims.size() && source[to] < 0; ++from)
        if (axes[to].empty() && !used[from] && dims[from].empty() &&
            fits(to, from))
          claim(to, from);
  };
  claimUnits(sameFromEnd);
  claimUnits(sameFromFront);
  claimUnits(anywhere);

  // What is left of the base must be of length 1 and goes away.
  for (size_t from = dims.size(); from-- > 0;) {
    if (used[from])
      continue;
    if (!dims[from].empty())
      return fail();
    dims.erase(dims.begin() + from);
    value = rnn::SqueezeOp::create(builder, loc, typeOf(dims), value, from);
    for (int64_t &place : source)
      if (place > static_cast<int64_t>(from))
        --place;
  }
  SmallVector<int64_t> permutation;
  SmallVector<Group> permuted;
  for (int64_t place : source)
    if (place >= 0) {
      permutation.push_back(place);
      permuted.push_back(dims[place]);
    }
  if (!llvm::is_sorted(permutation))
    value = rnn::TransposeOp::create(builder, loc, typeOf(permuted), value,
                                     permutation);
  for (size_t to = 0; to < axes.size(); ++to)
    if (source[to] < 0) {
      permuted.insert(permuted.begin() + to, Group());
      value =
          rnn::UnsqueezeOp::create(builder, loc, typeOf(permuted), value, to);
    }
  return value;
}

FailureOr<Tensor> Importer::toStacked(const Tensor &tensor, Location loc,
                                      ErrorFn error) {
  if (tensor.getRank() != 3)
    return error() << "needs states of rank 3, found shape "
                   << describe(tensor.axes);
  if (tensor.isStacked() && sameAxis(tensor.axes[0], Group{tensor.layer}) &&
      sameAxes(ArrayRef<Group>(tensor.axes).drop_front(), tensor.dims))
    return tensor;
  // One state that the graph looks at as a stack of one.
  if (!tensor.isStacked() && tensor.axes[0].empty() &&
      sameAxes(ArrayRef<Group>(tensor.axes).drop_front(), tensor.dims))
    return tensor;
  std::optional<Dim> layers = sizeOf(tensor.axes[0]);
  if (!layers || !layers->isStatic() || tensor.axes[0].size() > 1)
    return error() << "takes a value of shape " << describe(tensor.axes)
                   << " apart on its first axis, which must have a constant "
                      "length";
  FailureOr<Value> whole = materialize(tensor, tensor.axes, loc, error);
  if (failed(whole))
    return failure();
  Tensor result;
  result.axes = tensor.axes;
  result.dims.append(tensor.axes.begin() + 1, tensor.axes.end());
  if (!tensor.axes[0].empty())
    result.layer = tensor.axes[0].front();
  for (int64_t i = 0; i < layers->getCoefficient(); ++i)
    result.parts.push_back(
        rnn::UnstackOp::create(builder, loc, typeOf(result.dims), *whole, i));
  return result;
}

FailureOr<Tensor> Importer::withFeaturesLast(const Tensor &tensor, Location loc,
                                             ErrorFn error) {
  if (tensor.axes.empty())
    return error() << "needs a value with a feature axis, found a scalar";
  size_t rank = tensor.dims.size();
  if (!tensor.isStacked() && (rank == 2 || rank == 3) &&
      sameAxis(tensor.axes.back(), tensor.dims.back()))
    return tensor;
  FailureOr<Value> value = materialize(tensor, tensor.axes, loc, error);
  if (failed(value))
    return failure();
  if (tensor.getRank() != 2 && tensor.getRank() != 3)
    return error() << "needs a value of rank 2 or 3, found shape "
                   << describe(tensor.axes);
  Tensor result;
  result.parts.push_back(*value);
  result.dims = result.axes = tensor.axes;
  return result;
}
