// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Support/Suggest.h"

#include <algorithm>
#include <numeric>
#include <vector>

/// Levenshtein's distance.
static size_t distanceOf(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t change = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string hcgs::didYouMean(std::string_view name,
                             std::span<const std::string> candidates) {
  // Names nobody wrote by hand are not worth their square.
  constexpr size_t kLongest = 64;
  if (name.size() > kLongest)
    return "";
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  const std::string *nearest = nullptr;
  for (const std::string &candidate : candidates) {
    const size_t distance = distanceOf(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}
