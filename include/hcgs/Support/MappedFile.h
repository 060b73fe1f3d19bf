// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file's bytes, read-only, without copying them: weights of hundreds of
// megabytes are touched once and should not count as memory twice.
//
#ifndef HCGS_SUPPORT_MAPPEDFILE_H
#define HCGS_SUPPORT_MAPPEDFILE_H

#include "hcgs/Support/Result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace hcgs {

/// A regular file mapped into memory for as long as the object lives. What
/// cannot be mapped (a pipe, say) is read instead.
class MappedFile {
public:
  /// Opens `path`. The error names the path and the reason.
  static Result<MappedFile> open(const std::string &path);

  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  std::string_view bytes() const {
    return mapping ? std::string_view(static_cast<const char *>(mapping), size)
                   : std::string_view(contents);
  }

private:
  MappedFile() = default;
  void release();

  void *mapping = nullptr;
  size_t size = 0;
  std::string contents; // when nothing is mapped
};

} // namespace hcgs

#endif // HCGS_SUPPORT_MAPPEDFILE_H
