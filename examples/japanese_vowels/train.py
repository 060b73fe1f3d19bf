# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the speaker recogniser of this folder and exports it to ONNX.

    python examples/japanese_vowels/train.py

writes japanese_vowels_16x.onnx, japanese_vowels_dense.onnx and calibration.npz
(see README.md) and prints what ONNX Runtime makes of them on the test split.
Needs torch, onnx, onnxruntime and the data set (see data.py); half a minute.

The network: 2 LSTM layers of 128 cells, a linear layer on every frame; the
score of an utterance is the mean over its frames. In the 16x model every matrix
of the LSTM but the first layer's W keeps a quarter of its 32x32 blocks and a
quarter of the 4x4 blocks in those, balanced by rows.

Inputs are used as they are: within +-2.3, they need no scaling. Noise on the
inputs and label smoothing keep the small training set from being learnt by
heart; the latter also keeps the scores small, which quantises well.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
import warnings
from pathlib import Path

import data
import numpy as np
import onnxruntime
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))
from hcgs.train import masks  # noqa: E402
from hcgs.train.lstm import MaskedLSTM  # noqa: E402

HIDDEN, LAYERS = 128, 2
KINDS = {"16x": masks.HCGS_16X, "dense": ()}
EPOCHS, BATCH = 60, 30
LEARNING_RATE, WEIGHT_DECAY, GRADIENT_NORM = 3e-3, 1e-4, 1.0
NOISE, DROPOUT, SMOOTHING = 0.2, 0.2, 0.1
CALIBRATION_UTTERANCES = 32
OPSET = 17


class Recogniser(torch.nn.Module):
    """[batch, time, 12] to the scores of every frame, [batch, time, 9]."""

    def __init__(self, kind: str, seed: int) -> None:
        super().__init__()
        tiers = KINDS[kind]
        self.layers = MaskedLSTM(
            data.CHANNELS,
            HIDDEN,
            LAYERS,
            tiers=tiers,
            balance="row",
            dense=("W1",),
            seed=seed,
            dropout=DROPOUT,
        )
        self.head = torch.nn.Linear(HIDDEN, data.CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x))


def utterance_scores(frames: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Means over the frames of each utterance: [batch, time, 9] to [batch, 9]."""
    inside = torch.arange(frames.shape[1])[None, :] < lengths[:, None]
    return (frames * inside[..., None]).sum(1) / lengths[:, None]


def train(kind: str, seed: int) -> Recogniser:
    """A trained network; equal seeds give equal weights on equal machines."""
    torch.manual_seed(seed)
    utterances, labels = data.load("train")
    x, lengths = (torch.from_numpy(a) for a in data.pad(utterances))
    y = torch.from_numpy(labels)
    model = Recogniser(kind, seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    batches = -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=EPOCHS * batches
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(y)).split(BATCH):
            noisy = x[chosen] + NOISE * torch.randn(x[chosen].shape)
            loss = loss_of(utterance_scores(model(noisy), lengths[chosen]), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
            optimiser.step()
            schedule.step()
            model.layers.apply_masks()
    return model.eval()


def export(model: Recogniser) -> bytes:
    """The ONNX file: input x [batch, time, 12], output frame_scores
    [batch, time, 9], both leading axes dynamic."""
    axes = {0: "batch", 1: "time"}
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It advises against dynamo=False.
        torch.onnx.export(
            model,
            (torch.zeros(2, 10, data.CHANNELS),),
            written,
            dynamo=False,
            opset_version=OPSET,
            input_names=["x"],
            output_names=["frame_scores"],
            dynamic_axes={"x": axes, "frame_scores": axes},
        )
    return written.getvalue()


def accuracy(model: bytes, split: str) -> float:
    """Fraction of a split's utterances that the ONNX file recognises in ONNX
    Runtime."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    utterances, labels = data.load(split)
    right = 0
    for utterance, label in zip(utterances, labels):
        (frames,) = session.run(None, {"x": utterance[None]})
        right += int(frames[0].mean(axis=0).argmax() == label)
    return right / len(labels)


def write(path: Path, contents: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(contents)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise data.DataError(f"cannot write {path}: {error.strerror}") from None


def check_kept_weights(model: Recogniser) -> None:
    """A kept weight of exactly 0 would hide the pattern from whoever reads it
    out of the zeros."""
    for name in ("W1", "R1", "W2", "R2"):
        mask = model.layers.mask(name)
        if mask is None:
            continue
        kept = model.layers.weights(name).detach().numpy()[:, mask]
        if not kept.all():
            raise data.DataError(f"a kept weight of {name} is 0; try another --seed")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Train and export the JapaneseVowels models."
    )
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument(
        "--output",
        type=Path,
        default=HERE,
        metavar="FOLDER",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--survey",
        type=int,
        metavar="N",
        help="train with seeds 0 to N-1 and print accuracies; write nothing",
    )
    options = parser.parse_args()
    # The order of additions, and so the weights, depend on the threads.
    torch.set_num_threads(1)
    try:
        if options.survey:
            survey(options.survey)
        else:
            train_and_export(options.seed, options.output)
    except data.DataError as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        return 1
    return 0


def train_and_export(seed: int, folder: Path) -> None:
    for kind in KINDS:
        start = time.perf_counter()
        model = train(kind, seed)
        seconds = time.perf_counter() - start
        check_kept_weights(model)
        file = export(model)
        path = folder / f"japanese_vowels_{kind}.onnx"
        write(path, file)
        print(
            f"{path.name:28} {len(file):7,} bytes, test accuracy "
            f"{100 * accuracy(file, 'test'):.1f} %, trained in {seconds:.0f} s",
            flush=True,
        )
    utterances, labels = data.load("train")
    chosen, speakers = data.spread(utterances, labels, CALIBRATION_UTTERANCES)
    x, lengths = data.pad(chosen)
    data.save(folder / "calibration.npz", x=x, lengths=lengths, labels=speakers)


def survey(seeds: int) -> None:
    for kind in KINDS:
        found = []
        for seed in range(seeds):
            found.append(100 * accuracy(export(train(kind, seed)), "test"))
        each = " ".join(f"{a:.1f}" for a in found)
        print(f"{kind:6} mean {np.mean(found):.2f} %, seeds 0 to {seeds - 1}: {each}")


if __name__ == "__main__":
    sys.exit(main())
