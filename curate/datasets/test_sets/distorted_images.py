"""Readers of distorted images with references, one per set: its own label file, scale and direction.

What could not be checked against the sets themselves is said at the reader.
"""

import re
from pathlib import Path

from ...errors import CurateError
from ...manifest.ids import stem_id, strip_image_suffix
from ...storage.texts.utf8_text import read_utf8
from ..labels import LabelFile, LabelScale
from .image_names import ImageFolder, ImageTree
from .label_files import first_folder, read_mat, read_sheet, require_file
from .labeled_csv import read_labeled_csv
from .ratings import Rating, Reading, read_number, require_equal_counts

LIVE_FOLDERS = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
CSIQ_TYPES = {  # the spreadsheet's name of a type: its folder, and how file names call it
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
_TID_LINE = re.compile(r"(?P<score>\S+)\s+(?P<name>(?P<reference>i[0-9]{2})_[0-9]{2}_[0-9]\.bmp)", re.IGNORECASE)
_PIPAL_LINE = re.compile(
    r"(?P<name>(?P<reference>A[0-9]{4})_(?P<kind>0[0-6])_[0-9]{2}\.bmp)\s*,\s*(?P<score>\S+)", re.IGNORECASE
)


def read_tid2013(root: Path, images: str | None) -> Reading:
    """Read TID2013: 3,000 distorted images of 25 references, MOS 0-9, higher is better.

    `mos_with_names.txt`: a score and a name (`I01_01_1.bmp`) per line; `distorted_images/`, `reference_images/`. Names
    on disk differ in case from those in the file. Its types and levels are not KADID-10k's: those columns stay null.
    """
    file = require_file(root, "mos_with_names.txt")
    folder, references = ImageFolder(root, images or "distorted_images"), ImageFolder(root, "reference_images")
    lines = [line.strip() for line in read_utf8(file).splitlines() if line.strip()]
    ratings = []
    for line in lines:
        match = _TID_LINE.fullmatch(line)
        if match is None:
            raise CurateError(f"{file}: {line!r} is not a score and a name like I01_01_1.bmp")
        name, reference = match["name"], references.find(f"{match['reference'].upper()}.BMP")
        ratings.append(
            Rating(stem_id(name), folder.find(name), read_number(file, name, match["score"]), reference=reference)
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
        require_equal_counts(path, values, Path("LIVE release 2"), names)
    numbers = [read_number(file, name, score) for name, score in zip(names, scores, strict=True)]
    if min(numbers) == max(numbers):
        raise CurateError(
            f"{file}: dmos_new holds 982 times the same score; expected the official file of the set: download it again"
        )
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
        score = read_number(file, name, row["dmos"])
        ratings.append(Rating(stem_id(name), path, score, reference=references.find(f"{picture}.png")))
    return Reading((file,), ratings, LabelScale(0.0, 1.0, False))


def read_pipal(root: Path, images: str | None) -> Reading:
    """Read PIPAL's training part: 23,200 results of 116 algorithms and distortions on 200 references, Elo scores.

    `Train_Label/A0001.txt` and so on, each a name and a score per line (`A0001_00_00.bmp,1477.5`) without a header;
    images in `Distortion_1/` to `Distortion_4/` or one folder, references in `Train_Ref/`, at any depth. The two digits
    in the middle are the class of the algorithm. An Elo score has no ends, so the scale is from the smallest to the
    largest of the set. Known from published code that reads the set.
    """
    folders = sorted({path.parent for path in root.glob("**/Train_Label/*.txt")})
    if len(folders) != 1:
        raise CurateError(
            f"{root} has {len(folders)} folders Train_Label with .txt files below it; expected one, with a file such "
            "as A0001.txt for every reference"
        )
    files = tuple(sorted(folders[0].glob("*.txt")))
    distorted, pristine = ImageTree(root, images or "."), ImageTree(root)
    ratings = []
    for file in files:
        for line in filter(None, map(str.strip, read_utf8(file).splitlines())):
            match = _PIPAL_LINE.fullmatch(line)
            if match is None:
                raise CurateError(
                    f"{file}: {line!r} is not a name and a score like A0001_00_00.bmp,1477.5 of a class 00 to 06"
                )
            name, reference = match["name"], match["reference"]
            ratings.append(
                Rating(
                    stem_id(name),
                    distorted.find(name),
                    read_number(file, name, match["score"]),
                    reference_id=reference,
                    reference=pristine.get(f"{reference}.bmp"),
                    group=match["kind"],
                )
            )
    scores = [rating.score for rating in ratings]
    if not scores or min(scores) == max(scores):
        raise CurateError(f"{folders[0]} holds {len(scores)} scores and no two that differ; expected a scale of scores")
    return Reading(files, ratings, LabelScale(min(scores), max(scores)), group_column="distortion_class")


def read_kadid10k(root: Path, images: str | None) -> Reading:
    """Read KADID-10k: 10,125 distorted images of 81 references, DMOS 1-5, higher is better (its name misleads).

    `dmos.csv` (`dist_img`, `ref_img`, `dmos`, `var`: the standard deviation of 30 votes); `images/` holds references
    as well. The scale is from the smallest to the largest score of the file, as for training rows.
    """
    file = require_file(root, "dmos.csv")
    folder = ImageFolder(root, images or first_folder(root, "images", "."))
    return read_labeled_csv(LabelFile(file), folder, conditions=True)
