// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What somebody may have meant who wrote a name that does not exist.
//
#ifndef HCGS_SUPPORT_SUGGEST_H
#define HCGS_SUPPORT_SUGGEST_H

#include <span>
#include <string>
#include <string_view>

namespace hcgs {

/// "; did you mean 'lanes'?" for the candidate nearest to `name` (fewest
/// letters inserted, removed or changed; of equals the first), or nothing if
/// none is near: more than a third of the letters differ.
std::string didYouMean(std::string_view name,
                       std::span<const std::string> candidates);

} // namespace hcgs

#endif // HCGS_SUPPORT_SUGGEST_H
