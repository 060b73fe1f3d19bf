// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipeline that brings imported IR into canonical form.

#include "hcgs/Dialect/RNN/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void hcgs::rnn::buildCanonicalFormPipeline(OpPassManager &pm) {
  pm.addPass(createRNNSplitDirections());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createRNNVerifyCanonical());
}

void hcgs::rnn::registerRNNPipelines() {
  PassPipelineRegistration<>(
      "rnn-canonical-form",
      "Bring imported rnn IR into canonical form, and check it",
      buildCanonicalFormPipeline);
}
