"""The focal loss, in which easy examples count less; PyTorch has no class for it.

Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4.
"""

from torch import Tensor, nn


class FocalLoss(nn.Module):
    """BCE of logits, each term times (1 - p)^gamma, where p is the probability of the right answer.

    Args: gamma: 0 leaves BCE as it is; the larger, the less do right and sure answers count.
        reduction: "mean", "sum" or "none", as in PyTorch's own losses.
    Shape: outputs (logits) and targets (floats from 0 to 1) alike; others raise ValueError.
    """

    def __init__(self, gamma: float = 2.0, reduction: str = "mean"):
        super().__init__()
        self.gamma, self.reduction = gamma, reduction

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        bce = nn.functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        # 1 - p. As sigmoids it keeps its digits where p is almost 1.
        wrong = targets * (-outputs).sigmoid() + (1 - targets) * outputs.sigmoid()
        terms = wrong**self.gamma * bce
        if self.reduction == "none":
            return terms
        return terms.sum() if self.reduction == "sum" else terms.mean()
