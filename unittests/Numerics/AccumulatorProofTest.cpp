// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hcgs/Numerics/AccumulatorProof.h"

#include "gtest/gtest.h"
#include <random>

using namespace hcgs::numerics;

namespace {

TEST(AccumulatorProof, BoundIsTheWorstRow_A_ACC_3) {
  const std::vector<int64_t> w = {100, 7, 0}, r = {1, 200, 0};
  const std::vector<int64_t> start = {-5, 6, 1000};
  const std::vector<ProductTerm> terms = {{"W", w, 13, "input-bits", 2, 6},
                                          {"R", r, 8, "act-bits", 0, 6}};
  const auto bound = proveRows("x", start, terms);
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->magnitude, 5 + (100 << 14) + 128);
  EXPECT_EQ(bound->row, 0);
  EXPECT_EQ(bound->bits(), 22);
}

TEST(AccumulatorProof, TheLimitIsExact_A_ACC_3) {
  const std::vector<int64_t> w = {int64_t(1) << 16};
  const std::vector<ProductTerm> terms = {{"W", w, 16, "act-bits", 0, 8}};
  const std::vector<int64_t> none = {0}, one = {-1}, minus = {-(1 << 30)};
  // 2^16 * 2^15 = 2^31 is one too many.
  EXPECT_FALSE(proveRows("x", none, terms));
  const std::vector<int64_t> less = {(int64_t(1) << 16) - 1};
  const std::vector<ProductTerm> fits = {{"W", less, 16, "act-bits", 0, 8}};
  EXPECT_TRUE(proveRows("x", none, fits));
  EXPECT_TRUE(proveRows("x", std::vector<int64_t>{32767}, fits));
  EXPECT_FALSE(proveRows("x", std::vector<int64_t>{32768}, fits));
  EXPECT_FALSE(proveRows("x", std::vector<int64_t>{-32768}, fits));
  EXPECT_TRUE(proveRows("x", minus, {}));
}

TEST(AccumulatorProof, MessageSaysWhereAndWhatFits) {
  const std::vector<int64_t> w = {3, int64_t(1) << 18};
  const std::vector<ProductTerm> terms = {{"W", w, 13, "act-bits", 3, 6}};
  const auto proof = proveRows("node 'a', gate f", {}, terms);
  ASSERT_FALSE(proof);
  EXPECT_EQ(proof.message(),
            "node 'a', gate f, row 1: the accumulator can reach 8589934592, "
            "which takes 35 bits and the machine has 32 (start 0 + W 262144 * "
            "2^12 << 3); it would fit with act-bits=10 (now 13) or "
            "weight-bits=3 (now 6)");
  const std::vector<ProductTerm> hopeless = {{"W", w, 9, "act-bits", 15, 2}};
  EXPECT_NE(proveRows("x", {}, hopeless).message().find("split the layer"),
            std::string::npos);
}

TEST(AccumulatorProof, SpareBitsAndParts_A_ACC_3) {
  const std::vector<int64_t> w = {100, 7, 0}, r = {1, 900, 0};
  const std::vector<int64_t> start = {-5, 6, 1000};
  const std::vector<ProductTerm> terms = {{"W", w, 13, "input-bits", 2, 6},
                                          {"R", r, 8, "act-bits", 0, 6}};
  const AccumulatorBound bound = boundRows(start, terms);
  EXPECT_EQ(bound.magnitude, 5 + (100 << 14) + 128);
  EXPECT_EQ(bound.spareBits(), 32 - 22);
  EXPECT_TRUE(bound.fits());
  EXPECT_EQ(describeRow(start, terms, 1), "start 6 + W 7 * 2^12 << 2 + R 900 * "
                                          "2^7 << 0");
  EXPECT_EQ(largestTerm(terms, 0).name, "W");
  EXPECT_EQ(largestTerm(terms, 1).name, "R");
  const std::vector<int64_t> most = {int64_t(1) << 21};
  const std::vector<ProductTerm> full = {{"W", most, 11, "x", 0, 6}};
  EXPECT_EQ(boundRows({}, full).spareBits(), -1);
  EXPECT_FALSE(boundRows({}, full).fits());
}

TEST(AccumulatorProof, HugeSumsDoNotWrap) {
  const std::vector<int64_t> w = {int64_t(1) << 50};
  const std::vector<ProductTerm> terms = {{"W", w, 16, "a", 15, 8},
                                          {"R", w, 16, "a", 15, 8}};
  EXPECT_FALSE(proveRows("x", std::vector<int64_t>{INT64_MIN}, terms));
}

TEST(AccumulatorProof, ElementSums) {
  // 13-bit gates, 16-bit cell with 3 integer bits: f*c 2^27, i*g 2^24 << 1.
  const std::vector<ElementTerm> usual = {{"f*c", 13, 16, 0, "gate-bits", ""},
                                          {"i*g", 13, 13, 1, "gate-bits", ""}};
  const auto bound = proveElements("cell", usual);
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->magnitude, (1 << 27) + (1 << 25));
  const std::vector<ElementTerm> wide = {{"f*c", 16, 16, 0, "gate-bits", ""},
                                         {"i*g", 16, 16, 3, "gate-bits", ""}};
  const auto refused = proveElements("node 'a', cell", wide);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.message().find("gate-bits=13 (now 16)"), std::string::npos)
      << refused.message();
  const std::vector<ElementTerm> add = {{"a", 16, 0, 15, "", ""}};
  EXPECT_EQ(proveElements("add", add)->magnitude, 1 << 30);
}

} // namespace
