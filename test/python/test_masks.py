# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""HCGS masks: exact balance at every tier, ragged edges, determinism."""

import numpy as np
import pytest

from hcgs.train import masks
from hcgs.train.masks import HCGS_16X, Tier

SHAPES = [(512, 440), (128, 128), (128, 12), (1, 1), (33, 65), (300, 7), (31, 100)]
TIERS = [
    HCGS_16X,
    (Tier(32, 32, 0.25), Tier(4, 4, 0.5)),
    (Tier(16, 64, 0.5), Tier(8, 3, 0.375)),
    (Tier(8, 8, 0.25),),
    (Tier(64, 64, 0.5), Tier(16, 16, 0.5), Tier(4, 4, 0.25)),
]


def kept_blocks(mask, rows, columns):
    """Which blocks of the given size hold any kept weight, by plain loops."""
    high, wide = -(-mask.shape[0] // rows), -(-mask.shape[1] // columns)
    used = np.zeros((high, wide), bool)
    for r, c in np.argwhere(mask):
        used[r // rows, c // columns] = True
    return used


@pytest.mark.parametrize("balance", masks.BALANCES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tiers", TIERS)
def test_drawn_and_selected_masks_are_balanced(shape, tiers, balance):
    rng = np.random.default_rng(3)
    drawn = masks.draw(shape, tiers, balance, rng)
    selected = masks.select(rng.normal(size=(4, *shape)), tiers, balance)
    for mask in (drawn, selected):
        assert mask.shape == shape and mask.dtype == bool
        masks.check(mask, tiers, balance)
        used = kept_blocks(mask, tiers[0].rows, tiers[0].columns)
        axis = 1 if balance == "row" else 0
        expected = max(1, round(used.shape[axis] * tiers[0].keep))
        assert (used.sum(axis=axis) == expected).all()


@pytest.mark.parametrize("balance", masks.BALANCES)
def test_second_tier_is_balanced_in_each_kept_block_with_its_true_extent(balance):
    mask = masks.draw((500, 440), HCGS_16X, balance, np.random.default_rng(0))
    axis = 1 if balance == "row" else 0
    checked_ragged = False
    for i, j in np.argwhere(kept_blocks(mask, 32, 32)):
        block = mask[32 * i : 32 * i + 32, 32 * j : 32 * j + 32]
        small = kept_blocks(block, 4, 4)
        assert (small.sum(axis=axis) == round(small.shape[axis] / 4)).all()
        checked_ragged |= block.shape != (32, 32)
        # Small blocks are dense.
        whole = np.kron(small, np.ones((4, 4), bool))[
            : block.shape[0], : block.shape[1]
        ]
        assert (block == whole).all()
    assert checked_ragged


def test_each_kept_block_draws_its_own_pattern():
    mask = masks.draw((128, 128), HCGS_16X, "row", np.random.default_rng(0))
    patterns = {
        mask[32 * i : 32 * i + 32, 32 * j : 32 * j + 32].tobytes()
        for i, j in np.argwhere(kept_blocks(mask, 32, 32))
    }
    assert len(patterns) == 4


def test_published_512x440_keeps_13_75x_by_rows_and_16x_by_columns():
    rng = np.random.default_rng(0)
    by_row = masks.draw((512, 440), HCGS_16X, "row", rng)
    by_column = masks.draw((512, 440), HCGS_16X, "column", rng)
    assert masks.compression(by_row) == 13.75
    assert masks.compression(by_column) == 16.0
    assert (kept_blocks(by_row, 32, 32).sum(axis=1) == 4).all()
    assert kept_blocks(by_row, 32, 32).shape == (16, 14)
    assert (by_row.sum(axis=1) == 32).all() and (by_column.sum(axis=0) == 32).all()


@pytest.mark.parametrize(
    "blocks, keep, expected",
    [(14, 0.25, 4), (10, 0.25, 2), (6, 0.25, 2), (2, 0.25, 1), (1, 0.25, 1), (8, 1, 8)],
)
def test_kept_count_rounds_half_to_even_and_is_at_least_one(blocks, keep, expected):
    assert masks.kept_count(blocks, keep) == expected


def test_equal_seeds_give_equal_masks():
    def draw(seed):
        return masks.draw((96, 200), HCGS_16X, "row", np.random.default_rng(seed))

    assert (draw(5) == draw(5)).all()
    assert (draw(5) != draw(6)).any()


def test_select_keeps_the_blocks_of_largest_mean_magnitude():
    tiers = (Tier(2, 2, 0.5),)
    weights = np.zeros((2, 8))
    weights[:, 2:4] = -3.0  # magnitude counts, not sign
    weights[:, 6:8] = 1.0
    assert masks.select(weights, tiers, "row").any(axis=0).tolist() == [
        *(False, False, True, True),
        *(False, False, True, True),
    ]
    # Over gates the mean decides, and ties go to the lower index.
    gates = np.zeros((2, 2, 8))
    gates[0, :, 0:2] = 4.0
    gates[1, :, 4:6] = 6.0
    chosen = masks.select(gates, (Tier(2, 2, 0.25),), "row")
    assert chosen[0].tolist() == [False] * 4 + [True] * 2 + [False] * 2
    assert masks.select(np.ones((2, 8)), (Tier(2, 2, 0.25),), "row")[0, :2].all()


def test_select_averages_a_ragged_block_over_its_true_extent():
    weights = np.ones((4, 5))
    weights[:, 4] = 1.5  # one column: 6 of sum against 16, but the larger mean
    mask = masks.select(weights, (Tier(4, 4, 0.5),), "row")
    assert mask.tolist() == [[False] * 4 + [True]] * 4


def test_select_takes_a_ragged_tier_inside_a_ragged_tier():
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(70, 75))
    mask = masks.select(weights, HCGS_16X, "column")
    masks.check(mask, HCGS_16X, "column")
    # By brute force: the best small block-rows of the ragged corner column.
    for j in range(3):
        for i in np.flatnonzero(kept_blocks(mask, 32, 32)[:, j]):
            part = np.abs(weights[32 * i : 32 * i + 32, 32 * j : 32 * j + 32])
            kept = mask[32 * i : 32 * i + 32, 32 * j : 32 * j + 32]
            for c in range(0, part.shape[1], 4):
                means = [
                    part[r : r + 4, c : c + 4].mean() for r in range(0, len(part), 4)
                ]
                count = max(1, round(len(means) / 4))
                best = set(np.argsort(means)[-count:].tolist())
                found = {r // 4 for r in range(0, len(part), 4) if kept[r, c]}
                assert found == best


@pytest.mark.parametrize("balance", masks.BALANCES)
def test_check_sees_one_wrong_weight(balance):
    mask = masks.draw((128, 100), HCGS_16X, balance, np.random.default_rng(0))
    kept, dropped = np.argwhere(mask)[17], np.argwhere(~mask)[17]
    hole = mask.copy()
    hole[tuple(kept)] = False
    with pytest.raises(ValueError, match=r"has 1 of 16 weights dropped"):
        masks.check(hole, HCGS_16X, balance)
    extra = mask.copy()
    extra[tuple(dropped)] = True
    with pytest.raises(ValueError):
        masks.check(extra, HCGS_16X, balance)


@pytest.mark.parametrize("balance", masks.BALANCES)
def test_check_sees_a_block_too_few(balance):
    mask = masks.draw((128, 100), HCGS_16X, balance, np.random.default_rng(0))
    i, j = np.argwhere(kept_blocks(mask, 4, 4))[5]
    mask[4 * i : 4 * i + 4, 4 * j : 4 * j + 4] = False
    with pytest.raises(ValueError, match="keeps 1 of [68] blocks; 2 expected"):
        masks.check(mask, HCGS_16X, balance)


def test_check_tells_the_balances_apart():
    rng = np.random.default_rng(0)
    by_row = masks.draw((128, 256), HCGS_16X, "row", rng)
    with pytest.raises(ValueError, match="block-column [0-7] of the 32x32 blocks"):
        masks.check(by_row, HCGS_16X, "column")


def test_tiers_are_read_in_the_compilers_spelling():
    assert masks.parse_tiers("32x32:25%,4x4:25%") == HCGS_16X
    assert masks.parse_tiers("128x64:37.5%") == (Tier(128, 64, 0.375),)


@pytest.mark.parametrize(
    "text, message",
    [
        ("32:25%", "not of the form"),
        ("32x32:25", "not of the form"),
        ("32x32:0%", "kept fraction"),
        ("32x32:101%", "kept fraction"),
        ("0x4:25%", "empty"),
        ("4x4:25%,32x32:25%", "do not fit"),
    ],
)
def test_bad_tiers_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        masks.parse_tiers(text)


def test_bad_arguments_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown balance"):
        masks.draw((4, 4), HCGS_16X, "diagonal", rng)
    with pytest.raises(ValueError, match="shape"):
        masks.draw((0, 4), HCGS_16X, "row", rng)
    with pytest.raises(ValueError, match="dimensions"):
        masks.select(np.zeros(4), HCGS_16X, "row")
