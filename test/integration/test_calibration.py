# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calibration: the ranges that every method takes, computed once more in NumPy
from the values themselves, and data that comes in many files."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs

FEATURES = 4


def make_model(seed=0):
    """x [time, batch, 4] -> y [time, batch, 6], one LSTM named lstm."""
    rng = np.random.default_rng(seed)

    def weight(name, *shape):
        return numpy_helper.from_array(
            rng.normal(0, 0.5, shape).astype(np.float32), name
        )

    sizes = ["time", "batch"]
    graph = helper.make_graph(
        [
            helper.make_node(
                "LSTM", ["x", "W", "R"], ["Y"], name="lstm", hidden_size=6
            ),
            helper.make_node("Squeeze", ["Y", "axis"], ["y"], name="squeeze"),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*sizes, FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*sizes, 6])],
        [
            weight("W", 1, 24, FEATURES),
            weight("R", 1, 24, 6),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def ranges_of(data, **options):
    """`ranges` of the report by the name of the value."""
    report = hcgs.compile(
        make_model(), target="generic", calibrate=data, **options
    ).report
    return {entry["value"]: entry for entry in report["ranges"]}


# ---- methods, from the values --------------------------------------------


def top_of(values):
    """The least t with every magnitude below 2^t."""
    return int(np.floor(np.log2(np.abs(values).max()))) + 1


def cut(values, limit, bits):
    """What is left of the range of `values` in [-2^limit, 2^limit)."""
    step = 2.0 ** (limit - (bits - 1))
    return max(values.min(), -(2.0**limit)), min(values.max(), 2.0**limit - step)


def squared_errors(values, bits):
    """By t: the squared error of values in `bits` bits over [-2^t, 2^t)."""
    magnitudes = np.abs(values.astype(np.float64))
    errors = {}
    for limit in range(top_of(values), top_of(values) - 16, -1):
        step = 2.0 ** (limit - (bits - 1))
        codes = np.minimum(np.floor(magnitudes / step + 0.5), 2 ** (bits - 1) - 1)
        errors[limit] = float(((magnitudes - codes * step) ** 2).sum())
    return errors


def divergence_limit(values, bits):
    """The t of least Kullback-Leibler divergence, level by level."""
    magnitudes = np.abs(values[values != 0].astype(np.float64))
    top, levels = top_of(values), 2 ** (bits - 1)
    bins = min(65536, 16 * levels)
    places = np.floor(magnitudes * 2.0**-top * bins).astype(int)
    counts = np.bincount(places, minlength=bins).astype(np.float64)
    divergences = {}
    for limit, end in ((top - i, bins >> i) for i in range(bins.bit_length())):
        if end < max(levels, 2):
            break
        p = counts[:end].copy()
        p[-1] += counts[end:].sum()
        used = p.reshape(levels, -1) > 0
        held = np.maximum(counts[:end].reshape(levels, -1).sum(axis=1), 0.5)
        q = (used * (held / np.maximum(used.sum(axis=1), 1))[:, None]).reshape(-1)
        p, q = p / p.sum(), q / q.sum()
        divergences[limit] = (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()
    return min(divergences, key=lambda limit: (round(divergences[limit], 12), -limit))


def samples(kind, seed=5):
    rng = np.random.default_rng(seed)
    shape = (50, 20, FEATURES)
    if kind == "normal":
        data = rng.normal(0, 0.7, shape)
    elif kind == "laplace":
        data = rng.laplace(0, 0.2, shape)
    elif kind == "uniform":
        data = rng.uniform(-3, 3, shape)
    elif kind == "one-sided":
        data = rng.exponential(0.3, shape)
    else:  # one value far out
        data = rng.normal(0, 0.4, shape)
        data[3, 4, 1] = 4.2
    return data.astype(np.float32)


KINDS = ["normal", "laplace", "uniform", "one-sided", "far value"]


@pytest.mark.parametrize("bits", [8, 10, 13, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_mse_is_the_least_squared_error(kind, bits):
    values = samples(kind)
    errors = squared_errors(values, bits)
    best = min(errors, key=lambda limit: (errors[limit], -limit))
    second = min(e for limit, e in errors.items() if limit != best)
    assert second > 1.02 * errors[best], "too close for a histogram; take another seed"
    found = ranges_of(values, range_method="mse", input_bits=bits)["x"]
    assert (found["low"], found["high"]) == pytest.approx(cut(values, best, bits))
    assert found["method"] == "mse"


@pytest.mark.parametrize("bits", [8, 10, 13, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_kl_is_the_least_divergence(kind, bits):
    values = samples(kind)
    limit = divergence_limit(values, bits)
    found = ranges_of(values, range_method="kl", input_bits=bits)["x"]
    assert (found["low"], found["high"]) == pytest.approx(cut(values, limit, bits))
    clipped = (np.abs(values) >= 2.0**limit).mean()
    assert found["clipped"] == pytest.approx(clipped, abs=2e-3)


def test_methods_differ_where_values_lie_far_out():
    values = samples("far value")
    taken = {
        method: ranges_of(values, range_method=method, input_bits=8)["x"]["high"]
        for method in ("minmax", "percentile", "mse", "kl")
    }
    assert taken["minmax"] == pytest.approx(values.max())
    assert taken["mse"] < taken["minmax"] and taken["kl"] < taken["minmax"]


def test_percentile_cuts_the_share_it_names():
    values = samples("normal")
    found = ranges_of(values, range_method="percentile", percentile=90)["x"]
    wanted = np.sort(np.abs(values).ravel())[int(np.ceil(0.9 * values.size)) - 1]
    assert wanted <= found["high"] <= wanted + 2.0 ** (top_of(values) - 16)
    assert found["low"] == -found["high"]


def test_values_and_layers_have_methods_of_their_own():
    values = samples("far value")
    config = {
        "values": {"x": {"range-method": "mse", "bits": 8}},
        "layers": {"lstm": {"c": {"range-method": "percentile", "percentile": 50}}},
    }
    found = ranges_of(values, config=config)
    plain = ranges_of(values)
    assert found["x"] == ranges_of(values, range_method="mse", input_bits=8)["x"]
    assert found["lstm.c"]["method"] == "percentile"
    assert found["lstm.c"]["high"] < plain["lstm.c"]["high"]
    assert 0.4 < found["lstm.c"]["clipped"] < 0.6
    assert found["lstm"] == plain["lstm"]


# ---- files ----------------------------------------------------------------


@pytest.fixture
def batches(tmp_path):
    """Five files of different lengths, one as .npy, and all of their rows."""
    rng = np.random.default_rng(2)
    data = [
        rng.normal(0, 1 + i, (4 + i, 2, FEATURES)).astype(np.float32) for i in range(5)
    ]
    for i, batch in enumerate(data[:-1]):
        np.savez(tmp_path / f"b{i}.npz", x=batch)
    np.save(tmp_path / "b4.npy", data[-1])
    (tmp_path / "readme.txt").write_text("no data")
    longest = max(len(batch) for batch in data)
    padded = np.full((longest, 2 * len(data), FEATURES), np.float32(99))
    for i, batch in enumerate(data):
        padded[: len(batch), 2 * i : 2 * i + 2] = batch
    lengths = np.repeat([len(batch) for batch in data], 2)
    return tmp_path, {"x": padded, "lengths": lengths}


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse", "kl"])
def test_files_add_up_to_one_set(batches, method):
    folder, whole = batches
    wanted = ranges_of(whole, range_method=method)
    names = [str(folder / f"b{i}.npz") for i in (3, 0, 2, 1)] + [str(folder / "b4.npy")]
    for files in (str(folder), str(folder / "b*.np?"), ",".join(names)):
        assert ranges_of(files, range_method=method) == wanted


def test_a_large_array_goes_through_in_groups(tmp_path):
    # 3000 rows of 40 steps: more values than one group of sequences holds.
    rng = np.random.default_rng(3)
    data = rng.normal(0, 1, (40, 9000, FEATURES)).astype(np.float32)
    data[7, 8999, 1] = 17.5
    np.save(tmp_path / "x.npy", data)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(data))
    found = ranges_of(tmp_path / "x.npy")
    assert found["x"]["max"] == 17.5 and found["x"]["min"] == data.min()
    assert found == ranges_of(tmp_path / "fortran.npy")
    last = ranges_of(data[:, 8998:])
    assert found["lstm.c"]["max"] >= last["lstm.c"]["max"]


@pytest.mark.parametrize(
    "data, message",
    [
        (
            np.zeros((3, 1, 4)),
            r"input 'x' is 0 everywhere \(12 values\); ranges cannot",
        ),
        (np.full((3, 1, 4), 2.5), r"input 'x' is 2.5\d* everywhere"),
        (np.zeros((0, 1, 4)), r"is empty \(shape \[0, 1, 4\]\)"),
    ],
)
def test_empty_and_constant_data_are_refused(data, message):
    with pytest.raises(hcgs.CompileError, match=message):
        hcgs.compile(make_model(), target="generic", calibrate=data.astype(np.float32))


def test_values_that_are_no_numbers_are_named(batches):
    folder, _ = batches
    bad = np.ones((3, 1, FEATURES), np.float32)
    bad[1, 0, 2] = np.inf
    np.savez(folder / "b1.npz", x=bad)
    with pytest.raises(
        hcgs.CompileError, match=r"b1.npz.*input 'x' holds inf at element 6;"
    ):
        ranges_of(str(folder))


def test_names_without_files(tmp_path):
    for name, message in [
        (tmp_path, "holds no .npy or .npz files"),
        (tmp_path / "*.npz", "no file matches"),
        (tmp_path / "none.npz", "none.npz"),
        (f"{tmp_path}/a.npy,,{tmp_path}/b.npy", "empty name between its commas"),
        (tmp_path / "*" / "a.npy", "only the last part of a pattern"),
    ]:
        with pytest.raises(hcgs.CompileError, match=message):
            ranges_of(name)


def test_options_without_effect_are_refused():
    model = make_model()
    data = samples("normal")
    for options, message in [
        ({"calibrate": data, "percentile": 99}, "needs range-method=percentile"),
        ({"range_method": "kl"}, "'range-method': needs data"),
        (
            {"calibrate": data, "cell_range": 4},
            "'cell-range': is for compilations without",
        ),
        ({"input_range": 1e30}, "allowed is a number above 0 up to 65536"),
        (
            {"weight_quantizer": "hcgs", "rounding": "nearest"},
            "'rounding': is settled by weight-quantizer=hcgs",
        ),
    ]:
        with pytest.raises(hcgs.CompileError, match=message):
            hcgs.compile(model, target="generic", **options)
