// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parts of the extension module `hcgs._hcgs` share: how a failed
// Result becomes a Python exception, and arrays between NumPy and NpyArray.
//
// The module is a thin layer. Everything a user reads about (docstrings, shape
// rules, lists of sequences) is in the Python files of the package; here are
// only calls, conversions and the release of the interpreter's lock.
//
#ifndef HCGS_PYTHON_BINDINGS_H
#define HCGS_PYTHON_BINDINGS_H

#include "hcgs/Support/Npy.h"
#include "hcgs/Support/Result.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <stdexcept>
#include <string>

namespace hcgs::python {

/// A failure on its way to Python: raised there as `hcgs.errors.<kind>`.
struct Failure : std::runtime_error {
  Failure(const char *kind, std::string message)
      : std::runtime_error(std::move(message)), kind(kind) {}
  const char *kind;
};

/// The value of a result, or a Failure of class `kind`.
template <typename T>
T unwrap(const char *kind, Result<T> result) {
  if (!result)
    throw Failure(kind, result.message());
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

/// Any array in main memory, contiguous in C order, never written to.
using AnyArray =
    nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

/// A copy of a NumPy array; TypeError for an element type hcgs has not.
NpyArray fromNumpy(const AnyArray &array);

/// A NumPy array that takes the bytes over.
nanobind::ndarray<nanobind::numpy> toNumpy(NpyArray array);

/// Named arrays as Python sees them: list of (name, array).
using NamedArrays = std::vector<std::pair<std::string, AnyArray>>;
NpzArrays fromNumpy(const NamedArrays &arrays);
nanobind::list toNumpy(NpzArrays arrays);

void bindCompiler(nanobind::module_ &module);
void bindSimulator(nanobind::module_ &module);

} // namespace hcgs::python

#endif // HCGS_PYTHON_BINDINGS_H
