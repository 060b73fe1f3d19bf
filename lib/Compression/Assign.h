// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The choice of blocks with a given number in every block-row and every
// block-column and the largest sum of scores: a transportation problem with
// cells of capacity 1.
//
// Rows supply `perRow` units each, columns take up to `perCol`, and a unit from
// row i to column j earns score(i, j). Units are sent one by one, each along a
// shortest path of the residual network from its row to a column that has room
// (a path may move units of other rows: from a column back to a row that keeps
// a block there, and on to another column).
//
// Why the result is exact. With costs c = -score, potentials p keep the reduced
// cost c(i,j) + p(i) - p(j) at 0 or more for cells not kept and at 0 or less
// for kept ones, so the residual network has no cycle of negative cost: the
// units sent so far are sent as cheaply as any way to send them. A shortest
// path and the usual update of the potentials (each node's distance, but not
// more than that of the path's end) preserve this (Jewell 1958; Edmonds and
// Karp 1972). In the end all rows have sent their units, and with rows * perRow
// = cols * perCol all columns are full. Scores are integers, so nothing is
// rounded on the way. That a way exists at all follows from the same equation:
// a regular bipartite graph of these degrees is one, and its part that belongs
// to some of the rows is within the limits of the columns.
//
// Time: rows * perRow searches of at most (rows + cols)^2 steps; most end
// early.
//
#ifndef HCGS_LIB_COMPRESSION_ASSIGN_H
#define HCGS_LIB_COMPRESSION_ASSIGN_H

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hcgs::compression {

class BalancedChoice {
public:
  /// `scores` by rows, of magnitudes up to 2^40; rows * perRow = cols * perCol.
  BalancedChoice(std::span<const int64_t> scores, int64_t rows, int64_t cols,
                 int64_t perRow, int64_t perCol)
      : scores(scores), rows(rows), cols(cols), perRow(perRow), perCol(perCol) {
  }

  /// Sets kept[i * cols + j] to 1 for the chosen cells, to 0 for the others.
  void run(std::span<uint8_t> kept) {
    std::fill(kept.begin(), kept.end(), uint8_t(0));
    rowPotential.assign(static_cast<size_t>(rows), 0);
    colPotential.assign(static_cast<size_t>(cols), 0);
    load.assign(static_cast<size_t>(cols), 0);
    for (int64_t row = 0; row < rows; ++row) {
      // Nothing leads to a row that has sent nothing yet, so its potential may
      // be set only now: the least that makes its reduced costs 0 or more.
      int64_t potential = std::numeric_limits<int64_t>::min();
      for (int64_t col = 0; col < cols; ++col)
        potential =
            std::max(potential, colPotential[col] + scores[row * cols + col]);
      rowPotential[row] = potential;
      for (int64_t unit = 0; unit < perRow; ++unit)
        send(row, kept);
    }
  }

private:
  static constexpr int64_t unreached = std::numeric_limits<int64_t>::max();

  /// c + p(i) - p(j).
  int64_t reduced(int64_t row, int64_t col) const {
    return rowPotential[row] - scores[row * cols + col] - colPotential[col];
  }

  /// Dijkstra's search from `start` to the nearest column with room; then moves
  /// one unit along the path.
  void send(int64_t start, std::span<uint8_t> kept) {
    rowDistance.assign(static_cast<size_t>(rows), unreached);
    colDistance.assign(static_cast<size_t>(cols), unreached);
    rowDone.assign(static_cast<size_t>(rows), 0);
    colDone.assign(static_cast<size_t>(cols), 0);
    colFrom.assign(static_cast<size_t>(cols), -1);
    rowFrom.assign(static_cast<size_t>(rows), -1);
    rowDistance[start] = 0;
    visited.clear();
    visited.push_back(start);
    const auto relaxRow = [&](int64_t row) {
      rowDone[row] = 1;
      for (int64_t col = 0; col < cols; ++col) {
        if (colDone[col] || kept[row * cols + col])
          continue;
        const int64_t distance = rowDistance[row] + reduced(row, col);
        if (distance < colDistance[col]) {
          colDistance[col] = distance;
          colFrom[col] = row;
        }
      }
    };
    relaxRow(start);
    int64_t end = -1, endDistance = 0;
    while (end < 0) {
      // Of equal distances rows come first, then lower columns.
      int64_t nextRow = -1, nextCol = -1, least = unreached;
      for (const int64_t row : visited)
        if (!rowDone[row] && rowDistance[row] < least) {
          least = rowDistance[row];
          nextRow = row;
        }
      for (int64_t col = 0; col < cols; ++col)
        if (!colDone[col] && colDistance[col] < least) {
          least = colDistance[col];
          nextCol = col;
        }
      if (nextCol < 0) {
        relaxRow(nextRow);
        continue;
      }
      colDone[nextCol] = 1;
      if (load[nextCol] < perCol) {
        end = nextCol;
        endDistance = least;
      }
      for (int64_t row = 0; row < rows; ++row) {
        if (!kept[row * cols + nextCol] || rowDone[row])
          continue;
        const int64_t distance = colDistance[nextCol] - reduced(row, nextCol);
        if (distance < rowDistance[row]) {
          if (rowDistance[row] == unreached)
            visited.push_back(row);
          rowDistance[row] = distance;
          rowFrom[row] = nextCol;
        }
      }
    }

    // Nodes that were not reached are at least as far as the end.
    for (int64_t row = 0; row < rows; ++row)
      rowPotential[row] += std::min(rowDistance[row], endDistance);
    for (int64_t col = 0; col < cols; ++col)
      colPotential[col] += std::min(colDistance[col], endDistance);

    ++load[end];
    for (int64_t col = end;;) {
      const int64_t row = colFrom[col];
      kept[row * cols + col] = 1;
      if (row == start)
        break;
      col = rowFrom[row];
      kept[row * cols + col] = 0;
    }
  }

  std::span<const int64_t> scores;
  const int64_t rows, cols, perRow, perCol;
  std::vector<int64_t> rowPotential, colPotential, load;
  std::vector<int64_t> rowDistance, colDistance, rowFrom, colFrom, visited;
  std::vector<uint8_t> rowDone, colDone;
};

} // namespace hcgs::compression

#endif // HCGS_LIB_COMPRESSION_ASSIGN_H
