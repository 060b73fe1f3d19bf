// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rnn-compress: how every weight matrix is compressed.

#include "CompressMatrix.h"

#include "hcgs/Compression/Select.h"
#include "hcgs/Dialect/FX/Utils/MatrixForms.h"
#include "hcgs/Dialect/RNN/IR/RNNDialect.h"
#include "hcgs/Dialect/RNN/Transforms/Override.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"
#include "hcgs/Dialect/RNN/Transforms/WeightData.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"

#include <cmath>
#include <optional>

namespace hcgs::rnn {
#define GEN_PASS_DEF_RNNCOMPRESS
#include "hcgs/Dialect/RNN/Transforms/Passes.h.inc"
} // namespace hcgs::rnn

using namespace mlir;
using namespace hcgs;
using namespace hcgs::rnn;
using compression::EnergyLoss;

namespace {

/// One matrix of the model, and what was decided for it. Matrices are worked on
/// concurrently, so decisions wait here until they are applied in order.
struct Matrix {
  Operation *layer = nullptr;
  StringRef name; // "W", "R"
  WeightOp weight;
  uint64_t namesake = 0; // matrices of the same node and name before this one
  CompressSettings settings;
  FloatData data;
  compression::MatrixView view;
  std::optional<Mask> mask;
  CompressDecision decision;
};

struct Compress : rnn::impl::RNNCompressBase<Compress> {
  using RNNCompressBase::RNNCompressBase;

  void runOnOperation() override;

private:
  LogicalResult checkTiers();
  LogicalResult checkTiersUsed(ArrayRef<Matrix> matrices);
  std::vector<Matrix> collect();
  LogicalResult settle(Matrix &matrix);
  LogicalResult findMask(Matrix &matrix, const std::vector<Matrix> &all);
  LogicalResult apply(Matrix &matrix);

  std::map<std::string, MaskFile> maskFiles;
};

} // namespace

/// What the pass's own text of tiers must be whatever matrix it is for, so that
/// a slip in it is reported once and not for every matrix.
LogicalResult Compress::checkTiers() {
  if (tiers.empty())
    return success();
  Result<void> checked;
  if (mode == CompressionMode::Impose) {
    if (auto parsed = compression::parseTiers(tiers, compression::Balance::Row);
        !parsed)
      checked = parsed.takeError();
  } else if (auto parsed =
                 compression::parseTierText(tiers, compression::Balance::Row);
             !parsed) {
    checked = parsed.takeError();
  }
  if (!checked)
    return getOperation()->emitError()
           << "option tiers of rnn-compress: " << checked.message();
  return success();
}

/// The pass's own tiers must be of use to a matrix: who names blocks that are
/// nowhere would not notice that nothing is compressed.
LogicalResult Compress::checkTiersUsed(ArrayRef<Matrix> matrices) {
  const bool imposes = mode == CompressionMode::Impose;
  if (tiers.empty() || (!imposes && mode != CompressionMode::Detect))
    return success();
  bool asked = false;
  for (const Matrix &matrix : matrices) {
    const CompressSettings &settings = matrix.settings;
    auto blocks = dyn_cast_or_null<fx::SparsityAttr>(settings.asked);
    if (blocks && blocks.hasMap()) // compressed already
      return success();
    if (settings.circulant || settings.mode != mode ||
        settings.tiers != tiers) {
      // A linear layer on which nothing is imposed; else an override, and what
      // that leaves to do need not be anything.
      if (imposes && isa<LinearOp>(matrix.layer))
        continue;
      return success();
    }
    const CompressDecision &decision = matrix.decision;
    const bool broken =
        decision.detection &&
        decision.detection->kind == compression::Detection::Kind::Broken;
    if (!decision.maps.empty() || broken || !decision.error.empty())
      return success();
    asked = true;
  }
  if (!asked)
    return success();
  return getOperation()->emitError()
         << "option tiers: "
         << (imposes ? "every matrix is smaller than the first block of '"
                     : "no matrix has the blocks of '")
         << tiers << "'; "
         << (imposes ? "name smaller ones"
                     : "leave tiers out for those that are found, or impose "
                       "them with sparsity=impose");
}

std::vector<Matrix> Compress::collect() {
  std::vector<Matrix> matrices;
  std::map<std::string, uint64_t> seen;
  auto add = [&](Operation *layer, StringRef name, Value weight) {
    Matrix &matrix = matrices.emplace_back();
    matrix.layer = layer;
    matrix.name = name;
    matrix.weight = weight.getDefiningOp<WeightOp>();
    matrix.namesake = seen[getNodeName(layer) + "." + name.str()]++;
  };
  getOperation()->walk([&](Operation *op) {
    if (auto lstm = dyn_cast<LSTMOp>(op)) {
      add(op, "W", lstm.getW());
      add(op, "R", lstm.getR());
    } else if (auto layer = dyn_cast<LinearOp>(op)) {
      add(op, "W", layer.getW());
    }
  });
  llvm::erase_if(matrices, [](Matrix &matrix) { return !matrix.weight; });
  return matrices;
}

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

/// The dictionary of one level of a layer's override: of the layer itself, or
/// of a matrix.
static DictionaryAttr getLevel(Operation *layer, StringRef matrix) {
  auto own = layer->getAttrOfType<DictionaryAttr>(kOverrideAttr);
  if (!own || matrix.empty())
    return own;
  return own.getAs<DictionaryAttr>(matrix);
}

/// The options of the pass with the overrides of the layer and the matrix.
LogicalResult Compress::settle(Matrix &matrix) {
  CompressSettings &settings = matrix.settings;
  settings.asked = matrix.weight.getSparsityAttr();
  settings.mode = mode;
  settings.circulant = circulant;
  settings.tiers = tiers;
  settings.balance = balance;

  // The closest level that says what is done.
  bool overridden = false;
  for (StringRef level : {StringRef(), matrix.name}) {
    DictionaryAttr said = getLevel(matrix.layer, level);
    if (!said)
      continue;
    auto how = said.getAs<StringAttr>("sparsity");
    auto block = said.getAs<IntegerAttr>("circulant");
    if (how && block)
      return emitNodeError(matrix.layer)
             << (level.empty() ? "" : level + ": ").str()
             << "overrides with sparsity \"" << how.getValue()
             << "\" and circulant " << block.getInt()
             << " contradict each other; keep one of them";
    overridden |= how || block;
    if (block)
      settings.circulant = block.getInt();
    if (how) {
      settings.mode = llvm::StringSwitch<CompressionMode>(how.getValue())
                          .Case("impose", CompressionMode::Impose)
                          .Case("masks", CompressionMode::Masks)
                          .Case("off", CompressionMode::Off)
                          .Default(CompressionMode::Detect);
      settings.circulant = 0;
    }
  }

  // Imposing on linear layers is asked for apart: they are small and their
  // errors go straight to the output.
  if (isa<LinearOp>(matrix.layer) && !linear && !overridden &&
      (mode == CompressionMode::Impose || circulant)) {
    settings.mode = CompressionMode::Detect;
    settings.circulant = 0;
    settings.tiers.clear();
    settings.balance = BalanceChoice::Any;
  }

  Operation *layer = matrix.layer;
  StringRef name = matrix.name;
  if (auto text = getOverrideText(layer, name, "tiers"))
    settings.tiers = text->str();
  settings.balance =
      getOverrideChoice<BalanceChoice>(layer, name, "balance",
                                       {{"any", BalanceChoice::Any},
                                        {"row", BalanceChoice::Row},
                                        {"column", BalanceChoice::Column},
                                        {"both", BalanceChoice::Both},
                                        {"none", BalanceChoice::None}},
                                       settings.balance);
  settings.masks = getOverrideChoice<MaskSharing>(
      layer, name, "masks",
      {{"shared", MaskSharing::Shared}, {"separate", MaskSharing::Separate}},
      masks);
  settings.select = getOverrideChoice<BlockSelection>(
      layer, name, "select",
      {{"magnitude", BlockSelection::Magnitude},
       {"guided", BlockSelection::Guided},
       {"random", BlockSelection::Random}},
      select);
  settings.onBroken =
      getOverrideChoice<BrokenPattern>(layer, name, "on-broken",
                                       {{"reject", BrokenPattern::Reject},
                                        {"project", BrokenPattern::Project},
                                        {"dense", BrokenPattern::Dense}},
                                       onBroken);
  settings.seed = compression::seedOf(
      getOverrideInteger(layer, name, "seed").value_or(seed),
      getNodeName(layer) + "." + name.str(), matrix.namesake);
  settings.maskFile =
      getOverrideText(layer, name, "mask-file").value_or(maskFile).str();
  return success();
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Reads the mask of a matrix, and its file at first sight.
LogicalResult Compress::findMask(Matrix &matrix,
                                 const std::vector<Matrix> &all) {
  const std::string &path = matrix.settings.maskFile;
  if (path.empty())
    return emitNodeError(matrix.layer)
           << matrix.name
           << ": there is no mask file; name one with the option mask-file";
  auto known = maskFiles.find(path);
  if (known == maskFiles.end()) {
    Result<MaskFile> file = MaskFile::read(path);
    if (!file)
      return getOperation()->emitError() << file.message();
    std::set<std::string> names;
    for (const Matrix &other : all)
      names.insert(getNodeName(other.layer) + "." + other.name.str());
    if (Result<void> checked = file->checkNames(names); !checked)
      return getOperation()->emitError() << checked.message();
    known = maskFiles.emplace(path, *std::move(file)).first;
  }

  MaskedMatrix wanted;
  wanted.node = getNodeName(matrix.layer);
  wanted.name = matrix.name.str();
  wanted.gates = matrix.view.gates;
  wanted.rows = matrix.view.rows;
  wanted.cols = matrix.view.cols;
  // A bidirectional node has become two layers.
  wanted.directions = llvm::count_if(all, [&](const Matrix &other) {
    return other.name == matrix.name && isa<LSTMOp>(other.layer) &&
           getNodeName(other.layer) == wanted.node;
  });
  wanted.directions = std::max<int64_t>(wanted.directions, 1);
  if (auto lstm = dyn_cast<LSTMOp>(matrix.layer))
    wanted.direction =
        wanted.directions > 1 && lstm.getDirection() == Direction::Reverse;
  auto mask = known->second.find(wanted);
  if (!mask)
    return getOperation()->emitError() << mask.message();
  matrix.mask = *std::move(mask);
  return success();
}

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

/// Changes the weights, in a value of the same kind. Returns what that took
/// away.
static EnergyLoss change(WeightOp weight, const Matrix &matrix) {
  ArrayRef<float> data = matrix.data.get();
  auto type = cast<ShapedType>(weight.getValue().getType());
  auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
  if (!resource) {
    std::vector<float> copy(data.begin(), data.end());
    EnergyLoss loss = matrix.decision.change(copy);
    weight.setValueAttr(DenseElementsAttr::get(type, ArrayRef<float>(copy)));
    return loss;
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(data.data()),
                     data.size() * sizeof(float)),
      alignof(float));
  MutableArrayRef<char> bytes = blob.getMutableData();
  EnergyLoss loss = matrix.decision.change(
      {reinterpret_cast<float *>(bytes.data()), data.size()});
  weight.setValueAttr(DenseResourceElementsAttr::get(
      type, (resource.getRawHandle().getKey() + ".kept").str(),
      std::move(blob)));
  return loss;
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

/// What the report shall know of a decision.
static DictionaryAttr describe(MLIRContext *context,
                               const CompressDecision &decision,
                               const std::optional<EnergyLoss> &loss) {
  Builder builder(context);
  NamedAttrList entries;
  entries.set("how", builder.getStringAttr(decision.how));
  if (const auto &found = decision.detection)
    entries.set(
        "detection",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("confidence",
                                  builder.getF64FloatAttr(found->confidence())),
             builder.getNamedAttr(
                 "confidence_bits",
                 builder.getF64FloatAttr(found->confidenceBits())),
             builder.getNamedAttr("pattern",
                                  builder.getStringAttr(found->text())),
             builder.getNamedAttr(
                 "runner_up", builder.getStringAttr(found->runnerUp.text))}));
  if (loss) {
    entries.set("removed_energy_percent",
                builder.getF64FloatAttr(loss->percent()));
    if (std::isfinite(loss->decibels()))
      entries.set("removed_energy_db",
                  builder.getF64FloatAttr(loss->decibels()));
  }
  return entries.getDictionary(context);
}

LogicalResult Compress::apply(Matrix &matrix) {
  CompressDecision &decision = matrix.decision;
  if (!decision.error.empty())
    return emitNodeError(matrix.layer) << matrix.name << ": " << decision.error;
  WeightOp weight = matrix.weight;
  std::optional<EnergyLoss> loss;
  if (decision.change) {
    auto old = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
    loss = change(weight, matrix);
    matrix.data = {};
    decision.change = nullptr;
    if (old)
      release(old.getRawHandle(), getOperation());
  }
  if (!decision.maps.empty())
    weight.setSparsityAttr(
        fx::toSparsityAttr(&getContext(), decision.maps, decision.separate));
  else if (decision.circulant)
    weight.setSparsityAttr(
        fx::CirculantAttr::get(&getContext(), decision.circulant));
  else
    weight.removeSparsityAttr();
  // What was done once is still what was done.
  const bool again = weight.getSparsityAttr() && !loss &&
                     weight.getSparsityAttr() == matrix.settings.asked;
  if (!again || !weight.getProvenanceAttr())
    weight.setProvenanceAttr(describe(&getContext(), decision, loss));
  if (decision.remark.empty())
    return success();
  InFlightDiagnostic remark = emitNodeRemark(matrix.layer);
  remark << matrix.name << ": " << decision.remark;
  if (loss)
    remark << "; " << describeLoss(*loss);
  return success();
}

void Compress::runOnOperation() {
  maskFiles.clear();
  if (failed(checkTiers()))
    return signalPassFailure();
  std::vector<Matrix> matrices = collect();
  std::vector<Matrix *> open;
  for (Matrix &matrix : matrices) {
    if (failed(settle(matrix)))
      return signalPassFailure();
    const CompressSettings &settings = matrix.settings;
    // What has its blocks stays, unless all shall be dense.
    auto blocks = dyn_cast_or_null<fx::SparsityAttr>(settings.asked);
    const bool off =
        settings.mode == CompressionMode::Off && !settings.circulant;
    if (off || !blocks || !blocks.hasMap())
      open.push_back(&matrix);
    if (off)
      continue;
    FailureOr<FloatData> data = getFloatData(matrix.weight);
    if (failed(data))
      return signalPassFailure();
    matrix.data = *std::move(data);
    matrix.view = getMatrixView(matrix.weight, matrix.data);
  }
  for (Matrix *matrix : open)
    if (matrix->settings.mode == CompressionMode::Masks &&
        !matrix->settings.circulant && failed(findMask(*matrix, matrices)))
      return signalPassFailure();
  parallelForEach(&getContext(), open, [](Matrix *matrix) {
    matrix->decision = compressMatrix(matrix->view, matrix->settings,
                                      matrix->mask ? &*matrix->mask : nullptr);
    matrix->mask.reset();
  });
  bool ok = succeeded(checkTiersUsed(matrices));
  for (Matrix *matrix : open)
    ok &= succeeded(apply(*matrix));
  if (!ok)
    signalPassFailure();
}
