// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading JSON text from files nobody vouches for.
//
#ifndef HCGS_SUPPORT_JSON_H
#define HCGS_SUPPORT_JSON_H

#include "hcgs/Support/Result.h"

#include <nlohmann/json.hpp>

#include <string_view>

namespace hcgs {

/// Parses a JSON text whose values nest at most 64 deep. Duplicate keys are
/// refused: they would make the text mean two things. `what` opens errors,
/// which name the place by its JSON pointer.
Result<nlohmann::json> parseJson(std::string_view text, std::string_view what);

} // namespace hcgs

#endif // HCGS_SUPPORT_JSON_H
