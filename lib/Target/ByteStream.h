// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Little-endian numbers in byte strings. The reader never looks past the end:
// callers ask `remaining` first, and a read that does not fit ends the process
// (a bug of ours, not of the input).
//
#ifndef HCGS_LIB_TARGET_BYTESTREAM_H
#define HCGS_LIB_TARGET_BYTESTREAM_H

#include <cstdint>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <vector>

namespace hcgs {

class ByteWriter {
public:
  template <typename T>
  void put(T value) {
    auto bits = std::make_unsigned_t<T>(value);
    for (unsigned i = 0; i < sizeof(T); ++i)
      bytes.push_back(uint8_t(uint64_t(bits) >> (8 * i)));
  }
  void putZeros(size_t count) { bytes.insert(bytes.end(), count, 0); }
  void alignTo(size_t alignment) {
    putZeros((alignment - bytes.size() % alignment) % alignment);
  }
  void append(std::span<const uint8_t> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  size_t size() const { return bytes.size(); }
  std::vector<uint8_t> take() { return std::move(bytes); }

  std::vector<uint8_t> bytes;
};

class ByteReader {
public:
  explicit ByteReader(std::span<const uint8_t> bytes, size_t position = 0)
      : bytes(bytes), position(position) {
    if (position > bytes.size())
      std::abort();
  }

  size_t remaining() const { return bytes.size() - position; }

  template <typename T>
  T get() {
    if (remaining() < sizeof(T))
      std::abort();
    uint64_t bits = 0;
    for (unsigned i = 0; i < sizeof(T); ++i)
      bits |= uint64_t(bytes[position + i]) << (8 * i);
    position += sizeof(T);
    return T(std::make_unsigned_t<T>(bits));
  }
  std::span<const uint8_t> getBytes(size_t count) {
    if (remaining() < count)
      std::abort();
    position += count;
    return bytes.subspan(position - count, count);
  }

private:
  std::span<const uint8_t> bytes;
  size_t position;
};

} // namespace hcgs

#endif // HCGS_LIB_TARGET_BYTESTREAM_H
