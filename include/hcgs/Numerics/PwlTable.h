// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Piecewise-linear activation tables and what they compute, bit by bit:
// docs/Spec/Arithmetic.md, A-PWL. Why there are two kinds, and what each costs,
// is in docs/Rationale/Tables.md; PwlFit.h makes tables of functions.
//
// A *uniform* table cuts the domain [-2^k, 2^k) of input codes into 2^n equal
// segments; in each
//
//   y = sat_b(base + ((slope*d + r) >> s)),   d = distance from its start.
//
// A *two-level* table cuts its domain into equal regions of 2^w codes, and each
// region into 2^bits equal segments, `bits` being the region's own. A directory
// gives for each region the first of its entries and `bits`; regions may share
// entries. Bases have p fractional bits. A mirrored table covers z >= 0 only:
// the other half is y(-z) = centre - y(z).
//
//   region 0, bits 2    region 1, bits 1   region 2, bits 0
//   |---|---|---|---|   |-------|-------|  |---------------|
//   e0  e1  e2  e3      e4      e5         e6
//
#ifndef HCGS_NUMERICS_PWLTABLE_H
#define HCGS_NUMERICS_PWLTABLE_H

#include "hcgs/Numerics/FixedPoint.h"
#include "hcgs/Support/Result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace hcgs::numerics {

/// The numbers are those of the program file (PF-4).
enum class PwlKind : uint8_t { Uniform = 0, TwoLevel = 1 };

/// "uniform", "two-level".
std::string_view pwlKindName(PwlKind kind);

/// Most entries of a table, and most regions of a two-level one.
inline constexpr int maxPwlEntries = 512;
inline constexpr int maxPwlRegions = 64;

struct PwlTable {
  struct Entry {
    int16_t base = 0;
    int16_t slope = 0;
    friend bool operator==(const Entry &, const Entry &) = default;
  };
  /// One directory entry of a two-level table.
  struct Region {
    uint16_t first = 0; // entry of the region's first segment
    uint8_t bits = 0;   // log2 of the number of its segments
    friend bool operator==(const Region &, const Region &) = default;
  };

  PwlKind kind = PwlKind::Uniform;
  int s = 0;       // shift of the slope: 0..31
  int b = 16;      // output width: 2..16
  int16_t lo = 0;  // below the domain
  int16_t hi = 0;  // above the domain
  int inFrac = 0;  // fractional bits of z
  int outFrac = 0; // fractional bits of y
  std::vector<Entry> entries;

  // Uniform tables.
  int k = 15; // log2 of half the domain, in input codes: 0..15
  int n = 8;  // log2 of the number of segments: 0..9, n <= k + 1

  // Two-level tables.
  int w = 0;                     // log2 of the inputs of a region: 0..16
  int p = 0;                     // fractional bits of bases: 0..15, p <= s
  int32_t origin = 0;            // first input of the domain; 0 if mirrored
  std::optional<int32_t> centre; // of a mirrored table
  std::vector<Region> directory; // 1..64 regions

  FxFormat input() const { return {16, inFrac}; }
  FxFormat output() const { return {b, outFrac}; }

  /// A-PWL-2, A-PWL-3, A-PWL-6: the output code for the input code z.
  int16_t evaluate(int16_t z) const;
  /// A-PWL-5: whether evaluate saturates in a way that counts.
  bool saturates(int16_t z) const;

  /// Bytes in the program file: head, directory and entries (PF-4).
  int64_t bytes() const {
    return 32 + 4 * static_cast<int64_t>(directory.size() + entries.size());
  }

  friend bool operator==(const PwlTable &, const PwlTable &) = default;

private:
  /// y before it is saturated; nothing outside the domain.
  std::optional<int64_t> unsaturated(int16_t z) const;
};

/// The checks of "Piecewise-linear tables": parameters in range, lo and hi fit
/// b bits, 2^n entries, directories that name existing entries.
Result<void> verify(const PwlTable &table);

/// A run of inputs on which a table is one line:
///
///   y = sat_b((intercept + slope*z) >> s),   first <= z <= last,
///
/// with the table's s and b. Outside the domain the line is flat.
struct PwlPiece {
  int32_t first = 0, last = 0;
  int64_t intercept = 0;
  int32_t slope = 0;

  /// The value of the line at any z, before saturation.
  int64_t at(int64_t z, int s) const { return (intercept + slope * z) >> s; }
};

/// The pieces of a table that verify accepts, from z = -32768 to 32767 without
/// gaps. What a table computes, without the kind it has.
std::vector<PwlPiece> pieces(const PwlTable &table);

using RealFunction = std::function<double(double)>;

/// A-PWL-4: the worst distance, in output LSBs, between the table and the real
/// function of the value of z over all 65,536 inputs.
struct PwlError {
  double worst = 0.0;
  int16_t at = 0; // the (lowest) input code where it is
};
PwlError worstError(const PwlTable &table, const RealFunction &function);

/// y(-z) = centre - y(z).
enum class PwlSymmetry : uint8_t {
  None,     // the function has none, or the table does not follow it
  Exact,    // for every z, saturation apart (A-PWL-6)
  WithinOne // but for differences of one output LSB
};
/// "none", "exact", "within 1 LSB".
std::string_view pwlSymmetryName(PwlSymmetry symmetry);

/// What is proved of a table by looking at all inputs.
struct PwlProof {
  PwlError error;
  /// The same against the function limited to the output format, if it leaves
  /// that by more than one LSB; else `error`. What a table can be blamed for.
  PwlError inRange;
  double meanSquare = 0.0; // of the error in range, over all inputs
  /// The largest difference, in output LSBs, of two neighbouring pieces at
  /// their common edge, each line carried on by one input. Edges where the
  /// function itself jumps do not count.
  int64_t jump = 0;
  int16_t jumpAt = 0; // the first input of the right piece
  /// Whether the table rises (falls) wherever the function does; false if the
  /// function does both.
  bool monotone = false;
  PwlSymmetry symmetry = PwlSymmetry::None;
};
PwlProof prove(const PwlTable &table, const RealFunction &function);

} // namespace hcgs::numerics

#endif // HCGS_NUMERICS_PWLTABLE_H
