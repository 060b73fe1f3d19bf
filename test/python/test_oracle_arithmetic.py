# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.arithmetic against the spec's formulas in Python's exact integers."""

import numpy as np
import pytest

from hcgs import InputError
from hcgs.oracle import arithmetic


def scalar_rq(a: int, s: int, b: int) -> int:
    v = (a + 2 ** (s - 1)) >> s if s > 0 else a * 2**-s
    return min(max(v, -(2 ** (b - 1))), 2 ** (b - 1) - 1)


def test_rq_equals_the_formula_everywhere():  # A-RQ-1, A-RQ-2
    rng = np.random.default_rng(1)
    edges = [0, 1, -1, 2, -2, 2**31 - 1, -(2**31), 2**15, -(2**15), 3, 5, -3, -5]
    a = np.concatenate([edges, rng.integers(-(2**31), 2**31, 200)])
    for s in range(-15, 32):
        for b in range(2, 17):
            got, cut = arithmetic.rq(a, s, b)
            want = [scalar_rq(int(v), s, b) for v in a]
            assert got.tolist() == want
            wide = [scalar_rq(int(v), s, 64) for v in a]
            assert cut.tolist() == [x != y for x, y in zip(want, wide)]


def test_rq_rounds_halves_up():
    got, _ = arithmetic.rq(np.array([1, -1, 3, -3, 5, -5]), 1, 16)
    assert got.tolist() == [1, 0, 2, -1, 3, -2]


@pytest.mark.parametrize("shift, bits", [(32, 8), (-16, 8), (0, 1), (0, 17)])
def test_rq_refuses_other_fields(shift, bits):
    with pytest.raises(ValueError):
        arithmetic.rq(np.zeros(1), shift, bits)


def test_wrap32():  # A-ACC-1
    v = np.array([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 + 5])
    assert arithmetic.wrap32(v).tolist() == [
        2**31 - 1,
        -(2**31),
        -(2**31),
        2**31 - 1,
        5,
    ]


def test_to_codes_rounds_half_away_and_saturates():  # A-FX-3
    v = np.array([0.5, -0.5, 1.49, 1.5, -1.5, 3e9, -np.inf, np.inf])
    assert arithmetic.to_codes(v, 4, 0).tolist() == [1, -1, 1, 2, -2, 7, -8, 7]
    assert arithmetic.to_codes(np.array([0.3]), 13, 12).tolist() == [1229]
    with pytest.raises(InputError, match="NaN"):
        arithmetic.to_codes(np.array([np.nan]), 8, 4)


def test_to_floats_is_exact():  # A-FX-4
    codes = np.arange(-8, 8)
    assert (arithmetic.to_floats(codes, 3) == codes / 8).all()
    assert (arithmetic.to_floats(codes, -2) == codes * 4).all()


def scalar_table(t: arithmetic.Table, z: int) -> int:
    if z < -(2**t.k):
        return t.lo
    if z >= 2**t.k:
        return t.hi
    u = z + 2**t.k
    width = t.k + 1 - t.n
    d = u - ((u >> width) << width)
    r = 2 ** (t.s - 1) if t.s else 0
    y = int(t.base[u >> width]) + ((int(t.slope[u >> width]) * d + r) >> t.s)
    return min(max(y, -(2 ** (t.b - 1))), 2 ** (t.b - 1) - 1)


@pytest.mark.parametrize(
    "k, n, s, b",
    [(15, 9, 7, 13), (0, 0, 0, 2), (3, 4, 0, 8), (14, 3, 31, 16), (9, 0, 5, 9)],
)
def test_table_equals_the_formula_for_every_input(k, n, s, b):  # A-PWL-2, A-PWL-3
    rng = np.random.default_rng(k)
    base = rng.integers(-(2**15), 2**15, 2**n)
    slope = rng.integers(-(2**15), 2**15, 2**n)
    table = arithmetic.Table(k, n, s, b, -2, 1, 0, 0, base, slope)
    z = np.arange(-(2**15), 2**15)
    y, cut = table(z)
    chosen = rng.permutation(z)[:3000]
    for value in [-(2**15), 2**15 - 1, -(2**k), 2**k - 1, *chosen]:
        assert y[value + 2**15] == scalar_table(table, int(value))
    inside = (z >= -(2**k)) & (z < 2**k)
    assert not cut[~inside].any()  # A-PWL-5: lo and hi are no saturations
    limit = 2 ** (b - 1)
    assert ((y == -limit) | (y == limit - 1))[cut].all()


def scalar_two_level(t: arithmetic.TwoLevelTable, z: int) -> int:
    left = t.centre is not None and z < 0
    u = (-z if left else z) - t.origin
    if not 0 <= u < len(t.first) * 2**t.w:
        return t.lo if (z < 0 if t.centre is not None else u < 0) else t.hi
    region, within = divmod(u, 2**t.w)
    segment, d = divmod(within, 2 ** (t.w - int(t.bits[region])))
    entry = int(t.first[region]) + segment
    r = 2 ** (t.s - 1) if t.s else 0
    y = int(t.base[entry]) * 2 ** (t.s - t.p) + int(t.slope[entry]) * d + r
    y //= 2**t.s
    if left:
        y = t.centre - y
    return min(max(y, -(2 ** (t.b - 1))), 2 ** (t.b - 1) - 1)


@pytest.mark.parametrize(
    "w, p, s, b, regions, origin, centre",
    [
        (11, 3, 14, 13, 16, 0, 0),
        (13, 3, 16, 13, 4, 0, 4096),
        (12, 0, 0, 8, 3, -4100, None),
        (16, 15, 31, 16, 1, -32768, None),
        (0, 2, 9, 5, 64, 32760, None),
        (9, 1, 5, 2, 7, 0, -65536),
    ],
)
def test_two_level_table_equals_the_formula(w, p, s, b, regions, origin, centre):
    rng = np.random.default_rng(w)  # A-PWL-6
    bits = rng.integers(0, min(4, w) + 1, regions)
    entries = 40
    first = rng.integers(0, entries - (1 << bits) + 1)
    base = rng.integers(-(2**15), 2**15, entries)
    slope = rng.integers(-(2**15), 2**15, entries)
    table = arithmetic.TwoLevelTable(
        w, p, s, b, -2, 1, 0, 0, origin, centre, first, bits, base, slope
    )
    z = np.arange(-(2**15), 2**15)
    y, cut = table(z)
    ends = [-(2**15), 2**15 - 1, -1, 0, 1, origin - 1, origin, origin + (regions << w)]
    for value in [*(e for e in ends if abs(e) < 2**15), *rng.permutation(z)[:4000]]:
        assert y[value + 2**15] == scalar_two_level(table, int(value)), value
    limit = 2 ** (b - 1)
    assert ((y == -limit) | (y == limit - 1))[cut].all()


def test_mirrored_tables_are_symmetric():  # A-PWL-5, A-PWL-7
    table = arithmetic.TwoLevelTable(13, 0, 14, 14, -4096, 4096, 12, 12, 0, 0,
        first=np.array([0]), bits=np.array([0]), base=np.array([0]), slope=np.array([8191]),
    )  # fmt: skip
    z = np.arange(1, 2**13)
    assert (table(-z)[0] == -table(z)[0]).all()
    # 4096 in 13 bits: one more than fits is no saturation, two are.
    for base, expected in [(4096, False), (4097, True)]:
        flat = arithmetic.TwoLevelTable(13, 0, 0, 13, 0, 0, 12, 12, 0, 0,
            first=np.array([0]), bits=np.array([0]),
            base=np.array([base]), slope=np.array([0]),
        )  # fmt: skip
        y, cut = flat(np.array([5]))
        assert y.tolist() == [4095] and cut.tolist() == [expected]
