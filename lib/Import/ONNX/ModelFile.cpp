// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of a model.

#include "ModelFile.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <openssl/evp.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

using namespace hcgs::frontend;
using llvm::StringRef;
using mlir::failure;
using mlir::FailureOr;
using onnx::TensorProto;

static_assert(std::endian::native == std::endian::little,
              "ONNX stores tensors in little-endian order");

std::string hcgs::frontend::dataTypeName(int dataType) {
  // By number: newer types than the protobuf headers know have names, too.
  static constexpr const char *names[] = {
      "undefined",      "float",        "uint8",          "int8",
      "uint16",         "int16",        "int32",          "int64",
      "string",         "bool",         "float16",        "double",
      "uint32",         "uint64",       "complex64",      "complex128",
      "bfloat16",       "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",        "int4",           "float4e2m1"};
  if (dataType >= 0 && dataType < static_cast<int>(std::size(names)))
    return names[dataType];
  return "number " + std::to_string(dataType);
}

std::string hcgs::frontend::formatNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

bool hcgs::frontend::isFloatType(int dataType) {
  return dataType == TensorProto::FLOAT || dataType == TensorProto::FLOAT16 ||
         dataType == TensorProto::BFLOAT16 || dataType == TensorProto::DOUBLE;
}

/// Bytes of one element; 0 for a type that is not read.
static size_t elementSize(int dataType) {
  switch (dataType) {
  case TensorProto::BOOL:
    return 1;
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
    return 4;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
    return 8;
  default:
    return 0;
  }
}

/// The 32 bytes of a digest.
static std::string sha256(StringRef bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (!EVP_Digest(bytes.data(), bytes.size(),
                  reinterpret_cast<unsigned char *>(digest.data()), &size,
                  EVP_sha256(), /*impl=*/nullptr))
    throw std::runtime_error("libcrypto offers no SHA-256");
  digest.resize(size);
  return digest;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

FailureOr<std::unique_ptr<ModelFile>> ModelFile::open(StringRef path,
                                                      ErrorFn error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return error() << "cannot read the file: " << buffer.getError().message();
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.empty())
    return error() << "the file is empty";
  if (bytes.size() > INT_MAX)
    return error() << "the file has " << bytes.size()
                   << " bytes, more than the 2 GiB that protobuf allows; store "
                      "the weights as external data";

  auto file = std::make_unique<ModelFile>();
  file->path = path.str();
  // What protobuf has to say goes into our own message.
  google::protobuf::LogSilencer silencer;
  google::protobuf::io::ArrayInputStream stream(bytes.data(),
                                                static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(INT_MAX);
  if (!file->model.ParseFromCodedStream(&coded) ||
      !coded.ConsumedEntireMessage())
    return error() << "not an ONNX model, or a truncated one: its "
                   << bytes.size() << " bytes do not parse as protobuf";
  if (!file->model.has_graph())
    return error() << "the model has no graph; is it an ONNX file?";
  file->fileDigest = sha256(bytes);
  return file;
}

std::string ModelFile::getDigest() const {
  std::string digest = fileDigest;
  for (const auto &[name, buffer] : external)
    digest += sha256(buffer->getBuffer());
  if (!external.empty())
    digest = sha256(digest);
  return llvm::toHex(digest, /*LowerCase=*/true);
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

FailureOr<ModelFile::Bytes> ModelFile::readExternal(const TensorProto &tensor,
                                                    StringRef name,
                                                    size_t expected,
                                                    ErrorFn error) {
  std::string location;
  int64_t offset = 0, length = static_cast<int64_t>(expected);
  for (const auto &entry : tensor.external_data()) {
    StringRef value = entry.value();
    int64_t *number = entry.key() == "offset"   ? &offset
                      : entry.key() == "length" ? &length
                                                : nullptr;
    if (entry.key() == "location")
      location = value.str();
    else if (number && value.getAsInteger(10, *number))
      return error() << "tensor '" << name << "': external " << entry.key()
                     << " is '" << value << "', expected a number of bytes";
    else if (!number && entry.key() != "checksum")
      return error() << "tensor '" << name << "': unknown external data key '"
                     << entry.key()
                     << "'; known are location, offset, length and checksum";
  }
  if (location.empty())
    return error() << "tensor '" << name
                   << "' is external but names no location";
  bool escapes = llvm::sys::path::is_absolute(location);
  for (auto it = llvm::sys::path::begin(location),
            end = llvm::sys::path::end(location);
       it != end; ++it)
    escapes |= *it == "..";
  if (escapes)
    return error() << "tensor '" << name << "': external data at '" << location
                   << "' leaves the folder of the model; move the file beside "
                      "the model";
  if (length != static_cast<int64_t>(expected))
    return error() << "tensor '" << name << "': external data of " << length
                   << " bytes, but its shape and type need " << expected;
  if (offset < 0)
    return error() << "tensor '" << name << "': external data at offset "
                   << offset << ", expected 0 or more";

  std::shared_ptr<llvm::MemoryBuffer> &buffer = external[location];
  if (!buffer) {
    llvm::SmallString<256> full(llvm::sys::path::parent_path(path));
    llvm::sys::path::append(full, location);
    auto opened = llvm::MemoryBuffer::getFile(full, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!opened) {
      external.erase(location);
      return error() << "tensor '" << name << "': cannot read external data '"
                     << full << "': " << opened.getError().message();
    }
    buffer = std::move(*opened);
  }
  StringRef all = buffer->getBuffer();
  if (static_cast<uint64_t>(offset) > all.size() ||
      expected > all.size() - static_cast<uint64_t>(offset))
    return error() << "tensor '" << name << "': external data '" << location
                   << "' has " << all.size() << " bytes, but " << expected
                   << " from offset " << offset << " are needed";
  return Bytes{all.substr(offset, expected), buffer};
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

FailureOr<Constant> ModelFile::readTensor(TensorProto &tensor, StringRef name,
                                          ErrorFn error) {
  int type = tensor.data_type();
  size_t size = elementSize(type);
  if (size == 0)
    return error() << "tensor '" << name << "' has data type "
                   << dataTypeName(type)
                   << "; weights may be float, float16, bfloat16 or double, "
                      "shapes int64, int32 or bool";
  if (tensor.has_segment())
    return error() << "tensor '" << name
                   << "' is stored in segments, which are not supported";
  llvm::SmallVector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  for (int64_t dim : dims)
    if (dim < 0)
      return error() << "tensor '" << name << "' has a dimension of " << dim
                     << "; dimensions are 0 or more";
  std::optional<int64_t> count = countElements(dims);
  if (!count || *count > INT64_MAX / static_cast<int64_t>(size))
    return error() << "tensor '" << name
                   << "' has a shape whose size leaves 64 bits";
  size_t expected = static_cast<size_t>(*count) * size;

  Bytes raw;
  bool isRaw = false;
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    FailureOr<Bytes> bytes = readExternal(tensor, name, expected, error);
    if (failed(bytes))
      return failure();
    raw = *bytes;
    isRaw = true;
  } else if (tensor.has_raw_data()) {
    std::shared_ptr<std::string> owner(tensor.release_raw_data());
    if (owner->size() != expected)
      return error() << "tensor '" << name << "' has " << owner->size()
                     << " bytes of data, but its shape and type need "
                     << expected;
    raw = {*owner, owner};
    isRaw = true;
  }
  FailureOr<Constant> constant =
      isFloatType(type) ? readFloats(tensor, raw, isRaw, name, *count, error)
                        : readInts(tensor, raw, isRaw, name, *count, error);
  if (failed(constant))
    return failure();
  constant->shape.assign(dims.begin(), dims.end());
  constant->stored.assign(dims.begin(), dims.end());
  return constant;
}

/// Reports a typed field with another number of entries than the shape.
static mlir::LogicalResult checkCount(int64_t found, int64_t expected,
                                      StringRef name, ErrorFn error) {
  if (found != expected)
    return error() << "tensor '" << name << "' has " << found
                   << " values, but its shape needs " << expected;
  return mlir::success();
}

/// A 16-bit pattern as float, exactly.
static float fromBits(uint16_t bits, const llvm::fltSemantics &semantics) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  return value.convertToFloat();
}

FailureOr<Constant> ModelFile::readFloats(TensorProto &tensor, Bytes raw,
                                          bool isRaw, StringRef name,
                                          int64_t count, ErrorFn error) {
  int type = tensor.data_type();
  Constant constant;
  constant.floats.name = name.str();
  if (type == TensorProto::FLOAT) {
    if (isRaw) {
      auto address = reinterpret_cast<uintptr_t>(raw.data.data());
      if (address % alignof(float) == 0) {
        constant.floats.data = reinterpret_cast<const float *>(address);
        constant.floats.size = count;
        constant.floats.owner = raw.owner;
        return constant;
      }
      std::vector<float> copy(count);
      std::memcpy(copy.data(), raw.data.data(), raw.data.size());
      constant.floats = FloatBuffer::own(std::move(copy), name.str());
      return constant;
    }
    if (failed(checkCount(tensor.float_data_size(), count, name, error)))
      return failure();
    // The protobuf's own array is kept.
    auto owner = std::make_shared<google::protobuf::RepeatedField<float>>();
    owner->Swap(tensor.mutable_float_data());
    constant.floats.data = owner->data();
    constant.floats.size = count;
    constant.floats.owner = owner;
    return constant;
  }

  bool isDouble = type == TensorProto::DOUBLE;
  if (!isRaw && failed(checkCount(isDouble ? tensor.double_data_size()
                                           : tensor.int32_data_size(),
                                  count, name, error)))
    return failure();
  std::vector<float> values(count);
  if (isDouble) {
    for (int64_t i = 0; i < count; ++i) {
      double value;
      if (isRaw)
        std::memcpy(&value, raw.data.data() + i * sizeof(double),
                    sizeof(double));
      else
        value = tensor.double_data(static_cast<int>(i));
      values[i] = static_cast<float>(value);
      if (std::isfinite(value) && !std::isfinite(values[i]))
        return error() << "tensor '" << name << "' has the value "
                       << formatNumber(value) << " at index " << i
                       << ", which is out of the range of float32";
    }
  } else {
    const llvm::fltSemantics &semantics = type == TensorProto::FLOAT16
                                              ? llvm::APFloat::IEEEhalf()
                                              : llvm::APFloat::BFloat();
    for (int64_t i = 0; i < count; ++i) {
      uint16_t bits =
          isRaw ? llvm::support::endian::read16le(raw.data.data() + 2 * i)
                : static_cast<uint16_t>(tensor.int32_data(static_cast<int>(i)));
      values[i] = fromBits(bits, semantics);
    }
  }
  constant.floats = FloatBuffer::own(std::move(values), name.str());
  return constant;
}

FailureOr<Constant> ModelFile::readInts(TensorProto &tensor, Bytes raw,
                                        bool isRaw, StringRef name,
                                        int64_t count, ErrorFn error) {
  int type = tensor.data_type();
  Constant constant;
  constant.kind =
      type == TensorProto::BOOL ? Constant::Kind::Bool : Constant::Kind::Int;
  bool wide = type == TensorProto::INT64;
  if (!isRaw && failed(checkCount(wide ? tensor.int64_data_size()
                                       : tensor.int32_data_size(),
                                  count, name, error)))
    return failure();
  constant.ints.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const char *at = raw.data.data();
    int64_t value;
    if (!isRaw)
      value = wide ? tensor.int64_data(static_cast<int>(i))
                   : tensor.int32_data(static_cast<int>(i));
    else if (wide)
      value = static_cast<int64_t>(llvm::support::endian::read64le(at + 8 * i));
    else if (type == TensorProto::INT32)
      value = static_cast<int32_t>(llvm::support::endian::read32le(at + 4 * i));
    else
      value = at[i];
    constant.ints.emplace_back(type == TensorProto::BOOL ? value != 0 : value);
  }
  return constant;
}
