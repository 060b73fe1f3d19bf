// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images, and whether they fit the target.

#include "ProgramImages.h"

#include "hcgs/Compression/RowSlice.h"
#include "hcgs/Dialect/FX/Utils/MatrixForms.h"
#include "hcgs/Numerics/PwlTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace hcgs;
using namespace hcgs::flow;
using namespace hcgs::toisa;
using compression::BlockMap;
using compression::WeightLayout;

std::string toisa::groupDigits(int64_t number) {
  std::string digits = std::to_string(number), text;
  for (auto [i, c] : llvm::enumerate(digits)) {
    if (i && (digits.size() - i) % 3 == 0)
      text += ',';
    text += c;
  }
  return text;
}

//===----------------------------------------------------------------------===//
// What fits
//===----------------------------------------------------------------------===//

/// Stored words of a pattern with its row-balanced tiers balanced by columns; 0
/// if it cannot be built.
static int64_t countColumnBalanced(MatrixOp matrix) {
  compression::Pattern pattern = fx::toPattern(matrix.getBlocks());
  for (compression::Tier &tier : pattern.tiers)
    if (tier.balance == compression::Balance::Row)
      tier.balance = compression::Balance::Column;
  Result<BlockMap> map = BlockMap::build(
      pattern, matrix.getRows(), matrix.getCols(),
      [](const BlockMap::Line &line, std::span<int32_t> kept) -> Result<void> {
        std::iota(kept.begin(), kept.end(), 0);
        return {};
      });
  return map ? map->keptWeights() * int64_t(matrix.getGates()) : 0;
}

namespace {
class ImageBuilder {
public:
  explicit ImageBuilder(const ProgramLayout &layout)
      : layout(layout), target(layout.target) {}

  FailureOr<ProgramImages> run();

private:
  LogicalResult addMatrix(unsigned number, MatrixOp matrix);
  void addParts(unsigned number, ArrayRef<uint8_t> packed,
                MatrixDescriptor &descriptor);
  LogicalResult addPartDescriptors();
  LogicalResult checkMatrix(MatrixOp matrix);
  LogicalResult checkCapacities();
  InFlightDiagnostic overflow(const Twine &who, int64_t needed,
                              StringRef memory, uint64_t available,
                              StringRef unit);
  void adviseWeights(InFlightDiagnostic &diag);
  void advisePort(InFlightDiagnostic &diag);

  const ProgramLayout &layout;
  const TargetModel &target;
  ProgramImages images;
  std::vector<MatrixDescriptor> descriptors;
  /// First element of the biases of each matrix, or -1.
  std::vector<int64_t> biasPlaces;
  std::vector<int32_t> biases;
  /// Where each resident part of a matrix that is cut lies in wmem.
  std::vector<int64_t> partPlaces;
  /// The layouts of block-sparse matrices that are cut.
  llvm::DenseMap<unsigned, WeightLayout> cutLayouts;
  /// Bytes of the indices of their parts.
  int64_t partIndexBytes = 0;
};
} // namespace

InFlightDiagnostic ImageBuilder::overflow(const Twine &who, int64_t needed,
                                          StringRef memory, uint64_t available,
                                          StringRef unit) {
  ProgramOp program = layout.program;
  InFlightDiagnostic diag = emitError(program->getLoc());
  diag << who.str() << " need " << groupDigits(needed) << " " << unit << ", "
       << memory << " of '" << target.name << "' has " << groupDigits(available)
       << ": " << groupDigits(needed - int64_t(available)) << " " << unit
       << " over";
  return diag;
}

/// Says what would make the weights fit.
void ImageBuilder::adviseWeights(InFlightDiagnostic &diag) {
  uint64_t available = target.memories.wmemBytes;
  // Column balance keeps no more than row balance where edges are ragged.
  int64_t columnBytes = 0;
  bool anyRow = false;
  for (const auto &entry : layout.matrices) {
    MatrixOp matrix = entry.second;
    int64_t words = matrix.getNumCodes();
    if (fx::SparsityAttr blocks = matrix.getBlocks())
      if (llvm::any_of(blocks.getTiers(), [](fx::TierAttr tier) {
            return tier.getBalance() == fx::Balance::Row;
          })) {
        anyRow = true;
        // What cannot be built is no advice.
        int64_t fewer = countColumnBalanced(matrix);
        words = fewer ? fewer : words;
      }
    columnBytes += (words * matrix.getWeights().getBits() + 7) / 8;
  }
  if (anyRow && columnBytes <= int64_t(available)) {
    diag << "; blocks balanced by columns need " << groupDigits(columnBytes)
         << " bytes and fit";
    return;
  }
  // Fewer bits: the most with which all matrices fit, and the most of those
  // that the target takes.
  int64_t words = 0, total = 0, rows = 0, bitsNow = 0;
  for (const auto &entry : layout.matrices) {
    MatrixOp matrix = entry.second;
    words += matrix.getNumCodes();
    rows += matrix.getGates() * matrix.getRows();
    total += matrix.getGates() * matrix.getRows() * matrix.getCols();
    bitsNow += matrix.getNumCodes() * matrix.getWeights().getBits();
  }
  auto bytesWith = [&](uint32_t bits) {
    int64_t bytes = 0;
    for (const auto &entry : layout.matrices) {
      MatrixOp matrix = entry.second;
      int64_t own = std::min<int64_t>(bits, matrix.getWeights().getBits());
      bytes += (matrix.getNumCodes() * own + 7) / 8;
    }
    return uint64_t(bytes);
  };
  uint32_t possible = 0, taken = 0;
  for (uint32_t bits = 8; bits >= 2; --bits)
    if (bytesWith(bits) <= available) {
      possible = std::max(possible, bits);
      if (target.hasWeightBits(bits))
        taken = std::max(taken, bits);
    }
  if (taken)
    diag << "; with " << taken << "-bit weights they fit";
  else if (possible)
    diag << "; " << possible << "-bit weights would fit, but '" << target.name
         << "' takes "
         << llvm::join(llvm::map_range(
                           target.weightBits,
                           [](uint32_t bits) { return std::to_string(bits); }),
                       ", ")
         << " bits only";
  else
    diag << "; no width of weights is small enough";

  // Fewer weights: the ratio at which those that are left fit, rounded up.
  int64_t left = int64_t(double(words) * double(8 * available) /
                         double(std::max<int64_t>(bitsNow, 1)));
  auto ratio = [&](int64_t kept) {
    int64_t hundredths = (100 * total + kept - 1) / kept;
    return std::to_string(hundredths / 100) + "." +
           std::to_string(100 + hundredths % 100).substr(1) + "x";
  };
  // No ratio that leaves rows without any weight: they would be constants.
  if (left >= rows)
    diag << "; as wide as they are, weights must be compressed " << ratio(left)
         << " in all in place of " << ratio(words)
         << " (larger --tiers ratios, or a circulant block size), or choose a "
            "target with more";
  else
    diag << "; nor is any compression, with room for " << groupDigits(left)
         << (left == 1 ? " weight" : " weights") << " and " << groupDigits(rows)
         << " rows; choose a target with more";
  advisePort(diag);
}

/// Says whether weights that do not fit could be loaded while others are used,
/// or why they are not.
void ImageBuilder::advisePort(InFlightDiagnostic &diag) {
  const int64_t available = target.memories.wmemBytes;
  const LeastBytes least = SpillPlan::leastBytes(layout);
  if (!target.loadsWeights) {
    if (least.resident + least.buffers <= available)
      diag << ", or one whose load unit reaches wmem ('load.weights'): it can "
              "load weights in parts while others are used";
    return;
  }
  if (!least.longest) {
    diag << "; the load unit reaches wmem, but none of the matrices can be "
            "loaded in parts";
    return;
  }
  const WeightPart &part = *least.longest;
  MatrixOp matrix = (layout.matrices.begin() + part.matrix)->second;
  diag << "; the load unit reaches wmem, but two buffers for the shortest "
          "parts need "
       << groupDigits(least.buffers) << " bytes (" << part.end - part.begin
       << (part.end - part.begin == 1 ? " row" : " rows");
  if (matrix.getGates() > 1)
    diag << (part.gate < 0 ? " of all gates" : " of one gate");
  diag << " of matrix '" << matrix.getSymName() << "' each)";
  if (least.resident)
    diag << " besides " << groupDigits(least.resident)
         << " of matrices that stay resident";
}

LogicalResult ImageBuilder::checkCapacities() {
  unsigned layers = layout.layers.size();
  const auto &memories = target.memories;
  std::string who =
      std::to_string(layers) + (layers == 1 ? " layer: " : " layers: ");
  if (images.weights.size() > memories.wmemBytes) {
    InFlightDiagnostic diag = overflow(who + "weights", images.weights.size(),
                                       "wmem", memories.wmemBytes, "bytes");
    adviseWeights(diag);
    return diag;
  }
  if (images.index.size() > memories.imemBytes) {
    InFlightDiagnostic diag =
        overflow(who + "block indices", images.index.size(), "imem",
                 memories.imemBytes, "bytes");
    if (partIndexBytes)
      diag << "; " << groupDigits(partIndexBytes)
           << " of them are those of parts of matrices that wmem has no room "
              "for";
    return diag << "; use larger blocks or choose a target with more";
  }
  if (biases.size() > memories.bmemElements)
    return overflow(who + "biases", biases.size(), "bmem",
                    memories.bmemElements, "elements")
           << "; choose a target with more";
  if (layout.tables.size() > memories.lutTables)
    return overflow(who + "activation tables", layout.tables.size(), "lut",
                    memories.lutTables, "tables")
           << "; use fewer different formats or choose a target with more";
  for (const auto &entry : layout.tables) {
    TableOp table = entry.second;
    if (table.getBases().size() > memories.lutSegments)
      return table.emitOpError("has ")
             << table.getBases().size() << " segments, lut of '" << target.name
             << "' has room for " << memories.lutSegments
             << " in one table; use fewer segments";
  }
  return success();
}

/// Whether the target's matrix unit knows such matrices.
LogicalResult ImageBuilder::checkMatrix(MatrixOp matrix) {
  auto refuse = [&](const Twine &what, const Twine &allowed) {
    return emitError(matrix.getLoc(), "matrix '")
           << matrix.getSymName() << "' " << what << ", '" << target.name
           << "' takes " << allowed;
  };
  fx::WeightsAttr format = matrix.getWeights();
  if (!target.hasWeightBits(format.getBits())) {
    std::string allowed = llvm::join(
        llvm::map_range(target.weightBits,
                        [](uint32_t bits) { return std::to_string(bits); }),
        ", ");
    return refuse("has weights of " + Twine(format.getBits()) + " bits",
                  allowed + "; choose one of these widths, or a target that "
                            "takes yours (generic takes 2 to 8)");
  }
  std::string encoding = stringifyWeightEncoding(format.getEncoding()).str();
  if (!target.hasWeightEncoding(encoding))
    return refuse("has weights encoded '" + Twine(encoding) + "'",
                  llvm::join(target.weightEncodings, ", "));
  const char *kind = matrix.isDense()     ? "dense"
                     : matrix.getBlocks() ? "hcgs"
                                          : "circulant";
  if (!target.hasMatrixKind(kind))
    return refuse("is of kind '" + Twine(kind) + "'",
                  llvm::join(target.matrixKinds, ", ") +
                      "; store it otherwise or choose another target");
  return success();
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

LogicalResult ImageBuilder::addMatrix(unsigned number, MatrixOp matrix) {
  if (failed(checkMatrix(matrix)))
    return failure();
  int64_t gates = matrix.getGates(), rows = matrix.getRows(),
          cols = matrix.getCols();
  int64_t rowBlock = layout.rowBlocks[number] ? layout.rowBlocks[number] : rows;
  MatrixDescriptor descriptor;
  descriptor.gates = gates;
  descriptor.rows = rows;
  descriptor.cols = cols;
  descriptor.rowBlock = rowBlock;
  descriptor.format = fx::toWeightFormat(matrix.getWeights());
  descriptor.weightOffset = images.weights.size();

  std::vector<int16_t> codes = matrix.getCodeValues();
  if (codes.empty())
    return matrix.emitOpError("has no codes: its resource is missing");
  FailureOr<WeightLayout> words = getLayout(matrix, rowBlock);
  if (failed(words))
    return failure();
  descriptor.kind = words->kind();
  if (Result<void> aligned = verifyRowBlock(*words); !aligned)
    return matrix.emitOpError() << aligned.message();
  if (int64_t(codes.size()) != words->words())
    return matrix.emitOpError("has ")
           << codes.size() << " codes, its map keeps " << words->words();
  if (fx::SparsityAttr blocks = matrix.getBlocks()) {
    descriptor.pattern = fx::toPattern(blocks);
    descriptor.separate = words->isSeparate();
    std::vector<uint8_t> index = words->indexImage();
    descriptor.indexOffset = images.index.size();
    descriptor.indexBytes = index.size();
    images.index.insert(images.index.end(), index.begin(), index.end());
    // Parts end at blocks of tier 1, whatever the row blocks.
    if (layout.spill.isCut(number)) {
      FailureOr<WeightLayout> fine =
          getLayout(matrix, descriptor.pattern.tiers.front().rows);
      if (failed(fine))
        return failure();
      cutLayouts.try_emplace(number, *std::move(fine));
    }
  }
  descriptor.block = words->block();
  if (words->isDense()) {
    // Codes are stored gate by gate; the image goes by row blocks (WI-W-2).
    std::vector<int16_t> ordered(codes.size());
    words->forEachRun([&](const WeightLayout::Run &run) {
      std::copy_n(codes.begin() + (run.gate * rows + run.row) * cols + run.col,
                  run.count, ordered.begin() + run.word);
    });
    codes = std::move(ordered);
  }
  std::vector<uint8_t> packed =
      compression::packCodes(codes, descriptor.format);
  descriptor.weightBytes = packed.size();
  if (layout.spill.isCut(number))
    addParts(number, packed, descriptor);
  else
    images.weights.insert(images.weights.end(), packed.begin(), packed.end());

  // WI-A-3: biases in the order of the accumulators.
  biasPlaces.push_back(-1);
  SmallVector<int32_t> values = matrix.getBiasValues();
  if (!values.empty() && llvm::is_contained(layout.biasOf, int(number))) {
    biasPlaces.back() = biases.size();
    biases.resize(biases.size() + values.size());
    for (int64_t gate = 0; gate < gates; ++gate)
      for (int64_t row = 0; row < rows; ++row)
        biases[biasPlaces.back() + WeightLayout::accumulatorIndex(
                                       gate, row, gates, rows, rowBlock)] =
            values[gate * rows + row];
  }
  descriptors.push_back(descriptor);
  return success();
}

/// The image of a matrix that is kept in parts goes into the spill section, the
/// resident parts into wmem as well.
void ImageBuilder::addParts(unsigned number, ArrayRef<uint8_t> packed,
                            MatrixDescriptor &descriptor) {
  const SpillPlan &plan = layout.spill;
  descriptor.weightOffset = 0;
  descriptor.spill = plan.offsets[number];
  images.spill.insert(images.spill.end(), packed.begin(), packed.end());
  partPlaces.resize(plan.parts.size(), 0);
  for (auto [index, part] : llvm::enumerate(plan.parts)) {
    if (part.matrix != number || part.spilled)
      continue;
    partPlaces[index] = images.weights.size();
    llvm::append_range(images.weights,
                       packed.slice(part.firstByte, part.bytes));
  }
}

/// Each part is a matrix of its own, which has an index image of its own if it
/// is block-sparse; views of a part share it.
LogicalResult ImageBuilder::addPartDescriptors() {
  const SpillPlan &plan = layout.spill;
  llvm::DenseMap<unsigned, std::pair<uint32_t, uint32_t>> indexPlaces;
  for (const PartView &view : layout.partViews) {
    const WeightPart &part = plan.parts[view.part];
    MatrixDescriptor descriptor = descriptors[part.matrix];
    if (auto cut = cutLayouts.find(part.matrix); cut != cutLayouts.end()) {
      auto [place, isNew] = indexPlaces.try_emplace(view.part);
      if (isNew) {
        auto slice = compression::rowsOf(cut->second, part.begin, part.end);
        if (!slice)
          return MatrixOp((layout.matrices.begin() + part.matrix)->second)
                     .emitOpError("cannot be kept in parts: ")
                 << slice.message();
        std::vector<uint8_t> index = slice->indexImage();
        place->second = {images.index.size(), index.size()};
        partIndexBytes += index.size();
        llvm::append_range(images.index, index);
      }
      std::tie(descriptor.indexOffset, descriptor.indexBytes) = place->second;
      descriptor.pattern = compression::patternOfRows(descriptor.pattern);
    }
    // Where the biases of the part would begin if its gates lay side by side as
    // its accumulators do: those of `gate` are where they have to be.
    const int gate = std::max({part.gate, view.gate, 0});
    const int64_t before =
        view.gate < 0 ? 0 : int64_t(gate) * (part.end - part.begin);
    if (descriptor.bias)
      descriptor.bias =
          *descriptor.bias +
          WeightLayout::accumulatorIndex(gate, part.begin, descriptor.gates,
                                         descriptor.rows, descriptor.rowBlock) -
          before;
    if (part.gate >= 0)
      descriptor.gates = 1;
    descriptor.rows = part.end - part.begin;
    descriptor.rowBlock = std::min(descriptor.rowBlock, descriptor.rows);
    descriptor.weightBytes = part.bytes;
    if (part.spilled) {
      descriptor.weightOffset = plan.place(part);
      descriptor.spill = plan.offsets[part.matrix] + part.firstByte;
    } else {
      descriptor.weightOffset = partPlaces[view.part];
      descriptor.spill.reset();
    }
    descriptor.colBegin = view.colBegin;
    descriptor.colEnd = view.colEnd;
    descriptors.push_back(descriptor);
  }
  return success();
}

FailureOr<ProgramImages> ImageBuilder::run() {
  for (auto [number, entry] : llvm::enumerate(layout.matrices))
    if (failed(addMatrix(number, entry.second)))
      return failure();
  for (auto [number, descriptor] : llvm::enumerate(descriptors))
    if (int source = layout.biasOf[number]; source >= 0)
      descriptor.bias = biasPlaces[source];
  // Segments of columns: the whole matrix, of which a part is used.
  for (const ProgramLayout::View &view : layout.views) {
    MatrixDescriptor descriptor = descriptors[view.matrix];
    descriptor.colBegin = view.colBegin;
    descriptor.colEnd = view.colEnd;
    descriptors.push_back(descriptor);
  }
  if (failed(addPartDescriptors()))
    return failure();
  if (images.spill.size() % 2)
    images.spill.push_back(0); // streams are counted in elements
  std::vector<numerics::PwlTable> tables;
  for (const auto &entry : layout.tables)
    tables.push_back(TableOp(entry.second).getTable());
  if (failed(checkCapacities()))
    return failure();
  images.bias = writeBiases(biases);
  images.descriptors = writeDescriptors(descriptors);
  images.tables = writeTables(tables);
  images.vinit = writeInitialVectors(layout.initialVectors);
  return std::move(images);
}

FailureOr<ProgramImages> ProgramImages::build(const ProgramLayout &layout) {
  return ImageBuilder(layout).run();
}
