"""The command `testset`: manifests of labeled test sets, to measure a trained model on."""

from pathlib import Path
from typing import Annotated

import typer

from ..datasets.settings import OWN_SET, TestSetName
from ..rendering.settings import DistortSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import LabelFileFlags, StrictResultFlags
from ..terminal.no_effect import refuse_without_effect

_LABEL_FILE_FLAGS = (
    *("labels", "ids", "dataset", "id_column", "label_column", "reference_column", "std_column", "raters"),
    *("distortion_column", "level_column", "lower_is_better", "label_range"),
)


@reporting_errors
@with_flag_groups
def testset(
    *,
    context: typer.Context,
    name: Annotated[TestSetName, typer.Argument(help="Name of the set; csv: your own, from --labels and --images.")],
    root: Annotated[
        Path | None,
        typer.Option("--root", help="The set's folder, with its official label file in it; csv needs none."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Manifest to write.", show_default="manifests/<name or dataset>.parquet"),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            "--images",
            help="Folder of the images below --root; with csv and no --root, the folder as it is.",
            show_default="the official one; with csv that of --labels",
        ),
    ] = None,
    split_file: Annotated[
        Path | None,
        typer.Option(
            "--split-file",
            help="CSV of reference_id (or id) and split, instead of the set's own split; other rows: train.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="With csv: a CSV with a name and a score per image.")
    ] = None,
    label_columns: LabelFileFlags,
    ids: opt.Ids = DistortSettings.ids,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="With csv: name of the set in the manifest.",
            show_default="the folder of --labels, by its name",
        ),
    ] = None,
    result: StrictResultFlags,
) -> None:
    """Make a manifest of a labeled test set: from its official layout, or from a label file and a folder of your own.

    Example: syndr-curate testset koniq10k --root KonIQ-10k --images 512x384 --out manifests/koniq10k.parquet
    """
    from ..datasets.test_sets.rated_set import read_test_set
    from ..datasets.test_sets.testset import run_testset

    if name == OWN_SET:
        label_columns.refuse_without_effect(context)
    else:
        refuse_without_effect(context, f"with {name}, which has a label file of its own", *_LABEL_FILE_FLAGS)
    file = None if labels is None or name != OWN_SET else label_columns.label_file(labels)
    rated = read_test_set(name, root, images=images, labels=file, ids=ids, dataset=dataset, split_file=split_file)
    target = out or Path("manifests") / f"{rated.name}.parquet"
    summary = run_testset(rated, target, reporter=result.reporter)
    result.finish(summary)
