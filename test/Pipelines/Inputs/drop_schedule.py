# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies IR from standard input to standard output without its schedules."""

import sys

depth = 0
for line in sys.stdin:
    if depth or line.lstrip().startswith("hcgs.schedule"):
        depth += line.count("{") - line.count("}")
    else:
        sys.stdout.write(line)
