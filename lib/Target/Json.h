// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading JSON text from files nobody vouches for.
//
#ifndef HCGS_LIB_TARGET_JSON_H
#define HCGS_LIB_TARGET_JSON_H

#include "hcgs/Support/Result.h"
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hcgs {

/// Parses a JSON text whose values nest at most 64 deep. Duplicate keys are
/// refused: they would make the text mean two things.
Result<nlohmann::json> parseJson(std::string_view text, std::string_view what);

/// Canonical text (PF-7). Text that is not UTF-8 is an error.
Result<std::string> printCanonical(const nlohmann::json &json,
                                   std::string_view what);

} // namespace hcgs

#endif // HCGS_LIB_TARGET_JSON_H
