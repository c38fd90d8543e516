"""Which rows a run trains on and validates on, by its variant and its split."""

import hashlib
import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import torch
from order import EpochOrder
from parallel import Processes
from patches import CenterPatch, Cut, Patches
from settings import Settings
from syndr_curate import CurateError, DRCDownSampler, ManifestDataset, collect_features, read_manifest
from torch.utils.data import ConcatDataset

FEATURE_BATCH = 64
SPLITS = ("train", "val", "test")


class TrainingRows:
    """The rows of a run.

    Attributes:
        sets: The rows of split `train`: of the training manifest, and those of the candidates where they take part.
        patches: The same as random patches.
        validation: The rows of split `val`, None where nobody asks for them.
        order: Which rows an epoch takes, in which order.
    """

    def __init__(self, settings: Settings, cut: Cut, processes: Processes) -> None:
        self._settings, self._cut, self._processes = settings, cut, processes
        table = _table(settings)
        folder = settings.train.parent
        self.sets = [ManifestDataset(table, split="train", folder=folder)]
        tables = [table]
        if settings.all_candidates is not None:
            tables.append(read_manifest(settings.all_candidates, training=True))
            self.sets.append(ManifestDataset(settings.all_candidates, split="train"))
        self.validation = ManifestDataset(table, split="val", folder=folder) if settings.patience else None
        self._random = [Patches(pictures, cut) for pictures in self.sets]
        self.patches: ConcatDataset = ConcatDataset(self._random)
        self.order = self._thinning(tables) if settings.thinned else self._plain()

    def begin_epoch(self, epoch: int) -> None:
        """Cut the epoch's own patches."""
        for patches in self._random:
            patches.epoch = epoch

    def choose(self, model: torch.nn.Module, epoch: int) -> dict[str, int]:
        """Decide which rows the epoch trains on: all of them, or those that thinning by the model of now leaves."""
        if not isinstance(self.order, DRCDownSampler):
            self.order.epoch = epoch
            return {"rows": self.order.rows}
        center = CenterPatch(self._cut.size, self._cut.normalization)
        matrices = [
            collect_features(
                model,
                pictures.with_transform(center),
                batch_size=FEATURE_BATCH,
                num_workers=self._settings.workers,
                split_over_ranks=self._processes.count > 1,
            ).matrix
            for pictures in self.sets
        ]
        figures = self.order.update(torch.cat([torch.from_numpy(m) for m in matrices]).numpy(), epoch=epoch)
        return {"rows": figures["rows_kept"], "of": figures["rows_in"], "largest_cluster": figures["largest_cluster"]}

    def digest(self) -> str:
        """Return what stands for the ids and labels that are trained on, in their order."""
        found = hashlib.sha256()
        for pictures in self.sets:
            found.update(json.dumps(pictures.rows["sample_id"].to_pylist()).encode())
            found.update(pictures.rows["label"].to_numpy().tobytes())
        return found.hexdigest()

    def state(self, rows_seen: int) -> tuple[dict[str, object], torch.Tensor | None]:
        """Return the order's state after this process trained on so many rows of the running iteration."""
        state = dict(self.order.state_dict(rows_seen=rows_seen))
        return state, state.pop("clusters")

    def load_state(self, state: Mapping[str, object], clusters: torch.Tensor | None) -> None:
        """Begin the next epoch where `state` was taken."""
        self.order.load_state_dict({**state, "clusters": clusters})

    def _plain(self) -> EpochOrder:
        rows = sum(len(pictures) for pictures in self.sets)
        return EpochOrder(rows, self._settings.seed, count=self._processes.count, rank=self._processes.rank)

    def _thinning(self, tables: list[pa.Table]) -> DRCDownSampler:
        settings = self._settings
        options = {
            **{"similarity": settings.similarity, "label_gap": settings.label_gap, "keep_min": settings.keep_min},
            **{"keep_fraction": settings.keep_fraction, "scope": settings.scope, "seed": settings.seed},
        }
        if len(tables) == 1:
            return DRCDownSampler(self.sets[0], **options)
        ids = [name for pictures in self.sets for name in pictures.rows["sample_id"].to_pylist()]
        return DRCDownSampler(pa.concat_tables(tables, promote_options="permissive"), sample_ids=ids, **options)


def _table(settings: Settings) -> pa.Table:
    table = read_manifest(settings.train, training=True)
    if settings.split != "split":
        table = _split_by(table, settings)
    if settings.variant in ("selection", "downsampling"):
        return table
    return table.filter(pc.not_equal(table["label_source"], "pseudo"))


def _split_by(table: pa.Table, settings: Settings) -> pa.Table:
    """Put another column's values in the place of the manifest's splits."""
    if settings.split not in table.column_names:
        raise CurateError(f"{settings.train} has no column {settings.split!r}: --split names the column of the splits")
    values = table[settings.split].cast(pa.string())
    unknown = sorted(set(values.to_pylist()) - set(SPLITS), key=str)
    if unknown:
        raise CurateError(
            f"{settings.train}, column {settings.split!r} holds {unknown[0]!r}; expected {', '.join(SPLITS)}"
        )
    place = table.column_names.index("split")
    return table.set_column(place, table.schema.field("split"), values.cast(table.schema.field("split").type))
