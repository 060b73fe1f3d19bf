// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-schedule: hands each time loop to a scheduler and writes its plan down
// as IR.

#include "hcgs/Dialect/HCGS/Transforms/Passes.h"
#include "hcgs/Dialect/HCGS/Transforms/ProgramTarget.h"
#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

namespace hcgs::flow {
#define GEN_PASS_DEF_HCGSSCHEDULE
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"
} // namespace hcgs::flow

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

/// Gates of a mask, as an attribute.
static DenseI64ArrayAttr gatesAttr(OpBuilder &builder, unsigned mask) {
  SmallVector<int64_t> gates;
  for (unsigned gate = 0; mask >> gate; ++gate)
    if (mask >> gate & 1)
      gates.push_back(gate);
  return builder.getDenseI64ArrayAttr(gates);
}

/// One entry of the plan.
static void writeEntry(OpBuilder &builder, const StepModel &model,
                       const schedule::Plan &plan, const schedule::Entry &entry,
                       const TilePolicy &tiles) {
  auto [op, part] = model.sources[entry.operation];
  if (auto write = dyn_cast<WriteOp>(op)) {
    IssueWriteOp::create(builder, op->getLoc(), write.getValue(),
                         write.getStream(), write.getAt(), entry.step);
    return;
  }
  const schedule::Operation &operation =
      model.problem.operations[entry.operation];
  auto number = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
  IntegerAttr first, last, colBegin, colEnd, tile;
  if (isa<ConcatOp>(op)) {
    first = number(part);
    last = number(part + 1);
  } else if (operation.group != schedule::kNone) {
    uint32_t height = plan.rowBlocks[operation.group];
    first = number(entry.begin / height);
    last = number((entry.end + height - 1) / height);
  }
  DenseI64ArrayAttr gates;
  bool retile = false;
  if (operation.isProduct()) {
    if (entry.gates && entry.gates != (1u << operation.gates) - 1)
      gates = gatesAttr(builder, entry.gates);
    if (entry.colEnd && entry.colEnd - entry.colBegin != operation.cols) {
      colBegin = number(entry.colBegin);
      colEnd = number(entry.colEnd);
    }
    // The best choice goes without saying.
    if (operation.tileFor &&
        (tiles.fixedTile || entry.tile != operation.tileFor(entry))) {
      tile = number(entry.tile.tile);
      retile = entry.tile.retile;
    }
  }
  IssueOp::create(builder, op->getLoc(), op->getResult(0), first, last, gates,
                  colBegin, colEnd, tile, retile, entry.step);
}

/// What the report says of a plan: cycles a step, and why not fewer.
static DictionaryAttr describePlan(Builder builder, StringRef name,
                                   StringRef tiles,
                                   const schedule::Problem &problem,
                                   const schedule::Plan &plan) {
  auto number = [&](uint64_t value) -> Attribute {
    return builder.getI64IntegerAttr(int64_t(value));
  };
  const schedule::LowerBound bound = schedule::lowerBound(problem);
  std::string_view binding = bound.binding();
  auto entry = [&](StringRef key, Attribute value) {
    return builder.getNamedAttr(key, value);
  };
  DictionaryAttr limits = builder.getDictionaryAttr(
      {entry("macs", number(bound.macs)), entry("vector", number(bound.vector)),
       entry("load", number(bound.load)), entry("store", number(bound.store)),
       entry("dispatch", number(bound.dispatch)),
       entry("recurrence", number(bound.recurrence)),
       entry("cycles", number(bound.cycles())),
       entry("binding", builder.getStringAttr(
                            StringRef(binding.data(), binding.size())))});
  return builder.getDictionaryAttr(
      {entry("name", builder.getStringAttr(name)),
       entry("tile", builder.getStringAttr(tiles)),
       entry("cycles_per_step", builder.getF64FloatAttr(plan.cyclesPerStep)),
       entry("one_step", number(plan.cyclesOfOneStep)),
       entry("bound", limits)});
}

/// Writes the plan before the yield.
static ScheduleOp writePlan(SequenceOp sequence, const StepModel &model,
                            const schedule::Plan &plan,
                            const TilePolicy &tiles) {
  OpBuilder builder(sequence.getYield());
  Location loc = sequence.getLoc();
  auto scheduleOp =
      ScheduleOp::create(builder, loc, plan.depth, DictionaryAttr());
  builder.setInsertionPointToStart(&scheduleOp.getBody().emplaceBlock());
  for (auto [storage, holding] : llvm::enumerate(plan.holdings))
    BufferOp::create(builder, loc, model.namedBy[storage], holding.slots,
                     holding.rowBlock, holding.window);
  for (const schedule::Entry &entry : plan.entries)
    writeEntry(builder, model, plan, entry, tiles);
  return scheduleOp;
}

/// Elements of amem (`accumulators`) or vmem that values outside time loops
/// take: the most that live at a time, each from its definition to its last use
/// and constants always. What they leave is there for a loop at all times.
static int64_t elementsOutside(ProgramOp program, bool accumulators) {
  Block &body = program.getBody().front();
  llvm::DenseMap<Operation *, int64_t> freed;
  int64_t elements = 0, most = 0;
  auto sizeOf = [&](Value value) -> int64_t {
    if (auto acc = dyn_cast<AccType>(value.getType()))
      return accumulators ? acc.getGates() * acc.getRows() : 0;
    if (auto vec = dyn_cast<VecType>(value.getType()))
      return accumulators ? 0 : vec.getSize();
    return 0;
  };
  for (Operation &op : body)
    if (isa<ConstantOp>(op))
      elements += sizeOf(op.getResult(0));
  for (Operation &op : body) {
    if (!isa<SequenceOp, ConstantOp>(op))
      for (Value result : op.getResults()) {
        Operation *last = &op;
        for (Operation *user : result.getUsers())
          if (Operation *at = body.findAncestorOpInBlock(*user);
              at && last->isBeforeInBlock(at))
            last = at;
        elements += sizeOf(result);
        freed[last] += sizeOf(result);
      }
    most = std::max(most, elements);
    elements -= freed.lookup(&op);
  }
  return most;
}

namespace {
struct SchedulePass : hcgs::flow::impl::HCGSScheduleBase<SchedulePass> {
  using HCGSScheduleBase::HCGSScheduleBase;

  void runOnOperation() override {
    ProgramOp program = getOperation();
    worker = schedule::createScheduler(std::string_view(scheduleName));
    if (!worker) {
      InFlightDiagnostic diag =
          emitError(program->getLoc(), "there is no schedule '")
          << scheduleName << "'; there is ";
      llvm::interleaveComma(schedule::schedulerNames(), diag);
      return signalPassFailure();
    }
    FailureOr<TargetModel> model = loadProgramTarget(program, target);
    if (failed(model))
      return signalPassFailure();
    Result<TilePolicy> policy =
        TilePolicy::parse(std::string_view(tile), *model);
    if (!policy) {
      emitError(program->getLoc()) << policy.message();
      return signalPassFailure();
    }
    tiles = *policy;
    auto sequences = program.getBody().front().getOps<SequenceOp>();
    loops = std::distance(sequences.begin(), sequences.end());
    std::vector<std::pair<SequenceOp, StepModel>> models;
    for (SequenceOp sequence : sequences) {
      if (ScheduleOp old = sequence.getSchedule())
        old.erase();
      FailureOr<StepModel> built = buildStepModel(sequence, *model, tiles);
      if (failed(built))
        return signalPassFailure();
      remarkUndivided(sequence, *built);
      setLimits(built->problem, *model);
      models.emplace_back(sequence, std::move(*built));
    }
    if (failed(checkServes(models)))
      return signalPassFailure();
    for (auto &[sequence, stepModel] : models) {
      schedule::Plan plan = worker->run(stepModel.problem);
      ScheduleOp op = writePlan(sequence, stepModel, plan, tiles);
      op.setReportAttr(
          describePlan(Builder(&getContext()), StringRef(scheduleName),
                       StringRef(tiles.name(*model)), stepModel.problem, plan));
    }
    program.setTarget(StringRef(model->name));
    // Products outside time loops have no entry to say it.
    program->removeAttr(kTileAttr);
    if (tiles.fixedTile)
      program->setAttr(
          kTileAttr,
          Builder(&getContext()).getI64IntegerAttr(*tiles.fixedTile));
  }

  /// A schedule that is defined for any of the time loops takes them all: a
  /// head may have a loop of its own, for want of layers beside it.
  LogicalResult
  checkServes(ArrayRef<std::pair<SequenceOp, StepModel>> models) const {
    std::optional<std::string> refusal;
    for (const auto &[sequence, stepModel] : models) {
      Result<void> served = worker->canServe(stepModel.problem);
      if (served)
        return success();
      refusal = served.message();
    }
    if (!refusal)
      return success();
    InFlightDiagnostic diag =
        emitError(SequenceOp(models.front().first).getLoc());
    diag << *refusal;
    if (models.size() > 1)
      diag << "; none of the " << models.size()
           << " time loops of the model has an LSTM layer, and one would do";
    return diag;
  }

  void remarkUndivided(SequenceOp sequence, const StepModel &model) const {
    for (FlatSymbolRefAttr name : model.undivided)
      if (auto layer =
              SymbolTable::lookupNearestSymbolFrom<LayerOp>(sequence, name))
        emitRemark(layer.getLoc())
            << "layer " << name << " is computed as one row block: the row "
            << "groups of its matrices begin together at its first row only; "
            << "blocks of heights that divide each other would overlap better";
  }

  /// What plans may take of memories that loops share.
  void setLimits(schedule::Problem &problem, const TargetModel &targetModel) {
    // What else a pass needs is little.
    constexpr uint64_t kOther = 64;
    uint64_t share = targetModel.memories.pmemInstructions / loops;
    problem.instructionLimit = share > kOther ? share - kOther : 1;
    auto setCapacity = [&](schedule::Memory memory, uint64_t elements) {
      bool accumulators = memory == schedule::Memory::A;
      int64_t outside = elementsOutside(getOperation(), accumulators);
      problem.capacity[static_cast<unsigned>(memory)] =
          std::max<int64_t>(1, int64_t(elements) - outside);
    };
    setCapacity(schedule::Memory::V, targetModel.memories.vmemElements);
    setCapacity(schedule::Memory::A, targetModel.memories.amemElements);
  }

  std::shared_ptr<const schedule::Scheduler> worker;
  TilePolicy tiles;
  /// Time loops of the program, which share the program memory.
  int64_t loops = 1;
};
} // namespace
