"""What `--version` prints: the versions that a bug report needs."""

import platform
from importlib.metadata import PackageNotFoundError, version

# A library, and the packages that may bring it; two of one row side by side are a common cause of trouble.
LIBRARIES = {
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "open_clip": ("open_clip_torch",),
    "timm": ("timm",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss"),
    "numpy": ("numpy",),
    "numba": ("numba",),
    "pyarrow": ("pyarrow",),
    "pillow": ("pillow",),
    "OpenCV": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
        "opencv",
    ),
}


def version_report(own: str) -> str:
    """List versions, one a line; nothing is imported for it.

    Args:
        own: The version of this package.

    Returns:
        `syndr-curate` first, then Python and the platform, then the libraries that decide on results.
    """
    lines = [f"syndr-curate {own}", f"Python {platform.python_version()} ({platform.platform()})"]
    return "\n".join([*lines, *(f"{name} {_installed(packages)}" for name, packages in LIBRARIES.items())])


def _installed(packages: tuple[str, ...]) -> str:
    found = []
    for package in packages:
        try:
            found.append(f"{version(package)} ({package})" if len(packages) > 1 else version(package))
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "is not installed"
