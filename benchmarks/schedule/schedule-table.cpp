// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles a step of LSTM stacks by schedule and machine, beside the lower bound:
//
//   schedule-table [MACHINE...]      default: all
//   schedule-table --entries MACHINE NETWORK   the list that auto finds
//
// This measures the scheduling core alone, on problems made by hand;
// benchmarks/published measures compiled programs.
//
#include "LstmProblems.h"

#include <chrono>
#include <cstdio>
#include <cstring>

using namespace hcgs::schedule;

namespace {

struct Case {
  std::string machine, name;
  Stack stack;
};

std::vector<Case> casesOf(const std::string &name) {
  MachineTiming machine = machineNamed(name);
  std::vector<Case> cases;
  auto add = [&](const std::string &what, Stack stack) {
    stack.machine = machine;
    cases.push_back({name, what, stack});
  };
  if (name == "hcgs-65nm") {
    constexpr int64_t kCapacity = 16384;
    add("2x512",
        {{}, 440, {512, 512}, false, 1, Weights::Sixteenth, {}, kCapacity});
    add("3x512", {{},
                  440,
                  {512, 512, 512},
                  false,
                  1,
                  Weights::Sixteenth,
                  {},
                  kCapacity});
    return cases;
  }
  if (name == "wang-90nm") {
    add("1x512", {{}, 512, {512}, false, 1, Weights::Circulant, {}, 16384});
    return cases;
  }
  std::vector<uint32_t> sizes = {128, 256, 340, 512, 1024, 2048};
  if (name == "brainwave-96k")
    sizes = {256, 512, 1024, 1536, 2048};
  for (uint32_t hidden : sizes)
    add("1x" + std::to_string(hidden), {{}, hidden, {hidden}});
  if (name == "brainwave-96k")
    return cases;
  for (uint32_t hidden : {128u, 256u, 512u})
    add("2x" + std::to_string(hidden), {{}, hidden, {hidden, hidden}});
  add("3x1024", {{}, 1024, {1024, 1024, 1024}});
  for (uint32_t hidden : {128u, 256u, 512u})
    add("bi" + std::to_string(hidden), {{}, hidden, {hidden}, true});
  for (uint32_t hidden : {128u, 512u, 1024u})
    add("4s" + std::to_string(hidden), {{}, hidden, {hidden}, false, 4});
  return cases;
}

double cyclesOf(const char *schedule, const Problem &problem, Plan &plan,
                double &seconds) {
  auto start = std::chrono::steady_clock::now();
  plan = createScheduler(schedule)->run(problem);
  seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return plan.cyclesPerStep;
}

void printRow(const Case &one) {
  Problem problem = makeProblem(one.stack);
  LowerBound bound = lowerBound(problem);
  Plan plan;
  double seconds, best = 0;
  std::printf("%-13s %-7s", one.machine.c_str(), one.name.c_str());
  for (const char *schedule :
       {"sequential", "batch", "intergate", "unfolded"}) {
    double cycles = cyclesOf(schedule, problem, plan, seconds);
    best = best ? std::min(best, cycles) : cycles;
    std::printf(" %8.1f", cycles);
  }
  double cycles = cyclesOf("auto", problem, plan, seconds);
  std::printf(
      " %8.1f %4zu %2u %8llu %-10s %6.3f %6.3f %5.2f s%s\n", cycles,
      plan.entries.size(), plan.depth, (unsigned long long)bound.cycles(),
      std::string(bound.binding()).c_str(), cycles / double(bound.cycles()),
      best / cycles, seconds, cycles > best ? "  BEHIND" : "");
  std::fflush(stdout);
}

/// Fixed tiles of K rows: sequential and intergate, against adaptive auto.
void printFixed(const Case &one) {
  std::printf("%-13s %-7s", one.machine.c_str(), one.name.c_str());
  Plan plan;
  double seconds;
  for (const char *schedule : {"sequential", "intergate"})
    for (unsigned tile = 0; tile < one.stack.machine.tiles.size(); ++tile) {
      Stack fixed = one.stack;
      fixed.tile = tile;
      std::printf(" %8.1f",
                  cyclesOf(schedule, makeProblem(fixed), plan, seconds));
    }
  std::printf("\n");
}

void printEntries(const Case &one) {
  static const char *const kUnitNames[] = {"load", "matrix", "vector", "store"};
  Problem problem = makeProblem(one.stack);
  Plan plan = createScheduler("auto")->run(problem);
  std::vector<uint64_t> takes = settledTakes(problem, plan);
  for (size_t i = 0; i < plan.entries.size(); ++i) {
    const Entry &e = plan.entries[i];
    const Operation &op = problem.operations[e.operation];
    std::printf("%6llu %-6s op %-3u rows %u..%u step %u gates %x cols %u..%u "
                "occ %llu\n",
                (unsigned long long)(takes[i] - takes[0]),
                kUnitNames[unsigned(op.unit)], e.operation, e.begin, e.end,
                e.step, e.gates, e.colBegin, e.colEnd,
                (unsigned long long)op.occupancy(e));
  }
  LowerBound bound = lowerBound(problem);
  std::printf(
      "%.2f cycles, depth %u, one step %llu; bound: macs %llu vector "
      "%llu dispatch %llu recurrence %llu\n",
      plan.cyclesPerStep, plan.depth, (unsigned long long)plan.cyclesOfOneStep,
      (unsigned long long)bound.macs, (unsigned long long)bound.vector,
      (unsigned long long)bound.dispatch, (unsigned long long)bound.recurrence);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 4 && !std::strcmp(argv[1], "--entries")) {
    for (const Case &one : casesOf(argv[2]))
      if (one.name == argv[3])
        printEntries(one);
    return 0;
  }
  std::vector<std::string> machines(argv + 1, argv + argc);
  if (machines.empty())
    machines = {"sharp-1k",  "sharp-4k",  "sharp-16k",    "sharp-64k",
                "hcgs-65nm", "wang-90nm", "brainwave-96k"};
  std::printf("%-13s %-7s %8s %8s %8s %8s %8s %4s %2s %8s %-10s %6s %6s\n",
              "machine", "network", "sequ", "batch", "interg", "unfold", "auto",
              "n", "d", "bound", "binding", "/bound", "gain");
  for (const std::string &machine : machines)
    for (const Case &one : casesOf(machine))
      printRow(one);
  std::printf("\nfixed tiles: sequential, then intergate, for each K\n");
  for (const std::string &machine : machines)
    if (machine.starts_with("sharp"))
      for (const Case &one : casesOf(machine))
        if (one.name.starts_with("1x"))
          printFixed(one);
  return 0;
}
