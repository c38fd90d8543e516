"""The papers' tables as facts: rows, columns, settings and the published numbers that we know of.

Only numbers that this project has written down stand here; the paper's other cells stay empty. All of them are SRCC.
Source: SynDR-IQA (NeurIPS 2025), Tables 1-10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RESNET50, SWIN, VIT, CLIP = "resnet50", "swin_t", "vit_b_16", "clip-vit-b-16"
VIT_ENCODER = "timm:vit_base_patch16_224"


@dataclass(frozen=True)
class Method:
    """What a row of a table trains.

    Attributes:
        name: The row's name.
        variant: `--variant` of train.py.
        backbone: `--backbone` of train.py.
        encoder: Content encoder of DDCUp.
        data: Further flags of `upsample`.
        flags: Further flags of train.py.
    """

    name: str
    variant: str = "downsampling"
    backbone: str = RESNET50
    encoder: str = RESNET50
    data: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """What a column of a table is tested on, and the distortion types that are trained on for it.

    Attributes:
        name: The column's name.
        test: Name of the test set, as `syndr-curate testset` knows it.
        types: `--types` of `upsample`.
        short_side: Larger test pictures are shrunk to this; 0 leaves them alone.
        distortion_class: Of PIPAL: the class of the rows that are tested on.
    """

    name: str
    test: str
    types: str
    short_side: int = 0
    distortion_class: str | None = None


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        title: What it compares.
        methods: Its rows.
        targets: Its columns.
        paper: The published SRCC by row and column, where it is known here.
        splits: Number of splits by reference over which the median is taken; 0: no split, the mean over seeds.
    """

    title: str
    methods: tuple[Method, ...]
    targets: tuple[Target, ...]
    paper: Mapping[tuple[str, str], float] = field(default_factory=dict)
    splits: int = 0


LIVEC = Target("LIVE Challenge", "livec", "livec")
KONIQ = Target("KonIQ-10k", "koniq10k", "koniq")
BID = Target("BID", "bid", "bid", short_side=512)
PHOTOGRAPHS = (LIVEC, KONIQ, BID)
PIPAL_CLASSES = (
    *("traditional SR", "PSNR-oriented SR", "SR with kernel mismatch"),
    *("GAN-based SR", "denoising", "SR and denoising jointly"),
)
PIPAL = tuple(
    Target(name, "pipal", f"pipal-{number}", distortion_class=f"{number:02d}")
    for number, name in enumerate(PIPAL_CLASSES, start=1)
)
SYNTHETIC = tuple(
    Target(name, test, "all")
    for name, test in (("KADID-10k", "kadid10k"), ("LIVE", "live"), ("CSIQ", "csiq"), ("TID2013", "tid2013"))
)
DGQA, OURS = Method("DGQA", "baseline"), Method("SynDR-IQA")
BASELINE = Method("baseline", "baseline")


def _numbers(row: str, targets: tuple[Target, ...], values: tuple[float, ...]) -> dict[tuple[str, str], float]:
    return {(row, target.name): value for target, value in zip(targets, values, strict=True)}


PUBLISHED_LABELS = ("5", "0.05")


def _labelers() -> tuple[Method, ...]:
    pairs = (("5", "0.05"), ("1", None), ("3", "0.05"), ("5", "0.1"), ("10", "0.1"), ("all", None))
    # The first is the method as it is elsewhere, so Table 1's runs serve it: `upsample` does so by itself.
    # "all": `upsample` takes every labeled reference where fewer are left than it is asked for. Without a margin no
    # neighbor is left out: cosine distances end at 2.
    return tuple(
        Method(
            f"{neighbors} neighbors, margin {margin}" if margin else f"{neighbors} neighbors, no margin",
            data={}
            if (neighbors, margin) == PUBLISHED_LABELS
            else {"neighbors": "1000" if neighbors == "all" else neighbors, "margin": margin or "3"},
        )
        for neighbors, margin in pairs
    )


def _thresholds() -> tuple[Method, ...]:
    pairs = (
        ("1", "0.1"),
        ("0.5", "0.1"),
        ("1.5", "0.1"),
        ("1", "0.05"),
        ("1", "0.15"),
        ("0.5", "0.05"),
        ("1.5", "0.15"),
    )
    return tuple(
        Method(f"label gap {gap}, 1 - similarity {far}", flags={"label-gap": gap, "similarity": f"{1 - float(far):g}"})
        for gap, far in pairs
    )


def _backbones(*pairs: tuple[str, str]) -> tuple[Method, ...]:
    return tuple(
        Method(f"{name}, {method.name}", method.variant, backbone)
        for name, backbone in pairs
        for method in (BASELINE, OURS)
    )


TABLES: Mapping[str, Table] = {
    "table1": Table(
        "From KADID-10k to photographs",
        (DGQA, OURS),
        PHOTOGRAPHS,
        _numbers("DGQA", PHOTOGRAPHS, (0.696, 0.681, 0.770))
        | _numbers("SynDR-IQA", PHOTOGRAPHS, (0.713, 0.727, 0.788)),
    ),
    "table2": Table(
        "From KADID-10k to PIPAL, by class of algorithm",
        (DGQA, OURS),
        PIPAL,
        _numbers("DGQA", PIPAL, (0.490, 0.542, 0.581, 0.163, 0.539, 0.559)),
    ),
    "table3": Table(
        "From KADID-10k to distorted images: medians over ten splits by reference",
        (BASELINE, OURS),
        SYNTHETIC,
        _numbers("baseline", SYNTHETIC, (0.853, 0.917, 0.797, 0.708))
        | _numbers("SynDR-IQA", SYNTHETIC, (0.892, 0.926, 0.807, 0.715)),
        splits=10,
    ),
    "table4": Table(
        "What each part adds",
        (
            Method("a: baseline", "baseline"),
            Method("b: candidates", "candidates"),
            Method("c: thinning", "thinning"),
            Method("d: candidates and thinning", "candidates-thinning"),
            Method("e: candidates and selection", "selection"),
            Method("f: all", "downsampling"),
        ),
        PHOTOGRAPHS,
        {
            ("a: baseline", LIVEC.name): 0.696,
            ("b: candidates", LIVEC.name): 0.690,
            ("c: thinning", LIVEC.name): 0.696,
            ("d: candidates and thinning", LIVEC.name): 0.710,
            ("e: candidates and selection", LIVEC.name): 0.722,
            ("f: all", LIVEC.name): 0.713,
        },
    ),
    "table5": Table("DDCUp: neighbors that lend a label", _labelers(), PHOTOGRAPHS),
    "table6": Table("DRCDown: what counts as redundant", _thresholds(), PHOTOGRAPHS),
    "table7": Table(
        "DRCDown: what a cluster keeps at least",
        tuple(Method(f"keep at least {least}", flags={"keep-min": least}) for least in ("20", "10", "30")),
        PHOTOGRAPHS,
    ),
    "table8": Table("Backbones pre-trained on ImageNet", _backbones(("Swin-T", SWIN), ("ViT-B/16", VIT)), PHOTOGRAPHS),
    "table9": Table("A backbone pre-trained by CLIP", _backbones(("CLIP ViT-B/16", CLIP)), PHOTOGRAPHS),
    "table10": Table(
        "Content encoder of DDCUp, with ViT-B/16",
        (
            Method("ViT-B/16 (ImageNet)", backbone=VIT, encoder=VIT_ENCODER),
            Method("ViT-B/16 (CLIP)", backbone=VIT, encoder=CLIP),
        ),
        PHOTOGRAPHS,
    ),
}


@dataclass(frozen=True)
class Figure:
    """A figure of the paper: maps of one set under several models, or the best and worst predictions on it.

    Attributes:
        title: What it shows.
        test: The set whose pictures are drawn.
        models: The models; each is trained as its method says, on KADID-10k.
        types: Distortion types that they are trained on.
        gallery: Whether predictions are shown instead of maps.
    """

    title: str
    test: str
    models: tuple[Method, ...]
    types: str = "all"
    gallery: bool = False


MAPPED = (
    Method("ResNet-50", "baseline"),
    Method("VGG-16", "baseline", "vgg16"),
    Method("Swin-T", "baseline", SWIN),
)
FIGURES: Mapping[str, Figure] = {
    "fig1": Figure("Features of KADID-10k", "kadid10k", MAPPED),
    "fig3": Figure("Features of TID2013", "tid2013", MAPPED),
    "fig4": Figure("Features of LIVE Challenge", "livec", MAPPED),
    "fig5": Figure("Features of BID", "bid", MAPPED),
    "fig6": Figure("Features of KonIQ-10k", "koniq10k", MAPPED),
    "fig10": Figure("Best and worst predictions", "livec", (OURS,), "livec", gallery=True),
}
