// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hcgs-translate: the importer alone, for its developers and its tests. Users
// take hcgs-compile.

#include "hcgs/Import/ONNX/Import.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;

static cl::opt<std::string> inputPath(cl::Positional, cl::desc("<model.onnx>"));

static cl::opt<std::string> outputPath("o", cl::desc("Where to write the IR"),
                                       cl::value_desc("file"), cl::init("-"));

static cl::opt<bool> importONNX("import-onnx",
                                cl::desc("Read an ONNX model (the default)"));

static cl::opt<bool> printOps("list-supported-ops",
                              cl::desc("Print the table of supported ONNX "
                                       "operators in Markdown and stop"));

static cl::opt<bool>
    noRemarks("no-remarks", cl::desc("Do not print remarks of the importer"));

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  cl::ParseCommandLineOptions(argc, argv, "hcgs importer driver\n");
  if (printOps) {
    hcgs::printSupportedONNXOperators(llvm::outs());
    return 0;
  }
  if (inputPath.empty()) {
    llvm::errs() << "hcgs-translate: no model given; name an .onnx file\n";
    return 1;
  }
  mlir::MLIRContext context;
  // The messages name file and node themselves.
  mlir::ScopedDiagnosticHandler handler(
      &context, [](mlir::Diagnostic &diagnostic) {
        bool isError =
            diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
        llvm::errs() << (isError ? "error: " : "remark: ") << diagnostic
                     << "\n";
      });
  hcgs::ImportOptions options;
  options.remarks = !noRemarks;
  auto module = hcgs::importONNXFile(inputPath, context, options);
  if (mlir::failed(module))
    return 1;
  std::string message;
  auto output = mlir::openOutputFile(outputPath, &message);
  if (!output) {
    llvm::errs() << "hcgs-translate: " << message << "\n";
    return 1;
  }
  (*module)->print(output->os());
  output->keep();
  return 0;
}
