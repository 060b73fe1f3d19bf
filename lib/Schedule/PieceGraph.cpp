// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pieces and their dependences.

#include "PieceGraph.h"

#include <algorithm>

using namespace hcgs::schedule;

uint32_t hcgs::schedule::heightFor(const Group &group, uint32_t blocks) {
  uint32_t height = (group.rows + blocks - 1) / blocks;
  height = (height + group.granule - 1) / group.granule * group.granule;
  return std::min(height, group.rows);
}

bool hcgs::schedule::canTakeWholeRows(const Problem &problem,
                                      const Operation &op) {
  if (op.group == kNone || op.unit == Unit::Load || op.unit == Unit::Store)
    return true;
  // All gates of a row block lie side by side, and so do the row blocks.
  for (const Operand &read : op.reads)
    if (!read.all && read.gate >= 0 && problem.storages[read.storage].gates > 1)
      return false;
  return op.storage == kNone || op.isProduct() ||
         problem.storages[op.storage].gates == 1;
}

PieceGraph::PieceGraph(const Problem &problem, const Cutting &cutting,
                       unsigned mostSlots) {
  makePieces(problem, cutting);
  in.resize(pieces.size());
  out.resize(pieces.size());
  makeEdges(problem, mostSlots);
}

std::vector<Part> hcgs::schedule::partsOf(const Operation &op,
                                          const OperationCut &cut,
                                          uint32_t height) {
  if (!cut.parts.empty())
    return cut.parts;
  if (cut.wholeRows || op.group == kNone)
    height = op.rows;
  std::vector<unsigned> gates = cut.gates;
  if (gates.empty())
    gates.push_back(0);
  std::vector<Part> parts;
  for (uint32_t begin = 0; begin < op.rows; begin += height)
    for (unsigned mask : gates)
      for (size_t segment = 0; segment <= cut.columns.size(); ++segment) {
        Part part{begin, std::min(begin + height, op.rows), mask, 0, 0};
        if (!cut.columns.empty()) {
          part.colBegin = segment ? cut.columns[segment - 1] : 0;
          part.colEnd =
              segment < cut.columns.size() ? cut.columns[segment] : op.cols;
        }
        parts.push_back(part);
      }
  return parts;
}

void PieceGraph::makePieces(const Problem &problem, const Cutting &cutting) {
  std::array<int64_t, kUnits> busy = {};
  for (unsigned o = 0; o < problem.operations.size(); ++o) {
    const Operation &op = problem.operations[o];
    uint32_t height = op.group == kNone ? op.rows : cutting.heights[op.group];
    for (const Part &part : partsOf(op, cutting.operations[o], height)) {
      Entry entry{o,          part.begin,    part.end,   0,
                  part.gates, part.colBegin, part.colEnd};
      if (op.tileFor)
        entry.tile = op.tileFor(entry);
      Piece piece{entry, op.unit, int64_t(op.occupancy(entry)),
                  int64_t(op.latency)};
      busy[static_cast<unsigned>(op.unit)] += piece.occupancy;
      pieces.push_back(piece);
    }
  }
  resources = std::max<int64_t>(*std::max_element(busy.begin(), busy.end()),
                                pieces.size() + problem.controlPerIteration);
}

void PieceGraph::addEdge(unsigned from, unsigned to, int64_t delay,
                         int64_t distance) {
  in[to].push_back(edges.size());
  out[from].push_back(edges.size());
  edges.push_back({from, to, delay, distance});
}

void PieceGraph::makeEdges(const Problem &problem, unsigned mostSlots) {
  constexpr unsigned kAllGates = ~0u;
  struct Access {
    unsigned piece;
    int64_t begin, end;
    unsigned gates;
    unsigned back;
    bool overlaps(const Access &other) const {
      return begin < other.end && other.begin < end && (gates & other.gates);
    }
    bool covers(const Access &other) const {
      return begin <= other.begin && other.end <= end &&
             (gates & other.gates) == other.gates;
    }
  };
  struct Users {
    std::vector<Access> writes, reads;
  };
  std::vector<Users> users(problem.storages.size());
  for (unsigned p = 0; p < pieces.size(); ++p) {
    const Entry &entry = pieces[p].entry;
    const Operation &op = problem.operations[entry.operation];
    if (op.storage != kNone) {
      unsigned all = (1u << problem.storages[op.storage].gates) - 1;
      users[op.storage].writes.push_back({p, entry.begin + op.offset,
                                          entry.end + op.offset,
                                          entry.gates ? entry.gates : all, 0});
    }
    for (const Operand &read : op.reads) {
      Access access{p, entry.begin + read.offset, entry.end + read.offset,
                    read.gate < 0 ? kAllGates : 1u << read.gate, read.back};
      if (read.all) {
        bool segment = op.isProduct() && entry.colEnd;
        access.begin = segment ? entry.colBegin : 0;
        access.end =
            segment ? entry.colEnd : problem.storages[read.storage].rows;
      }
      users[read.storage].reads.push_back(access);
    }
  }

  auto finishOf = [&](unsigned piece) {
    return pieces[piece].occupancy + pieces[piece].latency;
  };
  for (const Users &of : users) {
    for (const Access &write : of.writes) {
      unsigned writer = pieces[write.piece].entry.operation;
      for (const Access &read : of.reads) {
        if (!write.overlaps(read))
          continue;
        addEdge(write.piece, read.piece, finishOf(write.piece), read.back);
        // The value `mostSlots` steps later may take the same place.
        if (int64_t distance = int64_t(mostSlots) - read.back; distance >= 0)
          addEdge(read.piece, write.piece, finishOf(read.piece), distance);
      }
      // Chains. The vector unit adds to what was written before; products are
      // summed in any order, but who starts a row has to start all that others
      // add to as a whole: if two do not cover the same, the first operation
      // goes first.
      for (const Access &other : of.writes) {
        if (pieces[other.piece].entry.operation <= writer ||
            !write.overlaps(other))
          continue;
        bool products = pieces[write.piece].unit == Unit::Matrix &&
                        pieces[other.piece].unit == Unit::Matrix;
        bool same = write.covers(other) && other.covers(write);
        if (products && !same)
          addEdge(write.piece, other.piece, pieces[write.piece].occupancy, 0);
        else if (pieces[other.piece].unit == Unit::Vector || !same)
          addEdge(write.piece, other.piece, finishOf(write.piece), 0);
      }
    }
  }
}

std::optional<std::vector<int64_t>>
PieceGraph::longestWays(int64_t interval) const {
  std::vector<int64_t> way(pieces.size());
  for (unsigned p = 0; p < pieces.size(); ++p)
    way[p] = pieces[p].occupancy + pieces[p].latency;
  // Edges mostly lead from lower to higher numbers: from the back, few rounds
  // do. More rounds than pieces mean a cycle that gains at every turn.
  for (size_t round = 0; round <= pieces.size(); ++round) {
    bool changed = false;
    for (unsigned p = pieces.size(); p-- > 0;)
      for (unsigned e : out[p]) {
        const Edge &edge = edges[e];
        int64_t through = way[edge.to] + edge.delay - interval * edge.distance;
        if (through > way[p]) {
          way[p] = through;
          changed = true;
        }
      }
    if (!changed)
      return way;
  }
  return std::nullopt;
}

int64_t PieceGraph::recurrenceBound(int64_t least) const {
  if (longestWays(least))
    return least;
  int64_t low = least, high = 2 * least;
  while (!longestWays(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    (longestWays(middle) ? high : low) = middle;
  }
  return high;
}
