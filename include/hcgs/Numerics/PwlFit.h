// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables of functions. Two questions can be asked: the best table with at most
// so many entries, or the cheapest table whose worst error is at most so many
// output LSBs; both at once is the second question with the limit of the first.
//
// How it is done. The function is computed once for all 65,536 inputs. For a
// bound on the error, each region of a two-level table takes the fewest
// segments with which every one of them keeps the bound (PwlSegment.h finds the
// lines); all widths of regions are compared. The best bound for a number of
// entries is found by bisection. Then every segment offers all its lines that
// keep the bound, and one pass over the segments from left to right (dynamic
// programming) takes those that together rise where the function rises, differ
// by at most one LSB at their edges, and have the least sum of squared errors,
// in this order.
//
// A function with f(-z) = c - f(z) whose values the format holds to within one
// LSB gets a mirrored table. Where a function jumps, the regions of a two-level
// table are shifted so that the jump lies on an edge of a segment (one jump, or
// several whose distances allow it).
//
#ifndef HCGS_NUMERICS_PWLFIT_H
#define HCGS_NUMERICS_PWLFIT_H

#include "hcgs/Numerics/ActivationFunction.h"
#include "hcgs/Numerics/PwlTable.h"

namespace hcgs::numerics {

enum class PwlChoice : uint8_t {
  Auto,     // the kind with fewer bytes for the same error
  Uniform,  // 2^n segments of one size
  TwoLevel, // regions with segments of their own size
};

struct PwlRequest {
  PwlChoice kind = PwlChoice::Auto;
  int maxEntries = 128;  // 1..512
  double maxError = 0.0; // in output LSBs; 0: the least there is
};

struct FittedPwl {
  PwlTable table;
  PwlProof proof;
};

/// The table that `request` asks for, for z of fx<16, inFrac> and y of `output`
/// (2..16 bits). The function must be finite on the range of z. An error that
/// cannot be kept is an error, which says what the best is.
Result<FittedPwl> choosePwl(const RealFunction &function, int inFrac,
                            FxFormat output, const PwlRequest &request = {});
Result<FittedPwl> choosePwl(const Activation &function, int inFrac,
                            FxFormat output, const PwlRequest &request = {});

struct PwlOptions {
  int segmentsLog2 = 8; // n: 0..9
  int domainLog2 = 15;  // k: 0..15
};

/// The uniform table of just these parameters.
Result<PwlTable> fitPwl(const RealFunction &function, int inFrac,
                        FxFormat output, PwlOptions options = {});
Result<PwlTable> fitPwl(const Activation &function, int inFrac, FxFormat output,
                        PwlOptions options = {});

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_PWLFIT_H
