// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/PwlTable.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace hcgs;
using namespace hcgs::numerics;

namespace {

/// More fractional bits of a slope than this change nothing: the longest
/// segment has 2^16 inputs. It keeps slope*d + r within 32 bits wherever a
/// segment has at most 2^8 inputs.
constexpr int maxSlopeShift = 24;

int64_t lineValue(const PwlTable::Entry &entry, int s, int64_t d) {
  const int64_t rounding = s > 0 ? int64_t(1) << (s - 1) : 0;
  return entry.base + ((int64_t(entry.slope) * d + rounding) >> s);
}

/// What a segment must come close to.
struct Segment {
  std::vector<double> target;   // function in output LSBs, d = 0, 1, ...
  double low = 0.0, high = 0.0; // smallest and largest output code
  size_t first = 0;             // 1 if the function jumps behind d = 0

  /// Whether saturation gives the right value at d, so that the line need not.
  bool saturatesAt(size_t d) const {
    return target[d] < low || target[d] > high;
  }
};

/// A function may jump at an edge (a threshold), and its value on the edge
/// itself may belong to the segment before. One wrong input is better than a
/// line that compromises over all of them.
bool jumpsBehindStart(const std::vector<double> &target) {
  if (target.size() < 3)
    return false;
  double steepest = 0.0;
  for (size_t d = 2; d < target.size(); ++d)
    steepest = std::max(steepest, std::fabs(target[d] - target[d - 1]));
  return std::fabs(target[1] - target[0]) > 8.0 * (steepest + 1.0);
}

/// Smallest and largest distance of the target above the line slope*d, over
/// the inputs that the line has to meet.
std::pair<double, double> residuals(const Segment &segment, double slope) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t d = segment.first; d < segment.target.size(); ++d) {
    if (segment.saturatesAt(d))
      continue;
    const double rest = segment.target[d] - slope * static_cast<double>(d);
    low = std::min(low, rest);
    high = std::max(high, rest);
  }
  return low <= high ? std::pair{low, high} : std::pair{0.0, 0.0};
}

/// The least of a convex function between bounds, by golden sections.
template <typename Function>
double minimise(Function &&function, double low, double high) {
  constexpr double ratio = 0.6180339887498949;
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double atA = function(a), atB = function(b);
  for (int i = 0; i < 60 && high - low > 1e-12 * (1.0 + std::fabs(high)); ++i) {
    if (atA <= atB) {
      high = b;
      b = a;
      atB = atA;
      a = high - ratio * (high - low);
      atA = function(a);
    } else {
      low = a;
      a = b;
      atA = atB;
      b = low + ratio * (high - low);
      atB = function(b);
    }
  }
  return (low + high) / 2.0;
}

/// How good an entry is: worst distance in output LSBs, then squared error.
struct Score {
  double worst = std::numeric_limits<double>::infinity();
  double squares = std::numeric_limits<double>::infinity();
  bool betterThan(const Score &other) const {
    if (worst != other.worst)
      return worst < other.worst;
    return squares < other.squares;
  }
};

Score scoreEntry(const Segment &segment, const PwlTable::Entry &entry, int s,
                 double abandonAbove) {
  Score score{0.0, 0.0};
  for (size_t d = segment.first; d < segment.target.size(); ++d) {
    const double y = std::clamp(
        static_cast<double>(lineValue(entry, s, static_cast<int64_t>(d))),
        segment.low, segment.high);
    const double wanted =
        std::clamp(segment.target[d], segment.low, segment.high);
    const double distance = std::fabs(y - wanted);
    if (distance > abandonAbove)
      return {};
    score.worst = std::max(score.worst, distance);
    score.squares += distance * distance;
  }
  return score;
}

int16_t toInt16(double value) {
  return static_cast<int16_t>(std::clamp(value, -32768.0, 32767.0));
}

PwlTable::Entry fitSegment(const Segment &segment, int s) {
  // Outside the output range throughout: saturate with a flat line.
  const auto [least, most] =
      std::minmax_element(segment.target.begin(), segment.target.end());
  if (*least >= segment.high)
    return {toInt16(segment.high), 0};
  if (*most <= segment.low)
    return {toInt16(segment.low), 0};

  // Slopes of interest: those between neighbouring targets, which every chord
  // lies among.
  double flattest = 0.0, steepest = 0.0;
  for (size_t d = segment.first + 1; d < segment.target.size(); ++d) {
    const double slope = segment.target[d] - segment.target[d - 1];
    flattest = std::min(flattest, slope);
    steepest = std::max(steepest, slope);
  }
  const double unit = std::ldexp(1.0, s);
  const double free = minimise(
      [&](double slope) {
        const auto [low, high] = residuals(segment, slope);
        return high - low;
      },
      flattest, steepest);
  const auto [low, high] = residuals(segment, free);
  const double intercept = std::floor((low + high) / 2.0 + 0.5);
  PwlTable::Entry best;
  Score bestScore;
  for (const int offset : {0, -1, 1}) {
    const double base = toInt16(intercept + offset);
    const double slope =
        unit *
        minimise(
            [&](double slope) {
              const auto [low, high] = residuals(segment, slope);
              return std::max(std::fabs(low - base), std::fabs(high - base));
            },
            flattest, steepest);
    const double middle = std::floor(slope + 0.5);
    // The integer slopes around the real optimum; on short segments rounding
    // to whole outputs makes steps further away matter.
    for (const int step : {0, -1, 1, -2, 2, -3, 3}) {
      const PwlTable::Entry entry{toInt16(base), toInt16(middle + step)};
      const Score score = scoreEntry(segment, entry, s, bestScore.worst);
      if (score.betterThan(bestScore)) {
        bestScore = score;
        best = entry;
      }
    }
  }
  return best;
}

/// The code nearest to all values of the function over the inputs
/// [first, last]: the middle of its range there.
int16_t outside(const RealFunction &function, int64_t first, int64_t last,
                int inFrac, FxFormat output) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (int64_t z = first; z <= last; ++z) {
    const double y = function(toValue(z, {16, inFrac}));
    low = std::min(low, y);
    high = std::max(high, y);
  }
  return static_cast<int16_t>(toCode((low + high) / 2.0, output));
}

} // namespace

int64_t PwlTable::unsaturated(int16_t z) const {
  const int64_t u = int64_t(z) + (int64_t(1) << k);
  const int w = k + 1 - n;
  return lineValue(entries[u >> w], s, u & ((int64_t(1) << w) - 1));
}

int16_t PwlTable::evaluate(int16_t z) const {
  if (z < -(int64_t(1) << k))
    return lo;
  if (z >= int64_t(1) << k)
    return hi;
  return static_cast<int16_t>(saturate(unsaturated(z), b));
}

bool PwlTable::saturates(int16_t z) const {
  if (z < -(int64_t(1) << k) || z >= int64_t(1) << k)
    return false;
  const int64_t y = unsaturated(z);
  return y != saturate(y, b);
}

Result<void> numerics::verify(const PwlTable &table) {
  const auto outOfRange = [](const char *field, int64_t value, int64_t low,
                             int64_t high) {
    return Error{"table field " + std::string(field) + " is " +
                 std::to_string(value) + "; allowed is " + std::to_string(low) +
                 ".." + std::to_string(high)};
  };
  if (table.k < 0 || table.k > 15)
    return outOfRange("k", table.k, 0, 15);
  if (table.n < 0 || table.n > std::min(9, table.k + 1))
    return outOfRange("n", table.n, 0, std::min(9, table.k + 1));
  if (table.s < 0 || table.s > 31)
    return outOfRange("s", table.s, 0, 31);
  if (table.b < 2 || table.b > 16)
    return outOfRange("b", table.b, 2, 16);
  const FxFormat output = table.output();
  for (const auto &[name, value] :
       {std::pair{"lo", table.lo}, std::pair{"hi", table.hi}})
    if (value < output.minCode() || value > output.maxCode())
      return outOfRange(name, value, output.minCode(), output.maxCode());
  if (table.entries.size() != size_t(1) << table.n)
    return Error{"table has " + std::to_string(table.entries.size()) +
                 " entries; 2^n = " + std::to_string(1 << table.n) +
                 " are needed"};
  return {};
}

Result<PwlTable> numerics::fitPwl(const RealFunction &function, int inFrac,
                                  FxFormat output, PwlOptions options) {
  PwlTable table;
  table.k = options.domainLog2;
  table.n = options.segmentsLog2;
  table.b = output.bits;
  table.inFrac = inFrac;
  table.outFrac = output.frac;
  if (table.k >= 0 && table.k <= 15 && table.n >= 0 && table.n <= 9)
    table.entries.resize(size_t(1) << table.n);
  if (auto checked = verify(table); !checked)
    return checked.takeError();

  const int64_t half = int64_t(1) << table.k;
  const int64_t length = int64_t(1) << (table.k + 1 - table.n);
  std::vector<Segment> segments(table.entries.size());
  double steepest = 0.0;
  for (size_t i = 0; i < segments.size(); ++i) {
    Segment &segment = segments[i];
    segment.low = static_cast<double>(output.minCode());
    segment.high = static_cast<double>(output.maxCode());
    segment.target.resize(length);
    for (int64_t d = 0; d < length; ++d) {
      const int64_t z = static_cast<int64_t>(i) * length + d - half;
      const double y = function(toValue(z, {16, inFrac}));
      if (!std::isfinite(y))
        return Error{"the function is not finite at " +
                     std::to_string(toValue(z, {16, inFrac})) +
                     ", which its table covers; choose a smaller input range"};
      segment.target[d] = std::ldexp(y, output.frac);
    }
    segment.first = jumpsBehindStart(segment.target) ? 1 : 0;
    // A slope is needed where the output is not saturated throughout.
    const auto [least, most] =
        std::minmax_element(segment.target.begin(), segment.target.end());
    if (*least >= segment.high || *most <= segment.low)
      continue;
    for (int64_t d = static_cast<int64_t>(segment.first) + 1; d < length; ++d)
      steepest = std::max(steepest,
                          std::fabs(segment.target[d] - segment.target[d - 1]));
  }
  // As many fractional bits as the steepest slope leaves room for.
  while (table.s < maxSlopeShift &&
         std::ldexp(steepest, table.s + 1) <= 32767.0)
    ++table.s;

  for (size_t i = 0; i < segments.size(); ++i)
    table.entries[i] = fitSegment(segments[i], table.s);
  const int64_t least = -(int64_t(1) << 15);
  table.lo = half < -least ? outside(function, least, -half - 1, inFrac, output)
                           : table.evaluate(static_cast<int16_t>(-half));
  table.hi = half < -least ? outside(function, half, -least - 1, inFrac, output)
                           : table.evaluate(static_cast<int16_t>(half - 1));
  return table;
}

Result<PwlTable> numerics::fitPwl(const Activation &function, int inFrac,
                                  FxFormat output, PwlOptions options) {
  auto table = fitPwl(RealFunction(function), inFrac, output, options);
  if (!table)
    return table.takeError().at("table of " + function.str());
  return table;
}

PwlError numerics::worstError(const PwlTable &table,
                              const RealFunction &function) {
  PwlError error;
  for (int z = -32768; z <= 32767; ++z) {
    const double wanted =
        std::ldexp(function(toValue(z, table.input())), table.outFrac);
    const double distance =
        std::fabs(table.evaluate(static_cast<int16_t>(z)) - wanted);
    if (distance > error.worst)
      error = {distance, static_cast<int16_t>(z)};
  }
  return error;
}
