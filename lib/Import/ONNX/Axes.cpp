// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators that only rename axes, or choose among states or time steps.

#include "Fold.h"
#include "Handlers.h"

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Nothing but another name
//===----------------------------------------------------------------------===//

LogicalResult hcgs::frontend::importIdentity(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "input");
  return failed(in) ? failure() : node.setOutput(0, **in);
}

LogicalResult hcgs::frontend::importCast(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "input");
  FailureOr<int64_t> to = node.getInt("to", 0);
  node.ignoreAttr("saturate");
  node.ignoreAttr("round_mode");
  if (failed(in) || failed(to))
    return failure();
  // Values are fixed-point numbers in the end, whatever float type the model
  // uses for them.
  if (!isFloatType(static_cast<int>(*to)))
    return node.error() << "attribute 'to' is "
                        << dataTypeName(static_cast<int>(*to))
                        << "; values of the model can only be cast to float "
                           "types";
  return node.setOutput(0, **in);
}

LogicalResult hcgs::frontend::importDropout(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  // The ratio and the seed only matter in training.
  node.ignoreAttr("ratio");
  node.ignoreAttr("seed");
  bool training = false;
  if (node.getImporter().getOpset() < 7) {
    FailureOr<int64_t> isTest = node.getInt("is_test", 0);
    if (failed(isTest))
      return failure();
    if (*isTest == 0)
      return node.error() << "attribute 'is_test' is 0, which means training; "
                             "export the model for inference";
  }
  if (node.hasInput(2)) {
    FailureOr<const Constant *> mode = node.getConstant(2, "training_mode");
    if (failed(mode))
      return failure();
    training = !(*mode)->isZero();
  }
  if (training)
    return node.error() << "input training_mode is true; export the model for "
                           "inference";
  if (node.wantsOutput(1))
    return node.error() << "output mask is not supported; only the first "
                           "output is";
  return node.setOutput(0, **in);
}

LogicalResult hcgs::frontend::importExpand(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "input");
  FailureOr<std::vector<Dim>> target = readInts(node, 1, "shape");
  if (failed(in) || failed(target))
    return failure();
  Tensor out = **in;
  while (out.axes.size() < target->size())
    out.axes.insert(out.axes.begin(), Group());
  size_t shift = out.axes.size() - target->size();
  for (auto [index, dim] : llvm::enumerate(*target)) {
    std::optional<Dim> size = sizeOf(out.axes[shift + index]);
    if (!dim.isStatic(1) && (!size || *size != dim))
      return node.error() << "expands a value of shape "
                          << node.getImporter().describe((*in)->axes) << " to "
                          << node.getImporter().describe(*target)
                          << "; only constants can be expanded";
  }
  return node.setOutput(0, std::move(out));
}

//===----------------------------------------------------------------------===//
// Renaming
//===----------------------------------------------------------------------===//

LogicalResult hcgs::frontend::importTranspose(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  auto permutation = readPermutation(node, (*in)->getRank());
  if (failed(permutation))
    return failure();
  Tensor out = **in;
  for (auto [to, from] : llvm::enumerate(*permutation))
    out.axes[to] = (*in)->axes[from];
  return node.setOutput(0, std::move(out));
}

LogicalResult hcgs::frontend::importUnsqueeze(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  auto axes = readUnsqueezeAxes(node, (*in)->getRank());
  if (failed(axes))
    return failure();
  Tensor out = **in;
  for (int64_t axis : *axes)
    out.axes.insert(out.axes.begin() + axis, Group());
  return node.setOutput(0, std::move(out));
}

/// Makes sure that an axis has length 1. If it is dynamic, the graph says so.
static LogicalResult requireUnit(Node &node, const Group &axis, int64_t index) {
  if (axis.empty())
    return success();
  std::optional<Dim> size = sizeOf(axis);
  if (std::optional<unsigned> symbol = size ? size->asSymbol() : std::nullopt)
    return node.getImporter().bind(*symbol, 1);
  return node.error() << "removes axis " << index << " of length "
                      << node.getImporter().describe(size.value_or(Dim(0)))
                      << "; only axes of length 1 can be removed";
}

LogicalResult hcgs::frontend::importSqueeze(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  auto axes = readSqueezeAxes(node, (*in)->getRank());
  if (failed(axes))
    return failure();
  Tensor out = **in;
  out.axes.clear();
  for (auto [index, group] : llvm::enumerate((*in)->axes)) {
    int64_t axis = static_cast<int64_t>(index);
    bool drop = *axes ? llvm::is_contained(**axes, axis) : group.empty();
    if (drop && failed(requireUnit(node, group, axis)))
      return failure();
    if (!drop)
      out.axes.push_back(group);
  }
  return node.setOutput(0, std::move(out));
}

namespace {

/// Deals factors out to the axes of a Reshape, in order.
class FactorDealer {
public:
  FactorDealer(Node &node, ArrayRef<Group> axes) : node(node) {
    for (const Group &axis : axes)
      llvm::append_range(factors, axis);
  }

  /// The factors of the next axis, of length `size`, from the front or the
  /// back.
  FailureOr<Group> take(const Dim &size, bool fromBack);

  /// All factors that are left.
  Group takeRest() {
    Group rest(factors.begin(), factors.end());
    factors.clear();
    return rest;
  }
  bool empty() const { return factors.empty(); }

private:
  Node &node;
  SmallVector<Factor> factors;
};

} // namespace

FailureOr<Group> FactorDealer::take(const Dim &size, bool fromBack) {
  Group group;
  std::optional<Dim> rest = size;
  while (!rest->isStatic(1)) {
    if (factors.empty())
      return failure();
    Factor factor = fromBack ? factors.back() : factors.front();
    std::optional<Dim> quotient = divide(*rest, factor.size);
    if (!quotient || *quotient == Dim(0) ||
        multiply(*quotient, factor.size) != rest) {
      // A dynamic axis that the graph gives a constant length.
      std::optional<unsigned> symbol = factor.size.asSymbol();
      if (symbol && rest->isStatic() && rest->getCoefficient() > 0)
        return node.getImporter().bind(*symbol, rest->getCoefficient());
      return failure();
    }
    rest = quotient;
    if (fromBack) {
      group.insert(group.begin(), factor);
      factors.pop_back();
    } else {
      group.push_back(factor);
      factors.erase(factors.begin());
    }
  }
  return group;
}

/// True if features would be mixed with steps or sequences.
static bool mixes(Importer &importer, const Group &group) {
  bool outer = false, inner = false;
  for (const Factor &factor : group)
    if (std::optional<rnn::Axis> axis = importer.getAxis(factor)) {
      bool steps = *axis == rnn::Axis::Time || *axis == rnn::Axis::Batch;
      (steps ? outer : inner) = true;
    }
  return outer && inner;
}

/// Gives `in` the axes `shape`; one of them may be open (-1).
static LogicalResult reshapeTo(Node &node, const Tensor &in,
                               ArrayRef<Dim> shape) {
  Importer &importer = node.getImporter();
  auto fail = [&]() {
    return node.error() << "reshapes a value of shape "
                        << importer.describe(in.axes) << " to "
                        << importer.describe(shape)
                        << ", which does more than rename axes (Reshape may "
                           "join neighbouring axes that belong together)";
  };
  const Dim *open =
      llvm::find_if(shape, [](const Dim &dim) { return dim.isStatic(-1); });
  FactorDealer dealer(node, in.axes);
  Tensor out = in;
  out.axes.assign(shape.size(), Group());
  size_t hole = open - shape.begin();
  auto place = [&](size_t index, bool fromBack) -> LogicalResult {
    if (shape[index].isCertainlyBelow(1))
      return failure();
    FailureOr<Group> group = dealer.take(shape[index], fromBack);
    if (failed(group))
      return failure();
    out.axes[index] = *group;
    return success();
  };
  bool ok = true;
  for (size_t index = 0; ok && index < hole; ++index)
    ok = succeeded(place(index, /*fromBack=*/false));
  for (size_t index = shape.size(); ok && index-- > hole + 1;)
    ok = succeeded(place(index, /*fromBack=*/true));
  if (importer.isRestarting())
    return failure();
  if (ok && hole < shape.size())
    out.axes[hole] = dealer.takeRest();
  if (!ok || !dealer.empty() || llvm::any_of(out.axes, [&](const Group &axis) {
        return mixes(importer, axis);
      }))
    return fail();
  return node.setOutput(0, std::move(out));
}

LogicalResult hcgs::frontend::importReshape(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  auto shape = readReshape(node, (*in)->getRank(), [&](int64_t axis) {
    return sizeOf((*in)->axes[axis]);
  });
  return failed(shape) ? failure() : reshapeTo(node, **in, *shape);
}

LogicalResult hcgs::frontend::importFlatten(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "input");
  if (failed(in))
    return failure();
  int64_t rank = static_cast<int64_t>((*in)->getRank());
  FailureOr<int64_t> axis = readFlatten(node, rank);
  if (failed(axis))
    return failure();
  Tensor out = **in;
  out.axes.assign(2, Group());
  for (int64_t index = 0; index < rank; ++index)
    llvm::append_range(out.axes[index < *axis ? 0 : 1], (*in)->axes[index]);
  for (const Group &group : out.axes)
    if (mixes(node.getImporter(), group))
      return node.error() << "flattens a value of shape "
                          << node.getImporter().describe((*in)->axes)
                          << " so that features are mixed with steps or "
                             "sequences";
  return node.setOutput(0, std::move(out));
}

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

/// The entries `first .. first+count-1` of axis `axis` of `in`, the axis kept.
static FailureOr<Tensor> choose(Node &node, const Tensor &in, int64_t axis,
                                int64_t first, int64_t count) {
  Importer &importer = node.getImporter();
  auto error = [&] { return node.error(); };
  const Group &group = in.axes[axis];
  std::optional<Dim> size = sizeOf(group);
  if (group.empty())
    return in;

  // The last step of a sequence.
  bool isTime =
      group.size() == 1 && importer.getAxis(group[0]) == rnn::Axis::Time;
  bool isLast =
      count == 1 && (first == -1 || (size && size->isStatic(first + 1)));
  if (isTime && isLast && !in.isStacked()) {
    SmallVector<Group> order{group};
    for (const Group &other : in.dims)
      if (!importer.sameAxis(other, group))
        order.push_back(other);
    FailureOr<Value> sequence =
        importer.materialize(in, order, node.getLoc(), error);
    if (failed(sequence))
      return failure();
    Tensor out;
    out.dims.assign(order.begin() + 1, order.end());
    out.parts.push_back(
        rnn::LastStepOp::create(importer.getBuilder(), node.getLoc(),
                                importer.typeOf(out.dims), *sequence));
    out.axes = in.axes;
    out.axes[axis].clear();
    return out;
  }
  if (isTime || group.size() != 1 || !size || !size->isStatic())
    return node.error()
           << "takes entries of axis " << axis << " of a value of shape "
           << importer.describe(in.axes)
           << "; supported are the last time step, and states of single layers";

  // States: the chosen axis first, then taken apart.
  Tensor turned = in;
  std::rotate(turned.axes.begin(), turned.axes.begin() + axis,
              turned.axes.begin() + axis + 1);
  FailureOr<Tensor> stacked = importer.toStacked(turned, node.getLoc(), error);
  if (failed(stacked))
    return failure();
  if (first < 0)
    first += size->getCoefficient();
  Tensor out = *stacked;
  out.parts.assign(stacked->parts.begin() + first,
                   stacked->parts.begin() + first + count);
  Group chosen = importer.newGroup(count);
  if (!chosen.empty()) {
    out.layer = chosen.front();
    if (failed(importer.setAxis(chosen, rnn::Axis::Layer, error)))
      return failure();
  }
  out.axes[0] = chosen;
  std::rotate(out.axes.begin(), out.axes.begin() + 1,
              out.axes.begin() + axis + 1);
  return out;
}

LogicalResult hcgs::frontend::importSlice(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  if (failed(in))
    return failure();
  auto slices = readSlice(node, (*in)->getRank());
  if (failed(slices))
    return failure();
  Tensor out = **in;
  for (const SliceAxis &slice : *slices) {
    std::optional<Dim> size = sizeOf(out.axes[slice.axis]);
    auto range = size ? resolveSlice(slice, *size) : std::nullopt;
    if (range && range->first.isStatic(0) && range->second == *size &&
        slice.step == 1)
      continue;
    // [-1:] needs no length.
    bool isLast = slice.step == 1 && slice.start.isStatic(-1) &&
                  slice.end.isStatic() &&
                  slice.end.getCoefficient() >= INT32_MAX;
    bool isEmpty = range && range->second.isStatic(0);
    if ((!range && !isLast) || slice.step != 1 || isEmpty)
      return node.error() << "cuts axis " << slice.axis
                          << " of a value of shape "
                          << node.getImporter().describe(out.axes)
                          << "; supported are the last time step, and states "
                             "of single layers";
    FailureOr<Tensor> part =
        choose(node, out, slice.axis,
               isLast && !range ? -1 : range->first.getCoefficient(),
               isLast && !range ? 1 : range->second.getCoefficient());
    if (failed(part))
      return failure();
    out = std::move(*part);
  }
  return node.setOutput(0, std::move(out));
}

LogicalResult hcgs::frontend::importGather(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "data");
  FailureOr<const Constant *> indices = node.getConstant(1, "indices");
  FailureOr<int64_t> axis = node.getInt("axis", 0);
  if (failed(in) || failed(indices) || failed(axis) ||
      failed(axis = normalizeAxis(node, *axis, (*in)->getRank())))
    return failure();
  FailureOr<std::vector<Dim>> places = readInts(node, 1, "indices");
  if (failed(places))
    return failure();
  if (places->size() != 1 || !places->front().isStatic())
    return node.error() << "takes " << places->size()
                        << " entries; one is supported";
  int64_t index = places->front().getCoefficient();
  std::optional<Dim> size = sizeOf((*in)->axes[*axis]);
  if (size && size->isStatic()) {
    FailureOr<int64_t> normal =
        normalizeAxis(node, index, size->getCoefficient());
    if (failed(normal))
      return failure();
    index = *normal;
  }
  FailureOr<Tensor> out = choose(node, **in, *axis, index, 1);
  if (failed(out))
    return failure();
  if ((*indices)->getRank() == 0)
    out->axes.erase(out->axes.begin() + *axis);
  return node.setOutput(0, std::move(*out));
}

LogicalResult hcgs::frontend::importSplit(Node &node) {
  FailureOr<const Tensor *> in = node.getTensor(0, "input");
  FailureOr<int64_t> axis = node.getInt("axis", 0);
  if (failed(in) || failed(axis) ||
      failed(axis = normalizeAxis(node, *axis, (*in)->getRank())))
    return failure();
  std::optional<Dim> size = sizeOf((*in)->axes[*axis]);
  if (!size || !size->isStatic())
    return node.error() << "splits an axis of dynamic length";
  auto lengths = readSplit(node, size->getCoefficient());
  if (failed(lengths))
    return failure();
  int64_t first = 0;
  for (auto [index, length] : llvm::enumerate(*lengths)) {
    FailureOr<Tensor> out = length == size->getCoefficient()
                                ? FailureOr<Tensor>(**in)
                                : choose(node, **in, *axis, first, length);
    if (failed(out) || failed(node.setOutput(index, std::move(*out))))
      return failure();
    first += length;
  }
  return success();
}
