// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Bindings.h"

namespace nb = nanobind;
namespace hcgs::python {
void bindCompiler(nb::module_ &module) {}
} // namespace hcgs::python
