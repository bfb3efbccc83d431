"""What no run may change."""

import random
import warnings

import numpy as np
import torch


def global_state():
    """What all sessions of a process share and no run may change."""
    return {
        "random": random.getstate(),
        "rng": torch.get_rng_state().tolist(),
        "numpy": np.random.get_state()[1].tolist(),
        "dtype": torch.get_default_dtype(),
        "grad mode": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "filters": list(warnings.filters),
        "numpy errors": np.geterr(),
    }
