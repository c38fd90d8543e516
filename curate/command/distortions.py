"""The command `distortions`."""

from ..terminal import options as opt
from ..terminal.console import print_result, table
from ..terminal.exit_codes import reporting_errors


@reporting_errors
def distortions(json: opt.Json = False, quiet: opt.Quiet = False) -> None:  # noqa: ARG001
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
    print_result(
        {"distortions": entries},
        table(("id", "name", "family", "levels 1-5", "parameter", "random"), rows),
        as_json=json,
    )
