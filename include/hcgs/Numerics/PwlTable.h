// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Piecewise-linear activation tables: docs/Spec/Arithmetic.md, A-PWL. The
// domain [-2^k, 2^k) of input codes is cut into 2^n equal segments; in each
//
//   y = sat_b(base + ((slope*d + r) >> s)),   d = distance from its start.
//
// Fitting. Within a segment the table's line has an integer at its start and a
// slope of s fractional bits. The real line with the least worst distance is
// found first (a convex problem of one unknown, the slope); then the integers
// around its value at the start, each with the real slope that is best for it
// and the integer slopes around that, are tried with the very integer
// arithmetic of A-PWL-3 over all inputs of the segment. The pair with the least
// worst error is kept (of equal ones the one with the smaller squared error,
// then the first tried). Segments do not have to join: joining them would cost
// accuracy and buys nothing. Where the function jumps just behind a segment's
// first input (thresholds), that input is given up.
//
#ifndef HCGS_NUMERICS_PWLTABLE_H
#define HCGS_NUMERICS_PWLTABLE_H

#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/FixedPoint.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace hcgs::numerics {

struct PwlTable {
  struct Entry {
    int16_t base = 0;
    int16_t slope = 0;
    friend bool operator==(const Entry &, const Entry &) = default;
  };

  int k = 15;      // log2 of half the domain, in input codes: 0..15
  int n = 8;       // log2 of the number of segments: 0..9, n <= k + 1
  int s = 0;       // shift of the slope: 0..31
  int b = 16;      // output width: 2..16
  int16_t lo = 0;  // below the domain
  int16_t hi = 0;  // above the domain
  int inFrac = 0;  // fractional bits of z
  int outFrac = 0; // fractional bits of y
  std::vector<Entry> entries; // 2^n

  FxFormat input() const { return {16, inFrac}; }
  FxFormat output() const { return {b, outFrac}; }

  /// A-PWL-2, A-PWL-3: the output code for the input code z.
  int16_t evaluate(int16_t z) const;
  /// A-PWL-5: whether evaluate saturates in A-PWL-3.
  bool saturates(int16_t z) const;

  friend bool operator==(const PwlTable &, const PwlTable &) = default;

private:
  int64_t unsaturated(int16_t z) const;
};

/// The checks of "Piecewise-linear tables": parameters in range, lo and hi fit
/// b bits, 2^n entries.
Result<void> verify(const PwlTable &table);

struct PwlOptions {
  int segmentsLog2 = 8; // n: 0..9
  int domainLog2 = 15;  // k: 0..15
};

using RealFunction = std::function<double(double)>;

/// Fits a table for z of fx<16, inFrac> and y of `output` (2..16 bits). The
/// function must be finite on the range of z.
Result<PwlTable> fitPwl(const RealFunction &function, int inFrac,
                        FxFormat output, PwlOptions options = {});
Result<PwlTable> fitPwl(const Activation &function, int inFrac, FxFormat output,
                        PwlOptions options = {});

/// A-PWL-4: the worst distance, in output LSBs, between the table and the real
/// function of the value of z over all 65,536 inputs.
struct PwlError {
  double worst = 0.0;
  int16_t at = 0; // the (lowest) input code where it is
};
PwlError worstError(const PwlTable &table, const RealFunction &function);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_PWLTABLE_H
