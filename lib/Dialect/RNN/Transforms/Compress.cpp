// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-compress: which blocks every weight matrix keeps.

#include "hcgs/Compression/Detect.h"
#include "hcgs/Compression/Select.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/Format.h"

#include <optional>

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNCOMPRESS
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using compression::Balance;
using compression::BlockMap;
using compression::Detection;

namespace {

/// One matrix of the model, and what was found for it. Matrices are worked on
/// concurrently, so results wait here until they are applied in order.
struct Matrix {
  Operation *layer;
  StringRef name; // "W", "R"
  WeightOp weight;
  uint64_t ordinal; // among all matrices that could be compressed
  FloatData data;
  compression::MatrixView view;

  std::shared_ptr<const BlockMap> map; // what to store, if sparse
  std::string error, remark;
  bool drops = false; // some weights become zero
};

struct Compress : rnn::impl::RNNCompressBase<Compress> {
  using RNNCompressBase::RNNCompressBase;

  void runOnOperation() override;

private:
  std::vector<Matrix> collect();
  LogicalResult readOptions();
  void work(Matrix &matrix) const;
  void detectIn(Matrix &matrix) const;
  void imposeOn(Matrix &matrix) const;
  LogicalResult apply(Matrix &matrix);

  Balance imposedBalance() const {
    return balance == BalanceChoice::Column ? Balance::Column : Balance::Row;
  }

  std::vector<compression::Tier> sizes;       // of `tiers`, to detect with
  std::optional<compression::Pattern> wanted; // of `tiers`, to impose
};

} // namespace

/// "61440 of 983040 weights".
static std::string describeKept(const BlockMap &map, int64_t gates) {
  return std::to_string(gates * map.keptWeights()) + " of " +
         std::to_string(gates * map.rows() * map.cols()) + " weights";
}

static std::string percent(int64_t part, int64_t whole) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::format("%.1f %%", 100.0 * static_cast<double>(part) /
                                        static_cast<double>(whole));
  return text;
}

std::vector<Matrix> Compress::collect() {
  std::vector<Matrix> matrices;
  uint64_t ordinal = 0;
  auto add = [&](Operation *layer, StringRef name, Value weight) {
    if (auto op = weight.getDefiningOp<WeightOp>())
      matrices.push_back({layer, name, op, ordinal, {}, {}, {}, {}, {}, {}});
    ++ordinal;
  };
  getOperation()->walk([&](Operation *op) {
    if (auto lstm = dyn_cast<LSTMOp>(op)) {
      add(op, "W", lstm.getW());
      add(op, "R", lstm.getR());
    } else if (auto layer = dyn_cast<LinearOp>(op); layer && linear) {
      add(op, "W", layer.getW());
    }
  });
  return matrices;
}

LogicalResult Compress::readOptions() {
  auto fail = [&](const Error &error) {
    return getOperation()->emitError()
           << "option tiers of rnn-compress: " << error.message;
  };
  wanted.reset();
  sizes.clear();
  if (tiers.empty())
    return success();
  if (mode == CompressionMode::Impose) {
    auto pattern = compression::parseTiers(tiers, imposedBalance());
    if (!pattern)
      return fail(pattern.error());
    wanted = *std::move(pattern);
    return success();
  }
  auto parsed = compression::parseTierSizes(tiers, imposedBalance());
  if (!parsed)
    return fail(parsed.error());
  sizes = *std::move(parsed);
  return success();
}

void Compress::detectIn(Matrix &matrix) const {
  compression::DetectOptions options;
  options.tiers = sizes;
  if (balance != BalanceChoice::Any)
    options.balance = imposedBalance();
  if (auto asked =
          dyn_cast_or_null<fx::SparsityAttr>(matrix.weight.getSparsityAttr())) {
    options.tiers = toPattern(asked).tiers;
    options.balance.reset();
    options.keepBalance = true;
  }
  auto found = compression::detect(matrix.view, options);
  if (!found) {
    matrix.error = found.message();
    return;
  }
  std::string empty = percent(found->emptyPositions, found->positions);
  switch (found->kind) {
  case Detection::Kind::Broken:
    matrix.error =
        found->message() +
        "; zero these weights, or choose sparsity impose to drop them "
        "or off to store the matrix dense";
    return;
  case Detection::Kind::Dense:
    if (found->emptyPositions * 20 >= found->positions)
      matrix.remark = "no block pattern found (" + empty +
                      " of positions are zero in all gates); stored dense";
    else
      matrix.remark = "stored dense (" + empty + " zero)";
    return;
  case Detection::Kind::Sparse:
    matrix.map = found->map;
    matrix.remark =
        found->message() + ", " + describeKept(*matrix.map, matrix.view.gates);
    if (found->emptyKeptBlocks > 0)
      matrix.remark += ", " + std::to_string(found->emptyKeptBlocks) +
                       " kept blocks hold only zeros";
    return;
  }
}

void Compress::imposeOn(Matrix &matrix) const {
  std::optional<compression::Pattern> pattern = wanted;
  if (auto asked =
          dyn_cast_or_null<fx::SparsityAttr>(matrix.weight.getSparsityAttr()))
    pattern = toPattern(asked);
  if (!pattern) {
    matrix.error = "there is no pattern to impose; give one with the option "
                   "tiers, such as 32x32:25%,4x4:25%";
    return;
  }
  const compression::Tier &first = pattern->tiers.front();
  if (matrix.view.rows < first.rows || matrix.view.cols < first.cols) {
    matrix.remark =
        "stored dense: " + std::to_string(matrix.view.rows) + " x " +
        std::to_string(matrix.view.cols) + " is smaller than a block of " +
        std::to_string(first.rows) + " x " + std::to_string(first.cols);
    return;
  }
  auto chosen =
      select == BlockSelection::Magnitude
          ? compression::selectByMagnitude(*pattern, matrix.view)
          : compression::selectRandom(*pattern, matrix.view.rows,
                                      matrix.view.cols, seed + matrix.ordinal);
  if (!chosen) {
    matrix.error = chosen.message();
    return;
  }
  matrix.map = std::make_shared<const BlockMap>(*std::move(chosen));
  matrix.remark = "pattern " + pattern->str() + " imposed, keeps " +
                  describeKept(*matrix.map, matrix.view.gates);
  matrix.drops = compression::countStrayWeights(matrix.view, *matrix.map) > 0;
}

void Compress::work(Matrix &matrix) const {
  if (mode == CompressionMode::Detect)
    detectIn(matrix);
  else
    imposeOn(matrix);
}

/// Sets the dropped weights to zero, in a value of the same kind.
static void zeroDropped(WeightOp weight, const Matrix &matrix) {
  ArrayRef<float> data = matrix.data.get();
  auto zero = [&](MutableArrayRef<float> copy) {
    compression::zeroDropped(copy, matrix.view.gates, *matrix.map);
  };
  auto type = cast<ShapedType>(weight.getValue().getType());
  auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
  if (!resource) {
    std::vector<float> copy(data.begin(), data.end());
    zero(copy);
    weight.setValueAttr(DenseElementsAttr::get(type, ArrayRef<float>(copy)));
    return;
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(data.data()),
                     data.size() * sizeof(float)),
      alignof(float));
  MutableArrayRef<char> bytes = blob.getMutableData();
  zero({reinterpret_cast<float *>(bytes.data()), data.size()});
  weight.setValueAttr(DenseResourceElementsAttr::get(
      type, (resource.getRawHandle().getKey() + ".kept").str(),
      std::move(blob)));
}

/// Gives the memory of a resource back if no weight of the module holds or
/// views any of it. A large model would otherwise be in memory twice.
static void release(DenseResourceElementsHandle handle, Operation *module) {
  AsmResourceBlob *blob = handle.getBlob();
  if (!blob)
    return;
  const char *begin = blob->getData().begin(), *end = blob->getData().end();
  WalkResult held = module->walk([&](WeightOp other) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(other.getValue());
    AsmResourceBlob *data =
        resource ? resource.getRawHandle().getBlob() : nullptr;
    return data && data->getData().begin() < end &&
                   begin < data->getData().end()
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  if (!held.wasInterrupted())
    *blob = AsmResourceBlob();
}

LogicalResult Compress::apply(Matrix &matrix) {
  if (!matrix.error.empty())
    return emitNodeError(matrix.layer) << matrix.name << ": " << matrix.error;
  WeightOp weight = matrix.weight;
  if (matrix.drops) {
    auto old = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
    zeroDropped(weight, matrix);
    matrix.data = {};
    if (old)
      release(old.getRawHandle(), getOperation());
  }
  if (matrix.map)
    weight.setSparsityAttr(toSparsityAttr(&getContext(), *matrix.map));
  else
    weight.removeSparsityAttr();
  emitNodeRemark(matrix.layer) << matrix.name << ": " << matrix.remark;
  return success();
}

void Compress::runOnOperation() {
  if (failed(readOptions()))
    return signalPassFailure();
  std::vector<Matrix> matrices = collect();
  if (mode == CompressionMode::Off) {
    for (Matrix &matrix : matrices)
      matrix.weight.removeSparsityAttr();
    return;
  }
  // What has its blocks, or is no block pattern at all, stays.
  llvm::erase_if(matrices, [](Matrix &matrix) {
    Attribute sparsity = matrix.weight.getSparsityAttr();
    auto blocks = dyn_cast_or_null<fx::SparsityAttr>(sparsity);
    return sparsity && (!blocks || blocks.hasMap());
  });
  for (Matrix &matrix : matrices) {
    FailureOr<FloatData> data = getFloatData(matrix.weight);
    if (failed(data))
      return signalPassFailure();
    matrix.data = *std::move(data);
    matrix.view = getMatrixView(matrix.weight, matrix.data);
  }
  parallelForEach(&getContext(), matrices,
                  [&](Matrix &matrix) { work(matrix); });
  bool ok = true;
  for (Matrix &matrix : matrices)
    ok &= succeeded(apply(matrix));
  if (!ok)
    signalPassFailure();
}
