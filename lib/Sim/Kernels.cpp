// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// This file is compiled once for each instruction set by Highway's
// foreach_target.h; the part under HWY_ONCE chooses between them at run time.
//
// Scalable vectors (SVE, RISC-V) are left out: accumulators are arrays of
// vectors, which those types cannot form.
//
#include "hcgs/Sim/Kernels.h"

#define HWY_DISABLED_TARGETS                                                   \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "Kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace hcgs::sim::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

//===----------------------------------------------------------------------===//
// Matrix times vector
//===----------------------------------------------------------------------===//

/// Adds the P lanes of a group, shifted, into their places.
template <size_t P>
HWY_INLINE void place(const PackedMatrix::Shape &shape, const int32_t *lanes,
                      int32_t *out, const int32_t *start) {
  if (HWY_LIKELY(shape.quads)) {
    const hn::CappedTag<int32_t, 4> d;
    if (start)
      for (size_t quad = 0; quad < P / 4; ++quad) {
        const uint32_t offset = shape.quadOffsets[quad];
        hn::StoreU(hn::Add(hn::LoadU(d, lanes + 4 * quad),
                           hn::LoadU(d, start + offset)),
                   d, out + offset);
      }
    else
      for (size_t quad = 0; quad < P / 4; ++quad)
        hn::StoreU(hn::LoadU(d, lanes + 4 * quad), d,
                   out + shape.quadOffsets[quad]);
    return;
  }
  for (const PackedMatrix::Piece &piece : shape.pieces)
    for (uint32_t i = 0; i < piece.count; ++i) {
      uint32_t sum = static_cast<uint32_t>(lanes[piece.lane + i]);
      if (start)
        sum += static_cast<uint32_t>(start[piece.offset + i]);
      out[piece.offset + i] = static_cast<int32_t>(sum);
    }
}

template <class D16>
HWY_INLINE hn::Vec<D16> loadWeights(D16 d, const int16_t *weights) {
  return hn::LoadU(d, weights);
}
template <class D16>
HWY_INLINE hn::Vec<D16> loadWeights(D16 d, const int8_t *weights) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<int8_t, D16>(), weights));
}

/// One group of P lanes (padded): sum over its entries, shift, add.
template <size_t P, size_t entryColumns, typename Weight>
HWY_INLINE void group(const PackedMatrix::Shape &shape, const uint32_t *entries,
                      size_t count, const Weight *weights, const int16_t *x,
                      int32_t *out, const int32_t *start,
                      const int32_t *laneShifts) {
  const hn::CappedTag<int32_t, P> d;
  const hn::Repartition<int16_t, decltype(d)> d16;
  using V = hn::Vec<decltype(d)>;
  constexpr size_t N = hn::MaxLanes(d);
  constexpr size_t vectors = P / N;
  V sum[vectors], odd[vectors];
  for (size_t v = 0; v < vectors; ++v)
    sum[v] = odd[v] = hn::Zero(d);
  for (size_t entry = 0; entry < count; ++entry) {
    const int16_t *columns = x + entries[entry];
    for (size_t pair = 0; pair < entryColumns; pair += 2) {
      int32_t two;
      std::memcpy(&two, columns + pair, sizeof(two));
      const auto input = hn::BitCast(d16, hn::Set(d, two));
      for (size_t v = 0; v < vectors; ++v)
        sum[v] = hn::ReorderWidenMulAccumulate(
            d, loadWeights(d16, weights + v * 2 * N), input, sum[v], odd[v]);
      weights += 2 * P;
    }
  }
  HWY_ALIGN int32_t lanes[P];
  for (size_t v = 0; v < vectors; ++v) {
    const V total = hn::RearrangeToOddPlusEven(sum[v], odd[v]);
    const V shifted = hn::Shl(total, hn::LoadU(d, laneShifts + v * N));
    if (shape.contiguous) {
      const V old = start ? hn::LoadU(d, start + v * N) : hn::Zero(d);
      hn::StoreU(hn::Add(old, shifted), d, out + v * N);
    } else {
      hn::Store(shifted, d, lanes + v * N);
    }
  }
  if (!shape.contiguous)
    place<P>(shape, lanes, out, start);
}

template <size_t entryColumns, typename Weight>
HWY_INLINE void groups(const PackedMatrix &matrix, size_t first, size_t last,
                       const Weight *weights, const int16_t *x, int32_t *out,
                       const int32_t *start, const int32_t *laneShifts) {
  const PackedMatrix::Group *all = matrix.groups().data();
  const PackedMatrix::Shape *shapes = matrix.shapes().data();
  const uint32_t *entries = matrix.entries().data();
  for (size_t i = first; i < last; ++i) {
    const PackedMatrix::Group &g = all[i];
    const PackedMatrix::Shape &shape = shapes[g.shape];
    const int32_t *shifts = laneShifts + g.shape * kMaxLanes;
    const int32_t *begin = start ? start + g.base : nullptr;
    auto run = [&]<size_t P>(std::integral_constant<size_t, P>) HWY_ATTR {
      group<P, entryColumns>(shape, entries + g.entry, g.entries,
                             weights + g.weight, x, out + g.base, begin,
                             shifts);
    };
    switch (shape.lanes) {
    case 4:
      run(std::integral_constant<size_t, 4>());
      break;
    case 8:
      run(std::integral_constant<size_t, 8>());
      break;
    case 16:
      run(std::integral_constant<size_t, 16>());
      break;
    default:
      run(std::integral_constant<size_t, 32>());
      break;
    }
  }
}

void mvm(const PackedMatrix &matrix, size_t first, size_t last,
         const int16_t *x, int32_t *out, const int32_t *start,
         const int32_t *laneShifts) {
  const bool fours = matrix.entryColumns() == 4;
  if (matrix.isNarrow()) {
    const int8_t *weights = matrix.narrowWeights();
    if (fours)
      groups<4>(matrix, first, last, weights, x, out, start, laneShifts);
    else
      groups<2>(matrix, first, last, weights, x, out, start, laneShifts);
  } else {
    const int16_t *weights = matrix.wideWeights();
    if (fours)
      groups<4>(matrix, first, last, weights, x, out, start, laneShifts);
    else
      groups<2>(matrix, first, last, weights, x, out, start, laneShifts);
  }
}

//===----------------------------------------------------------------------===//
// Requantising
//===----------------------------------------------------------------------===//

/// A-RQ-1 on vectors, with the constants of one instruction. The saturated
/// value fits 16 bits. Two classes, so that a loop holds only the constants of
/// its own direction.
template <class D>
class ShiftRight {
public:
  using V = hn::Vec<D>;

  HWY_INLINE ShiftRight(D d, int shift, int bits) {
    const int32_t high = (1 << (bits - 1)) - 1;
    max = hn::Set(d, high);
    min = hn::Set(d, -high - 1);
    right = hn::Set(d, shift);
    half = hn::Set(d, shift - 1);
    one = hn::Set(d, 1);
  }

  /// Requantises `a`; lanes that saturate are -1 in `saturated`, others 0.
  HWY_INLINE V operator()(D d, V a, V &saturated) const {
    // (a + 2^(s-1)) >> s without a 33rd bit: the bit below the result is what
    // the half adds.
    const V rounded =
        hn::Add(hn::Shr(a, right), hn::And(hn::Shr(a, half), one));
    const V y = hn::Min(hn::Max(rounded, min), max);
    saturated = hn::VecFromMask(d, hn::Ne(y, rounded));
    return y;
  }

private:
  V max, min, right, half, one;
};

template <class D>
class ShiftLeft {
public:
  using V = hn::Vec<D>;

  HWY_INLINE ShiftLeft(D d, int shift, int bits) {
    const int32_t high = (1 << (bits - 1)) - 1;
    max = hn::Set(d, high);
    min = hn::Set(d, -high - 1);
    left = hn::Set(d, -shift);
    // a * 2^-s saturates exactly if a leaves [min / 2^-s, max / 2^-s], the
    // quotients rounded towards zero (A-RQ-1, s <= 0).
    highest = hn::Set(d, high >> -shift);
    lowest = hn::Set(d, -((high + 1) >> -shift));
  }

  HWY_INLINE V operator()(D d, V a, V &saturated) const {
    const V c = hn::Min(hn::Max(a, lowest), highest);
    const auto over = hn::Ne(c, a);
    saturated = hn::VecFromMask(d, over);
    const V limit = hn::IfThenElse(hn::Lt(a, hn::Zero(d)), min, max);
    return hn::IfThenElse(over, limit, hn::Shl(c, left));
  }

private:
  V max, min, left, highest, lowest;
};

template <class D>
HWY_INLINE uint64_t countLanes(D d, hn::Vec<D> negativeCounts) {
  return static_cast<uint64_t>(
      -static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(d, negativeCounts))));
}

/// Elements done between two readings of a 32-bit count of saturations.
constexpr size_t kCountChunk = size_t(1) << 24;

/// Requantises `n` elements of `in` into `out`, n below kCountChunk.
template <template <class> class Requantizer>
HWY_INLINE uint64_t requantChunk(int16_t *HWY_RESTRICT out,
                                 const int32_t *HWY_RESTRICT in, size_t n,
                                 int shift, int bits) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const size_t N = hn::Lanes(d);
  const Requantizer<decltype(d)> requantize(d, shift, bits);
  auto count = hn::Zero(d), saturated = count;
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto y = requantize(d, hn::LoadU(d, in + i), saturated);
    count = hn::Add(count, saturated);
    hn::StoreU(hn::DemoteTo(d16, y), d16, out + i);
  }
  uint64_t total = 0;
  if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Ne(count, hn::Zero(d)))))
    total = countLanes(d, count);
  if (i < n) {
    HWY_ALIGN int32_t rest[hn::MaxLanes(d)] = {};
    HWY_ALIGN int16_t result[hn::MaxLanes(d)];
    std::memcpy(rest, in + i, (n - i) * sizeof(int32_t));
    // Lanes of zero never saturate.
    const auto y = requantize(d, hn::Load(d, rest), saturated);
    hn::StoreU(hn::DemoteTo(d16, y), d16, result);
    std::memcpy(out + i, result, (n - i) * sizeof(int16_t));
    total += countLanes(d, saturated);
  }
  return total;
}

uint64_t requant(int16_t *out, const int32_t *in, size_t n, int shift,
                 int bits) {
  uint64_t total = 0;
  for (size_t i = 0; i < n; i += kCountChunk)
    total += shift > 0 ? requantChunk<ShiftRight>(out + i, in + i,
                                                  std::min(kCountChunk, n - i),
                                                  shift, bits)
                       : requantChunk<ShiftLeft>(out + i, in + i,
                                                 std::min(kCountChunk, n - i),
                                                 shift, bits);
  return total;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// A-PWL-2, A-PWL-3, A-PWL-6 for a table that is made of cells, in chunks: the
/// cell of every element, then its line, then its value. Lines are fetched one
/// by one; gathering vectors of them is no faster where processors have it.
template <template <class> class Requantizer, bool plain>
HWY_INLINE ActCounts actLines(int16_t *HWY_RESTRICT out,
                              const int32_t *HWY_RESTRICT in, size_t n,
                              int shift, const ActTable &table) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  constexpr size_t N = hn::MaxLanes(d);
  constexpr size_t kChunk = 256;
  static_assert(kChunk % N == 0 &&
                sizeof(ActTable::Cell) == 2 * sizeof(int32_t));
  HWY_ALIGN int32_t z[kChunk], cell[kChunk], lines[2 * kChunk];
  HWY_ALIGN int16_t result[N];

  const Requantizer<decltype(d)> requantize(d, shift, 16);
  const auto lowest = hn::Set(d, table.lowest);
  const auto width = hn::Set(d, table.width);
  const auto left = hn::Set(d, table.mirrored ? -1 : 0);
  const auto right = hn::Set(d, table.s);
  const auto max = hn::Set(d, (1 << (table.b - 1)) - 1);
  const auto min = hn::Set(d, -(1 << (table.b - 1)));
  const auto harmless = hn::Set(d, table.mirrored ? 1 : 0);
  const ActTable::Cell *cells = table.cells.data();
  auto zCount = hn::Zero(d), yCount = hn::Zero(d);
  ActCounts counts;

  for (size_t i = 0; i < n; i += kChunk) {
    const size_t size = std::min(kChunk, n - i);
    const size_t padded = (size + N - 1) / N * N;
    const int32_t *from = in + i;
    if (HWY_UNLIKELY(padded != size)) {
      // Zeros behind the end; they never saturate as inputs.
      std::memcpy(z, from, size * sizeof(int32_t));
      std::memset(z + size, 0, (padded - size) * sizeof(int32_t));
      from = z;
    }
    for (size_t j = 0; j < padded; j += N) {
      auto saturated = hn::Zero(d);
      const auto code = requantize(d, hn::LoadU(d, from + j), saturated);
      zCount = hn::Add(zCount, saturated);
      const auto side = hn::And(hn::ShiftRight<31>(code), left);
      hn::Store(hn::Shr(hn::Sub(hn::Add(code, side), lowest), width), d,
                cell + j);
      hn::Store(code, d, z + j);
    }
    for (size_t j = 0; j < padded; ++j)
      std::memcpy(lines + 2 * j, cells + cell[j], sizeof(ActTable::Cell));
    for (size_t j = 0; j < padded; j += N) {
      auto intercept = hn::Undefined(d), slope = intercept;
      hn::LoadInterleaved2(d, lines + 2 * j, intercept, slope);
      auto y = hn::Shr(hn::Add(hn::Mul(slope, hn::Load(d, z + j)), intercept),
                       right);
      if constexpr (!plain) {
        const auto limited = hn::Min(hn::Max(y, min), max);
        const auto excess = hn::Abs(hn::Sub(y, limited));
        const auto counted =
            hn::And(hn::Gt(excess, harmless), hn::FirstN(d, size - j));
        yCount = hn::Add(yCount, hn::VecFromMask(d, counted));
        y = limited;
      }
      const auto codes = hn::DemoteTo(d16, y);
      if (HWY_LIKELY(j + N <= size)) {
        hn::StoreU(codes, d16, out + i + j);
      } else {
        hn::Store(codes, d16, result);
        std::memcpy(out + i + j, result, (size - j) * sizeof(int16_t));
      }
    }
    if (HWY_UNLIKELY(i % kCountChunk == kCountChunk - kChunk)) {
      counts.z += countLanes(d, zCount);
      counts.y += countLanes(d, yCount);
      zCount = yCount = hn::Zero(d);
    }
  }
  counts.z += countLanes(d, zCount);
  counts.y += countLanes(d, yCount);
  return counts;
}

/// The same by way of all outputs.
template <template <class> class Requantizer>
HWY_INLINE ActCounts actExpanded(int16_t *HWY_RESTRICT out,
                                 const int32_t *HWY_RESTRICT in, size_t n,
                                 int shift, const ActTable &table) {
  ActCounts counts;
  constexpr size_t kChunk = 256;
  int16_t z[kChunk];
  for (size_t i = 0; i < n; i += kChunk) {
    const size_t size = std::min(kChunk, n - i);
    counts.z += requantChunk<Requantizer>(z, in + i, size, shift, 16);
    for (size_t j = 0; j < size; ++j) {
      const uint32_t at = static_cast<uint32_t>(z[j] + 32768);
      out[i + j] = table.outputs[at];
      counts.y += table.saturates[at / 64] >> (at % 64) & 1;
    }
  }
  return counts;
}

template <template <class> class Requantizer>
HWY_INLINE ActCounts actAny(int16_t *out, const int32_t *in, size_t n,
                            int shift, const ActTable &table) {
  if (HWY_UNLIKELY(!table.outputs.empty()))
    return actExpanded<Requantizer>(out, in, n, shift, table);
  return table.plain ? actLines<Requantizer, true>(out, in, n, shift, table)
                     : actLines<Requantizer, false>(out, in, n, shift, table);
}

ActCounts act(int16_t *out, const int32_t *in, size_t n, int shift,
              const ActTable &table) {
  return shift > 0 ? actAny<ShiftRight>(out, in, n, shift, table)
                   : actAny<ShiftLeft>(out, in, n, shift, table);
}

//===----------------------------------------------------------------------===//
// Element products and sums
//===----------------------------------------------------------------------===//

void vmac(int32_t *HWY_RESTRICT out, const int16_t *HWY_RESTRICT a,
          const int16_t *HWY_RESTRICT b, size_t n, int lshift,
          bool accumulate) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const size_t N = hn::Lanes(d);
  const auto left = hn::Set(d, lshift);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto product = hn::Mul(hn::PromoteTo(d, hn::LoadU(d16, a + i)),
                                 hn::PromoteTo(d, hn::LoadU(d16, b + i)));
    auto sum = hn::Shl(product, left);
    if (accumulate)
      sum = hn::Add(sum, hn::LoadU(d, out + i));
    hn::StoreU(sum, d, out + i);
  }
  for (; i < n; ++i) {
    const uint32_t product = static_cast<uint32_t>(a[i] * b[i]) << lshift;
    out[i] = static_cast<int32_t>(
        product + (accumulate ? static_cast<uint32_t>(out[i]) : 0));
  }
}

void vacc(int32_t *HWY_RESTRICT out, const int16_t *HWY_RESTRICT in, size_t n,
          int lshift, bool accumulate) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const size_t N = hn::Lanes(d);
  const auto left = hn::Set(d, lshift);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    auto sum = hn::Shl(hn::PromoteTo(d, hn::LoadU(d16, in + i)), left);
    if (accumulate)
      sum = hn::Add(sum, hn::LoadU(d, out + i));
    hn::StoreU(sum, d, out + i);
  }
  for (; i < n; ++i) {
    const uint32_t value = static_cast<uint32_t>(in[i]) << lshift;
    out[i] = static_cast<int32_t>(
        value + (accumulate ? static_cast<uint32_t>(out[i]) : 0));
  }
}

//===----------------------------------------------------------------------===//
// Values to codes
//===----------------------------------------------------------------------===//

int64_t quantise(int16_t *HWY_RESTRICT out, const float *HWY_RESTRICT in,
                 size_t n, numerics::FxFormat format) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> d32;
  const hn::Rebind<int32_t, decltype(d)> di32;
  const hn::Rebind<int16_t, decltype(d)> di16;
  const size_t N = hn::Lanes(d);
  const auto scale = hn::Set(d, std::ldexp(1.0, format.frac));
  const auto half = hn::Set(d, 0.5);
  const auto max = hn::Set(d, static_cast<double>(format.maxCode()));
  const auto min = hn::Set(d, static_cast<double>(format.minCode()));
  size_t i = 0;
  auto quantiseLanes = [&](const float *values) HWY_ATTR {
    const auto u = hn::Mul(hn::PromoteTo(d, hn::LoadU(d32, values)), scale);
    const auto magnitude = hn::Floor(hn::Add(hn::Abs(u), half));
    const auto rounded = hn::CopySign(magnitude, u);
    const auto code = hn::Min(hn::Max(rounded, min), max);
    return hn::DemoteTo(di16, hn::DemoteTo(di32, code));
  };
  auto allFinite = [&](const float *values) HWY_ATTR {
    return hn::AllTrue(d32, hn::IsFinite(hn::LoadU(d32, values)));
  };
  HWY_ALIGN float rest[hn::MaxLanes(d)] = {};
  HWY_ALIGN int16_t codes[hn::MaxLanes(d)];
  for (; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const float *values = in + i;
    if (count < N) {
      std::memcpy(rest, values, count * sizeof(float));
      values = rest;
    }
    if (HWY_UNLIKELY(!allFinite(values)))
      for (size_t j = 0; j < count; ++j)
        if (!std::isfinite(values[j]))
          return static_cast<int64_t>(i + j);
    if (count == N) {
      hn::StoreU(quantiseLanes(values), di16, out + i);
    } else {
      hn::StoreU(quantiseLanes(values), di16, codes);
      std::memcpy(out + i, codes, count * sizeof(int16_t));
    }
  }
  return -1;
}

} // namespace hcgs::sim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hcgs::sim {

HWY_EXPORT(mvm);
HWY_EXPORT(act);
HWY_EXPORT(requant);
HWY_EXPORT(vmac);
HWY_EXPORT(vacc);
HWY_EXPORT(quantise);

#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
#define HCGS_KERNEL(NAME) &HWY_STATIC_DISPATCH(NAME)
#else
#define HCGS_KERNEL(NAME)                                                      \
  HWY_DISPATCH_TABLE(NAME)[hwy::GetChosenTarget().GetIndex()]
#endif

/// The kernels compiled for one of the supported targets. Looking them up once
/// saves short instructions Highway's own look-up at every call.
static Kernels kernelsFor(int64_t target) {
  hwy::GetChosenTarget().Update(target);
  return {HCGS_KERNEL(mvm),
          HCGS_KERNEL(act),
          HCGS_KERNEL(requant),
          HCGS_KERNEL(vmac),
          HCGS_KERNEL(vacc),
          HCGS_KERNEL(quantise),
          hwy::TargetName(target & -target)};
}

const Kernels &Kernels::best() {
  static const Kernels kernels = kernelsFor(hwy::SupportedTargets());
  return kernels;
}

std::vector<Kernels> Kernels::all() {
  std::vector<Kernels> sets;
  // Better targets have lower bits.
  for (int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0;
       left &= left - 1)
    sets.push_back(kernelsFor(left));
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return sets;
}

/// Cells of a table at most: 32 KiB.
static constexpr int64_t kMaxCells = 4096;

/// Whether a table's lines can be evaluated in 32 bits; if so, cuts it.
bool ActTable::makeCells(const numerics::PwlTable &table) {
  const std::vector<numerics::PwlPiece> pieces = numerics::pieces(table);
  const auto place = [&](int32_t z) { return z - (mirrored && z < 0 ? 1 : 0); };
  // Where a piece of the left half of a mirrored table starts, the cell before
  // ends with the multiple of its width.
  width = 17;
  for (size_t i = 2; i < pieces.size(); ++i) {
    const auto distance =
        static_cast<uint32_t>(place(pieces[i].first) - place(pieces[1].first));
    width = std::min(width, std::countr_zero(distance));
  }
  lowest = place(-32768);
  if (pieces.size() > 1) {
    const int32_t size = 1 << width;
    lowest = place(pieces[1].first);
    lowest -= (lowest - place(-32768) + size - 1) / size * size;
  }
  const int64_t count = ((place(32767) - lowest) >> width) + 1;
  if (count > kMaxCells)
    return false;

  const int64_t high = (int64_t(1) << (b - 1)) - 1;
  cells.resize(count);
  plain = true;
  for (const numerics::PwlPiece &piece : pieces) {
    // A line is farthest out at one of its ends.
    for (const int64_t z : {piece.first, piece.last}) {
      const int64_t sum = piece.intercept + piece.slope * z;
      if (sum != static_cast<int32_t>(sum))
        return false;
      plain &= sum >> s >= -high - 1 && sum >> s <= high;
    }
    for (int64_t cell = (place(piece.first) - lowest) >> width;
         cell <= (place(piece.last) - lowest) >> width; ++cell)
      cells[cell] = {static_cast<int32_t>(piece.intercept), piece.slope};
  }
  return true;
}

ActTable::ActTable(const numerics::PwlTable &table)
    : mirrored(table.centre.has_value()), s(table.s), b(table.b) {
  if (makeCells(table))
    return;
  cells.clear();
  plain = false;
  outputs.resize(65536);
  saturates.resize(65536 / 64);
  for (int32_t z = -32768; z < 32768; ++z) {
    outputs[z + 32768] = table.evaluate(static_cast<int16_t>(z));
    if (table.saturates(static_cast<int16_t>(z)))
      saturates[(z + 32768) / 64] |= uint64_t(1) << ((z + 32768) % 64);
  }
}

} // namespace hcgs::sim
#endif // HWY_ONCE
