// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which files a name of calibration data stands for.
//
#ifndef HCGS_DIALECT_RNN_TRANSFORMS_CALIBRATIONFILES_H
#define HCGS_DIALECT_RNN_TRANSFORMS_CALIBRATIONFILES_H

#include "hcgs/Support/Result.h"

#include <string>
#include <vector>

namespace hcgs::rnn {

/// The files that `text` names: a file; several with commas between them; a
/// folder, meaning the `.npy` and `.npz` files in it; or a pattern whose last
/// part has `*` (any text) or `?` (any character). A file that exists is taken
/// by its name, whatever is in it. In the order of their names; at least one,
/// or an error.
Result<std::vector<std::string>> listCalibrationFiles(const std::string &text);

} // namespace hcgs::rnn

#endif // HCGS_DIALECT_RNN_TRANSFORMS_CALIBRATIONFILES_H
