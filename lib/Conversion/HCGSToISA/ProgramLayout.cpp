// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses, registers and numbers.

#include "ProgramLayout.h"
#include "ProgramImages.h"
#include "hcgs/Dialect/HCGS/Transforms/BatchRows.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;
using schedule::Memory;

//===----------------------------------------------------------------------===//
// Rooms
//===----------------------------------------------------------------------===//

int64_t toisa::placeRooms(MutableArrayRef<Room> rooms) {
  SmallVector<unsigned> order(rooms.size());
  for (unsigned i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return std::make_pair(-rooms[a].size, a) <
           std::make_pair(-rooms[b].size, b);
  });
  SmallVector<unsigned> placed;
  int64_t extent = 0;
  for (unsigned index : order) {
    Room &room = rooms[index];
    // The rooms in the way, from low to high.
    SmallVector<unsigned> others;
    for (unsigned other : placed)
      if (rooms[other].from <= room.to && room.from <= rooms[other].to)
        others.push_back(other);
    llvm::sort(others, [&](unsigned a, unsigned b) {
      return rooms[a].address < rooms[b].address;
    });
    room.address = 0;
    for (unsigned other : others)
      if (room.address + room.size > rooms[other].address)
        room.address =
            std::max(room.address, rooms[other].address + rooms[other].size);
    extent = std::max(extent, room.address + room.size);
    placed.push_back(index);
  }
  return extent;
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

isa::Addr Loop::address(Value value, uint32_t begin, uint32_t end, int gate,
                        int64_t lead) const {
  unsigned storage = model.storageOf.lookup(value);
  const Place &place = places[storage];
  int64_t inSlot = schedule::elementRange(model.problem.storages[storage],
                                          holdings[storage], begin, end, gate)
                       .first;
  if (place.ring < 0)
    return {0, int32_t(place.offset + inSlot)};
  const Ring &ring = rings[place.ring];
  // Slots repeat: deep schedules stay within the reach of offsets.
  int64_t step = lead - llvm::isa<BlockArgument>(value);
  if (step >= int64_t(ring.slots))
    step %= ring.slots;
  return {uint8_t(ring.reg),
          int32_t(step * ring.pitch + place.offset + inSlot)};
}

const Loop::Walk &Loop::walk(unsigned stream, bool reversed) const {
  return *llvm::find_if(walks, [&](const Walk &walk) {
    return walk.stream == stream && walk.reversed == reversed;
  });
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

template <typename OpT>
static unsigned numberOf(const llvm::MapVector<StringAttr, OpT> &map,
                         ProgramOp program, StringRef name) {
  auto it = map.find(StringAttr::get(program.getContext(), name));
  return std::distance(map.begin(), it);
}

unsigned ProgramLayout::streamNumber(StringRef name) const {
  return numberOf(streams, program, name);
}
unsigned ProgramLayout::matrixNumber(StringRef name) const {
  return numberOf(matrices, program, name);
}
unsigned ProgramLayout::tableNumber(StringRef name) const {
  return numberOf(tables, program, name);
}

unsigned ProgramLayout::descriptorNumber(unsigned matrix, uint32_t colBegin,
                                         uint32_t colEnd) const {
  if (colEnd == 0)
    return matrix;
  return matrices.size() +
         (llvm::find(views, View{matrix, colBegin, colEnd}) - views.begin());
}

unsigned ProgramLayout::partDescriptorNumber(const PartView &view) const {
  return matrices.size() + views.size() +
         (llvm::find(partViews, view) - partViews.begin());
}

Loop *ProgramLayout::loopOf(SequenceOp op) {
  for (Loop &loop : loops)
    if (loop.op == op)
      return &loop;
  return nullptr;
}

int64_t ProgramLayout::timeOf(Operation *op) const {
  while (op->getParentOp() != program)
    op = op->getParentOp();
  return times.lookup(op);
}

int64_t ProgramLayout::lastUse(Value value) const {
  int64_t last = timeOf(value.getDefiningOp());
  for (Operation *user : value.getUsers())
    last = std::max(last, timeOf(user));
  return last;
}

bool ProgramLayout::isFilled(ConstantOp constant) {
  return !constant.getCodes() &&
         llvm::all_of(constant->getUsers(), [](Operation *user) {
           return llvm::isa<SequenceOp>(user);
         });
}

bool ProgramLayout::isLoadedIntoState(ReadOp read) {
  return llvm::isa<ProgramOp>(read->getParentOp()) &&
         read.getResult().hasOneUse() &&
         llvm::isa<SequenceOp>(*read.getResult().user_begin());
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

/// The product that gives an accumulator chain its biases, given the last value
/// of the chain; null if there is none.
static MvmOp findBias(Value chain) {
  while (Operation *op = chain.getDefiningOp()) {
    auto product = dyn_cast<MvmOp>(op);
    if (product && product.getBias())
      return product;
    chain = TypeSwitch<Operation *, Value>(op)
                .Case<MvmOp, VmacOp, VaccOp>(
                    [](auto o) -> Value { return o.getAcc(); })
                .Default(Value());
    if (!chain)
      break;
  }
  return {};
}

LogicalResult ProgramLayout::readSchedule(Loop &loop) {
  ScheduleOp scheduleOp = loop.op.getSchedule();
  if (!scheduleOp)
    return loop.op.emitOpError("has no schedule; run hcgs-schedule");
  loop.depth = scheduleOp.getDepth();
  loop.holdings.resize(loop.model.problem.storages.size());
  // Operations of the problem by what the schedule calls them.
  llvm::DenseMap<std::pair<Operation *, unsigned>, unsigned> numbers;
  for (auto [number, source] : llvm::enumerate(loop.model.sources))
    numbers[{source.op, source.part}] = number;

  Block &body = scheduleOp.getBody().front();
  for (auto buffer : body.getOps<BufferOp>()) {
    unsigned storage = loop.model.storageOf.lookup(buffer.getValue());
    schedule::Holding &holding = loop.holdings[storage];
    holding.slots = buffer.getSlots();
    holding.rowBlock = buffer.getRowBlock();
    holding.window = buffer.getWindow();
  }
  for (Operation &op : body) {
    if (llvm::isa<BufferOp>(op))
      continue;
    schedule::Entry entry;
    if (auto write = dyn_cast<IssueWriteOp>(op)) {
      entry.step = write.getStep();
      for (Operation *user : write.getValue().getUsers())
        if (auto candidate = dyn_cast<WriteOp>(user))
          if (candidate.getStream() == write.getStream() &&
              candidate.getAt() == write.getAt())
            entry.operation = numbers.lookup({candidate, 0});
      entry.begin = 0;
      entry.end = loop.model.problem.operations[entry.operation].rows;
      loop.entries.push_back(entry);
      loop.namesTile.push_back(false);
      continue;
    }
    auto issue = cast<IssueOp>(op);
    Operation *source = issue.getValue().getDefiningOp();
    bool concat = llvm::isa<ConcatOp>(source);
    entry.step = issue.getStep();
    entry.operation = numbers.lookup(
        {source, concat ? unsigned(issue.getFirst().value_or(0)) : 0});
    const schedule::Operation &operation =
        loop.model.problem.operations[entry.operation];
    entry.begin = 0;
    entry.end = operation.rows;
    uint64_t height = loop.holdings[operation.storage].rowBlock;
    if (!concat && issue.getFirst() && height) {
      entry.begin = *issue.getFirst() * height;
      entry.end = std::min<uint64_t>(*issue.getLast() * height, entry.end);
    }
    if (failed(readProduct(issue, operation, entry)))
      return failure();
    loop.entries.push_back(entry);
    loop.namesTile.push_back(issue.getTile().has_value());
  }
  return success();
}

/// What an entry says of a matrix product: gates, columns and tile.
LogicalResult ProgramLayout::readProduct(IssueOp issue,
                                         const schedule::Operation &operation,
                                         schedule::Entry &entry) {
  if (!operation.isProduct())
    return success();
  auto mvm = cast<MvmOp>(issue.getValue().getDefiningOp());
  MatrixOp matrix = (matrices.begin() + matrixNumber(mvm.getMatrix()))->second;
  if (failed(verifyProductIssue(issue, matrix, &target)))
    return failure();
  unsigned all = (1u << operation.gates) - 1;
  entry.gates = issue.getGateMask() == all ? 0 : issue.getGateMask();
  if (std::optional<int64_t> end = issue.getColEnd()) {
    int64_t begin = *issue.getColBegin();
    if (begin != 0 || *end != operation.cols) {
      entry.colBegin = begin;
      entry.colEnd = *end;
    }
  }
  if (issue.getTile())
    entry.tile = {unsigned(*issue.getTile()), issue.getRetile()};
  else if (operation.tileFor)
    entry.tile = operation.tileFor(entry);
  return success();
}

LogicalResult ProgramLayout::findStarts(Loop &loop) {
  // In the order of time: what is issued for a later step comes first.
  std::vector<unsigned> order(loop.entries.size());
  for (unsigned i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return std::make_pair(-int64_t(loop.entries[a].step), a) <
           std::make_pair(-int64_t(loop.entries[b].step), b);
  });
  // Of each storage, row and gate: whether it was begun.
  std::vector<std::vector<bool>> begun;
  for (const schedule::Storage &storage : loop.model.problem.storages)
    begun.emplace_back(size_t(storage.rows) * storage.gates, false);
  loop.starts.assign(loop.entries.size(), false);
  for (unsigned index : order) {
    const schedule::Entry &entry = loop.entries[index];
    const schedule::Operation &operation =
        loop.model.problem.operations[entry.operation];
    if (operation.storage == schedule::kNone)
      continue;
    const unsigned gates = loop.model.problem.storages[operation.storage].gates;
    unsigned first = 0, later = 0;
    for (uint32_t row = entry.begin; row < entry.end; ++row)
      for (unsigned gate = 0; gate < gates; ++gate) {
        if (entry.gates && !(entry.gates >> gate & 1))
          continue;
        std::vector<bool>::reference place =
            begun[operation.storage]
                 [size_t(row + operation.offset) * gates + gate];
        ++(place ? later : first);
        place = true;
      }
    Operation *op = loop.model.sources[entry.operation].op;
    if (first && later)
      return op->emitOpError("is issued for rows ")
             << entry.begin << ".." << entry.end - 1
             << " at once, of which some are the first of their accumulator "
                "and some are not; issue them apart";
    loop.starts[index] = first != 0;
    Value chain = loop.model.namedBy[operation.storage];
    if (first && !llvm::isa<MvmOp>(op) && findBias(chain))
      return op->emitOpError("is the first that is issued for rows ")
             << entry.begin << ".." << entry.end - 1
             << " of accumulators that start from biases, which only a product "
                "can put there; issue it after one";
  }
  return success();
}

void ProgramLayout::placeBuffers(Loop &loop) {
  loop.places.resize(loop.holdings.size());
  // Rings first; fixed buffers follow, as offsets that allocate() moves.
  for (auto [storage, holding] : llvm::enumerate(loop.holdings)) {
    const schedule::Storage &what = loop.model.problem.storages[storage];
    if (holding.slots < 2)
      continue;
    auto ring = llvm::find_if(loop.rings, [&](const Loop::Ring &ring) {
      return ring.memory == what.memory && ring.slots == holding.slots;
    });
    if (ring == loop.rings.end())
      ring = loop.rings.insert(ring, {what.memory, holding.slots});
    loop.places[storage] = {int(ring - loop.rings.begin()), ring->pitch};
    ring->pitch += schedule::slotElements(what, holding);
  }
  for (Loop::Ring &ring : loop.rings) {
    int64_t &size = loop.sizes[ring.memory == Memory::A];
    ring.lo = size;
    size += ring.slots * ring.pitch;
  }
  for (auto [storage, holding] : llvm::enumerate(loop.holdings)) {
    const schedule::Storage &what = loop.model.problem.storages[storage];
    if (holding.slots > 1)
      continue;
    int64_t &size = loop.sizes[what.memory == Memory::A];
    loop.places[storage] = {-1, size};
    size += schedule::slotElements(what, holding);
  }
}

LogicalResult ProgramLayout::addLoop(SequenceOp sequence) {
  FailureOr<StepModel> model = buildStepModel(sequence, target);
  if (failed(model))
    return failure();
  Loop &loop = loops.emplace_back();
  loop.op = sequence;
  loop.model = std::move(*model);
  if (failed(readSchedule(loop)) || failed(findStarts(loop)))
    return failure();
  placeBuffers(loop);
  for (Operation &op : sequence.getBody().front()) {
    StringRef name;
    bool reversed = false;
    if (auto read = dyn_cast<ReadOp>(op)) {
      name = read.getStream();
      reversed = read.getFrames() == Frames::Reversed;
    } else if (auto write = dyn_cast<WriteOp>(op)) {
      name = write.getStream();
      reversed = write.getFrames() == Frames::Reversed;
    } else {
      continue;
    }
    unsigned number = streamNumber(name);
    if (llvm::none_of(loop.walks, [&](const Loop::Walk &walk) {
          return walk.stream == number && walk.reversed == reversed;
        }))
      loop.walks.push_back(
          {number, reversed,
           2 * (streams.begin() + number)->second.getFrameType().getSize()});
  }
  return noteLoopMatrices(loop);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

LogicalResult ProgramLayout::noteMatrix(MvmOp mvm, uint32_t rowBlock,
                                        bool startsWithBias, Value chain) {
  unsigned number = matrixNumber(mvm.getMatrix());
  MatrixOp matrix = (matrices.begin() + number)->second;
  auto conflict = [&](const Twine &what) {
    InFlightDiagnostic diag = mvm.emitOpError("uses ")
                              << mvm.getMatrixAttr() << what
                              << "; give each use a matrix of its own";
    diag.attachNote(matrix.getLoc()) << "the matrix is here";
    return diag;
  };
  if (rowBlocks[number] && rowBlocks[number] != rowBlock)
    return conflict(" with row blocks of " + Twine(rowBlock) +
                    " rows, another use with " + Twine(rowBlocks[number]));
  rowBlocks[number] = rowBlock;
  // The matrix that has the biases names them even if another product comes
  // first: Layers.md looks for them there.
  if (mvm.getBias())
    biasOf[number] = number;
  else if (startsWithBias) {
    int source = matrixNumber(findBias(chain).getMatrix());
    if (biasOf[number] >= 0 && biasOf[number] != source)
      return conflict(" with two sets of biases");
    biasOf[number] = source;
  }
  return success();
}

LogicalResult ProgramLayout::noteLoopMatrices(Loop &loop) {
  for (auto [index, entry] : llvm::enumerate(loop.entries)) {
    auto mvm = dyn_cast<MvmOp>(loop.model.sources[entry.operation].op);
    if (!mvm)
      continue;
    unsigned storage = loop.model.problem.operations[entry.operation].storage;
    uint32_t height = loop.holdings[storage].rowBlock;
    Value chain = loop.model.namedBy[storage];
    if (failed(noteMatrix(
            mvm, height ? height : loop.model.problem.storages[storage].rows,
            loop.starts[index] && findBias(chain), chain)))
      return failure();
    View view = {matrixNumber(mvm.getMatrix()), entry.colBegin, entry.colEnd};
    if (entry.colEnd && !llvm::is_contained(views, view))
      views.push_back(view);
  }
  return success();
}

/// Descriptors of the parts of matrices that are cut take the place of their
/// views.
void ProgramLayout::noteSpill() {
  spill = SpillPlan::make(*this);
  if (!spill.any())
    return;
  llvm::erase_if(views,
                 [&](const View &view) { return spill.isCut(view.matrix); });
  partViews = spill.findViews(*this);
}

//===----------------------------------------------------------------------===//
// Step
//===----------------------------------------------------------------------===//

/// `step` goes on from the states of the last call, frame by frame.
void ProgramLayout::decideStep() {
  if (loops.empty()) {
    noStep = "the program has no time loop";
    return;
  }
  for (Loop &loop : loops)
    for (Operation &op : loop.op.getBody().front()) {
      auto read = dyn_cast<ReadOp>(op);
      if (!read || read.getFrames() != Frames::Reversed)
        continue;
      // Name the layer that reads in reverse.
      std::string layer;
      for (Operation *user : read.getResult().getUsers())
        if (auto name = user->getAttrOfType<FlatSymbolRefAttr>("layer"))
          if (auto it = layers.find(name.getAttr()); it != layers.end())
            layer = it->second.getNode().str();
      noStep = "layer '" + layer +
               "' runs in reverse: it needs the last frame first";
      return;
    }
  if (loops.size() > 1)
    noStep = "the program has " + std::to_string(loops.size()) +
             " passes over the sequence; a later pass needs all frames of the "
             "one before";
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult ProgramLayout::allocate() {
  // What needs room, in each memory.
  struct Owner {
    Value value = {};
    Loop *loop = nullptr;
    ConstantOp constant = {};
  };
  std::array<std::vector<Room>, 2> rooms;
  std::array<std::vector<Owner>, 2> owners;
  auto add = [&](bool accumulators, Room room, Owner owner) {
    rooms[accumulators].push_back(room);
    owners[accumulators].push_back(owner);
  };
  for (Operation &op : program.getBody().front()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      if (!isFilled(constant))
        add(false, {constant.getResult().getType().getSize(), 0, end},
            {constant.getResult(), nullptr, constant});
      continue;
    }
    if (auto sequence = dyn_cast<SequenceOp>(op)) {
      Loop *loop = loopOf(sequence);
      int64_t from = timeOf(sequence), to = from;
      for (Value result : sequence.getResults())
        to = std::max(to, lastUse(result));
      if (noStep.empty()) {
        from = 0;
        to = end;
      }
      for (bool accumulators : {false, true})
        add(accumulators, {loop->sizes[accumulators], from, to},
            {.loop = loop});
      continue;
    }
    if (op.getNumResults() != 1)
      continue;
    Value result = op.getResult(0);
    if (auto read = dyn_cast<ReadOp>(op); read && isLoadedIntoState(read))
      continue;
    // Continued accumulators keep their place.
    if (op.getNumOperands() && llvm::isa<AccType>(result.getType()) &&
        llvm::isa<AccType>(op.getOperands().back().getType()))
      continue;
    int64_t size, to = lastUse(result);
    bool accumulators = llvm::isa<AccType>(result.getType());
    if (accumulators) {
      auto type = cast<AccType>(result.getType());
      size = type.getGates() * type.getRows();
      for (Value value = result; value;) {
        Value next;
        for (Operation *user : value.getUsers())
          if (user->getNumResults() == 1 &&
              llvm::isa<AccType>(user->getResult(0).getType()))
            next = user->getResult(0);
        to = std::max(to, lastUse(value));
        value = next;
      }
    } else {
      size = cast<VecType>(result.getType()).getSize();
    }
    add(accumulators, {size, timeOf(&op), to}, {.value = result});
  }

  struct Limit {
    StringRef memory;
    uint64_t available;
    int64_t *needed;
  };
  Limit limits[2] = {
      {"vmem", target.memories.vmemElements, &vmemElements},
      {"amem", target.memories.amemElements, &amemElements},
  };
  for (bool accumulators : {false, true}) {
    const Limit &limit = limits[accumulators];
    *limit.needed = placeRooms(rooms[accumulators]);
    int64_t over = *limit.needed - int64_t(limit.available);
    if (over > 0)
      return emitError(program->getLoc())
             << (accumulators ? "accumulators need " : "values need ")
             << groupDigits(*limit.needed) << " elements, " << limit.memory
             << " of '" << target.name << "' has "
             << groupDigits(limit.available) << ": " << groupDigits(over)
             << " elements over; choose a target with more, or a smaller "
                "network";
    // Fixed addresses are offsets from a0 (S-R-2).
    constexpr int64_t kReach = int64_t(1) << 19;
    if (*limit.needed > kReach)
      return emitError(program->getLoc())
             << (accumulators ? "accumulators need " : "values need ")
             << groupDigits(*limit.needed) << " elements of " << limit.memory
             << ", but addresses reach " << groupDigits(kReach)
             << "; use a smaller network";
    for (auto [room, owner] :
         llvm::zip(rooms[accumulators], owners[accumulators])) {
      if (owner.loop)
        owner.loop->bases[accumulators] = room.address;
      else
        addresses[owner.value] = room.address;
      if (owner.constant) {
        InitialVector vector;
        vector.first = room.address;
        if (std::optional<ArrayRef<int16_t>> codes = owner.constant.getCodes())
          vector.values.assign(codes->begin(), codes->end());
        else
          vector.values.assign(room.size, 0);
        initialVectors.push_back(std::move(vector));
      }
    }
  }
  llvm::sort(initialVectors,
             [](const auto &a, const auto &b) { return a.first < b.first; });

  // Continued accumulators, and the loops' own places.
  for (Operation &op : program.getBody().front())
    if (op.getNumResults() == 1 && op.getNumOperands() &&
        llvm::isa<AccType>(op.getResult(0).getType()) &&
        llvm::isa<AccType>(op.getOperands().back().getType()))
      addresses[op.getResult(0)] = addresses.lookup(op.getOperands().back());
  for (Loop &loop : loops) {
    for (Loop::Ring &ring : loop.rings)
      ring.lo += loop.bases[ring.memory == Memory::A];
    for (auto [storage, place] : llvm::enumerate(loop.places))
      if (place.ring < 0)
        place.offset +=
            loop.bases[loop.model.problem.storages[storage].memory ==
                       Memory::A];
  }
  return success();
}

LogicalResult ProgramLayout::allocateRegisters() {
  std::vector<Room> rooms;
  std::vector<unsigned *> registers;
  for (Loop &loop : loops) {
    int64_t from = timeOf(loop.op), to = from;
    for (Value result : loop.op.getResults())
      to = std::max(to, lastUse(result));
    if (noStep.empty()) {
      from = 0;
      to = end;
    }
    for (Loop::Ring &ring : loop.rings) {
      rooms.push_back({1, from, to});
      registers.push_back(&ring.reg);
    }
    for (Loop::Walk &walk : loop.walks) {
      rooms.push_back({1, timeOf(loop.op), timeOf(loop.op)});
      registers.push_back(&walk.reg);
    }
  }
  for (Operation &op : program.getBody().front())
    if (llvm::isa<ReadOp, WriteOp>(op) && !streamRegister) {
      streamRegister = 1;
      rooms.push_back({1, 0, end});
      registers.push_back(&streamRegister);
    }
  if (spill.any())
    for (unsigned *reg : {&spillSource, &spillPlace}) {
      rooms.push_back({1, 0, end});
      registers.push_back(reg);
    }
  int64_t needed = placeRooms(rooms);
  if (needed > isa::kNumRegisters - 1) {
    InFlightDiagnostic diag = emitError(program->getLoc(), "program needs ")
                              << needed
                              << " address registers for rings and streams; "
                              << "the machine has " << isa::kNumRegisters - 1;
    if (int64_t together = getNumRows(program); together > 1)
      diag << "; compute fewer batch rows together than --streams=" << together;
    return diag;
  }
  for (auto [room, reg] : llvm::zip(rooms, registers))
    *reg = room.address + 1;
  return success();
}

isa::Addr ProgramLayout::address(Value value, uint32_t begin, uint32_t end,
                                 int gate) const {
  if (auto sequence = value.getDefiningOp<SequenceOp>()) {
    // A final state: the one before the step that the registers point at.
    for (const Loop &loop : loops)
      if (loop.op == sequence) {
        unsigned number = cast<OpResult>(value).getResultNumber();
        return loop.address(sequence.getBody().getArgument(number), begin, end,
                            gate, 0);
      }
  }
  int64_t rows = 0;
  if (auto acc = dyn_cast<AccType>(value.getType()))
    rows = acc.getRows();
  int64_t first = gate > 0 ? gate * rows : 0;
  return {0, int32_t(addresses.lookup(value) + first + begin)};
}

//===----------------------------------------------------------------------===//
// Everything
//===----------------------------------------------------------------------===//

LogicalResult ProgramLayout::run() {
  for (Operation &op : program.getBody().front()) {
    times[&op] = end++;
    if (auto stream = dyn_cast<StreamOp>(op))
      streams[stream.getSymNameAttr()] = stream;
    else if (auto matrix = dyn_cast<MatrixOp>(op))
      matrices[matrix.getSymNameAttr()] = matrix;
    else if (auto table = dyn_cast<TableOp>(op))
      tables[table.getSymNameAttr()] = table;
    else if (auto layer = dyn_cast<LayerOp>(op))
      layers[layer.getSymNameAttr()] = layer;
  }
  if (streams.size() > isa::kNumStreams)
    return emitError(program->getLoc(), "program has ")
           << streams.size() << " streams; the machine has "
           << isa::kNumStreams;
  rowBlocks.assign(matrices.size(), 0);
  biasOf.assign(matrices.size(), -1);
  for (auto sequence : program.getBody().front().getOps<SequenceOp>())
    if (failed(addLoop(sequence)))
      return failure();
  for (auto mvm : program.getBody().front().getOps<MvmOp>())
    if (failed(noteMatrix(mvm, mvm.getResult().getType().getRows(),
                          mvm.getBias(), mvm.getResult())))
      return failure();
  decideStep();
  noteSpill();
  const int64_t descriptors = matrices.size() + views.size() + partViews.size();
  if (descriptors > kDescriptors) {
    InFlightDiagnostic diag = emitError(program->getLoc(), "program needs ");
    diag << descriptors << " matrix descriptors, " << views.size()
         << " of them for segments of columns and " << partViews.size()
         << " for parts of spilled matrices; the machine has " << kDescriptors;
    if (!views.empty())
      diag << "; use longer segments";
    // Parts are as short as the buffers, which grow with wmem.
    if (!partViews.empty())
      diag << "; choose a target with more wmem, where buffers hold longer "
              "parts ("
           << groupDigits(2 * spill.bufferBytes) << " bytes of buffers need "
           << groupDigits(partViews.size()) << " descriptors)";
    return diag;
  }
  if (spill.any() && streams.size() + 1 > isa::kNumStreams)
    return emitError(program->getLoc(), "program has ")
           << streams.size() << " streams and one of spilled weights; the "
           << "machine has " << isa::kNumStreams;
  if (failed(allocate()) || failed(allocateRegisters()))
    return failure();
  return success();
}
