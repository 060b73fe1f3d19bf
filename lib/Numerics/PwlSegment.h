// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lines that one segment of a table can have. A line is an integer base
// with p fractional bits and an integer slope with s of them, so the best real
// line is only where the search starts: the lines around it are tried with the
// very arithmetic of A-PWL-3 and A-PWL-6 over all inputs of the segment.
//
// The real line with the least worst distance runs half way between two
// parallel lines that enclose the points of the function. They touch its
// convex hull, which is built once in linear time; the extremes of the
// function above any slope are then found on it by bisection.
//
#ifndef HCGS_LIB_NUMERICS_PWLSEGMENT_H
#define HCGS_LIB_NUMERICS_PWLSEGMENT_H

#include "PwlTarget.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hcgs::numerics {

/// The numbers that all lines of a table share.
struct LineFormat {
  int s = 0;
  int p = 0;
  FxFormat output;
  std::optional<int32_t> centre; // of a mirrored table
  /// Errors are counted without what no code can help: the distance from the
  /// function to the range of the output.
  bool excessOnly = false;

  /// The error of the code y where `wanted` is the function, in output LSBs.
  double distance(double y, double wanted) const {
    const double error = std::fabs(y - wanted);
    if (!excessOnly)
      return error;
    return error -
           std::max({0.0, wanted - static_cast<double>(output.maxCode()),
                     static_cast<double>(output.minCode()) - wanted});
  }
};

/// One line of a segment, and how good it is.
struct SegmentLine {
  PwlTable::Entry entry;
  double worst = 0.0;   // distance, of both halves if mirrored
  double squares = 0.0; // sum of squared distances
  /// Values of the line, saturated: one input before the segment, at its first
  /// and last input, one input behind.
  int32_t before = 0, first = 0, last = 0, behind = 0;

  bool betterThan(const SegmentLine &other) const {
    return worst != other.worst ? worst < other.worst : squares < other.squares;
  }
};

class SegmentFit {
public:
  /// Fits lines to the function at the inputs z, z + 1, ... of a segment of
  /// `length` inputs (those that exist; at least one must). `skip` inputs at
  /// the start are given up.
  SegmentFit(const PwlTarget &target, const LineFormat &format, int64_t z,
             int64_t length, int skip = 0);

  /// The least worst distance that a real line has, without any rounding.
  double realError() const { return freeError; }
  /// A good line, found with few trials.
  SegmentLine quickLine() const;
  /// Lines with a worst distance up to `limit`, the best first; the best one if
  /// there is none.
  std::vector<SegmentLine> lines(double limit) const;

private:
  struct Point {
    double d, t;
  };
  /// Half a convex hull: the extremes of t - slope*d for any slope.
  struct Hull {
    std::vector<Point> points;
    bool upper;
    void add(Point point);
    const Point &touch(double slope) const;
    double extreme(double slope) const {
      const Point &point = touch(slope);
      return point.t - slope * point.d;
    }
  };

  bool isSaturated(double value) const {
    return !format.centre && (value < low || value > high);
  }
  void fitFreely();
  double slopeThrough(double base) const;
  double leastSquaresSlope(double base) const;
  void tryLine(double base, double slope, double limit,
               std::vector<SegmentLine> &lines) const;
  SegmentLine score(PwlTable::Entry entry, double limit) const;

  const LineFormat &format;
  std::span<const double> target; // from d = begin on
  int64_t begin;                  // the first d that exists
  int64_t length;
  int64_t skip;
  bool limited; // the function leaves the output format
  bool pinned;  // y(0) of a mirrored table is half its centre
  double low, high;
  Hull upper, lower;
  double flattest = 0.0, steepest = 0.0; // least and largest slope of interest
  double freeSlope = 0.0, freeIntercept = 0.0, freeError = 0.0;
  double squaresSlope = 0.0, squaresIntercept = 0.0;
  bool flat = false; // saturated throughout: any line with freeIntercept
};

} // namespace hcgs::numerics

#endif // HCGS_LIB_NUMERICS_PWLSEGMENT_H
