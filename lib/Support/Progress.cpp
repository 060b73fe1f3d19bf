// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/Progress.h"

#include <cstdio>
#include <utility>

#include <unistd.h>

using namespace hcgs;

static constexpr auto kQuietTime = std::chrono::seconds(2);
static constexpr auto kBetweenPrints = std::chrono::milliseconds(100);

Progress::Progress(std::string what, uint64_t total)
    : what(std::move(what)), total(total), enabled(::isatty(STDERR_FILENO)),
      started(std::chrono::steady_clock::now()), printed(started) {}

Progress::~Progress() {
  if (shown)
    std::fputs("\r\033[K", stderr);
}

void Progress::advance(uint64_t items) {
  uint64_t count = done.fetch_add(items, std::memory_order_relaxed) + items;
  if (!enabled)
    return;
  // Whoever finds the line busy leaves it to the other thread.
  std::unique_lock<std::mutex> lock(printing, std::try_to_lock);
  if (!lock)
    return;
  auto now = std::chrono::steady_clock::now();
  if (now - started < kQuietTime || now - printed < kBetweenPrints)
    return;
  printed = now;
  shown = true;
  if (total)
    std::fprintf(stderr, "\r\033[K%llu of %llu %s",
                 static_cast<unsigned long long>(count),
                 static_cast<unsigned long long>(total), what.c_str());
  else
    std::fprintf(stderr, "\r\033[K%llu %s",
                 static_cast<unsigned long long>(count), what.c_str());
  std::fflush(stderr);
}
