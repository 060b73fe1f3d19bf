# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The masked LSTM for PyTorch. Needs torch, which only training needs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is installed for training only")

from hcgs.train import masks  # noqa: E402
from hcgs.train.lstm import MaskedLSTM  # noqa: E402

SIZES = {"inputs": 40, "hidden": 64, "layers": 2}


NAMES = ("W1", "R1", "W2", "R2")


def _kept(model, name):
    return model.weights(name).detach().numpy() != 0


@pytest.mark.parametrize("balance", masks.BALANCES)
def test_training_steps_stay_inside_the_masks(balance):
    torch.manual_seed(0)
    model = MaskedLSTM(
        **SIZES, tiers=masks.HCGS_16X, balance=balance, dense=("W1",), seed=3
    )
    before = {name: model.weights(name).detach().clone() for name in NAMES}
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(3):
        model(torch.randn(2, 5, 40)).square().mean().backward()
        optimiser.step()
        model.apply_masks()
    for name in NAMES:
        assert not torch.equal(model.weights(name), before[name])
        mask = model.mask(name)
        if name == "W1":
            assert mask is None and _kept(model, name).all()
            continue
        masks.check(mask, masks.HCGS_16X, balance)
        assert (_kept(model, name) == mask).all()


def test_masks_follow_the_seed_and_differ_between_matrices():
    def drawn(seed):
        model = MaskedLSTM(**SIZES, tiers=masks.HCGS_16X, seed=seed)
        return [model.mask(name).tobytes() for name in ("R1", "W2", "R2")]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 3


def test_without_tiers_the_weights_are_those_of_torch():
    torch.manual_seed(5)
    ours = MaskedLSTM(**SIZES)
    torch.manual_seed(5)
    theirs = torch.nn.LSTM(40, 64, 2, batch_first=True)
    for a, b in zip(ours.lstm.parameters(), theirs.parameters()):
        assert torch.equal(a, b)


def test_kept_weights_start_wider_by_the_root_of_the_compression():
    model = MaskedLSTM(**SIZES, tiers=masks.HCGS_16X)
    weights = model.lstm.weight_hh_l0.detach().numpy()
    factor = masks.compression(model.mask("R1")) ** 0.5
    assert 0.95 < np.abs(weights).max() / (factor / 64**0.5) <= 1


def test_an_unknown_matrix_is_refused():
    with pytest.raises(ValueError, match="no matrix 'W3'"):
        MaskedLSTM(**SIZES, dense=("W3",))
