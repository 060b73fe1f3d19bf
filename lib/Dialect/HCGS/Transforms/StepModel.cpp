// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From hcgs.sequence to a scheduling problem.

#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "hcgs/Dialect/FX/Utils/MatrixForms.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

FailureOr<compression::WeightLayout> flow::getLayout(MatrixOp matrix,
                                                     int64_t rowBlock) {
  auto layout = fx::makeLayout(matrix.getSparsityAttr(), matrix.getGates(),
                               matrix.getRows(), matrix.getCols(), rowBlock);
  if (!layout)
    return matrix.emitOpError() << layout.message();
  return *std::move(layout);
}

namespace {
class ModelBuilder {
public:
  ModelBuilder(SequenceOp sequence, const TargetModel &target)
      : sequence(sequence), timing(schedule::timingOf(target)) {}

  FailureOr<StepModel> run();

private:
  /// The group of rows of a layer.
  unsigned groupOf(FlatSymbolRefAttr layer, uint32_t rows);
  unsigned newStorage(Value value, unsigned group);
  /// Notes that row blocks of a group begin at multiples of `granule`.
  void addBoundary(unsigned group, uint32_t granule);
  void chooseGranules();
  void defineStorages();
  LogicalResult addOperation(Operation *op);
  void addVector(Operation *op, Value result, unsigned part = 0);
  schedule::Operation makeVector(unsigned storage) const;

  /// Reading `value` in rows, or all of it.
  schedule::Operand read(Value value, bool all, int gate = -1) const {
    schedule::Operand operand;
    operand.storage = model.storageOf.lookup(value);
    operand.all = all;
    operand.gate = gate;
    operand.back = isa<BlockArgument>(value);
    return operand;
  }
  void add(schedule::Operation operation, Operation *op, unsigned part = 0) {
    model.problem.operations.push_back(std::move(operation));
    model.sources.push_back({op, part});
  }

  SequenceOp sequence;
  schedule::MachineTiming timing;
  SymbolTableCollection symbols;
  llvm::DenseMap<std::pair<Attribute, uint32_t>, unsigned> groups;
  /// Of each group: its layer, the coarsest granule of a matrix, and where row
  /// blocks can begin for all of them (0: nowhere but at the top).
  struct Boundaries {
    FlatSymbolRefAttr layer;
    uint32_t coarsest = 1;
    uint32_t common = 1;
  };
  SmallVector<Boundaries> boundaries;
  StepModel model;
};
} // namespace

unsigned ModelBuilder::groupOf(FlatSymbolRefAttr layer, uint32_t rows) {
  auto [it, isNew] =
      groups.insert({{layer, rows}, unsigned(model.problem.groups.size())});
  if (isNew) {
    model.problem.groups.push_back({rows, 1});
    boundaries.push_back({layer});
  }
  return it->second;
}

void ModelBuilder::addBoundary(unsigned group, uint32_t granule) {
  Boundaries &known = boundaries[group];
  known.coarsest = std::max(known.coarsest, granule);
  if (!known.common)
    return;
  uint64_t common = std::lcm(uint64_t(known.common), uint64_t(granule));
  known.common = common < model.problem.groups[group].rows ? common : 0;
}

/// Row blocks are multiples of the common boundary (WI-A-2), and of not less
/// than 8 rows, so that vector instructions are worth their dispatch.
void ModelBuilder::chooseGranules() {
  constexpr uint32_t kLeast = 8;
  for (auto [group, known] : llvm::zip(model.problem.groups, boundaries)) {
    group.granule = group.rows;
    if (known.common)
      group.granule = known.common * llvm::divideCeil(kLeast, known.common);
    else if (known.coarsest < group.rows)
      model.undivided.push_back(known.layer);
  }
}

unsigned ModelBuilder::newStorage(Value value, unsigned group) {
  schedule::Storage storage;
  if (auto acc = dyn_cast<AccType>(value.getType())) {
    storage.memory = schedule::Memory::A;
    storage.rows = acc.getRows();
    storage.gates = acc.getGates();
  } else {
    storage.rows = cast<VecType>(value.getType()).getSize();
  }
  storage.group = group;
  model.problem.storages.push_back(storage);
  model.namedBy.push_back(value);
  model.stateOf.push_back(-1);
  return model.problem.storages.size() - 1;
}

void ModelBuilder::defineStorages() {
  for (Operation &op : sequence.getBody().front()) {
    if (op.getNumResults() != 1)
      continue;
    Value result = op.getResult(0);
    Value continued = TypeSwitch<Operation *, Value>(&op)
                          .Case<MvmOp, VmacOp, VaccOp>(
                              [](auto o) -> Value { return o.getAcc(); })
                          .Default(Value());
    unsigned storage;
    if (continued) {
      storage = model.storageOf.lookup(continued);
      model.namedBy[storage] = result;
    } else {
      auto layer = op.getAttrOfType<FlatSymbolRefAttr>("layer");
      bool blocked = layer && !isa<ConcatOp>(op);
      uint32_t rows = 0;
      if (auto acc = dyn_cast<AccType>(result.getType()))
        rows = acc.getRows();
      else
        rows = cast<VecType>(result.getType()).getSize();
      storage =
          newStorage(result, blocked ? groupOf(layer, rows) : schedule::kNone);
    }
    model.storageOf[result] = storage;
  }
  Block &body = sequence.getBody().front();
  for (auto [number, pair] : llvm::enumerate(
           llvm::zip(body.getArguments(), sequence.getYield().getStates()))) {
    auto [argument, state] = pair;
    unsigned storage = model.storageOf.lookup(state);
    model.storageOf[argument] = storage;
    model.stateOf[storage] = number;
    model.problem.storages[storage].state = true;
  }
}

schedule::Operation ModelBuilder::makeVector(unsigned storage) const {
  schedule::Operation result;
  result.unit = schedule::Unit::Vector;
  result.storage = storage;
  result.rows = model.problem.storages[storage].rows;
  result.group = model.problem.storages[storage].group;
  result.latency = timing.vectorLatency;
  result.occupancy = [timing = timing](const schedule::Entry &entry) {
    return timing.vector(entry.end - entry.begin);
  };
  return result;
}

LogicalResult ModelBuilder::addOperation(Operation *op) {
  if (auto readOp = dyn_cast<ReadOp>(op)) {
    schedule::Operation result;
    result.unit = schedule::Unit::Load;
    result.storage = model.storageOf.lookup(readOp.getResult());
    result.rows = readOp.getResult().getType().getSize();
    result.occupancy = [timing = timing](const schedule::Entry &entry) {
      return timing.transfer(timing.load, entry.end - entry.begin);
    };
    add(std::move(result), op);
    return success();
  }
  if (auto write = dyn_cast<WriteOp>(op)) {
    schedule::Operation result;
    result.unit = schedule::Unit::Store;
    result.rows = write.getValue().getType().getSize();
    result.reads.push_back(read(write.getValue(), /*all=*/true));
    result.occupancy = [timing = timing](const schedule::Entry &entry) {
      return timing.transfer(timing.store, entry.end - entry.begin);
    };
    add(std::move(result), op);
    return success();
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    int64_t offset = 0;
    for (auto [part, input] : llvm::enumerate(concat.getInputs())) {
      schedule::Operation result =
          makeVector(model.storageOf.lookup(concat.getResult()));
      result.rows = cast<VecType>(input.getType()).getSize();
      result.offset = offset;
      result.reads.push_back(read(input, /*all=*/true));
      offset += result.rows;
      add(std::move(result), op, part);
    }
    return success();
  }
  if (auto mvm = dyn_cast<MvmOp>(op)) {
    auto matrix =
        symbols.lookupNearestSymbolFrom<MatrixOp>(op, mvm.getMatrixAttr());
    if (!matrix)
      return mvm.emitOpError("names ")
             << mvm.getMatrixAttr() << ", which is not an hcgs.matrix";
    FailureOr<compression::WeightLayout> layout =
        getLayout(matrix, matrix.getRows());
    if (failed(layout))
      return failure();
    schedule::Operation result;
    result.unit = schedule::Unit::Matrix;
    result.storage = model.storageOf.lookup(mvm.getResult());
    const schedule::Storage &storage = model.problem.storages[result.storage];
    result.rows = storage.rows;
    result.group = storage.group;
    result.latency = timing.matrixFill;
    result.reads.push_back(read(mvm.getInput(), /*all=*/true));
    addBoundary(result.group, fx::rowGranule(matrix.getSparsityAttr()));
    uint64_t gates = matrix.getGates(), cols = matrix.getCols();
    result.gates = gates;
    result.cols = cols;
    if (!layout->isDense()) {
      result.occupancy = [groups = schedule::RowGroupTiming(
                              *layout, (1u << gates) - 1, timing.lanes)](
                             const schedule::Entry &entry) {
        return groups.cycles(entry.begin, entry.end);
      };
    } else {
      result.tileFor = [timing = timing, gates,
                        cols](const schedule::Entry &entry) {
        return schedule::TileChoice{
            timing.bestTile((entry.end - entry.begin) * gates, cols), false};
      };
      result.occupancy = [timing = timing, gates, cols,
                          tileFor =
                              result.tileFor](const schedule::Entry &entry) {
        return timing.dense((entry.end - entry.begin) * gates, cols,
                            tileFor(entry).tile);
      };
    }
    add(std::move(result), op);
    return success();
  }
  if (isa<VmacOp, VaccOp, ActOp, RequantOp>(op)) {
    schedule::Operation result =
        makeVector(model.storageOf.lookup(op->getResult(0)));
    TypeSwitch<Operation *>(op)
        .Case([&](VmacOp vmac) {
          result.reads = {read(vmac.getA(), false), read(vmac.getB(), false)};
        })
        .Case(
            [&](VaccOp vacc) { result.reads = {read(vacc.getInput(), false)}; })
        .Case<ActOp, RequantOp>([&](auto result_) {
          result.reads = {read(result_.getAcc(), false, result_.getGate())};
        });
    add(std::move(result), op);
    return success();
  }
  if (isa<ScheduleOp, YieldOp>(op))
    return success();
  return op->emitOpError("cannot be scheduled");
}

FailureOr<StepModel> ModelBuilder::run() {
  defineStorages();
  for (Operation &op : sequence.getBody().front())
    if (failed(addOperation(&op)))
      return failure();
  chooseGranules();
  model.problem.queues = timing.queues;
  return std::move(model);
}

FailureOr<StepModel> flow::buildStepModel(SequenceOp sequence,
                                          const TargetModel &target) {
  return ModelBuilder(sequence, target).run();
}
