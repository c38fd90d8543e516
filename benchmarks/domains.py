"""How well domain classifiers tell the distortion types apart on photographs they have never seen.

    python benchmarks/domains.py [--classifier FILE.safetensors] [--per-reference all] [--quick]

Needs the reference data (``SYNDR_REFERENCE_DATA``). Fits the light classifier on the 144 BSDS photographs whose number
is even, times it, and asks it about all types and levels of the 24 Kodak photographs, as rendered and saved as JPEG of
quality 90, five patches per image. Then it selects types for target sets of three types each and for plain photographs.
``--classifier`` takes one fitted before. ``--quick`` uses every 6th reference and every 4th test photograph.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.datasets.image_folders import ImageSource, open_source
from syndr_curate.curate.domains.classifier import DomainClassifier
from syndr_curate.curate.domains.classifier_files import load_classifier
from syndr_curate.curate.domains.evaluation import ClassScores, confusion_figure, score_classes
from syndr_curate.curate.domains.excess_rule import select_by_excess
from syndr_curate.curate.domains.fitting.fit import LightSettings, fit_domains
from syndr_curate.curate.domains.fitting.fit_files import write_fitted
from syndr_curate.curate.domains.fitting.training_pictures import PRISTINE_LOOKING_CELLS, save_as_jpeg
from syndr_curate.curate.domains.pristine_scores import PristineScores
from syndr_curate.curate.domains.selection_rule import select_types
from syndr_curate.curate.domains.settings import DomainsSelectSettings
from syndr_curate.curate.manifest.recipes import distortion_name
from syndr_curate.curate.manifest.seeds import stream_seed
from syndr_curate.curate.rendering.render import render
from syndr_curate.curate.runs.threads import ordered_map
from syndr_curate.curate.storage.figures import require_matplotlib
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.curate.terminal.console import LogReporter

REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[1] / "../shared/data"))
JPEG_QUALITY = 90
SEED = 123
CELLS = ((0, 0), *((kind, level) for kind in range(1, 26) for level in range(1, 6)))
TARGETS = ((1, 9, 11), (10, 13, 22))
Key = tuple[int, int, bool, int]  # type, level, recompressed, photograph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", type=Path, help="fitted before; without it one is fitted")
    parser.add_argument("--per-reference", choices=("one", "all"), default="all")
    parser.add_argument("--quick", action="store_true", help="a sixth of the references, a quarter of the photographs")
    parser.add_argument(
        "--out", type=Path, help="also keep scores, confusion matrices and the classifier in this folder"
    )
    options = parser.parse_args()
    require_matplotlib("a confusion matrix")
    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        out.mkdir(parents=True, exist_ok=True)
        path = options.classifier or fit(out / "domains.safetensors", options.per_reference, quick=options.quick)
        classifier, _ = load_classifier(path)
        if classifier.pristine is None:
            raise SystemExit(f"{path} does not say what it takes pristine photographs for: fit it again")
        start = time.perf_counter()
        keys, scores = score_photographs(classifier, step=4 if options.quick else 1)
        print(f"{len(keys)} images rendered and classified in {time.perf_counter() - start:.0f} s")
        np.savez(out / "kodak.npz", keys=np.array(keys), scores=scores)
        report(keys, scores, out)
        select_targets(keys, scores, classifier.pristine)


def fit(path: Path, per_reference: str, *, quick: bool) -> Path:
    """Fit the light classifier to the even BSDS photographs and print how long it took."""
    source = open_source(REFERENCE_DATA / "images" / "bsds")
    even = [entry for entry in source.entries if int(entry.id) % 2 == 0]
    source = ImageSource("bsds-even", source.folder, tuple(even[:: 6 if quick else 1]))
    start = time.perf_counter()
    settings = LightSettings(per_reference="one" if per_reference == "one" else "all", seed=SEED)
    fitted = fit_domains(source, settings, reporter=LogReporter())
    seconds = time.perf_counter() - start
    summary = write_fitted(fitted, path)
    print(f"fitted on {len(source.entries)} references, {summary['patches']} patches, in {seconds:.0f} s")
    print(json.dumps({key: value for key, value in summary.items() if key.startswith("held_out")}))
    return path


def score_photographs(classifier: DomainClassifier, *, step: int) -> tuple[list[Key], NDArray[np.float64]]:
    """Return what each image is, and its class scores."""
    source = open_source(REFERENCE_DATA / "images" / "kodak")
    entries = list(enumerate(source.entries))[::step]
    jobs = [(number, entry, kind, level) for number, entry in entries for kind, level in CELLS]

    def score(job: tuple[int, object, int, int]) -> tuple[list[Key], NDArray[np.float64]]:
        number, _, kind, level = job
        entry = source.entries[number]
        photograph = decode_image(source.folder / entry.path)
        # The plain photograph is what a target set would hold: not stretched.
        image = photograph if kind == 0 else render(photograph, kind, level, stream_seed(SEED, entry.id, kind, level))
        prepared = [classifier.prepare(image), classifier.prepare(save_as_jpeg(image, JPEG_QUALITY))]
        return [(kind, level, again, number) for again in (False, True)], classifier.scores(prepared)

    found = list(ordered_map(score, jobs))
    return [key for keys, _ in found for key in keys], np.concatenate([scores for _, scores in found])


def report(keys: Sequence[Key], scores: NDArray[np.float64], out: Path) -> None:
    kinds, levels, again, _ = (np.array(column) for column in zip(*keys, strict=True))
    identity = np.array([(kind, level) in PRISTINE_LOOKING_CELLS for kind, level in zip(kinds, levels, strict=True)])
    groups = (
        ("levels 3-5", levels >= 3),
        ("levels 3-5 without (18,3)", (levels >= 3) & ~identity),
        ("levels 1-2 without identities", (levels > 0) & (levels <= 2) & ~identity),
        ("pristine", kinds == 0),
    )
    for name, chosen in groups:
        for saved in (False, True):
            found = score_classes(scores[chosen & (again == saved)], kinds[chosen & (again == saved)])
            what = f"saved as JPEG {JPEG_QUALITY}" if saved else "as rendered"
            print(f"{name:30} {what:16} top-1 {found.top1_accuracy():6.1%}  top-4 {found.top4_accuracy():6.1%}")
    for saved, name in ((False, "clean"), (True, "jpeg90")):
        here = (again == saved) & ~identity
        found = score_classes(scores[here], kinds[here])
        how = f"saved as JPEG {JPEG_QUALITY}" if saved else "as rendered"
        title = f"Kodak, all levels but identities, {how}, percent of each row"
        (out / f"kodak-{name}.png").write_bytes(confusion_figure(found, title))
        print(f"\nKodak {how}: recall by level 1-5, and what each type is most often taken for")
        print_confusions(found, kinds, levels, scores.argmax(axis=1), again == saved)


def print_confusions(
    found: ClassScores,
    kinds: NDArray[np.int64],
    levels: NDArray[np.int64],
    best: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> None:
    for kind in range(26):
        cells = []
        for level in (0,) if kind == 0 else range(1, 6):
            here = chosen & (kinds == kind) & (levels == level)
            mark = "=" if (kind, level) in PRISTINE_LOOKING_CELLS else " "
            cells.append(f"{(best[here] == kind).mean():5.0%}{mark}")
        wrong = found.confusion[kind].copy()
        wrong[kind] = 0
        most = [f"{distortion_name(k)} {wrong[k]}" for k in np.argsort(-wrong, kind="stable")[:3] if wrong[k]]
        print(f"{kind:2} {distortion_name(kind):23}{''.join(cells):32} {', '.join(most)}")


def select_targets(keys: Sequence[Key], scores: NDArray[np.float64], pristine: PristineScores) -> None:
    table = np.array(keys)
    for types, least in (*((types, least) for types in TARGETS for least in (1, 3)), ((0,), 0)):
        for saved in (False, True):
            chosen = np.isin(table[:, 0], types) & (table[:, 2] == saved) & (table[:, 1] >= least)
            found = select_by_excess(scores[chosen], pristine, most=DomainsSelectSettings.max_types)
            plain = select_types(scores[chosen])
            levels = f", levels {least}-5" if least else ""
            saving = f", saved as JPEG {JPEG_QUALITY}" if saved else ""
            print(f"\ntarget {types}{levels}{saving}: {found.images} images")
            for kind in sorted(range(1, 26), key=lambda kind: -found.excess[kind])[:6]:
                mark = "*" if kind in found.types else " "
                print(
                    f"  {mark} {distortion_name(kind):23} excess {found.excess[kind]:+.3f}"
                    f"  shown by {found.shares[kind]:5.1%}  certain {found.certainty[kind]:4.0%}"
                    f"  top-1 {found.top1_shares[kind]:5.1%}"
                )
            leading = sorted(plain.shares.items(), key=lambda item: -item[1])[:6]
            print(f"  published rule {plain.types}; leading {[(k, round(s, 3)) for k, s in leading]}")
            together = sum(found.top1_shares[kind] for kind in types)
            print(f"  top-1: {together:.1%} are of the set's types, pristine {found.top1_shares[0]:.1%}")


if __name__ == "__main__":
    main()
