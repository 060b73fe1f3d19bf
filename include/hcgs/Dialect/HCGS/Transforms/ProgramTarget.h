// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which machine an hcgs.program is for: the option of a pass, or else what the
// program names.
//
#ifndef HCGS_DIALECT_HCGS_TRANSFORMS_PROGRAMTARGET_H
#define HCGS_DIALECT_HCGS_TRANSFORMS_PROGRAMTARGET_H

#include "hcgs/Dialect/HCGS/IR/HCGSOps.h"
#include "hcgs/Target/TargetModel.h"

namespace hcgs::flow {

/// Loads the target `option` (a name or a path; empty: the target the program
/// names) and checks that the program was not scheduled for another one.
/// Reports errors at the program.
mlir::FailureOr<TargetModel> loadProgramTarget(ProgramOp program,
                                               llvm::StringRef option);

} // namespace hcgs::flow

#endif // HCGS_DIALECT_HCGS_TRANSFORMS_PROGRAMTARGET_H
