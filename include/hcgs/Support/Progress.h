// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line on standard error that tells how far a long piece of work has come.
// It appears only after two seconds and only on a terminal, so that scripts,
// logs and short runs see nothing.
//
#ifndef HCGS_SUPPORT_PROGRESS_H
#define HCGS_SUPPORT_PROGRESS_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace hcgs {

/// Counts finished items of `total`; safe to advance from several threads.
/// The line is erased when the object goes.
class Progress {
public:
  /// `what` in the plural: "rows", "frames". Total 0: unknown.
  Progress(std::string what, uint64_t total);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void advance(uint64_t items = 1);

private:
  std::string what;
  uint64_t total;
  bool enabled;
  bool shown = false;
  std::atomic<uint64_t> done{0};
  std::mutex printing;
  std::chrono::steady_clock::time_point started, printed;
};

} // namespace hcgs

#endif // HCGS_SUPPORT_PROGRESS_H
