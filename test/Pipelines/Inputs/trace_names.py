# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""trace_names.py TRACE.json ROWS: the slices of a program that computes ROWS
batch rows together. Each has its row in its name and its time step beside it,
and one name stands for one piece of work a step, wherever the schedule puts it:
before the time loop, in it or behind it.

    lstm: h gates iofg rows 0..3, batch row 1    step 0, 1, .. T-1
"""

import collections
import json
import re
import sys

trace = json.load(open(sys.argv[1]))
rows, steps = int(sys.argv[2]), trace["otherData"]["steps"]
tracks = {
    event["tid"]: event["args"]["name"]
    for event in trace["traceEvents"]
    if event["name"] == "thread_name"
}
seen = collections.defaultdict(list)
for event in trace["traceEvents"]:
    if event["ph"] == "X" and tracks[event["tid"]] in ("load", "matrix", "store"):
        seen[event["name"]].append(event["args"].get("step"))
counts = collections.Counter()
for name, found in seen.items():
    match = re.search(r", batch row (\d+)$", name)
    assert match, f"{name!r}: the row of the batch is not at the end of the name"
    counts[int(match[1])] += 1
    assert sorted(found, key=str) == sorted(range(steps), key=str), (
        f"{name!r}: of steps {found}"
    )
assert sorted(counts) == list(range(rows)) and len(set(counts.values())) == 1, counts
print(f"{rows} rows, {steps} steps")
