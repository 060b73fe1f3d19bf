// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ReferenceMachine.h"

#include "hcgs/Numerics/FixedPoint.h"

#include <algorithm>
#include <deque>

using namespace hcgs;
using namespace hcgs::sim;
using namespace hcgs::sim::test;

static uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

static int32_t wrap(int64_t value) {
  return static_cast<int32_t>(static_cast<uint32_t>(value));
}

/// mod that is never negative.
static int64_t modulo(int64_t a, int64_t b) { return ((a % b) + b) % b; }

ReferenceMachine::ReferenceMachine(const ReferenceInput &input,
                                   const StreamLayout &layout,
                                   std::vector<uint8_t> ext)
    : vmem(input.target.memories.vmemElements),
      amem(input.target.memories.amemElements), ext(std::move(ext)),
      wmem(input.target.memories.wmemBytes),
      saturations(input.instructions.size()),
      inputSaturations(input.instructions.size()), input(input),
      layout(layout) {
  for (const InitialVector &vector : input.initial)
    std::copy(vector.values.begin(), vector.values.end(),
              vmem.begin() + vector.first);
}

/// S-R-2, element by element.
std::vector<int64_t> ReferenceMachine::elements(isa::Addr address,
                                                int64_t n) const {
  std::vector<int64_t> result;
  const int64_t value = registers.value[address.reg];
  const int64_t lo = registers.lo[address.reg];
  const int64_t size = registers.size[address.reg];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t plain = value + address.off + i;
    result.push_back(size == 0 ? plain : lo + modulo(plain - lo, size));
  }
  return result;
}

void ReferenceMachine::execute(size_t start, int64_t steps) {
  struct Frame {
    size_t first;
    int64_t left;
  };
  std::vector<Frame> stack;
  for (size_t pc = start;; ++pc) {
    const isa::Instruction &inst = input.instructions[pc];
    ReferenceEvent event;
    event.pc = pc;
    if (std::holds_alternative<isa::Halt>(inst)) {
      event.waitsForAll = true;
      events.push_back(event);
      return;
    }
    if (const auto *loop = std::get_if<isa::Loop>(&inst)) {
      int64_t trips =
          std::max<int64_t>(0, (loop->trips.seq ? steps : 0) + loop->trips.imm);
      if (loop->cap > 0)
        trips = std::min<int64_t>(trips, loop->cap);
      events.push_back(event);
      if (trips == 0)
        pc += loop->length;
      else
        stack.push_back({pc + 1, trips});
      continue;
    }
    if (std::holds_alternative<isa::EndLoop>(inst)) {
      events.push_back(event);
      if (--stack.back().left > 0)
        pc = stack.back().first - 1;
      else
        stack.pop_back();
      continue;
    }
    if (const auto *set = std::get_if<isa::ASet>(&inst)) {
      registers.value[set->dst] = set->value;
      registers.lo[set->dst] = set->lo;
      registers.size[set->dst] = set->size;
    } else if (const auto *stream = std::get_if<isa::AStream>(&inst)) {
      registers.value[stream->dst] = wrap(layout.streams[stream->stream].base +
                                          stream->imm + steps * stream->tscale);
      registers.lo[stream->dst] = registers.size[stream->dst] = 0;
    } else if (const auto *add = std::get_if<isa::AAdd>(&inst)) {
      const int64_t lo = registers.lo[add->dst];
      const int64_t size = registers.size[add->dst];
      const int64_t sum = int64_t(registers.value[add->dst]) + add->imm;
      registers.value[add->dst] =
          size == 0 ? wrap(sum) : wrap(lo + modulo(sum - lo, size));
    } else if (std::holds_alternative<isa::Barrier>(inst)) {
      event.waitsForAll = true;
    } else {
      executeUnit(pc, event);
    }
    events.push_back(std::move(event));
  }
}

static void insert(std::set<int64_t> &set, const std::vector<int64_t> &more) {
  set.insert(more.begin(), more.end());
}

void ReferenceMachine::executeUnit(size_t pc, ReferenceEvent &event) {
  const isa::Instruction &inst = input.instructions[pc];
  const TargetModel &target = input.target;
  auto vectorUnit = [&](uint32_t n) {
    event.unit = 2;
    event.occ = ceilDiv(n, target.vector.lanes);
    event.lat = target.vector.latency;
  };
  auto bytesOf = [&](isa::Addr address, int64_t n, int64_t each = 2) {
    std::vector<int64_t> bytes;
    for (int64_t i = 0; i < each * n; ++i)
      bytes.push_back(registers.value[address.reg] + address.off + i);
    return bytes;
  };
  if (const auto *load = std::get_if<isa::Load>(&inst)) {
    event.unit = 0;
    event.occ =
        target.load.latency + ceilDiv(2 * load->n, target.load.portBytes);
    const auto from = bytesOf(load->src, load->n);
    const auto to = elements(load->dst, load->n);
    for (size_t i = 0; i < to.size(); ++i)
      vmem[to[i]] =
          static_cast<int16_t>(ext[from[2 * i]] | ext[from[2 * i + 1]] << 8);
    insert(event.xRead, from);
    insert(event.vWrite, to);
  } else if (const auto *wload = std::get_if<isa::WLoad>(&inst)) {
    event.unit = 0;
    event.occ = target.load.latency + ceilDiv(wload->n, target.load.portBytes);
    const auto from = bytesOf(wload->src, wload->n, 1);
    const auto to = elements(wload->dst, wload->n);
    for (size_t i = 0; i < to.size(); ++i)
      wmem[to[i]] = ext[from[i]];
    insert(event.xRead, from);
    insert(event.wWrite, to);
  } else if (const auto *store = std::get_if<isa::Store>(&inst)) {
    event.unit = 3;
    event.occ =
        target.store.latency + ceilDiv(2 * store->n, target.store.portBytes);
    const auto to = bytesOf(store->dst, store->n);
    const auto from = elements(store->src, store->n);
    for (size_t i = 0; i < from.size(); ++i) {
      ext[to[2 * i]] = static_cast<uint8_t>(vmem[from[i]]);
      ext[to[2 * i + 1]] = static_cast<uint8_t>(vmem[from[i]] >> 8);
    }
    insert(event.xWrite, to);
    insert(event.vRead, from);
  } else if (const auto *mvm = std::get_if<isa::Mvm>(&inst)) {
    executeMatrix(*mvm, event);
  } else if (const auto *act = std::get_if<isa::Act>(&inst)) {
    vectorUnit(act->n);
    const auto from = elements(act->src, act->n),
               to = elements(act->dst, act->n);
    for (size_t i = 0; i < to.size(); ++i) {
      const int32_t sum = amem[from[i]];
      const int16_t z =
          static_cast<int16_t>(numerics::requantize(sum, act->shift, 16));
      inputSaturations[pc] +=
          numerics::requantizeSaturates(sum, act->shift, 16);
      saturations[pc] += input.tables[act->table].saturates(z);
      vmem[to[i]] = input.tables[act->table].evaluate(z);
    }
    insert(event.aRead, from);
    insert(event.vWrite, to);
  } else if (const auto *requant = std::get_if<isa::Requant>(&inst)) {
    vectorUnit(requant->n);
    const auto from = elements(requant->src, requant->n),
               to = elements(requant->dst, requant->n);
    for (size_t i = 0; i < to.size(); ++i) {
      const int32_t sum = amem[from[i]];
      vmem[to[i]] = static_cast<int16_t>(
          numerics::requantize(sum, requant->shift, requant->bits));
      saturations[pc] +=
          numerics::requantizeSaturates(sum, requant->shift, requant->bits);
    }
    insert(event.aRead, from);
    insert(event.vWrite, to);
  } else if (const auto *vmac = std::get_if<isa::VMac>(&inst)) {
    vectorUnit(vmac->n);
    const auto to = elements(vmac->dst, vmac->n),
               a = elements(vmac->a, vmac->n), b = elements(vmac->b, vmac->n);
    for (size_t i = 0; i < to.size(); ++i)
      amem[to[i]] =
          wrap((vmac->init == isa::Init::Acc ? amem[to[i]] : 0) +
               int64_t(vmem[a[i]]) * vmem[b[i]] * (int64_t(1) << vmac->lshift));
    insert(event.vRead, a);
    insert(event.vRead, b);
    insert(event.aWrite, to);
    if (vmac->init == isa::Init::Acc)
      insert(event.aRead, to);
  } else if (const auto *vacc = std::get_if<isa::VAcc>(&inst)) {
    vectorUnit(vacc->n);
    const auto to = elements(vacc->dst, vacc->n),
               from = elements(vacc->src, vacc->n);
    for (size_t i = 0; i < to.size(); ++i)
      amem[to[i]] = wrap((vacc->init == isa::Init::Acc ? amem[to[i]] : 0) +
                         vmem[from[i]] * (int64_t(1) << vacc->lshift));
    insert(event.vRead, from);
    insert(event.aWrite, to);
    if (vacc->init == isa::Init::Acc)
      insert(event.aRead, to);
  } else if (const auto *copy = std::get_if<isa::VCopy>(&inst)) {
    vectorUnit(copy->n);
    const auto to = elements(copy->dst, copy->n),
               from = elements(copy->src, copy->n);
    std::vector<int16_t> values;
    for (int64_t at : from)
      values.push_back(vmem[at]);
    for (size_t i = 0; i < to.size(); ++i)
      vmem[to[i]] = values[i];
    insert(event.vRead, from);
    insert(event.vWrite, to);
  } else if (const auto *fill = std::get_if<isa::Fill>(&inst)) {
    vectorUnit(fill->n);
    const auto to = elements(fill->dst, fill->n);
    for (int64_t at : to)
      vmem[at] = static_cast<int16_t>(fill->value);
    insert(event.vWrite, to);
  }
}

/// Each of `heights` in pieces of `size`, the last one smaller.
static std::vector<int64_t> cut(const std::vector<int64_t> &heights,
                                int64_t size) {
  std::vector<int64_t> pieces;
  for (int64_t height : heights)
    for (int64_t at = 0; at < height; at += size)
      pieces.push_back(std::min(size, height - at));
  return pieces;
}

int64_t
ReferenceMachine::weightInMemory(const TestMatrix &matrix,
                                 const compression::WeightLayout &layout,
                                 int64_t gate, int64_t row, int64_t col) const {
  const MatrixDescriptor &d = matrix.descriptor;
  const int64_t bits = d.format.bits;
  int64_t bit = layout.wordOf(gate, row, col) * bits;
  uint32_t pattern = 0;
  for (int64_t i = 0; i < bits; ++i, ++bit)
    pattern |= uint32_t(wmem[d.weightOffset + bit / 8] >> (bit % 8) & 1) << i;
  return numerics::decodeWeight(pattern, d.format);
}

/// T-H-2: the bytes of a weight image that hold the codes of rows begin ..
/// end-1, found word by word.
static std::vector<int64_t> bytesOfRows(const MatrixDescriptor &d,
                                        const compression::WeightLayout &layout,
                                        int64_t begin, int64_t end) {
  int64_t first = layout.words(), last = -1;
  for (int64_t word = 0; word < layout.words(); ++word) {
    const int64_t row = layout.describe(word).row;
    if (row < begin || row >= end)
      continue;
    first = std::min(first, word);
    last = std::max(last, word);
  }
  std::vector<int64_t> bytes;
  if (last >= 0)
    for (int64_t byte = first * d.format.bits / 8;
         byte <= ((last + 1) * d.format.bits - 1) / 8; ++byte)
      bytes.push_back(d.weightOffset + byte);
  return bytes;
}

void ReferenceMachine::executeMatrix(const isa::Mvm &mvm,
                                     ReferenceEvent &event) {
  const TestMatrix &matrix = input.matrices[mvm.desc];
  const MatrixDescriptor &d = matrix.descriptor;
  const TargetModel &target = input.target;
  const int64_t firstRow = int64_t(mvm.first) * d.rowBlock;
  const int64_t lastRow =
      std::min<int64_t>(int64_t(mvm.first + mvm.count) * d.rowBlock, d.rows);
  auto place = [&](int64_t gate, int64_t row) { // WI-A-1
    const int64_t block = row / d.rowBlock, start = block * d.rowBlock;
    const int64_t height = std::min<int64_t>(d.rowBlock, d.rows - start);
    return start * d.gates + gate * height + (row - start);
  };
  const auto columns = d.colRange();
  const auto x = elements(mvm.src, columns.size());
  const compression::WeightLayout layout = matrix.layout();
  if (d.spill) // nothing writes where resident weights are
    insert(event.wRead, bytesOfRows(d, layout, firstRow, lastRow));
  const auto operand =
      elements(mvm.dst, (lastRow - firstRow) * int64_t(d.gates));
  insert(event.vRead, x);
  event.unit = 1;
  event.lat = target.matrixFill;
  uint64_t written = 0;
  for (int64_t row = firstRow; row < lastRow; ++row)
    for (unsigned gate = 0; gate < d.gates; ++gate) {
      if (!mvm.gates.has(gate))
        continue;
      const int64_t at = operand[place(gate, row) - place(0, firstRow)];
      int64_t sum = 0;
      for (int64_t col = columns.begin; col < columns.end; ++col) {
        const size_t at = matrix.at(gate, row, col);
        if (!matrix.kept[at])
          continue;
        const int64_t weight =
            d.spill ? weightInMemory(matrix, layout, gate, row, col)
                    : matrix.weights[at];
        sum += weight * vmem[x[col - columns.begin]];
      }
      const int64_t start = mvm.init == isa::Init::Acc ? amem[at]
                            : mvm.init == isa::Init::Bias
                                ? input.biases[*d.bias + place(gate, row)]
                                : 0;
      amem[at] = wrap(start + sum * (int64_t(1) << mvm.shifts[gate]));
      event.aWrite.insert(at);
      if (mvm.init == isa::Init::Acc)
        event.aRead.insert(at);
      ++written;
    }
  if (d.kind == MatrixKind::Dense) {
    // T-M-1: tile by tile from the top.
    for (uint64_t left = written; left > 0;) {
      TileShape tile = target.mac.tiles[mvm.tile];
      if (mvm.retile && left < tile.rows)
        for (const TileShape &other : target.mac.tiles)
          if (left <= other.rows && other.rows < tile.rows)
            tile = other;
      event.occ += ceilDiv(columns.size(), tile.cols);
      left -= std::min<uint64_t>(left, tile.rows);
    }
  } else {
    // WI-W-4: heights of the row groups, by cutting the rows tier by tier.
    std::vector<int64_t> heights = {d.rows};
    if (d.kind == MatrixKind::Circulant)
      heights = cut(heights, d.block);
    for (const compression::Tier &tier : d.pattern.tiers)
      heights = cut(heights, tier.rows);
    int64_t begin = 0;
    for (const int64_t height : heights) {
      const int64_t first = begin;
      begin += height;
      if (first < firstRow || first >= lastRow)
        continue;
      uint64_t macs = 0;
      for (int64_t row = first; row < first + height; ++row)
        for (unsigned gate = 0; gate < d.gates; ++gate)
          for (int64_t col = columns.begin; col < columns.end; ++col)
            macs +=
                mvm.gates.has(gate) && matrix.kept[matrix.at(gate, row, col)];
      event.occ += ceilDiv(macs, target.mac.lanes);
    }
    event.occ = std::max<uint64_t>(event.occ, 1);
  }
}

//===----------------------------------------------------------------------===//
// The clock
//===----------------------------------------------------------------------===//

static bool meet(const std::set<int64_t> &a, const std::set<int64_t> &b) {
  if (a.empty() || b.empty() || *a.rbegin() < *b.begin() ||
      *b.rbegin() < *a.begin())
    return false;
  return std::any_of(a.begin(), a.end(),
                     [&](int64_t element) { return b.contains(element); });
}

/// T-H-1: 'r', 'w' (WAR), 'o' (WAW) or 0.
static char hazard(const ReferenceEvent &i, const ReferenceEvent &j) {
  if (i.unit < 0 || j.unit < 0)
    return 0;
  const bool matrices = i.unit == 1 && j.unit == 1;
  if (meet(j.vWrite, i.vRead) || meet(j.xWrite, i.xRead) ||
      meet(j.wWrite, i.wRead) || (!matrices && meet(j.aWrite, i.aRead)))
    return 'r';
  if (meet(j.vRead, i.vWrite) || meet(j.xRead, i.xWrite) ||
      meet(j.wRead, i.wWrite) || (!matrices && meet(j.aRead, i.aWrite)))
    return 'w';
  if (meet(j.vWrite, i.vWrite) || meet(j.xWrite, i.xWrite) ||
      meet(j.wWrite, i.wWrite) || (!matrices && meet(j.aWrite, i.aWrite)))
    return 'o';
  return 0;
}

void ReferenceMachine::clock() {
  const auto &depth = input.target.queues;
  const size_t room[kNumUnits] = {depth.load, depth.matrix, depth.vector,
                                  depth.store};
  std::array<std::deque<size_t>, kNumUnits> queues;
  std::array<uint64_t, kNumUnits> freeAt{};
  std::vector<char> taken(events.size(), 0);
  size_t next = 0; // to be dispatched
  for (uint64_t cycle = 0; next < events.size(); ++cycle) {
    // Units take: a slot freed now can be filled now (T-D-2).
    for (size_t u = 0; u < kNumUnits; ++u) {
      if (queues[u].empty() || freeAt[u] > cycle)
        continue;
      const size_t i = queues[u].front();
      if (events[i].d + 1 > cycle)
        continue;
      bool free = true;
      for (size_t j = 0; j < i && free; ++j)
        if (hazard(events[i], events[j]))
          free = taken[j] && events[j].finish <= cycle;
      if (!free)
        continue;
      queues[u].pop_front();
      taken[i] = 1;
      events[i].s = cycle;
      freeAt[u] = cycle + events[i].occ;
      events[i].finish = cycle + events[i].occ + events[i].lat;
    }
    held.push_back(0);
    ReferenceEvent &event = events[next];
    if (event.unit >= 0) {
      if (queues[event.unit].size() >= room[event.unit]) {
        held.back() = 'q';
        continue;
      }
      queues[event.unit].push_back(next);
    } else if (event.waitsForAll) {
      bool done = true;
      for (size_t j = 0; j < next && done; ++j)
        if (events[j].unit >= 0)
          done = taken[j] && events[j].finish <= cycle;
      if (!done) {
        held.back() = 'b';
        continue;
      }
    }
    event.d = cycle;
    if (event.unit < 0)
      held.back() = 'l';
    ++next;
  }
  cycles = events.back().d + 1;
  attribute();
}

void ReferenceMachine::attribute() {
  instructions.resize(input.instructions.size());
  for (int u = 0; u < static_cast<int>(kNumUnits); ++u) {
    uint64_t end = 0;
    bool used = false;
    for (size_t i = 0; i < events.size(); ++i) {
      const ReferenceEvent &event = events[i];
      if (event.unit != u)
        continue;
      UnitCycles sums;
      for (uint64_t c = end; c < event.s; ++c) {
        if (!used) { // T-C-1
          ++sums.fill;
        } else if (c >= event.d + 1) { // T-C-2
          uint64_t latest = 0;
          char kind = 0;
          for (size_t j = 0; j < i; ++j) {
            char h = hazard(event, events[j]);
            if (!h || events[j].finish < latest)
              continue;
            if (events[j].unit == 0 || events[j].unit == 3)
              h = 'p';
            const std::string order = "rwop";
            if (events[j].finish > latest || !kind ||
                order.find(h) < order.find(kind))
              kind = h;
            latest = events[j].finish;
          }
          ++(kind == 'r'   ? sums.raw
             : kind == 'w' ? sums.war
             : kind == 'o' ? sums.waw
                           : sums.port);
        } else { // T-C-3
          ++(held[c] == 'q'   ? sums.queue
             : held[c] == 'b' ? sums.barrier
             : held[c] == 'l' ? sums.loop
                              : sums.dispatch);
        }
      }
      used = true;
      sums.busy += event.occ;
      instructions[event.pc] += sums;
      units[u] += sums;
      end = event.s + event.occ;
    }
    (used ? units[u].drain : units[u].unused) += cycles - end; // T-C-4
  }
}
