// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contents of a program file's sections as C++ values, and back:
// descriptors (WI-D-1), biases, tables (PF-4) and initial vectors (PF-5).
// Readers bound every count by the bytes that are there (PF-11) and refuse
// values outside their legal sets. An empty section holds nothing.
//
#ifndef HCGS_TARGET_IMAGES_H
#define HCGS_TARGET_IMAGES_H

#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/Pattern.h"
#include "hcgs/Numerics/PwlTable.h"
#include "hcgs/Numerics/WeightQuantizer.h"
#include "hcgs/Support/Result.h"
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hcgs {

using compression::MatrixKind;

/// WI-D-1: where a matrix lies and how to read it. Several descriptors may
/// share one image: with columns of their own they are views of it.
struct MatrixDescriptor {
  MatrixKind kind = MatrixKind::Dense;
  uint32_t gates = 1;
  /// Width and encoding; the rounding is not stored.
  numerics::WeightFormat format;
  /// Of one gate.
  uint32_t rows = 0, cols = 0;
  /// B of WI-A-1.
  uint32_t rowBlock = 0;
  /// First element in bmem, if the matrix has biases.
  std::optional<uint32_t> bias;
  /// Bytes in the weight and the index image.
  uint32_t weightOffset = 0, weightBytes = 0;
  uint32_t indexOffset = 0, indexBytes = 0;
  /// No tiers unless hcgs.
  compression::Pattern pattern;
  /// Size of the circulant blocks; 0 unless circulant.
  uint32_t block = 0;
  /// Whether each gate has its own mask (WI-P-6); only of kind hcgs.
  bool separate = false;
  /// WI-D-3: the columns whose products are formed, colBegin .. colEnd - 1;
  /// both 0: all.
  uint32_t colBegin = 0, colEnd = 0;
  /// WI-D-4: where in the spill section the image is that `wload` brings to
  /// `weightOffset`; nothing: the weights are resident.
  std::optional<uint32_t> spill;

  bool isView() const { return colEnd != 0; }
  compression::ColumnSpan colRange() const {
    return isView() ? compression::ColumnSpan{colBegin, colEnd}
                    : compression::ColumnSpan{0, cols};
  }
  /// Whether both describe the same bytes, as the same matrix: they may differ
  /// in the columns and the bias.
  bool sharesImage(const MatrixDescriptor &other) const;

  uint32_t rowBlocks() const {
    return uint32_t((uint64_t(rows) + rowBlock - 1) / rowBlock);
  }
};

/// Version 1 of the section if it can say it all, else version 2.
std::vector<uint8_t>
writeDescriptors(std::span<const MatrixDescriptor> descriptors);
Result<std::vector<MatrixDescriptor>>
readDescriptors(std::span<const uint8_t> section);

/// Where each stored weight of a matrix belongs, from its map in the index
/// section (WI-I, WI-W).
Result<compression::WeightLayout>
readLayout(const MatrixDescriptor &desc, std::span<const uint8_t> indexSection);
/// The codes of a matrix in the order of the weight image. Those that no weight
/// of a circulant matrix uses are checked (WI-C-3).
/// `spillSection` is where the image of spilled weights is.
Result<std::vector<int16_t>>
readCodes(const MatrixDescriptor &desc, const compression::WeightLayout &layout,
          std::span<const uint8_t> weightSection,
          std::span<const uint8_t> spillSection = {});

std::vector<uint8_t> writeBiases(std::span<const int32_t> biases);
Result<std::vector<int32_t>> readBiases(std::span<const uint8_t> section);

std::vector<uint8_t> writeTables(std::span<const numerics::PwlTable> tables);
Result<std::vector<numerics::PwlTable>>
readTables(std::span<const uint8_t> section);

/// Elements vmem starts with: `values` from element `first` on.
struct InitialVector {
  uint32_t first = 0;
  std::vector<int16_t> values;
  bool operator==(const InitialVector &) const = default;
};
std::vector<uint8_t>
writeInitialVectors(std::span<const InitialVector> vectors);
Result<std::vector<InitialVector>>
readInitialVectors(std::span<const uint8_t> section);

} // namespace hcgs

#endif // HCGS_TARGET_IMAGES_H
