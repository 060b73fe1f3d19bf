# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An LSTM for PyTorch whose weights stay inside HCGS masks.

The layers are an ordinary `torch.nn.LSTM`, so that the usual exporters see
nothing unusual: the masks live beside it, and `apply_masks` puts the dropped
weights back to exactly 0. Call it after every step of the optimiser; with any
optimiser that treats weights one by one this is the same as training only the
kept ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from . import masks

GATES = 4


class MaskedLSTM(torch.nn.Module):
    """Stacked unidirectional LSTM layers, batch first, zero initial states.

    inputs, hidden, layers: sizes of the stack.
    tiers:   block sizes and kept fractions; none at all means dense.
    balance: "row" or "column".
    dense:   names of matrices left whole: "W1" is the input matrix of layer 1,
             "R2" the recurrent one of layer 2.
    seed:    of the masks. There is one mask for each layer and matrix, shared
             by the four gates.
    dropout: on the outputs of every layer but the last, in training.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        layers: int,
        *,
        tiers: Sequence[masks.Tier] = (),
        balance: str = "row",
        dense: Sequence[str] = (),
        seed: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        known = [f"{kind}{k}" for k in range(1, layers + 1) for kind in "WR"]
        for name in dense:
            if name not in known:
                raise ValueError(
                    f"no matrix '{name}' in {layers} layers; there are {', '.join(known)}"
                )
        self.lstm = torch.nn.LSTM(
            inputs, hidden, layers, batch_first=True, dropout=dropout
        )
        rng = np.random.default_rng(seed)
        self._masked: list[str] = []
        for layer in range(layers):
            for kind in "WR":
                name = f"{kind}{layer + 1}"
                if not tiers or name in dense:
                    continue
                columns = self.weights(name).shape[2]
                mask = masks.draw((hidden, columns), tiers, balance, rng)
                self.register_buffer(f"mask_{name}", torch.from_numpy(mask))
                self._masked.append(name)
        self._widen_kept_weights()
        self.apply_masks()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, time, inputs] to the last layer's h, [batch, time, hidden]."""
        return self.lstm(x)[0]

    @torch.no_grad()
    def apply_masks(self) -> None:
        """Sets every dropped weight to 0."""
        for name in self._masked:
            self.weights(name).masked_fill_(~getattr(self, f"mask_{name}"), 0.0)

    def weights(self, name: str) -> torch.Tensor:
        """Matrix `name` of the four gates, a view [4, hidden, columns]."""
        kind = {"W": "weight_ih", "R": "weight_hh"}[name[0]]
        parameter = getattr(self.lstm, f"{kind}_l{int(name[1:]) - 1}")
        return parameter.view(GATES, self.lstm.hidden_size, -1)

    def mask(self, name: str) -> np.ndarray | None:
        """The mask [hidden, columns] of matrix `name`, None when it is dense."""
        if name not in self._masked:
            return None
        return getattr(self, f"mask_{name}").numpy().copy()

    @torch.no_grad()
    def _widen_kept_weights(self) -> None:
        """PyTorch draws initial weights for dense rows. With fewer inputs left
        to each cell the kept ones start wider by the root of the compression,
        which leaves the sums as large as they were."""
        for name in self._masked:
            self.weights(name).mul_(masks.compression(self.mask(name)) ** 0.5)
