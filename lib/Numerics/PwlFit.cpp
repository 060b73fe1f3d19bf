// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/PwlFit.h"
#include "PwlSegment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <unordered_map>

using namespace hcgs;
using namespace hcgs::numerics;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// More fractional bits of a slope than this change nothing: the longest
/// segment has 2^16 inputs.
static constexpr int maxSlopeShift = 24;

/// As many fractional bits as the steepest slope leaves room for, if sums of
/// bases and products still fit 32 bits wherever the function fits the output.
static int slopeShift(const PwlTarget &target) {
  const auto low = static_cast<double>(target.format().minCode());
  const auto high = static_cast<double>(target.format().maxCode());
  double steepest = 0.0;
  for (int32_t z = -32767; z < 32768; ++z) {
    const double a = target.at(z - 1), b = target.at(z);
    if ((a >= high && b >= high) || (a <= low && b <= low) || target.jumpsAt(z))
      continue;
    steepest = std::max(steepest, std::fabs(b - a));
  }
  const int most = std::min(maxSlopeShift, 31 - target.format().bits);
  int s = 0;
  while (s < most && std::ldexp(steepest, s + 1) <= 32767.0)
    ++s;
  return s;
}

//===----------------------------------------------------------------------===//
// Domains
//===----------------------------------------------------------------------===//

/// The constant for inputs outside a domain, before it is saturated: above the
/// domain `code`, below it the mirrored one if there is a centre.
struct EndConstant {
  int64_t code = 0;
  double error = 0.0;
};

/// The best constant for function values in [low, high] at one end of a table;
/// if it is mirrored, for both ends, [low, high] being those of the upper one.
static EndConstant endConstant(double low, double high,
                               const LineFormat &format) {
  const auto least = static_cast<double>(format.output.minCode());
  const auto most = static_cast<double>(format.output.maxCode());
  double code = std::floor((low + high) / 2.0 + 0.5);
  if (!format.centre)
    code = std::clamp(code, least, most);
  double y = std::clamp(code, least, most);
  double error = std::max(format.distance(y, low), format.distance(y, high));
  if (format.centre) {
    const double centre = *format.centre;
    y = std::clamp(centre - code, least, most);
    error = std::max({error, format.distance(y, centre - low),
                      format.distance(y, centre - high)});
  }
  return {static_cast<int64_t>(code), error};
}

/// One end of a table: how many of the outermost inputs a constant serves,
/// given a bound on the error.
class TableEnd {
public:
  /// Looks from input -32768 upwards, or from 32767 downwards.
  TableEnd(const PwlTarget &target, const LineFormat &format, bool upwards) {
    double low = infinity, high = -infinity;
    errors.reserve(65536);
    for (int32_t i = 0; i < 65536; ++i) {
      const double t = target.wanted(upwards ? i - 32768 : 32767 - i);
      low = std::min(low, t);
      high = std::max(high, t);
      if (high - low > 256.0)
        break; // nobody asks for so much
      const double error = endConstant(low, high, format).error;
      errors.push_back(errors.empty() ? error : std::max(error, errors.back()));
    }
  }

  /// How many inputs a constant serves with errors up to `limit`.
  int64_t inputs(double limit) const {
    return std::upper_bound(errors.begin(), errors.end(), limit) -
           errors.begin();
  }

  /// The best constant for the outermost `count` inputs; for the very last if
  /// that is none.
  static int64_t code(const PwlTarget &target, const LineFormat &format,
                      bool upwards, int64_t count) {
    double low = infinity, high = -infinity;
    for (int64_t i = 0; i < std::max<int64_t>(count, 1); ++i) {
      const double t =
          target.wanted(static_cast<int32_t>(upwards ? -32768 + i : 32767 - i));
      low = std::min(low, t);
      high = std::max(high, t);
    }
    return endConstant(low, high, format).code;
  }

private:
  std::vector<double> errors; // by the number of inputs, less one; rising
};

//===----------------------------------------------------------------------===//
// Choice of lines
//===----------------------------------------------------------------------===//

namespace {

/// A segment of a table under construction, in the order of inputs.
struct Segment {
  int64_t z = 0, length = 0;
  std::vector<SegmentLine> lines; // to choose from
  size_t chosen = 0;
};

/// Takes of each segment one line, so that neighbours fit together.
class LineChooser {
public:
  LineChooser(const PwlTarget &target, int64_t first, int64_t last)
      : target(target) {
    for (int64_t z = first + 1; z <= last; ++z) {
      rises &= target.at(z) >= target.at(z - 1);
      falls &= target.at(z) <= target.at(z - 1);
    }
  }

  void choose(std::vector<Segment> &segments) const;

private:
  /// What neighbours cost that do not fit together: more than all squares of
  /// two segments may differ by, and turning back more than jumping.
  static constexpr double jumpCost = 1e9, turnCost = 1e12;

  double cost(const Segment &right, const SegmentLine &a,
              const SegmentLine &b) const {
    double cost = 0.0;
    if (rises && b.first < a.last)
      cost += turnCost * (a.last - b.first);
    if (falls && b.first > a.last)
      cost += turnCost * (b.first - a.last);
    if (!target.jumpsAt(static_cast<int32_t>(right.z))) {
      const int32_t jump =
          std::max(std::abs(a.behind - b.first), std::abs(a.last - b.before));
      cost += jumpCost * std::max(0, jump - 1);
    }
    return cost;
  }

  const PwlTarget &target;
  bool rises = true, falls = true;
};

} // namespace

void LineChooser::choose(std::vector<Segment> &segments) const {
  if (segments.empty())
    return;
  std::vector<std::vector<size_t>> from(segments.size());
  std::vector<double> costs;
  for (const SegmentLine &line : segments.front().lines)
    costs.push_back(line.squares);
  for (size_t i = 1; i < segments.size(); ++i) {
    const Segment &left = segments[i - 1], &right = segments[i];
    std::vector<double> next(right.lines.size(), infinity);
    from[i].resize(right.lines.size());
    for (size_t b = 0; b < right.lines.size(); ++b)
      for (size_t a = 0; a < left.lines.size(); ++a) {
        const double total = costs[a] + right.lines[b].squares +
                             cost(right, left.lines[a], right.lines[b]);
        if (total < next[b]) {
          next[b] = total;
          from[i][b] = a;
        }
      }
    costs = std::move(next);
  }
  size_t chosen = std::min_element(costs.begin(), costs.end()) - costs.begin();
  for (size_t i = segments.size(); i-- > 0;) {
    segments[i].chosen = chosen;
    if (i > 0)
      chosen = from[i][chosen];
  }
}

/// A constant as a line: what serves the inputs outside the domain.
static SegmentLine constantLine(int32_t code) {
  SegmentLine line;
  line.before = line.first = line.last = line.behind = code;
  return line;
}

//===----------------------------------------------------------------------===//
// Two-level tables
//===----------------------------------------------------------------------===//

namespace {

/// Searches two-level tables whose regions start `residue` inputs off the
/// multiples of their width.
class TwoLevelSearch {
public:
  TwoLevelSearch(const PwlTarget &target, const LineFormat &format,
                 int32_t residue, const TableEnd &below, const TableEnd &above)
      : target(target), format(format), residue(residue), below(below),
        above(above) {}

  struct Plan {
    int w = 0;
    int64_t origin = 0;
    std::vector<uint8_t> bits; // of the regions
    int64_t entries = 0;
    int64_t cost() const { return entries + static_cast<int64_t>(bits.size()); }
  };

  /// The cheapest table with errors up to `limit` and at most `maxEntries`.
  std::optional<Plan> plan(double limit, int maxEntries);
  /// The plan with its lines.
  PwlTable make(const Plan &plan, double limit) const;

private:
  /// The worst error of the best line of a segment of 2^length inputs.
  double segmentError(int64_t z, int length);
  std::optional<uint8_t> regionBits(int64_t z, int w, double limit,
                                    int64_t mostEntries);

  const PwlTarget &target;
  LineFormat format;
  int32_t residue;
  const TableEnd &below, &above;
  /// A distance between real lines and the function that integers keep, or
  /// the distance with integers.
  std::unordered_map<int64_t, double> known;
};

} // namespace

double TwoLevelSearch::segmentError(int64_t z, int length) {
  // Beyond this distance whole codes make no difference to a decision.
  constexpr double coarse = 6.0;
  if (z > 32767 || z + (int64_t(1) << length) <= -32768)
    return 0.0;
  const auto [found, isNew] =
      known.try_emplace((z + 131072) * 32 + length, 0.0);
  if (isNew) {
    const SegmentFit fit(target, format, z, int64_t(1) << length);
    found->second = fit.realError() > coarse ? fit.realError() + 0.5
                                             : fit.quickLine().worst;
  }
  return found->second;
}

std::optional<uint8_t> TwoLevelSearch::regionBits(int64_t z, int w,
                                                  double limit,
                                                  int64_t mostEntries) {
  for (int bits = 0; bits <= std::min(9, w); ++bits) {
    if (int64_t(1) << bits > mostEntries)
      break;
    bool ok = true;
    for (int64_t i = 0; i < int64_t(1) << bits && ok; ++i)
      ok = segmentError(z + (i << (w - bits)), w - bits) <= limit;
    if (ok)
      return static_cast<uint8_t>(bits);
  }
  return std::nullopt;
}

std::optional<TwoLevelSearch::Plan> TwoLevelSearch::plan(double limit,
                                                         int maxEntries) {
  // The inputs that constants do not serve.
  const int64_t first =
      format.centre ? 0
                    : std::min<int64_t>(-32768 + below.inputs(limit), 32767);
  const int64_t last =
      std::clamp<int64_t>(32767 - above.inputs(limit), first, 32767);
  std::optional<Plan> best;
  for (int w = 16; w >= 2; --w) {
    Plan plan;
    plan.w = w;
    const int64_t width = int64_t(1) << w;
    plan.origin = first;
    if (!format.centre) {
      const int64_t offset = first - residue;
      plan.origin = residue + (offset >> w) * width;
    }
    const int64_t regions = (last - plan.origin) / width + 1;
    if (regions > maxPwlRegions)
      break;
    if (format.centre && regions * width > 32768)
      continue;
    const auto most = [&] {
      const int64_t room = maxEntries - plan.entries;
      return best ? std::min(room, best->cost() - plan.cost()) : room;
    };
    for (int64_t i = 0; i < regions; ++i) {
      const auto bits = regionBits(plan.origin + i * width, w, limit, most());
      if (!bits)
        break;
      plan.bits.push_back(*bits);
      plan.entries += int64_t(1) << *bits;
    }
    if (static_cast<int64_t>(plan.bits.size()) == regions &&
        (!best || plan.cost() < best->cost()))
      best = plan;
  }
  return best;
}

PwlTable TwoLevelSearch::make(const Plan &plan, double limit) const {
  PwlTable table;
  table.kind = PwlKind::TwoLevel;
  table.s = format.s;
  table.p = format.p;
  table.b = format.output.bits;
  table.outFrac = format.output.frac;
  table.inFrac = target.inputFrac();
  table.w = plan.w;
  table.origin = static_cast<int32_t>(plan.origin);
  table.centre = format.centre;
  const int64_t end =
      plan.origin + (static_cast<int64_t>(plan.bits.size()) << plan.w);
  const auto limited = [&](int64_t code) {
    return static_cast<int16_t>(saturate(code, table.b));
  };
  const int64_t hi = TableEnd::code(target, format, false, 32768 - end);
  table.hi = limited(hi);
  table.lo = limited(format.centre ? *format.centre - hi
                                   : TableEnd::code(target, format, true,
                                                    plan.origin + 32768));

  std::vector<Segment> segments;
  const auto constant = [&](int64_t z, int16_t code) {
    segments.push_back({z, 0, {constantLine(code)}});
  };
  if (!format.centre && plan.origin > -32768)
    constant(-32768, table.lo);
  const size_t offset = segments.size();
  for (size_t r = 0; r < plan.bits.size(); ++r) {
    const int64_t length = int64_t(1) << (plan.w - plan.bits[r]);
    for (int64_t i = 0; i < int64_t(1) << plan.bits[r]; ++i) {
      const int64_t z =
          plan.origin + (static_cast<int64_t>(r) << plan.w) + i * length;
      Segment segment{z, length, {SegmentLine()}};
      if (z <= 32767 && z + length > -32768)
        segment.lines = SegmentFit(target, format, z, length).lines(limit);
      segments.push_back(std::move(segment));
    }
  }
  if (end <= 32767)
    constant(end, table.hi);
  LineChooser(target, format.centre ? 0 : -32768, 32767).choose(segments);

  // Regions with equal lines share them.
  size_t at = offset;
  for (const uint8_t bits : plan.bits) {
    const size_t count = size_t(1) << bits;
    std::vector<PwlTable::Entry> entries;
    for (size_t i = 0; i < count; ++i, ++at)
      entries.push_back(segments[at].lines[segments[at].chosen].entry);
    const auto same = std::search(table.entries.begin(), table.entries.end(),
                                  entries.begin(), entries.end());
    table.directory.push_back(
        {static_cast<uint16_t>(same - table.entries.begin()), bits});
    if (same == table.entries.end())
      table.entries.insert(table.entries.end(), entries.begin(), entries.end());
  }
  return table;
}

//===----------------------------------------------------------------------===//
// Uniform tables
//===----------------------------------------------------------------------===//

/// A function may jump at an edge (a threshold), and its value on the edge
/// itself may belong to the segment before. One wrong input is better than a
/// line that compromises over all of them.
static int inputsToSkip(const PwlTarget &target, int64_t z, int64_t length) {
  return length > 2 && target.jumpsAt(static_cast<int32_t>(z + 1)) ? 1 : 0;
}

namespace {

/// The segments of a uniform table.
class UniformFit {
public:
  UniformFit(const PwlTarget &target, const LineFormat &format, int n, int k)
      : target(target), format(format), n(n), k(k), half(int64_t(1) << k),
        length(int64_t(1) << (k + 1 - n)),
        lo(TableEnd::code(target, format, true, 32768 - half)),
        hi(TableEnd::code(target, format, false, 32768 - half)) {
    for (int64_t z = -half; z < half; z += length) {
      fits.emplace_back(target, format, z, length,
                        inputsToSkip(target, z, length));
      limit = std::max(limit, fits.back().quickLine().worst);
    }
  }

  /// The error it can have, but for given up inputs.
  double worst() const {
    double worst = limit;
    for (int64_t z = -32768; z < -half; ++z)
      worst = std::max(worst, error(lo, z));
    for (int64_t z = half; z < 32768; ++z)
      worst = std::max(worst, error(hi, z));
    return worst;
  }
  PwlTable make() const;

private:
  double error(int64_t code, int64_t z) const {
    return format.distance(static_cast<double>(code),
                           target.wanted(static_cast<int32_t>(z)));
  }

  const PwlTarget &target;
  const LineFormat &format;
  int n, k;
  int64_t half, length, lo, hi;
  std::vector<SegmentFit> fits;
  double limit = 0.0;
};

} // namespace

PwlTable UniformFit::make() const {
  PwlTable table;
  table.k = k;
  table.n = n;
  table.s = format.s;
  table.b = format.output.bits;
  table.outFrac = format.output.frac;
  table.inFrac = target.inputFrac();
  table.lo = static_cast<int16_t>(lo);
  table.hi = static_cast<int16_t>(hi);
  std::vector<Segment> segments;
  if (k < 15)
    segments.push_back({-32768, 0, {constantLine(table.lo)}});
  for (size_t i = 0; i < fits.size(); ++i)
    segments.push_back({static_cast<int64_t>(i) * length - half, length,
                        fits[i].lines(limit)});
  if (k < 15)
    segments.push_back({half, 0, {constantLine(table.hi)}});
  LineChooser(target, -32768, 32767).choose(segments);
  for (const Segment &segment : segments)
    if (segment.length > 0)
      table.entries.push_back(segment.lines[segment.chosen].entry);
  if (k == 15) {
    table.lo = table.evaluate(-32768);
    table.hi = table.evaluate(32767);
  }
  return table;
}

/// Whether real lines keep the error of a uniform table within `limit`, the
/// inputs outside its domain left out: whole numbers do no better.
static bool uniformMayDo(const PwlTarget &target, const LineFormat &format,
                         int n, int k, double limit) {
  const int64_t half = int64_t(1) << k;
  const int64_t length = int64_t(1) << (k + 1 - n);
  // From the middle outwards: functions bend there, if anywhere.
  for (int64_t z = 0; z < half; z += length)
    for (const int64_t start : {z, -z - length})
      if (start >= -half && SegmentFit(target, format, start, length,
                                       inputsToSkip(target, start, length))
                                    .realError() > limit)
        return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

namespace {

class Chooser {
public:
  Chooser(const PwlTarget &target, const PwlRequest &request)
      : target(target), request(request) {
    lines.s = slopeShift(target);
    lines.output = target.format();
  }

  Result<FittedPwl> run();

private:
  std::optional<FittedPwl> twoLevel(double maxError);
  std::optional<FittedPwl> uniform(int64_t maxBytes, double limit);
  std::optional<FittedPwl> bestUniform(int n);
  FittedPwl proved(PwlTable table) const {
    PwlProof proof = prove(table, target);
    return {std::move(table), proof};
  }
  double worstExcess(const PwlTable &table) const;

  const PwlTarget &target;
  const PwlRequest &request;
  LineFormat lines;
};

} // namespace

/// Room for the comparison of errors that are equal but for the last bits.
static constexpr double tiny = 1e-9;

/// Rounding alone costs half an LSB; entries are not spent on what comes as
/// close as this.
static constexpr double goodEnough = 0.55;

/// The worst error without what no code can help.
double Chooser::worstExcess(const PwlTable &table) const {
  LineFormat format = lines;
  format.excessOnly = true;
  double worst = 0.0;
  for (int32_t z = -32768; z < 32768; ++z)
    worst =
        std::max(worst, format.distance(table.evaluate(static_cast<int16_t>(z)),
                                        target.wanted(z)));
  return worst;
}

/// The cheapest table with an error up to `maxError`, or, if that is 0, the one
/// with the least.
std::optional<FittedPwl> Chooser::twoLevel(double maxError) {
  LineFormat format = lines;
  format.p = std::min({16 - format.output.bits, format.s, 15});
  format.excessOnly = maxError == 0.0;
  if (!target.leavesFormat())
    format.centre = target.symmetry();
  const TableEnd below(target, format, true), above(target, format, false);
  std::vector<int32_t> residues{0};
  if (!format.centre)
    for (const int32_t jump : target.jumps())
      residues.push_back(jump);
  std::vector<TwoLevelSearch> searches;
  for (const int32_t residue : residues)
    searches.emplace_back(target, format, residue, below, above);

  std::optional<FittedPwl> best;
  const auto attempt = [&](double limit) {
    TwoLevelSearch *search = nullptr;
    std::optional<TwoLevelSearch::Plan> plan;
    for (TwoLevelSearch &candidate : searches) {
      auto found = candidate.plan(limit, request.maxEntries);
      if (found && (!plan || found->cost() < plan->cost())) {
        plan = std::move(found);
        search = &candidate;
      }
    }
    return std::pair(search, plan);
  };
  const auto make = [&](double limit, double allowed) {
    const auto [search, plan] = attempt(limit);
    if (!plan)
      return false;
    FittedPwl fitted = proved(search->make(*plan, limit));
    const double worst = format.excessOnly ? worstExcess(fitted.table)
                                           : fitted.proof.inRange.worst;
    if (worst > allowed + tiny)
      return false;
    best = std::move(fitted);
    return true;
  };
  if (maxError > 0.0) {
    // Estimates of coarse segments may be a little low: then ask for less.
    for (int i = 0; i < 8 && !make(maxError * (1.0 - 0.04 * i), maxError); ++i)
      ;
    return best;
  }
  double low = goodEnough, high = low;
  if (!attempt(low).second) {
    do
      high *= 1.5;
    while (!attempt(high).second && high < 1e6);
    low = std::max(low, high / 1.5);
    for (int i = 0; i < 8 && high - low > 0.01; ++i) {
      const double middle = (low + high) / 2.0;
      (attempt(middle).second ? high : low) = middle;
    }
  }
  // Estimates of coarse segments may be a little low.
  for (int i = 0; i < 12 && !make(high, high); ++i)
    high *= 1.05;
  return best;
}

std::optional<FittedPwl> Chooser::bestUniform(int n) {
  // Smaller domains have finer segments, but saturate where the function may
  // not be flat yet.
  std::optional<UniformFit> best;
  for (int k = 15; k >= 11 && n <= k + 1; --k) {
    UniformFit fit(target, lines, n, k);
    if (best && fit.worst() >= best->worst())
      break; // it only gets worse from here
    best.emplace(std::move(fit));
  }
  return proved(best->make());
}

/// The smallest uniform table of up to `maxBytes` bytes with an error up to
/// `limit`.
std::optional<FittedPwl> Chooser::uniform(int64_t maxBytes, double limit) {
  const int64_t outside =
      std::min(TableEnd(target, lines, true).inputs(limit),
               TableEnd(target, lines, false).inputs(limit));
  for (int n = 0; 1 << n <= request.maxEntries && 32 + (4 << n) <= maxBytes;
       ++n) {
    bool possible = false;
    for (int k = 15; k >= 11 && n <= k + 1 && !possible; --k)
      possible = 32768 - (int64_t(1) << k) <= outside &&
                 uniformMayDo(target, lines, n, k, limit);
    if (!possible)
      continue;
    std::optional<FittedPwl> fitted = bestUniform(n);
    if (fitted && fitted->proof.inRange.worst <= limit + tiny)
      return fitted;
  }
  return std::nullopt;
}

Result<FittedPwl> Chooser::run() {
  constexpr int64_t anyBytes = std::numeric_limits<int64_t>::max();
  const double bound = request.maxError;
  std::optional<FittedPwl> best;
  if (request.kind != PwlChoice::Uniform) {
    best = twoLevel(bound);
    if (request.kind == PwlChoice::Auto) {
      const double limit =
          best && bound == 0.0 ? best->proof.inRange.worst : bound;
      const int64_t bytes = best ? best->table.bytes() : anyBytes;
      if (auto simpler = uniform(bytes, limit))
        best = std::move(simpler);
    }
    if (!best && bound > 0.0)
      best = twoLevel(0.0);
  } else {
    if (bound > 0.0)
      best = uniform(anyBytes, bound);
    if (!best) {
      int n = 0;
      while (n < 9 && 2 << n <= request.maxEntries)
        ++n;
      best = bestUniform(n);
    }
  }
  if (!best)
    return Error{"no table with up to " + std::to_string(request.maxEntries) +
                 " entries comes near the function; allow more entries"};
  const PwlError &error = best->proof.inRange;
  if (request.maxError > 0.0 && error.worst > request.maxError + tiny) {
    char text[256];
    std::snprintf(text, sizeof(text),
                  "no %stable with up to %d entries keeps the error within %g "
                  "LSB; the best found has %g LSB at input %d (%zu entries); "
                  "allow more entries, a larger error or a narrower output",
                  request.kind == PwlChoice::Uniform    ? "uniform "
                  : request.kind == PwlChoice::TwoLevel ? "two-level "
                                                        : "",
                  request.maxEntries, request.maxError, error.worst, error.at,
                  best->table.entries.size());
    return Error{text};
  }
  return *std::move(best);
}

/// The error of a function that no table can hold.
static std::optional<Error> checkTarget(const PwlTarget &target) {
  if (const auto z = target.notFinite())
    return Error{"the function is not finite at " +
                 std::to_string(toValue(*z, {16, target.inputFrac()})) +
                 ", which its table covers; choose a smaller input range"};
  return std::nullopt;
}

Result<FittedPwl> numerics::choosePwl(const RealFunction &function, int inFrac,
                                      FxFormat output,
                                      const PwlRequest &request) {
  if (output.bits < 2 || output.bits > 16)
    return Error{"table field b is " + std::to_string(output.bits) +
                 "; allowed is 2..16"};
  if (request.maxEntries < 1 || request.maxEntries > maxPwlEntries)
    return Error{"a table cannot have " + std::to_string(request.maxEntries) +
                 " entries; allowed is 1.." + std::to_string(maxPwlEntries)};
  if (!(request.maxError >= 0.0 && std::isfinite(request.maxError)))
    return Error{"an error bound of a table must be a number of LSBs above 0"};
  const PwlTarget target(function, inFrac, output);
  if (const auto error = checkTarget(target))
    return *error;
  return Chooser(target, request).run();
}

Result<FittedPwl> numerics::choosePwl(const Activation &function, int inFrac,
                                      FxFormat output,
                                      const PwlRequest &request) {
  auto fitted = choosePwl(RealFunction(function), inFrac, output, request);
  if (!fitted)
    return fitted.takeError().at("table of " + function.str());
  return fitted;
}

Result<PwlTable> numerics::fitPwl(const RealFunction &function, int inFrac,
                                  FxFormat output, PwlOptions options) {
  PwlTable probe;
  probe.k = options.domainLog2;
  probe.n = options.segmentsLog2;
  probe.b = output.bits;
  if (probe.k >= 0 && probe.k <= 15 && probe.n >= 0 && probe.n <= 9)
    probe.entries.resize(size_t(1) << probe.n);
  if (auto checked = verify(probe); !checked)
    return checked.takeError();
  const PwlTarget target(function, inFrac, output);
  if (const auto error = checkTarget(target))
    return *error;
  LineFormat format;
  format.s = slopeShift(target);
  format.output = output;
  return UniformFit(target, format, options.segmentsLog2, options.domainLog2)
      .make();
}

Result<PwlTable> numerics::fitPwl(const Activation &function, int inFrac,
                                  FxFormat output, PwlOptions options) {
  auto table = fitPwl(RealFunction(function), inFrac, output, options);
  if (!table)
    return table.takeError().at("table of " + function.str());
  return table;
}
