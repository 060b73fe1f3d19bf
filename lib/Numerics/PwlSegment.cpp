// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PwlSegment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

using namespace hcgs;
using namespace hcgs::numerics;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// (b - a) x (c - a): above 0 for a turn to the left.
template <typename Point>
static double turn(const Point &a, const Point &b, const Point &c) {
  return (b.d - a.d) * (c.t - a.t) - (b.t - a.t) * (c.d - a.d);
}

void SegmentFit::Hull::add(Point point) {
  const auto bends = [&](const Point &a, const Point &b) {
    const double t = turn(a, b, point);
    return upper ? t < 0.0 : t > 0.0;
  };
  while (points.size() > 1 &&
         !bends(points[points.size() - 2], points[points.size() - 1]))
    points.pop_back();
  points.push_back(point);
}

const SegmentFit::Point &SegmentFit::Hull::touch(double slope) const {
  // Slopes of the edges fall along the upper half and rise along the lower.
  size_t low = 0, high = points.size() - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const Point &a = points[middle], &b = points[middle + 1];
    const double rest = (b.t - a.t) - slope * (b.d - a.d);
    if (upper ? rest > 0.0 : rest < 0.0)
      low = middle + 1;
    else
      high = middle;
  }
  return points[low];
}

SegmentFit::SegmentFit(const PwlTarget &all, const LineFormat &format,
                       int64_t z, int64_t length, int skip)
    : format(format), begin(std::max<int64_t>(0, -32768 - z)), length(length),
      skip(skip), limited(all.leavesFormat()), pinned(format.centre && z == 0),
      low(static_cast<double>(format.output.minCode())),
      high(static_cast<double>(format.output.maxCode())) {
  const int64_t end = std::min(length, 32768 - z);
  target = {all.from(static_cast<int32_t>(z + begin)),
            static_cast<size_t>(end - begin)};
  upper.upper = true;
  lower.upper = false;
  const auto [least, most] = std::minmax_element(target.begin(), target.end());
  if (!format.centre && (*least >= high || *most <= low)) {
    flat = true;
    freeIntercept = *least >= high ? high : low;
    return;
  }
  for (int64_t d = begin + skip; d < end; ++d) {
    const double t = target[d - begin];
    if (isSaturated(t))
      continue;
    upper.add({static_cast<double>(d), t});
    lower.add({static_cast<double>(d), t});
  }
  if (upper.points.empty()) { // jumps from one end of the format to the other
    flat = true;
    freeIntercept = std::clamp((*least + *most) / 2.0, low, high);
    return;
  }
  fitFreely();
}

void SegmentFit::fitFreely() {
  const auto slopeOf = [](const Hull &hull, size_t edge) {
    const Point &a = hull.points[edge], &b = hull.points[edge + 1];
    return (b.t - a.t) / (b.d - a.d);
  };
  double best = infinity;
  const auto consider = [&](double slope) {
    const double above = upper.extreme(slope), below = lower.extreme(slope);
    if (above - below >= best)
      return;
    best = above - below;
    freeSlope = slope;
    freeIntercept = (above + below) / 2.0;
    freeError = (above - below) / 2.0;
  };
  if (upper.points.size() < 2) {
    consider(0.0);
  } else {
    flattest =
        std::min(slopeOf(upper, upper.points.size() - 2), slopeOf(lower, 0));
    steepest =
        std::max(slopeOf(upper, 0), slopeOf(lower, lower.points.size() - 2));
    // The height between the parallels is convex in the slope and bends at
    // slopes of edges. It falls where the upper line touches further right.
    const auto fallsAt = [&](double slope) {
      return upper.touch(slope).d > lower.touch(slope).d;
    };
    for (const Hull *hull : {&upper, &lower}) {
      size_t a = 0, b = hull->points.size() - 2;
      while (a < b) {
        const size_t middle = (a + b) / 2;
        // Go on towards steeper slopes while it falls.
        if (fallsAt(slopeOf(*hull, middle)) != hull->upper)
          a = middle + 1;
        else
          b = middle;
      }
      consider(slopeOf(*hull, a));
      if (a > 0)
        consider(slopeOf(*hull, a - 1));
      if (a + 2 < hull->points.size())
        consider(slopeOf(*hull, a + 1));
    }
  }

  // The line of least squares over the same points.
  double count = 0, sumD = 0, sumT = 0, sumDD = 0, sumDT = 0;
  for (size_t i = skip; i < target.size(); ++i) {
    if (isSaturated(target[i]))
      continue;
    const double d = static_cast<double>(begin + static_cast<int64_t>(i));
    const double t = target[i] - freeIntercept - freeSlope * d;
    count += 1.0;
    sumD += d;
    sumT += t;
    sumDD += d * d;
    sumDT += d * t;
  }
  const double determinant = count * sumDD - sumD * sumD;
  const double slope =
      determinant > 0.0 ? (count * sumDT - sumD * sumT) / determinant : 0.0;
  squaresSlope = freeSlope + slope;
  squaresIntercept = freeIntercept + (sumT - slope * sumD) / count;
}

/// The slope with the least worst distance of a line through (0, base).
double SegmentFit::slopeThrough(double base) const {
  // Where the line's worst distances above and below are the same; both fall
  // as it turns up, all d being 0 or more.
  double a = flattest - 1.0, b = steepest + 1.0;
  for (int i = 0; i < 40; ++i) {
    const double slope = (a + b) / 2.0;
    if (upper.extreme(slope) + lower.extreme(slope) > 2.0 * base)
      a = slope;
    else
      b = slope;
  }
  return (a + b) / 2.0;
}

SegmentLine SegmentFit::score(PwlTable::Entry entry, double limit) const {
  const int s = format.s;
  const int64_t unit = int64_t(1) << s;
  const int64_t start =
      int64_t(entry.base) * (unit >> format.p) + (s > 0 ? unit / 2 : 0);
  const auto valueAt = [&](int64_t d) {
    return saturate((start + entry.slope * d) >> s, format.output.bits);
  };
  SegmentLine line;
  line.entry = entry;
  int64_t sum = start + entry.slope * begin;
  const double centre = format.centre.value_or(0);
  for (size_t i = 0; i < target.size(); ++i, sum += entry.slope) {
    if (i < static_cast<size_t>(skip))
      continue;
    const auto y = static_cast<double>(sum >> s);
    const double wanted =
        limited ? std::clamp(target[i], low, high) : target[i];
    const double distance = format.distance(std::clamp(y, low, high), wanted);
    line.worst = std::max(line.worst, distance);
    line.squares += distance * distance;
    if (format.centre) {
      const double mirrored = format.distance(std::clamp(centre - y, low, high),
                                              centre - target[i]);
      line.worst = std::max(line.worst, mirrored);
      line.squares += mirrored * mirrored;
    }
    if (line.worst > limit)
      return line;
  }
  line.before = static_cast<int32_t>(valueAt(-1));
  line.first = static_cast<int32_t>(valueAt(0));
  line.last = static_cast<int32_t>(valueAt(length - 1));
  line.behind = static_cast<int32_t>(valueAt(length));
  if (pinned && 2 * line.first != *format.centre)
    line.worst = infinity;
  return line;
}

void SegmentFit::tryLine(double base, double slope, double limit,
                         std::vector<SegmentLine> &lines) const {
  const auto toInt16 = [](double value) {
    return static_cast<int16_t>(std::clamp(value, -32768.0, 32767.0));
  };
  const PwlTable::Entry entry{toInt16(base), toInt16(slope)};
  for (const SegmentLine &line : lines)
    if (line.entry == entry)
      return;
  SegmentLine line = score(entry, limit);
  if (line.worst <= limit)
    lines.push_back(line);
}

SegmentLine SegmentFit::quickLine() const {
  const double baseUnit = std::ldexp(1.0, format.p);
  const double unit = std::ldexp(1.0, format.s);
  std::vector<SegmentLine> found;
  SegmentLine best;
  best.worst = infinity;
  if (flat) {
    tryLine(std::floor(freeIntercept * baseUnit + 0.5), 0.0, infinity, found);
    return found.front();
  }
  const double middle = std::floor(freeIntercept * baseUnit + 0.5);
  for (const int offset : {0, -1, 1}) {
    const double base = middle + offset;
    const double slope = std::floor(unit * slopeThrough(base / baseUnit) + 0.5);
    for (const int step : {0, -1, 1}) {
      found.clear();
      tryLine(base, slope + step, best.worst, found);
      if (!found.empty() && found.front().betterThan(best))
        best = found.front();
    }
  }
  return best;
}

std::vector<SegmentLine> SegmentFit::lines(double limit) const {
  const double baseUnit = std::ldexp(1.0, format.p);
  const double unit = std::ldexp(1.0, format.s);
  std::vector<SegmentLine> found;
  const auto around = [&](double intercept, double slopeShift) {
    const double middle = std::floor(intercept * baseUnit + 0.5);
    for (const int offset : {0, -1, 1, -2, 2}) {
      const double base = middle + offset;
      const double through = slopeThrough(base / baseUnit) + slopeShift;
      const double slope = std::floor(unit * through + 0.5);
      for (const int step : {0, -1, 1, -2, 2, -3, 3})
        tryLine(base, slope + step, limit, found);
    }
  };
  if (flat) {
    tryLine(std::floor(freeIntercept * baseUnit + 0.5), 0.0, infinity, found);
    return found;
  }
  around(freeIntercept, 0.0);
  around(squaresIntercept, 0.0);
  // The line of least squares itself.
  const double base = std::floor(squaresIntercept * baseUnit + 0.5);
  const double slope = std::floor(unit * squaresSlope + 0.5);
  for (const int offset : {0, -1, 1})
    for (const int step : {0, -1, 1})
      tryLine(base + offset, slope + step, limit, found);
  // Where the bound is coarse, lines of neighbours may end far from each other.
  // Those through common points of the edges, off the function by the same
  // share of the bound, meet.
  if (limit > 1.0 && begin == 0 &&
      static_cast<int64_t>(target.size()) == length) {
    constexpr int shares = 4;
    const double last = target.back(),
                 step = last - target[length - 2 + (length == 1)];
    for (int a = -shares; a <= shares; ++a)
      for (int b = -shares; b <= shares; ++b) {
        const double from = target.front() + limit * a / shares;
        const double to = last + step + limit * b / shares;
        const double slope = (to - from) / static_cast<double>(length);
        if (upper.extreme(slope) - from <= limit &&
            from - lower.extreme(slope) <= limit)
          tryLine(std::floor(from * baseUnit + 0.5),
                  std::floor(unit * slope + 0.5), limit, found);
      }
  }
  if (found.empty())
    found.push_back(quickLine());
  std::sort(found.begin(), found.end(),
            [](const SegmentLine &a, const SegmentLine &b) {
              const auto key = [](const SegmentLine &line) {
                return std::tuple(line.squares, line.entry.base,
                                  line.entry.slope);
              };
              return key(a) < key(b);
            });
  return found;
}
