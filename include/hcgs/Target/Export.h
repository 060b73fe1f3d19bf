// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs in the forms hardware people load: one $readmemh image a memory, or
// a C header with one array a memory.
//
#ifndef HCGS_TARGET_EXPORT_H
#define HCGS_TARGET_EXPORT_H

#include "hcgs/Support/Result.h"
#include "hcgs/Target/ProgramFile.h"
#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

struct ExportedFile {
  /// What is added to the prefix the user gave, such as ".wmem.memh".
  std::string suffix;
  std::string text;
};

/// For Verilog's $readmemh, one file a memory: pmem (128-bit words), wmem and
/// imem (bytes), bmem (32 bits), vmem (16 bits, initial vectors at their
/// addresses), lut (PF-4 as 32-bit words), desc (WI-D-1 as 32-bit words).
Result<std::vector<ExportedFile>> exportMemh(const Program &program);

/// A C header: arrays NAME_pmem, NAME_wmem, ..., sizes and entry points as
/// macros. `name` is made an identifier.
Result<std::string> exportCHeader(const Program &program,
                                  std::string_view name);

} // namespace hcgs

#endif // HCGS_TARGET_EXPORT_H
