// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-schedule: hands each time loop to a scheduler and writes its plan down
// as IR.

#include "hcgs/Dialect/HCGS/Transforms/Passes.h"
#include "hcgs/Dialect/HCGS/Transforms/ProgramTarget.h"
#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace hcgs::flow {
#define GEN_PASS_DEF_HCGSSCHEDULE
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"
} // namespace hcgs::flow

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

/// Control instructions at the end of each iteration: one aadd for each stream,
/// one for each of the two usual rings (of vmem and of amem), the endloop.
static unsigned countControl(SequenceOp sequence) {
  llvm::StringSet<> streams;
  for (Operation &op : sequence.getBody().front())
    if (auto read = dyn_cast<ReadOp>(op))
      streams.insert(read.getStream());
    else if (auto write = dyn_cast<WriteOp>(op))
      streams.insert(write.getStream());
  return streams.size() + 3;
}

/// Writes the plan before the yield.
static void writePlan(SequenceOp sequence, const StepModel &model,
                      const schedule::Plan &plan) {
  OpBuilder builder(sequence.getYield());
  Location loc = sequence.getLoc();
  auto scheduleOp = ScheduleOp::create(builder, loc, plan.depth);
  builder.setInsertionPointToStart(&scheduleOp.getBody().emplaceBlock());
  for (auto [storage, holding] : llvm::enumerate(plan.holdings))
    BufferOp::create(builder, loc, model.namedBy[storage], holding.slots,
                     holding.rowBlock, holding.window);
  for (const schedule::Entry &entry : plan.entries) {
    auto [op, part] = model.sources[entry.operation];
    IntegerAttr first, last;
    auto blocks = [&](uint32_t from, uint32_t to) {
      first = builder.getI64IntegerAttr(from);
      last = builder.getI64IntegerAttr(to);
    };
    if (auto write = dyn_cast<WriteOp>(op)) {
      IssueWriteOp::create(builder, op->getLoc(), write.getValue(),
                           write.getStream(), write.getAt(), entry.step);
      continue;
    }
    const schedule::Operation &operation =
        model.problem.operations[entry.operation];
    if (isa<ConcatOp>(op)) {
      blocks(part, part + 1);
    } else if (operation.group != schedule::kNone) {
      uint32_t height = plan.rowBlocks[operation.group];
      blocks(entry.begin / height, (entry.end + height - 1) / height);
    }
    IssueOp::create(builder, op->getLoc(), op->getResult(0), first, last,
                    builder.getI64IntegerAttr(entry.step));
  }
}

namespace {
struct SchedulePass : hcgs::flow::impl::HCGSScheduleBase<SchedulePass> {
  using HCGSScheduleBase::HCGSScheduleBase;

  void runOnOperation() override {
    ProgramOp program = getOperation();
    std::unique_ptr<schedule::Scheduler> worker =
        schedule::createScheduler(std::string_view(scheduler.getValue()));
    if (!worker) {
      InFlightDiagnostic diag =
          emitError(program->getLoc(), "there is no scheduler '")
          << scheduler << "'; there is ";
      llvm::interleaveComma(schedule::schedulerNames(), diag);
      return signalPassFailure();
    }
    FailureOr<TargetModel> model = loadProgramTarget(program, target);
    if (failed(model))
      return signalPassFailure();
    auto sequences = program.getBody().front().getOps<SequenceOp>();
    loops = std::distance(sequences.begin(), sequences.end());
    for (SequenceOp sequence : sequences)
      if (failed(runOnSequence(sequence, *worker, *model)))
        return signalPassFailure();
    program.setTarget(StringRef(model->name));
  }

  LogicalResult runOnSequence(SequenceOp sequence,
                              const schedule::Scheduler &worker,
                              const TargetModel &targetModel) {
    if (ScheduleOp old = sequence.getSchedule())
      old.erase();
    FailureOr<StepModel> model = buildStepModel(sequence, targetModel);
    if (failed(model))
      return failure();
    for (FlatSymbolRefAttr name : model->undivided)
      if (auto layer =
              SymbolTable::lookupNearestSymbolFrom<LayerOp>(sequence, name))
        emitRemark(layer.getLoc())
            << "layer " << name << " is computed as one row block: the row "
            << "groups of its matrices begin together at its first row only; "
            << "blocks of heights that divide each other would overlap better";
    model->problem.controlPerIteration = countControl(sequence);
    // Every entry is in the loop, and in the prologue or the epilogue. What
    // else a pass needs is little.
    constexpr uint64_t kOther = 64;
    uint64_t share = targetModel.memories.pmemInstructions / loops;
    model->problem.entryLimit = share > kOther ? (share - kOther) / 2 : 1;
    writePlan(sequence, *model, worker.run(model->problem));
    return success();
  }

  /// Time loops of the program, which share the program memory.
  int64_t loops = 1;
};
} // namespace
