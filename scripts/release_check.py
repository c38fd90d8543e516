"""Build a release from the last commit and try it as a user gets it: installed, outside the clone, on several Pythons.

`python scripts/release_check.py --python 3.10 --python 3.12`. For each Python: a new environment, `pip install` of the
wheel with everything that it requires, `pip check`, the demo, and `scripts/smoke_test.py`. It needs git, a package
index and, for one Python at a time, about 8 GB under `--work`. Exit status: 0 if every Python asked for passed, else 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]
SMOKE_TEST = Path(__file__).resolve().with_name("smoke_test.py")
PYTHONS = ("3.10", "3.12", "3.13")
# What a wheel may hold at its top: the package and the facts about it.
PACKAGE, FACTS = "syndr_curate", ".dist-info"
NOT_FOR_USERS = ("tests", "benchmarks", "docs", "examples", "scripts")
TAIL = 40  # lines shown of what a failed command printed


class CheckFailedError(Exception):
    """A step of the check did not succeed; the message is what to read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, install, try; return the exit status."""
    options = _parser().parse_args(arguments)
    asked = options.python or PYTHONS
    with tempfile.TemporaryDirectory(prefix="release-check-", dir=options.work) as name:
        work = Path(name)
        try:
            wheel, sdist = build(work)
            print(f"{sdist.name}: {sdist.stat().st_size:,} bytes\n{describe_wheel(wheel)}", flush=True)
        except CheckFailedError as error:
            print(f"FAILED to build: {error}")
            return 1
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            for file in (wheel, sdist):
                shutil.copy(file, options.keep)
        verdicts = {version: verdict(version, wheel, work) for version in asked}
    for version, found in verdicts.items():
        print(f"Python {version}: {found}")
    return 0 if all(found.startswith("passed") for found in verdicts.values()) else 1


def verdict(version: str, wheel: Path, work: Path) -> str:
    """Try the wheel on one Python, and say in a line how it went.

    Args:
        version: `3.12`, or the path of an interpreter.
        wheel: The wheel.
        work: Folder for the environment, which is removed afterwards.
    """
    python = find_python(version)
    if python is None:
        return "NOT CHECKED: no such interpreter on PATH or by `uv python find`; give its path to --python"
    print(f"\nPython {version}: {python}", flush=True)
    started = time.monotonic()
    folder = work / "trial"
    try:
        try_wheel(python, wheel, folder)
    except CheckFailedError as error:
        print(error)
        return f"FAILED: {str(error).splitlines()[0]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return f"passed in {time.monotonic() - started:.0f} s"


def find_python(version: str) -> str | None:
    """Return an interpreter that starts and has this version.

    Args:
        version: `3.12`, or the path of an interpreter, whatever its version.

    Returns:
        Its path; None if there is no such interpreter.
    """
    if os.sep in version:
        return version if _version_of(version) else None
    places = [shutil.which(f"python{version}")]
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", version], capture_output=True, text=True, check=False)
        places.append(found.stdout.strip() or None)
    # A command of this name may be a shim of pyenv that finds nothing behind it.
    return next((place for place in places if place and _version_of(place) == version), None)


def build(work: Path) -> tuple[Path, Path]:
    """Build the sdist from the last commit, and the wheel from the sdist.

    Args:
        work: An empty folder.

    Returns:
        The wheel and the sdist.

    Raises:
        CheckFailedError: The commit cannot be read, or a build ends with an error.
    """
    source, tools, built = work / "source", work / "tools", work / "dist"
    if _run(["git", "status", "--porcelain"], CLONE):
        print("The clone has changes that are not committed: they are not part of what is checked.")
    print("Building commit", _run(["git", "rev-parse", "HEAD"], CLONE).strip(), flush=True)
    _run(["git", "archive", "--output", str(work / "source.tar"), "HEAD"], CLONE)
    with tarfile.open(work / "source.tar") as archive:
        archive.extractall(source)
    venv.create(tools, with_pip=True)
    python = str(_python_in(tools))
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build"], work)
    _run([python, "-m", "build", "--outdir", str(built), str(source)], work)
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    return wheel, sdist


def describe_wheel(wheel: Path) -> str:
    """List what a wheel holds.

    Args:
        wheel: The wheel.

    Returns:
        Its size, then files and bytes by folder, then each file that is not code.

    Raises:
        CheckFailedError: It holds something beside the package, or a part of the clone that is not for users.
    """
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
    strays = [name for name in sizes if not _belongs(name)]
    if strays:
        raise CheckFailedError(f"{wheel.name} holds files that are not for users: {', '.join(strays)}")
    files, size = Counter[str](), Counter[str]()
    for name, count in sizes.items():
        folder = "/".join(name.split("/")[:-1][:3])
        files[folder] += 1
        size[folder] += count
    lines = [f"{wheel.name}: {wheel.stat().st_size:,} bytes, {len(sizes)} files of {sum(sizes.values()):,} bytes"]
    lines += [f"  {folder + '/':44}{files[folder]:5} files {size[folder]:11,} bytes" for folder in sorted(files)]
    lines += [f"  {name:55} {sizes[name]:11,} bytes" for name in sorted(sizes) if not name.endswith(".py")]
    return "\n".join(lines)


def try_wheel(python: str, wheel: Path, folder: Path) -> None:
    """Install a wheel into a new environment, and run the demo and the smoke test there.

    Args:
        python: The interpreter.
        wheel: The wheel.
        folder: Where to make the environment, and a folder to work in beside it; outside the clone.

    Raises:
        CheckFailedError: A step ends with an error.
    """
    environment, work = folder / "environment", folder / "work"
    work.mkdir(parents=True)
    _run([python, "-m", "venv", str(environment)], folder)
    inside = str(_python_in(environment))
    command = str(_python_in(environment).with_name("syndr-curate"))
    for step in (
        # Python compiles what is imported; compiling all of torch as well would take pip a minute more.
        [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", str(wheel)],
        [inside, "-m", "pip", "check"],
        [command, "--version"],
        [command, "demo", "--quiet"],
        [inside, "-I", str(SMOKE_TEST), str(environment)],
    ):
        started = time.monotonic()
        print("$ " + " ".join(step), flush=True)
        print(_run(step, work).rstrip(), f"[{time.monotonic() - started:.0f} s]", sep="\n", flush=True)


def _belongs(name: str) -> bool:
    top, _, rest = name.partition("/")
    return top.endswith(FACTS) or (top == PACKAGE and rest.split("/")[0] not in NOT_FOR_USERS)


def _python_in(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / "python"


def _version_of(python: str) -> str | None:
    asks = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        done = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _run(command: Sequence[str], folder: Path) -> str:
    """Run a command without the clone's or the caller's Python settings; return its stdout."""
    # PYTHONPATH and the like would let the clone or another environment stand in for the wheel.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-TAIL:])
        raise CheckFailedError(f"`{' '.join(command)}` ended with {done.returncode}\n{tail}")
    return done.stdout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python",
        action="append",
        metavar="VERSION",
        help=f"3.12, or the path of an interpreter; may be repeated (default: {', '.join(PYTHONS)})",
    )
    parser.add_argument("--work", type=Path, help="folder for temporary files (default: the system's)")
    parser.add_argument("--keep", type=Path, help="folder to copy the wheel and the sdist to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
