"""ResNet-50 with 26 outputs, fine-tuned as in DGQA: for a GPU; on a processor it is only useful for a try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..encoding.settings import DeviceName
from ..encoding.torch_encoders import CROP, pick_device
from ..encoding.weights import load_into, load_state, published_resnet50
from ..errors import CurateError, RowError
from .mlp_ensemble import NEVER
from .patches import five_patches
from .pristine_scores import PristineScores
from .selection_rule import CLASSES
from .settings import KindName

if TYPE_CHECKING:
    import torch

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_HEAD = "fc."
_COUNTERS = "num_batches_tracked"  # of batch normalization: whole numbers that inference does not read


class ResNetClassifier:
    """A ResNet-50 that gives class scores of patches of 224 x 224."""

    kind: KindName = "resnet50"

    def __init__(self, network: torch.nn.Module, device: torch.device) -> None:
        """Take a network with 26 outputs."""
        self._network = network.to(device)
        self._device = device
        self.pristine: PristineScores | None = None

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float32]], *, device: DeviceName = "auto") -> ResNetClassifier:
        """Build the classifier from what `arrays` gave.

        Raises:
            ValueError: The arrays are not of such a network.
        """
        import torch
        from torchvision.models import resnet50

        network = resnet50(weights=None, num_classes=CLASSES)
        pristine = PristineScores.from_arrays(arrays)
        besides = {} if pristine is None else pristine.arrays()
        state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if name not in besides}
        counters = {k: v for k, v in network.state_dict().items() if k.endswith(_COUNTERS)}
        try:
            network.load_state_dict({**counters, **state}, strict=True)
        except RuntimeError as error:
            raise ValueError(" ".join(str(error).split())[:200]) from error
        found = cls(network, pick_device(device))
        found.pristine = pristine
        return found

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the five normalized patches, float32 (5, 3, 224, 224)."""
        height, width = image.shape[:2]
        if min(height, width) < CROP:
            raise RowError(f"{width}x{height} is smaller than {CROP}x{CROP}, the patch of resnet50")
        return np.stack([normalized(patch) for patch in five_patches(image, (CROP, CROP))])

    def scores(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return mean class probabilities over the patches, (B, 26)."""
        import torch

        self._network.eval()
        found = []
        with torch.inference_mode():
            for patches in prepared:
                logits = self._network(torch.from_numpy(patches).to(self._device)).double()
                found.append(torch.softmax(logits, dim=1).mean(dim=0).cpu().numpy())
        return np.stack(found)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the network's weights by name, and its scores on pristine photographs."""
        state = self._network.state_dict()
        weights = {k: v.float().cpu().numpy() for k, v in state.items() if not k.endswith(_COUNTERS)}
        return weights | ({} if self.pristine is None else self.pristine.arrays())


class ResNetTrainer:
    """Fine-tunes an ImageNet ResNet-50 to the 26 classes."""

    def __init__(self, *, weights: Path | None, device: DeviceName, rate: float, decay: float, seed: int) -> None:
        """Start from ImageNet weights and a new last layer.

        Args:
            weights: A local checkpoint of ResNet-50 (its last layer is not used); None takes the published one.
            device: Where torch computes.
            rate: Learning rate of Adam.
            decay: Weight decay.
            seed: Of the new layer.

        Raises:
            CurateError: The weights cannot be had, or no such device.
        """
        import torch
        from torchvision.models import resnet50

        self._device = pick_device(device)
        state = load_state(weights or published_resnet50())
        body = {key: value for key, value in state.items() if not key.startswith(_HEAD)}
        network = resnet50(weights=None)
        network.fc = torch.nn.Identity()
        load_into(network, body, weights or Path("resnet50"), "resnet50")
        network.fc = _new_head(seed)
        self._network = network.to(self._device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=rate, weight_decay=decay)
        self._loss = torch.nn.CrossEntropyLoss()

    def epoch(self, batches: Iterable[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> float:
        """Take one step per batch of normalized patches (B, 3, 224, 224) and classes (B,); return the mean loss.

        Raises:
            CurateError: The loss is no longer a number.
        """
        import torch

        self._network.train()
        losses = []
        for patches, classes in batches:
            logits = self._network(torch.from_numpy(patches).to(self._device))
            loss = self._loss(logits, torch.from_numpy(classes).to(self._device))
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            losses.append(float(loss.detach()))
        mean = float(np.mean(losses))
        if not np.isfinite(mean):
            raise CurateError("the training of resnet50 diverged: its loss is no longer a number")
        return mean

    def lower_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] *= factor

    def finished(self, unseen: Sequence[int] = ()) -> ResNetClassifier:
        """Return the classifier as it is now; it scores the `unseen` classes 0."""
        import torch

        with torch.no_grad():
            self._network.fc.bias[list(unseen)] = float(NEVER)
        return ResNetClassifier(self._network, self._device)


def normalized(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a uint8 (h, w, 3) patch as ImageNet networks take it, float32 (3, h, w)."""
    values = (patch.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _new_head(seed: int) -> torch.nn.Linear:
    import torch

    head = torch.nn.Linear(2048, CLASSES)
    rng = np.random.Generator(np.random.PCG64(seed))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(rng.normal(0, 0.01, head.weight.shape).astype(np.float32)))
        head.bias.zero_()
    return head
