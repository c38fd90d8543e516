"""The two losses of pre-training: soft labels of distortions, and the features of a frozen semantic teacher."""

import torch
from torch.nn import functional


def soft_label_loss(logits: torch.Tensor, targets: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Return the cross-entropy of soft labels.

    Args:
        logits: (B, K).
        targets: (B, K), rows sum to 1.
        temperature: Divides the logits: above 1, the student may be less sure than its logits say.
    """
    return -(targets * (logits / temperature).log_softmax(dim=1)).sum(dim=1).mean()


def distillation_loss(student: torch.Tensor, teacher: torch.Tensor, *, kind: str) -> torch.Tensor:
    """Return how far projected features are from the teacher's: 0 where they agree.

    Args:
        student: (B, T), projected to the teacher's space.
        teacher: (B, T), without gradient.
        kind: `cosine`: one minus the cosine, on [0, 2]. `mse`: squared distance of features of length 1,
            which does not shrink with the number of features: on [0, 4].
    """
    if kind == "cosine":
        return (1 - functional.cosine_similarity(student, teacher, dim=1)).mean()
    difference = functional.normalize(student, dim=1) - functional.normalize(teacher, dim=1)
    return difference.square().sum(dim=1).mean()
