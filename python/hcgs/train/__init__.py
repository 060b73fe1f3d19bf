# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small kit to train networks that the compiler finds block-sparse.

masks  Two-tier HCGS masks: draw, select by magnitude, check (NumPy only).
lstm   A PyTorch LSTM that keeps its weights inside such masks. Import it by
       its full name, `hcgs.train.lstm`: only that module needs torch.
"""

from . import masks

__all__ = ["masks"]
