"""ICC profiles: whether one says anything but sRGB, and pixels converted from it to sRGB."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# A profile within two levels of sRGB for every color is one of the many that are called sRGB.
_SAME_WITHIN = 2
_STEPS = np.linspace(0, 255, 9).astype(np.uint8)
_PROFILES_KEPT = 64
# The mode that pixels must have to be of a profile's color space.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


class UnusableProfileError(ValueError):
    """A color profile is damaged, or not for the kind of pixels that it comes with."""


def is_srgb(profile: bytes) -> bool:
    """Return whether a profile means the colors that pixels without one have; one that cannot be used does not.

    Gray levels with the tone curve of sRGB count as such.
    """
    return _srgb_levels_off(profile) <= _SAME_WITHIN


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an image from its profile to sRGB, or return it as it is where the profile says sRGB.

    Relative colorimetric with black point compensation: colors that sRGB has keep their measured color, white stays
    white, and those outside are clipped to the nearest.

    Args:
        image: Gray (`L`), `RGB` or `CMYK`; other modes are brought to RGB first.
        profile: Its ICC profile.

    Raises:
        UnusableProfileError: The profile is damaged, or for another kind of pixels.
    """
    if is_srgb(profile):
        return image
    mode = image.mode if image.mode in _MODES.values() else "L" if image.mode in ("1", "LA") else "RGB"
    transform = _transform(profile, mode)
    converted = ImageCms.applyTransform(image if image.mode == mode else image.convert(mode), transform)
    if converted is None:
        raise UnusableProfileError("its color profile cannot be applied")
    return converted


@functools.lru_cache(_PROFILES_KEPT)
def _srgb_levels_off(profile: bytes) -> float:
    try:
        space = _color_space(profile)
        if space == "GRAY":
            levels = Image.fromarray(_STEPS[None])
            found = np.asarray(ImageCms.applyTransform(levels, _transform(profile, "L")), np.int16)
            return float(np.abs(found - _STEPS[None, :, None]).max())
        if space != "RGB":
            return float("inf")
        colors = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(1, -1, 3)
        found = np.asarray(ImageCms.applyTransform(Image.fromarray(colors), _transform(profile, "RGB")), np.int16)
        return float(np.abs(found - colors).max())
    except UnusableProfileError:
        return float("inf")


@functools.lru_cache(_PROFILES_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    space = _color_space(profile)
    if _MODES.get(space) != mode:
        raise UnusableProfileError(f"its color profile is for {space} pixels, these are {mode}")
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise UnusableProfileError(f"its color profile is damaged: {error}") from error


def _color_space(profile: bytes) -> str:
    try:
        return str(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space).strip()
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise UnusableProfileError(f"its color profile is damaged: {error}") from error
