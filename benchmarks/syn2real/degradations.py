"""Degradations as cameras, phones and web sites make them: none of them is in KADID-10k's catalog.

A picture passes, in this order, through optics (out-of-focus light through a bladed aperture, or a shaking hand), a
sensor (a Bayer mosaic that counts photons, and its interpolation), tone mapping, resizing, and compression in several
rounds. Optics and sensor work on linear light. Each picture gets one to four of the five.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Light = NDArray[np.float64]  # (H, W, 3), 0 to 1
Effect = Callable[[Light, np.random.Generator, float], Light]

SHARE_OF_EFFECTS = (0.3, 0.35, 0.25, 0.1)  # chance of one, two, three, four effects
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def degrade(image: NDArray[np.uint8], seed: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Degrade a picture as its seed says.

    Args:
        image: uint8 (H, W, 3) RGB, at least 32 pixels a side.
        seed: Decides which effects are applied and how strongly.

    Returns:
        The degraded picture, of the same shape, and the names of the effects in order.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    count = 1 + int(rng.choice(len(SHARE_OF_EFFECTS), p=SHARE_OF_EFFECTS))
    # Effects that come together are milder, or nothing would be left of the picture.
    chosen = sorted(rng.choice(len(EFFECTS), size=count, replace=False).tolist())
    picture = image.astype(np.float64) / 255.0
    names = []
    for place in chosen:
        name, effect = EFFECTS[place]
        picture = np.clip(effect(picture, rng, float(rng.random()) ** count), 0.0, 1.0)
        names.append(name)
    return np.round(picture * 255.0).astype(np.uint8), tuple(names)


def optics(picture: Light, rng: np.random.Generator, strength: float) -> Light:
    """Blur linear light by defocus or by a shaking hand.

    Args:
        picture: sRGB, 0 to 1.
        rng: Draws which, and the kernel's shape.
        strength: 0 to 1.
    """
    kernel = _aperture(rng, strength) if rng.random() < 0.5 else _hand(rng, strength)
    return to_srgb(cv2.filter2D(to_linear(picture), cv2.CV_64F, kernel, borderType=cv2.BORDER_REFLECT))


def sensor(picture: Light, rng: np.random.Generator, strength: float) -> Light:
    """Count photons behind a Bayer mosaic, amplify them, and interpolate the missing colours.

    Args:
        picture: sRGB, 0 to 1.
        rng: Draws photons, read noise and the error of the white balance.
        strength: 0 to 1; at 0 white is 30,000 photons, at 1 a hundred.
    """
    white = 30_000.0 * (100.0 / 30_000.0) ** strength
    read_noise = rng.uniform(1.0, 4.0)
    gains = np.array([rng.uniform(1.6, 2.2), 1.0, rng.uniform(1.4, 1.9)])  # of red, green, blue on the sensor
    photons = to_linear(picture) / gains * white
    mosaic = (photons * _bayer(*picture.shape[:2])).sum(-1)
    counted = rng.poisson(mosaic) + rng.normal(0.0, read_noise, mosaic.shape)
    error = 1.0 + rng.uniform(-0.04, 0.04, 3) * (1.0 + strength)
    return to_srgb(np.clip(demosaic(counted) / white * gains * error, 0.0, 1.0))


def tone_mapping(picture: Light, rng: np.random.Generator, strength: float) -> Light:
    """Compress the range of large areas, lift detail, bend the curve and push colours, as a phone does.

    Args:
        picture: sRGB, 0 to 1.
        rng: Draws exposure, curve and colourfulness.
        strength: 0 to 1.
    """
    luminance = np.maximum(to_linear(picture) @ _LUMINANCE, 1e-4)
    detail = np.log(luminance)
    base = cv2.GaussianBlur(detail, (0, 0), max(2.0, picture.shape[0] / 16))
    flattened = base * (1.0 - 0.6 * strength * rng.uniform(0.5, 1.0)) + (detail - base) * (1.0 + 0.9 * strength)
    mapped = np.exp(flattened + rng.uniform(-1.2, 0.8) * strength)
    mapped = mapped * (1.0 + mapped / 4.0) / (1.0 + mapped)  # Reinhard's curve, white at 2
    ratio = (mapped / luminance)[..., None]
    shown = to_srgb(np.clip(to_linear(picture) * ratio, 0.0, 1.0))
    grey = (shown @ _LUMINANCE)[..., None]
    return np.asarray(grey + (shown - grey) * (1.0 + strength * rng.uniform(-0.5, 0.6)), np.float64)


def resizing(picture: Light, rng: np.random.Generator, strength: float) -> Light:
    """Make the picture smaller and bring it back to its size, with the filters of various programs.

    Args:
        picture: sRGB, 0 to 1.
        rng: Draws the filters.
        strength: 0 to 1; at 1 less than half of each side is left.
    """
    height, width = picture.shape[:2]
    share = 0.92 - 0.47 * strength
    down = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.integers(4))]
    up = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[int(rng.integers(3))]
    small = cv2.resize(picture, (max(8, round(width * share)), max(8, round(height * share))), interpolation=down)
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.float64)


def recompression(picture: Light, rng: np.random.Generator, strength: float) -> Light:
    """Compress the picture one to three times, each time on another grid of blocks, by JPEG or WebP.

    Args:
        picture: sRGB, 0 to 1.
        rng: Draws rounds, grids and formats.
        strength: 0 to 1: qualities around 92 to around 20.
    """
    for _ in range(int(rng.integers(1, 4))):
        quality = round(float(np.clip(92.0 - 72.0 * strength + rng.normal(0.0, 4.0), 10, 97)))
        webp = bool(rng.random() < 0.4)
        top, left = (int(shift) for shift in rng.integers(0, 8, 2))
        padded = cv2.copyMakeBorder(picture, top, 0, left, 0, cv2.BORDER_REFLECT)
        code = Image.fromarray(np.round(np.clip(padded, 0.0, 1.0) * 255.0).astype(np.uint8))
        file = io.BytesIO()
        code.save(file, "WEBP" if webp else "JPEG", quality=quality)
        with Image.open(file) as decoded:
            picture = np.asarray(decoded.convert("RGB"), np.float64)[top:, left:] / 255.0
    return picture


EFFECTS: tuple[tuple[str, Effect], ...] = (
    ("optics", optics),
    ("sensor", sensor),
    ("tone_mapping", tone_mapping),
    ("resizing", resizing),
    ("recompression", recompression),
)


def to_linear(picture: Light) -> Light:
    """Return linear light of an sRGB picture, both 0 to 1."""
    return np.where(picture <= 0.04045, picture / 12.92, ((np.maximum(picture, 0.0) + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Light) -> Light:
    """Return the sRGB picture of linear light, both 0 to 1."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)


def demosaic(mosaic: NDArray[np.float64]) -> Light:
    """Interpolate a Bayer mosaic (red at the top left) bilinearly: each colour from its nearest sites.

    Args:
        mosaic: (H, W).
    """
    sites = _bayer(*mosaic.shape)
    spread = np.array([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])
    known = cv2.filter2D(mosaic[..., None] * sites, cv2.CV_64F, spread, borderType=cv2.BORDER_REFLECT_101)
    weight = cv2.filter2D(sites, cv2.CV_64F, spread, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(np.where(sites > 0, mosaic[..., None], known / weight), np.float64)


def _bayer(height: int, width: int) -> NDArray[np.float64]:
    sites = np.zeros((height, width, 3))
    sites[0::2, 0::2, 0] = sites[0::2, 1::2, 1] = sites[1::2, 0::2, 1] = sites[1::2, 1::2, 2] = 1.0
    return sites


def _aperture(rng: np.random.Generator, strength: float) -> NDArray[np.float64]:
    """Draw an opening of five to eight blades, brighter at its rim (uncorrected spherical aberration)."""
    radius = 0.5 + 2.0 * strength
    blades, turn = int(rng.integers(5, 9)), rng.uniform(0.0, 2 * np.pi)
    rim = rng.uniform(0.0, 1.5)
    fine, half = 8, int(np.ceil(radius)) + 1
    axis = (np.arange((2 * half + 1) * fine) + 0.5) / fine - half - 0.5
    down, across = np.meshgrid(axis, axis, indexing="ij")
    angle = (np.arctan2(down, across) + turn) % (2 * np.pi / blades) - np.pi / blades
    distance = np.hypot(down, across) * np.cos(angle) / np.cos(np.pi / blades)  # to the edge of the polygon
    light = np.where(distance <= radius, 1.0 + rim * (distance / radius) ** 2, 0.0)
    kernel = light.reshape(2 * half + 1, fine, 2 * half + 1, fine).sum(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), np.float64)


def _hand(rng: np.random.Generator, strength: float) -> NDArray[np.float64]:
    """Draw the curved, uneven path of a hand that trembles while the shutter is open."""
    steps, length = 96, 1.0 + 5.0 * strength
    turns = np.cumsum(rng.normal(0.0, 0.12, steps)) + rng.uniform(0.0, 2 * np.pi)
    speed = np.abs(1.0 + np.cumsum(rng.normal(0.0, 0.15, steps)))
    speed *= length / speed.sum()
    path = np.cumsum(np.stack([np.sin(turns), np.cos(turns)]) * speed, axis=1)
    path -= path.mean(axis=1, keepdims=True)
    half = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    base = np.floor(path).astype(int)
    share = path - base
    for down in (0, 1):
        for across in (0, 1):
            weight = np.abs(1 - down - share[0]) * np.abs(1 - across - share[1])
            np.add.at(kernel, (base[0] + half + down, base[1] + half + across), weight)
    return np.asarray(kernel / kernel.sum(), np.float64)
