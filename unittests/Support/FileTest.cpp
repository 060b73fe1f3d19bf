// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/MappedFile.h"

#include <gtest/gtest.h>

#include <filesystem>

#include <unistd.h>

using namespace hcgs;
namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "hcgs-file-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string path(const std::string &name) const {
    return folder + "/" + name;
  }
  size_t filesInFolder() const {
    return std::distance(fs::directory_iterator(folder),
                         fs::directory_iterator());
  }
  std::string contents(const std::string &name) const {
    Result<MappedFile> file = MappedFile::open(path(name));
    return file ? std::string(file->bytes()) : "unreadable";
  }

  std::string folder;
};

TEST_F(FileTest, WritesAndReplaces) {
  ASSERT_TRUE(writeFileAtomically(path("a"), "one"));
  EXPECT_EQ(contents("a"), "one");
  ASSERT_TRUE(writeFileAtomically(path("a"), ""));
  EXPECT_EQ(contents("a"), "");
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(FileTest, FailuresNameThePathAndLeaveNothing) {
  Result<void> written = writeFileAtomically(path("no/such/folder"), "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.message(), "'" + path("no/such/folder") +
                                   "': cannot write: No such file or "
                                   "directory");
  ASSERT_TRUE(fs::create_directory(path("d")));
  written = writeFileAtomically(path("d"), "x");
  ASSERT_FALSE(written);
  EXPECT_NE(written.message().find("is a directory"), std::string::npos);
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(FileTest, AGroupAppearsTogetherOrNotAtAll) {
  {
    AtomicFileGroup group;
    ASSERT_TRUE(group.stage(path("a"), "one"));
    ASSERT_TRUE(group.stage(path("b"), "two"));
    EXPECT_FALSE(fs::exists(path("a")));
    EXPECT_FALSE(group.stage(path("no/c"), "three"));
  }
  EXPECT_EQ(filesInFolder(), 0u);
  AtomicFileGroup group;
  ASSERT_TRUE(group.stage(path("a"), "one"));
  ASSERT_TRUE(group.stage(path("b"), "two"));
  ASSERT_TRUE(group.commit());
  EXPECT_EQ(contents("a"), "one");
  EXPECT_EQ(contents("b"), "two");
  EXPECT_EQ(filesInFolder(), 2u);
}

TEST_F(FileTest, WritesIntoSpecialFiles) {
  EXPECT_TRUE(writeFileAtomically("/dev/null", "gone"));
  EXPECT_FALSE(fs::is_regular_file("/dev/null"));
}

TEST_F(FileTest, MappingRefusesWhatCannotBeRead) {
  Result<MappedFile> missing = MappedFile::open(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.message(), "'" + path("missing") +
                                   "': cannot read: No such file or "
                                   "directory");
  EXPECT_FALSE(MappedFile::open(folder));
}
