"""The settings of a run: what the flags of train.py say."""

from dataclasses import asdict, dataclass
from pathlib import Path

from syndr_curate import CurateError

# The rows of Table 4: whether new references without selection, those that `upsample` selected, and thinning take part.
VARIANTS = ("baseline", "candidates", "thinning", "candidates-thinning", "selection", "downsampling")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("no", "bf16", "fp16")
# What a resumed run may change; all else must be as it was.
FREE_TO_CHANGE = (
    *("out", "resume", "stop_after", "epochs", "workers", "device"),
    *("test", "test_split", "predictions", "save_every", "stop_after_steps"),
)


@dataclass(frozen=True)
class Settings:
    """The command's flags.

    `variant` is a row of the paper's ablation. `baseline`: rows that are not pseudo-labeled. `candidates`: these and
    the rows of `all_candidates`, new references without selection. `selection`: all rows of `train`, as `upsample`
    wrote it. `thinning`, `candidates-thinning` and `downsampling`: the same three, thinned before every epoch.
    """

    train: Path
    variant: str
    all_candidates: Path | None
    split: str
    similarity: float
    label_gap: float
    keep_min: int
    keep_fraction: float
    scope: str
    test: list[Path]
    test_split: str
    test_short_side: int
    predictions: str | None
    weights: str
    backbone: str
    epochs: int
    batch_size: int
    crop: int
    test_patches: int
    lr: float
    head_factor: float
    weight_decay: float
    schedule: str
    patience: int | None
    amp: str
    seed: int
    device: str
    workers: int
    out: Path
    resume: bool
    save_every: int | None
    stop_after: int | None
    stop_after_steps: int | None

    def __post_init__(self) -> None:
        if self.variant.startswith("candidates") != (self.all_candidates is not None):
            raise SystemExit(
                "error: --all-candidates goes with --variant candidates or candidates-thinning, and only with them"
            )
        for name in ("patience", "save_every", "stop_after_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SystemExit(f"error: --{name.replace('_', '-')} {value}; expected 1 or more")
        if self.predictions is not None:
            if len(self.test) > 1 and "{test}" not in self.predictions:
                raise SystemExit("error: --predictions needs {test} in its name, since there are several test sets")
            self.predictions_file("test", 0)

    @property
    def thinned(self) -> bool:
        """Whether DRCDown thins the rows before every epoch."""
        return self.variant in ("thinning", "candidates-thinning", "downsampling")

    def predictions_file(self, test: str, epoch: int) -> Path:
        """Return where --predictions puts the predictions of a test set after an epoch."""
        try:
            return Path(str(self.predictions).format(test=test, epoch=epoch))
        except (KeyError, IndexError, ValueError) as error:
            raise SystemExit(
                f"error: --predictions {self.predictions}: only {{epoch}} and {{test}} are filled in"
            ) from error

    def fixed(self) -> dict[str, str]:
        """Return the settings that a resumed run must share, as texts."""
        found = {name: str(value) for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
        # A cosine comes down to zero at the last epoch, so another number of epochs is another schedule.
        return found | ({"epochs": str(self.epochs)} if self.schedule == "cosine" else {})

    def check_resumed(self, written: dict[str, str], file: Path) -> None:
        """Refuse to go on from a checkpoint that was written with other settings.

        Raises:
            CurateError: Says which setting differs.
        """
        for name, value in self.fixed().items():
            if written.get(name) != value:
                raise CurateError(f"{file} was written with {name} = {written.get(name)}, now it is {value}")
