// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's diagnostics as text for a user who never sees MLIR.

#ifndef HCGS_LIB_PIPELINES_DIAGNOSTICS_H
#define HCGS_LIB_PIPELINES_DIAGNOSTICS_H

#include "hcgs/Support/Result.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

namespace hcgs {

/// Collects the diagnostics of a context while it lives.
class DiagnosticText {
public:
  /// Messages call the file at `path` `displayName`.
  DiagnosticText(mlir::MLIRContext &context, std::string path,
                 std::string displayName);

  /// Tells it the module: the names of its models and programs (of ONNX graphs)
  /// are not those of nodes.
  void setModule(mlir::ModuleOp module);

  /// The first error, with its notes on lines of their own: those that follow
  /// mostly follow from it. Says so if a failure left none.
  Error takeError();

  /// Remarks and warnings in the order they came.
  std::vector<std::string> takeRemarks() { return std::move(remarks); }

private:
  void handle(mlir::Diagnostic &diagnostic);
  /// "model.mlir:3:4: " or "model.onnx: node '/lstm/LSTM': " as far as known
  /// and not said by the message itself.
  std::string prefix(mlir::Location loc, llvm::StringRef message) const;
  std::string text(const mlir::Diagnostic &diagnostic, bool withPrefix) const;

  std::string path, displayName;
  llvm::StringSet<> graphs;
  std::string error;
  std::vector<std::string> remarks;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace hcgs

#endif // HCGS_LIB_PIPELINES_DIAGNOSTICS_H
