// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads ONNX models into the rnn dialect. The only part of the project that
// sees protobuf; its headers stay inside the library, and no exception leaves
// it.
//
// What the importer promises: every operator and attribute of the model is
// either honoured or refused by name; arithmetic on shapes is evaluated at
// compile time, with dynamic axes as symbols; operations that only rename axes
// leave nothing behind but, at most, an rnn.transpose, rnn.squeeze,
// rnn.unsqueeze or rnn.split_directions; weights are resources that view the
// bytes read from the file, not copies of them; every operation's location is
// the name of its ONNX node.

#ifndef HCGS_IMPORT_ONNX_IMPORT_H
#define HCGS_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace hcgs {

/// Choices of the importer that the model does not make.
struct ImportOptions {
  /// Name of the function that computes the model.
  std::string entry = "main";
  /// Tell the user, as remarks, what the graph fixes that a user may not
  /// expect, such as a time axis of constant length.
  bool remarks = true;
};

/// Reads the ONNX file at `path`, and the external data files it names, into a
/// verified module with one function and one `rnn.model`. Everything that is
/// wrong with the file or not supported is emitted as an error through
/// `context`, naming file, node and value, and gives failure.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNXFile(llvm::StringRef path, mlir::MLIRContext &context,
               const ImportOptions &options = {});

/// The dialects that an imported module uses.
void registerONNXImportDialects(mlir::DialectRegistry &registry);

/// Writes the table of supported operators, in Markdown, from the table that
/// the importer dispatches on.
void printSupportedONNXOperators(llvm::raw_ostream &os);

} // namespace hcgs

#endif // HCGS_IMPORT_ONNX_IMPORT_H
