"""Transforms for a training loop: every picture under a distortion, or a chain of them, that is drawn for it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import IDENTITY_CELLS, LEVELS
from ...distortions.chains import Chain, ChainStep, apply_chain, format_chain
from ...distortions.errors import DistortionError
from ...distortions.registry.carried_types import CarriedTypes
from ..datasets.type_lists import ALL, parse_levels, parse_types
from ..errors import CurateError
from ..manifest.chains.recipes import draw_chain, seeded
from ..manifest.chains.settings import ChainOrder, ChainSettings, ChainStretch
from ..manifest.ids import require_texts
from ..manifest.seeds import context_seed, row_seed, stream_seed
from ..rendering.settings import DistortSettings
from ..whole_numbers import whole_number
from .one_thread import compute_on_one_thread_in_workers
from .picture_kinds import codes_of, in_kind_of

if TYPE_CHECKING:
    import torch
    from PIL import Image

_DIGEST_BYTES = 16


class DistortedImage(NamedTuple):
    """A distorted picture and what was done to it.

    Attributes:
        image: Of the kind that was given.
        chain: The distortions in order, each with its level and seed; one step where there was one distortion.
        level: Of the distortion; of a chain the mean of its distortions' levels.
    """

    image: Any
    chain: Chain
    level: float


class _DrawingTransform(ABC):
    """What both transforms do: draw for a key, distort, return the kind of picture that was given.

    Attributes:
        seed: Seed of the draws.
        epoch: Part of every draw, so that a picture is distorted otherwise in another epoch.
        return_chain: Whether a call returns a `DistortedImage` in place of the picture alone.
    """

    def __init__(self, *, seed: int, return_chain: bool) -> None:
        self.seed = whole_number("seed", seed)
        self.epoch = 0
        self.return_chain = return_chain
        self._user_types = CarriedTypes()

    def __call__(self, image: Image.Image | NDArray[np.uint8] | torch.Tensor, *, key: str | int | None = None) -> Any:
        """Distort one picture.

        Args:
            image: PIL image, uint8 array (H, W, 3) RGB or uint8 tensor (3, H, W); gray and alpha channels as `distort`
                takes them. It is not modified.
            key: What the draw is for, such as the sample's id. Without one it is for the pixels.

        Returns:
            The distorted picture, RGB, of the kind that was given; with `return_chain` a `DistortedImage`.

        Raises:
            CurateError: It is no picture of 8 bits a channel, or too small for the type that was drawn.
        """
        found = self.distort(image, key=key)
        return found if self.return_chain else found.image

    def distort(
        self, image: Image.Image | NDArray[np.uint8] | torch.Tensor, *, key: str | int | None = None
    ) -> DistortedImage:
        """Distort one picture as a call does, and say how.

        Args:
            image: As in a call.
            key: As in a call.

        Raises:
            CurateError: As in a call.
        """
        compute_on_one_thread_in_workers()
        codes = codes_of(image)
        chain = self._draw(self._digest(codes) if key is None else _text_of(key))
        try:
            distorted = apply_chain(codes, chain)
        except DistortionError as error:
            where = "" if key is None else f"{key!r}: "
            raise CurateError(f"{where}{format_chain(chain)}: {error}") from error
        levels = [step.level for step in chain if not step.is_stretch]
        return DistortedImage(in_kind_of(image, distorted), chain, sum(levels) / len(levels))

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; call it before the `DataLoader` is iterated, as its workers get a copy then.

        Args:
            epoch: Number of the epoch, 0 or more.

        Raises:
            CurateError: It is not.
        """
        self.epoch = whole_number("epoch", epoch, least=0)

    @abstractmethod
    def _draw(self, key: str) -> Chain:
        """Draw what is done to a picture."""

    def _digest(self, codes: NDArray[np.uint8]) -> str:
        """Return a key for a picture without one; with the epoch in it, so that noise is another in each."""
        digest = hashlib.blake2b(f"{self.epoch} {codes.shape} ".encode(), digest_size=_DIGEST_BYTES)
        digest.update(codes.tobytes())
        return digest.hexdigest()


class RandomDistortion(_DrawingTransform):
    """Distort a picture by one type at one level, drawn for its key and the epoch.

    Every type is as likely as every other, and so is every level of it; identity cells are not drawn. The picture is a
    row's: with the id of a reference as the key, it is bit for bit what `syndr-curate distort --seed` makes of that
    reference under the same type and level. So with the same key, type and level the noise is the same in every epoch;
    for another, put the epoch into the key.

    It can be pickled, forked and spawned, and gives the same pictures in any number of workers.
    """

    def __init__(
        self,
        types: str | Iterable[int | str] = ALL,
        levels: str | Iterable[int] = LEVELS,
        *,
        seed: int = DistortSettings.seed,
        return_chain: bool = False,
    ) -> None:
        """Say what to draw from.

        Args:
            types: As the flag `--types` takes them: `all`, `camera`, a preset, ids or names.
            levels: Levels of each type, 1 to 5.
            seed: Seed of the draws.
            return_chain: Return a `DistortedImage` in place of the picture alone.

        Raises:
            CurateError: A type or level does not exist, or none changes anything.
        """
        super().__init__(seed=seed, return_chain=return_chain)
        chosen = parse_levels(levels)
        cells = {
            kind: tuple(level for level in chosen if (kind, level) not in IDENTITY_CELLS) for kind in parse_types(types)
        }
        self._levels = {kind: some for kind, some in cells.items() if some}
        if not self._levels:
            raise CurateError(f"types {types!r} at levels {levels!r} change nothing: give other types or levels")

    def __repr__(self) -> str:
        """Name the types, for a printed list of transforms."""
        return f"RandomDistortion({len(self._levels)} types, seed={self.seed}, epoch={self.epoch})"

    def _draw(self, key: str) -> Chain:
        kinds = tuple(self._levels)
        kind = kinds[context_seed("transform", "type", self.seed, key, self.epoch) % len(kinds)]
        levels = self._levels[kind]
        level = levels[context_seed("transform", "level", self.seed, key, self.epoch) % len(levels)]
        return (ChainStep(kind, float(level), row_seed(stream_seed(self.seed, key, kind, level))),)


class RandomChain(_DrawingTransform):
    """Distort a picture several times, by a chain drawn for its key and the epoch.

    Chains are drawn as `syndr-curate distort --chains` draws them: with the id of a reference as the key, the epochs
    give that command's chains one after another, bit for bit, and now and then one again that the command leaves out.

    It can be pickled, forked and spawned, and gives the same pictures in any number of workers.
    """

    def __init__(
        self,
        types: str | Iterable[int | str] = ALL,
        levels: str | Iterable[int] = LEVELS,
        *,
        length: tuple[int, int] = ChainSettings.length,
        order: ChainOrder = ChainSettings.order,
        stretch: ChainStretch = ChainSettings.stretch,
        seed: int = DistortSettings.seed,
        return_chain: bool = False,
    ) -> None:
        """Say what to draw from.

        Args:
            types: As the flag `--types` takes them; a chain has at most one of each family, of camera types one of each
                subfamily.
            levels: Levels to draw from, 1 to 5.
            length: The fewest and the most distortions of a chain; each length is as likely.
            order: `compression-last`, or `any`.
            stretch: `step`: the generator's stretch around every distortion; `once`: around the whole chain.
            seed: Seed of the draws.
            return_chain: Return a `DistortedImage` in place of the picture alone.

        Raises:
            CurateError: A type, level or option does not exist, or chains cannot be as long as asked.
        """
        super().__init__(seed=seed, return_chain=return_chain)
        self.settings = ChainSettings(
            drawn=1,
            types=parse_types(types),
            levels=parse_levels(levels),
            length=length,
            order=order,
            stretch=stretch,
        )

    def __repr__(self) -> str:
        """Name the lengths and types, for a printed list of transforms."""
        shortest, longest = self.settings.length
        types = len(self.settings.types)
        return f"RandomChain({shortest} to {longest} of {types} types, seed={self.seed}, epoch={self.epoch})"

    def _draw(self, key: str) -> Chain:
        chain = draw_chain(self.settings, self.seed, key, self.epoch)
        return seeded(self.settings.with_stretch(chain), self.seed, key).steps


def _text_of(key: str | int) -> str:
    if not isinstance(key, str):
        return str(whole_number("key", key))
    require_texts([key], "key")
    return key
