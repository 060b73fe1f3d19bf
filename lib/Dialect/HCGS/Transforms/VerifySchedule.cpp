// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-verify-schedule: carries a schedule out, place by place, with labels in
// place of numbers. Every place of every buffer holds the label of what was
// last put there: which row and gate of which step, and how much of what its
// accumulator chain adds is in it (each column of a product, and each vector
// operation, counts one). An entry must find the labels that the dataflow asks
// for. This shares nothing with the schedulers, and no closed formula with them
// either: sequences of every length up to past the depth, and of more steps
// than any value lives, are run through.

#include "hcgs/Dialect/HCGS/Transforms/BatchRows.h"
#include "hcgs/Dialect/HCGS/Transforms/Passes.h"
#include "hcgs/Dialect/HCGS/Transforms/ProgramTarget.h"
#include "hcgs/Dialect/HCGS/Transforms/StepModel.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

#include <limits>

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
  int64_t parts = 0;
  Operation *by = nullptr; // the entry that put it there
};

/// Values that are one buffer.
struct Buffer {
  BufferOp op;
  Value last;
  int64_t rows = 0, gates = 1;
  int64_t height = 0, window = 0, slots = 1;
  /// What is added to each place in a step: columns of products, and vector
  /// operations.
  int64_t parts = 1;
  bool state = false;
  /// The product that starts the accumulators from its biases, if any.
  Operation *bias = nullptr;
  std::vector<Label> places; // slots x rows x gates
  /// Of each row and gate: the latest step that was completed.
  std::vector<int64_t> completed;
  /// In iteration t, entries write steps t + soonest .. t + latest: of each of
  /// these, row and gate, what was added already.
  int64_t soonest = std::numeric_limits<int64_t>::max(), latest = 0;
  std::vector<std::vector<int64_t>> issued;

  Label &at(int64_t step, int64_t row, int64_t gate) {
    int64_t slot = ((step % slots) + slots) % slots;
    int64_t place = row;
    if (window)
      place = row / height % window * height + row % height;
    return places[(slot * rows + place) * gates + gate];
  }
  std::vector<int64_t> &issuedOf(int64_t step) {
    return issued[step % issued.size()];
  }
  /// Elements in all slots.
  int64_t elements() const {
    int64_t held = window ? std::min(window * height, rows) : rows;
    return slots * held * gates;
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
  // Of an hcgs.mvm: the gates it computes, as a mask, and its columns.
  unsigned gates = 1;
  int64_t colBegin = 0, colEnd = 1;

  bool has(int64_t gate) const { return gates >> gate & 1; }
};

class Checker {
public:
  /// `target` is null if nothing is known of it.
  Checker(SequenceOp sequence, const hcgs::TargetModel *target)
      : sequence(sequence), target(target) {}

  LogicalResult run() {
    scheduleOp = sequence.getSchedule();
    if (!scheduleOp)
      return sequence.emitOpError("has no schedule; run hcgs-schedule");
    findBuffers();
    if (failed(readBuffers()) || failed(readEntries()) ||
        failed(checkCoverage()) || failed(checkTarget()) ||
        failed(checkSlots()))
      return failure();
    // Every length whose prologue and epilogue meet (of very deep schedules the
    // shortest and the longest of these), and one past all of them.
    const int64_t depth = scheduleOp.getDepth();
    int64_t longest = 2 * depth + 3;
    for (Buffer &buffer : buffers)
      longest = std::max<int64_t>(longest, 2 * buffer.slots + 3);
    constexpr int64_t kFew = 16;
    for (int64_t steps = 1; steps <= depth + 2; ++steps)
      if (steps <= kFew || steps >= depth)
        if (failed(execute(steps)))
          return failure();
    return execute(longest);
  }

private:
  void findBuffers();
  LogicalResult readBuffers();
  LogicalResult readEntries();
  LogicalResult readProduct(IssueOp issue, MvmOp mvm, Entry &entry);
  LogicalResult checkCoverage();
  LogicalResult checkTarget();
  LogicalResult checkSlots();
  LogicalResult execute(int64_t steps);
  LogicalResult issue(const Entry &entry, int64_t time);
  /// Reads a gate, or all if `oneGate` is -1.
  LogicalResult readRows(const Entry &entry, Value value, int64_t begin,
                         int64_t end, int64_t oneGate, int64_t time);
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

  /// The matrix of a product; null if there is none.
  MatrixOp matrixOf(MvmOp mvm) {
    return symbols.lookupNearestSymbolFrom<MatrixOp>(mvm, mvm.getMatrixAttr());
  }
  /// What an operation adds to each place it writes.
  static int64_t partsOf(Operation *op) {
    auto mvm = dyn_cast<MvmOp>(op);
    return mvm ? mvm.getInput().getType().getSize() : 1;
  }

  SequenceOp sequence;
  const hcgs::TargetModel *target;
  SymbolTableCollection symbols;
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
      buffer.parts += partsOf(&op);
      continue;
    }
    numberOf[result] = buffers.size();
    Buffer &buffer = buffers.emplace_back();
    buffer.last = result;
    buffer.parts = partsOf(&op);
    if (auto mvm = dyn_cast<MvmOp>(op); mvm && mvm.getBias())
      buffer.bias = mvm;
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
    if (auto mvm = dyn_cast<MvmOp>(entry.flow))
      if (failed(readProduct(issue, mvm, entry)))
        return failure();
    entries.push_back(entry);
  }
  for (const Entry &entry : entries) {
    if (isa<WriteOp>(entry.flow))
      continue;
    Buffer &buffer = bufferOf(entry.flow->getResult(0));
    buffer.soonest = std::min(buffer.soonest, entry.step);
    buffer.latest = std::max(buffer.latest, entry.step);
  }
  return success();
}

/// Gates, columns and tile of an entry.
LogicalResult Checker::readProduct(IssueOp issue, MvmOp mvm, Entry &entry) {
  MatrixOp matrix = matrixOf(mvm);
  if (!matrix)
    return mvm.emitOpError("names ")
           << mvm.getMatrixAttr() << ", which is not an hcgs.matrix";
  entry.gates = issue.getGateMask();
  if (!entry.gates)
    entry.gates = (1u << matrix.getGates()) - 1;
  entry.colBegin = issue.getColBegin().value_or(0);
  entry.colEnd = issue.getColEnd().value_or(matrix.getCols());
  return verifyProductIssue(issue, matrix, target);
}

/// Condition 1.
LogicalResult Checker::checkCoverage() {
  // Of each operation, row and gate: the segments of columns that are issued.
  struct Segment {
    int64_t begin, end;
    unsigned entry;
  };
  struct Cover {
    int64_t gates = 1, cols = 1;
    std::vector<SmallVector<Segment, 2>> places;
  };
  llvm::MapVector<Operation *, Cover> covers;
  for (Operation &op : sequence.getBody().front()) {
    if (isa<ScheduleOp, YieldOp>(op))
      continue;
    Cover &cover = covers[&op];
    int64_t rows = isa<WriteOp>(op) ? 1 : bufferOf(op.getResult(0)).rows;
    if (auto mvm = dyn_cast<MvmOp>(op)) {
      cover.gates = mvm.getResult().getType().getGates();
      cover.cols = mvm.getInput().getType().getSize();
    }
    cover.places.resize(rows * cover.gates);
  }
  for (auto [number, entry] : llvm::enumerate(entries)) {
    Cover &cover = covers[entry.flow];
    int64_t begin = entry.begin + entry.offset;
    int64_t end = isa<WriteOp>(entry.flow) ? 1 : entry.end + entry.offset;
    for (int64_t row = begin; row < end; ++row)
      for (int64_t gate = 0; gate < cover.gates; ++gate)
        if (entry.has(gate))
          cover.places[row * cover.gates + gate].push_back(
              {entry.colBegin, entry.colEnd, unsigned(number)});
  }

  /// "row 3", "row 3 of gate 1, columns 64 to 127".
  auto describe = [](InFlightDiagnostic &diag, Operation *op,
                     const Cover &cover, size_t place, int64_t begin,
                     int64_t end) {
    if (isa<WriteOp>(op)) {
      diag << "an hcgs.write";
      return;
    }
    diag << "row " << place / cover.gates;
    if (cover.gates > 1)
      diag << " of gate " << place % cover.gates;
    if (end - begin < cover.cols)
      diag << ", columns " << begin << " to " << end - 1 << ",";
  };
  for (auto &[op, cover] : covers)
    for (auto [place, segments] : llvm::enumerate(cover.places)) {
      llvm::sort(segments, [](const Segment &a, const Segment &b) {
        return std::make_pair(a.begin, a.entry) <
               std::make_pair(b.begin, b.entry);
      });
      int64_t done = 0;
      unsigned by = 0;
      auto never = [&](int64_t begin, int64_t end) {
        InFlightDiagnostic diag = scheduleOp.emitOpError("never issues ");
        describe(diag, op, cover, place, begin, end);
        if (!isa<WriteOp>(op))
          diag << " of an operation";
        diag.attachNote(op->getLoc()) << "which is here";
        return diag;
      };
      for (const Segment &segment : segments) {
        if (segment.begin > done)
          return never(done, segment.begin);
        if (segment.begin < done) {
          auto [first, second] = std::minmax(by, segment.entry);
          InFlightDiagnostic diag = entries[second].op->emitOpError("issues ");
          describe(diag, op, cover, place, segment.begin,
                   std::min(done, segment.end));
          diag << " a second time";
          diag.attachNote(entries[first].op->getLoc())
              << "it is issued here already";
          return diag;
        }
        done = segment.end;
        by = segment.entry;
      }
      if (done < cover.cols)
        return never(done, cover.cols);
    }
  return success();
}

/// Condition 6. Where nothing is known of the target, what no machine has.
LogicalResult Checker::checkTarget() {
  constexpr uint64_t kAddresses = uint64_t(1) << 24, kProgram = 1 << 20;
  const std::string owner = target ? " of '" + target->name + "'" : "";
  // Only what this program can do with less of is advice.
  const uint64_t depth = scheduleOp.getDepth();
  const StringRef sequential =
      depth ? ", as --schedule=sequential does" : StringRef();
  const StringRef streams =
      getNumRows(sequence->getParentOfType<ProgramOp>()) > 1
          ? "fewer --streams, "
          : StringRef();
  uint64_t elements[2] = {0, 0};
  llvm::SmallSet<std::pair<bool, int64_t>, 8> rings;
  for (Buffer &buffer : buffers) {
    bool accumulators = isa<AccType>(buffer.last.getType());
    // Both factors are below 2^63 / 2^40 after this.
    if (uint64_t(buffer.slots) > kAddresses)
      return buffer.op.emitOpError("has ")
             << buffer.slots << " slots, more than there are addresses ("
             << kAddresses << ")";
    elements[accumulators] += buffer.elements();
    if (buffer.slots > 1)
      rings.insert({accumulators, buffer.slots});
  }
  const std::pair<StringRef, uint64_t> memories[2] = {
      {"vmem", target ? target->memories.vmemElements : kAddresses},
      {"amem", target ? target->memories.amemElements : kAddresses}};
  for (bool accumulators : {false, true}) {
    auto [memory, available] = memories[accumulators];
    if (elements[accumulators] > available)
      return scheduleOp.emitError("the schedule has buffers of ")
             << elements[accumulators] << " elements, " << memory << owner
             << " has " << available << ": "
             << elements[accumulators] - available
             << " over; use fewer slots or smaller windows" << sequential
             << ", " << streams << "or a target with more";
  }

  llvm::DenseSet<std::pair<Attribute, unsigned>> walks;
  for (Operation &op : sequence.getBody().front())
    if (auto read = dyn_cast<ReadOp>(op))
      walks.insert(
          {read.getStreamAttr(), read.getFrames() == Frames::Reversed});
    else if (auto write = dyn_cast<WriteOp>(op))
      walks.insert(
          {write.getStreamAttr(), write.getFrames() == Frames::Reversed});
  constexpr size_t kRegisters = 31; // a1 .. a31 (S-R-1)
  if (rings.size() + walks.size() > kRegisters)
    return scheduleOp.emitError("the schedule needs ")
           << rings.size() << " rings and walks along " << walks.size()
           << " streams; the machine has " << kRegisters
           << " address registers for them; use " << streams
           << "the same number of slots for more buffers, or a smaller network";

  // Every entry is in the loop, `step` times in the prologue, and in the
  // epilogue as often as steps are left.
  uint64_t available = target ? target->memories.pmemInstructions : kProgram;
  if (depth >= available || entries.size() * (depth + 1) > available)
    return scheduleOp.emitError("the schedule has ")
           << entries.size() << " entries and depth " << depth
           << ", which with prologue and epilogue takes more instructions than "
              "pmem"
           << owner << " has (" << available << "); use "
           << (depth ? "less depth" : "fewer entries") << sequential << ", "
           << streams << "or a target with more";
  return success();
}

/// Condition 7. In iteration t, entries touch steps t - 1 (a state that is
/// read) to t + depth, so order needs no more than depth + 2 slots. More let
/// entries of later iterations start while older ones still wait, of which
/// there are no more than the queues and units hold. A ring is checked step by
/// step, which sets a limit as well.
LogicalResult Checker::checkSlots() {
  constexpr uint64_t kMostInFlight = 256;
  uint64_t inFlight = kMostInFlight;
  if (target) {
    const auto &queues = target->queues;
    constexpr uint64_t kUnits = 4;
    inFlight =
        std::min<uint64_t>(inFlight, kUnits + queues.load + queues.matrix +
                                         queues.vector + queues.store);
  }
  const int64_t most = int64_t(scheduleOp.getDepth()) + 2 + int64_t(inFlight);
  for (Buffer &buffer : buffers)
    if (buffer.slots > most)
      return buffer.op.emitOpError("has ")
             << buffer.slots << " slots; with depth " << scheduleOp.getDepth()
             << ", and " << inFlight
             << " instructions that wait at most, values of no more than "
             << most << " steps are of use at a time; use at most " << most;
  return success();
}

/// Conditions 2, 3 and 4 of one operand.
LogicalResult Checker::readRows(const Entry &entry, Value value, int64_t begin,
                                int64_t end, int64_t oneGate, int64_t time) {
  Buffer &buffer = bufferOf(value);
  int64_t back = isa<BlockArgument>(value);
  int64_t step = time - back;
  if (!buffer.isContiguous(begin, end, oneGate >= 0))
    return entry.op->emitOpError("reads rows ")
           << begin << " to " << end - 1
           << " of an operand, which do not lie side by side in row blocks of "
           << buffer.height;
  int64_t firstGate = std::max<int64_t>(oneGate, 0);
  int64_t lastGate = oneGate < 0 ? buffer.gates : oneGate + 1;
  for (int64_t place = begin * buffer.gates; place < end * buffer.gates;
       ++place) {
    int64_t row = place / buffer.gates, gate = place % buffer.gates;
    if (gate < firstGate || gate >= lastGate)
      continue;
    const Label &label = buffer.at(step, row, gate);
    if (label.step == step && label.row == row && label.parts == buffer.parts)
      continue;
    StringRef whose = back ? " of the step before" : "";
    if (buffer.completed[place] >= step) {
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
  int64_t firsts = 0, places = 0;
  for (int64_t place = begin * buffer.gates; place < end * buffer.gates;
       ++place) {
    int64_t row = place / buffer.gates, gate = place % buffer.gates;
    if (isa<MvmOp>(entry.flow) && !entry.has(gate))
      continue;
    Label &label = buffer.at(time, row, gate);
    int64_t &issued = buffer.issuedOf(time)[place];
    if (issued && (label.step != time || label.row != row)) {
      InFlightDiagnostic diag = entry.op->emitOpError("adds to row ")
                                << row
                                << " of accumulators that are overwritten by "
                                   "then";
      if (label.by)
        diag.attachNote(label.by->getLoc()) << "overwritten here";
      return diag;
    }
    ++places;
    firsts += issued == 0;
    issued += entry.colEnd - entry.colBegin;
    label = Label{time, row, issued, entry.op};
    if (issued == buffer.parts)
      buffer.completed[place] = time;
  }
  if (firsts && firsts != places)
    return entry.op->emitOpError("is issued for rows ")
           << begin << ".." << end - 1
           << " at once, of which some are the first of their accumulator and "
              "some are not; issue them apart";
  if (firsts && buffer.bias && !isa<MvmOp>(entry.flow)) {
    InFlightDiagnostic diag =
        entry.op->emitOpError("begins rows ")
        << begin << ".." << end - 1
        << " of accumulators that start from biases, which only a product can "
           "put there; issue it after one";
    diag.attachNote(buffer.bias->getLoc()) << "the biases are these";
    return diag;
  }
  return success();
}

LogicalResult Checker::issue(const Entry &entry, int64_t time) {
  int64_t begin = entry.begin, end = entry.end;
  auto whole = [&](Value value) {
    return readRows(entry, value, 0, bufferOf(value).rows, -1, time);
  };
  auto rows = [&](Value value, int64_t oneGate = -1) {
    return readRows(entry, value, begin, end, oneGate, time);
  };
  LogicalResult result = success();
  if (auto write = dyn_cast<WriteOp>(entry.flow))
    return whole(write.getValue());
  if (isa<ConcatOp>(entry.flow))
    result = whole(entry.input);
  else if (auto mvm = dyn_cast<MvmOp>(entry.flow))
    result =
        readRows(entry, mvm.getInput(), entry.colBegin, entry.colEnd, -1, time);
  else if (auto vmac = dyn_cast<VmacOp>(entry.flow))
    result =
        success(succeeded(rows(vmac.getA())) && succeeded(rows(vmac.getB())));
  else if (auto vacc = dyn_cast<VaccOp>(entry.flow))
    result = rows(vacc.getInput());
  else if (auto act = dyn_cast<ActOp>(entry.flow))
    result = rows(act.getAcc(), act.getGate());
  else if (auto requant = dyn_cast<RequantOp>(entry.flow))
    result = rows(requant.getAcc(), requant.getGate());
  if (failed(result))
    return failure();
  return writeRows(entry, time);
}

LogicalResult Checker::execute(int64_t steps) {
  for (Buffer &buffer : buffers) {
    buffer.places.assign(buffer.slots * buffer.rows * buffer.gates, {});
    buffer.completed.assign(buffer.rows * buffer.gates, -2);
    buffer.issued.assign(buffer.latest - buffer.soonest + 1,
                         std::vector<int64_t>(buffer.rows * buffer.gates, 0));
    if (!buffer.state)
      continue;
    for (int64_t row = 0; row < buffer.rows; ++row) {
      buffer.at(-1, row, 0) = Label{-1, row, buffer.parts, nullptr};
      buffer.completed[row] = -1;
    }
  }
  for (int64_t t = -int64_t(scheduleOp.getDepth()); t < steps; ++t) {
    for (Buffer &buffer : buffers)
      if (int64_t begun = t + buffer.latest; begun >= 0)
        llvm::fill(buffer.issuedOf(begun), 0);
    for (const Entry &entry : entries) {
      int64_t time = t + entry.step;
      if (time >= 0 && time < steps && failed(issue(entry, time)))
        return failure();
    }
  }
  // The next call goes on from these.
  for (Buffer &buffer : buffers)
    for (int64_t row = 0; buffer.state && row < buffer.rows; ++row) {
      const Label &label = buffer.at(steps - 1, row, 0);
      if (label.step != steps - 1 || label.row != row)
        return buffer.op.emitOpError("does not hold row ")
               << row << " of the last state at the end";
    }
  return success();
}

namespace {
struct VerifySchedulePass
    : hcgs::flow::impl::HCGSVerifyScheduleBase<VerifySchedulePass> {
  using HCGSVerifyScheduleBase::HCGSVerifyScheduleBase;

  void runOnOperation() override {
    ProgramOp program = getOperation();
    std::optional<hcgs::TargetModel> model;
    if (!target.empty() || program.getTarget()) {
      FailureOr<hcgs::TargetModel> loaded = loadProgramTarget(program, target);
      if (failed(loaded))
        return signalPassFailure();
      model = std::move(*loaded);
    }
    for (auto sequence : program.getBody().front().getOps<SequenceOp>())
      if (failed(Checker(sequence, model ? &*model : nullptr).run()))
        signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
