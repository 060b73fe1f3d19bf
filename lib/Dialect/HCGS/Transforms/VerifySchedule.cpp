// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-verify-schedule: carries a schedule out, row by row, with labels in
// place of numbers. Every place of every buffer holds the label of what was
// last put there: which row of which step, and how many operations of an
// accumulator chain have added to it. An entry must find the labels that the
// dataflow asks for. This shares nothing with the schedulers, and no closed
// formula with them either: sequences of one step, of two, and of more steps
// than any value lives are run through.

#include "hcgs/Dialect/HCGS/Transforms/Passes.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/DenseMap.h"

namespace hcgs::flow {
#define GEN_PASS_DEF_HCGSVERIFYSCHEDULE
#include "hcgs/Dialect/HCGS/Transforms/Passes.h.inc"
} // namespace hcgs::flow

using namespace mlir;
using namespace hcgs::flow;

namespace {

/// What a place of a buffer holds.
struct Label {
  int64_t step = -2; // -1: the initial state; -2: nothing yet
  int64_t row = -1;
  unsigned parts = 0;
  Operation *by = nullptr; // the entry that put it there
};

/// Values that are one buffer.
struct Buffer {
  BufferOp op;
  Value last;
  int64_t rows = 0, gates = 1;
  int64_t height = 0, window = 0, slots = 1;
  /// Operations that write each row in a step: the length of the chain.
  unsigned parts = 1;
  bool state = false;
  std::vector<Label> places; // slots x rows
  /// Latest step of each row that was completed, and by which entry.
  std::vector<int64_t> completed;
  /// Parts issued for each row in each step.
  std::vector<std::vector<unsigned>> issued;

  Label &at(int64_t step, int64_t row) {
    int64_t slot = ((step % slots) + slots) % slots;
    int64_t place = row;
    if (window)
      place = row / height % window * height + row % height;
    return places[slot * rows + place];
  }
  /// Whether rows begin .. end-1 (of one gate, if `gate`) lie side by side.
  bool isContiguous(int64_t begin, int64_t end, bool gate) const {
    if (begin >= end || begin / height == (end - 1) / height)
      return true;
    return !window && (gates == 1 || !gate);
  }
};

/// One entry of the list.
struct Entry {
  Operation *op;   // hcgs.issue or hcgs.issue_write
  Operation *flow; // what it issues
  int64_t begin, end;
  int64_t step;
  Value input; // of an hcgs.concat: the operand that is copied
  int64_t offset = 0;
};

class Checker {
public:
  explicit Checker(SequenceOp sequence) : sequence(sequence) {}

  LogicalResult run() {
    scheduleOp = sequence.getSchedule();
    if (!scheduleOp)
      return sequence.emitOpError("has no schedule; run hcgs-schedule");
    findBuffers();
    if (failed(readBuffers()) || failed(readEntries()) ||
        failed(checkCoverage()))
      return failure();
    int64_t longest = 2 * scheduleOp.getDepth() + 3;
    for (Buffer &buffer : buffers)
      longest = std::max<int64_t>(longest, 2 * buffer.slots + 3);
    for (int64_t steps : {int64_t(1), int64_t(2), longest})
      if (failed(execute(steps)))
        return failure();
    return success();
  }

private:
  void findBuffers();
  LogicalResult readBuffers();
  LogicalResult readEntries();
  LogicalResult checkCoverage();
  LogicalResult execute(int64_t steps);
  LogicalResult issue(const Entry &entry, int64_t time);
  LogicalResult readRows(const Entry &entry, Value value, int64_t begin,
                         int64_t end, bool oneGate, int64_t time);
  LogicalResult writeRows(const Entry &entry, int64_t time);

  Buffer &bufferOf(Value value) { return buffers[numberOf.lookup(value)]; }
  static Value getContinued(Operation *op) {
    if (auto mvm = dyn_cast<MvmOp>(op))
      return mvm.getAcc();
    if (auto vmac = dyn_cast<VmacOp>(op))
      return vmac.getAcc();
    if (auto vacc = dyn_cast<VaccOp>(op))
      return vacc.getAcc();
    return {};
  }

  SequenceOp sequence;
  ScheduleOp scheduleOp;
  std::vector<Buffer> buffers;
  llvm::DenseMap<Value, unsigned> numberOf;
  std::vector<Entry> entries;
};

} // namespace

void Checker::findBuffers() {
  Block &body = sequence.getBody().front();
  for (Operation &op : body) {
    if (op.getNumResults() != 1)
      continue;
    Value result = op.getResult(0);
    if (Value continued = getContinued(&op)) {
      numberOf[result] = numberOf.lookup(continued);
      Buffer &buffer = bufferOf(result);
      buffer.last = result;
      ++buffer.parts;
      continue;
    }
    numberOf[result] = buffers.size();
    Buffer &buffer = buffers.emplace_back();
    buffer.last = result;
    if (auto acc = dyn_cast<AccType>(result.getType())) {
      buffer.rows = acc.getRows();
      buffer.gates = acc.getGates();
    } else {
      buffer.rows = cast<VecType>(result.getType()).getSize();
    }
  }
  for (auto [argument, state] :
       llvm::zip(body.getArguments(), sequence.getYield().getStates())) {
    numberOf[argument] = numberOf.lookup(state);
    bufferOf(state).state = true;
  }
}

LogicalResult Checker::readBuffers() {
  for (auto op : scheduleOp.getBody().front().getOps<BufferOp>()) {
    Buffer &buffer = bufferOf(op.getValue());
    if (buffer.op) {
      InFlightDiagnostic diag =
          op.emitOpError("is a second buffer of one storage");
      diag.attachNote(buffer.op.getLoc()) << "the first one is here";
      return diag;
    }
    if (op.getValue() != buffer.last) {
      InFlightDiagnostic diag = op.emitOpError(
          "names a value that is continued; name the last value of the chain");
      diag.attachNote(buffer.last.getLoc()) << "which is made here";
      return diag;
    }
    buffer.op = op;
    buffer.slots = op.getSlots();
    buffer.height = op.getRowBlock() ? op.getRowBlock() : buffer.rows;
    buffer.window = op.getWindow();
    if (buffer.window && buffer.state)
      return op.emitOpError(
          "holds a state, which the next step reads whole; it cannot be a "
          "window");
  }
  for (Buffer &buffer : buffers)
    if (!buffer.op) {
      InFlightDiagnostic diag =
          scheduleOp.emitOpError("has no buffer for a value of the time loop");
      diag.attachNote(buffer.last.getLoc()) << "which is made here";
      return diag;
    }
  return success();
}

LogicalResult Checker::readEntries() {
  for (Operation &op : scheduleOp.getBody().front()) {
    if (isa<BufferOp>(op))
      continue;
    Entry entry;
    entry.op = &op;
    if (auto write = dyn_cast<IssueWriteOp>(op)) {
      entry.flow = nullptr;
      for (Operation *user : write.getValue().getUsers())
        if (auto candidate = dyn_cast<WriteOp>(user))
          if (candidate.getStreamAttr() == write.getStreamAttr() &&
              candidate.getAt() == write.getAt())
            entry.flow = candidate;
      if (!entry.flow)
        return write.emitOpError("names no hcgs.write of the time loop");
      entry.begin = 0;
      entry.end = cast<VecType>(write.getValue().getType()).getSize();
      entry.step = write.getStep();
      entries.push_back(entry);
      continue;
    }
    auto issue = cast<IssueOp>(op);
    entry.flow = issue.getValue().getDefiningOp();
    entry.step = issue.getStep();
    Buffer &buffer = bufferOf(issue.getValue());
    if (auto concat = dyn_cast<ConcatOp>(entry.flow)) {
      int64_t count = concat.getInputs().size();
      int64_t first = issue.getFirst().value_or(0);
      if (int64_t(issue.getLast().value_or(count)) != first + 1 ||
          first >= count)
        return issue.emitOpError("an entry copies one operand of an "
                                 "hcgs.concat; there are ")
               << count;
      for (int64_t i = 0; i < first; ++i)
        entry.offset +=
            cast<VecType>(concat.getInputs()[i].getType()).getSize();
      entry.input = concat.getInputs()[first];
      entry.begin = 0;
      entry.end = cast<VecType>(entry.input.getType()).getSize();
      entries.push_back(entry);
      continue;
    }
    int64_t blocks = (buffer.rows + buffer.height - 1) / buffer.height;
    int64_t first = issue.getFirst().value_or(0);
    int64_t last = issue.getLast().value_or(blocks);
    if (first < 0 || first >= last || last > blocks)
      return issue.emitOpError("issues row blocks ")
             << first << " to " << last << ", but there are " << blocks
             << " of " << buffer.height << " rows";
    entry.begin = first * buffer.height;
    entry.end = std::min(last * buffer.height, buffer.rows);
    entries.push_back(entry);
  }
  return success();
}

/// Condition 1.
LogicalResult Checker::checkCoverage() {
  llvm::DenseMap<Operation *, std::vector<Operation *>> covered;
  for (Operation &op : sequence.getBody().front())
    if (!isa<ScheduleOp, YieldOp>(op))
      covered[&op].resize(isa<WriteOp>(op) ? 1
                                           : bufferOf(op.getResult(0)).rows);
  for (const Entry &entry : entries) {
    std::vector<Operation *> &rows = covered[entry.flow];
    int64_t begin = entry.begin + entry.offset;
    int64_t end = isa<WriteOp>(entry.flow) ? 1 : entry.end + entry.offset;
    for (int64_t row = begin; row < end; ++row) {
      if (rows[row]) {
        InFlightDiagnostic diag = entry.op->emitOpError("issues ");
        if (isa<WriteOp>(entry.flow))
          diag << "an hcgs.write a second time";
        else
          diag << "row " << row << " a second time";
        diag.attachNote(rows[row]->getLoc()) << "it is issued here already";
        return diag;
      }
      rows[row] = entry.op;
    }
  }
  for (Operation &op : sequence.getBody().front()) {
    auto it = covered.find(&op);
    if (it == covered.end())
      continue;
    for (auto [row, by] : llvm::enumerate(it->second))
      if (!by) {
        InFlightDiagnostic diag = scheduleOp.emitOpError("never issues ");
        if (isa<WriteOp>(op))
          diag << "an hcgs.write";
        else
          diag << "row " << row << " of an operation";
        diag.attachNote(op.getLoc()) << "which is here";
        return diag;
      }
  }
  return success();
}

/// Conditions 2, 3 and 4 of one operand.
LogicalResult Checker::readRows(const Entry &entry, Value value, int64_t begin,
                                int64_t end, bool oneGate, int64_t time) {
  Buffer &buffer = bufferOf(value);
  int64_t back = isa<BlockArgument>(value);
  int64_t step = time - back;
  if (!buffer.isContiguous(begin, end, oneGate))
    return entry.op->emitOpError("reads rows ")
           << begin << " to " << end - 1
           << " of an operand, which do not lie side by side in row blocks of "
           << buffer.height;
  for (int64_t row = begin; row < end; ++row) {
    const Label &label = buffer.at(step, row);
    if (label.step == step && label.row == row && label.parts == buffer.parts)
      continue;
    StringRef whose = back ? " of the step before" : "";
    if (buffer.completed[row] >= step) {
      InFlightDiagnostic diag = entry.op->emitOpError("reads row ")
                                << row << " of an operand" << whose
                                << ", which is overwritten by then";
      if (label.by)
        diag.attachNote(label.by->getLoc()) << "overwritten here";
      diag.attachNote(buffer.op.getLoc())
          << "the buffer has " << buffer.slots << " slots"
          << (buffer.window ? " and a window of row blocks" : "");
      return diag;
    }
    InFlightDiagnostic diag = entry.op->emitOpError("reads row ")
                              << row << " of an operand" << whose
                              << " before it is complete";
    diag.attachNote(value.getLoc()) << "the operand is made here";
    return diag;
  }
  return success();
}

LogicalResult Checker::writeRows(const Entry &entry, int64_t time) {
  Buffer &buffer = bufferOf(entry.flow->getResult(0));
  int64_t begin = entry.begin + entry.offset, end = entry.end + entry.offset;
  if (!buffer.isContiguous(begin, end, /*gate=*/false))
    return entry.op->emitOpError("writes rows ")
           << begin << " to " << end - 1
           << ", which do not lie side by side in a window of row blocks of "
           << buffer.height;
  // The copies of an hcgs.concat write rows of their own.
  for (int64_t row = begin; row < end; ++row) {
    Label &label = buffer.at(time, row);
    unsigned &issued = buffer.issued[time][row];
    if (issued && (label.step != time || label.row != row)) {
      InFlightDiagnostic diag = entry.op->emitOpError("adds to row ")
                                << row
                                << " of accumulators that are overwritten by "
                                   "then";
      if (label.by)
        diag.attachNote(label.by->getLoc()) << "overwritten here";
      return diag;
    }
    ++issued;
    label = Label{time, row, issued, entry.op};
    if (issued == buffer.parts)
      buffer.completed[row] = time;
  }
  return success();
}

LogicalResult Checker::issue(const Entry &entry, int64_t time) {
  int64_t begin = entry.begin, end = entry.end;
  auto whole = [&](Value value) {
    return readRows(entry, value, 0, bufferOf(value).rows, false, time);
  };
  auto rows = [&](Value value, bool oneGate = false) {
    return readRows(entry, value, begin, end, oneGate, time);
  };
  LogicalResult result = success();
  if (auto write = dyn_cast<WriteOp>(entry.flow))
    return whole(write.getValue());
  if (isa<ConcatOp>(entry.flow))
    result = whole(entry.input);
  else if (auto mvm = dyn_cast<MvmOp>(entry.flow))
    result = whole(mvm.getInput());
  else if (auto vmac = dyn_cast<VmacOp>(entry.flow))
    result =
        success(succeeded(rows(vmac.getA())) && succeeded(rows(vmac.getB())));
  else if (auto vacc = dyn_cast<VaccOp>(entry.flow))
    result = rows(vacc.getInput());
  else if (auto act = dyn_cast<ActOp>(entry.flow))
    result = rows(act.getAcc(), true);
  else if (auto requant = dyn_cast<RequantOp>(entry.flow))
    result = rows(requant.getAcc(), true);
  if (failed(result))
    return failure();
  return writeRows(entry, time);
}

LogicalResult Checker::execute(int64_t steps) {
  for (Buffer &buffer : buffers) {
    buffer.places.assign(buffer.slots * buffer.rows, {});
    buffer.completed.assign(buffer.rows, -2);
    buffer.issued.assign(steps, std::vector<unsigned>(buffer.rows, 0));
    if (!buffer.state)
      continue;
    for (int64_t row = 0; row < buffer.rows; ++row) {
      buffer.at(-1, row) = Label{-1, row, buffer.parts, nullptr};
      buffer.completed[row] = -1;
    }
  }
  for (int64_t t = -int64_t(scheduleOp.getDepth()); t < steps; ++t)
    for (const Entry &entry : entries) {
      int64_t time = t + entry.step;
      if (time >= 0 && time < steps && failed(issue(entry, time)))
        return failure();
    }
  // The next call goes on from these.
  for (Buffer &buffer : buffers)
    for (int64_t row = 0; buffer.state && row < buffer.rows; ++row) {
      const Label &label = buffer.at(steps - 1, row);
      if (label.step != steps - 1 || label.row != row)
        return buffer.op.emitOpError("does not hold row ")
               << row << " of the last state at the end";
    }
  return success();
}

namespace {
struct VerifySchedulePass
    : hcgs::flow::impl::HCGSVerifyScheduleBase<VerifySchedulePass> {
  void runOnOperation() override {
    for (auto sequence : getOperation().getBody().front().getOps<SequenceOp>())
      if (failed(Checker(sequence).run()))
        signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
