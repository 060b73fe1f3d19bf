// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of operators that compute with constants.

#include "Fold.h"

#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;
using onnx::TensorProto;

/// Most entries that the evaluator computes with one by one.
static constexpr int64_t kMaxComputed = int64_t(1) << 20;

/// The shape, stored in full, of an element-wise result of `a` and `b`; an
/// error if they do not broadcast or are too large to compute with.
static FailureOr<Constant> broadcast(Node &node, const Constant &a,
                                     const Constant &b) {
  auto fail = [&](StringRef why) {
    return node.error() << "combines constants of shapes "
                        << node.getImporter().describe(a.shape) << " and "
                        << node.getImporter().describe(b.shape) << why;
  };
  Constant out;
  size_t rank = std::max(a.getRank(), b.getRank());
  int64_t count = 1;
  for (size_t back = rank; back-- > 0;) {
    auto dim = [&](const Constant &c) {
      return back < c.getRank() ? c.shape[c.getRank() - 1 - back] : Dim(1);
    };
    Dim x = dim(a), y = dim(b);
    if (!x.isStatic() || !y.isStatic())
      return fail(", which are not known at compile time");
    if (x != y && !x.isStatic(1) && !y.isStatic(1))
      return fail(", which do not broadcast");
    int64_t length = x.isStatic(1) ? y.getCoefficient() : x.getCoefficient();
    if (__builtin_mul_overflow(count, length, &count) || count > kMaxComputed)
      return fail(", which are too large to be evaluated");
    out.shape.push_back(length);
    out.stored.push_back(length);
  }
  return out;
}

/// Where entry `index` of the broadcast shape `stored` is in `c`.
static int64_t place(const Constant &c, ArrayRef<int64_t> stored,
                     int64_t index) {
  SmallVector<int64_t> strides = rowMajor(c.stored);
  int64_t at = 0;
  for (size_t back = 0; back < stored.size(); ++back) {
    int64_t length = stored[stored.size() - 1 - back];
    int64_t position = index % length;
    index /= length;
    if (back < c.getRank()) {
      size_t axis = c.getRank() - 1 - back;
      if (c.stored[axis] != 1)
        at += position * strides[axis];
    }
  }
  return at;
}

LogicalResult hcgs::frontend::foldArithmetic(Node &node) {
  FailureOr<const Constant *> a = node.getConstant(0, "A"),
                              b = node.getConstant(1, "B");
  if (failed(a) || failed(b))
    return failure();
  if ((*a)->kind != (*b)->kind || (*a)->kind == Constant::Kind::Bool)
    return node.error() << "needs two integers or two floats";
  FailureOr<Constant> out = broadcast(node, **a, **b);
  if (failed(out))
    return failure();
  out->kind = (*a)->kind;
  StringRef op = node.getOp();
  std::vector<float> floats;
  for (int64_t i = 0, count = out->getNumStored(); i < count; ++i) {
    int64_t x = place(**a, out->stored, i), y = place(**b, out->stored, i);
    if (out->isFloat()) {
      float u = (*a)->floats.data[x], v = (*b)->floats.data[y];
      floats.push_back(op == "Add"   ? u + v
                       : op == "Sub" ? u - v
                       : op == "Mul" ? u * v
                                     : u / v);
      continue;
    }
    const Dim &u = (*a)->ints[x], &v = (*b)->ints[y];
    std::optional<Dim> value;
    if (op == "Add")
      value = add(u, v);
    else if (op == "Mul")
      value = multiply(u, v);
    else if (op == "Div")
      value = divide(u, v);
    else if (std::optional<Dim> negative = multiply(v, Dim(-1)))
      value = add(u, *negative);
    if (!value)
      return node.error() << "cannot compute " << node.getImporter().describe(u)
                          << " and " << node.getImporter().describe(v)
                          << " without knowing the length of the sequence";
    out->ints.push_back(*value);
  }
  if (out->isFloat())
    out->floats = FloatBuffer::own(std::move(floats), node.getName().str());
  return node.setOutput(0, std::move(*out));
}

LogicalResult hcgs::frontend::foldEqual(Node &node) {
  FailureOr<const Constant *> a = node.getConstant(0, "A"),
                              b = node.getConstant(1, "B");
  if (failed(a) || failed(b))
    return failure();
  if ((*a)->isFloat() || (*b)->isFloat())
    return node.error() << "compares floats; only integers are supported";
  FailureOr<Constant> out = broadcast(node, **a, **b);
  if (failed(out))
    return failure();
  out->kind = Constant::Kind::Bool;
  for (int64_t i = 0, count = out->getNumStored(); i < count; ++i) {
    const Dim &u = (*a)->ints[place(**a, out->stored, i)];
    const Dim &v = (*b)->ints[place(**b, out->stored, i)];
    // The length of a dynamic axis is at least 1.
    bool differ =
        (!u.isStatic() && u.getCoefficient() > 0 && v.isCertainlyBelow(1)) ||
        (!v.isStatic() && v.getCoefficient() > 0 && u.isCertainlyBelow(1));
    if (u != v && !differ && !(u.isStatic() && v.isStatic()))
      return node.error() << "cannot compare " << node.getImporter().describe(u)
                          << " with " << node.getImporter().describe(v)
                          << " without knowing the length of the sequence";
    out->ints.emplace_back(u == v);
  }
  return node.setOutput(0, std::move(*out));
}

LogicalResult hcgs::frontend::foldWhere(Node &node) {
  FailureOr<const Constant *> condition = node.getConstant(0, "condition"),
                              x = node.getConstant(1, "X"),
                              y = node.getConstant(2, "Y");
  if (failed(condition) || failed(x) || failed(y))
    return failure();
  if ((*condition)->kind != Constant::Kind::Bool || (*x)->kind != (*y)->kind ||
      (*x)->isFloat())
    return node.error() << "needs a condition and two integers";
  FailureOr<Constant> shape = broadcast(node, **x, **y);
  if (failed(shape))
    return failure();
  FailureOr<Constant> out = broadcast(node, *shape, **condition);
  if (failed(out))
    return failure();
  out->kind = (*x)->kind;
  for (int64_t i = 0, count = out->getNumStored(); i < count; ++i) {
    bool first =
        !(*condition)->ints[place(**condition, out->stored, i)].isStatic(0);
    const Constant &from = first ? **x : **y;
    out->ints.push_back(from.ints[place(from, out->stored, i)]);
  }
  return node.setOutput(0, std::move(*out));
}

LogicalResult hcgs::frontend::foldRange(Node &node) {
  int64_t values[3];
  static constexpr const char *roles[] = {"start", "limit", "delta"};
  for (auto [index, role] : llvm::enumerate(roles)) {
    FailureOr<std::vector<Dim>> value = readInts(node, index, role);
    if (failed(value))
      return failure();
    if (value->size() != 1 || !value->front().isStatic())
      return node.error() << "input " << role << " must be a constant integer";
    values[index] = value->front().getCoefficient();
  }
  auto [start, limit, delta] = values;
  if (delta == 0)
    return node.error() << "delta must not be 0";
  std::vector<Dim> numbers;
  for (int64_t at = start; delta > 0 ? at < limit : at > limit; at += delta) {
    numbers.emplace_back(at);
    if (static_cast<int64_t>(numbers.size()) > kMaxComputed)
      return node.error() << "the range is too long to be evaluated";
  }
  int64_t size = numbers.size();
  return node.setOutput(0, Constant::fromInts(std::move(numbers), {size}));
}

/// `value` rounded to a narrower float type.
static float roundTo(float value, int type) {
  const llvm::fltSemantics *semantics =
      type == TensorProto::FLOAT16    ? &llvm::APFloat::IEEEhalf()
      : type == TensorProto::BFLOAT16 ? &llvm::APFloat::BFloat()
                                      : nullptr;
  if (!semantics)
    return value;
  llvm::APFloat number(value);
  bool lost;
  number.convert(*semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
  number.convert(llvm::APFloat::IEEEsingle(),
                 llvm::APFloat::rmNearestTiesToEven, &lost);
  return number.convertToFloat();
}

LogicalResult hcgs::frontend::foldCast(Node &node) {
  FailureOr<const Constant *> in = node.getConstant(0, "input");
  FailureOr<int64_t> to = node.getInt("to", 0);
  // Both only matter for types that are refused.
  node.ignoreAttr("saturate");
  node.ignoreAttr("round_mode");
  if (failed(in) || failed(to))
    return failure();
  int type = static_cast<int>(*to);
  Constant out = **in;
  if (isFloatType(type)) {
    // Numbers are kept as float32, which all of these types were read as.
    bool narrows =
        type == TensorProto::FLOAT16 || type == TensorProto::BFLOAT16;
    if (out.isFloat() && !narrows)
      return node.setOutput(0, std::move(out));
    std::vector<float> values;
    if (out.isFloat()) {
      for (float value : out.floats.get())
        values.push_back(roundTo(value, type));
    } else {
      for (const Dim &value : out.ints) {
        if (!value.isStatic())
          return node.error() << "makes a float of the length of an axis";
        values.push_back(
            roundTo(static_cast<float>(value.getCoefficient()), type));
      }
    }
    out.kind = Constant::Kind::Float;
    out.ints.clear();
    out.floats = FloatBuffer::own(std::move(values), node.getName().str());
    return node.setOutput(0, std::move(out));
  }
  if (type != TensorProto::INT64 && type != TensorProto::INT32 &&
      type != TensorProto::BOOL)
    return node.error() << "attribute 'to' is " << dataTypeName(type)
                        << "; supported are float types, int32, int64 and bool";
  if (out.isFloat()) {
    for (float value : out.floats.get()) {
      if (!(std::fabs(value) < 0x1p62f))
        return node.error() << "makes an integer of " << value;
      out.ints.emplace_back(static_cast<int64_t>(value));
    }
    out.floats = {};
  }
  out.kind = Constant::Kind::Int;
  if (type == TensorProto::BOOL) {
    out.kind = Constant::Kind::Bool;
    for (Dim &value : out.ints)
      value = value.isStatic(0) ? Dim(0) : Dim(1);
  }
  return node.setOutput(0, std::move(out));
}
