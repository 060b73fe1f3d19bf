# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fits the energies of hcgs-65nm to the two published points of the two-layer
network, and asks the result for the three-layer one.

    benchmarks/energy/run.py [--json FILE] [--write]

Two points, two free constants: a scale that multiplies all dynamic energies,
and the supply voltage of the efficient point. Everything else is assumed: the
ratios between the events, the share of clock and leakage, how leakage falls
with voltage. Assumptions are varied, alone and together, and the fit is made
again for each, which gives the interval of the prediction. docs/Rationale/
Energy.md tells the story; --write puts the numbers into targets/hcgs-65nm.json.

Events are counted by the simulator on programs of the compiler: the difference
of two lengths, so the steady state of `run`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

TARGET = "hcgs-65nm"
FILE = bench.ROOT / "targets" / f"{TARGET}.json"
HIDDEN, INPUTS = 512, 440
SHORT, LONG = 20, 100
PICO = 1e-12

#: Whose figures the following are; 2.45 and what goes with it (65 mW, 80 MHz, 0.16 and
#: 0.02 TOPS) are taken from third-party tables.
PUBLICATION = "Kadetotad et al., SSC-L 2019 and JSSC 2020"
SECOND_HAND = "as third-party tables give it"
#: Published, operations counted on the dense network (two a product).
FAST_TOPS_PER_WATT = 2.45  # two layers; 65 mW at 80 MHz
EFFICIENT_TOPS_PER_WATT = 8.93  # two layers
THREE_LAYERS_TOPS_PER_WATT = 7.22  # only compared with
FAST_HZ = 80e6

#: Sizes of the memories in bytes, for the energy of a bit. The names are those
#: of the events.
MEMORY_EVENTS = ("wmem_read_bit", "wmem_write_bit", "imem_read_bit", "vmem_read_bit",
                 "vmem_write_bit", "amem_read_bit", "amem_write_bit", "bmem_read_bit",
                 "lut_read_bit", "pmem_read_bit")


@dataclass(frozen=True)
class Assumptions:
    """What the two points cannot tell. Energies of operations are those of a
    table that is widely quoted (Horowitz, ISSCC 2014: 45 nm, 0.9 V; from memory,
    rounded): 0.2 pJ for an 8-bit product, 0.1 pJ for a 32-bit sum, 10 pJ for 64
    bits out of 8 KiB, growing about with the square root of the size. Only their
    ratios matter here."""

    product: float = 0.2 / 64  # pJ a bit of one factor and a bit of the other
    addition: float = 0.1  # pJ
    memory: float = 10 / 64  # pJ a bit of a memory of 8 KiB
    memory_exponent: float = 0.5  # the energy of a bit goes with this power of the size
    queue: float = 7.0  # pJ an instruction through dispatch and a queue of 256 bytes
    clock_share: float = 0.1  # of the dynamic energy of two layers
    leakage_share: float = 0.01  # of the power at the fast point
    leakage_exponent: float = 3.0  # leakage goes with this power of the voltage
    efficient_hz: float = 0.02e12 / (64 * 2 * 16)  # 9.77 MHz


#: The range each assumption is varied in.
RANGES = {
    "product": (0.1 / 64, 0.4 / 64),
    "addition": (0.05, 0.2),
    "memory": (5 / 64, 20 / 64),
    "memory_exponent": (0.25, 0.6),
    "queue": (2.0, 30.0),
    "clock_share": (0.02, 0.4),
    "leakage_share": (0.001, 0.05),
    "leakage_exponent": (1.5, 6.0),
    "efficient_hz": (0.015e12 / 2048, 0.025e12 / 2048),
}


@dataclass(frozen=True)
class Frame:
    """A frame in the steady state: events, cycles, products of the dense network."""

    events: dict[str, float]
    dense: float

    @property
    def cycles(self) -> float:
        return self.events["cycle"]


def count(layers: int, temp: Path) -> Frame:
    """Compiles the published network and counts a frame of it."""
    model = bench.make_model(
        temp / f"{layers}.onnx", "--layers", layers, "--hidden", HIDDEN, "--inputs", INPUTS,
        "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1)
    program = temp / f"{layers}.hcgs"
    done = bench.run("hcgs-compile", model, f"--target={TARGET}", "--weight-bits=6", "-o", program)
    if done.status:
        sys.exit(done.stderr)
    found = []
    for steps in (SHORT, LONG):
        data, stats = temp / "x.npy", temp / "stats.json"
        x = np.random.default_rng(0).uniform(-1, 1, (steps, 1, INPUTS))
        np.save(data, x.astype(np.float32))
        done = bench.run("hcgs-sim", program, "--input", data, "--stats", stats)
        if done.status:
            sys.exit(done.stderr)
        found.append(json.loads(stats.read_text())["events"])
    short, long = found
    events = {name: (long[name] - short[name]) / (LONG - SHORT) for name in long}
    dense = 4 * HIDDEN * (INPUTS + HIDDEN + (layers - 1) * 2 * HIDDEN)
    return Frame(events, dense)


def memory_bytes() -> dict[str, int]:
    """Bytes of each memory of the target."""
    memories = json.loads(FILE.read_text())["memories"]

    def size(name: str, field: str, width: int) -> int:
        return memories[name][field]["value"] * width

    return {
        "wmem": size("wmem", "bytes", 1), "imem": size("imem", "bytes", 1),
        "vmem": size("vmem", "elements", 2), "amem": size("amem", "elements", 4),
        "bmem": size("bmem", "elements", 4), "pmem": size("pmem", "instructions", 16),
        "lut": size("lut", "tables", 4) * memories["lut"]["segments"]["value"],
    }


def relative_energies(assumed: Assumptions, two: Frame) -> dict[str, tuple[float, str]]:
    """pJ an event before scaling, and in words where it comes from."""
    sizes = memory_bytes()

    def bit(memory: str) -> float:
        return assumed.memory * (sizes[memory] / 8192) ** assumed.memory_exponent

    product = 256 * assumed.product
    energies = {
        "multiply_bit2": (assumed.product, "an 8-bit product by 64"),
        "accumulate": (assumed.addition, "a 32-bit sum"),
        "vector_element": (product + assumed.addition, "a 16-bit product and a 32-bit sum"),
        "pwl_element": (product + 2 * assumed.addition, "a 16-bit product and two 32-bit sums"),
        "load_byte": (8 * bit("vmem"), "as 8 bits of vmem"),
        "store_byte": (8 * bit("vmem"), "as 8 bits of vmem"),
        "dispatch": (assumed.queue, "128 bits into and out of a queue of 256 bytes"),
    }
    for event in MEMORY_EVENTS:
        memory = event.split("_")[0]
        energies[event] = (bit(memory),
                           f"a bit of 8 KiB, by the root of {sizes[memory]:,} / 8192 bytes")
    rest = sum(two.events[event] * pj for event, (pj, _) in energies.items())
    share = assumed.clock_share
    energies["cycle"] = (rest * share / (1 - share) / two.cycles,
                         f"{100 * share:g} % of the dynamic energy of two layers")
    return energies


@dataclass(frozen=True)
class Fit:
    """The free constants, and what follows from them."""

    scale: float  # of all dynamic energies
    ratio: float  # voltage of the efficient point over the nominal one
    joules: dict[str, float]  # by event, at the nominal voltage
    leakage_watts: float
    assumed: Assumptions

    def frame_joules(self, frame: Frame, efficient: bool) -> tuple[float, float]:
        """Dynamic and leakage energy of a frame."""
        ratio = self.ratio if efficient else 1.0
        hz = self.assumed.efficient_hz if efficient else FAST_HZ
        dynamic = sum(frame.events[event] * joules for event, joules in self.joules.items())
        leakage = self.leakage_watts * ratio**self.assumed.leakage_exponent * frame.cycles / hz
        return dynamic * ratio**2, leakage

    def tops_per_watt(self, frame: Frame, efficient: bool) -> float:
        return 2e-12 * frame.dense / sum(self.frame_joules(frame, efficient))


def fit(two: Frame, assumed: Assumptions) -> Fit:
    """Two equations, two unknowns. The first is linear in the scale, the second
    rises with the voltage."""
    relative = {event: pj * PICO for event, (pj, _) in relative_energies(assumed, two).items()}
    dynamic = sum(two.events[event] * joules for event, joules in relative.items())
    fast = 2e-12 * two.dense / FAST_TOPS_PER_WATT
    scale = (1 - assumed.leakage_share) * fast / dynamic
    joules = {event: scale * value for event, value in relative.items()}
    leakage_watts = assumed.leakage_share * fast / (two.cycles / FAST_HZ)
    wanted = 2e-12 * two.dense / EFFICIENT_TOPS_PER_WATT
    low, high = 0.0, 1.0
    for _ in range(60):
        ratio = (low + high) / 2
        trial = Fit(scale, ratio, joules, leakage_watts, assumed)
        low, high = (ratio, high) if sum(trial.frame_joules(two, True)) < wanted else (low, ratio)
    return trial


def interval(two: Frame, three: Frame, draws: int = 2000) -> dict:
    """The prediction with each assumption at the ends of its range, and with
    all drawn at random (uniform in the logarithm)."""

    def predict(assumed: Assumptions) -> float:
        return fit(two, assumed).tops_per_watt(three, True)

    alone = {
        name: [predict(replace(Assumptions(), **{name: end})) for end in ends]
        for name, ends in RANGES.items()
    }
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(draws):
        values = {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in RANGES.items()}
        drawn.append(predict(Assumptions(**values)))
    return {"alone": alone, "low": min(drawn), "high": max(drawn),
            "percentiles": [float(np.percentile(drawn, p)) for p in (5, 50, 95)]}


def explain(two: Frame, three: Frame, made: Fit) -> dict:
    """The published rise of energy an operation, the model's, and what each of
    several causes would have to be to give the rest."""

    def per_operation(frame: Frame) -> float:
        return sum(made.frame_joules(frame, True)) / (2 * frame.dense)

    published = EFFICIENT_TOPS_PER_WATT / THREE_LAYERS_TOPS_PER_WATT
    model = per_operation(three) / per_operation(two)
    rest = published / model
    weights = three.events["wmem_read_bit"] / two.events["wmem_read_bit"]
    dynamic, leakage = made.frame_joules(three, True)
    needed = (rest - 1) / (weights - 1)

    def leakage_at_fast_point(exponent: float) -> float:
        """The share of the fast point's power that is leakage, for it to be
        `needed` of two layers' energy at the efficient point."""
        low, high = 0.0, 0.9
        for _ in range(40):
            share = (low + high) / 2
            trial = fit(two, replace(made.assumed, leakage_share=share, leakage_exponent=exponent))
            parts = trial.frame_joules(two, True)
            low, high = (share, high) if parts[1] / sum(parts) < needed else (low, share)
        return share

    return {
        "published_rise": published - 1,
        "model_rise": model - 1,
        # Dynamic energy with V^2, leakage left as it is.
        "voltage_rise": float(np.sqrt((rest * (dynamic + leakage) - leakage) / dynamic) - 1),
        # Leakage of unused weight memory switched off: it grows with the weights.
        "leakage_share_needed": needed,
        "leakage_at_fast_point": {e: leakage_at_fast_point(e) for e in (1.5, 3.0)},
        "leakage_share_modelled": leakage / (dynamic + leakage),
        # The share of the energy that would have to be idle time.
        "idle_share_needed": 1 - 1 / rest,
    }


def write_target(made: Fit, two: Frame) -> None:
    """Puts energies, leakage and the efficient point into the target's file."""
    target = json.loads(FILE.read_text())
    nominal = target["nominal_volts"]["value"]

    def number(value: float, origin: str, source: str, digits: int = 5) -> dict:
        return {"value": float(f"{value:.{digits}g}"), "origin": origin, "source": source}

    assumed = made.assumed
    target["operating_points"] = [
        target["operating_points"][0],
        {
            "name": "efficient",
            "hz": {"value": round(assumed.efficient_hz), "origin": "fitted",
                   "source": f"0.02 TOPS ({PUBLICATION}, {SECOND_HAND}) / (64 * 2 operations * 16x "
                             "compression)"},
            "volts": number(nominal * made.ratio, "fitted",
                            f"8.93 TOPS/W on two layers ({PUBLICATION}), with the energies below; "
                            "measured voltages are not at hand (docs/Rationale/Energy.md)"),
        },
    ]
    target["energies"] = {
        event: number(made.joules[event], "fitted",
                      f"{pj:.3g} pJ assumed ({words}) * {made.scale:.4g}: 2.45 TOPS/W on two layers "
                      f"({PUBLICATION}, {SECOND_HAND})")
        for event, (pj, words) in relative_energies(assumed, two).items()
    }
    target["leakage"] = {
        "watts": number(made.leakage_watts, "assumed",
                        f"{100 * assumed.leakage_share:g} % of the power at the fast point, usual for "
                        "low-power processes"),
        "exponent": number(assumed.leakage_exponent, "assumed",
                           "current about with the square of the voltage, times the voltage"),
    }
    target["name"] = "fitted"  # the tools know another target by its own name
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(target, file)
        file.flush()
        text = subprocess.run(["hcgs-as", f"--print-target={file.name}"], check=True,
                              capture_output=True, text=True).stdout
    FILE.write_text(text.replace('"name": "fitted"', f'"name": "{TARGET}"', 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--write", action="store_true", help=f"renew {FILE.relative_to(bench.ROOT)}")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        two, three = (count(layers, Path(folder)) for layers in (2, 3))
    made = fit(two, Assumptions())
    spread = interval(two, three)
    causes = explain(two, three, made)
    prediction = made.tops_per_watt(three, True)
    rows = [
        ("free constants : points", "2 : 2"),
        ("scale of the assumed energies", f"{made.scale:.4f}"),
        ("voltage of the efficient point", f"{made.ratio:.4f} of the nominal one"),
        ("two layers, fast, power",
         f"{1e3 * sum(made.frame_joules(two, False)) * FAST_HZ / two.cycles:.1f} mW, published 65"),
        ("two layers, fast", f"{made.tops_per_watt(two, False):.3f} TOPS/W, published 2.45 (fitted)"),
        ("two layers, efficient", f"{made.tops_per_watt(two, True):.3f} TOPS/W, published 8.93 (fitted)"),
        ("three layers, efficient", f"{prediction:.3f} TOPS/W, published 7.22 (predicted)"),
        ("  all assumptions drawn, 5..95 %",
         f"{spread['percentiles'][0]:.3f} .. {spread['percentiles'][2]:.3f}"),
        ("  all assumptions drawn, extremes", f"{spread['low']:.3f} .. {spread['high']:.3f}"),
        *((f"  {name} alone", " .. ".join(f"{v:.3f}" for v in sorted(ends)))
          for name, ends in spread["alone"].items()),
        ("rise of energy an operation, 2 to 3 layers",
         f"published {100 * causes['published_rise']:+.1f} %, model {100 * causes['model_rise']:+.1f} %"),
        ("the rest as a higher voltage", f"{100 * causes['voltage_rise']:+.1f} %"),
        ("the rest as leakage of the used weight memory",
         f"leakage {100 * causes['leakage_share_needed']:.0f} % of two layers' energy, "
         f"{100 * causes['leakage_share_modelled']:.1f} % modelled"),
        *((f"  falling with V^{exponent:g}", f"{100 * share:.0f} % of the power at the fast point")
          for exponent, share in causes["leakage_at_fast_point"].items()),
        ("the rest as idle energy", f"{100 * causes['idle_share_needed']:.0f} % of the energy"),
    ]
    bench.table(f"Energy of {TARGET}, fitted to two points", rows)
    total = sum(made.frame_joules(two, False))
    parts = sorted(((two.events[event] * joules / total, event)
                    for event, joules in made.joules.items()), reverse=True)
    bench.table("Where a frame's energy goes, two layers, fast",
                [(event, f"{100 * share:5.1f} %") for share, event in parts if share > 5e-4])
    bench.write_json(args.json, {
        "scale": made.scale, "voltage_ratio": made.ratio, "leakage_watts": made.leakage_watts,
        "prediction": prediction, "interval": spread, "causes": causes,
        "frames": {"2": two.events, "3": three.events},
        "shares": {event: share for share, event in parts},
    })
    if args.write:
        write_target(made, two)
    return 0


if __name__ == "__main__":
    sys.exit(main())
