"""The devices this machine can compute on, by torch.accelerator."""

import torch


def available() -> dict[str, str]:
    """Device -> readable name; "cpu" is always there and first."""
    names = {"cpu": "CPU"}
    if torch.accelerator.is_available():
        kind = torch.accelerator.current_accelerator()
        assert kind is not None  # is_available said so
        for index in range(torch.accelerator.device_count()):
            device = torch.device(kind.type, index)
            names[str(device)] = _name(device)
    return names


def _name(device: torch.device) -> str:
    """Such as "NVIDIA H200 (cuda:0)"; only the device itself where torch has no name for it."""
    module = getattr(torch, device.type, None)
    describe = getattr(module, "get_device_name", None)
    return f"{describe(device.index)} ({device})" if describe else str(device)


def check(device: str | torch.device, dtype: str) -> torch.device:
    """The device as torch knows it.

    Raises ValueError if this machine does not have it, or if it cannot compute in `dtype`.
    """
    names = available()
    refusal = ValueError(f"device must be one of {', '.join(names)}; got {str(device)[:40]}")
    try:
        wanted = torch.device(device)
    except RuntimeError:  # no kind of device at all
        raise refusal from None
    name = wanted.type if wanted.type == "cpu" else f"{wanted.type}:{wanted.index or 0}"
    if name not in names:
        raise refusal
    if wanted.type == "mps" and dtype == "float64":
        raise ValueError("dtype must be float32 on mps, which has no float64; got float64")
    return torch.device(name)
