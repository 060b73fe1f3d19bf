// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of a model: the ONNX file and its external data. Reading a tensor
// takes its bytes out of the protobuf, or views the mapped file, so that no
// large weight exists twice.

#ifndef HCGS_LIB_IMPORT_ONNX_MODELFILE_H
#define HCGS_LIB_IMPORT_ONNX_MODELFILE_H

#include "Constant.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

#include <onnx/onnx_pb.h>

namespace hcgs::frontend {

/// Begins an error message at the place that is being read.
using ErrorFn = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// Name of an ONNX data type, such as "float16".
std::string dataTypeName(int dataType);

/// A number as a person would write it, for messages.
std::string formatNumber(double value);

/// True for the data types that weights and activations may have.
bool isFloatType(int dataType);

class ModelFile {
public:
  /// Reads and parses the file at `path`.
  static mlir::FailureOr<std::unique_ptr<ModelFile>> open(llvm::StringRef path,
                                                          ErrorFn error);

  onnx::ModelProto &getModel() { return model; }
  llvm::StringRef getPath() const { return path; }

  /// The numbers of `tensor`, which is called `name` in messages. Floats of any
  /// width become float32, rounded to nearest. Takes inline bytes out of
  /// `tensor`: it can be read once.
  mlir::FailureOr<Constant> readTensor(onnx::TensorProto &tensor,
                                       llvm::StringRef name, ErrorFn error);

  /// SHA-256 of the file, in hex. With external data: SHA-256 of the digests of
  /// the file and of the data files that were read, in the order of their
  /// names.
  std::string getDigest() const;

private:
  /// Bytes of one tensor and what keeps them.
  struct Bytes {
    llvm::StringRef data;
    std::shared_ptr<const void> owner;
  };

  mlir::FailureOr<Bytes> readExternal(const onnx::TensorProto &tensor,
                                      llvm::StringRef name, size_t expected,
                                      ErrorFn error);
  mlir::FailureOr<Constant> readFloats(onnx::TensorProto &tensor, Bytes raw,
                                       bool isRaw, llvm::StringRef name,
                                       int64_t count, ErrorFn error);
  mlir::FailureOr<Constant> readInts(onnx::TensorProto &tensor, Bytes raw,
                                     bool isRaw, llvm::StringRef name,
                                     int64_t count, ErrorFn error);

  std::string path;
  onnx::ModelProto model;
  std::string fileDigest;
  /// External data files by the name the model gives them.
  std::map<std::string, std::shared_ptr<llvm::MemoryBuffer>> external;
};

} // namespace hcgs::frontend

#endif // HCGS_LIB_IMPORT_ONNX_MODELFILE_H
