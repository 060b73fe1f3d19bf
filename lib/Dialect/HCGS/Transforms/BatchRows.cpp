// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Holds the rows of a program against row 0.

#include "hcgs/Dialect/HCGS/Transforms/BatchRows.h"

#include "hcgs/Target/ISA.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

int64_t flow::getNumRows(ProgramOp program) {
  auto rows = program->getAttrOfType<IntegerAttr>(kRowsAttr);
  return rows ? rows.getInt() : 1;
}

int64_t flow::getRow(Operation *op) {
  auto row = op->getAttrOfType<IntegerAttr>(kRowAttr);
  return row ? row.getInt() : 0;
}

bool flow::isReplicated(Operation *op) {
  return llvm::isa<StreamOp, ReadOp, WriteOp, MvmOp, VmacOp, VaccOp, ActOp,
                   RequantOp, ConcatOp>(op);
}

namespace {
class Comparison {
public:
  Comparison(int64_t rows, llvm::DenseMap<Operation *, Operation *> &originals)
      : rows(rows), originals(originals) {}

  LogicalResult compareBlock(Block &block);

private:
  LogicalResult compareOps(Operation *first, Operation *op, int64_t row);
  LogicalResult compareStates(Operation *op, ValueRange states, StringRef what);
  /// What a value that row `row` uses is in row 0; null if the row must not
  /// use it.
  Value originalOf(Value value, int64_t row) const;
  /// Notes that values of the rows stand for those of row 0.
  void pair(ValueRange values);

  int64_t rows;
  llvm::DenseMap<Operation *, Operation *> &originals;
  /// Of a value that belongs to a row: the row, and the value in row 0.
  llvm::DenseMap<Value, std::pair<int64_t, Value>> values;
  llvm::DenseMap<Attribute, FlatSymbolRefAttr> streams; // to those of row 0
};
} // namespace

Value Comparison::originalOf(Value value, int64_t row) const {
  if (value.getDefiningOp<ConstantOp>())
    return value;
  auto [owner, first] = values.lookup(value);
  return first && owner == row ? first : Value();
}

void Comparison::pair(ValueRange all) {
  size_t each = all.size() / rows;
  for (auto [index, value] : llvm::enumerate(all))
    values[value] = {int64_t(index / each), all[index % each]};
}

/// The attributes that copies have in common.
static DictionaryAttr commonAttrs(Operation *op) {
  NamedAttrList attrs(op->getAttrDictionary());
  for (StringRef name : {StringRef(kRowAttr), StringRef(kCopyOfAttr)})
    attrs.erase(name);
  if (llvm::isa<StreamOp>(op))
    attrs.erase(SymbolTable::getSymbolAttrName());
  if (llvm::isa<ReadOp, WriteOp>(op))
    attrs.erase("stream");
  return attrs.getDictionary(op->getContext());
}

LogicalResult Comparison::compareOps(Operation *first, Operation *op,
                                     int64_t row) {
  bool same = first->getName() == op->getName() &&
              first->getResultTypes() == op->getResultTypes() &&
              first->getNumOperands() == op->getNumOperands() &&
              commonAttrs(first) == commonAttrs(op);
  if (same)
    for (auto [ours, theirs] :
         llvm::zip(op->getOperands(), first->getOperands()))
      same &= originalOf(ours, row) == originalOf(theirs, 0) &&
              originalOf(theirs, 0);
  if (auto stream = dyn_cast<StreamOp>(op); same && stream) {
    auto of = op->getAttrOfType<FlatSymbolRefAttr>(kCopyOfAttr);
    same = of && of.getValue() == cast<StreamOp>(first).getSymName();
    if (same)
      streams[FlatSymbolRefAttr::get(stream.getSymNameAttr())] = of;
  }
  if (auto name = op->getAttrOfType<FlatSymbolRefAttr>("stream"); same && name)
    same = streams.lookup(name) ==
           first->getAttrOfType<FlatSymbolRefAttr>("stream");
  if (!same) {
    InFlightDiagnostic diag =
        op->emitOpError("of batch row ")
        << row << " does not compute what its counterpart of row 0 does";
    diag.attachNote(first->getLoc()) << "the counterpart is here";
    return diag;
  }
  for (auto [ours, theirs] : llvm::zip(op->getResults(), first->getResults()))
    values[ours] = {row, theirs};
  originals[op] = first;
  return success();
}

LogicalResult Comparison::compareStates(Operation *op, ValueRange states,
                                        StringRef what) {
  size_t each = states.size() / rows;
  for (auto [index, state] : llvm::enumerate(states)) {
    int64_t row = index / each;
    Value ours = originalOf(state, row),
          theirs = originalOf(states[index % each], 0);
    if (!ours || ours != theirs)
      return op->emitOpError()
             << what << " " << index << " is not, in batch row " << row
             << ", what " << what << " " << index % each << " is in row 0";
  }
  return success();
}

LogicalResult Comparison::compareBlock(Block &block) {
  std::vector<SmallVector<Operation *>> byRow(rows);
  for (Operation &op : block) {
    if (auto sequence = dyn_cast<SequenceOp>(op)) {
      if (sequence.getInitial().size() % rows)
        return sequence.emitOpError("has ")
               << sequence.getInitial().size() << " states, which are not "
               << rows << " batch rows of equally many";
      // What the initial values are made of stands before the sequence.
      for (auto &list : byRow)
        if (list.size() != byRow.front().size())
          return sequence.emitOpError(
              "comes between operations of one batch row and their "
              "counterparts in another");
      pair(sequence.getBody().getArguments());
      if (failed(compareBlock(sequence.getBody().front())))
        return failure();
      pair(sequence.getFinal());
      continue;
    }
    if (auto yield = dyn_cast<YieldOp>(op)) {
      if (failed(compareStates(yield, yield.getStates(), "state")))
        return failure();
      continue;
    }
    int64_t row = getRow(&op);
    if (!isReplicated(&op)) {
      if (op.hasAttr(kRowAttr))
        return op.emitOpError("is shared by all batch rows, but has '")
               << kRowAttr << "'";
      continue;
    }
    if (row < 0 || row >= rows)
      return op.emitOpError("is of batch row ")
             << row << ", the program computes rows 0.." << rows - 1;
    size_t place = byRow[row].size();
    byRow[row].push_back(&op);
    if (row == 0) {
      for (Value operand : op.getOperands())
        if (!originalOf(operand, 0))
          return op.emitOpError("of batch row 0 uses a value of another row");
      for (Value result : op.getResults())
        values[result] = {0, result};
      if (auto stream = dyn_cast<StreamOp>(op)) {
        auto name = FlatSymbolRefAttr::get(stream.getSymNameAttr());
        streams[name] = name;
      }
      continue;
    }
    if (place >= byRow.front().size())
      return op.emitOpError("of batch row ")
             << row << " has no counterpart in row 0 before it";
    if (failed(compareOps(byRow.front()[place], &op, row)))
      return failure();
  }
  for (auto [row, list] : llvm::enumerate(byRow))
    if (list.size() != byRow.front().size())
      return block.getParentOp()->emitOpError("has ")
             << list.size() << " operations of batch row " << row << " and "
             << byRow.front().size() << " of row 0";
  // The initial values of a sequence need its operands' rows only.
  for (auto sequence : block.getOps<SequenceOp>())
    if (failed(compareStates(sequence, sequence.getInitial(), "initial state")))
      return failure();
  return success();
}

FailureOr<BatchRows> BatchRows::find(ProgramOp program) {
  BatchRows result;
  result.numRows = getNumRows(program);
  if (result.numRows < 1 || result.numRows > isa::kNumStreams)
    return program.emitOpError("has '")
           << kRowsAttr << "' " << result.numRows << ", allowed are 1.."
           << isa::kNumStreams;
  if (failed(Comparison(result.numRows, result.originals)
                 .compareBlock(program.getBody().front())))
    return failure();
  return result;
}
