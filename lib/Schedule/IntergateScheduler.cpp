// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `intergate` schedule: a block of rows of all gates at once, so that the
// gates of a neuron are ready together, then the next block. Nothing of the
// next step is issued before the last of this one.

#include "LayeredScheduler.h"

using namespace hcgs::schedule;

namespace {

class IntergateScheduler : public LayeredScheduler {
public:
  IntergateScheduler() : LayeredScheduler("intergate") {}

protected:
  std::vector<unsigned> gateSets(unsigned) const override { return {0}; }
};

} // namespace

std::unique_ptr<Scheduler> hcgs::schedule::createIntergate() {
  return std::make_unique<IntergateScheduler>();
}
