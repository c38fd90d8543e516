"""The command `distortions`."""

from ..terminal.console import table
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def distortions(*, result: ResultFlags) -> None:
    """Print the catalog: the 25 distortions of KADID-10k and their levels.

    Example: syndr-curate distortions
    """
    from ...distortions.catalog import CATALOG

    entries = [
        {
            "id": entry.id,
            "name": entry.name,
            "family": entry.family,
            "levels": list(entry.parameters),
            "parameter": entry.parameter,
            "random": entry.random,
            "minimum_size": entry.minimum_size,
        }
        for entry in CATALOG
    ]
    rows: list[tuple[str, ...]] = [
        (str(e.id), e.name, e.family, " ".join(f"{p:g}" for p in e.parameters), e.parameter, "yes" if e.random else "")
        for e in CATALOG
    ]
    result.print(
        {"distortions": entries},
        table(("id", "name", "family", "levels 1-5", "parameter", "random"), rows),
    )
