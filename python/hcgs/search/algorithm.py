# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finding the cheapest widths within a budget, whatever is being measured.

An assignment gives each variable (the weights of a layer, its cell states, ...)
a width. Its cost is a sum over the variables; its noise, error energy over
signal energy at the outputs, has to be measured, which takes a compilation and
a run. Three phases keep the number of measurements near linear in the number of
variables times widths:

1. *Sensitivity.* From the widest assignment, one variable at a time is made
   narrower, and the noise that this adds is noted. A variable is left alone
   after two widths in a row that miss the budget by themselves.
2. *Prediction.* If the noises were independent they would add up. Under this
   model the assignments that no other beats in both cost and noise (the front)
   are computed exactly, variable by variable, as in the multiple-choice
   knapsack problem. Along the front the cheapest assignment that *measures*
   within the budget is found by bisection.
3. *Refinement.* Noises do not quite add up, and an accuracy is no noise. So
   from there, cheaper neighbours are measured, the cheapest first: one width
   lowered while none or up to two others are raised; and, for every width of
   every variable, the quietest cheaper assignment of the model that has it. What
   the model, shifted to be right at the present place, says to miss the budget
   by more than `SLACK_DB` is passed over. The first that measures within the
   budget is the next place, until none is left.

The result is the cheapest assignment measured within the budget; of equally
cheap ones that with least noise.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import Error

SLACK_DB = 2.0
FRONT_STEP_DB = 0.05  # assignments of the front closer than this are one
PROBES = 12  # measurements of the bisection

Assignment = tuple[int, ...]


@dataclass(frozen=True)
class Variable:
    """A width that can be chosen.

    name    for people; key  (layer, matrix or "", option) for configurations
    widths  that are allowed, rising
    cost    of each bit of width
    """

    name: str
    key: tuple[str, str, str]
    widths: tuple[int, ...]
    cost: float

    @property
    def is_weight(self) -> bool:
        return self.key[2] == "weight-bits"


@dataclass(frozen=True)
class Measurement:
    """What an assignment turned out to be. noise is None, and error says why,
    if it does not compile; accuracy is None unless the budget is one."""

    widths: Assignment
    noise: float | None
    accuracy: float | None = None
    agreement: float | None = None
    error: str | None = None

    @property
    def sqnr_db(self) -> float | None:
        return None if self.noise is None else to_db(self.noise)


@dataclass(frozen=True)
class Budget:
    """kind is "sqnr", "accuracy" or "agreement"; value is in dB or a fraction."""

    kind: str
    value: float

    def met(self, found: Measurement) -> bool:
        if found.noise is None:
            return False
        return self.of(found) >= self.value

    def of(self, found: Measurement) -> float:
        """The figure of a measurement that the budget is about."""
        if self.kind == "sqnr":
            return to_db(found.noise)
        return getattr(found, self.kind)

    def text(self, value: float | None = None) -> str:
        value = self.value if value is None else value
        if self.kind == "sqnr":
            return f"{value:.2f} dB"
        return f"{self.kind} {100 * value:.2f} %"


class BudgetError(Error):
    """No assignment that was tried is within the budget; `best` came nearest."""

    def __init__(self, message: str, best: Measurement | None):
        super().__init__(message)
        self.best = best


@dataclass
class Trial:
    """A measurement with its place in the search."""

    number: int
    phase: str
    found: Measurement
    cost: float
    met: bool


@dataclass
class Outcome:
    """best is the result; trials are in the order in which they were made."""

    best: Trial
    base: Trial
    trials: list[Trial] = field(default_factory=list)


def to_db(noise: float) -> float:
    return math.inf if noise == 0 else -10 * math.log10(noise)


class Search:
    """One search. `measure` is asked once for each assignment; `progress` is
    called with each trial, and how many of its phase are done and planned (None
    if that is open)."""

    def __init__(
        self,
        variables: Sequence[Variable],
        measure: Callable[[Assignment], Measurement],
        budget: Budget,
        *,
        max_trials: int | None = None,
        progress: Callable[[Trial, int, int | None], None] | None = None,
    ):
        self.variables, self.budget = tuple(variables), budget
        self._measure, self._progress = measure, progress or (lambda *_: None)
        self._max_trials = max_trials or math.inf
        self._done: dict[Assignment, Trial] = {}
        #: noise that variable v adds at each width, over the widest assignment
        self._added: list[dict[int, float]] = []
        self._fronts: list[list[tuple[float, float, Assignment]]] = []

    def run(self) -> Outcome:
        """Search. Raises BudgetError if the budget cannot be met."""
        self._base = base = self._widest()
        self._sensitivity()
        self._bisect()
        best = self._best()
        if best is None:
            self._complain()
        self._refine(best)
        trials = list(self._done.values())
        return Outcome(self._best(), base, trials)

    def cost(self, widths: Assignment) -> float:
        return sum(v.cost * w for v, w in zip(self.variables, widths))

    # -- measuring --------------------------------------------------------------

    def _try(
        self, widths: Assignment, phase: str, done: int, planned: int | None
    ) -> Trial:
        trial = self._done.get(widths)
        if trial is None:
            found = self._measure(widths)
            trial = Trial(
                len(self._done) + 1,
                phase,
                found,
                self.cost(widths),
                self.budget.met(found),
            )
            self._done[widths] = trial
            self._progress(trial, done, planned)
        return trial

    def _full(self) -> bool:
        return len(self._done) >= self._max_trials

    def _best(self) -> Trial | None:
        met = [trial for trial in self._done.values() if trial.met]
        return min(
            met, key=lambda t: (t.cost, t.found.noise, t.found.widths), default=None
        )

    def _widest(self) -> Trial:
        """A widest assignment that compiles: no variable of it can be made wider
        by itself. A target may have no room for all weights at their widest, or
        accumulators that are too short for wide weights times wide values, so
        weights and values are narrowed apart, and together only where neither
        helps; of the two results the one with less noise is the start."""
        first = self._level(range(len(self.variables)), 0)
        if first.found.noise is not None:
            return first
        weights = [i for i, v in enumerate(self.variables) if v.is_weight]
        values = [i for i, v in enumerate(self.variables) if not v.is_weight]
        starts = [self._lower(places) for places in (weights, values) if places]
        starts = [start for start in starts if start is not None]
        if not starts:
            start = self._lower([*weights, *values])
            if start is None:
                raise BudgetError(
                    f"no widths compile; at the widest: {first.found.error}", None
                )
            starts = [start]
        return min(map(self._raise, starts), key=lambda trial: trial.found.noise)

    def _level(self, places: Sequence[int], below: int) -> Trial:
        """The variables at `places` so many widths below their widest, or at their
        narrowest; the others at their widest."""
        widths = tuple(
            v.widths[max(0, len(v.widths) - 1 - (below if place in places else 0))]
            for place, v in enumerate(self.variables)
        )
        return self._try(widths, "widest", len(self._done) + 1, None)

    def _lower(self, places: Sequence[int]) -> Trial | None:
        """The variables at `places` lowered together until it compiles; None if
        it does not even at their narrowest, which is asked first."""
        deepest = max(len(self.variables[place].widths) for place in places) - 1
        last = self._level(places, deepest)
        if last.found.noise is None:
            return None
        for below in range(1, deepest):
            if self._full():
                break
            trial = self._level(places, below)
            if trial.found.noise is not None:
                return trial
        return last

    def _raise(self, trial: Trial) -> Trial:
        """From a trial that compiles, each variable in turn one width wider, the
        cheapest first, for as long as any of them can be."""
        order = sorted(range(len(self.variables)), key=lambda i: self.variables[i].cost)
        while order:
            for place in list(order):
                allowed = self.variables[place].widths
                widths = trial.found.widths
                at = allowed.index(widths[place]) + 1
                if at == len(allowed) or self._full():
                    order.remove(place)
                    continue
                widths = (*widths[:place], allowed[at], *widths[place + 1 :])
                wider = self._try(widths, "widest", len(self._done) + 1, None)
                if wider.found.noise is None:
                    order.remove(place)
                else:
                    trial = wider
        return trial

    # -- phase 1 ----------------------------------------------------------------

    def _sensitivity(self) -> None:
        base = self._base.found
        planned = sum(
            sum(w < top for w in v.widths)
            for v, top in zip(self.variables, base.widths)
        )
        done = 0
        for place, variable in enumerate(self.variables):
            top = base.widths[place]
            added, failures = {top: 0.0}, 0
            for width in sorted((w for w in variable.widths if w < top), reverse=True):
                done += 1
                if failures >= 2 or self._full():
                    continue
                widths = base.widths[:place] + (width,) + base.widths[place + 1 :]
                trial = self._try(widths, "sensitivity", done, planned)
                failures = 0 if trial.met else failures + 1
                if trial.found.noise is not None:
                    added[width] = max(0.0, trial.found.noise - base.noise)
            self._added.append(added)

    def _predict(self, widths: Assignment) -> float:
        """Noise by the additive model; infinite for widths without one."""
        return self._base.found.noise + sum(
            added.get(width, math.inf) for added, width in zip(self._added, widths)
        )

    # -- phase 2 ----------------------------------------------------------------

    def _front(self, fixed: int | None = None) -> list[tuple[float, float, Assignment]]:
        """(cost, predicted noise, widths) of the assignments that no other beats
        in both, by rising cost; without what the variable at place `fixed` would
        add, which then has its widest width."""
        front = [(0.0, self._base.found.noise, ())]
        for place, (variable, added) in enumerate(zip(self.variables, self._added)):
            if place == fixed:
                width = self._base.found.widths[place]
                front = [(c, noise, (*widths, width)) for c, noise, widths in front]
                continue
            grown = [
                (cost + variable.cost * width, noise + more, (*widths, width))
                for cost, noise, widths in front
                for width, more in added.items()
            ]
            grown.sort()
            front = []
            for entry in grown:
                if not front or _step(entry[1]) < _step(front[-1][1]):
                    front.append(entry)
        return front

    def _bisect(self) -> None:
        """Measure along the front until the border of the budget is found."""
        front = self._front()
        fails, meets = -1, len(front) - 1
        if self.budget.kind == "sqnr":
            wanted = 10 ** (-self.budget.value / 10)
            probe = next((i for i, e in enumerate(front) if e[1] <= wanted), meets)
        else:
            probe = len(front) // 2
        for done in range(PROBES):
            if meets - fails <= 1 and probe == meets and done or self._full():
                return
            trial = self._try(front[probe][2], "prediction", done + 1, PROBES)
            if trial.met:
                meets = probe
            else:
                fails = max(fails, probe)
            if fails >= meets:
                return
            if self.budget.kind == "sqnr" and trial.found.noise:
                # Where the budget is if all predictions are off by this factor.
                off = trial.found.noise / max(front[probe][1], 1e-30)
                probe = next(
                    (i for i, e in enumerate(front) if e[1] * off <= wanted), meets
                )
            else:
                probe = (fails + meets) // 2
            probe = min(max(probe, fails + 1), meets)
            if front[probe][2] in self._done:
                probe = (fails + meets) // 2 if meets - fails > 1 else meets
            if front[probe][2] in self._done:
                return

    # -- phase 3 ----------------------------------------------------------------

    def _refine(self, best: Trial) -> None:
        slack = 10 ** (SLACK_DB / 10)
        done = 0
        moved = True
        while moved and not self._full():
            moved = False
            # How far the model is off here; it is trusted for differences only.
            offset = best.found.noise - self._predict(best.found.widths)
            for widths in self._moves(best):
                noise = self._predict(widths) + (
                    offset if math.isfinite(offset) else 0.0
                )
                if self.budget.kind == "sqnr":
                    if noise > slack * 10 ** (-self.budget.value / 10):
                        continue
                elif noise > slack * slack * max(best.found.noise, 1e-12):
                    continue
                if widths in self._done and not self._done[widths].met:
                    continue
                done += 1
                trial = self._try(widths, "refinement", done, None)
                if self._full() and not trial.met:
                    return
                if trial.met:
                    best, moved = trial, True
                    break

    def _moves(self, best: Trial) -> list[Assignment]:
        """Cheaper neighbours, the cheapest first: one width lower by one or two
        places, with none, one or two others higher by one place or one other by
        two."""
        widths = best.found.widths
        count = len(self.variables)
        raises: list[tuple[int, ...]] = [()]
        raises += [(i,) for i in range(count)]
        raises += [(i, j) for i in range(count) for j in range(i, count)]
        found = set()
        for lowered in range(count):
            for down in (1, 2):
                for raised in raises:
                    if lowered in raised:
                        continue
                    move = self._shift(widths, lowered, -down)
                    for place in raised:
                        move = move and self._shift(move, place, 1)
                    if move and self.cost(move) < best.cost:
                        found.add(move)
        found.update(self._quietest(best))
        return sorted(found, key=lambda w: (self.cost(w), w))

    def _quietest(self, best: Trial) -> list[Assignment]:
        """For every width of every variable the assignment with that width that
        is cheaper than `best` and has the least predicted noise."""
        if not self._fronts:
            self._fronts = [self._front(place) for place in range(len(self.variables))]
        quietest = []
        for place, (variable, added) in enumerate(zip(self.variables, self._added)):
            front = self._fronts[place]
            for width in added:
                room = best.cost - variable.cost * width
                # Costs rise and noises fall along a front.
                at = bisect.bisect_left(front, room, key=lambda entry: entry[0]) - 1
                if at >= 0:
                    widths = front[at][2]
                    move = (*widths[:place], width, *widths[place + 1 :])
                    if self.cost(move) < best.cost:
                        quietest.append(move)
        return quietest

    def _shift(self, widths: Assignment, place: int, by: int) -> Assignment | None:
        """`widths` with one of them so many places on; None beyond the ends."""
        allowed = self.variables[place].widths
        at = allowed.index(widths[place]) + by
        if not 0 <= at < len(allowed) or allowed[at] > self._base.found.widths[place]:
            return None
        return (*widths[:place], allowed[at], *widths[place + 1 :])

    def _complain(self) -> None:
        tried = [t for t in self._done.values() if t.found.noise is not None]
        best = max(tried, key=lambda t: (self.budget.of(t.found), -t.cost))
        raise BudgetError(
            f"no widths give {self.budget.text()}; the best of the {len(self._done)} "
            f"tried was {self.budget.text(self.budget.of(best.found))}, at "
            + ", ".join(
                f"{v.name} {w}" for v, w in zip(self.variables, best.found.widths)
            )
            + "; lower the budget, allow wider formats, or compress less",
            best.found,
        )


def _step(noise: float) -> int:
    """Noises that make no difference have the same number; less noise, less."""
    return math.floor(-to_db(noise) / FRONT_STEP_DB) if noise > 0 else -(10**9)
