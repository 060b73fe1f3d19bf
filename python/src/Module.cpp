// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Bindings.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace nb = nanobind;

namespace hcgs::python {

static DType dtypeOf(nb::dlpack::dtype type) {
  using Code = nb::dlpack::dtype_code;
  if (type.lanes == 1 && type.code == static_cast<uint8_t>(Code::Float)) {
    if (type.bits == 16)
      return DType::F16;
    if (type.bits == 32)
      return DType::F32;
    if (type.bits == 64)
      return DType::F64;
  }
  if (type.lanes == 1 && type.code == static_cast<uint8_t>(Code::Int)) {
    if (type.bits == 8)
      return DType::I8;
    if (type.bits == 16)
      return DType::I16;
    if (type.bits == 32)
      return DType::I32;
    if (type.bits == 64)
      return DType::I64;
  }
  throw nb::type_error("arrays must hold float16, float32, float64 or signed "
                       "integers of 8 to 64 bits");
}

static nb::dlpack::dtype dlpackOf(DType type) {
  switch (type) {
  case DType::F16:
    return {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};
  case DType::F32:
    return nb::dtype<float>();
  case DType::F64:
    return nb::dtype<double>();
  case DType::I8:
    return nb::dtype<int8_t>();
  case DType::I16:
    return nb::dtype<int16_t>();
  case DType::I32:
    return nb::dtype<int32_t>();
  case DType::I64:
    return nb::dtype<int64_t>();
  }
  throw nb::type_error("unknown element type");
}

NpyArray fromNumpy(const AnyArray &array) {
  std::vector<int64_t> shape;
  for (size_t axis = 0; axis < array.ndim(); ++axis)
    shape.push_back(static_cast<int64_t>(array.shape(axis)));
  NpyArray copy(std::move(shape), dtypeOf(array.dtype()));
  if (!copy.data.empty())
    std::memcpy(copy.data.data(), array.data(), copy.data.size());
  return copy;
}

nb::ndarray<nb::numpy> toNumpy(NpyArray array) {
  std::vector<size_t> shape(array.shape.begin(), array.shape.end());
  nb::dlpack::dtype type = dlpackOf(array.dtype);
  auto *owned = new std::vector<std::byte>(std::move(array.data));
  nb::capsule owner(owned, [](void *p) noexcept {
    delete static_cast<std::vector<std::byte> *>(p);
  });
  return nb::ndarray<nb::numpy>(owned->data(), shape.size(), shape.data(),
                                owner, nullptr, type);
}

NpzArrays fromNumpy(const NamedArrays &arrays) {
  NpzArrays copies;
  for (const auto &[name, array] : arrays)
    copies.emplace_back(name, fromNumpy(array));
  return copies;
}

nb::list toNumpy(NpzArrays arrays) {
  nb::list named;
  for (auto &[name, array] : arrays)
    named.append(nb::make_tuple(name, toNumpy(std::move(array))));
  return named;
}

/// Raises a Failure as the exception class of its name in hcgs.errors.
static void translate(const std::exception_ptr &pointer, void *) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Failure &failure) {
    nb::object type = nb::module_::import_("hcgs.errors").attr(failure.kind);
    // Messages quote files, whose bytes may be no UTF-8.
    std::string_view text = failure.what();
    nb::object message = nb::steal(PyUnicode_DecodeUTF8(
        text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
    PyErr_SetObject(type.ptr(), message.ptr());
  }
}

} // namespace hcgs::python

NB_MODULE(_hcgs, module) {
  module.doc() = "The compiled half of the package hcgs; use hcgs itself.";
  nb::register_exception_translator(hcgs::python::translate);
  hcgs::python::bindCompiler(module);
  hcgs::python::bindSimulator(module);
}
