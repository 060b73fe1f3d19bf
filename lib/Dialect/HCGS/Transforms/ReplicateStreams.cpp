// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-replicate-streams: the dataflow once for each of several batch rows.

#include "hcgs/Dialect/HCGS/Transforms/BatchRows.h"
#include "hcgs/Dialect/HCGS/Transforms/Passes.h"
#include "hcgs/Target/ISA.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace hcgs::flow {
#define GEN_PASS_DEF_HCGSREPLICATESTREAMS
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"
} // namespace hcgs::flow

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;

namespace {
class Replicator {
public:
  Replicator(ProgramOp program, unsigned rows)
      : program(program), symbols(program), rows(rows), copies(rows) {}

  void run();

private:
  /// Puts the copies of an operation behind it, row by row.
  void replicate(Operation *op);
  void replicate(SequenceOp sequence);
  /// `values` of row 0, then what they are in the other rows.
  SmallVector<Value> inAllRows(ValueRange values);

  ProgramOp program;
  SymbolTable symbols;
  unsigned rows;
  std::vector<IRMapping> copies; // by row, from row 0
  /// Of each stream of row 0: its copies, by row.
  llvm::DenseMap<Attribute, SmallVector<FlatSymbolRefAttr>> streams;
};
} // namespace

SmallVector<Value> Replicator::inAllRows(ValueRange values) {
  SmallVector<Value> all;
  for (unsigned row = 0; row < rows; ++row)
    for (Value value : values)
      all.push_back(copies[row].lookupOrDefault(value));
  return all;
}

void Replicator::replicate(Operation *op) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  auto stream = dyn_cast<StreamOp>(op);
  auto self = stream ? FlatSymbolRefAttr::get(stream.getSymNameAttr())
                     : FlatSymbolRefAttr();
  for (unsigned row = 1; row < rows; ++row) {
    Operation *copy = op->clone(copies[row]);
    copy->setAttr(kRowAttr, builder.getI64IntegerAttr(row));
    if (stream) {
      copy->setAttr(kCopyOfAttr, self);
      SymbolTable::setSymbolName(
          copy, (stream.getSymName() + "_row" + Twine(row)).str());
      symbols.insert(copy, builder.getInsertionPoint());
      streams[self].push_back(FlatSymbolRefAttr::get(copy));
    } else {
      builder.insert(copy);
      if (auto name = copy->getAttrOfType<FlatSymbolRefAttr>("stream"))
        copy->setAttr("stream", streams.lookup(name)[row - 1]);
    }
    builder.setInsertionPointAfter(copy);
  }
}

void Replicator::replicate(SequenceOp sequence) {
  OpBuilder builder(sequence);
  SmallVector<Value> initial = inAllRows(sequence.getInitial());
  auto wide = SequenceOp::create(builder, sequence.getLoc(),
                                 ValueRange(initial).getTypes(), initial);
  wide->setDiscardableAttrs(sequence->getDiscardableAttrDictionary());
  wide.getBody().takeBody(sequence.getBody());
  Block &body = wide.getBody().front();
  const unsigned states = body.getNumArguments();
  for (unsigned row = 1; row < rows; ++row)
    for (unsigned state = 0; state < states; ++state) {
      BlockArgument argument = body.getArgument(state);
      copies[row].map(argument,
                      body.addArgument(argument.getType(), argument.getLoc()));
    }
  for (Operation &op : llvm::make_early_inc_range(body))
    if (isReplicated(&op))
      replicate(&op);
  YieldOp yield = wide.getYield();
  yield.getStatesMutable().assign(inAllRows(yield.getStates()));
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned state = 0; state < states; ++state)
      if (row == 0)
        sequence.getResult(state).replaceAllUsesWith(wide.getResult(state));
      else
        copies[row].map(wide.getResult(state),
                        wide.getResult(row * states + state));
  sequence.erase();
}

void Replicator::run() {
  Builder builder(program.getContext());
  for (Operation &op : llvm::make_early_inc_range(program.getBody().front()))
    if (auto sequence = dyn_cast<SequenceOp>(op))
      replicate(sequence);
    else if (isReplicated(&op))
      replicate(&op);
  program->setAttr(kRowsAttr, builder.getI64IntegerAttr(rows));
}

/// The limits that can be seen before there is a schedule: streams, and the
/// registers that walk along them (a loop needs a few more for its rings).
/// Names the one that allows the fewest rows.
static LogicalResult checkLimits(ProgramOp program, unsigned rows) {
  struct Limit {
    size_t each; // what one row needs
    size_t all;
    StringRef what;
    size_t mostRows() const { return each ? all / each : all; }
  };
  Block &body = program.getBody().front();
  auto streams = body.getOps<StreamOp>();
  Limit tightest = {size_t(std::distance(streams.begin(), streams.end())),
                    isa::kNumStreams, "streams"};
  for (auto sequence : body.getOps<SequenceOp>()) {
    llvm::SmallDenseSet<std::pair<Attribute, unsigned>> walks;
    sequence.walk([&](Operation *op) {
      if (auto read = dyn_cast<ReadOp>(op))
        walks.insert({read.getStreamAttr(), unsigned(read.getFrames())});
      else if (auto write = dyn_cast<WriteOp>(op))
        walks.insert({write.getStreamAttr(), unsigned(write.getFrames())});
    });
    Limit limit = {walks.size(), isa::kNumRegisters - 1,
                   "address registers for streams in a time loop"};
    if (limit.mostRows() < tightest.mostRows())
      tightest = limit;
  }
  if (rows <= tightest.mostRows())
    return success();
  return emitError(program->getLoc())
         << rows << " batch rows together need " << rows * tightest.each << " "
         << tightest.what << ", " << tightest.each
         << " for each row; the machine has " << tightest.all
         << ": --streams=" << std::max<size_t>(1, tightest.mostRows())
         << " at most";
}

/// Rows that no tensor of the model can ever bring are computed in vain.
static void remarkFixedBatch(ProgramOp program, unsigned rows) {
  for (auto io : program.getBody().front().getOps<IOOp>()) {
    if (io.getDirection() != IODirection::Input)
      continue;
    int64_t size = 1; // without a batch axis
    for (AxisAttr axis : io.getDims().getAsRange<AxisAttr>())
      if (axis.getKind() == AxisKind::Batch)
        size = axis.getSize();
    if (size == 0 || size >= rows)
      continue;
    emitRemark(program->getLoc())
        << "input '" << io.getName() << "' brings " << size
        << " batch row at a time, the program computes " << rows
        << " together: the others are padding; export the model with a free "
           "batch axis";
    return;
  }
}

namespace {
struct ReplicateStreamsPass
    : hcgs::flow::impl::HCGSReplicateStreamsBase<ReplicateStreamsPass> {
  using HCGSReplicateStreamsBase::HCGSReplicateStreamsBase;

  void runOnOperation() override {
    ProgramOp program = getOperation();
    const unsigned rows = streams;
    if (rows < 1 || rows > isa::kNumStreams) {
      emitError(program->getLoc(), "option 'streams': ")
          << rows << " found, allowed is 1.." << isa::kNumStreams;
      return signalPassFailure();
    }
    const int64_t there = getNumRows(program);
    if (rows == 1 || there == rows)
      return;
    if (there != 1) {
      emitError(program->getLoc(), "program computes ")
          << there << " batch rows together already, not " << rows
          << "; start from the phase 'quantized' or before";
      return signalPassFailure();
    }
    for (auto sequence : program.getBody().front().getOps<SequenceOp>())
      if (sequence.getSchedule()) {
        emitError(program->getLoc(), "program is scheduled already, so that "
                                     "batch rows cannot be added; start from "
                                     "the phase 'quantized' or before");
        return signalPassFailure();
      }
    if (failed(checkLimits(program, rows)))
      return signalPassFailure();
    remarkFixedBatch(program, rows);
    Replicator(program, rows).run();
  }
};
} // namespace
