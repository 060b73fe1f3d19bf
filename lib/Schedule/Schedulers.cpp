// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedulers by name.

#include "AutoScheduler.h"
#include "LayeredScheduler.h"

using namespace hcgs::schedule;

namespace {

struct Registration {
  std::string_view name;
  std::unique_ptr<Scheduler> (*create)();
};

/// One line for each scheduler.
constexpr Registration kSchedulers[] = {
    {"auto",
     []() -> std::unique_ptr<Scheduler> {
       return std::make_unique<AutoScheduler>();
     }},
    {"sequential", createSequential},
    {"batch", createBatch},
    {"intergate", createIntergate},
    {"unfolded", createUnfolded},
};

} // namespace

std::unique_ptr<Scheduler>
hcgs::schedule::createScheduler(std::string_view name) {
  for (const Registration &entry : kSchedulers)
    if (entry.name == name)
      return entry.create();
  return nullptr;
}

std::vector<std::string> hcgs::schedule::schedulerNames() {
  std::vector<std::string> names;
  for (const Registration &entry : kSchedulers)
    names.emplace_back(entry.name);
  return names;
}
