// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/AtomicFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hcgs;

static Error systemError(const std::string &path, const char *what) {
  return Error{"'" + path + "': cannot " + what + ": " + std::strerror(errno)};
}

static Result<void> writeAll(int descriptor, const std::string &path,
                             std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return systemError(path, "write");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

/// True if `path` names something that a rename must not replace.
static bool isSpecialFile(const std::string &path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) &&
         !S_ISDIR(info.st_mode);
}

AtomicFileGroup::~AtomicFileGroup() {
  for (const Staged &file : files)
    if (!file.temporary.empty())
      ::unlink(file.temporary.c_str());
}

Result<void> AtomicFileGroup::stage(const std::string &path,
                                    std::string_view bytes) {
  if (path.empty())
    return Error{"the name of an output file is empty"};
  if (isSpecialFile(path)) {
    files.push_back({path, "", std::string(bytes)});
    return {};
  }
  struct stat info;
  mode_t mode = 0666;
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode))
      return Error{"'" + path + "': cannot write: is a directory"};
    mode = info.st_mode & 0777;
  }
  // mkstemp makes the file private; give it what an ordinary open would.
  std::string temporary = path + ".XXXXXX";
  int descriptor = ::mkstemp(temporary.data());
  if (descriptor < 0)
    return systemError(path, "write");
  files.push_back({path, temporary, {}});
  mode_t mask = ::umask(0);
  ::umask(mask);
  (void)::fchmod(descriptor, mode & ~mask);
  Result<void> written = writeAll(descriptor, path, bytes);
  if (::close(descriptor) != 0 && written)
    written = systemError(path, "write");
  return written;
}

Result<void> AtomicFileGroup::commit() {
  for (Staged &file : files) {
    if (file.temporary.empty()) {
      int descriptor = ::open(file.path.c_str(), O_WRONLY);
      if (descriptor < 0)
        return systemError(file.path, "write");
      Result<void> written = writeAll(descriptor, file.path, file.bytes);
      ::close(descriptor);
      if (!written)
        return written;
      continue;
    }
    if (::rename(file.temporary.c_str(), file.path.c_str()) != 0)
      return systemError(file.path, "write");
    file.temporary.clear();
  }
  files.clear();
  return {};
}

Result<void> hcgs::writeFileAtomically(const std::string &path,
                                       std::string_view bytes) {
  AtomicFileGroup group;
  if (Result<void> staged = group.stage(path, bytes); !staged)
    return staged;
  return group.commit();
}

Result<void> hcgs::writeStandardOutput(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() ||
      std::fflush(stdout) != 0)
    return systemError("standard output", "write");
  return {};
}

bool hcgs::isSameFile(const std::string &a, const std::string &b) {
  if (a.empty() || b.empty() || a == "-" || b == "-")
    return false;
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

Result<void> hcgs::checkOutputPaths(const std::vector<std::string> &written,
                                    const std::vector<std::string> &read) {
  for (size_t i = 0; i < written.size(); ++i) {
    // Terminals and the like can be written twice and read, too.
    if (isSpecialFile(written[i]))
      continue;
    for (const std::string &path : read)
      if (isSameFile(written[i], path))
        return Error{"'" + path +
                     "' would be overwritten, and it is read; name another "
                     "output"};
    for (size_t j = 0; j < i; ++j)
      if (isSameFile(written[i], written[j]))
        return Error{"two outputs cannot both be '" + written[i] +
                     "'; name two files"};
  }
  return {};
}
