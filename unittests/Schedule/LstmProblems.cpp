// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of an LSTM step, as the compiler orders them.

#include "LstmProblems.h"

#include <bit>

using namespace hcgs;
using namespace hcgs::schedule;
using compression::ceilDiv;

MachineTiming hcgs::schedule::machineNamed(const std::string &name) {
  MachineTiming machine;
  auto set = [&](uint64_t lanes, uint64_t fill, uint64_t vectorLanes,
                 uint64_t portBytes) {
    machine.lanes = lanes;
    machine.matrixFill = fill;
    machine.vectorLanes = vectorLanes;
    machine.vectorLatency = 4;
    machine.load = machine.store = {2, portBytes};
    machine.queues.entries = {16, 16, 16, 16};
  };
  auto tiles = [&](std::vector<uint64_t> rows) {
    for (uint64_t k : rows)
      machine.tiles.push_back({k, machine.lanes / k});
  };
  if (name == "sharp-1k")
    set(1024, 5, 32, 64);
  else if (name == "sharp-4k")
    set(4096, 6, 64, 128);
  else if (name == "sharp-16k")
    set(16384, 7, 128, 256);
  else if (name == "sharp-64k")
    set(65536, 8, 256, 512);
  else if (name == "brainwave-96k")
    set(96000, 8, 256, 512);
  else if (name == "wang-90nm")
    set(2048, 8, 32, 64);
  else
    set(64, 4, 8, 8);
  if (name == "hcgs-65nm")
    tiles({64, 32, 16, 8, 4, 2, 1});
  else if (name == "wang-90nm")
    tiles({2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1});
  else
    tiles({256, 128, 64, 32});
  return machine;
}

namespace {

class Builder {
public:
  explicit Builder(const Stack &stack) : stack(stack) {}

  Problem run() {
    problem.queues = stack.machine.queues;
    if (stack.capacity)
      problem.capacity = {stack.capacity, stack.capacity, 0};
    unsigned directions = stack.bidirectional ? 2 : 1;
    for (uint32_t rows : stack.hidden)
      problem.groups.push_back({rows, granule(), true});
    unsigned transfers = 0;
    for (unsigned stream = 0; stream < stack.streams; ++stream) {
      // A pass has one layer of two directions: the next needs both.
      for (unsigned direction = 0; direction < directions; ++direction) {
        unsigned value = storage(Memory::V, stack.input, 1, kNone);
        transfer(Unit::Load, value, stack.input);
        for (unsigned layer = 0; layer < stack.hidden.size(); ++layer)
          value = lstm(value, layer);
        transfer(Unit::Store, value, stack.hidden.back());
        transfers += 2;
      }
    }
    problem.controlPerIteration = 1 + transfers;
    return std::move(problem);
  }

private:
  uint32_t granule() const {
    switch (stack.weights) {
    case Weights::Sixteenth:
      return 32;
    case Weights::Circulant:
      return 16;
    case Weights::Dense:
      break;
    }
    return 8;
  }

  unsigned storage(Memory memory, uint32_t rows, uint32_t gates, unsigned group,
                   bool state = false) {
    problem.storages.push_back({memory, rows, gates, group, state});
    return unsigned(problem.storages.size() - 1);
  }

  void transfer(Unit unit, unsigned value, uint32_t rows) {
    Operation op;
    op.unit = unit;
    op.rows = rows;
    const MachineTiming::Port port =
        unit == Unit::Load ? stack.machine.load : stack.machine.store;
    if (unit == Unit::Load)
      op.storage = value;
    else
      op.reads = {{value, true}};
    op.occupancy = [machine = stack.machine, port](const Entry &e) {
      return machine.transfer(port, e.end - e.begin);
    };
    op.leastOccupancy = stack.machine.transfer(port, rows);
    problem.operations.push_back(std::move(op));
  }

  void vector(unsigned target, unsigned group, std::vector<Operand> reads) {
    Operation op;
    op.unit = Unit::Vector;
    op.storage = target;
    op.group = group;
    op.rows = problem.groups[group].rows;
    op.reads = std::move(reads);
    op.latency = stack.machine.vectorLatency;
    op.occupancy = [machine = stack.machine](const Entry &e) {
      return machine.vector(e.end - e.begin);
    };
    op.leastOccupancy = stack.machine.vector(op.rows);
    problem.operations.push_back(std::move(op));
  }

  void product(unsigned sums, unsigned x, unsigned group, unsigned back) {
    Operation op;
    op.unit = Unit::Matrix;
    op.storage = sums;
    op.group = group;
    op.rows = problem.groups[group].rows;
    op.gates = 4;
    op.cols = problem.storages[x].rows;
    op.latency = stack.machine.matrixFill;
    op.reads = {{x, true, 0, -1, back}};
    auto extent = [cols = op.cols](const Entry &e) {
      uint64_t gates = e.gates ? std::popcount(e.gates) : 4;
      return std::pair<uint64_t, uint64_t>(uint64_t(e.end - e.begin) * gates,
                                           e.colEnd ? e.colEnd - e.colBegin
                                                    : cols);
    };
    const MachineTiming &machine = stack.machine;
    switch (stack.weights) {
    case Weights::Dense:
      if (stack.tile) {
        op.tileFor = [tile = *stack.tile](const Entry &) {
          return TileChoice{tile, false};
        };
        op.leastOfGates = [machine, rows = uint64_t(op.rows), cols = op.cols,
                           tile = *stack.tile](unsigned gates) {
          return machine.dense(rows * gates, cols, tile);
        };
      } else {
        op.tileFor = [machine, extent](const Entry &e) {
          auto [rows, cols] = extent(e);
          auto [tile, retile] = machine.bestDense(rows, cols);
          return TileChoice{tile, retile};
        };
        op.leastOfGates = [machine, rows = uint64_t(op.rows),
                           cols = op.cols](unsigned gates) {
          return machine.leastDense(rows * gates, cols);
        };
      }
      op.occupancy = [machine, extent, tileFor = op.tileFor](const Entry &e) {
        auto [rows, cols] = extent(e);
        TileChoice choice = tileFor(e);
        return machine.dense(rows, cols, choice.tile, choice.retile);
      };
      op.leastOccupancy = op.leastOfGates(4);
      break;
    case Weights::Sixteenth:
      op.colGranule = 32;
      op.occupancy = [machine, extent](const Entry &e) -> uint64_t {
        auto [rows, cols] = extent(e);
        return ceilDiv(rows * cols / 16, machine.lanes);
      };
      op.leastOccupancy = op.occupancy(Entry{0, 0, op.rows, 0});
      break;
    case Weights::Circulant:
      op.colGranule = 16;
      op.occupancy = [machine, extent](const Entry &e) -> uint64_t {
        auto [rows, cols] = extent(e);
        uint64_t blocks = ceilDiv(e.end - e.begin, uint32_t(16));
        return blocks * ceilDiv(rows / blocks * cols, machine.lanes);
      };
      op.leastOccupancy = op.occupancy(Entry{0, 0, op.rows, 0});
      break;
    }
    problem.operations.push_back(std::move(op));
  }

  /// Returns the storage of h.
  unsigned lstm(unsigned x, unsigned group) {
    uint32_t rows = problem.groups[group].rows;
    auto vec = [&] { return storage(Memory::V, rows, 1, group); };
    unsigned a = storage(Memory::A, rows, 4, group);
    unsigned h = storage(Memory::V, rows, 1, group, true);
    unsigned c = storage(Memory::V, rows, 1, group, true);
    unsigned s = storage(Memory::A, rows, 1, group);
    unsigned m = storage(Memory::A, rows, 1, group);
    product(a, x, group, 0);
    product(a, h, group, 1);
    unsigned gates[4]; // i, o, f, g
    for (int gate = 0; gate < 4; ++gate) {
      gates[gate] = vec();
      vector(gates[gate], group, {{a, false, 0, gate}});
    }
    vector(s, group, {{gates[2]}, {c, false, 0, -1, 1}});
    vector(s, group, {{gates[0]}, {gates[3]}});
    vector(c, group, {{s}});
    unsigned q = vec();
    vector(q, group, {{s}});
    vector(m, group, {{gates[1]}, {q}});
    vector(h, group, {{m}});
    return h;
  }

  const Stack &stack;
  Problem problem;
};

} // namespace

Problem hcgs::schedule::makeProblem(const Stack &stack) {
  return Builder(stack).run();
}
