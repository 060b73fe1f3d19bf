// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a table has to come close to: the function at every one of the 65,536
// inputs, in LSBs of the output, and the properties of it that tables use.
//
#ifndef HCGS_LIB_NUMERICS_PWLTARGET_H
#define HCGS_LIB_NUMERICS_PWLTARGET_H

#include "hcgs/Numerics/PwlTable.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace hcgs::numerics {

class PwlTarget {
public:
  PwlTarget(const RealFunction &function, int inFrac, FxFormat output);

  /// The function at input code z (-32768..32767), in output LSBs.
  double at(int32_t z) const { return values[z + 32768]; }
  const double *from(int32_t z) const { return values.data() + z + 32768; }
  /// The same limited to the output format, if it leaves that by more than one
  /// LSB: what a table can give.
  double wanted(int32_t z) const {
    return limited ? std::clamp(at(z), low, high) : at(z);
  }
  /// Whether the function leaves the format by more than one LSB.
  bool leavesFormat() const { return limited; }
  int inputFrac() const { return inFrac; }
  FxFormat format() const { return output; }

  /// The lowest input at which the function is not finite.
  std::optional<int32_t> notFinite() const;
  /// Whether the function jumps between z - 1 and z: its step there is large
  /// beside both neighbouring ones.
  bool jumpsAt(int32_t z) const;
  /// The inputs at which it jumps, rising; at most the first 16.
  std::vector<int32_t> jumps() const;
  /// The code c for which f(-z) = c - f(z) at all z, if there is one.
  std::optional<int32_t> symmetry() const;

private:
  int inFrac;
  FxFormat output;
  double low, high; // of the output, in codes
  bool limited = false;
  std::vector<double> values;
};

PwlProof prove(const PwlTable &table, const PwlTarget &target);

} // namespace hcgs::numerics

#endif // HCGS_LIB_NUMERICS_PWLTARGET_H
