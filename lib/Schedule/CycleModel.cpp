// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replay of docs/Spec/Timing.md.

#include "hcgs/Schedule/CycleModel.h"

#include <algorithm>

using namespace hcgs::schedule;

CycleModel::CycleModel(const QueueDepths &queues) {
  for (unsigned unit = 0; unit < kUnits; ++unit) {
    units[unit].depth = std::max(1u, queues.entries[unit]);
    units[unit].takes.assign(units[unit].depth, 0);
  }
}

CycleModel::SegmentMap::iterator CycleModel::cover(SegmentMap &map,
                                                   int64_t begin, int64_t end) {
  auto split = [&](int64_t at) {
    auto it = map.upper_bound(at);
    if (it == map.begin())
      return;
    --it;
    if (it->first == at || it->second.end <= at)
      return;
    map.emplace(at, it->second);
    it->second.end = at;
  };
  split(begin);
  split(end);
  auto first = map.lower_bound(begin);
  int64_t at = begin;
  auto it = first;
  while (at < end) {
    if (it == map.end() || it->first > at) {
      int64_t gapEnd = it == map.end() ? end : std::min(end, it->first);
      it = map.emplace_hint(it, at, Segment{gapEnd, {}});
    }
    at = it->second.end;
    ++it;
  }
  return map.find(begin);
}

uint64_t CycleModel::earliest(const Touch &touch, bool matrix) {
  if (touch.begin >= touch.end)
    return 0;
  SegmentMap &map = memories[static_cast<unsigned>(touch.memory)];
  bool ignoreMatrix = matrix && touch.memory == Memory::A;
  uint64_t result = 0;
  for (auto it = cover(map, touch.begin, touch.end);
       it != map.end() && it->first < touch.end; ++it) {
    const Finishes &f = it->second.finishes;
    result = std::max(result, f.write[0]);
    if (!ignoreMatrix)
      result = std::max(result, f.write[1]);
    if (touch.write) {
      result = std::max(result, f.read[0]);
      if (!ignoreMatrix)
        result = std::max(result, f.read[1]);
    }
  }
  return result;
}

void CycleModel::release(const Touch &touch, bool matrix, uint64_t finish) {
  if (touch.begin >= touch.end)
    return;
  SegmentMap &map = memories[static_cast<unsigned>(touch.memory)];
  for (auto it = cover(map, touch.begin, touch.end);
       it != map.end() && it->first < touch.end; ++it) {
    Finishes &f = it->second.finishes;
    uint64_t &slot = touch.write ? f.write[matrix] : f.read[matrix];
    slot = std::max(slot, finish);
  }
}

uint64_t CycleModel::issue(const Executed &instruction) {
  UnitState &unit = units[static_cast<unsigned>(instruction.unit)];
  // T-D-2: wait until the instruction `depth` places before was taken.
  int64_t dispatch = dispatched + 1;
  uint64_t &place = unit.takes[unit.count % unit.depth];
  if (unit.count >= unit.depth)
    dispatch = std::max<int64_t>(dispatch, place);
  dispatched = dispatch;

  // T-U-1.
  bool matrix = instruction.unit == Unit::Matrix;
  uint64_t take = std::max<uint64_t>(dispatch + 1, unit.free);
  for (const Touch &touch : instruction.touches)
    take = std::max(take, earliest(touch, matrix));
  unit.free = take + instruction.occ;
  uint64_t finish = unit.free + instruction.lat;
  for (const Touch &touch : instruction.touches)
    release(touch, matrix, finish);
  finished = std::max(finished, finish);
  place = take;
  ++unit.count;
  return take;
}

void CycleModel::control() { ++dispatched; }

void CycleModel::barrier() {
  dispatched = std::max<int64_t>(dispatched + 1, finished);
}

uint64_t CycleModel::halt() {
  barrier();
  return dispatched + 1;
}

//===----------------------------------------------------------------------===//
// The state as a whole
//===----------------------------------------------------------------------===//

void CycleModel::appendState(std::vector<int64_t> &state) const {
  // The next instruction is dispatched a cycle later at the earliest, and taken
  // two cycles later. What is over by then is all the same.
  auto after = [&](uint64_t time, int64_t earliest) {
    return std::max<int64_t>(earliest, int64_t(time) - dispatched);
  };
  state.push_back(after(finished, 1));
  for (const UnitState &unit : units) {
    state.push_back(after(unit.free, 2));
    for (uint64_t i = 0; i < unit.depth; ++i)
      state.push_back(after(unit.takes[(unit.count + i) % unit.depth], 1));
  }
  for (Memory memory : {Memory::V, Memory::A, Memory::W}) {
    // Neighbours that are alike are one, however they came to be two.
    std::array<int64_t, 4> last = {};
    int64_t end = 0;
    state.push_back(-1);
    for (const auto &[begin, segment] :
         memories[static_cast<unsigned>(memory)]) {
      const Finishes &f = segment.finishes;
      const std::array<int64_t, 4> now = {
          after(f.read[0], 2), after(f.read[1], 2), after(f.write[0], 2),
          after(f.write[1], 2)};
      if (now == std::array<int64_t, 4>{2, 2, 2, 2})
        continue;
      if (begin == end && now == last && state.back() == end) {
        state.back() = segment.end;
      } else {
        state.push_back(begin);
        state.insert(state.end(), now.begin(), now.end());
        state.push_back(segment.end);
      }
      last = now;
      end = segment.end;
    }
  }
}

std::vector<Touch> CycleModel::pendingExt() const {
  std::vector<Touch> pending;
  for (const auto &[begin, segment] :
       memories[static_cast<unsigned>(Memory::Ext)])
    for (const auto *finishes :
         {&segment.finishes.read, &segment.finishes.write})
      if (int64_t(std::max((*finishes)[0], (*finishes)[1])) > dispatched + 2)
        pending.push_back({Memory::Ext, begin, segment.end,
                           finishes == &segment.finishes.write});
  return pending;
}

void CycleModel::delay(uint64_t cycles) {
  dispatched += int64_t(cycles);
  finished += cycles;
  for (UnitState &unit : units) {
    unit.free += cycles;
    for (uint64_t &take : unit.takes)
      take += cycles;
  }
  for (SegmentMap &map : memories)
    for (auto &[begin, segment] : map)
      for (auto *finishes : {&segment.finishes.read, &segment.finishes.write})
        for (uint64_t &finish : *finishes)
          finish += cycles;
  memories[static_cast<unsigned>(Memory::Ext)].clear();
}
