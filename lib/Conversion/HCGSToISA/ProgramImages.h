// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of the sections of a program file: weights, indices, biases,
// descriptors, tables and initial vectors.
//
#ifndef HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMIMAGES_H
#define HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMIMAGES_H

#include "ProgramLayout.h"

namespace hcgs::toisa {

struct ProgramImages {
  std::vector<uint8_t> weights, index, bias, descriptors, tables, vinit, spill;

  /// Builds the images; reports what the target has no room or no hardware
  /// for.
  static mlir::FailureOr<ProgramImages> build(const ProgramLayout &layout);
};

/// "288,000".
std::string groupDigits(int64_t number);

} // namespace hcgs::toisa

#endif // HCGS_LIB_CONVERSION_HCGSTOISA_PROGRAMIMAGES_H
