# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The HTML report of a program: one file with everything in it.

facts     the numbers of a program file
blockmap  pictures of where matrices keep their weights
tables    errors of the tables at every input
cycles    cycles, counted by the simulator, and what bounds them
timeline  two time steps as a picture
plots     plots as SVG, by Matplotlib
analysis  the sections about the error, from the JSON of `hcgs.analyze`
page      all of it through the template beside it, by Jinja
"""

from .page import report_html, write_block_maps

__all__ = ["report_html", "write_block_maps"]
