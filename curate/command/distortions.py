"""The command `distortions`."""

from ..terminal.console import table
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def distortions(*, result: ResultFlags) -> None:
    """Print the catalog: the 25 distortions of KADID-10k, the camera family, types of your own, and their levels.

    Example: syndr-curate distortions
    """
    from ...distortions.catalog import all_types

    catalog = all_types()
    entries = [
        {
            "id": entry.id,
            "name": entry.name,
            "family": entry.family,
            "subfamily": entry.subfamily,
            "levels": list(entry.parameters),
            "parameter": entry.parameter,
            "random": entry.random,
            "minimum_size": entry.minimum_size,
        }
        for entry in catalog
    ]
    rows: list[tuple[str, ...]] = [
        (
            str(entry.id),
            entry.name,
            entry.family if entry.subfamily in (entry.family, entry.name) else f"{entry.family}: {entry.subfamily}",
            " ".join(f"{parameter:g}" for parameter in entry.parameters),
            entry.parameter,
            "yes" if entry.random else "",
        )
        for entry in catalog
    ]
    result.print(
        {"distortions": entries},
        table(("id", "name", "family", "levels 1-5", "parameter", "random"), rows),
    )
