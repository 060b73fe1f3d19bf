// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `sequential` schedule: whole gates, one after another. All rows of a gate
// (its product with the input, then that with the old state), then the next
// gate. The activation of a gate runs under the next gate; that of the last one
// and the cell update are exposed, over all rows.

#include "LayeredScheduler.h"

using namespace hcgs::schedule;

namespace {

class SequentialScheduler : public LayeredScheduler {
public:
  SequentialScheduler() : LayeredScheduler("sequential") {}

protected:
  bool cutsRows() const override { return false; }
};

} // namespace

std::unique_ptr<Scheduler> hcgs::schedule::createSequential() {
  return std::make_unique<SequentialScheduler>();
}
