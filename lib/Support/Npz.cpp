// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `.npz` files through libzip.
//
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Support/Npy.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <zip.h>

using namespace hcgs;

namespace {
struct ZipDiscard {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct ZipClose {
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
using ZipArchive = std::unique_ptr<zip_t, ZipDiscard>;
using ZipEntry = std::unique_ptr<zip_file_t, ZipClose>;
} // namespace

/// Bytes a compressed entry may grow to are bounded by what deflate can do
/// (1032 to 1), so that a few hostile bytes cannot ask for gigabytes.
static constexpr uint64_t kMaxInflation = 1032;

/// 1 January 1980, the first date a zip can hold, so that equal arrays give
/// equal files whatever the clock and the time zone.
static constexpr uint16_t kZipDate = (0 << 9) | (1 << 5) | 1;

static Error zipError(std::string_view name, zip_error_t *error,
                      const char *what) {
  Error result{"'" + std::string(name) + "': cannot " + what +
               " the .npz: " + zip_error_strerror(error)};
  return result;
}

static Result<NpyArray> readEntry(zip_t *archive, zip_uint64_t index,
                                  const zip_stat_t &info,
                                  const std::string &where) {
  if (info.size / kMaxInflation > info.comp_size)
    return Error{"'" + where + "': claims to inflate to " +
                 std::to_string(info.size) + " bytes from " +
                 std::to_string(info.comp_size)};
  ZipEntry file(zip_fopen_index(archive, index, 0));
  if (!file)
    return zipError(where, zip_get_error(archive), "read");
  std::string bytes;
  while (bytes.size() < info.size) {
    size_t chunk = std::min<uint64_t>(info.size - bytes.size(), 1u << 24);
    size_t before = bytes.size();
    bytes.resize(before + chunk);
    zip_int64_t count = zip_fread(file.get(), bytes.data() + before, chunk);
    if (count < 0)
      return zipError(where, zip_file_get_error(file.get()), "read");
    bytes.resize(before + static_cast<size_t>(count));
    if (count == 0)
      return Error{"'" + where + "': truncated"};
  }
  // One read past the end makes libzip compare the entry's checksum.
  char extra;
  if (zip_fread(file.get(), &extra, 1) != 0)
    return zipError(where, zip_file_get_error(file.get()), "read");
  return parseNpy(bytes, where);
}

static Result<NpzArrays> parseNpz(std::string_view bytes,
                                  const std::string &name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source =
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (!source)
    return zipError(name, &error, "open");
  ZipArchive archive(
      zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!archive) {
    Error failure = zipError(name, &error, "open");
    zip_source_free(source);
    return failure;
  }
  NpzArrays arrays;
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t info;
    if (zip_stat_index(archive.get(), i, 0, &info) != 0)
      return zipError(name, zip_get_error(archive.get()), "read");
    std::string key = info.name;
    if (key.ends_with(".npy"))
      key.resize(key.size() - 4);
    Result<NpyArray> array =
        readEntry(archive.get(), i, info, name + "[" + key + "]");
    if (!array)
      return array.takeError();
    for (const auto &other : arrays)
      if (other.first == key)
        return Error{"'" + name + "': array '" + key + "' occurs twice"};
    arrays.emplace_back(std::move(key), std::move(*array));
  }
  return arrays;
}

static bool isZip(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06");
}

Result<NpzArrays> hcgs::readNpz(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if (!isZip(file->bytes()))
    return Error{"'" + path + "': not an .npz file; it must be a zip"};
  return parseNpz(file->bytes(), path);
}

Result<NpzArrays> hcgs::readNpyOrNpz(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if (isZip(file->bytes()))
    return parseNpz(file->bytes(), path);
  Result<NpyArray> array = parseNpy(file->bytes(), path);
  if (!array)
    return array.takeError();
  NpzArrays arrays;
  arrays.emplace_back("", std::move(*array));
  return arrays;
}

Result<std::string> hcgs::encodeNpz(const NpzArrays &arrays) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *target = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (!target)
    return zipError("", &error, "write");
  // Closing the archive drops its hold on the buffer we want to read.
  zip_source_keep(target);
  std::unique_ptr<zip_source_t, decltype(&zip_source_free)> buffer(
      target, zip_source_free);
  ZipArchive archive(
      zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(target);
    return zipError("", &error, "write");
  }
  std::vector<std::string> contents; // libzip reads them at close
  contents.reserve(arrays.size());
  for (const auto &[name, array] : arrays) {
    contents.push_back(encodeNpy(array));
    zip_source_t *entry = zip_source_buffer(
        archive.get(), contents.back().data(), contents.back().size(), 0);
    zip_int64_t index = -1;
    if (entry) {
      index = zip_file_add(archive.get(), (name + ".npy").c_str(), entry,
                           ZIP_FL_ENC_UTF_8);
      if (index < 0)
        zip_source_free(entry);
    }
    if (index < 0 ||
        zip_set_file_compression(archive.get(), index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), index, 0, kZipDate, 0) != 0)
      return zipError(name, zip_get_error(archive.get()), "write");
  }
  if (zip_close(archive.get()) != 0)
    return zipError("", zip_get_error(archive.get()), "write");
  (void)archive.release();

  if (zip_source_open(target) != 0)
    return zipError("", zip_source_error(target), "write");
  std::string bytes;
  char chunk[1 << 16];
  zip_int64_t count;
  while ((count = zip_source_read(target, chunk, sizeof(chunk))) > 0)
    bytes.append(chunk, static_cast<size_t>(count));
  zip_source_close(target);
  if (count < 0)
    return zipError("", zip_source_error(target), "write");
  return bytes;
}
