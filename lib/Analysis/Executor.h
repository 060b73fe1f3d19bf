// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the layers of a network on real numbers, on up to kLanes rows together,
// with any of the program's roundings switched on one by one. With all of them
// the numbers are those of the program (docs/Spec/Layers.md): sums in double
// precision are exact there.
//
// One LayerRun is one layer in one setting. It goes step by step, so that runs
// of the same layer in several settings can be compared while their inner
// values are there; only whole values of the network are stored.
//
#ifndef HCGS_LIB_ANALYSIS_EXECUTOR_H
#define HCGS_LIB_ANALYSIS_EXECUTOR_H

#include "RealMatrix.h"
#include "hcgs/Analysis/Network.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hcgs::analysis {

/// Rows that are computed together.
struct Group {
  int64_t lanes = 0;
  /// Time steps of each row, 0 for lanes without one; and the largest.
  std::array<int64_t, kLanes> lengths{};
  int64_t steps = 0;
};

/// Values by number: [time][element][lane], or [element][lane]; empty if not
/// computed.
using Values = std::vector<std::vector<double>>;

/// A table with its results worked out.
struct ExpandedTable {
  explicit ExpandedTable(const numerics::PwlTable &table);
  double operator()(int64_t code) const { return values[code + 32768]; }
  bool saturates(int64_t code) const { return saturated[code + 32768]; }

private:
  std::vector<float> values; // in real units
  std::vector<uint8_t> saturated;
};

/// Counts of values that rounding cut off, by site and step.
struct SaturationCounts {
  /// [site][step].
  std::vector<std::vector<int64_t>> counts;
  /// Elements that passed, by site.
  std::vector<int64_t> elements;
  void add(size_t site, int64_t step, int64_t count);
};

/// A layer in one setting.
struct LayerSetting {
  const Layer *layer = nullptr;
  const RealMatrix *w = nullptr, *r = nullptr;
  /// [gates * rows]; empty: none.
  const std::vector<double> *bias = nullptr;
  LayerFormats formats;
  /// What is rounded to its format: pre-activations and outputs of gates (of
  /// other layers: the input of the table), c, the cell's squashed value with
  /// its input, h or the result.
  bool gates = false, c = false, q = false, y = false;
  /// Tables instead of functions; only where gates and q (y) are rounded.
  std::array<const ExpandedTable *, 5> tables{};
};

/// The places in a layer where values are looked at.
struct Site {
  std::string name; // "i.pre", "c", "y"
  char gate = 0;    // of i, o, f, g; 0: none
  numerics::FxFormat format;
  /// Whether the value is the input of a table.
  bool isTableInput = false;
};
std::vector<Site> sitesOf(const Layer &layer);

class LayerRun {
public:
  /// Reads and writes `values`, which must hold what the layer reads.
  LayerRun(const Network &network, const LayerSetting &setting,
           const Group &group, Values &values,
           SaturationCounts *counts = nullptr);

  /// Time steps, or 1 of a layer that works once a run.
  int64_t steps() const { return numSteps; }
  /// Computes step k in the layer's own direction.
  void step(int64_t k);
  /// Stores final states, after the last step.
  void finish();
  void runAll() {
    for (int64_t k = 0; k < numSteps; ++k)
      step(k);
    finish();
  }

  /// The values of a site after a step: [width][kLanes].
  std::span<const double> site(size_t number) const { return data[number]; }
  /// 1 for lanes that have step k, else 0.
  const std::array<double, kLanes> &activeLanes() const { return active; }

private:
  void gather(int64_t k);
  void stepLstm(int64_t k);
  void stepOther(int64_t k);
  void move();
  /// Rounds data[site] to `format` (A-RQ-1).
  void round(size_t site, numerics::FxFormat format, int64_t k);
  /// data[to] = function or table of data[from], rounded to `format`.
  void activate(size_t from, size_t to, int function, bool rounded,
                numerics::FxFormat format, int64_t k);
  int64_t placeOf(int64_t k, int64_t lane) const {
    return setting.layer->reverse ? group.lengths[lane] - 1 - k : k;
  }

  const Network &network;
  const LayerSetting &setting;
  const Group &group;
  Values &values;
  SaturationCounts *counts;
  bool isSequence = true;
  int64_t numSteps = 1, width = 0;
  std::vector<std::vector<double>> data; // by site
  std::vector<double> x, sums, h, c;
  std::array<double, kLanes> active{};
};

} // namespace hcgs::analysis

#endif // HCGS_LIB_ANALYSIS_EXECUTOR_H
