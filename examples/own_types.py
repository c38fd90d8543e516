"""A type of distortion of one's own: a picture seen at an angle, by torchvision.

syndr-curate distort photos/ --types tilted_view --plugin examples.own_types:register --out tilted/
"""

import numpy as np
import torch
import torchvision
from syndr_curate import register_distortion
from torchvision.transforms.v2 import functional


def tilted_view(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Stretch four points near the corners to the corners: the eye was not in front of the middle."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * rng.uniform(0, share, (4, 2)) * [width, height]
    seen = np.rint(corners + inward).astype(int)
    planes = functional.perspective(torch.from_numpy(image).permute(2, 0, 1), seen.tolist(), corners.tolist())
    return planes.permute(1, 2, 0).numpy()


def register() -> None:
    register_distortion(
        200,
        "tilted_view",
        tilted_view,
        (0.02, 0.05, 0.1, 0.15, 0.2),
        parameter="share of each side, at most",
        random=True,
        minimum_size=16,
        version=f"torchvision {torchvision.__version__}",
    )
