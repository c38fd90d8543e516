"""Stage `demo`: the whole pipeline on images that it makes itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checks.verify import verify
from ..datasets.feature_files import save_features
from ..datasets.type_lists import parse_types
from ..downsampling.downsample_files import run_downsample
from ..downsampling.settings import DownsampleSettings
from ..encoding.encode import encode, features_of
from ..encoding.encoders import make_encoder
from ..manifest.recipes import distortion_name
from ..mixing.mix_files import run_mix
from ..mixing.settings import MixSettings
from ..printable import printable_lines
from ..rendering.distort import run_distort
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import write_bytes
from ..storage.images import encode_image
from ..upsampling.request import EncoderChoice, UpsampleRequest
from ..upsampling.run import run_upsample
from ..upsampling.settings import UpsampleSettings
from .scenes import SCENE_KINDS, paint_scene

DEMO_TYPES = "bid"
_REFERENCES_PER_KIND = 2
_NEW_CONTENT_PER_KIND = 4
_NEAR_COPY = 0.03
# Of --all: the types of the set that serves as a target, and how many mixes are made.
TARGET_TYPES, TARGET_LEVEL = (10, 11), 4
MIXES = 48


@dataclass
class DemoSteps:
    """What happened, step by step.

    Attributes:
        steps: (the command, what came out) in order.
        files: What was written: name to path.
    """

    steps: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"steps": [{"command": command, **facts} for command, facts in self.steps], "files": self.files}

    def as_text(self) -> str:
        """Return everything as text."""
        lines = []
        for number, (command, facts) in enumerate(self.steps, 1):
            lines.append(f"{number}. {command}")
            lines.append(f"   {facts['said']}")
        lines.append("")
        width = max(len(name) for name in self.files)
        lines += [f"{name:<{width}}  {path}" for name, path in self.files.items()]
        lines += ["", f"Next: syndr-curate inspect {self.files['training manifest']}"]
        return printable_lines(lines)


def run_demo(
    out: Path, *, everything: bool = False, seed: int = 123, workers: int | None = None, reporter: Reporter = SILENT
) -> DemoSteps:
    """Make scenes, label distorted versions of some, add new content from the others, and thin one epoch.

    Args:
        out: Folder of everything it makes.
        everything: Also choose types for a target set (DGQA) and mix images (DSMix).
        seed: Seed of scenes, distortions and draws.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        What happened and where the files are.

    Raises:
        CurateError: Files cannot be written.
    """
    demo = DemoSteps()
    references, candidates = out / "references", out / "candidates"
    counts = paint_sets(references, candidates, seed=seed)
    demo.steps.append(
        (
            "paint scenes",
            {"said": f"{counts[0]} labeled references and {counts[1]} candidates, a third of them near-copies"},
        )
    )
    manifest = _upsample(demo, out, references, candidates, seed, workers, reporter)
    _verify(demo, manifest, reporter)
    _downsample(demo, out, manifest, seed, workers, reporter)
    if everything:
        _add_domains(
            demo, out, references=references, candidates=candidates, seed=seed, workers=workers, reporter=reporter
        )
        add_mix(demo, out, manifest=manifest, seed=seed, workers=workers, reporter=reporter)
    return demo


def paint_sets(references: Path, candidates: Path, *, seed: int) -> tuple[int, int]:
    """Paint the demo's 16 references and 48 candidates.

    Args:
        references: Folder of the references.
        candidates: Folder of the candidates: four new scenes and two near-copies of references per kind.
        seed: Seed of the scenes.

    Returns:
        How many of each.
    """
    count = 0
    for kind in SCENE_KINDS:
        for variant in range(_REFERENCES_PER_KIND):
            image = paint_scene(kind, variant, seed=seed)
            write_bytes(references / f"{kind}-{variant}.png", encode_image(image))
            copy = paint_scene(kind, variant, seed=seed, wobble=_NEAR_COPY)
            write_bytes(candidates / f"{kind}-{variant}-again.png", encode_image(copy))
        for variant in range(_REFERENCES_PER_KIND, _REFERENCES_PER_KIND + _NEW_CONTENT_PER_KIND):
            image = paint_scene(kind, variant, seed=seed)
            write_bytes(candidates / f"{kind}-{variant}.png", encode_image(image))
        count += 1
    return count * _REFERENCES_PER_KIND, count * (_REFERENCES_PER_KIND + _NEW_CONTENT_PER_KIND)


def _upsample(
    demo: DemoSteps, out: Path, references: Path, candidates: Path, seed: int, workers: int | None, reporter: Reporter
) -> Path:
    manifest = out / "train.parquet"
    request = UpsampleRequest(
        settings=UpsampleSettings(types=parse_types(DEMO_TYPES), seed=seed),
        out=manifest,
        references=references,
        proxy_labels=True,
        candidates_root=candidates,
        encoder=EncoderChoice("gist"),
        workers=workers,
    )
    summary = run_upsample(request, reporter)
    dropped = ", ".join(
        f"{n} {status.replace('_', ' ')}" for status, n in summary["candidates"].items() if status != "kept"
    )
    command = (
        f"syndr-curate upsample --references {references} --proxy-labels --candidates-root {candidates} "
        f"--encoder gist --types {DEMO_TYPES} --out {manifest}"
    )
    said = (
        f"{summary['references_selected']} candidates kept ({dropped}); "
        f"{summary['rows_original']} labeled + {summary['rows_new']} new rows, rendered"
    )
    demo.steps.append((command, {"said": said, **summary}))
    demo.files["training manifest"] = str(manifest)
    demo.files["images"] = str(out / "images")
    return manifest


def _verify(demo: DemoSteps, manifest: Path, reporter: Reporter) -> None:
    verdict = verify(manifest, reporter=reporter)
    again, problems = verdict.rendered_again, len(verdict.problems)
    said = f"{verdict.files_decoded} files decoded, {again} rendered again, {problems} problems"
    demo.steps.append((f"syndr-curate verify {manifest}", {"said": said, **verdict.as_json()}))


def _downsample(demo: DemoSteps, out: Path, manifest: Path, seed: int, workers: int | None, reporter: Reporter) -> None:
    features_file = out / "epoch0.npy"
    table = encode(manifest, make_encoder("gist"), workers=workers, reporter=reporter)
    features = features_of(table, str(manifest))
    save_features(features_file, features.require_ids(), features.matrix)
    demo.steps.append(
        (
            "save_features(...)  # stands for your model's features before epoch 0",
            {"said": f"{features.matrix.shape[0]} x {features.matrix.shape[1]} features with their ids"},
        )
    )
    summary = run_downsample(features_file, manifest, settings=DownsampleSettings(seed=seed), reporter=reporter)
    rows = f"{summary['rows_kept']} of {summary['rows_in']} rows kept"
    clusters = f"{summary['clusters_reduced']} of {summary['clusters']} clusters thinned"
    said = f"{rows}; {clusters}, the largest had {summary['largest_cluster']} rows"
    demo.steps.append(
        (f"syndr-curate downsample --features {features_file} --manifest {manifest}", {"said": said, **summary})
    )
    demo.files["features"] = str(features_file)
    demo.files["epoch manifest"] = summary["out"]


def _add_domains(
    demo: DemoSteps,
    out: Path,
    *,
    references: Path,
    candidates: Path,
    seed: int,
    workers: int | None,
    reporter: Reporter,
) -> None:
    """Make an unlabeled target set of two types, fit a classifier on the references, and select types for the set.

    Args:
        demo: Takes the steps and files.
        out: The demo's folder.
        references: Folder of pristine images to fit on.
        candidates: Folder of other images, to make the target set of.
        seed: The demo's seed.
        workers: Threads; None uses every core.
        reporter: Shows progress.
    """
    from ..domains.fitting.fit_files import run_domains_fit
    from ..domains.select import run_domains_select
    from ..domains.settings import DomainsFitSettings

    target, classifier, preset = out / "target", out / "domains.safetensors", out / "target.json"
    made = run_distort(
        candidates, target, types=TARGET_TYPES, levels=(TARGET_LEVEL,), seed=seed, workers=workers, reporter=reporter
    )
    types = ",".join(map(str, TARGET_TYPES))
    command = f"syndr-curate distort {candidates} --types {types} --levels {TARGET_LEVEL} --out {target}"
    names = " and ".join(distortion_name(kind) for kind in TARGET_TYPES)
    demo.steps.append((command, {"said": f"{made['rows']} images that stand for a target set: {names}", **made}))

    fitted = run_domains_fit(references, classifier, DomainsFitSettings(seed=seed), workers=workers, reporter=reporter)
    said = f"top-1 {fitted['held_out_top1']:.0%} over 26 classes on references held out of the fit"
    command = f"syndr-curate domains fit --references {references} --out {classifier}"
    demo.steps.append((command, {"said": said, **fitted}))

    selected = run_domains_select(target / "images", classifier, preset, workers=workers, reporter=reporter)
    leading = sorted(selected["top1_shares"].items(), key=lambda item: (-item[1], int(item[0])))[:3]
    shares = ", ".join(f"{distortion_name(int(kind))} {share:.0%}" for kind, share in leading)
    said = f"types {', '.join(map(str, selected['types']))}; most often first: {shares}"
    command = f"syndr-curate domains select --target {target / 'images'} --classifier {classifier} --out {preset}"
    demo.steps.append((command, {"said": said, **selected}))
    demo.files |= {"target images": str(target / "images"), "classifier": str(classifier), "preset": str(preset)}


def add_mix(demo: DemoSteps, out: Path, *, manifest: Path, seed: int, workers: int | None, reporter: Reporter) -> None:
    """Mix the images of the training manifest.

    Args:
        demo: Takes the step and the files.
        out: The demo's folder.
        manifest: The training manifest.
        seed: The demo's seed.
        workers: Threads; None uses every core.
        reporter: Shows progress.
    """
    mixed, picture = out / "mix.parquet", out / "mix.png"
    summary = run_mix(
        manifest,
        mixed,
        MixSettings(count=MIXES, seed=seed),
        preview=picture,
        workers=workers,
        reporter=reporter,
    )
    said = f"{summary['rows']} mixes of {summary['sources']} images of {len(summary['types'])} types, with soft labels"
    command = f"syndr-curate mix --manifest {manifest} --count {MIXES} --out {mixed} --preview {picture}"
    demo.steps.append((command, {"said": said, **summary}))
    demo.files |= {"mixed manifest": str(mixed), "picture of mixes": str(picture)}
