"""A small ensemble of networks over hand-made features, trained the same to the bit whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..whole_numbers import hold_whole_numbers, whole_numbers

Matrix = NDArray[np.float32]
_Layers = tuple[tuple[Matrix, Matrix], ...]
_CLIP = np.float32(5)  # standard deviations; beyond them a feature says no more than "far"
_FIRST_DECAY, _SECOND_DECAY, _TINY = 0.9, 0.999, np.float32(1e-8)  # Adam (Kingma, Ba, ICLR 2015)
_WARM_UP = 0.1
NEVER = np.float32(-50)  # bias of a class that a network has not seen: what it says of it would be an accident


@dataclass(frozen=True)
class TrainingSettings:
    """How the ensemble is trained.

    Attributes:
        hidden: Widths of the hidden layers.
        epochs: Passes over the training set.
        batch: Rows per step.
        rate: Highest learning rate; it warms up and then falls along a cosine.
        decay: Decoupled weight decay.
        dropout: Share of inputs and of hidden units left out in a step.
        smoothing: Share of the target spread over all classes.
    """

    hidden: tuple[int, ...] = (384, 192)
    epochs: int = 40
    batch: int = 192
    rate: float = 1.5e-3
    decay: float = 0.02
    dropout: tuple[float, float] = (0.2, 0.4)
    smoothing: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        hold_whole_numbers(self, epochs=1, batch=1)
        object.__setattr__(self, "hidden", whole_numbers("hidden", self.hidden, least=1))


@dataclass(frozen=True)
class Ensemble:
    """Trained networks over standardized features.

    Attributes:
        center: Feature means, float32 (F,).
        scale: Feature deviations, float32 (F,).
        members: Per network its (weight, bias) pairs from the first layer to the last.
    """

    center: Matrix
    scale: Matrix
    members: tuple[_Layers, ...]

    def scores(self, features: Matrix) -> NDArray[np.float64]:
        """Return class probabilities, float64 (N, C), the mean over the members.

        Every row is computed in blocks of one size, so that a row's scores do not depend on the rows beside it.

        Args:
            features: float32 (N, F).
        """
        ready = standardize(features, self.center, self.scale)
        total = np.zeros((len(ready), self.members[0][-1][0].shape[1]))
        with threadpool_limits(1):
            for row in range(len(ready)):
                for member in self.members:
                    total[row] += softmax(_forward(ready[row : row + 1], member)[-1])[0]
        return total / len(self.members)

    def arrays(self) -> dict[str, Matrix]:
        """Return everything there is to save, by name."""
        named = {"center": self.center, "scale": self.scale}
        for number, member in enumerate(self.members):
            for depth, (weight, bias) in enumerate(member):
                named[f"member{number}.layer{depth}.weight"] = weight
                named[f"member{number}.layer{depth}.bias"] = bias
        return named

    @classmethod
    def from_arrays(cls, named: dict[str, Matrix]) -> Ensemble:
        """Build the ensemble from what `arrays` gave.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not fit each other.
        """
        members: list[_Layers] = []
        while f"member{len(members)}.layer0.weight" in named:
            prefix = f"member{len(members)}"
            layers: list[tuple[Matrix, Matrix]] = []
            while f"{prefix}.layer{len(layers)}.weight" in named:
                name = f"{prefix}.layer{len(layers)}"
                layers.append((named[f"{name}.weight"], named[f"{name}.bias"]))
            members.append(tuple(layers))
        found = cls(named["center"], named["scale"], tuple(members))
        found._check()
        return found

    def _check(self) -> None:
        if not self.members:
            raise ValueError("no network in it")
        classes = {member[-1][0].shape[1] for member in self.members}
        for member in self.members:
            width = len(self.center)
            for weight, bias in member:
                if weight.ndim != 2 or weight.shape[0] != width or bias.shape != (weight.shape[1],):  # noqa: PLR2004
                    raise ValueError("the layers do not fit each other")
                width = weight.shape[1]
        if len(classes) != 1 or self.scale.shape != self.center.shape:
            raise ValueError("the networks do not fit each other")


def standardize(features: Matrix, center: Matrix, scale: Matrix) -> Matrix:
    """Return features in deviations from their mean, clipped; float32 (N, F)."""
    return np.asarray(np.clip((features - center) / scale, -_CLIP, _CLIP), np.float32)


def softmax(logits: Matrix) -> Matrix:
    """Return probabilities of each row, float32 (N, C)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def train_ensemble(
    features: Matrix,
    classes: NDArray[np.int64],
    folds: NDArray[np.int64],
    *,
    count: int,
    seed: int,
    emphasis: Mapping[int, float] | None = None,
    settings: TrainingSettings | None = None,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Ensemble, Matrix]:
    """Train one network per fold, each on the rows of the other folds; every class weighs the same but for `emphasis`.

    What a network says of the fold that it has not seen is its held-out score, so that no row is lost to the ensemble.

    Args:
        features: float32 (N, F), finite.
        classes: Class of each row, 0 to count - 1.
        folds: Fold of each row, 0 to folds - 1, at least two of them.
        count: Number of classes C.
        emphasis: How many times as much as the others a class weighs, whatever its number of rows.
        seed: Of the initial weights, the order of rows and the units left out.
        settings: Sizes and rates.
        workers: Networks trained at a time; the result does not depend on it.
        reporter: Shows progress.

    Returns:
        The ensemble, in which every network scores a class that it has not seen 0, and the held-out class probabilities
        of every row, (N, C); the same arguments and library versions give the same bits on one kind of processor.
    """
    settings = settings or TrainingSettings()
    center = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = features.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(deviation > 1e-6, deviation, np.float32(1))  # noqa: PLR2004 a constant feature says nothing
    ready = standardize(features, center, scale)
    targets = np.full((len(classes), count), settings.smoothing / count, np.float32)
    targets[np.arange(len(classes)), classes] += np.float32(1 - settings.smoothing)
    members = int(folds.max()) + 1
    held_out = np.zeros((len(classes), count), np.float32)
    with reporter.task("train", members * settings.epochs) as task, threadpool_limits(1):

        def train(number: int) -> _Layers:
            seen, left = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
            weights = _class_weights(classes[seen], count, emphasis or {})
            rng = np.random.Generator(np.random.PCG64([seed, number]))
            trainer = _Trainer(ready[seen], targets[seen], weights, settings, rng)
            for _ in trainer.epochs():
                task.advance()
            layers = trainer.layers()
            layers[-1][1][np.setdiff1d(np.arange(count), classes[seen])] = NEVER
            held_out[left] = softmax(_forward(ready[left], layers)[-1])
            return layers

        layers = tuple(ordered_map(train, range(members), workers))
    return Ensemble(center, scale, layers), held_out


def _class_weights(classes: NDArray[np.int64], count: int, emphasis: Mapping[int, float]) -> Matrix:
    sizes = np.bincount(classes, minlength=count)
    each = len(classes) / (np.count_nonzero(sizes) * np.maximum(sizes, 1))
    for kind, factor in emphasis.items():
        each[kind] *= factor
    return np.asarray(each[classes], np.float32)


class _Trainer:
    """One network under training."""

    def __init__(
        self, rows: Matrix, targets: Matrix, weights: Matrix, settings: TrainingSettings, rng: np.random.Generator
    ) -> None:
        self._rows, self._targets, self._weights = rows, targets, weights
        self._settings, self._rng = settings, rng
        widths = (rows.shape[1], *settings.hidden, targets.shape[1])
        self._parameters: list[Matrix] = []
        for below, above in pairwise(widths):
            self._parameters.append(rng.standard_normal((below, above), np.float32) * np.float32(np.sqrt(2 / below)))
            self._parameters.append(np.zeros(above, np.float32))
        self._first = [np.zeros_like(p) for p in self._parameters]
        self._second = [np.zeros_like(p) for p in self._parameters]

    def layers(self) -> _Layers:
        return tuple(zip(self._parameters[::2], self._parameters[1::2], strict=True))

    def epochs(self) -> Iterator[int]:
        settings = self._settings
        per_epoch = -(-len(self._rows) // settings.batch)
        steps = settings.epochs * per_epoch
        step = 0
        for epoch in range(settings.epochs):
            for chosen in np.array_split(self._rng.permutation(len(self._rows)), per_epoch):
                warm = min(1.0, (step + 1) / (_WARM_UP * steps))
                rate = settings.rate * warm * 0.5 * (1 + np.cos(np.pi * step / steps))
                step += 1
                self._step(chosen, rate, step)
            yield epoch

    def _step(self, chosen: NDArray[np.int64], rate: float, step: int) -> None:
        outputs, masks = self._outputs(self._rows[chosen])
        weight = self._weights[chosen, None] / len(chosen)
        error = (softmax(outputs[-1]) - self._targets[chosen]) * weight
        for layer in range(len(outputs) - 2, -1, -1):
            below = outputs[layer]
            gradient = below.T @ error, error.sum(axis=0)
            if layer:
                error = (error @ self._parameters[2 * layer].T) * masks[layer] * (below > 0)
            for place, part in zip((2 * layer, 2 * layer + 1), gradient, strict=True):
                self._adam(place, part, rate, step)

    def _outputs(self, rows: Matrix) -> tuple[list[Matrix], list[Matrix]]:
        settings = self._settings
        outputs, masks = [], []
        here = rows
        for layer in range(len(self._parameters) // 2):
            share = settings.dropout[min(layer, 1)]
            kept = self._rng.random(here.shape, np.float32) >= share
            mask = kept * np.float32(1 / (1 - share))
            here = here * mask
            outputs.append(here)
            masks.append(mask)
            here = here @ self._parameters[2 * layer] + self._parameters[2 * layer + 1]
            if layer + 1 < len(self._parameters) // 2:
                here = np.maximum(here, 0)
        outputs.append(here)
        return outputs, masks

    def _adam(self, place: int, gradient: Matrix, rate: float, step: int) -> None:
        parameter, first, second = self._parameters[place], self._first[place], self._second[place]
        first *= np.float32(_FIRST_DECAY)
        first += np.float32(1 - _FIRST_DECAY) * gradient
        second *= np.float32(_SECOND_DECAY)
        second += np.float32(1 - _SECOND_DECAY) * gradient * gradient
        size = np.float32(rate * np.sqrt(1 - _SECOND_DECAY**step) / (1 - _FIRST_DECAY**step))
        if parameter.ndim > 1:
            parameter *= np.float32(1 - rate * self._settings.decay)
        parameter -= size * first / (np.sqrt(second) + _TINY)


def _forward(rows: Matrix, layers: _Layers) -> list[Matrix]:
    outputs = [rows]
    for number, (weight, bias) in enumerate(layers):
        here = outputs[-1] @ weight + bias
        outputs.append(np.maximum(here, 0) if number + 1 < len(layers) else here)
    return outputs
