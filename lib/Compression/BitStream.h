// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bit streams of the weight and index images: least significant bit first,
// without padding (WI-I-1, WI-W-3).
//
#ifndef HCGS_LIB_COMPRESSION_BITSTREAM_H
#define HCGS_LIB_COMPRESSION_BITSTREAM_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hcgs::compression {

class BitWriter {
public:
  /// Room for `bits` more bits, so that writing does not reallocate.
  void reserve(int64_t bits) {
    bytes.reserve(bytes.size() + static_cast<size_t>((bits + 7) / 8));
  }
  /// Appends the low `bits` (0..32) bits of `value`; the others must be 0.
  void write(uint32_t value, int bits) {
    pending |= uint64_t(value) << filled;
    filled += bits;
    while (filled >= 8) {
      bytes.push_back(static_cast<uint8_t>(pending));
      pending >>= 8;
      filled -= 8;
    }
  }
  /// The stream, its last byte filled up with zeros.
  std::vector<uint8_t> take() {
    if (filled > 0)
      bytes.push_back(static_cast<uint8_t>(pending));
    pending = 0;
    filled = 0;
    return std::move(bytes);
  }

private:
  std::vector<uint8_t> bytes;
  uint64_t pending = 0;
  int filled = 0;
};

class BitReader {
public:
  explicit BitReader(std::span<const uint8_t> bytes) : bytes(bytes) {}

  int64_t remaining() const {
    return static_cast<int64_t>(bytes.size() - next) * 8 + filled;
  }
  /// The next `bits` (0..32) bits; there must be as many.
  uint32_t read(int bits) {
    while (filled < bits) {
      pending |= uint64_t(bytes[next++]) << filled;
      filled += 8;
    }
    const uint64_t value = pending & ((uint64_t(1) << bits) - 1);
    pending >>= bits;
    filled -= bits;
    return static_cast<uint32_t>(value);
  }

private:
  std::span<const uint8_t> bytes;
  size_t next = 0;
  uint64_t pending = 0;
  int filled = 0;
};

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_BITSTREAM_H
