// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of the instructions on plain arrays, vectorised for whatever
// the processor offers (chosen at run time). Each kernel gives exactly the
// integers of docs/Spec/Arithmetic.md, wrap-around included; addresses, rings
// and bounds are the machine's business (Machine.h).
//
// Operands are contiguous and do not overlap unless they are the same range.
//
#ifndef HCGS_SIM_KERNELS_H
#define HCGS_SIM_KERNELS_H

#include "hcgs/Numerics/PwlTable.h"
#include "hcgs/Sim/PackedMatrix.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hcgs::sim {

/// A table in the form `act` works with, whatever its kind.
///
/// The inputs are cut into equal cells, so small that each lies on one line of
/// the table (numerics::pieces); a cell holds the line as intercept and slope,
/// which one 64-bit load reads, and y = (intercept + slope*z) >> s. A few
/// kilobytes stay in the first-level cache. Expanding tables to all 65,536
/// outputs saves arithmetic, but two such tables and the weights of a 2x512
/// network no longer fit a second-level cache of 512 KiB together, and then
/// both are slower. It is done only for tables with very small cells, or with
/// sums that need more than 32 bits.
struct ActTable {
  /// Takes a table that numerics::verify has accepted.
  explicit ActTable(const numerics::PwlTable &table);

  /// The line of a cell, modulo 2^32: only its values fit 32 bits.
  struct Cell {
    int32_t intercept = 0, slope = 0;
  };
  /// Input z belongs to cell (z - lowest) >> width. Those of mirrored tables
  /// are mirrored too, the left half being cut behind each multiple of 2^width
  /// instead of before it: there it is (z - 1 - lowest) >> width.
  std::vector<Cell> cells;
  int32_t lowest = 0;
  int width = 0;
  bool mirrored = false;

  int s = 0, b = 16;
  /// No output saturates.
  bool plain = false;

  /// For tables that are expanded: the output for every input z, at index
  /// z + 32768, and a bit there for what saturates in A-PWL-5.
  std::vector<int16_t> outputs;
  std::vector<uint64_t> saturates;

private:
  bool makeCells(const numerics::PwlTable &table);
};

/// Saturations of one `act` (A-PWL-5).
struct ActCounts {
  uint64_t z = 0; // of the input
  uint64_t y = 0; // of the output
};

/// The kernels for this processor; best() chooses them once.
struct Kernels {
  /// I-MVM for the groups [first, last) of `matrix`. `x` is the input vector,
  /// readable for kColumnPadding elements past its end; `out` is the place of
  /// accumulator 0 of the whole matrix (only the groups' own places are
  /// touched); `start` is laid out like `out`, or null for zero. `laneShifts`
  /// are PackedMatrix::laneShifts of the instruction.
  void (*mvm)(const PackedMatrix &matrix, size_t first, size_t last,
              const int16_t *x, int32_t *out, const int32_t *start,
              const int32_t *laneShifts);

  /// I-ACT.
  ActCounts (*act)(int16_t *out, const int32_t *in, size_t n, int shift,
                   const ActTable &table);

  /// I-REQUANT; returns the number of saturations (A-RQ-2).
  uint64_t (*requant)(int16_t *out, const int32_t *in, size_t n, int shift,
                      int bits);

  /// I-VMAC; `accumulate` is init = acc.
  void (*vmac)(int32_t *out, const int16_t *a, const int16_t *b, size_t n,
               int lshift, bool accumulate);

  /// I-VACC; `accumulate` is init = acc.
  void (*vacc)(int32_t *out, const int16_t *in, size_t n, int lshift,
               bool accumulate);

  /// A-FX-3 for float32 values and a format of at most 16 bits: what
  /// numerics::toCode gives. Returns the index of the first value that is not
  /// finite (L-IO-4), -1 without one.
  int64_t (*quantise)(int16_t *out, const float *in, size_t n,
                      numerics::FxFormat format);

  /// The instruction set: "AVX2", say.
  const char *name;

  static const Kernels &best();
  /// All sets this processor can run, the best first; for tests.
  static std::vector<Kernels> all();
};

} // namespace hcgs::sim

#endif // HCGS_SIM_KERNELS_H
