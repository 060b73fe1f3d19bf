// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `batch` schedule: a block of rows through all gates, one gate after
// another, then the next block. Only the cell update of the last block is
// exposed.

#include "LayeredScheduler.h"

using namespace hcgs::schedule;

namespace {

class BatchScheduler : public LayeredScheduler {
public:
  BatchScheduler() : LayeredScheduler("batch") {}
};

} // namespace

std::unique_ptr<Scheduler> hcgs::schedule::createBatch() {
  return std::make_unique<BatchScheduler>();
}
