// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/AtomicFile.h"
#include "hcgs/Support/MappedNpy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>

#include <unistd.h>

using namespace hcgs;

/// A folder that goes with the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "hcgs-npy-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string &name) const {
    return path + "/" + name;
  }
  std::string path;
};

/// An `.npy` file with a header as given, padded as NumPy does.
static std::string npyBytes(const std::string &dict, const std::string &data,
                            int version = 1) {
  std::string header = dict + "\n";
  std::string bytes("\x93NUMPY", 6);
  bytes += static_cast<char>(version);
  bytes += '\0';
  size_t length = header.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes + header + data;
}

TEST(NpyTest, RoundTripsEveryType) {
  for (DType type : {DType::F16, DType::F32, DType::F64, DType::I8, DType::I16,
                     DType::I32, DType::I64}) {
    NpyArray array({2, 3}, type);
    for (size_t i = 0; i < array.data.size(); ++i)
      array.data[i] = static_cast<std::byte>(i * 7 + 1);
    Result<NpyArray> back = parseNpy(encodeNpy(array), "a.npy");
    ASSERT_TRUE(back) << back.message();
    EXPECT_EQ(back->dtype, type);
    EXPECT_EQ(back->shape, array.shape);
    EXPECT_EQ(back->data, array.data);
  }
}

TEST(NpyTest, RoundTripsScalarsVectorsAndEmptyArrays) {
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{}, {5}, {0}, {3, 0, 2}, {1, 1, 1}}) {
    NpyArray array(shape, DType::I16);
    Result<NpyArray> back = parseNpy(encodeNpy(array), "a.npy");
    ASSERT_TRUE(back) << back.message();
    EXPECT_EQ(back->shape, shape);
  }
}

TEST(NpyTest, DataStartsAtAMultipleOf64) {
  NpyArray array({3}, DType::I8);
  EXPECT_EQ((encodeNpy(array).size() - 3) % 64, 0u);
}

TEST(NpyTest, ReadsAllVersions) {
  for (int version : {1, 2, 3}) {
    Result<NpyArray> array = parseNpy(
        npyBytes("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }",
                 std::string("\x01\x00\x02\x00", 4), version),
        "a.npy");
    ASSERT_TRUE(array) << array.message();
    EXPECT_EQ(array->integer(0), 1);
    EXPECT_EQ(array->integer(1), 2);
  }
  Result<NpyArray> later = parseNpy(
      npyBytes("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", "xx",
               4),
      "a.npy");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.message(), "'a.npy': .npy version 4 is not known; write "
                             "version 1, 2 or 3");
}

TEST(NpyTest, ReadsFortranOrder) {
  // Columns first: [[1, 2, 3], [4, 5, 6]] is 1 4 2 5 3 6.
  Result<NpyArray> array = parseNpy(
      npyBytes("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }",
               "\x01\x04\x02\x05\x03\x06"),
      "a.npy");
  ASSERT_TRUE(array) << array.message();
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(array->integer(i), i + 1);
}

TEST(NpyTest, ReadsBigEndian) {
  Result<NpyArray> array = parseNpy(
      npyBytes("{\"shape\": (1,), 'fortran_order':False,\"descr\":'>i4'}",
               std::string("\x00\x00\x01\x02", 4)),
      "a.npy");
  ASSERT_TRUE(array) << array.message();
  EXPECT_EQ(array->integer(0), 258);
}

TEST(NpyTest, ConvertsHalfPrecision) {
  const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00};
  NpyArray array({6}, DType::F16);
  std::memcpy(array.data.data(), halves, sizeof(halves));
  EXPECT_EQ(array.number(0), 1.0);
  EXPECT_EQ(array.number(1), -2.0);
  EXPECT_EQ(array.number(2), 0x1p-24);
  EXPECT_EQ(array.number(3), 65504.0);
  EXPECT_EQ(array.number(4), 0.0);
  EXPECT_EQ(array.number(5), std::numeric_limits<double>::infinity());
}

TEST(NpyTest, ReadsMasks) {
  Result<NpyArray> flags =
      parseNpy(npyBytes("{'descr': '|b1', 'fortran_order': False, "
                        "'shape': (3,), }",
                        std::string("\1\0\1", 3)),
               "a.npy");
  ASSERT_TRUE(flags) << flags.message();
  EXPECT_EQ(flags->dtype, DType::I8);
  EXPECT_EQ(flags->number(0), 1.0);
  EXPECT_EQ(flags->number(1), 0.0);

  // Unsigned bytes keep their values; column-major ones their places.
  Result<NpyArray> bytes =
      parseNpy(npyBytes("{'descr': '|u1', 'fortran_order': True, "
                        "'shape': (2, 2), }",
                        std::string("\0\1\xff\x7f", 4)),
               "a.npy");
  ASSERT_TRUE(bytes) << bytes.message();
  EXPECT_EQ(bytes->dtype, DType::I16);
  EXPECT_EQ(bytes->number(0), 0.0);
  EXPECT_EQ(bytes->number(1), 255.0);
  EXPECT_EQ(bytes->number(2), 1.0);
  EXPECT_EQ(bytes->number(3), 127.0);
}

TEST(NpyTest, RefusesWhatIsNotAnArray) {
  auto message = [](const std::string &bytes) {
    Result<NpyArray> array = parseNpy(bytes, "a.npy");
    return array ? std::string("accepted") : array.message();
  };
  EXPECT_NE(message("").find("not an .npy file"), std::string::npos);
  EXPECT_NE(message("hello, world").find("not an .npy file"),
            std::string::npos);
  EXPECT_NE(message(npyBytes("{'descr': '<c8', 'fortran_order': False, "
                             "'shape': (), }",
                             "12345678"))
                .find("element type '<c8' is not supported"),
            std::string::npos);
  EXPECT_NE(message(npyBytes("{'descr': '<i2', 'shape': (), }", "12"))
                .find("malformed .npy header"),
            std::string::npos);
  EXPECT_NE(message(npyBytes("{'descr': '<i2', 'fortran_order': False, "
                             "'shape': (-1,), }",
                             "12"))
                .find("malformed .npy header"),
            std::string::npos);
  // Claims far more than is there, and more than 64 bits can count.
  EXPECT_NE(message(npyBytes("{'descr': '<i8', 'fortran_order': False, "
                             "'shape': (1152921504606846975,), }",
                             "12"))
                .find("needs 9223372036854775800 bytes"),
            std::string::npos);
  EXPECT_NE(message(npyBytes("{'descr': '<i8', 'fortran_order': False, "
                             "'shape': (4294967296, 4294967296), }",
                             "12"))
                .find("too large"),
            std::string::npos);
}

TEST(NpyTest, RefusesEveryTruncation) {
  NpyArray array({4, 5}, DType::F32);
  std::string bytes = encodeNpy(array);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parseNpy(std::string_view(bytes).substr(0, size), "a.npy"));
  EXPECT_FALSE(parseNpy(bytes + "x", "a.npy"));
}

TEST(NpzTest, RoundTripsAndIsDeterministic) {
  TemporaryFolder folder;
  NpzArrays arrays;
  std::vector<int32_t> values(7);
  std::iota(values.begin(), values.end(), -3);
  arrays.emplace_back("first", NpyArray::of<int32_t>({7}, values));
  arrays.emplace_back("a/b.c", NpyArray({0, 4}, DType::F32));
  Result<std::string> bytes = encodeNpz(arrays);
  ASSERT_TRUE(bytes) << bytes.message();
  Result<std::string> again = encodeNpz(arrays);
  ASSERT_TRUE(again);
  EXPECT_EQ(*bytes, *again);

  ASSERT_TRUE(writeFileAtomically(folder / "x.npz", *bytes));
  Result<NpzArrays> back = readNpyOrNpz(folder / "x.npz");
  ASSERT_TRUE(back) << back.message();
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ((*back)[0].first, "first");
  EXPECT_EQ((*back)[0].second.data, arrays[0].second.data);
  EXPECT_EQ((*back)[1].first, "a/b.c");
  EXPECT_EQ((*back)[1].second.shape, (std::vector<int64_t>{0, 4}));
}

TEST(NpzTest, RefusesDamage) {
  TemporaryFolder folder;
  NpzArrays arrays;
  arrays.emplace_back("x", NpyArray({16}, DType::I16));
  Result<std::string> bytes = encodeNpz(arrays);
  ASSERT_TRUE(bytes);
  for (size_t size : {size_t(4), bytes->size() / 2, bytes->size() - 1}) {
    ASSERT_TRUE(
        writeFileAtomically(folder / "cut.npz", bytes->substr(0, size)));
    EXPECT_FALSE(readNpyOrNpz(folder / "cut.npz")) << size;
  }
  // A flipped data bit breaks the entry's checksum.
  std::string flipped = *bytes;
  flipped[150] ^= 1;
  ASSERT_TRUE(writeFileAtomically(folder / "bad.npz", flipped));
  EXPECT_FALSE(readNpyOrNpz(folder / "bad.npz"));
}

TEST(NpzTest, SingleArraysHaveNoName) {
  TemporaryFolder folder;
  ASSERT_TRUE(writeFileAtomically(folder / "x.npy",
                                  encodeNpy(NpyArray({3}, DType::I8))));
  Result<NpzArrays> arrays = readNpyOrNpz(folder / "x.npy");
  ASSERT_TRUE(arrays) << arrays.message();
  ASSERT_EQ(arrays->size(), 1u);
  EXPECT_EQ(arrays->front().first, "");
}

TEST(ArrayReaderTest, ReadsWhatTheArrayHolds) {
  TemporaryFolder folder;
  for (DType type : {DType::F16, DType::F32, DType::F64, DType::I8, DType::I16,
                     DType::I32, DType::I64}) {
    NpyArray array({3, 5}, type);
    for (size_t i = 0; i < array.data.size(); ++i)
      array.data[i] = static_cast<std::byte>((i * 5 + 1) % 64); // no NaN
    ASSERT_TRUE(writeFileAtomically(folder / "x.npy", encodeNpy(array)));
    Result<ArrayReader> reader = ArrayReader::open(folder / "x.npy");
    ASSERT_TRUE(reader) << reader.message();
    // It goes on reading where it was moved to.
    const ArrayReader moved = *std::move(reader);
    const ArrayReader inMemory(array);
    EXPECT_EQ(moved.describe(), array.describe());
    EXPECT_EQ(moved.elements(), 15);
    for (int64_t i = 0; i < 15; ++i) {
      EXPECT_EQ(moved.number(i), array.number(i));
      EXPECT_EQ(inMemory.integer(i), array.integer(i));
    }
  }
}

TEST(ArrayReaderTest, LoadsWhatCannotBeReadInPlace) {
  TemporaryFolder folder;
  ASSERT_TRUE(writeFileAtomically(
      folder / "f.npy",
      npyBytes("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }",
               "\x01\x04\x02\x05\x03\x06")));
  Result<ArrayReader> reader = ArrayReader::open(folder / "f.npy");
  ASSERT_TRUE(reader) << reader.message();
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(reader->integer(i), i + 1);
  ASSERT_TRUE(writeFileAtomically(folder / "bad.npy", "no array"));
  EXPECT_FALSE(ArrayReader::open(folder / "bad.npy"));
  EXPECT_FALSE(ArrayReader::open(folder / "none.npy"));
}
