// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compression makes of each matrix and layer: the `matrices` and `layers`
// of the report.
//
#ifndef HCGS_LIB_PIPELINES_ACCOUNTING_H
#define HCGS_LIB_PIPELINES_ACCOUNTING_H

#include "hcgs/Target/Images.h"
#include "hcgs/Target/TargetModel.h"

#include <nlohmann/json.hpp>

namespace hcgs {

/// One entry of `matrices`. `meta` is what the program's metadata say about the
/// matrix, `index` its index section.
Result<nlohmann::json> describeMatrix(const MatrixDescriptor &descriptor,
                                      const nlohmann::json &meta,
                                      std::span<const uint8_t> index,
                                      const TargetModel &target);

/// `layers`: the sums over the matrices of each layer, in their order.
nlohmann::json describeLayers(const nlohmann::json &matrices);

} // namespace hcgs

#endif // HCGS_LIB_PIPELINES_ACCOUNTING_H
