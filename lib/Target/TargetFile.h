// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps from target files to a TargetModel.
//
#ifndef HCGS_LIB_TARGET_TARGETFILE_H
#define HCGS_LIB_TARGET_TARGETFILE_H

#include "hcgs/Support/Json.h"
#include "hcgs/Target/TargetModel.h"
#include <string_view>

namespace hcgs {

/// Something with a slash, or that ends in .json.
bool isTargetPath(std::string_view nameOrPath);

/// Merges the differences of a file into its base, as loadTarget says. The
/// error says where `null` stands for something the base does not have.
Result<void> mergeTarget(nlohmann::json &base, const nlohmann::json &file);

/// Whether a value is a number with its origin and source (or tries to be).
bool isTargetNumber(const nlohmann::json &value);

/// The origin of a number that obeys the schema.
Origin originOf(const nlohmann::json &number);

/// Checks a whole target against targets/schema.json: the first error found.
Result<void> checkTargetSchema(const nlohmann::json &value);

/// A checked JSON value as a model that is consistent in itself.
Result<TargetModel> readTarget(const nlohmann::json &value);

} // namespace hcgs

#endif // HCGS_LIB_TARGET_TARGETFILE_H
