// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON as the files of this library hold it.
//
#ifndef HCGS_LIB_TARGET_JSON_H
#define HCGS_LIB_TARGET_JSON_H

#include "hcgs/Support/Json.h"
#include <string>
#include <string_view>

namespace hcgs {

/// Canonical text (PF-7). Text that is not UTF-8 is an error.
Result<std::string> printCanonical(const nlohmann::json &json,
                                   std::string_view what);

} // namespace hcgs

#endif // HCGS_LIB_TARGET_JSON_H
