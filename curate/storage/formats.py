"""How pixels are stored; the command line reads the names from here, so this module imports no numeric library."""

from typing import Literal, get_args

ImageFormat = Literal["png", "bmp", "webp"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)
Layout = Literal["files", "webdataset", "parquet"]
ColorProfiles = Literal["ignore", "convert"]
COLOR_PROFILES: tuple[ColorProfiles, ...] = get_args(ColorProfiles)
