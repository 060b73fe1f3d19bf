// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What layers are called where room is short.
//
#ifndef HCGS_LIB_SIM_LAYERNAMES_H
#define HCGS_LIB_SIM_LAYERNAMES_H

#include "hcgs/Sim/LoadedProgram.h"

#include <string>
#include <vector>

namespace hcgs::sim {

/// Names of the layers of a program. Layers with the same name, such as the two
/// of a bidirectional ONNX node, have their direction behind it ("lstm
/// reverse"); where that does not tell them apart either, their index, too
/// ("lstm forward #2").
class LayerNames {
public:
  explicit LayerNames(const LoadedProgram &program);

  /// The full name of the layer that the debug map calls `layer` (its index, as
  /// text); empty if the metadata (PF-6) have none.
  std::string full(const std::string &layer) const;
  /// The same with the shortest end of the name, at a '/', that the name of no
  /// other layer has.
  std::string brief(const std::string &layer) const;

private:
  std::vector<std::string> names, ends; // by index
};

} // namespace hcgs::sim

#endif // HCGS_LIB_SIM_LAYERNAMES_H
