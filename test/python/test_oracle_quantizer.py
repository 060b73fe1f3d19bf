# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.quantizer: A-W-3, A-W-4 and A-W-6 on numbers worked by hand."""

import math

import numpy as np
import pytest

from hcgs import ProgramError
from hcgs.oracle import quantizer


def test_codes_by_hand():  # A-W-3
    w = np.array([0.0, -0.0, 0.4, 0.5, -0.5, 1.49, -1.5, 9.0, -9.0])

    def codes(bits, encoding, rounding="nearest"):
        return quantizer.quantise(w, 0, bits, encoding, rounding).tolist()

    assert codes(3, "twos") == [0, 0, 0, 1, -1, 1, -2, 3, -3]
    assert codes(3, "signmag") == [1, 1, 1, 1, -1, 1, -2, 4, -4]
    assert codes(3, "twos", "ceil") == [0, 0, 1, 1, -1, 2, -2, 3, -3]
    assert codes(3, "signmag", "ceil") == [1, 1, 1, 1, -1, 2, -2, 4, -4]
    assert quantizer.quantise(w[5:7], 2, 8, "twos").tolist() == [6, -6]


def test_published_quantiser():
    """The HCGS authors' rule, sign(w) * ceil(|w| * 2^(k-1)) on [-1, 1], is
    signmag with ceil at exponent k-1."""
    w = np.random.default_rng(0).uniform(-1, 1, 1000)
    codes = quantizer.quantise(w, 5, 6, "signmag", "ceil")
    assert (codes == np.sign(w) * np.ceil(np.abs(w) * 32)).all()


@pytest.mark.parametrize("encoding", ["twos", "signmag"])
@pytest.mark.parametrize("rounding", ["nearest", "ceil"])
def test_exponent_minimises_the_error(encoding, rounding):  # A-W-4
    rng = np.random.default_rng(5)
    for bits in (2, 5, 8):
        w = rng.normal(0, 10.0 ** rng.integers(-3, 4), 50).astype(np.float32)
        best, chosen = math.inf, None
        for e in range(-16, 31):
            total = 0.0
            for value in w.tolist():
                (code,) = quantizer.quantise([value], e, bits, encoding, rounding)
                total += (value - int(code) * 2.0**-e) ** 2
            if total < best:
                best, chosen = total, e
        assert quantizer.choose_exponent(w, bits, encoding, rounding) == chosen


def test_exponent_of_zeros_and_ties():  # A-W-4
    assert quantizer.choose_exponent(np.zeros(3), 4, "twos") == 0
    # 1.0 is exact at many exponents: the smallest wins.
    assert quantizer.choose_exponent(np.ones(3), 4, "twos") == 0
    assert quantizer.choose_exponent(np.full(3, 4.0), 4, "twos") == -2


def test_bias():  # A-W-6
    bias = np.array([[0.5, -0.5], [1.3, -1.3]])
    assert quantizer.quantise_bias(bias, [0, 4]).tolist() == [[1, -1], [21, -21]]
    with pytest.raises(ProgramError, match="32 bits"):
        quantizer.quantise_bias(np.array([[1.0]]), [31])


def test_accumulator_fraction():  # A-W-7
    fraction = quantizer.accumulator_fraction
    none = np.zeros(3)
    assert fraction([20, 18], 10, none) == 20
    assert fraction([40, 18], 10, none) == 33  # smallest + 15
    assert fraction([40, 39], 5, none) == 36  # result + 31
    assert fraction([29, 29], 5, np.array([0.5, -4.0])) == 28  # 30 - log2(4)
    assert fraction([29, 29], 5, np.array([0.5, -4.1])) == 27
    assert fraction([29], 5, np.array([1.0])) == 29
