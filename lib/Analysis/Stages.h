// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A network made ready to run in every stage: its matrices as real numbers in
// each form, its tables worked out, and the settings that make up a stage.
//
#ifndef HCGS_LIB_ANALYSIS_STAGES_H
#define HCGS_LIB_ANALYSIS_STAGES_H

#include "Data.h"
#include "Executor.h"
#include "hcgs/Analysis/Analyze.h"

#include <memory>
#include <vector>

namespace hcgs::analysis {

enum Stage : size_t { Float, Compressed, Weights, RoundedValues, Tables };

/// One whole run of a network.
struct RunSetting {
  std::vector<LayerSetting> layers;
  /// By value number: whether inputs of the host are rounded, and to what.
  bool roundInputs = false;
  std::vector<numerics::FxFormat> inputFormats;
  /// Whether constant states are those of the program.
  bool roundStates = false;
};

/// Saturations of a whole run: of each layer, and by value number of inputs.
struct NetworkCounts {
  std::vector<SaturationCounts> layers, inputs;
};

class Stages {
public:
  Stages(const sim::LoadedProgram &program, const Network &network);

  const Network &net() const { return network; }
  const sim::LoadedProgram &loaded() const { return program; }
  const RunSetting &setting(size_t stage) const { return settings[stage]; }
  const ExpandedTable &table(int number) const { return *tables[number]; }

  /// Fills inputs and constants of a group whose data are `inputs`.
  void start(const RunSetting &setting, const Group &group,
             const NpzArrays &inputs, Values &values,
             NetworkCounts *counts = nullptr) const;
  /// Runs the layers from `first` on.
  void run(const RunSetting &setting, const Group &group, Values &values,
           size_t first = 0) const;
  /// Drops the values that no layer after `layer` and no output reads.
  void dropUnused(Values &values, size_t layer) const;

private:
  struct Forms {
    std::shared_ptr<const RealMatrix> original, compressed, quantized;
  };
  static Forms makeForms(const Matrix &matrix);
  void makeSettings();

  const sim::LoadedProgram &program;
  const Network &network;
  std::vector<Forms> w, r;                      // by layer
  std::vector<std::vector<double>> roundedBias; // by layer
  std::vector<std::unique_ptr<ExpandedTable>> tables;
  std::vector<size_t> lastUse; // by value: a layer; SIZE_MAX of outputs
  std::array<RunSetting, kModelStages> settings;
};

/// Error energies at the outputs of a network, summed up over groups.
class OutputError {
public:
  explicit OutputError(const Network &network)
      : network(&network), error(network.outputs.size()),
        signal(network.outputs.size()) {}
  void add(const Group &group, const Values &values, const Values &reference);
  /// The mean over tensors of error over signal; tensors without signal do not
  /// count. `of` gives the signals, if they are not those of this object's
  /// reference.
  double relative(const OutputError *of = nullptr) const;

private:
  const Network *network;
  std::vector<double> error, signal;
};

} // namespace hcgs::analysis

#endif // HCGS_LIB_ANALYSIS_STAGES_H
