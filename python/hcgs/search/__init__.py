# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cheapest widths of weights and values within a budget.

algorithm  the search itself, whatever is measured
space      the widths of a network and their costs, configurations
journal    the state file that a search goes on from
"""

from .algorithm import Budget, BudgetError, Measurement, Search, Trial, Variable
from .widths import WidthSearch, search_widths

__all__ = [
    "Budget",
    "BudgetError",
    "Measurement",
    "Search",
    "Trial",
    "Variable",
    "WidthSearch",
    "search_widths",
]
