// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public face of the importer: nothing of protobuf and no exception leaves
// it.

#include "hcgs/Import/ONNX/Import.h"
#include "Importer.h"

#include "hcgs/Dialect/FX/IR/FXDialect.h"

#include "mlir/IR/DialectRegistry.h"

using namespace hcgs;
using namespace hcgs::frontend;
using namespace mlir;

void hcgs::registerONNXImportDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, fx::FXDialect, rnn::RNNDialect>();
}

FailureOr<OwningOpRef<ModuleOp>>
hcgs::importONNXFile(llvm::StringRef path, MLIRContext &context,
                     const ImportOptions &options) {
  auto error = [&] {
    return emitError(UnknownLoc::get(&context)) << path << ": ";
  };
  DialectRegistry registry;
  registerONNXImportDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadDialect<func::FuncDialect, fx::FXDialect, rnn::RNNDialect>();
  try {
    FailureOr<std::unique_ptr<ModelFile>> file = ModelFile::open(path, error);
    if (failed(file))
      return failure();
    return Importer(**file, context, options).run();
  } catch (const std::bad_alloc &) {
    return error() << "not enough memory to read the model";
  } catch (const std::exception &exception) {
    return error() << "cannot read the model: " << exception.what();
  }
}
