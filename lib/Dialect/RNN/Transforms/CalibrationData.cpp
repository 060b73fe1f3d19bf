// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CalibrationData.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace hcgs;
using namespace hcgs::rnn;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// The files of `folder` for which `wanted(name)` holds.
template <typename Wanted>
static Result<std::vector<std::string>> listFolder(StringRef folder,
                                                   Wanted wanted) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; entry != end && !error;
       entry.increment(error))
    if (wanted(path::filename(entry->path())) &&
        !fs::is_directory(entry->path()))
      files.push_back(entry->path());
  if (error)
    return Error{"'" + folder.str() + "': " + error.message()};
  std::sort(files.begin(), files.end());
  return files;
}

static bool isArrayFile(StringRef name) {
  return name.ends_with(".npy") || name.ends_with(".npz");
}

/// What one name between commas stands for.
static Result<std::vector<std::string>> expand(StringRef text) {
  if (fs::is_directory(text)) {
    auto files = listFolder(text, isArrayFile);
    if (files && files->empty())
      return Error{"the folder '" + text.str() +
                   "' holds no .npy or .npz files"};
    return files;
  }
  if (fs::exists(text) || text.find_first_of("*?") == StringRef::npos)
    return std::vector<std::string>{text.str()};
  StringRef folder = path::parent_path(text);
  if (folder.find_first_of("*?") != StringRef::npos)
    return Error{"'" + text.str() +
                 "': only the last part of a pattern may have * and ?"};
  llvm::Expected<llvm::GlobPattern> pattern =
      llvm::GlobPattern::create(path::filename(text));
  if (!pattern)
    return Error{"'" + text.str() +
                 "': " + llvm::toString(pattern.takeError())};
  auto files = listFolder(folder.empty() ? StringRef(".") : folder,
                          [&](StringRef name) { return pattern->match(name); });
  if (files && files->empty())
    return Error{"no file matches '" + text.str() + "'"};
  return files;
}

Result<std::vector<std::string>>
rnn::listCalibrationFiles(const std::string &text) {
  // A name with a comma in it is a name.
  if (fs::exists(text))
    return expand(text);
  std::vector<std::string> all;
  llvm::SmallVector<StringRef> names;
  StringRef(text).split(names, ',');
  for (StringRef name : names) {
    if (name.empty())
      return Error{"'" + text + "' has an empty name between its commas"};
    auto files = expand(name);
    if (!files)
      return files.takeError();
    all.insert(all.end(), files->begin(), files->end());
  }
  return all;
}

Result<CalibrationBatch> CalibrationBatch::open(const std::string &path) {
  CalibrationBatch batch;
  // What is no zip is taken for an .npy, as everywhere.
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if (!file->bytes().starts_with("PK")) {
    Result<ArrayReader> array = ArrayReader::open(path);
    if (!array)
      return array.takeError();
    batch.theArrays.emplace_back("", *std::move(array));
    return batch;
  }
  Result<NpzArrays> arrays = readNpz(path);
  if (!arrays)
    return arrays.takeError();
  for (auto &[name, array] : *arrays)
    batch.theArrays.emplace_back(name, ArrayReader(std::move(array)));
  return batch;
}

const ArrayReader *CalibrationBatch::find(std::string_view name) const {
  for (const auto &[key, array] : theArrays)
    if (key == name)
      return &array;
  return nullptr;
}
