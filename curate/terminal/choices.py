"""What the values of flags may be: one enumeration for each flag with a fixed list."""

from enum import Enum


class EncoderFlag(str, Enum):
    """Public encoder names."""

    resnet50 = "resnet50"
    clip_vit_b_16 = "clip-vit-b-16"
    gist = "gist"


class DeviceFlag(str, Enum):
    """Where torch computes."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class FormatFlag(str, Enum):
    """Lossless image formats."""

    png = "png"
    bmp = "bmp"
    webp = "webp"


class LayoutFlag(str, Enum):
    """How pixels are stored."""

    files = "files"
    webdataset = "webdataset"
    parquet = "parquet"


class ExecutorFlag(str, Enum):
    """Who carries out a long run."""

    local = "local"
    ray = "ray"


class IdsFlag(str, Enum):
    """How ids are made from file names."""

    stem = "stem"
    path = "path"


class WeightingFlag(str, Enum):
    """How neighbours are weighted."""

    published = "published"
    similarity = "similarity"


class LabelerFlag(str, Enum):
    """How new references are labelled."""

    knn = "knn"
    gp = "gp"


class NeighborsFromFlag(str, Enum):
    """Whose labels make new ones."""

    train = "train"
    all = "all"


class ScopeFlag(str, Enum):
    """Which rows are filtered."""

    all = "all"
    mos = "mos"


class KindFlag(str, Enum):
    """Kinds of domain classifiers."""

    light = "light"
    resnet50 = "resnet50"


class PerReferenceFlag(str, Enum):
    """How many types a reference is distorted by."""

    one = "one"
    all = "all"


class TargetFlag(str, Enum):
    """Who shall read the export."""

    hf = "hf"
    pyiqa = "pyiqa"
    webdataset = "webdataset"
    fiftyone = "fiftyone"
    ids = "ids"


class SplitFlag(str, Enum):
    """Splits of a manifest."""

    train = "train"
    val = "val"
    test = "test"


class TestSetFlag(str, Enum):
    """Labelled sets with a known layout."""

    koniq10k = "koniq10k"
    livec = "livec"
    bid = "bid"
    spaq = "spaq"
    tid2013 = "tid2013"
    live = "live"
    csiq = "csiq"


class ClassesFlag(str, Enum):
    """What makes two images differ in class."""

    type = "type"
    type_level = "type-level"


class ProjectionFlag(str, Enum):
    """How features are laid out on a plane."""

    auto = "auto"
    umap = "umap"
    pca = "pca"
