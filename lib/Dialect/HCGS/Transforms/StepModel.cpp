// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From hcgs.sequence to a scheduling problem.

#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using compression::BlockMap;

compression::Pattern flow::getPattern(fx::SparsityAttr sparsity) {
  compression::Pattern pattern;
  for (fx::TierAttr tier : sparsity.getTiers())
    pattern.tiers.push_back(
        {static_cast<int>(tier.getRows()), static_cast<int>(tier.getCols()),
         static_cast<int>(tier.getNum()), static_cast<int>(tier.getDen()),
         tier.getBalance() == fx::Balance::Row ? compression::Balance::Row
                                               : compression::Balance::Column});
  return pattern;
}

FailureOr<std::shared_ptr<const BlockMap>> flow::getBlockMap(MatrixOp matrix) {
  std::optional<fx::SparsityAttr> sparsity = matrix.getSparsity();
  if (!sparsity)
    return std::shared_ptr<const BlockMap>();
  SmallVector<uint8_t> image = sparsity->getMapBytes();
  Result<BlockMap> map =
      BlockMap::fromIndexImage(getPattern(*sparsity), matrix.getRows(),
                               matrix.getCols(), {image.data(), image.size()});
  if (!map)
    return matrix.emitOpError() << map.message();
  return std::shared_ptr<const BlockMap>(
      std::make_shared<BlockMap>(std::move(*map)));
}

/// Row block heights must be multiples of this, so that every boundary of row
/// blocks is one of small block-rows (WI-A-2). The height of the smallest
/// blocks serves if each tier's height is a multiple of the next tier's; else
/// small block-rows are irregular inside a tier-1 block.
static uint32_t getGranule(MatrixOp matrix) {
  std::optional<fx::SparsityAttr> sparsity = matrix.getSparsity();
  if (!sparsity)
    return 8;
  ArrayRef<fx::TierAttr> tiers = sparsity->getTiers();
  for (size_t i = 1; i < tiers.size(); ++i)
    if (tiers[i - 1].getRows() % tiers[i].getRows())
      return tiers.front().getRows();
  return tiers.back().getRows();
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
  StepModel model;
};
} // namespace

unsigned ModelBuilder::groupOf(FlatSymbolRefAttr layer, uint32_t rows) {
  auto [it, isNew] =
      groups.insert({{layer, rows}, unsigned(model.problem.groups.size())});
  if (isNew)
    model.problem.groups.push_back({rows, 8});
  return it->second;
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
  result.occupancy = [timing = timing](uint32_t begin, uint32_t end) {
    return timing.vector(end - begin);
  };
  return result;
}

LogicalResult ModelBuilder::addOperation(Operation *op) {
  if (auto readOp = dyn_cast<ReadOp>(op)) {
    schedule::Operation result;
    result.unit = schedule::Unit::Load;
    result.storage = model.storageOf.lookup(readOp.getResult());
    result.rows = readOp.getResult().getType().getSize();
    result.occupancy = [timing = timing](uint32_t begin, uint32_t end) {
      return timing.transfer(timing.load, end - begin);
    };
    add(std::move(result), op);
    return success();
  }
  if (auto write = dyn_cast<WriteOp>(op)) {
    schedule::Operation result;
    result.unit = schedule::Unit::Store;
    result.rows = write.getValue().getType().getSize();
    result.reads.push_back(read(write.getValue(), /*all=*/true));
    result.occupancy = [timing = timing](uint32_t begin, uint32_t end) {
      return timing.transfer(timing.store, end - begin);
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
    FailureOr<std::shared_ptr<const BlockMap>> map = getBlockMap(matrix);
    if (failed(map))
      return failure();
    schedule::Operation result;
    result.unit = schedule::Unit::Matrix;
    result.storage = model.storageOf.lookup(mvm.getResult());
    const schedule::Storage &storage = model.problem.storages[result.storage];
    result.rows = storage.rows;
    result.group = storage.group;
    result.latency = timing.matrixFill;
    result.reads.push_back(read(mvm.getInput(), /*all=*/true));
    schedule::Group &group = model.problem.groups[result.group];
    group.granule = std::lcm(group.granule, getGranule(matrix));
    uint64_t gates = matrix.getGates(), cols = matrix.getCols();
    if (*map)
      result.occupancy =
          [sparse = schedule::SparseTiming(**map, gates, timing.lanes)](
              uint32_t begin, uint32_t end) {
            return sparse.cycles(begin, end);
          };
    else
      result.occupancy = [timing = timing, gates, cols](uint32_t begin,
                                                        uint32_t end) {
        uint64_t rows = (end - begin) * gates;
        return timing.dense(rows, cols, timing.bestTile(rows, cols));
      };
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
  model.problem.queues = timing.queues;
  return std::move(model);
}

FailureOr<StepModel> flow::buildStepModel(SequenceOp sequence,
                                          const TargetModel &target) {
  return ModelBuilder(sequence, target).run();
}
