// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass from the rnn to the hcgs dialect: what it refuses, and the exchange
// of function and program.

#include "hcgs/Conversion/RNNToHCGS/RNNToHCGS.h"
#include "Lowering.h"
#include "hcgs/Dialect/RNN/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

namespace hcgs {
#define GEN_PASS_DEF_CONVERTRNNTOHCGS
#include "hcgs/Conversion/RNNToHCGS/Passes.h.inc"
} // namespace hcgs

using namespace mlir;
using namespace hcgs;
using namespace hcgs::tohcgs;

/// Reports the first thing a layer wants that the machine cannot do.
static LogicalResult checkSupported(rnn::LSTMOp lstm) {
  auto refuse = [&](StringRef what) {
    return nodeError(lstm) << "has " << what
                           << ", which this version cannot compile";
  };
  if (lstm.getSequenceLens())
    return refuse("sequence lengths");
  if (lstm.getPeepholes())
    return refuse("peepholes");
  if (lstm.getClip())
    return refuse("a clip");
  if (lstm.getInputForget())
    return refuse("coupled input and forget gates (input_forget)");
  return success();
}

namespace {
struct ConvertRNNToHCGS
    : public hcgs::impl::ConvertRNNToHCGSBase<ConvertRNNToHCGS> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(convert()))
      signalPassFailure();
  }

private:
  LogicalResult convert() {
    ModuleOp module = getOperation();
    auto models = module.getOps<rnn::ModelOp>();
    if (models.empty()) {
      if (!module.getOps<flow::ProgramOp>().empty())
        return success(); // converted already
      return emitError(module.getLoc(), "has no rnn.model; nothing to convert");
    }
    rnn::ModelOp model = *models.begin();
    auto func = module.lookupSymbol<func::FuncOp>(model.getEntryAttr());
    if (!func || func.isExternal() || !func.getBody().hasOneBlock())
      return emitError(model.getLoc(),
                       "rnn.model names no function of one block");

    OpPassManager verify(module.getOperationName());
    verify.addPass(rnn::createRNNVerifyCanonical());
    if (failed(runPipeline(verify, module)))
      return failure();
    for (auto lstm : func.getBody().front().getOps<rnn::LSTMOp>())
      if (failed(checkSupported(lstm)))
        return failure();

    FailureOr<Ports> ports = findPorts(func, model);
    if (failed(ports))
      return failure();
    OpBuilder builder(model);
    builder.setInsertionPointToEnd(module.getBody());
    auto program = flow::ProgramOp::create(builder, model.getLoc(), "program",
                                           getOrigin(model));
    if (failed(Lowering(func, std::move(*ports), program).run())) {
      program.erase();
      return failure();
    }
    func.erase();
    model.erase();
    return success();
  }

  static flow::ModelAttr getOrigin(rnn::ModelOp model) {
    std::string name = getNodeName(model);
    if (name == model->getName().getStringRef())
      name = model.getEntry().str();
    return flow::ModelAttr::get(
        model.getContext(), name, model.getProducer().value_or(""),
        model.getOpset().value_or(0), model.getSha256().value_or(""));
  }
};
} // namespace
