"""One reader per labelled test set: its own label file, scale and direction.

What could not be checked against the sets themselves is said at the reader.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids, stem_id, strip_image_suffix
from ..storage.texts.csv_tables import read_csv
from ..storage.texts.strict_numbers import finite_number, whole_number
from .labels import LabelScale
from .test_set_files import ImageFolder, find_file, first_folder, read_mat, read_sheet, require_file

LIVE_FOLDERS = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
CSIQ_TYPES = {  # the spreadsheet's name of a type: its folder, and how file names call it
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
KONIQ_SPLITS = {"training": "train", "validation": "val", "test": "test"}
_PRACTICE = re.compile(r"t[0-9]+\.", re.IGNORECASE)
_TID_LINE = re.compile(r"(?P<score>\S+)\s+(?P<name>(?P<reference>i[0-9]{2})_[0-9]{2}_[0-9]\.bmp)", re.IGNORECASE)


@dataclass(frozen=True)
class Rating:
    """What people said of one image.

    Attributes:
        id: The row's sample id: the file's stem (LIVE: with its folder, since its folders share file names).
        path: The image, relative to the set's root.
        score: On the set's own scale.
        standard_error: Of the score, on the same scale; None where the set does not say how many people voted.
        reference: The pristine image, relative to the set's root; None where there is none.
        split: `train`, `val` or `test`: the official one, otherwise `test`.
    """

    id: str
    path: str
    score: float
    standard_error: float | None = None
    reference: str | None = None
    split: str = "test"


@dataclass(frozen=True)
class Reading:
    """What a reader found: its label files, and every rating in file order."""

    files: tuple[Path, ...]
    ratings: list[Rating]
    scale: LabelScale
    left_out: str | None = None


def read_koniq10k(root: Path, images: str | None) -> Reading:
    """Read KonIQ-10k: 10,073 photographs, MOS 1-5, higher is better.

    `koniq10k_scores_and_distributions.csv` (`image_name`, `MOS`, `SD`, `c_total`) gives the scores;
    `koniq10k_distributions_sets.csv` (`set`) the official split where it is there, and the scores (`MOS`, on 0-100)
    if it is there alone; its `SD` stays on 1-5. Images: `1024x768/` or `512x384/`.
    """
    folder = ImageFolder(root, images or first_folder(root, "1024x768", "512x384"))
    scores = find_file(root, "koniq10k_scores_and_distributions.csv")
    sets = find_file(root, "koniq10k_distributions_sets.csv")
    if scores is None and sets is None:
        require_file(root, "koniq10k_scores_and_distributions.csv", "koniq10k_distributions_sets.csv")
    scale = LabelScale(1.0, 5.0) if scores else LabelScale(0.0, 100.0)
    spread = (scale.maximum - scale.minimum) / 4.0
    splits: dict[str, str] = {}
    if sets is not None:
        for row in _records(sets, ("image_name", "set")):
            if row["set"] not in KONIQ_SPLITS:
                raise CurateError(
                    f"{sets}: the set of {row['image_name']!r} is {row['set']!r}, not one of {', '.join(KONIQ_SPLITS)}"
                )
            splits[row["image_name"]] = KONIQ_SPLITS[row["set"]]
    files = tuple(file for file in (scores, sets) if file is not None)
    rows = _records(files[0], ("image_name", "MOS", "SD", "c_total"))
    names = [row["image_name"] for row in rows]
    lacking = [name for name in names if splits and name not in splits]
    if lacking:
        reason = explain_mismatch(names, splits, wanted_in=str(files[0]), given_in=str(sets))
        raise CurateError(f"{sets} does not say the set of {list_ids(lacking)}{reason}")
    ratings = []
    for row in rows:
        file = row["image_name"]
        votes = _number(files[0], file, row["c_total"], least=0)
        error = _number(files[0], file, row["SD"], least=0) * spread / math.sqrt(votes) if votes > 0 else None
        score = _number(files[0], file, row["MOS"])
        ratings.append(Rating(stem_id(file), folder.find(file), score, error, split=splits.get(file, "test")))
    return Reading(files, ratings, scale)


def read_livec(root: Path, images: str | None) -> Reading:
    """Read LIVE In the Wild (LIVE Challenge): 1,162 photographs, MOS 0-100, higher is better.

    `Data/AllImages_release.mat` and `Data/AllMOS_release.mat`; images in `Images/`. The seven pictures `t1` to `t7`
    that raters practised on are left out, as everybody leaves them out. The votes' standard deviations are there but
    not their number, so there is no standard error.
    """
    names_file = require_file(root, "Data/AllImages_release.mat", "AllImages_release.mat")
    scores_file = require_file(root, "Data/AllMOS_release.mat", "AllMOS_release.mat")
    names = read_mat(names_file, "AllImages_release")
    scores = read_mat(scores_file, "AllMOS_release")
    _require_as_many(names_file, names, scores_file, scores)
    folder = ImageFolder(root, images or "Images")
    rated = [(n, s) for n, s in zip(names, scores, strict=True) if not _PRACTICE.match(str(n))]
    ratings = [Rating(stem_id(n), folder.find(n), _number(scores_file, n, s)) for n, s in rated]
    practice = len(names) - len(rated)
    left_out = f"{practice} pictures that raters practised on" if practice else None
    return Reading((names_file, scores_file), ratings, LabelScale(0.0, 100.0), left_out)


def read_bid(root: Path, images: str | None) -> Reading:
    """Read BID (Blurred Image Database): 586 photographs, grade 0-5, higher is better.

    `DatabaseGrades.xlsx`, or exported as `.csv` (`Image Number`, `Average Subjective Grade`); image N is
    `DatabaseImageNNNN.JPG`, in `ImageDatabase/` or beside the label file. Known from published code that reads the set.
    """
    file = require_file(root, "DatabaseGrades.csv", "DatabaseGrades.xlsx")
    folder = ImageFolder(root, images or first_folder(root, "ImageDatabase", "."))
    ratings = []
    for row in read_sheet(file, ("Image Number", "Average Subjective Grade")):
        image_number = whole_number(row["Image Number"].removesuffix(".0"))
        if image_number is None or image_number < 0:
            raise CurateError(f"{file}: {row['Image Number']!r} is not an image number; expected digits such as 17")
        name = f"DatabaseImage{image_number:04d}.JPG"
        ratings.append(Rating(stem_id(name), folder.find(name), _number(file, name, row["Average Subjective Grade"])))
    return Reading((file,), ratings, LabelScale(0.0, 5.0))


def read_spaq(root: Path, images: str | None) -> Reading:
    """Read SPAQ: 11,125 smartphone photographs, MOS 0-100, higher is better.

    `Annotations/MOS and Image attribute scores.xlsx`, or exported as `.csv` (`Image name`, `MOS`); images in
    `TestImage/`.
    """
    stem = "MOS and Image attribute scores"
    paths = [f"{parent}{stem}{suffix}" for suffix in (".csv", ".xlsx") for parent in ("Annotations/", "")]
    file = require_file(root, *paths)
    folder = ImageFolder(root, images or "TestImage")
    ratings = [
        Rating(stem_id(row["Image name"]), folder.find(row["Image name"]), _number(file, row["Image name"], row["MOS"]))
        for row in read_sheet(file, ("Image name", "MOS"))
    ]
    return Reading((file,), ratings, LabelScale(0.0, 100.0))


def read_tid2013(root: Path, images: str | None) -> Reading:
    """Read TID2013: 3,000 distorted images of 25 references, MOS 0-9, higher is better.

    `mos_with_names.txt`: a score and a name (`I01_01_1.bmp`) per line; `distorted_images/`, `reference_images/`. Names
    on disk differ in case from those in the file. Its types and levels are not KADID-10k's: those columns stay null.
    """
    file = require_file(root, "mos_with_names.txt")
    folder, references = ImageFolder(root, images or "distorted_images"), ImageFolder(root, "reference_images")
    try:
        lines = [line.strip() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CurateError(f"cannot read {file}: {error}") from error
    ratings = []
    for line in lines:
        match = _TID_LINE.fullmatch(line)
        if match is None:
            raise CurateError(f"{file}: {line!r} is not a score and a name like I01_01_1.bmp")
        name, reference = match["name"], references.find(f"{match['reference'].upper()}.BMP")
        ratings.append(
            Rating(stem_id(name), folder.find(name), _number(file, name, match["score"]), reference=reference)
        )
    return Reading((file,), ratings, LabelScale(0.0, 9.0))


def read_live(root: Path, images: str | None) -> Reading:
    """Read LIVE (release 2): 779 distorted images of 29 references, realigned DMOS, lower is better.

    `dmos_realigned.mat` (`dmos_new`, `orgs`) and `refnames_all.mat` give 982 entries in the order of `jp2k/img1.bmp` to
    `img227.bmp`, `jpeg/` (233), `wn/`, `gblur/`, `fastfading/` (174 each). Entries with `orgs` are undistorted copies,
    scored 0 by definition, and left out. Realigned scores leave 0-100 at both ends, so the scale is that of the file:
    its smallest to its largest score, the copies' 0 included.
    """
    file, names_file = require_file(root, "dmos_realigned.mat"), require_file(root, "refnames_all.mat")
    scores, copies = read_mat(file, "dmos_new"), read_mat(file, "orgs")
    references = read_mat(names_file, "refnames_all")
    names = [f"{folder}/img{number}.bmp" for folder, count in LIVE_FOLDERS for number in range(1, count + 1)]
    for path, values in ((file, scores), (file, copies), (names_file, references)):
        _require_as_many(path, values, Path("LIVE release 2"), names)
    numbers = [_number(file, name, score) for name, score in zip(names, scores, strict=True)]
    if min(numbers) == max(numbers):
        raise CurateError(f"{file}: dmos_new holds 982 times the same score")
    folder, pristine = ImageFolder(root, images or "."), ImageFolder(root, "refimgs")
    ratings = [
        Rating(strip_image_suffix(name), folder.find(name), score, reference=pristine.find(reference))
        for name, score, reference, copy in zip(names, numbers, references, copies, strict=True)
        if not copy
    ]
    left_out = f"{len(names) - len(ratings)} undistorted copies of the references, scored 0 by definition"
    return Reading((file, names_file), ratings, LabelScale(min(numbers), max(numbers), False), left_out)


def read_csiq(root: Path, images: str | None) -> Reading:
    """Read CSIQ: 866 distorted images of 30 references, DMOS 0-1, lower is better.

    `csiq.DMOS.xlsx`, sheet `all_by_image`, or that sheet exported as `csiq.DMOS.csv` (`image`, `dst_type`, `dst_lev`,
    `dmos`); images like `dst_imgs/awgn/1600.AWGN.1.png`, references in `src_imgs/`.
    """
    file = require_file(root, "csiq.DMOS.csv", "csiq.DMOS.xlsx")
    folder, references = ImageFolder(root, images or "dst_imgs"), ImageFolder(root, "src_imgs")
    flat = images is not None and not any((root / images / kind).is_dir() for kind, _ in CSIQ_TYPES.values())
    ratings = []
    for row in read_sheet(file, ("image", "dst_type", "dst_lev", "dmos"), sheet="all_by_image"):
        kind, level = CSIQ_TYPES.get(row["dst_type"].lower()), row["dst_lev"].removesuffix(".0")
        if kind is None or level not in {"1", "2", "3", "4", "5"}:
            raise CurateError(
                f"{file}: {row['dst_type']!r} at level {row['dst_lev']!r} is no type of CSIQ ({', '.join(CSIQ_TYPES)}) "
                "at level 1-5"
            )
        picture = row["image"].removesuffix(".0")
        name = f"{picture}.{kind[1]}.{level}.png"
        path = folder.find(name if flat else f"{kind[0]}/{name}")
        score = _number(file, name, row["dmos"])
        ratings.append(Rating(stem_id(name), path, score, reference=references.find(f"{picture}.png")))
    return Reading((file,), ratings, LabelScale(0.0, 1.0, False))


READERS: Mapping[str, Callable[[Path, str | None], Reading]] = {
    "koniq10k": read_koniq10k,
    "livec": read_livec,
    "bid": read_bid,
    "spaq": read_spaq,
    "tid2013": read_tid2013,
    "live": read_live,
    "csiq": read_csiq,
}


def _records(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    frame = read_csv(path)
    for name in columns:
        if name not in frame.columns:
            raise CurateError(f"{path} has no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*(frame[c].tolist() for c in columns), strict=True)]


def _number(path: Path, name: str, value: object, *, least: float = -math.inf) -> float:
    number = finite_number(str(value))
    if number is None:
        raise CurateError(f"{path}: {value!r} for {name!r} is not a finite number; expected digits such as 3.25")
    if number < least:
        raise CurateError(f"{path}: {value!r} for {name!r} is below {least:g}")
    return number


def _require_as_many(path: Path, values: Sequence[object], other: Path, others: Sequence[object]) -> None:
    if len(values) != len(others):
        raise CurateError(f"{path} has {len(values)} entries, {other} has {len(others)}; they belong together")
