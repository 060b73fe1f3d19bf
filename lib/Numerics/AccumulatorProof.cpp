// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/AccumulatorProof.h"

#include <algorithm>
#include <vector>

using namespace hcgs;
using namespace hcgs::numerics;

namespace {

constexpr int accumulatorBits = 32;
/// Bounds saturate here, far above anything that fits.
constexpr int64_t ceilingOfBounds = int64_t(1) << 62;

int64_t addBounded(int64_t a, int64_t b) {
  return a > ceilingOfBounds - b ? ceilingOfBounds : a + b;
}

/// magnitude * 2^exponent, magnitude >= 0.
int64_t scaleBounded(int64_t magnitude, int exponent) {
  return magnitude > (ceilingOfBounds >> exponent) ? ceilingOfBounds
                                                   : magnitude << exponent;
}

/// One width that could be made smaller, and the option that does it.
struct Width {
  std::string option;
  int bits;
  int least;
};

/// Bits too many -> "act-bits=11 (now 13) or weight-bits=4 (now 6)". Taking b
/// bits from one factor of every product, at the same range, scales the whole
/// sum by 2^-b, start value included.
std::string remedy(int excess, std::span<const Width> widths) {
  std::string text;
  for (const Width &width : widths) {
    if (width.bits - excess < width.least)
      continue;
    text += text.empty() ? "" : " or ";
    text += width.option + "=" + std::to_string(width.bits - excess) +
            " (now " + std::to_string(width.bits) + ")";
  }
  if (text.empty())
    return "no width of its factors is small enough to mend it; scale the "
           "values down or split the layer";
  return "it would fit with " + text;
}

Error tooLarge(const std::string &where, const AccumulatorBound &bound,
               const std::string &parts, std::span<const Width> widths) {
  return Error{where + ": the accumulator can reach " +
               std::to_string(bound.magnitude) + ", which takes " +
               std::to_string(bound.bits()) + " bits and the machine has " +
               std::to_string(accumulatorBits) + " (" + parts + "); " +
               remedy(bound.bits() - accumulatorBits, widths)};
}

} // namespace

int AccumulatorBound::bits() const {
  // The bound must be below 2^(bits-1).
  int bits = 1;
  while (bits < 64 && magnitude >> (bits - 1) != 0)
    ++bits;
  return bits;
}

/// What one term adds to the bound of a row.
static int64_t partOf(const ProductTerm &term, size_t row) {
  return row < term.rowMagnitudes.size()
             ? scaleBounded(term.rowMagnitudes[row],
                            term.operandBits - 1 + term.shift)
             : 0;
}

/// The magnitude a row starts with.
static int64_t startOf(std::span<const int64_t> start, size_t row) {
  if (row >= start.size())
    return 0;
  // The most negative value has no magnitude of its own type.
  return start[row] < -ceilingOfBounds
             ? ceilingOfBounds
             : std::min(ceilingOfBounds,
                        start[row] < 0 ? -start[row] : start[row]);
}

AccumulatorBound numerics::boundRows(std::span<const int64_t> start,
                                     std::span<const ProductTerm> terms) {
  size_t rows = start.size();
  for (const ProductTerm &term : terms)
    rows = std::max(rows, term.rowMagnitudes.size());
  AccumulatorBound bound;
  for (size_t row = 0; row < rows; ++row) {
    int64_t magnitude = startOf(start, row);
    for (const ProductTerm &term : terms)
      magnitude = addBounded(magnitude, partOf(term, row));
    if (magnitude > bound.magnitude)
      bound = {magnitude, static_cast<int64_t>(row)};
  }
  return bound;
}

std::string numerics::describeRow(std::span<const int64_t> start,
                                  std::span<const ProductTerm> terms,
                                  int64_t row) {
  const size_t index = static_cast<size_t>(row);
  std::string parts = "start " + std::to_string(startOf(start, index));
  for (const ProductTerm &term : terms)
    parts += " + " + term.name + " " +
             std::to_string(index < term.rowMagnitudes.size()
                                ? term.rowMagnitudes[index]
                                : 0) +
             " * 2^" + std::to_string(term.operandBits - 1) + " << " +
             std::to_string(term.shift);
  return parts;
}

const ProductTerm &numerics::largestTerm(std::span<const ProductTerm> terms,
                                         int64_t row) {
  const size_t index = static_cast<size_t>(row);
  return *std::max_element(terms.begin(), terms.end(),
                           [&](const ProductTerm &a, const ProductTerm &b) {
                             return partOf(a, index) < partOf(b, index);
                           });
}

Result<AccumulatorBound>
numerics::proveRows(const std::string &where, std::span<const int64_t> start,
                    std::span<const ProductTerm> terms) {
  const AccumulatorBound bound = boundRows(start, terms);
  if (bound.fits())
    return bound;

  std::vector<Width> widths;
  int weightBits = 0;
  for (const ProductTerm &term : terms) {
    const bool known =
        std::any_of(widths.begin(), widths.end(), [&](const Width &w) {
          return w.option == term.operandOption;
        });
    if (!known)
      widths.push_back({term.operandOption, term.operandBits, 8});
    weightBits = std::max(weightBits, term.weightBits);
  }
  // Narrower operands of one kind mend the sum only if there is but one kind;
  // else all of them must shrink, which is not one option's doing.
  if (widths.size() > 1)
    widths.clear();
  if (!terms.empty())
    widths.push_back({"weight-bits", weightBits, 2});
  return tooLarge(where + ", row " + std::to_string(bound.row), bound,
                  describeRow(start, terms, bound.row), widths);
}

Result<AccumulatorBound>
numerics::proveElements(const std::string &where,
                        std::span<const ElementTerm> terms) {
  AccumulatorBound bound;
  std::string parts;
  for (const ElementTerm &term : terms) {
    const int exponent =
        term.aBits - 1 + (term.bBits > 0 ? term.bBits - 1 : 0) + term.shift;
    bound.magnitude = addBounded(bound.magnitude, scaleBounded(1, exponent));
    parts += (parts.empty() ? "" : " + ") + term.name + " 2^" +
             std::to_string(exponent - term.shift) + " << " +
             std::to_string(term.shift);
  }
  if (bound.bits() <= accumulatorBits)
    return bound;
  std::vector<Width> widths;
  for (const ElementTerm &term : terms)
    for (const auto &[option, bits] :
         {std::pair{term.aOption, term.aBits}, {term.bOption, term.bBits}})
      if (!option.empty() &&
          std::none_of(widths.begin(), widths.end(),
                       [&](const Width &w) { return w.option == option; }))
        widths.push_back({option, bits, 8});
  return tooLarge(where, bound, parts, widths);
}
