// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hcgs/Support/Npy.h"
#include "hcgs/Support/MappedFile.h"
#include "hcgs/Support/MappedNpy.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>

using namespace hcgs;

static_assert(std::endian::native == std::endian::little,
              "arrays are kept in the machine's byte order and written as "
              "little-endian");

namespace {
struct TypeInfo {
  DType type;
  std::string_view code; // as in an `.npy` header
  std::string_view name;
  size_t bytes;
};
} // namespace

static constexpr TypeInfo kTypes[] = {
    {DType::F16, "f2", "float16", 2}, {DType::F32, "f4", "float32", 4},
    {DType::F64, "f8", "float64", 8}, {DType::I8, "i1", "int8", 1},
    {DType::I16, "i2", "int16", 2},   {DType::I32, "i4", "int32", 4},
    {DType::I64, "i8", "int64", 8},
};

static const TypeInfo &infoOf(DType type) {
  return kTypes[static_cast<size_t>(type)];
}

size_t hcgs::sizeOf(DType type) { return infoOf(type).bytes; }
std::string_view hcgs::nameOf(DType type) { return infoOf(type).name; }
bool hcgs::isFloat(DType type) { return type <= DType::F64; }

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// The number of elements of `shape`, or nothing if it is negative somewhere
/// or leaves 63 bits.
static std::optional<int64_t> countElements(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count))
      return std::nullopt;
  return count;
}

NpyArray::NpyArray(std::vector<int64_t> shape, DType dtype)
    : shape(std::move(shape)), dtype(dtype) {
  data.resize(static_cast<size_t>(elements()) * sizeOf(dtype));
}

int64_t NpyArray::elements() const { return countElements(shape).value_or(0); }

/// IEEE half precision to double; exact.
static double halfToDouble(uint16_t half) {
  int exponent = (half >> 10) & 0x1f;
  int mantissa = half & 0x3ff;
  double magnitude;
  if (exponent == 0x1f)
    magnitude = mantissa ? NAN : INFINITY;
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, -24);
  else
    magnitude = std::ldexp(mantissa + 1024, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

/// Element i of elements that begin anywhere.
template <typename T>
static T elementAt(const std::byte *data, int64_t i) {
  T value;
  std::memcpy(&value, data + static_cast<size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

static int64_t integerAt(DType type, const std::byte *data, int64_t i);

static double numberAt(DType type, const std::byte *data, int64_t i) {
  switch (type) {
  case DType::F16:
    return halfToDouble(elementAt<uint16_t>(data, i));
  case DType::F32:
    return elementAt<float>(data, i);
  case DType::F64:
    return elementAt<double>(data, i);
  default:
    return static_cast<double>(integerAt(type, data, i));
  }
}

static int64_t integerAt(DType type, const std::byte *data, int64_t i) {
  switch (type) {
  case DType::I8:
    return elementAt<int8_t>(data, i);
  case DType::I16:
    return elementAt<int16_t>(data, i);
  case DType::I32:
    return elementAt<int32_t>(data, i);
  case DType::I64:
    return elementAt<int64_t>(data, i);
  default:
    return static_cast<int64_t>(numberAt(type, data, i));
  }
}

double NpyArray::number(int64_t i) const {
  return numberAt(dtype, data.data(), i);
}

int64_t NpyArray::integer(int64_t i) const {
  return integerAt(dtype, data.data(), i);
}

std::string hcgs::describeShape(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string NpyArray::describe() const {
  return std::string(nameOf(dtype)) + " " + describeShape(shape);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// What the header's dictionary says.
struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// Reads the Python literal of an `.npy` header: a dictionary with the three
/// keys of the format, in any order and spacing.
class HeaderParser {
public:
  HeaderParser(std::string_view text) : text(text) {}

  std::optional<Header> parse() {
    Header header;
    bool haveDescr = false, haveOrder = false, haveShape = false;
    if (!take('{'))
      return std::nullopt;
    while (!take('}')) {
      std::optional<std::string> key = quoted();
      if (!key || !take(':'))
        return std::nullopt;
      bool good = false;
      if (*key == "descr") {
        std::optional<std::string> value = quoted();
        good = haveDescr = value.has_value();
        header.descr = value.value_or("");
      } else if (*key == "fortran_order") {
        header.fortran = word("True");
        good = haveOrder = header.fortran || word("False");
      } else if (*key == "shape") {
        good = haveShape = tuple(header.shape);
      }
      if (!good)
        return std::nullopt;
      if (!take(',')) {
        if (!take('}'))
          return std::nullopt;
        break;
      }
    }
    if (!haveDescr || !haveOrder || !haveShape)
      return std::nullopt;
    return header;
  }

private:
  void skipSpace() {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])))
      text.remove_prefix(1);
  }
  bool take(char c) {
    skipSpace();
    if (text.empty() || text[0] != c)
      return false;
    text.remove_prefix(1);
    return true;
  }
  bool word(std::string_view expected) {
    skipSpace();
    if (!text.starts_with(expected))
      return false;
    text.remove_prefix(expected.size());
    return true;
  }
  std::optional<std::string> quoted() {
    skipSpace();
    if (text.empty() || (text[0] != '\'' && text[0] != '"'))
      return std::nullopt;
    size_t end = text.find(text[0], 1);
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string value(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    return value;
  }
  bool tuple(std::vector<int64_t> &shape) {
    if (!take('('))
      return false;
    while (!take(')')) {
      skipSpace();
      int64_t number = 0;
      size_t digits = 0;
      while (digits < text.size() && text[digits] >= '0' &&
             text[digits] <= '9') {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text[digits] - '0', &number))
          return false;
        ++digits;
      }
      if (digits == 0)
        return false;
      text.remove_prefix(digits);
      word("L"); // Python 2 wrote long integers so
      shape.push_back(number);
      if (!take(',') && !(skipSpace(), text.starts_with(")")))
        return false;
    }
    return true;
  }

  std::string_view text;
};
} // namespace

static std::string allowedTypes() {
  std::string text;
  for (const TypeInfo &info : kTypes)
    text += std::string(info.name) + ", ";
  return text + "bool, uint8";
}

/// Reverses the bytes of every element.
static void swapBytes(std::vector<std::byte> &data, size_t bytes) {
  for (size_t i = 0; i + bytes <= data.size(); i += bytes)
    std::reverse(data.begin() + i, data.begin() + i + bytes);
}

/// Rewrites elements from Fortran order (first axis fastest) to C order.
static void fortranToC(NpyArray &array) {
  size_t rank = array.shape.size(), bytes = sizeOf(array.dtype);
  size_t count = array.data.size() / bytes;
  if (rank < 2 || count == 0)
    return;
  std::vector<std::byte> result(array.data.size());
  std::vector<size_t> strides(rank);
  size_t stride = 1;
  for (size_t axis = 0; axis < rank; ++axis) {
    strides[axis] = stride;
    stride *= static_cast<size_t>(array.shape[axis]);
  }
  std::vector<int64_t> index(rank, 0);
  size_t source = 0;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(result.data() + i * bytes, array.data.data() + source * bytes,
                bytes);
    for (size_t axis = rank; axis-- > 0;) {
      source += strides[axis];
      if (++index[axis] < array.shape[axis])
        break;
      source -= strides[axis] * static_cast<size_t>(array.shape[axis]);
      index[axis] = 0;
    }
  }
  array.data = std::move(result);
}

/// Bytes without sign, read as I8, to I16.
static void widenUnsigned(NpyArray &array) {
  std::vector<std::byte> bytes = std::move(array.data);
  array.dtype = DType::I16;
  array.data.assign(2 * bytes.size(), std::byte(0));
  std::span<int16_t> wide = array.as<int16_t>();
  for (size_t i = 0; i < bytes.size(); ++i)
    wide[i] = std::to_integer<int16_t>(bytes[i]);
}

namespace {
/// What an `.npy` file says of its elements, and where they are.
struct Contents {
  std::vector<int64_t> shape;
  const TypeInfo *info;
  bool swapped, fortran, isUnsigned;
  std::string_view data;
};
} // namespace

static Result<Contents> parseContents(std::string_view bytes,
                                      std::string_view name) {
  std::string where = "'" + std::string(name) + "'";
  static constexpr std::string_view magic("\x93NUMPY", 6);
  if (!bytes.starts_with(magic))
    return Error{where + ": not an .npy file; it must start with the bytes "
                         "93 'NUMPY'"};
  if (bytes.size() < 10)
    return Error{where + ": truncated in the .npy header"};
  int major = static_cast<unsigned char>(bytes[6]);
  if (major < 1 || major > 3)
    return Error{where + ": .npy version " + std::to_string(major) +
                 " is not known; write version 1, 2 or 3"};
  size_t lengthBytes = major == 1 ? 2 : 4;
  if (bytes.size() < 8 + lengthBytes)
    return Error{where + ": truncated in the .npy header"};
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= static_cast<size_t>(static_cast<unsigned char>(bytes[8 + i]))
              << (8 * i);
  bytes.remove_prefix(8 + lengthBytes);
  if (length > bytes.size())
    return Error{where + ": truncated in the .npy header"};
  std::optional<Header> header = HeaderParser(bytes.substr(0, length)).parse();
  if (!header)
    return Error{where + ": malformed .npy header; it must be a dictionary of "
                         "'descr', 'fortran_order' and 'shape'"};
  bytes.remove_prefix(length);

  std::string_view descr = header->descr;
  char order = descr.empty() ? ' ' : descr[0];
  // Masks come as bool, bytes that are 0 or 1, or as uint8.
  const bool isUnsigned = descr == "|u1";
  if (descr == "|b1" || isUnsigned)
    descr = "|i1";
  const TypeInfo *info = nullptr;
  if (order == '<' || order == '>' || order == '|' || order == '=')
    for (const TypeInfo &candidate : kTypes)
      if (candidate.code == descr.substr(1))
        info = &candidate;
  if (!info)
    return Error{where + ": element type '" + header->descr +
                 "' is not supported; use one of " + allowedTypes()};

  std::optional<int64_t> count = countElements(header->shape);
  int64_t needed;
  if (!count || __builtin_mul_overflow(
                    *count, static_cast<int64_t>(info->bytes), &needed))
    return Error{where + ": shape " + describeShape(header->shape) +
                 " is too large"};
  if (bytes.size() != static_cast<uint64_t>(needed))
    return Error{where + ": " + std::string(info->name) + " " +
                 describeShape(header->shape) + " needs " +
                 std::to_string(needed) + " bytes of data, found " +
                 std::to_string(bytes.size())};

  return Contents{std::move(header->shape), info,       order == '>',
                  header->fortran,          isUnsigned, bytes};
}

static NpyArray load(Contents contents) {
  NpyArray array;
  array.shape = std::move(contents.shape);
  array.dtype = contents.info->type;
  auto raw = std::as_bytes(std::span(contents.data));
  array.data.assign(raw.begin(), raw.end());
  if (contents.swapped)
    swapBytes(array.data, contents.info->bytes);
  if (contents.fortran)
    fortranToC(array);
  if (contents.isUnsigned)
    widenUnsigned(array);
  return array;
}

Result<NpyArray> hcgs::parseNpy(std::string_view bytes, std::string_view name) {
  Result<Contents> contents = parseContents(bytes, name);
  if (!contents)
    return contents.takeError();
  return load(*std::move(contents));
}

ArrayReader::ArrayReader(NpyArray given)
    : theShape(given.shape), theType(given.dtype), array(std::move(given)) {}

Result<ArrayReader> ArrayReader::open(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Result<Contents> contents = parseContents(file->bytes(), path);
  if (!contents)
    return contents.takeError();
  if (contents->swapped || contents->fortran || contents->isUnsigned)
    return ArrayReader(load(*std::move(contents)));
  ArrayReader reader;
  reader.theShape = std::move(contents->shape);
  reader.theType = contents->info->type;
  reader.offset =
      static_cast<size_t>(contents->data.data() - file->bytes().data());
  reader.file = *std::move(file);
  return reader;
}

int64_t ArrayReader::elements() const {
  return countElements(theShape).value_or(0);
}
double ArrayReader::number(int64_t i) const {
  return numberAt(theType, bytes(), i);
}
int64_t ArrayReader::integer(int64_t i) const {
  return integerAt(theType, bytes(), i);
}
std::string ArrayReader::describe() const {
  return std::string(nameOf(theType)) + " " + describeShape(theShape);
}

Result<NpyArray> hcgs::readNpy(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseNpy(file->bytes(), path);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string hcgs::encodeNpy(const NpyArray &array) {
  const TypeInfo &info = infoOf(array.dtype);
  std::string header = "{'descr': '";
  header += info.bytes == 1 ? '|' : '<';
  header += info.code;
  header += "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < array.shape.size(); ++i)
    header += (i ? ", " : "") + std::to_string(array.shape[i]);
  header += array.shape.size() == 1 ? ",), }" : "), }";
  // The data starts at a multiple of 64 bytes; 10 are magic and length.
  while ((10 + header.size() + 1) % 64 != 0)
    header += ' ';
  header += '\n';

  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(array.data.data()),
               array.data.size());
  return bytes;
}
