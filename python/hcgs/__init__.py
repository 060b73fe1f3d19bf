# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""hcgs: recurrent networks on block-sparse fixed-point accelerators."""
from .errors import *  # noqa: F403
