// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hcgs;

static Error systemError(const std::string &path) {
  return Error{"'" + path + "': cannot read: " + std::strerror(errno)};
}

Result<MappedFile> MappedFile::open(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return systemError(path);
  struct stat info;
  if (::fstat(descriptor, &info) != 0) {
    Error error = systemError(path);
    ::close(descriptor);
    return error;
  }
  MappedFile file;
  if (S_ISDIR(info.st_mode)) {
    ::close(descriptor);
    return Error{"'" + path + "': cannot read: is a directory"};
  }
  if (S_ISREG(info.st_mode) && info.st_size > 0) {
    void *mapping = ::mmap(nullptr, static_cast<size_t>(info.st_size),
                           PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping != MAP_FAILED) {
      file.mapping = mapping;
      file.size = static_cast<size_t>(info.st_size);
      ::close(descriptor);
      return file;
    }
  }
  char buffer[1 << 16];
  for (;;) {
    ssize_t count = ::read(descriptor, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      Error error = systemError(path);
      ::close(descriptor);
      return error;
    }
    if (count == 0)
      break;
    file.contents.append(buffer, static_cast<size_t>(count));
  }
  ::close(descriptor);
  return file;
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : mapping(std::exchange(other.mapping, nullptr)),
      size(std::exchange(other.size, 0)), contents(std::move(other.contents)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  if (this != &other) {
    release();
    mapping = std::exchange(other.mapping, nullptr);
    size = std::exchange(other.size, 0);
    contents = std::move(other.contents);
  }
  return *this;
}

MappedFile::~MappedFile() { release(); }

void MappedFile::release() {
  if (mapping)
    ::munmap(mapping, size);
  mapping = nullptr;
}
