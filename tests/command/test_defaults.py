"""The defaults of flags are those of the stage's settings, which are the one place where they are written."""

from dataclasses import MISSING, fields

import pytest
import typer
from syndr_curate.cli import app
from syndr_curate.curate.checks.settings import VerifySettings
from syndr_curate.curate.datasets.label_columns import LabelColumns
from syndr_curate.curate.datasets.settings import SplitSettings
from syndr_curate.curate.datasets.type_lists import parse_levels, parse_types
from syndr_curate.curate.domains.settings import DomainsFitSettings, DomainsSelectSettings
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.encoding.settings import EncodeSettings
from syndr_curate.curate.evaluation.settings import EvaluateSettings
from syndr_curate.curate.export.settings import ExportSettings
from syndr_curate.curate.labeling.settings import LabelSettings, NeighborSettings
from syndr_curate.curate.manifest.chains.chain_lists import parse_chain_length
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.rendering.settings import DistortSettings
from syndr_curate.curate.report.settings import ReportSettings
from syndr_curate.curate.storage.limits import MAX_PIXELS
from syndr_curate.curate.terminal.options import parse_count, parse_fractions
from syndr_curate.curate.upsampling.settings import SelectSettings, UpsampleSettings

SETTINGS = {
    "encode": (EncodeSettings,),
    "distort": (DistortSettings,),
    "select": (SelectSettings,),
    "label": (LabelSettings, NeighborSettings),
    "upsample": (UpsampleSettings, EncodeSettings, LabelSettings, NeighborSettings),
    "downsample": (DownsampleSettings,),
    "mix": (MixSettings,),
    "report": (ReportSettings,),
    "export": (ExportSettings,),
    "verify": (VerifySettings,),
    "domains fit": (DomainsFitSettings,),
    "domains select": (DomainsSelectSettings,),
    "split": (SplitSettings,),
    "evaluate": (EvaluateSettings,),
}
FLAG_OF_FIELD = {"image_format": "format", "count": "neighbors"}
READ_AS = {"types": parse_types, "levels": parse_levels, "candidates": parse_count, "fractions": parse_fractions}


def defaults_of(command: str) -> dict[str, object]:
    """The default of each flag of a command, as the stage is given it."""
    found = typer.main.get_command(app)
    for name in command.split():
        found = found.commands[name]
    plain = {p.name: p.default for p in found.params}
    return {name: READ_AS[name](value) if name in READ_AS and value else value for name, value in plain.items()}


@pytest.mark.parametrize(
    ("command", "settings"), [(command, each) for command, several in SETTINGS.items() for each in several]
)
def test_a_flag_has_the_default_of_its_setting(command, settings):
    flags = defaults_of(command)
    known = {FLAG_OF_FIELD.get(f.name, f.name): f.default for f in fields(settings) if f.default is not MISSING}
    shared = known.keys() & flags.keys()
    assert shared, "no flag is named like a setting"
    assert {name: flags[name] for name in shared} == {name: known[name] for name in shared}


@pytest.mark.parametrize("command", ["label", "upsample"])
def test_the_columns_of_a_label_file_are_those_of_kadid(command):
    flags, columns = defaults_of(command), LabelColumns()
    found = flags["id_column"], flags["label_column"], flags["reference_column"]
    assert found == (columns.id, columns.label, columns.reference)


@pytest.mark.parametrize("command", sorted(SETTINGS.keys() - {"select", "label", "downsample", "split", "evaluate"}))
def test_every_command_that_reads_pixels_has_the_same_limit(command):
    assert defaults_of(command)["max_pixels"] == MAX_PIXELS


def test_flags_about_chains_have_the_defaults_of_their_settings():
    flags, settings = defaults_of("distort"), ChainSettings()
    assert parse_types(flags["chain_types"]) == settings.types
    assert parse_chain_length(flags["chain_length"]) == settings.length
    assert (flags["chains"], flags["chain_order"], flags["stretch"]) == (0, settings.order, settings.stretch)
    assert (settings.drawn, settings.levels) == (0, flags["levels"])
