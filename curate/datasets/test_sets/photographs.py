"""Readers of rated photographs, one per set: its own label file, scale and direction.

What could not be checked against the sets themselves is said at the reader.
"""

import math
import re
from pathlib import Path

from ...errors import CurateError
from ...manifest.id_mismatch import explain_mismatch
from ...manifest.ids import list_ids, stem_id
from ...storage.texts.strict_numbers import whole_number
from ..labels import LabelScale
from .image_names import ImageFolder, ImageTree
from .label_files import find_file, first_folder, read_mat, read_sheet, require_file
from .ratings import Rating, Reading, read_number, read_records, require_equal_counts, widened_scale

KONIQ_SPLITS = {"training": "train", "validation": "val", "test": "test"}
# "an average of 175 ratings on each image", says the set's readme; the number of each image is not published.
LIVEC_VOTES = 175
BIQ_FILES = (("Train (Images and MOS).csv", "Test (Images and MOS).csv"), ("Train.csv", "Test.csv"))
_PRACTICE = re.compile(r"t[0-9]+\.", re.IGNORECASE)


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
        for row in read_records(sets, ("image_name", "set")):
            if row["set"] not in KONIQ_SPLITS:
                raise CurateError(
                    f"{sets}: the set of {row['image_name']!r} is {row['set']!r}, not one of {', '.join(KONIQ_SPLITS)}"
                )
            splits[row["image_name"]] = KONIQ_SPLITS[row["set"]]
    files = tuple(file for file in (scores, sets) if file is not None)
    rows = read_records(files[0], ("image_name", "MOS", "SD", "c_total"))
    names = [row["image_name"] for row in rows]
    lacking = [name for name in names if splits and name not in splits]
    if lacking:
        reason = explain_mismatch(names, splits, wanted_in=str(files[0]), given_in=str(sets))
        raise CurateError(
            f"{sets} does not say the set of {list_ids(lacking)}{reason}; expected a row for every image of the set"
        )
    ratings = []
    for row in rows:
        file = row["image_name"]
        votes = read_number(files[0], file, row["c_total"], least=0)
        error = read_number(files[0], file, row["SD"], least=0) * spread / math.sqrt(votes) if votes > 0 else None
        score = read_number(files[0], file, row["MOS"])
        ratings.append(Rating(stem_id(file), folder.find(file), score, error, split=splits.get(file, "test")))
    return Reading(files, ratings, scale)


def read_livec(root: Path, images: str | None) -> Reading:
    """Read LIVE In the Wild (LIVE Challenge): 1,162 photographs, MOS 0-100, higher is better.

    `Data/AllImages_release.mat`, `Data/AllMOS_release.mat` and, where it is there, `Data/AllStdDev_release.mat`; images
    in `Images/`. The seven pictures `t1` to `t7` that raters practiced on are left out, as everybody leaves them out.
    Standard errors take every image to have the average number of votes.
    """
    names_file = require_file(root, "Data/AllImages_release.mat", "AllImages_release.mat")
    scores_file = require_file(root, "Data/AllMOS_release.mat", "AllMOS_release.mat")
    spread_file = find_file(root, "Data/AllStdDev_release.mat", "AllStdDev_release.mat")
    names = read_mat(names_file, "AllImages_release")
    scores = read_mat(scores_file, "AllMOS_release")
    require_equal_counts(names_file, names, scores_file, scores)
    errors: list[float | None] = [None] * len(names)
    if spread_file is not None:
        spreads = read_mat(spread_file, "AllStdDev_release")
        require_equal_counts(names_file, names, spread_file, spreads)
        errors = [
            read_number(spread_file, n, s, least=0) / math.sqrt(LIVEC_VOTES)
            for n, s in zip(names, spreads, strict=True)
        ]
    folder = ImageFolder(root, images or "Images")
    rated = [each for each in zip(names, scores, errors, strict=True) if not _PRACTICE.match(str(each[0]))]
    ratings = [Rating(stem_id(n), folder.find(n), read_number(scores_file, n, s), error) for n, s, error in rated]
    practice = len(names) - len(rated)
    left_out = f"{practice} pictures that raters practiced on" if practice else None
    files = tuple(file for file in (names_file, scores_file, spread_file) if file is not None)
    return Reading(files, ratings, LabelScale(0.0, 100.0), left_out)


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
        ratings.append(
            Rating(stem_id(name), folder.find(name), read_number(file, name, row["Average Subjective Grade"]))
        )
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
        Rating(stem_id(name), folder.find(name), read_number(file, name, row["MOS"]))
        for row in read_sheet(file, ("Image name", "MOS"))
        for name in (row["Image name"],)
    ]
    return Reading((file,), ratings, LabelScale(0.0, 100.0))


def read_biq2021(root: Path, images: str | None) -> Reading:
    """Read BIQ2021: 12,000 photographs, MOS 0-1, higher is better.

    `Train.csv` and `Test.csv`, or `Train (Images and MOS).csv` and its twin (`Image Name`, `MOS`), are the official
    split; images in `Images/`. Both pairs have been published: the scores of the first go a little below 0, and the
    second, which stays above, is taken where both are there.
    """
    pair = next((names for names in BIQ_FILES if find_file(root, names[0])), BIQ_FILES[-1])
    files = tuple(require_file(root, name) for name in pair)
    folder = ImageFolder(root, images or "Images")
    ratings = [
        Rating(name, folder.find(row["Image Name"]), read_number(file, name, row["MOS"]), split=split)
        for file, split in zip(files, ("train", "test"), strict=True)
        for row in read_records(file, ("Image Name", "MOS"))
        for name in (stem_id(row["Image Name"]),)
    ]
    return Reading(files, ratings, widened_scale(files[0], [rating.score for rating in ratings], 0.0, 1.0))


def read_cid2013(root: Path, images: str | None) -> Reading:
    """Read CID2013: 474 photographs of 79 cameras in six image sets, realigned MOS 0-100, higher is better.

    `CID2013 data - version 12112014.xlsx`, sheet `CID2013 MOS`, or that sheet exported as `.csv` (`Source_ID`,
    `Realigned MOS`: on one scale for all six); photograph `IS_I_C01_D01` is `IS_I_C01_D01.jpg`, e.g. in `IS1/co1/`.
    Known from published code that reads the set.
    """
    stem = "CID2013 data - version 12112014"
    file = require_file(root, f"{stem}.csv", f"{stem}.xlsx")
    tree = ImageTree(root, images or ".")
    ratings = [
        Rating(
            row["Source_ID"],
            tree.find(f"{row['Source_ID']}.jpg"),
            read_number(file, row["Source_ID"], row["Realigned MOS"]),
            group=row["Source_ID"].partition("_C")[0],
        )
        for row in read_sheet(file, ("Source_ID", "Realigned MOS"), sheet="CID2013 MOS")
    ]
    scale = widened_scale(file, [rating.score for rating in ratings], 0.0, 100.0)
    return Reading((file,), ratings, scale, group_column="image_set")
