"""The camera family: parameters of the levels of its types, and where each comes from.

A picture meets the subfamilies in this order: optics, sensor, white balance, tone, resize, compression.
"""

from __future__ import annotations

from .distortion_type import Distortion


def _entry(
    number: int,
    name: str,
    subfamily: str,
    parameters: tuple[float, float, float, float, float],
    parameter: str,
    *,
    source: str,
    whole: bool = False,
    random: bool = True,
    minimum_size: int = 1,
) -> Distortion:
    return Distortion(number, name, "camera", subfamily, parameters, parameter, whole, random, minimum_size, source)


CAMERA: tuple[Distortion, ...] = (
    _entry(
        101,
        "bladed_defocus",
        "optics",
        (1, 1.5, 2.2, 3.3, 5),
        "radius in pixels",
        source="polygon of 5 to 8 blades with a bright rim, in linear light (Potmesil, Chakravarty, SIGGRAPH 1981)",
    ),
    _entry(
        102,
        "hand_shake",
        "optics",
        (2, 3.5, 6, 10, 17),
        "length of the path in pixels",
        source="random walk of direction and speed, in linear light (after Boracchi, Foi, IEEE TIP 2012)",
    ),
    _entry(
        103,
        "sensor_noise",
        "sensor",
        (4000, 1200, 400, 130, 40),
        "photons at white",
        source="photon and read noise (EMVA 1288) behind a Bayer mosaic, interpolated (Malvar et al., ICASSP 2004)",
        minimum_size=2,
    ),
    _entry(
        104,
        "white_balance_error",
        "white_balance",
        (0.15, 0.27, 0.45, 0.75, 1.25),
        "error in stops",
        source="wrong von Kries gains of red and blue, in linear light",
    ),
    _entry(
        105,
        "tone_mapping",
        "tone",
        (0.12, 0.25, 0.42, 0.65, 1),
        "strength",
        source="global curve (Reinhard et al., ACM TOG 2002), base and detail layer (Durand, Dorsey, SIGGRAPH 2002)",
    ),
    _entry(
        106,
        "low_light",
        "sensor",
        (3, 4.5, 6, 7.5, 9),
        "missing light in stops",
        source="exposure and noise of a Bayer mosaic (EMVA 1288), amplified in part, colors smoothed",
        minimum_size=2,
    ),
    _entry(
        107,
        "resizing",
        "resize",
        (0.85, 0.65, 0.45, 0.3, 0.18),
        "share of each side in between",
        source="filters of OpenCV and Pillow, with and without anti-aliasing",
    ),
    _entry(
        108,
        "web_recompression",
        "compression",
        (85, 65, 40, 20, 8),
        "mean quality of the rounds",
        source="one to three rounds of JPEG (ITU-T T.81) or WebP (RFC 9649) on shifted grids",
    ),
    _entry(
        109,
        "chroma_subsampling",
        "compression",
        (2, 4, 6, 10, 16),
        "side of a block in pixels",
        source="means of Cb and Cr of ITU-R BT.601, repeated",
        whole=True,
        random=False,
    ),
    _entry(
        110,
        "video_frame",
        "compression",
        (75, 45, 20, 6, 1),
        "quality of the encoder",
        source="key frame of VP8 (RFC 6386)",
        whole=True,
        random=False,
    ),
)
