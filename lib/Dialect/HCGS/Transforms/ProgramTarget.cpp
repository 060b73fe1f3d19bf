// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The target of a program.

#include "hcgs/Dialect/HCGS/Transforms/ProgramTarget.h"

using namespace mlir;
using namespace hcgs;

FailureOr<TargetModel> flow::loadProgramTarget(ProgramOp program,
                                               StringRef option) {
  std::optional<StringRef> named = program.getTarget();
  if (option.empty() && !named)
    return emitError(
        program->getLoc(),
        "program names no target; name one with the option 'target'");
  StringRef wanted = option.empty() ? *named : option;
  Result<TargetModel> target =
      loadTarget(std::string_view(wanted.data(), wanted.size()));
  if (!target)
    return emitError(program->getLoc()) << target.message();
  return std::move(*target);
}
