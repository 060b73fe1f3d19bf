// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From hcgs.sequence to a scheduling problem.

#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "hcgs/Dialect/FX/Utils/MatrixForms.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <memory>
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
  ModelBuilder(SequenceOp sequence, const TargetModel &target,
               const TilePolicy &tiles)
      : sequence(sequence), timing(schedule::timingOf(target)), tiles(tiles) {}

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
  LogicalResult addProduct(MvmOp mvm);
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
  /// An operation without `leastOccupancy` is never quicker than in one piece.
  void add(schedule::Operation operation, Operation *op, unsigned part = 0) {
    if (!operation.leastOccupancy)
      operation.leastOccupancy =
          operation.occupancy(schedule::Entry{0, 0, operation.rows, 0});
    model.problem.operations.push_back(std::move(operation));
    model.sources.push_back({op, part});
  }

  SequenceOp sequence;
  schedule::MachineTiming timing;
  TilePolicy tiles;
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
    schedule::Group group;
    group.rows = rows;
    if (auto decl = symbols.lookupNearestSymbolFrom<LayerOp>(sequence, layer))
      group.lstm = decl.getKind() == LayerKind::LSTM;
    model.problem.groups.push_back(group);
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

uint32_t flow::columnGranule(MatrixOp matrix) {
  if (fx::CirculantAttr circulant = matrix.getCirculant())
    return circulant.getBlock();
  if (fx::SparsityAttr blocks = matrix.getBlocks())
    return blocks.getTiers().front().getCols();
  return 1;
}

LogicalResult flow::verifyProductIssue(IssueOp issue, MatrixOp matrix,
                                       const TargetModel *target) {
  const int64_t cols = matrix.getCols(), granule = columnGranule(matrix);
  const int64_t begin = issue.getColBegin().value_or(0);
  const int64_t end = issue.getColEnd().value_or(cols);
  if (end > cols)
    return issue.emitOpError("issues columns ")
           << begin << " to " << end << " of a matrix that has " << cols;
  for (int64_t edge : {begin, end})
    if (edge % granule != 0 && edge != cols)
      return issue.emitOpError("cuts columns at ")
             << edge << "; blocks of the matrix begin at multiples of "
             << granule;
  if (!issue.getTile())
    return success();
  if (!matrix.isDense())
    return issue.emitOpError(
        "names a tile, which only products of dense matrices have");
  if (target && *issue.getTile() >= target->mac.tiles.size())
    return issue.emitOpError("names tile ")
           << *issue.getTile() << "; '" << target->name << "' has "
           << target->mac.tiles.size() << ", from 0 on";
  return success();
}

namespace {
/// Cycles of parts of a matrix that is computed row group by row group. What
/// was asked for once is known from then on.
class GroupedOccupancy {
public:
  GroupedOccupancy(compression::WeightLayout layout, uint64_t lanes)
      : shared(std::make_shared<Shared>(Shared{std::move(layout), lanes, {}})) {
  }

  uint64_t operator()(const schedule::Entry &entry) const {
    const compression::WeightLayout &layout = shared->layout;
    Part part = {entry.gates, entry.colBegin, entry.colEnd};
    if (!part.gates)
      part.gates = (1u << layout.gates()) - 1;
    if (!part.colEnd)
      part.colEnd = layout.cols();
    for (const auto &[known, timing] : shared->known)
      if (known == part)
        return timing.cycles(entry.begin, entry.end);
    shared->known.push_back(
        {part, schedule::RowGroupTiming(layout, part.gates, shared->lanes,
                                        {part.colBegin, part.colEnd})});
    return shared->known.back().second.cycles(entry.begin, entry.end);
  }

private:
  struct Part {
    unsigned gates;
    uint32_t colBegin, colEnd;
    bool operator==(const Part &) const = default;
  };
  struct Shared {
    compression::WeightLayout layout;
    uint64_t lanes;
    std::vector<std::pair<Part, schedule::RowGroupTiming>> known;
  };
  std::shared_ptr<Shared> shared;
};

/// Accumulators and columns of the part of a product that an entry names.
struct Extent {
  uint64_t rows, cols;
  Extent(const schedule::Entry &entry, unsigned gates, uint32_t cols)
      : rows(uint64_t(entry.end - entry.begin) *
             (entry.gates ? llvm::popcount(entry.gates) : gates)),
        cols(entry.colEnd ? entry.colEnd - entry.colBegin : cols) {}
};
} // namespace

LogicalResult ModelBuilder::addProduct(MvmOp mvm) {
  auto matrix =
      symbols.lookupNearestSymbolFrom<MatrixOp>(mvm, mvm.getMatrixAttr());
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
  unsigned gates = matrix.getGates();
  uint32_t cols = matrix.getCols();
  result.gates = gates;
  result.cols = cols;
  result.colGranule = columnGranule(matrix);
  if (!layout->isDense()) {
    result.occupancy = GroupedOccupancy(*std::move(layout), timing.lanes);
    add(std::move(result), mvm);
    return success();
  }
  if (tiles.fixedTile) {
    result.tileFor = [tile = *tiles.fixedTile](const schedule::Entry &) {
      return schedule::TileChoice{tile, false};
    };
    // No shape but this one, however the product is cut.
    result.leastOfGates = [timing = timing, rows = uint64_t(result.rows), cols,
                           tile = *tiles.fixedTile](unsigned count) {
      return timing.dense(rows * count, cols, tile);
    };
  } else {
    result.tileFor = [timing = timing, gates,
                      cols](const schedule::Entry &entry) {
      Extent extent(entry, gates, cols);
      auto [tile, retile] = timing.bestDense(extent.rows, extent.cols);
      return schedule::TileChoice{tile, retile};
    };
    result.leastOfGates = [timing = timing, rows = uint64_t(result.rows),
                           cols](unsigned count) {
      return timing.leastDense(rows * count, cols);
    };
  }
  result.leastOccupancy = result.leastOfGates(gates);
  result.occupancy = [timing = timing, gates, cols,
                      tileFor = result.tileFor](const schedule::Entry &entry) {
    Extent extent(entry, gates, cols);
    schedule::TileChoice choice = tileFor(entry);
    return timing.dense(extent.rows, extent.cols, choice.tile, choice.retile);
  };
  add(std::move(result), mvm);
  return success();
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
  if (auto mvm = dyn_cast<MvmOp>(op))
    return addProduct(mvm);
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
  // The endloop, and an aadd for each stream that is walked along.
  llvm::DenseSet<std::pair<Attribute, unsigned>> walks;
  for (Operation &op : sequence.getBody().front())
    TypeSwitch<Operation *>(&op).Case<ReadOp, WriteOp>([&](auto transfer) {
      walks.insert(
          {transfer.getStreamAttr(), transfer.getFrames() == Frames::Reversed});
    });
  model.problem.controlPerIteration = 1 + walks.size();
  return std::move(model);
}

FailureOr<StepModel> flow::buildStepModel(SequenceOp sequence,
                                          const TargetModel &target,
                                          const TilePolicy &tiles) {
  return ModelBuilder(sequence, target, tiles).run();
}

//===----------------------------------------------------------------------===//
// Tile policies
//===----------------------------------------------------------------------===//

std::string TilePolicy::name(const TargetModel &target) const {
  return fixedTile ? std::to_string(target.mac.tiles[*fixedTile].rows)
                   : "adaptive";
}

Result<TilePolicy> TilePolicy::parse(std::string_view name,
                                     const TargetModel &target) {
  if (name == "adaptive")
    return TilePolicy{};
  std::string rows;
  for (auto [number, tile] : llvm::enumerate(target.mac.tiles)) {
    std::string text = std::to_string(tile.rows);
    if (name == text)
      return TilePolicy{unsigned(number)};
    rows += (number ? ", " : "") + text;
  }
  return Error{"there is no tile policy '" + std::string(name) +
               "'; there is 'adaptive', and tiles of '" + target.name +
               "' have " + rows + " rows"};
}
