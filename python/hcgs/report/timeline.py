# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two time steps of the steady state as a picture: what each unit does in each
cycle, from a trace of the simulator (docs/Guides/Trace.md).

Drawn as SVG by hand, as block maps are: Matplotlib has no slices with tooltips.
Colours are variables of the page, so that it decides between light and dark.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import escape
from xml.sax.saxutils import quoteattr

from ..program import Program

#: Time steps in the picture, and around it in the trace it is made of.
SHOWN, AROUND = 2, 4
#: Slices of a lane are joined where one would be narrower than this.
NARROW = 1.0
#: At most so many arrows: those that waited the longest.
ARROWS = 48
#: Picture units; one is a CSS pixel where the page is wide enough.
WIDTH, LEFT, GAP = 1200, 62, 12
LANES = {"dispatch": 14, "load": 20, "matrix": 40, "vector": 40, "store": 20}
#: The colour of work that belongs to no layer; layers take those before it.
OTHER = 5


@dataclass
class Slice:
    """An instruction in its unit, or several that are too short to be told
    apart: cycles begin .. end-1."""

    lane: str
    name: str
    layer: str
    begin: float
    end: float
    step: int | None = None
    dispatched: float = 0
    pc: int = -1
    args: dict = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True)
class Timeline:
    """svg     the picture
    cycles  how many it shows, from cycle `begin` of a run of `steps` steps on
    first   the first step whose work is shown whole; None if it shows all
    layers  (name, number of the colour), in the order of the program
    """

    svg: str
    begin: int
    cycles: int
    steps: int
    first: int | None
    layers: tuple[tuple[str, int], ...]


def timeline(program: Program, steps: int) -> Timeline:
    """The picture of the middle of a run of `steps` time steps; of runs too
    short for a steady state all of it."""
    first = steps // 2 - 1
    marks = None
    if steps >= SHOWN + 2 * AROUND:
        which = f"{first - AROUND}:{first + SHOWN + AROUND}"
        slices, arrows, trips, _ = _read(program, steps, which)
        marks = _window(slices, trips, first)
    steady = marks is not None
    if not steady:
        slices, arrows, _, cycles = _read(program, steps, "")
        marks = [0, cycles]
    layers = _layers(slices)
    return Timeline(
        _draw(slices, arrows, marks, dict(layers)),
        marks[0],
        marks[-1] - marks[0],
        steps,
        first if steady else None,
        layers,
    )


def _read(program: Program, steps: int, which: str):
    """The trace of some trips: slices, arrows as pairs of slices, of each trip
    the cycles in which it is dispatched, and the cycles of the whole run."""
    content, *_ = program._traced("trace.json", steps, which or None)
    trace = json.loads(content)
    lanes, slices, trips = {}, [], {}
    ends: dict[int, list] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                lanes[event["tid"]] = event["args"]["name"]
            continue
        lane = lanes[event["tid"]]
        if event["ph"] in "sf":
            ends.setdefault(event["id"], []).append((lane, event["ts"]))
            continue
        begin, end = event["ts"], event["ts"] + event["dur"]
        if lane == "time steps":
            trips[int(event["name"].split()[-1])] = (begin, end)
            continue
        args = event.get("args", {})
        slices.append(
            Slice(
                lane,
                event["name"],
                args.get("layer", ""),
                begin,
                end,
                args.get("step"),
                args.get("dispatched", begin),
                args.get("pc", -1),
                args | {"cat": event["cat"]},
            )
        )
    places = {}
    for one in slices:
        for cycle in (one.begin, one.end - 1):
            places[one.lane, cycle] = one
    arrows = []
    for pair in ends.values():
        found = [places.get(end) for end in pair]
        if len(found) == 2 and all(found):
            arrows.append(tuple(found))
    return slices, arrows, trips, trace["otherData"]["cycles"]


def _window(slices, trips, first: int) -> list[int] | None:
    """The cycles of the first product of trip `first` and of the same one in
    the `SHOWN` trips after; of a program without products those in which the
    trips are dispatched. None if the trips are no repetition of each other."""

    def products(trip):
        low, high = trips[trip]
        return sorted(
            (
                one
                for one in slices
                if one.lane == "matrix" and low <= one.dispatched < high
            ),
            key=lambda one: one.begin,
        )

    shown = range(first, first + SHOWN + 1)
    heads = products(first)
    if not heads:
        return [trips[trip][0] for trip in shown]
    same = [
        [one.begin for one in products(trip) if one.pc == heads[0].pc] for trip in shown
    ]
    return [begins[0] for begins in same] if all(same) else None


def _layers(slices) -> tuple[tuple[str, int], ...]:
    """(layer, number of its colour), by its first instruction."""
    by_pc: dict[str, int] = {}
    for one in slices:
        if one.layer:
            by_pc[one.layer] = min(one.pc, by_pc.get(one.layer, one.pc))
    names = sorted(by_pc, key=by_pc.get)
    return tuple((name, number % OTHER) for number, name in enumerate(names))


def _joined(slices: list[Slice], scale: float) -> list[Slice]:
    """Slices of one lane in order; runs of narrow ones with the same layer and
    step, with no visible gap between them, become one."""
    result: list[Slice] = []
    for one in sorted(slices, key=lambda one: one.begin):
        last = result[-1] if result else None
        if (
            last is not None
            and (one.end - one.begin) * scale < NARROW
            and (last.count > 1 or (last.end - last.begin) * scale < NARROW)
            and (one.begin - last.end) * scale < NARROW / 2
            and (one.layer, one.step) == (last.layer, last.step)
            and one.args.get("cat") == last.args.get("cat")
        ):
            last.end, last.count = one.end, last.count + 1
            last.name = f"{last.count} instructions"
            continue
        result.append(Slice(**vars(one)))
    return result


def _label(name: str, width: float) -> str:
    """As much of a slice's name as `width` has room for, or nothing."""
    short = name.split(": ", 1)[-1]
    shorter = re.sub(r"(gates? |rows |columns |of the cell )", "", short)
    for text in (name, short, shorter, shorter.rsplit(" ", 1)[0]):
        if len(text) * 5.6 + 6 <= width:
            return text
    return ""


def _tip(one: Slice) -> str:
    """What a pointer over a slice shows."""
    lines = [one.name]
    if one.step is not None:
        lines.append(f"time step {one.step}")
    lines.append(f"cycles {one.begin}..{one.end - 1}, {one.end - one.begin} in all")
    if one.count == 1 and "taken" in one.args:
        args = one.args
        lines.append(f"dispatched {args['dispatched']}, finished {args['finished']}")
        if "cause" in args:
            lines.append(f"the unit idled {args['idle']} before: {args['cause']}")
        if "blocker" in args:
            lines.append(f"waited {args['waited']} for {args['blocker']}")
        lines.append(args["asm"])
    return escape("\n".join(lines))


def _draw(slices, arrows, marks: list[int], colours: dict[str, int]) -> str:
    begin, end = marks[0], marks[-1]
    scale = (WIDTH - LEFT) / max(1, end - begin)

    def x(cycle: float) -> float:
        return LEFT + (min(max(cycle, begin), end) - begin) * scale

    tops, y = {}, 2
    for lane, height in LANES.items():
        tops[lane] = y
        y += height + GAP
    bottom = y
    body = []
    for lane, height in LANES.items():
        top = tops[lane]
        body.append(
            f'<text x="{LEFT - 8}" y="{top + height / 2 + 3.5:g}" text-anchor="end" '
            f'fill="var(--muted)">{lane}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT}" height="{height}" '
            'fill="var(--soft)"/>'
        )
        shown = [
            one
            for one in slices
            if one.lane == lane and one.end > begin and one.begin < end
        ]
        for one in _joined(shown, scale):
            body.append(_slice(one, x, top, height, colours))
            body.append(_idle(one, x, top, height))
    body.append(_axis(x, begin, end, bottom, scale))
    for mark in marks[1:-1]:
        body.append(
            f'<path d="M{x(mark):.1f} 0V{bottom - 2}" stroke="var(--ink)" '
            'stroke-dasharray="4 3" stroke-width="1" pointer-events="none"/>'
        )
    visible = [
        (source, sink)
        for source, sink in arrows
        if source.lane != sink.lane
        and begin <= source.end - 1
        and sink.begin < end
        and sink.lane in LANES
        and source.lane in LANES
    ]
    visible.sort(key=lambda pair: (-pair[1].args.get("waited", 0), pair[1].begin))
    for source, sink in visible[:ARROWS]:
        body.append(_arrow(source, sink, x, tops))
    title = f"what each unit does in {end - begin} cycles"
    return (
        f'<svg class="plot timeline" viewBox="0 0 {WIDTH} {bottom + 24}" '
        f'role="img" aria-label={quoteattr(title)} font-size="10.5">'
        '<defs><marker id="timeline-head" viewBox="0 0 6 6" refX="5" refY="3" '
        'markerWidth="5" markerHeight="5" orient="auto">'
        '<path d="M0 0L6 3L0 6z" fill="var(--ink)"/></marker></defs>'
        + "".join(body)
        + "</svg>"
    )


def _slice(one: Slice, x, top: float, height: float, colours) -> str:
    left, right = x(one.begin), x(one.end)
    width = max(0.4, right - left)
    tip = f"<title>{_tip(one)}</title>"
    if one.lane == "dispatch":
        waits = one.args.get("cat") == "wait"
        look = 'fill="none"' if waits else 'fill="var(--muted)"'
        return (
            f'<g>{tip}<rect x="{left:.2f}" y="{top}" width="{width:.2f}" '
            f'height="{height}" {look} pointer-events="all"/></g>'
        )
    colour = f"var(--c{colours.get(one.layer, OTHER)})"
    odd = one.step is not None and one.step % 2 == 1
    edge = min(1.0, width / 4)
    rect = (
        f'<rect x="{left + edge / 2:.2f}" y="{top + 0.5}" '
        f'width="{width - edge:.2f}" height="{height - 1}" fill="{colour}" '
        f'fill-opacity="{0.3 if odd else 1}" stroke="{colour}" '
        f'stroke-width="{edge:.2f}"/>'
    )
    text = _label(one.name, width) if one.count == 1 else ""
    if text:
        ink = "var(--ink)" if odd else "var(--panel)"
        text = (
            f'<text x="{(left + right) / 2:.2f}" y="{top + height / 2 + 3.5:g}" '
            f'text-anchor="middle" fill="{ink}" pointer-events="none">'
            f"{escape(text)}</text>"
        )
    return f"<g>{tip}{rect}{text}</g>"


def _idle(one: Slice, x, top: float, height: float) -> str:
    """Why the unit did nothing before a slice, where there is room to say."""
    idle = one.args.get("idle", 0)
    left, right = x(one.begin - idle), x(one.begin)
    cause = one.args.get("cause", "")
    if len(cause) * 5.6 + 6 > right - left:
        return ""
    return (
        f'<text x="{(left + right) / 2:.2f}" y="{top + height / 2 + 3.5:g}" '
        f'text-anchor="middle" fill="var(--muted)">{escape(cause)}</text>'
    )


def _arrow(source: Slice, sink: Slice, x, tops) -> str:
    """From the end of what finished to the beginning of what waited for it."""
    down = tops[sink.lane] > tops[source.lane]
    y1 = tops[source.lane] + (LANES[source.lane] if down else 0)
    y2 = tops[sink.lane] + (0 if down else LANES[sink.lane])
    x1, x2 = x(source.end), x(sink.begin)
    bend = GAP * (1 if down else -1)
    return (
        f'<path d="M{x1:.1f} {y1}C{x1:.1f} {y1 + bend} {x2:.1f} {y2 - bend} '
        f'{x2:.1f} {y2}" fill="none" stroke="var(--ink)" stroke-width="1" '
        'stroke-opacity="0.75" marker-end="url(#timeline-head)" '
        'pointer-events="none"/>'
    )


def _axis(x, begin: float, end: float, bottom: float, scale: float) -> str:
    """Cycles from the beginning of the picture."""
    wanted = 80 / scale
    power = 1
    while power * 10 <= wanted:
        power *= 10
    pitch = next(power * m for m in (1, 2, 5, 10) if power * m >= wanted)
    parts = []
    at = 0
    while at <= end - begin:
        place = x(begin + at)
        anchor = "start" if at == 0 else "end" if WIDTH - place < 20 else "middle"
        parts.append(
            f'<path d="M{place:.1f} {bottom - GAP + 2}v4" stroke="var(--rule)"/>'
            f'<text x="{place:.1f}" y="{bottom + 14}" text-anchor="{anchor}" '
            f'fill="var(--muted)">{at:,}</text>'
        )
        at += pitch
    return "".join(parts)
