"""The rest of the demo: choosing types for a target set, and mixing."""

from pathlib import Path

from ..manifest.recipes import distortion_name
from ..mixing.mix_files import run_mix
from ..mixing.pairs import MixSettings
from ..rendering.distort import run_distort
from ..rendering.render import RenderOptions
from ..runs.progress import Reporter
from .demo import DemoSteps

TARGET_TYPES, TARGET_LEVEL = (10, 11), 4
MIXES = 48


def add_domains(
    demo: DemoSteps,
    out: Path,
    *,
    references: Path,
    candidates: Path,
    seed: int,
    workers: int | None,
    reporter: Reporter,
) -> None:
    """Make an unlabelled target set of two types, fit a classifier on the references, and select types for the set.

    Args:
        demo: Takes the steps and files.
        out: The demo's folder.
        references: Folder of pristine images to fit on.
        candidates: Folder of other images, to make the target set of.
        seed: The demo's seed.
        workers: Threads; None uses every core.
        reporter: Shows progress.
    """
    from ..domains.fit_files import run_domains_fit
    from ..domains.select import run_domains_select

    options = RenderOptions(workers=workers)
    target, classifier, preset = out / "target", out / "domains.safetensors", out / "target.json"
    made = run_distort(
        candidates, target, types=TARGET_TYPES, levels=(TARGET_LEVEL,), seed=seed, options=options, reporter=reporter
    )
    types = ",".join(map(str, TARGET_TYPES))
    command = f"syndr-curate distort {candidates} --types {types} --levels {TARGET_LEVEL} --out {target}"
    names = " and ".join(distortion_name(kind) for kind in TARGET_TYPES)
    demo.steps.append((command, {"said": f"{made['rows']} images that stand for a target set: {names}", **made}))

    fitted = run_domains_fit(references, classifier, seed=seed, options=options, reporter=reporter)
    said = f"top-1 {fitted['held_out_top1']:.0%} over 26 classes on references held out of the fit"
    command = f"syndr-curate domains fit --references {references} --out {classifier}"
    demo.steps.append((command, {"said": said, **fitted}))

    selected = run_domains_select(target / "images", classifier, preset, options=options, reporter=reporter)
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
        MixSettings(MIXES, seed=seed),
        preview=picture,
        options=RenderOptions(workers=workers),
        reporter=reporter,
    )
    said = f"{summary['rows']} mixes of {summary['sources']} images of {len(summary['types'])} types, with soft labels"
    command = f"syndr-curate mix --manifest {manifest} --count {MIXES} --out {mixed} --preview {picture}"
    demo.steps.append((command, {"said": said, **summary}))
    demo.files |= {"mixed manifest": str(mixed), "picture of mixes": str(picture)}
