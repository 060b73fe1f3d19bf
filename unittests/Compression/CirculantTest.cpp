// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Compression/Circulant.h"
#include "hcgs/Compression/Layout.h"
#include "hcgs/Compression/QuantizedMatrix.h"

#include "gtest/gtest.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>

using namespace hcgs::compression;
using hcgs::numerics::WeightEncoding;
using hcgs::numerics::WeightFormat;
using hcgs::numerics::WeightRounding;

namespace {

/// WI-C-1 for one position, spelled out: block-row, block-column, element.
struct Element {
  int64_t gate, blockRow, blockCol, j;
  auto operator<=>(const Element &) const = default;
};

Element elementOf(int64_t gate, int64_t row, int64_t col, int64_t b) {
  int64_t j = (col % b - row % b) % b;
  if (j < 0)
    j += b;
  return {gate, row / b, col / b, j};
}

/// WI-C-2 by counting.
int64_t naiveWord(const Element &e, int64_t gates, int64_t cols, int64_t b) {
  const int64_t across = (cols + b - 1) / b;
  return ((e.blockRow * gates + e.gate) * across + e.blockCol) * b + e.j;
}

struct Case {
  int64_t gates, rows, cols, block;
  std::vector<float> weights;

  int64_t words() const {
    return gates * ((rows + block - 1) / block) * ((cols + block - 1) / block) *
           block;
  }
  MatrixView view() const { return {weights.data(), gates, rows, cols}; }
  float &at(int64_t g, int64_t r, int64_t c) {
    return weights[(g * rows + r) * cols + c];
  }
  template <typename Visitor>
  void forEach(Visitor &&visit) {
    for (int64_t g = 0; g < gates; ++g)
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c)
          visit(g, r, c, at(g, r, c));
  }
};

Case randomCase(std::mt19937_64 &random) {
  Case made;
  do {
    made.gates = 1 + random() % 4;
    made.rows = 1 + random() % 40;
    made.cols = 1 + random() % 40;
    made.block = 2 + random() % 40;
  } while (made.block > std::max(made.rows, made.cols));
  std::normal_distribution<float> normal(0.0f, 0.2f);
  made.weights.resize(static_cast<size_t>(made.gates * made.rows * made.cols));
  for (float &w : made.weights)
    w = normal(random);
  return made;
}

Case circulantCase(std::mt19937_64 &random) {
  Case made = randomCase(random);
  std::normal_distribution<float> normal(0.0f, 0.2f);
  std::map<Element, float> values;
  made.forEach([&](int64_t g, int64_t r, int64_t c, float &w) {
    const auto [value, isNew] =
        values.try_emplace(elementOf(g, r, c, made.block), 0.0f);
    if (isNew)
      value->second = random() % 9 ? normal(random) : 0.0f;
    w = value->second;
  });
  return made;
}

TEST(Circulant, TheExampleOfTheSpecification_WI_C) {
  const float weights[] = {1, 2, 3, 4,  5, //
                           2, 1, 4, 3,  6, //
                           7, 8, 9, 10, 11};
  const MatrixView view{weights, 1, 3, 5};
  const auto elements = readCirculant(view, 2);
  ASSERT_TRUE(elements) << elements.message();
  EXPECT_EQ(*elements,
            (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0}));
  const auto layout = WeightLayout::circulant(1, 3, 5, 2, 2);
  EXPECT_EQ(layout.kind(), MatrixKind::Circulant);
  EXPECT_EQ(layout.words(), 12);
  EXPECT_EQ(layout.macs(), 15);
  EXPECT_EQ(layout.paddingBits(6), 6);
  EXPECT_TRUE(layout.indexImage().empty());
  const int exponents[] = {0};
  auto matrix = quantizeMatrix(view, layout, {6, WeightEncoding::SignMag},
                               exponents, {/*keepCodes=*/true});
  ASSERT_TRUE(matrix) << matrix.message();
  EXPECT_EQ(matrix->weightImage,
            (std::vector<uint8_t>{0x40, 0x20, 0x0c, 0x44, 0x61, 0x1c, 0x48,
                                  0xa2, 0x00}));
  EXPECT_EQ(matrix->rowMagnitudes, (std::vector<int64_t>{15, 16, 45}));
  EXPECT_EQ(matrix->unchanged[0], 11);
  EXPECT_EQ(matrix->codes.back(), 1); // pattern 0
  // Element 1 of the last block of rows 0 and 1 lies outside the matrix, at
  // row 0, column 5; it is used in row 1.
  EXPECT_EQ(layout.describe(5), (WordInfo{0, 0, 5}));
  EXPECT_EQ(layout.wordOf(0, 1, 4), 5);
}

TEST(Circulant, LayoutMatchesTheDefinition_WI_C_1_WI_C_2) {
  std::mt19937_64 random(41);
  int ragged = 0, unused = 0;
  for (int round = 0; round < 300; ++round) {
    Case matrix = randomCase(random);
    const auto &[gates, rows, cols, b, weights] = matrix;
    const auto layout = WeightLayout::circulant(gates, rows, cols, b, rows);
    ASSERT_EQ(layout.words(), matrix.words());
    std::vector<int64_t> uses(static_cast<size_t>(layout.words()));
    matrix.forEach([&](int64_t g, int64_t r, int64_t c, float &) {
      const Element e = elementOf(g, r, c, b);
      const int64_t word = naiveWord(e, gates, cols, b);
      ASSERT_EQ(layout.wordOf(g, r, c), word);
      ASSERT_EQ(layout.describe(word),
                (WordInfo{g, r / b * b, c / b * b + e.j}));
      ++uses[word];
    });
    int64_t next = 0, none = 0;
    layout.forEachVector([&](const WeightLayout::Vector &vector) {
      ASSERT_EQ(vector.word, next);
      for (int64_t j = 0; j < b; ++j, ++next) {
        ASSERT_EQ(circulantUses(b, vector.height, vector.width, j), uses[next])
            << b << ": " << vector.height << " x " << vector.width << ", " << j;
        none += uses[next] == 0;
      }
    });
    ASSERT_EQ(next, layout.words());
    ASSERT_EQ(layout.paddingBits(7),
              8 * layout.bytes(7) - 7 * (layout.words() - none));
    unused += none > 0;
    ragged += rows % b != 0 || cols % b != 0;
    int64_t row = 0;
    const unsigned mask = random() % (1u << gates);
    for (const WeightLayout::RowGroup &group : layout.rowGroups(mask)) {
      ASSERT_EQ(group.row, row);
      ASSERT_EQ(group.height, std::min(b, rows - row));
      ASSERT_EQ(group.macs, int64_t(std::popcount(mask)) * group.height * cols);
      row += b;
    }
    ASSERT_GE(row, rows);
  }
  EXPECT_GT(ragged, 100);
  EXPECT_GT(unused, 30);
}

TEST(Circulant, RowBlocksAreMultiplesOfTheBlock_WI_A_2) {
  for (int64_t rowBlock = 0; rowBlock <= 24; ++rowBlock)
    EXPECT_EQ(
        bool(verifyRowBlock(WeightLayout::circulant(4, 20, 16, 8, rowBlock))),
        rowBlock == 8 || rowBlock == 16 || rowBlock >= 20)
        << rowBlock;
}

TEST(Circulant, BlockSizes_WI_C_1) {
  EXPECT_TRUE(verifyCirculant(512, 512, 2));
  EXPECT_TRUE(verifyCirculant(512, 512, 128));
  EXPECT_TRUE(verifyCirculant(4, 30, 30));
  EXPECT_TRUE(verifyCirculant(30, 4, 30));
  EXPECT_EQ(verifyCirculant(512, 512, 1).message(),
            "circulant block size 1 is not allowed for a matrix of 512 x 512; "
            "allowed are 2 to 128");
  EXPECT_EQ(verifyCirculant(10, 6, 11).message(),
            "circulant block size 11 is not allowed for a matrix of 10 x 6; "
            "allowed are 2 to 10");
  EXPECT_FALSE(verifyCirculant(512, 512, 129));
  EXPECT_FALSE(verifyCirculant(512, 512, -3));
  EXPECT_EQ(verifyCirculant(1, 1, 2).message(),
            "a matrix of 1 x 1 cannot be circulant; it has one weight");
}

TEST(Circulant, ProjectionIsTheLeastSquares) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 150; ++round) {
    Case matrix = randomCase(random);
    const int64_t b = matrix.block;
    const auto projection = projectCirculant(matrix.view(), b);
    ASSERT_TRUE(projection);
    ASSERT_EQ(int64_t(projection->elements.size()), matrix.words());
    // Means over the true positions, found by sorting positions.
    std::map<int64_t, std::pair<double, int64_t>> sums;
    matrix.forEach([&](int64_t g, int64_t r, int64_t c, float &w) {
      auto &[sum, count] =
          sums[naiveWord(elementOf(g, r, c, b), matrix.gates, matrix.cols, b)];
      sum += w;
      ++count;
    });
    double removed = 0.0, total = 0.0;
    for (int64_t word = 0; word < matrix.words(); ++word) {
      const auto found = sums.find(word);
      const double mean =
          found == sums.end()
              ? 0.0
              : found->second.first / double(found->second.second);
      ASSERT_NEAR(projection->elements[word], mean, 1e-7);
    }
    Case expanded = matrix;
    expandCirculant(projection->elements, matrix.gates, matrix.rows,
                    matrix.cols, b, expanded.weights);
    matrix.forEach([&](int64_t g, int64_t r, int64_t c, float &w) {
      const double difference = double(w) - expanded.at(g, r, c);
      removed += difference * difference;
      total += double(w) * w;
    });
    ASSERT_NEAR(projection->loss.removed, removed, 1e-9 * total);
    ASSERT_NEAR(projection->loss.total, total, 1e-9 * total);
    // The result is circulant, and projecting it again changes nothing.
    const auto again = projectCirculant(expanded.view(), b);
    ASSERT_EQ(again->elements, projection->elements);
    ASSERT_EQ(again->loss.removed, 0.0);
    ASSERT_EQ(*readCirculant(expanded.view(), b), projection->elements);
  }
  EXPECT_EQ((EnergyLoss{1.0, 100.0}.percent()), 1.0);
  EXPECT_EQ((EnergyLoss{1.0, 100.0}.decibels()), -20.0);
  EXPECT_EQ((EnergyLoss{0.0, 0.0}.percent()), 0.0);
}

TEST(Circulant, RefusesWhatIsNotCirculantOrNotFinite) {
  std::vector<float> weights(2 * 4 * 6, 0.5f);
  const MatrixView view{weights.data(), 2, 4, 6};
  EXPECT_TRUE(readCirculant(view, 3));
  weights[24 + 6 + 4] = 0.25f; // gate 1, row 1, column 4
  EXPECT_EQ(readCirculant(view, 3).message(),
            "weight at gate 1, row 1, column 4 differs from others of its "
            "wrapped diagonal; the matrix is not circulant with blocks of 3");
  const auto layout = WeightLayout::circulant(2, 4, 6, 3, 3);
  const int exponents[] = {3, 3};
  EXPECT_EQ(quantizeMatrix(view, layout, {}, exponents).message(),
            readCirculant(view, 3).message());
  weights[24 + 6 + 4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(projectCirculant(view, 3).message(),
            "weight at gate 1, row 1, column 4 is NaN or infinite; only finite "
            "weights can be made circulant");
  EXPECT_EQ(quantizeMatrix(view, layout, {}, exponents).message(),
            "weight at gate 1, row 1, column 4 is NaN or infinite; only finite "
            "weights can be quantised");
}

TEST(Circulant, DetectsTheLargestExactBlock) {
  std::mt19937_64 random(43);
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    Case matrix = circulantCase(random);
    const int64_t largest =
        detectCirculant(matrix.view(), allCirculantBlocks());
    // A block that has fewer words must be found, or a larger one that fits.
    if (matrix.words() < int64_t(matrix.weights.size())) {
      ++found;
      ASSERT_GE(largest, matrix.block);
      const int64_t one[] = {matrix.block};
      ASSERT_EQ(detectCirculant(matrix.view(), one), matrix.block);
    }
    if (largest != 0) {
      ASSERT_TRUE(readCirculant(matrix.view(), largest));
    }
    // One weight off, in the least place.
    Case broken = matrix;
    float &weight = broken.weights[random() % broken.weights.size()];
    weight = std::nextafter(weight, 10.0f);
    const int64_t one[] = {matrix.block};
    if (matrix.rows >= matrix.block && matrix.cols >= matrix.block &&
        matrix.rows % matrix.block == 0 && matrix.cols % matrix.block == 0) {
      ASSERT_EQ(detectCirculant(broken.view(), one), 0);
    }
  }
  EXPECT_GT(found, 100);
  // One value everywhere: any block fits, the largest with fewer words is it.
  const Case constant{1, 24, 48, 0, std::vector<float>(24 * 48, 0.5f)};
  EXPECT_EQ(detectCirculant(constant.view(), allCirculantBlocks()), 48);
  const int64_t few[] = {2, 12, 8};
  EXPECT_EQ(detectCirculant(constant.view(), few), 12);
  const Case dense = randomCase(random);
  EXPECT_EQ(detectCirculant(dense.view(), allCirculantBlocks()), 0);
  EXPECT_EQ(detectCirculant(dense.view(), {}), 0);
}

TEST(Circulant, QuantizedMatrixMatchesTheExpandedMatrix) {
  std::mt19937_64 random(44);
  for (int round = 0; round < 150; ++round) {
    Case matrix = circulantCase(random);
    const auto &[gates, rows, cols, b, weights] = matrix;
    const auto layout = WeightLayout::circulant(gates, rows, cols, b, rows);
    const WeightFormat format{
        2 + static_cast<int>(random() % 7),
        random() % 2 ? WeightEncoding::Twos : WeightEncoding::SignMag,
        random() % 2 ? WeightRounding::Nearest : WeightRounding::Ceil};
    const auto codeOf = [&](float w, int e) {
      return hcgs::numerics::quantizeWeight(w, e, format);
    };

    // WI-C-4, over all 47 exponents: the squared error of the whole matrix.
    const MatrixExponents chosen =
        chooseExponents(matrix.view(), layout, format);
    std::vector<int> exponents;
    for (int64_t g = 0; g < gates; ++g) {
      const auto errorOf = [&](int e) {
        std::map<int64_t, std::pair<double, int64_t>> squares;
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < cols; ++c) {
            const float w = matrix.at(g, r, c);
            const double difference =
                double(w) - std::ldexp(double(codeOf(w, e)), -e);
            auto &[square, uses] =
                squares[naiveWord(elementOf(g, r, c, b), gates, cols, b)];
            square = difference * difference;
            ++uses;
          }
        double sum = 0.0;
        for (const auto &[word, square] : squares)
          sum += square.first * double(square.second);
        return sum;
      };
      int best = -16;
      for (int e = -15; e <= 30; ++e)
        if (errorOf(e) < errorOf(best))
          best = e;
      if (!chosen.gates[g].allZero) {
        ASSERT_EQ(chosen.gates[g].exponent, best) << round;
      } else {
        ASSERT_EQ(chosen.gates[g].exponent, 0);
      }
      ASSERT_EQ(chosen.gates[g].squaredError,
                errorOf(chosen.gates[g].exponent));
      exponents.push_back(chosen.gates[g].exponent);
    }

    const auto result = quantizeMatrix(matrix.view(), layout, format, exponents,
                                       {/*keepCodes=*/true});
    ASSERT_TRUE(result) << result.message();
    ASSERT_EQ(result->weightImage, packCodes(result->codes, format));
    const auto back = unpackCodes(result->weightImage, layout.words(), format);
    ASSERT_TRUE(back) << back.message();
    ASSERT_EQ(*back, result->codes);
    std::vector<int64_t> sums(static_cast<size_t>(gates * rows));
    std::map<int64_t, float> used;
    matrix.forEach([&](int64_t g, int64_t r, int64_t c, float &w) {
      const int code = codeOf(w, exponents[g]);
      const int64_t word = naiveWord(elementOf(g, r, c, b), gates, cols, b);
      ASSERT_EQ(result->codes[word], code);
      sums[g * rows + r] += std::abs(code);
      used[word] = w;
    });
    ASSERT_EQ(result->rowMagnitudes, sums);
    std::vector<int64_t> zeros(static_cast<size_t>(gates));
    for (int64_t word = 0; word < layout.words(); ++word)
      if (const auto element = used.find(word); element == used.end()) {
        // WI-C-3.
        ASSERT_EQ(hcgs::numerics::encodeWeight(result->codes[word], format),
                  0u);
      } else {
        zeros[layout.describe(word).gate] += element->second == 0.0f;
      }
    ASSERT_EQ(result->zeros, zeros);
    for (int64_t g = 0; g < gates; ++g) {
      ASSERT_EQ(chosen.gates[g].zeros, zeros[g]);
      ASSERT_EQ(result->squaredErrors[g], chosen.gates[g].squaredError);
    }
  }
}

/// A-W-4 with WI-C-4 by trying all exponents, the elements in the order given.
int bestExponent(const std::vector<std::pair<float, int>> &elements,
                 WeightFormat format) {
  const auto errorOf = [&](int e) {
    double sum = 0.0;
    for (const auto &[value, uses] : elements) {
      const double difference =
          double(value) -
          std::ldexp(hcgs::numerics::quantizeWeight(value, e, format), -e);
      sum += difference * difference * uses;
    }
    return sum;
  };
  int best = -16;
  for (int e = -15; e <= 30; ++e)
    if (errorOf(e) < errorOf(best))
      best = e;
  return best;
}

TEST(Circulant, ExponentsOfOutliersAndOfGrids_WI_C_4) {
  const WeightFormat format{6, WeightEncoding::Twos};
  // Many small elements and one large one that a single position uses: each
  // step up clips it further, but three steps are worth it, though one is not.
  Case outlier{1, 128, 385, 128, std::vector<float>(128 * 385, 0.005f)};
  outlier.at(0, 0, 384) = 31.0f / 32.0f;
  std::vector<std::pair<float, int>> elements(384, {0.005f, 128});
  elements.push_back({31.0f / 32.0f, 1});
  elements.insert(elements.end(), 127, {0.005f, 1});
  const int best = bestExponent(elements, format);
  EXPECT_EQ(best, 8); // 5 clips nothing, 6 is worse than 5
  EXPECT_EQ(chooseExponents(outlier.view(),
                            WeightLayout::circulant(1, 128, 385, 128, 128),
                            format)
                .gates[0]
                .exponent,
            best);
  // Without regard to uses the large one would decide.
  for (auto &[value, uses] : elements)
    uses = 1;
  EXPECT_EQ(bestExponent(elements, format), 5);

  // On a grid several exponents have no error at all: the smallest wins.
  Case grid{1, 2, 2, 2, {0.5f, 0.25f, 0.25f, 0.5f}};
  EXPECT_EQ(chooseExponents(grid.view(), WeightLayout::circulant(1, 2, 2, 2, 2),
                            format)
                .gates[0]
                .exponent,
            2);
}

TEST(Circulant, A512x512LayerTakes95PercentLessMemory) {
  // 6 bits and block 16 against fp32; against 6 bits dense it takes more than
  // 20, so 32.
  const auto bytes = [](int64_t block) {
    return WeightLayout::circulant(4, 512, 512, block, 512).bytes(6);
  };
  const int64_t fp32 = 4 * 512 * 512 * 4;
  const int64_t dense = WeightLayout::dense(4, 512, 512, 512).bytes(6);
  EXPECT_LT(bytes(16) * 100, fp32 * 5);
  EXPECT_LT(bytes(32) * 100, dense * 5);
}

} // namespace
