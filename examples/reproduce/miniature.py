"""Make miniature data sets in the official layouts, from painted scenes: every table then runs on a processor.

`python examples/reproduce/miniature.py FOLDER` writes the sets and FOLDER/paths.toml, for `reproduce.py --paths`. The
scores of such a run mean nothing.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from numpy.typing import NDArray
from syndr_curate import distort
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene

SIDE = 48
LEVELS = (1, 2, 3, 4, 5)
REFERENCES = 4  # of KADID-10k; a split of 80/20 holds one of them out
CANDIDATES = 6
PHOTOGRAPHS = 6  # of each test set
PIPAL_CLASSES = ("01", "02", "03", "04", "05", "06")
# How many entries LIVE's files have in each folder: its reader wants all 982, and leaves undistorted copies out.
LIVE_FOLDERS = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
LIVE_EVERY = 90
CSIQ_KINDS = (("noise", "awgn", "AWGN"), ("blur", "blur", "BLUR"), ("jpeg", "jpeg", "JPEG"))

PATHS = """# Miniature data sets and a tiny trainer: what is tested is that everything runs.
candidates = {candidates}
held_out = []

[data]
{data}

[encoders]
# No weights are needed.
resnet50 = "gist"
"timm:vit_base_patch16_224" = "gist"
clip-vit-b-16 = "gist"

[backbones]
# Another network in the place of each, with random weights.
resnet50 = "timm:test_resnet"
vgg16 = "timm:test_byobnet"
swin_t = "timm:test_convnext"
vit_b_16 = "timm:test_vit"
clip-vit-b-16 = "timm:test_vit"

[weights]
"timm:test_resnet" = "none"
"timm:test_byobnet" = "none"
"timm:test_convnext" = "none"
"timm:test_vit" = "none"

[train]
epochs = 1
crop = 32
test-patches = 1
batch-size = 64
lr = 0.001
workers = 0
device = "cpu"
"""


def make_sets(folder: Path) -> Path:
    """Write every set below a folder; return the file of paths."""
    makers = {
        **{"kadid10k": kadid10k, "kadis700k": kadis700k, "livec": livec, "koniq10k": koniq10k, "bid": bid},
        **{"pipal": pipal, "live": live, "csiq": csiq, "tid2013": tid2013},
    }
    for name, make in makers.items():
        (folder / name).mkdir(parents=True)
        make(folder / name)
    paths = folder / "paths.toml"
    lines = "\n".join(f'{name} = "{(folder / name).resolve().as_posix()}"' for name in makers)
    paths.write_text(PATHS.format(candidates=CANDIDATES, data=lines), encoding="utf-8")
    return paths


def kadid10k(root: Path) -> None:
    rows = []
    for number in range(1, REFERENCES + 1):
        # References one and two are alike, so that other scenes are far from all of them.
        picture = scene(number if number > 1 else 2, wobble=0.0 if number > 1 else 0.05)
        save(root / "images" / f"I{number:02d}.png", picture)
        for kind in range(1, 26):
            for level in LEVELS:
                name = f"I{number:02d}_{kind:02d}_{level:02d}.png"
                save(root / "images" / name, distort(picture, kind, level, seed=number))
                rows.append((name, f"I{number:02d}.png", f"{opinion(number, kind, level):.2f}", "0.9"))
    save_csv(root / "dmos.csv", ("dist_img", "ref_img", "dmos", "var"), rows)


def kadis700k(root: Path) -> None:
    names = [f"{number:04d}.png" for number in range(CANDIDATES)]
    for number, name in enumerate(names):
        save(root / "ref_imgs" / name, scene(20 + number))
    save_csv(root / "kadis700k_ref_imgs.csv", ("ref_im", "dist_type"), [(name, "1") for name in names])


def livec(root: Path) -> None:
    names = ["t1.bmp", *(f"{number}.bmp" for number in range(8, 8 + PHOTOGRAPHS))]
    scores = [50.0]
    for number, name in enumerate(names):
        save(root / "Images" / name, photograph(100 + number))
        scores += [20.0 * opinion(100 + number, 3, number % 5 + 1) - 10.0] if number else []
    (root / "Data").mkdir()
    scipy.io.savemat(root / "Data" / "AllImages_release.mat", {"AllImages_release": cells(names)})
    scipy.io.savemat(root / "Data" / "AllMOS_release.mat", {"AllMOS_release": [scores]})


def koniq10k(root: Path) -> None:
    rows = []
    for number in range(PHOTOGRAPHS):
        save(root / "512x384" / f"{number}.jpg", photograph(200 + number))
        rows.append((f"{number}.jpg", 100, f"{opinion(200 + number, 3, number % 5 + 1):.3f}", "0.5"))
    save_csv(root / "koniq10k_scores_and_distributions.csv", ("image_name", "c_total", "MOS", "SD"), rows)


def bid(root: Path) -> None:
    rows = []
    for number in range(1, PHOTOGRAPHS + 1):
        save(root / "ImageDatabase" / f"DatabaseImage{number:04d}.JPG", photograph(300 + number))
        rows.append((number, f"{opinion(300 + number, 3, number % 5 + 1) - 0.5:.3f}"))
    save_csv(root / "DatabaseGrades.csv", ("Image Number", "Average Subjective Grade"), rows)


def pipal(root: Path) -> None:
    save(root / "Train_Ref" / "A0001.bmp", scene(400))
    lines = []
    for kind in PIPAL_CLASSES:
        for number in range(4):
            name = f"A0001_{kind}_{number:02d}.bmp"
            save(root / "Distortion_1" / name, photograph(400 + int(kind) * 10 + number))
            lines.append(f"{name},{1300 + 50 * opinion(int(kind), number, number + 1):.2f}")
    (root / "Train_Label").mkdir()
    (root / "Train_Label" / "A0001.txt").write_text("\n".join(lines), encoding="utf-8")


def live(root: Path) -> None:
    names = [f"{folder}/img{number}.bmp" for folder, count in LIVE_FOLDERS for number in range(1, count + 1)]
    rated = range(0, len(names), LIVE_EVERY)
    scores, copies = np.zeros((1, len(names))), np.ones((1, len(names)))
    save(root / "refimgs" / "bikes.bmp", scene(500))
    for number, place in enumerate(rated):
        save(root / names[place], photograph(500 + number))
        scores[0, place], copies[0, place] = 100.0 - 20.0 * opinion(500 + number, 9, number % 5 + 1), 0
    scipy.io.savemat(root / "dmos_realigned.mat", {"dmos_new": scores, "orgs": copies})
    scipy.io.savemat(root / "refnames_all.mat", {"refnames_all": cells(["bikes.bmp"] * len(names))})


def csiq(root: Path) -> None:
    rows = []
    save(root / "src_imgs" / "1600.png", scene(600))
    for number, (kind, folder, spelled) in enumerate(CSIQ_KINDS):
        for level in LEVELS:
            save(root / "dst_imgs" / folder / f"1600.{spelled}.{level}.png", photograph(600 + 5 * number + level))
            rows.append(("1600", kind, level, f"{1 - opinion(number, 10, level) / 5:.3f}"))
    save_csv(root / "csiq.DMOS.csv", ("image", "dst_type", "dst_lev", "dmos"), rows)


def tid2013(root: Path) -> None:
    lines = []
    save(root / "reference_images" / "I01.BMP", scene(700))
    for kind in (1, 8):
        for level in LEVELS:
            name = f"I01_{kind:02d}_{level}.bmp"
            save(root / "distorted_images" / name, photograph(700 + 10 * kind + level))
            lines.append(f"{2 * opinion(kind, 11, level) - 1:.5f} {name}")
    (root / "mos_with_names.txt").write_text("\n".join(lines), encoding="utf-8")


def scene(number: int, *, wobble: float = 0.0) -> NDArray[np.uint8]:
    """Paint a scene (SIDE, SIDE, 3) uint8; neighboring numbers are of different kinds."""
    return paint_scene(SCENE_KINDS[number % len(SCENE_KINDS)], number, side=SIDE, wobble=wobble)


def photograph(number: int) -> NDArray[np.uint8]:
    """Paint a scene and distort it, more or less."""
    return distort(scene(number), 1 + number % 25, 1 + number % 5, seed=number)


def opinion(picture: int, kind: int, level: int) -> float:
    """Return what people could have thought of a picture, on 1 to 5; higher is better."""
    noise = np.random.Generator(np.random.PCG64([picture, kind, level])).uniform(-0.4, 0.4)
    return float(np.clip(5.2 - 0.75 * level + noise, 1.0, 5.0))


def save(file: Path, picture: NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    done, content = cv2.imencode(file.suffix.lower(), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise RuntimeError(f"OpenCV cannot write {file}")
    file.write_bytes(content.tobytes())


def save_csv(file: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])


def cells(texts: Sequence[str]) -> NDArray[np.object_]:
    """Return texts as a column of a MATLAB cell array."""
    values = np.empty((len(texts), 1), dtype=object)
    values[:, 0] = texts
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    folder = parser.parse_args().folder
    if folder.exists():
        raise SystemExit(f"error: {folder} is there already; expected a new folder")
    print(make_sets(folder))


if __name__ == "__main__":
    main()
