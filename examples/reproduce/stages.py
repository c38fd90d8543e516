"""The manifests of a reproduction: test sets, training rows for a target, and candidates without selection."""

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from commands import digest, done_once, syndr_curate
from paper import Method, Target
from places import Places
from syndr_curate import read_manifest, write_manifest

TESTED_SPLIT = "test"
LEVELS = "1,3,5"  # of new references


@dataclass(frozen=True)
class Manifests:
    """Makes manifests below a folder, each once.

    Attributes:
        places: Where data lies.
        out: Their folder.
    """

    places: Places
    out: Path

    def test_set(self, target: Target, split_file: Path | None = None) -> Path:
        """Return the manifest of a test set; of PIPAL with one class of algorithm alone."""
        name = target.test if split_file is None else f"{target.test}-{split_file.stem}"
        folder = self.out / "tests" / name
        file = folder / f"{target.test}.parquet"
        arguments = ["testset", target.test, "--root", str(self.places.folder_of(target.test))]
        if target.test in self.places.images and (self._images(target.test)).is_dir():
            arguments += ["--images", self.places.images[target.test]]
        arguments += [] if split_file is None else ["--split-file", str(split_file)]
        done_once(folder, arguments, lambda: syndr_curate(*arguments, "--out", file, "--quiet"))
        return file if target.distortion_class is None else self._of_class(file, target)

    def splits(self, count: int) -> list[Path]:
        """Return files that split KADID-10k's references into 80 % for training and 20 % for testing."""
        folder = self.out / "splits"
        labels = self.places.folder_of("kadid10k") / "dmos.csv"
        arguments = ["split", str(labels), "--fractions", "0.8,0.2", "--seeds", str(count)]
        done_once(folder, arguments, lambda: syndr_curate(*arguments, "--out", folder, "--quiet"))
        return sorted(folder.glob("seed_*.csv"))

    def training(self, method: Method, target: Target, split_file: Path | None = None) -> Path:
        """Return what `upsample` makes for a target: labeled rows and the selected references, labeled by neighbors."""
        places = self.places
        arguments = [
            *("upsample", "--dataset", "kadid10k", "--root", str(places.folder_of("kadid10k"))),
            *("--candidates-root", str(places.folder_of("kadis700k")), "--candidates", str(places.candidates)),
            *("--types", target.types, "--levels", LEVELS, *places.encoder_of(method.encoder)),
            *(text for name, value in method.data.items() for text in (f"--{name}", value)),
            *self._split_flags(split_file),
        ]
        folder = self.out / "training" / f"{target.types}-{digest(arguments)}"
        file = folder / "train.parquet"

        def work() -> None:
            syndr_curate(*arguments, "--out", file, "--selection", folder / "selection.parquet", "--quiet")

        done_once(folder, arguments, work)
        return file

    def all_candidates(self, method: Method, target: Target, split_file: Path | None = None) -> Path:
        """Return all drawn candidates, distorted and labeled without selection (rows b and d of Table 4)."""
        drawn = self.training(method, target, split_file).parent
        folder = drawn.with_name(f"{drawn.name}-candidates")
        pictures, file = folder / "pictures", folder / "all.parquet"

        def work() -> None:
            self._lay_out(drawn / "selection.parquet", pictures)
            encoder = self.places.encoder_of(method.encoder)
            kadid = self.places.folder_of("kadid10k")
            features = {"references": kadid, "candidates": pictures}
            for name, source in features.items():
                syndr_curate("encode", source, "--out", folder / f"{name}.parquet", *encoder, "--quiet")
            made = folder / "distorted"
            syndr_curate("distort", pictures, "--types", target.types, "--levels", LEVELS, "--out", made, "--quiet")
            syndr_curate(
                *("label", "--manifest", made / "manifest.parquet", "--labels", kadid / "dmos.csv"),
                *("--reference-features", folder / "references.parquet"),
                *("--candidate-features", folder / "candidates.parquet"),
                *(text for name, value in method.data.items() for text in (f"--{name}", value)),
                *(*self._split_flags(split_file), "--out", file, "--quiet"),
            )

        done_once(folder, drawn.name, work)
        return file

    def _images(self, test: str) -> Path:
        return self.places.folder_of(test) / self.places.images[test]

    def _split_flags(self, split_file: Path | None) -> list[str]:
        if split_file is not None:
            return ["--split-file", str(split_file), "--neighbors-from", "train"]
        if not self.places.held_out:
            return ["--neighbors-from", "all"]
        # Its name says what it holds: other references are another file, and other manifests are made with it.
        file = self.out / f"held-out-{digest(list(self.places.held_out))}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([("reference_id", "split"), *((name, "val") for name in self.places.held_out)])
        return ["--split-file", str(file), "--neighbors-from", "all"]

    def _lay_out(self, selection: Path, folder: Path) -> None:
        """Put the drawn candidates into a folder of their own."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        table = pq.read_table(selection)
        drawn = table.filter(pc.not_equal(table["status"], "not_drawn"))
        root = self.places.folder_of("kadis700k")
        for path in drawn["candidate_path"].to_pylist():
            os.symlink((root / path).resolve(), folder / Path(path).name)

    def _of_class(self, file: Path, target: Target) -> Path:
        chosen = file.with_name(f"{target.test}-{target.distortion_class}.parquet")
        table = read_manifest(file)
        write_manifest(table.filter(pc.equal(table["distortion_class"], target.distortion_class)), chosen)
        return chosen
