"""Where things lie and what stands in for what: one TOML or JSON file, or flags."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syndr_curate import CurateError

# The released run leaves these out of training, and lets them lend their labels.
HELD_OUT = ("I06", "I07", "I18", "I19", "I53", "I58", "I70")
# Flags of train.py that are a table's own, or that would end a run before it is done.
OWN_FLAGS = (
    *("train", "variant", "all-candidates", "split", "backbone", "weights", "seed", "out", "resume", "predictions"),
    *("test", "test-split", "test-short-side", "stop-after", "stop-after-steps"),
)
SETS = ("kadid10k", "kadis700k", "livec", "koniq10k", "bid", "pipal", "live", "csiq", "tid2013")


@dataclass(frozen=True)
class Places:
    """What a reproduction needs to know of a machine.

    Attributes:
        data: Folder of each data set, by its name.
        images: Folder of a test set's images below its own, where it is not the usual one.
        weights: Of each backbone: a file, `cached` or `none`; by default `cached`.
        backbones: Other networks in the place of the paper's.
        encoders: Other content encoders in the place of the paper's.
        encoder_weights: A local checkpoint of a content encoder.
        candidates: How many references are drawn from KADIS-700k.
        held_out: References of KADID-10k that are not trained on in the synthetic-to-real tables.
        train: Flags of train.py for every run, without their dashes.
        launcher: What starts train.py, such as `accelerate launch --num_processes 4`; empty: this very process.
    """

    data: Mapping[str, Path]
    images: Mapping[str, str] = field(default_factory=lambda: {"koniq10k": "512x384"})
    weights: Mapping[str, str] = field(default_factory=dict)
    backbones: Mapping[str, str] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    encoder_weights: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 81
    held_out: Sequence[str] = HELD_OUT
    train: Mapping[str, Any] = field(default_factory=dict)
    launcher: str = ""

    def folder_of(self, name: str) -> Path:
        """Return the folder of a data set.

        Raises:
            CurateError: Nobody said where it is, or it is not there.
        """
        if name not in self.data:
            raise CurateError(f"where is {name}? Give --data {name}=FOLDER, or {name} under [data] of --paths FILE")
        if not self.data[name].is_dir():
            raise CurateError(f"no folder {self.data[name]}; expected that of {name}")
        return self.data[name]

    def backbone_of(self, name: str) -> tuple[str, str]:
        """Return the network in the place of a backbone of the paper, and its weights."""
        network = self.backbones.get(name, name)
        return network, self.weights.get(network, "cached")

    def encoder_of(self, name: str) -> tuple[str, ...]:
        """Return the flags of the encoder in the place of one of the paper."""
        encoder = self.encoders.get(name, name)
        weights = self.encoder_weights.get(encoder)
        return ("--encoder", encoder, *(("--weights", weights) if weights else ()))


def read_places(file: Path | None, data: Sequence[str] = (), train: Sequence[str] = ()) -> Places:
    """Read a file of paths, and flags over it.

    Args:
        file: TOML or JSON with the attributes of `Places`; None where flags say all.
        data: `NAME=FOLDER` each.
        train: `FLAG=VALUE` each, flags of train.py without their dashes.

    Raises:
        CurateError: The file is none, or says what nobody asked for.
    """
    found = {} if file is None else _read(file)
    unknown = sorted(set(found) - set(Places.__dataclass_fields__))
    if unknown:
        known = ", ".join(Places.__dataclass_fields__)
        raise CurateError(f"{file}: nothing is called {unknown[0]!r} there; expected {known}")
    folders = {**found.get("data", {}), **_pairs("--data", data)}
    strange = sorted(set(folders) - set(SETS))
    if strange:
        raise CurateError(f"no data set is called {strange[0]!r}; expected {', '.join(SETS)}")
    found["data"] = {name: Path(folder) for name, folder in folders.items()}
    found["train"] = {**found.get("train", {}), **_pairs("--train", train)}
    own = sorted(set(found["train"]) & set(OWN_FLAGS))
    if own:
        raise CurateError(
            f"train: {own[0]} is not for you to set, since the tables set it; leave it out. Networks are exchanged "
            "under [backbones], their weights under [weights]; --seeds says how many seeds"
        )
    return Places(**found)


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            found = json.loads(text)
        else:
            try:
                import tomllib
            except ImportError:  # before Python 3.11
                import tomli as tomllib
            found = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise CurateError(f"{file} cannot be read as TOML or JSON: {error}") from error
    if not isinstance(found, dict):
        raise CurateError(f"{file} holds no table of names; expected [data] and so on")
    return found


def _pairs(flag: str, given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [name for name, sign, value in pairs if not (sign and value)]
    if wrong:
        raise CurateError(f"{flag} {wrong[0]}: expected NAME=VALUE")
    return {name: value for name, _, value in pairs}
