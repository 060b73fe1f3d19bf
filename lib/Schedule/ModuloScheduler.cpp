// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search, and the plan that comes out of it.

#include "ModuloScheduler.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

using namespace hcgs::schedule;

static int64_t floorMod(int64_t a, int64_t b) { return (a % b + b) % b; }
static int64_t floorDiv(int64_t a, int64_t b) {
  return (a - floorMod(a, b)) / b;
}

namespace {

/// What one unit does in an interval.
class Reservations {
public:
  struct Span {
    int64_t begin, length;
    unsigned piece;
  };

  explicit Reservations(int64_t interval) : interval(interval) {}

  /// The first time from `from` on, less than an interval later, at which
  /// `length` cycles are free; nothing if there is none.
  std::optional<int64_t> findFree(int64_t from, int64_t length) const {
    int64_t at = from;
    while (at < from + interval) {
      const Span *blocking = firstConflict(at, length);
      if (!blocking)
        return at;
      // To the end of what is in the way.
      int64_t past = floorMod(at - blocking->begin, interval);
      at += past < blocking->length ? blocking->length - past
                                    : interval - past + blocking->length;
    }
    return std::nullopt;
  }
  /// The same, next to something else that the unit does, so that no cycles
  /// are left over between that are too few for anything.
  std::optional<int64_t> findSnug(int64_t from, int64_t length) const {
    std::optional<int64_t> best;
    auto consider = [&](int64_t residue) {
      int64_t at = from + floorMod(residue - from, interval);
      if ((!best || at < *best) && !firstConflict(at, length))
        best = at;
    };
    for (const Span &span : spans) {
      consider(span.begin + span.length);
      consider(span.begin - length);
    }
    return best ? best : findFree(from, length);
  }
  const Span *firstConflict(int64_t at, int64_t length) const {
    for (const Span &span : spans) {
      int64_t past = floorMod(at - span.begin, interval);
      if (past < span.length || interval - past < length)
        return &span;
    }
    return nullptr;
  }
  void add(int64_t at, int64_t length, unsigned piece) {
    spans.push_back({floorMod(at, interval), length, piece});
  }
  void remove(unsigned piece) {
    std::erase_if(spans, [&](const Span &span) { return span.piece == piece; });
  }

private:
  int64_t interval;
  std::vector<Span> spans;
};

class Search {
public:
  Search(const PieceGraph &graph, const ModuloOptions &options,
         std::vector<int64_t> priority)
      : graph(graph), options(options), priority(std::move(priority)),
        times(graph.pieces.size(), 0), placed(graph.pieces.size(), false),
        seen(graph.pieces.size(), false) {
    // The last kind is dispatch.
    for (unsigned kind = 0; kind <= kUnits; ++kind)
      reservations.emplace_back(options.interval);
    std::array<int64_t, kUnits> busy = {};
    for (const Piece &piece : graph.pieces)
      busy[static_cast<unsigned>(piece.unit)] += piece.occupancy;
    for (unsigned kind = 0; kind < kUnits; ++kind)
      full[kind] = 10 * busy[kind] > 8 * options.interval;
  }

  bool run() {
    size_t budget = 6 * graph.pieces.size() + 20;
    for (unsigned next; (next = mostUrgent()) != kNone; place(next))
      if (!budget--)
        return false;
    return true;
  }

  const std::vector<int64_t> &result() const { return times; }

private:
  unsigned mostUrgent() const {
    unsigned best = kNone;
    for (unsigned p = 0; p < placed.size(); ++p)
      if (!placed[p] && (best == kNone || priority[p] > priority[best]))
        best = p;
    return best;
  }

  void place(unsigned p) {
    const Piece &piece = graph.pieces[p];
    int64_t early = 0;
    for (unsigned e : graph.in[p]) {
      const PieceGraph::Edge &edge = graph.edges[e];
      if (placed[edge.from])
        early = std::max(early, times[edge.from] + edge.delay -
                                    options.interval * edge.distance);
    }
    Reservations &unit = reservations[static_cast<unsigned>(piece.unit)];
    std::optional<int64_t> at = findPlace(
        unit, early, piece.occupancy, full[static_cast<unsigned>(piece.unit)]);
    int64_t time = at ? *at : (seen[p] ? std::max(early, times[p] + 1) : early);
    if (!at) {
      while (const auto *span = unit.firstConflict(time, piece.occupancy))
        eject(span->piece);
      if (options.oneTakeACycle)
        while (const auto *span = reservations[kUnits].firstConflict(time, 1))
          eject(span->piece);
    }
    times[p] = time;
    placed[p] = seen[p] = true;
    unit.add(time, piece.occupancy, p);
    if (options.oneTakeACycle)
      reservations[kUnits].add(time, 1, p);
    auto violated = [&](const PieceGraph::Edge &edge) {
      return times[edge.to] <
             times[edge.from] + edge.delay - options.interval * edge.distance;
    };
    for (unsigned e : graph.out[p])
      if (unsigned to = graph.edges[e].to;
          to != p && placed[to] && violated(graph.edges[e]))
        eject(to);
  }

  std::optional<int64_t> findPlace(const Reservations &unit, int64_t from,
                                   int64_t length, bool snug) const {
    if (!options.oneTakeACycle)
      return snug ? unit.findSnug(from, length) : unit.findFree(from, length);
    int64_t at = from;
    while (at < from + options.interval) {
      std::optional<int64_t> free = unit.findFree(at, length);
      if (!free || *free >= from + options.interval)
        return std::nullopt;
      if (!reservations[kUnits].firstConflict(*free, 1))
        return free;
      at = *free + 1;
    }
    return std::nullopt;
  }

  void eject(unsigned p) {
    placed[p] = false;
    reservations[static_cast<unsigned>(graph.pieces[p].unit)].remove(p);
    reservations[kUnits].remove(p);
  }

  const PieceGraph &graph;
  const ModuloOptions &options;
  std::vector<int64_t> priority;
  std::vector<int64_t> times;
  std::vector<bool> placed, seen;
  std::vector<Reservations> reservations;
  /// Units that are busy for most of the interval.
  std::array<bool, kUnits> full = {};
};

} // namespace

std::optional<std::vector<int64_t>>
hcgs::schedule::moduloSchedule(const PieceGraph &graph,
                               const ModuloOptions &options) {
  std::optional<std::vector<int64_t>> ways =
      graph.longestWays(options.interval);
  if (!ways)
    return std::nullopt;
  for (size_t p = 0; p < options.bonus.size(); ++p)
    (*ways)[p] += options.bonus[p];
  Search search(graph, options, std::move(*ways));
  if (!search.run())
    return std::nullopt;
  return search.result();
}

// A piece that moves by a whole interval keeps its place in the unit. First all
// move towards what they need, then those that are needed towards what needs
// them: results are stored as soon as they are there, inputs are loaded as late
// as will do.
void hcgs::schedule::shortenLives(const PieceGraph &graph, int64_t interval,
                                  std::vector<int64_t> &times) {
  constexpr int64_t kNothing = std::numeric_limits<int64_t>::max();
  auto slack = [&](const PieceGraph::Edge &edge) {
    return edge.from == edge.to ? kNothing
                                : times[edge.to] - times[edge.from] -
                                      edge.delay + interval * edge.distance;
  };
  auto moveBy = [&](unsigned p, const std::vector<unsigned> &edges,
                    int64_t direction) {
    int64_t room = kNothing;
    for (unsigned e : edges)
      room = std::min(room, slack(graph.edges[e]));
    if (room == kNothing || room < interval)
      return false;
    times[p] += direction * floorDiv(room, interval) * interval;
    return true;
  };
  // Consumers mostly have higher numbers; a few rounds settle the rest.
  constexpr int kRounds = 4;
  bool moved = true;
  for (int round = 0; round < kRounds && moved; ++round) {
    moved = false;
    for (unsigned p = 0; p < graph.pieces.size(); ++p)
      moved |= moveBy(p, graph.in[p], -1);
  }
  moved = true;
  for (int round = 0; round < kRounds && moved; ++round) {
    moved = false;
    for (unsigned p = graph.pieces.size(); p-- > 0;)
      if (graph.pieces[p].unit != Unit::Store)
        moved |= moveBy(p, graph.out[p], 1);
  }
}

Plan hcgs::schedule::planOfTimes(const PieceGraph &graph,
                                 const Cutting &cutting, int64_t interval,
                                 const std::vector<int64_t> &times,
                                 int64_t origin, std::vector<unsigned> &order) {
  Plan plan;
  plan.rowBlocks = cutting.heights;
  order.resize(graph.pieces.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](unsigned a, unsigned b) {
    return std::make_tuple(floorMod(times[a] - origin, interval), a) <
           std::make_tuple(floorMod(times[b] - origin, interval), b);
  });
  int64_t last = std::numeric_limits<int64_t>::min();
  int64_t first = std::numeric_limits<int64_t>::max();
  for (int64_t time : times) {
    last = std::max(last, floorDiv(time - origin, interval));
    first = std::min(first, floorDiv(time - origin, interval));
  }
  plan.depth = unsigned(last - first);
  for (unsigned p : order) {
    Entry entry = graph.pieces[p].entry;
    entry.step = unsigned(last - floorDiv(times[p] - origin, interval));
    plan.entries.push_back(entry);
  }
  return plan;
}
