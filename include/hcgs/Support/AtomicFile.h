// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing files so that nobody ever sees half of one: the bytes go to a
// temporary name in the same folder, and a rename puts the whole file in place.
// A failed write leaves neither the temporary nor a changed target behind.
//
#ifndef HCGS_SUPPORT_ATOMICFILE_H
#define HCGS_SUPPORT_ATOMICFILE_H

#include "hcgs/Support/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace hcgs {

/// Writes `bytes` to `path`, replacing what was there. The error names `path`
/// and the reason. A path that exists and is no regular file (a terminal, a
/// pipe, /dev/null) is written to directly.
Result<void> writeFileAtomically(const std::string &path,
                                 std::string_view bytes);

/// Writes to standard output and empties its buffer, so that a full disk or a
/// closed pipe is an error instead of a silent loss.
Result<void> writeStandardOutput(std::string_view bytes);

/// Whether two paths mean one file; files that are not there yet are compared
/// by their names. Empty paths and "-" are no files.
bool isSameFile(const std::string &a, const std::string &b);

/// An error if a file of `written` is one of `read` or stands in `written`
/// twice: a tool must not destroy what it was given, or one result by another.
Result<void> checkOutputPaths(const std::vector<std::string> &written,
                              const std::vector<std::string> &read);

/// Several files that appear together or not at all, as far as a file system
/// can promise it: every temporary is written before the first rename.
class AtomicFileGroup {
public:
  AtomicFileGroup() = default;
  AtomicFileGroup(const AtomicFileGroup &) = delete;
  AtomicFileGroup &operator=(const AtomicFileGroup &) = delete;
  /// Removes what was staged and not committed.
  ~AtomicFileGroup();

  /// Writes `bytes` to a temporary beside `path`.
  Result<void> stage(const std::string &path, std::string_view bytes);

  /// Renames every staged temporary into place, in the order of staging.
  Result<void> commit();

private:
  struct Staged {
    std::string path;
    std::string temporary; // empty: `bytes` are written directly
    std::string bytes;
  };
  std::vector<Staged> files;
};

} // namespace hcgs

#endif // HCGS_SUPPORT_ATOMICFILE_H
