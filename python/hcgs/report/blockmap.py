# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures of where a matrix keeps its weights.

A map is drawn in cells: the smallest blocks of a pattern, the blocks of a
circulant matrix, squares of a dense one; larger squares where that would be
more cells than can be told apart. A cell is shaded by the mean magnitude of its
weights over that of the heaviest cell. Shades are classes in which neighbours
of a row merge, so that a map takes some kilobytes whatever the matrix; colours
are CSS variables of the page around it, with defaults for a file of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from .facts import GATES, MatrixFacts, group_starts

SHADES = 12
MAX_CELLS, MAX_DENSE_CELLS = 128, 56  # along either side
LONG_SIDE, SHORT_SIDE = 256, 24  # pixels, at most and at least


@dataclass(frozen=True)
class BlockMap:
    """One picture: `title` says what it shows, `svg` is an element."""

    title: str
    svg: str
    cell: str


def block_maps(matrix: MatrixFacts, standalone: bool = False) -> list[BlockMap]:
    """The maps of a matrix: one for gates that share their blocks (magnitudes
    averaged over the gates), one a gate where they do not. `standalone` makes
    files of their own rather than parts of a page."""
    weights, kept = np.abs(matrix.weights), matrix.content.kept
    if not (matrix.desc.separate or matrix.desc.kind == "circulant"):
        return [_draw(matrix, "", weights.mean(axis=0), kept[0], standalone)]
    names = GATES if matrix.desc.gates == 4 else [""] * matrix.desc.gates
    return [
        _draw(
            matrix,
            f"gate {name}" if name else "",
            weights[gate],
            kept[gate],
            standalone,
        )
        for gate, name in enumerate(names)
    ]


def _draw(
    matrix: MatrixFacts,
    gate: str,
    magnitude: np.ndarray,
    kept: np.ndarray,
    standalone: bool,
) -> BlockMap:
    rows, cols = kept.shape
    row_edges, col_edges, cell = _edges(matrix)
    sums = _block_sums(magnitude, row_edges, col_edges)
    counts = _block_sums(kept.astype(np.int64), row_edges, col_edges)
    areas = np.outer(np.diff(row_edges), np.diff(col_edges))
    mean = np.divide(sums, counts, out=np.zeros(sums.shape), where=counts > 0)
    # A cell that is kept in part is lighter by as much.
    shown = mean * counts / areas
    peak = shown.max()
    shade = np.zeros(shown.shape, dtype=np.int64)
    if peak > 0:
        shade = np.ceil(shown / peak * SHADES).astype(np.int64)
    shade = np.where(counts > 0, np.maximum(shade, 1), 0)

    width, height = _size(rows, cols)
    title = f"{matrix.name}{', ' + gate if gate else ''}"
    body = [
        f'<rect class="map-ground" width="{cols}" height="{rows}" '
        'fill="var(--map-ground,#f1f3f6)"/>'
    ]
    for level in range(1, SHADES + 1):
        path = _runs(shade == level, row_edges, col_edges)
        if path:
            opacity = 0.12 + 0.88 * level / SHADES
            body.append(
                f'<path d="{path}" fill="var(--map,#1f5fa8)" fill-opacity="{opacity:.2f}"/>'
            )
    if matrix.desc.kind == "circulant":
        body.append(_vectors(matrix, magnitude, row_edges, col_edges))
    body.append(_grid(matrix, rows, cols))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 {cols} {rows}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none" '
        f'shape-rendering="crispEdges" role="img" aria-label={quoteattr(title)}>'
    )
    inside = f"<title>{escape(title)}</title>" + "".join(body)
    if standalone:  # not every viewer of SVG files knows variables
        inside = re.sub(r"var\(--[a-z-]+,(#[0-9a-f]+)\)", r"\1", inside)
        inside = (
            f"<desc>{escape(matrix.pattern)}; {matrix.shape}; each cell {cell}, "
            "darker where the mean magnitude is larger</desc>" + inside
        )
    return BlockMap(title, head + inside + "</svg>", cell)


def _size(rows: int, cols: int) -> tuple[int, int]:
    """Pixels of the picture: true to scale, but never a thread."""
    scale = LONG_SIDE / max(rows, cols)
    return max(SHORT_SIDE, round(cols * scale)), max(SHORT_SIDE, round(rows * scale))


def _edges(matrix: MatrixFacts) -> tuple[np.ndarray, np.ndarray, str]:
    """Borders of the cells down and across, and what a cell is in words."""
    desc = matrix.desc
    if desc.kind == "circulant":
        down = up = desc.block
        row_starts = np.arange(0, desc.rows, down)
        col_starts = np.arange(0, desc.cols, up)
    elif desc.kind == "hcgs":
        row_starts = group_starts(desc)
        col_starts = _column_starts(matrix)
        down, up = desc.tiers[-1].rows, desc.tiers[-1].cols
    else:
        row_starts, col_starts, down, up = (
            np.arange(desc.rows),
            np.arange(desc.cols),
            1,
            1,
        )
    limit = MAX_CELLS if desc.kind == "hcgs" else MAX_DENSE_CELLS
    step_down = -(-len(row_starts) // limit)
    step_up = -(-len(col_starts) // limit)
    row_edges = np.append(row_starts[::step_down], desc.rows)
    col_edges = np.append(col_starts[::step_up], desc.cols)
    down, up = down * step_down, up * step_up
    words = "one weight" if down == up == 1 else f"{down}x{up} weights"
    return row_edges, col_edges, words


def _column_starts(matrix: MatrixFacts) -> np.ndarray:
    """First columns of the smallest blocks, as `group_starts` for rows."""
    starts = [0]
    for tier in matrix.desc.tiers:
        ends = [*starts[1:], matrix.desc.cols]
        starts = [c for s, e in zip(starts, ends) for c in range(s, e, tier.cols)]
    return np.asarray(starts)


def _block_sums(array: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.add.reduceat(array, rows[:-1], 0), cols[:-1], 1)


def _runs(cells: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> str:
    """A path of one rectangle for each run of set cells in a row."""
    padded = np.zeros((cells.shape[0], cells.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = cells
    change = np.diff(padded, axis=1)
    starts, ends = np.argwhere(change == 1), np.argwhere(change == -1)
    return "".join(
        f"M{cols[s]} {rows[i]}H{cols[e]}V{rows[i + 1]}H{cols[s]}z"
        for (i, s), (_, e) in zip(starts, ends)
    )


def _vectors(
    matrix: MatrixFacts, magnitude: np.ndarray, rows: np.ndarray, cols: np.ndarray
) -> str:
    """The first row of each circulant block, which is all that is stored of it,
    as a strip along the block's top edge."""
    if len(rows) > 33 or len(cols) > 33:
        return ""  # strips under two pixels say nothing
    peak = magnitude.max() or 1.0
    strips = []
    for i in range(len(rows) - 1):
        strip = magnitude[rows[i]] / peak
        height = (rows[i + 1] - rows[i]) * 0.28
        level = np.ceil(strip * SHADES).astype(int)
        for c in range(matrix.desc.cols):
            opacity = 0.12 + 0.88 * level[c] / SHADES
            strips.append(
                f'<rect x="{c}" y="{rows[i]}" width="1" height="{height:.2f}" '
                f'fill="var(--map-vector,#b3541e)" fill-opacity="{opacity:.2f}"/>'
            )
    return "".join(strips)


def _grid(matrix: MatrixFacts, rows: int, cols: int) -> str:
    """Lines between the blocks of the first tier, if there are few."""
    desc = matrix.desc
    if desc.kind == "dense":
        return ""
    down, across = (
        (desc.block, desc.block)
        if desc.kind == "circulant"
        else (desc.tiers[0].rows, desc.tiers[0].cols)
    )
    if rows / down > 40 or cols / across > 40:
        return ""
    lines = "".join(f"M0 {r}H{cols}" for r in range(down, rows, down))
    lines += "".join(f"M{c} 0V{rows}" for c in range(across, cols, across))
    return (
        f'<path d="{lines}" fill="none" stroke="var(--map-line,#9aa4b2)" '
        'stroke-opacity="0.55" vector-effect="non-scaling-stroke" stroke-width="0.75"/>'
    )
