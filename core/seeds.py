"""The random numbers of a run: one seeded generator per purpose.

The global random state is shared by every visitor of a server, so nothing here touches it.
A generator per purpose also keeps choices apart: another batch size leaves the starting
weights alone. The stream of the starting weights is seeded with the seed itself, so they
are the weights that plain PyTorch gives after ``torch.manual_seed(seed)``.
"""

import torch

MAX_SEED = 2**63 - 1
# Added to a seed, so that no two purposes of a run share one; PyTorch takes the lowest 32 bits of the sum.
STREAMS = {"weights": 0, "data": 1_000_000, "split": 2_000_000, "batches": 3_000_000, "dropout": 4_000_000}


def stream_seed(seed: int, purpose: str) -> int:
    """Seed of one purpose (a key of STREAMS) for one Config.seed."""
    return STREAMS[purpose] + seed


def stream(seed: int, purpose: str) -> torch.Generator:
    """A fresh CPU generator for one purpose (a key of STREAMS)."""
    return torch.Generator().manual_seed(stream_seed(seed, purpose))
