"""Reshape synthetic image-quality data: SynDR-IQA, DGQA and DSMix as standalone stages."""

from .curate.errors import CurateError

__version__ = "0.1.0"
__all__ = ["CurateError", "__version__"]
