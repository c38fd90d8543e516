"""Pictures made from nothing: the scenes on which `demo` runs without any download."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

SCENE_SIDE = 256
_LIT_WINDOWS = 0.6

Scene = NDArray[np.float64]
Painter = Callable[[np.random.Generator, int], Scene]


def paint_scene(
    kind: str, variant: int, *, side: int = SCENE_SIDE, seed: int = 0, wobble: float = 0.0
) -> NDArray[np.uint8]:
    """Paint a scene.

    Args:
        kind: One of `SCENE_KINDS`.
        variant: Which picture of that kind.
        side: Height and width in pixels.
        seed: Shifts all variants.
        wobble: Above 0, a near-copy of the scene: shifted by up to this share of the side and slightly relit.

    Returns:
        uint8 (side, side, 3) RGB.
    """
    painter = _PAINTERS[kind]
    rng = np.random.Generator(np.random.PCG64([seed, variant, SCENE_KINDS.index(kind)]))
    scene = painter(rng, side)
    grain = _clouds(rng, side, octaves=7, persistence=0.75)
    scene = scene + 0.08 * (grain - 0.5)[..., None]
    if wobble > 0:
        shift = round(wobble * side)
        scene = np.roll(scene, (shift, -shift), axis=(0, 1)) * (1.0 - wobble / 4)
    smooth = cv2.GaussianBlur(np.clip(scene, 0.0, 1.0), (0, 0), 0.6)
    return np.round(smooth * 255).astype(np.uint8)


def _landscape(rng: np.random.Generator, side: int) -> Scene:
    rows = np.linspace(0, 1, side)[:, None, None]
    sky, ground = rng.uniform(0.4, 1.0, 3) * (0.6, 0.8, 1.0), rng.uniform(0.05, 0.6, 3)
    scene = np.broadcast_to(sky * (1.0 - 0.5 * rows) + 0.25 * rows, (side, side, 3)).copy()
    scene += 0.35 * np.clip(_clouds(rng, side) - 0.5, 0, 1)[..., None]
    for layer in range(3):
        line = rng.uniform(0.35, 0.55) + 0.13 * layer + 0.25 * (_clouds(rng, side)[0] - 0.5)
        below = np.arange(side)[:, None] / side > line[None, :]
        texture = 0.4 * (_clouds(rng, side, octaves=7, persistence=0.8) - 0.5)
        scene[below] = (ground * (0.5 + 0.3 * layer) + texture[..., None])[below]
    return scene


def _city(rng: np.random.Generator, side: int) -> Scene:
    scene = np.ones((side, side, 3)) * rng.uniform(0.3, 0.9, 3)
    left = 0
    while left < side:
        width, top = int(rng.integers(side // 12, side // 5)), int(rng.integers(side // 10, side // 2))
        wall, lit = rng.uniform(0.1, 0.7, 3), rng.uniform(0.6, 1.0, 3)
        scene[top:, left : left + width] = wall
        step = int(rng.integers(8, 16))
        for y in range(top + 4, side - step, step):
            for x in range(left + 3, min(left + width, side) - step // 2, step):
                if rng.random() < _LIT_WINDOWS:
                    scene[y : y + step // 2, x : x + step // 2] = lit
        left += width
    return scene


def _bubbles(rng: np.random.Generator, side: int) -> Scene:
    scene = np.ones((side, side, 3)) * rng.uniform(0.0, 0.4, 3)
    for _ in range(int(rng.integers(15, 60))):
        center = rng.integers(0, side, 2).tolist()
        color = rng.uniform(0.2, 1.0, 3).tolist()
        cv2.circle(scene, center, int(rng.integers(side // 40, side // 7)), color, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), float(rng.uniform(0.5, 3.0))), np.float64)


def _cloth(rng: np.random.Generator, side: int) -> Scene:
    y, x = np.mgrid[0:side, 0:side] / side
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(8, 30)
    wave = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + 4 * _clouds(rng, side))
    first, second = rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)
    share = (0.5 + 0.5 * wave)[..., None]
    return np.asarray(first * share + second * (1 - share), np.float64)


def _sky(rng: np.random.Generator, side: int) -> Scene:
    share = _clouds(rng, side)[..., None]
    return rng.uniform(0.2, 0.7, 3) * (1 - share) + rng.uniform(0.7, 1.0, 3) * share


def _tiles(rng: np.random.Generator, side: int) -> Scene:
    count = int(rng.integers(3, 9))
    small = rng.uniform(0, 1, (count, count, 3))
    scene = np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_NEAREST), np.float64)
    scene[:: max(1, side // count)] *= 0.2
    return scene


def _faces(rng: np.random.Generator, side: int) -> Scene:
    scene = np.ones((side, side, 3)) * rng.uniform(0.2, 0.8, 3)
    x, y = (side // 2 + rng.integers(-side // 10, side // 10, 2)).tolist()
    skin = np.array([0.85, 0.65, 0.5]) * rng.uniform(0.5, 1.1)
    half = (int(side * rng.uniform(0.18, 0.3)), int(side * rng.uniform(0.25, 0.38)))
    cv2.ellipse(scene, [x, y], half, 0, 0, 360, skin.tolist(), -1, cv2.LINE_AA)
    hair = rng.uniform(0, 0.4, 3).tolist()
    cv2.ellipse(scene, [x, y - half[1] // 2], (half[0], half[1] // 2), 0, 180, 360, hair, -1, cv2.LINE_AA)
    for sign in (-1, 1):
        eye = [x + sign * half[0] // 3, y - half[1] // 8]
        cv2.circle(scene, eye, side // 32, (0.1, 0.1, 0.15), -1, cv2.LINE_AA)
    cv2.ellipse(
        scene,
        [x, y + half[1] // 2],
        (half[0] // 3, side // 40),
        0,
        0,
        180,
        (0.6, 0.2, 0.2),
        3,
        cv2.LINE_AA,
    )
    return scene


def _page(rng: np.random.Generator, side: int) -> Scene:
    scene = np.ones((side, side, 3)) * rng.uniform(0.8, 1.0, 3)
    ink, step = rng.uniform(0, 0.4, 3), int(rng.integers(9, 18))
    for y in range(step, side - step, step):
        x = step
        while x < side - step:
            word = int(rng.integers(step // 2, 3 * step))
            scene[y : y + step // 2, x : min(x + word, side - step)] = ink + rng.uniform(0, 0.3)
            x += word + step // 2
    return scene


def _clouds(rng: np.random.Generator, side: int, *, octaves: int = 6, persistence: float = 0.55) -> Scene:
    total, weight, field = 0.0, 1.0, np.zeros((side, side))
    for octave in range(1, octaves + 1):
        grid = rng.random((2**octave + 1, 2**octave + 1))
        field += weight * cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        total += weight
        weight *= persistence
    return field / total


_PAINTERS: dict[str, Painter] = {
    "landscape": _landscape,
    "city": _city,
    "bubbles": _bubbles,
    "cloth": _cloth,
    "sky": _sky,
    "tiles": _tiles,
    "face": _faces,
    "page": _page,
}
SCENE_KINDS: tuple[str, ...] = tuple(_PAINTERS)
