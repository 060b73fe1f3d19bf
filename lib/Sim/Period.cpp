// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Period.h"

#include <algorithm>
#include <utility>

using namespace hcgs;
using namespace hcgs::sim;

/// The same of two accesses, without the limits of addresses.
static uint64_t steadyPair(const ExtAccess &a, const ExtAccess &b,
                           int64_t strideA, int64_t strideB, uint64_t most) {
  if (strideA == strideB || a.begin >= a.end || b.begin >= b.end)
    return most;
  // Seen from b, a moves forwards.
  if (strideA < strideB)
    return steadyPair(b, a, strideB, strideA, most);
  const int64_t step = strideA - strideB;
  // They overlap while low < at < high.
  const int64_t at = a.begin - b.begin;
  const int64_t low = a.begin - a.end, high = b.end - b.begin;
  if (at >= high)
    return most;
  int64_t change; // the first period in which it is otherwise
  if (at > low) {
    if (a.hull || b.hull)
      return 0;
    change = (high - at + step - 1) / step;
  } else {
    change = (low - at) / step + 1;
    if (at + change * step >= high)
      return most; // jumps over it
  }
  return std::min(most, static_cast<uint64_t>(change - 1));
}

uint64_t sim::steadyPeriods(std::span<const ExtAccess> accesses,
                            const Strides &strides, uint64_t most) {
  constexpr int64_t kLimit = int64_t(1) << 31;
  for (const ExtAccess &access : accesses) {
    if (access.begin < 0 || access.end > kLimit)
      return 0;
    const int64_t stride = strides[access.reg];
    const int64_t room = stride < 0 ? access.begin : kLimit - access.end;
    if (stride != 0)
      most = std::min(
          most, static_cast<uint64_t>(room / (stride < 0 ? -stride : stride)));
  }
  for (size_t i = 0; i < accesses.size() && most > 0; ++i) {
    if (!accesses[i].write)
      continue;
    for (size_t j = 0; j < accesses.size() && most > 0; ++j)
      if (!accesses[j].write || i < j)
        most = steadyPair(accesses[i], accesses[j], strides[accesses[i].reg],
                          strides[accesses[j].reg], most);
  }
  return most;
}
