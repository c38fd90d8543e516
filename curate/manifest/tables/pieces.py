"""Tables as a stream, cut into pieces of one size, so that what is written does not depend on where they were cut."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def in_pieces(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Cut a stream of tables into pieces of `rows` rows (the last may be shorter), without their metadata.

    An empty stream gives nothing, a stream of empty tables one empty piece.
    """
    waiting: list[pa.Table] = []
    held, given = 0, False
    for table in tables:
        waiting.append(table.replace_schema_metadata(None))
        held += len(table)
        while held >= rows:
            whole = pa.concat_tables(waiting).combine_chunks()
            yield whole.slice(0, rows)
            waiting, held, given = [whole.slice(rows)], held - rows, True
    if held or (waiting and not given):
        yield pa.concat_tables(waiting).combine_chunks()
