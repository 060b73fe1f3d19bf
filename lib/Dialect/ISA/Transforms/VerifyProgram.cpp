// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Conversion/ISAToProgram.h"
#include "hcgs/Dialect/ISA/IR/ISA.h"
#include "hcgs/Dialect/ISA/Transforms/Passes.h"

using namespace mlir;

namespace hcgs::isa {
#define GEN_PASS_DEF_ISAVERIFYPROGRAM
#include "hcgs/Dialect/ISA/Transforms/Passes.h.inc"
} // namespace hcgs::isa

using namespace hcgs;
using namespace hcgs::isa;

static LogicalResult verify(ProgramOp op) {
  SmallVector<Operation *> origins;
  FailureOr<Program> program = exportProgram(op, &origins);
  if (failed(program))
    return failure();
  std::optional<ProgramError> error = verifyProgram(*program);
  if (!error)
    return success();
  if (!error->pc)
    return op.emitOpError() << error->message;
  Operation *origin = origins[*error->pc];
  // The message begins with the mnemonic, which the operation's name repeats.
  StringRef message = error->message;
  message.consume_front(origin->getName().stripDialect());
  message.consume_front(": ");
  return origin->emitOpError() << message;
}

namespace {
struct VerifyProgramPass : isa::impl::ISAVerifyProgramBase<VerifyProgramPass> {
  void runOnOperation() override {
    bool failedAny = false;
    getOperation()->walk<WalkOrder::PreOrder>([&](ProgramOp op) {
      failedAny |= failed(verify(op));
      return WalkResult::skip();
    });
    if (failedAny)
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }
};
} // namespace
