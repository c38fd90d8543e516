"""JPEG files with holes in them, and those that only lack their end marker."""

import re
from collections.abc import Iterator

from .jpeg_entropy import Frame, NotDecodableError
from .zero_runs import hole, zero_runs

_MARK, _EOI, _SOS = 0xFF, 0xD9, 0xDA
_START, _END = b"\xff\xd8", b"\xff\xd9"
_NO_PAYLOAD = (0x00, 0x01, *range(0xD0, 0xD9))
# Kinds of parts that are no marker.
_SCAN, _STRAY = -1, -2
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_TAIL = 64
# Some encoders end a scan with a byte or two more than its codes take.
_SPARE_BYTES = 2


def jpeg_problem(content: bytes) -> str | None:
    """Describe where a JPEG has a hole; None if no hole is found.

    Only scans with a run of at least 512 zero bytes are looked at; nearly all intact files have none. Such a run proves
    nothing alone. Zero bytes in a scan are Huffman codes like others: in each table the shortest code is all zero bits.
    With optimized tables it may say "brightness unchanged, end of block", so that a flat area of any size is a run of
    zeros (an all-black picture consists of one), and in the refining scans of progressive files any number of
    correction bits may be 0.

    But a scan codes a known number of blocks, and its data end with the last. A run of zeros that is data is followed
    by the codes of exactly the blocks that are left. In a hole each block takes another number of bits than in the
    picture, so that the codes end early or late. So the scan's codes are read, without making pixels of them. A run of
    zeros is a hole if

    - it is outside segments and scans,
    - reading meets bits that are no code, or data end before the last block,
    - or codes end more than two bytes before the scan's data do.

    A run from the last block to the end of its scan is padding. Arithmetic coding and 12 bits a channel pass.

    Args:
        content: The file's content.

    Returns:
        The reason in one line.
    """
    if next(zero_runs(content), None) is None:
        return None
    parts = list(_parts(content))
    for kind, start, end in parts:
        if kind == _STRAY and (run := next(zero_runs(content, start, end), None)):
            return hole(*run)
    left = sum(kind == _SCAN and _has_run(content, start, end) for kind, start, end in parts)
    frame, header = Frame(), b""
    for kind, start, end in parts:
        if not left:
            break
        if kind == _SCAN:
            suspicious = _has_run(content, start, end)
            left -= suspicious
            try:
                has_hole = (suspicious or frame.progressive) and _scan_has_hole(content[start:end], frame, header)
            except NotDecodableError:
                has_hole = suspicious
                left *= suspicious  # another kind of damage, or of file: nothing more is known
            if has_hole and frame.known:
                return hole(*next(zero_runs(content, start, end)))
        elif kind == _SOS:
            header = content[start:end]
        elif kind >= 0:
            frame.read_segment(kind, content[start:end])
    return None


def lacks_end_marker(content: bytes) -> bool:
    """Return whether a JPEG has a scan and ends without its end marker."""
    if _END in content[-_TAIL:]:
        return False
    kinds = {kind for kind, _, _ in _parts(content)}
    return _SCAN in kinds and _EOI not in kinds


def with_end_marker(content: bytes) -> bytes | None:
    """Give a JPEG the end marker that it lacks, if that is all it lacks: Pillow waits for more data without it.

    Args:
        content: A file's content.

    Returns:
        The whole file; None of one that has its marker, is no JPEG, or lacks blocks too.
    """
    if not content.startswith(_START) or not lacks_end_marker(content):
        return None
    frame, header = Frame(), b""
    for kind, start, end in _parts(content):
        if kind == _SCAN:
            try:
                frame.end_of_data(header, _pieces(content[start:end]))
            except NotDecodableError:
                return None
        elif kind == _SOS:
            header = content[start:end]
        elif kind >= 0:
            frame.read_segment(kind, content[start:end])
    return content + _END if frame.known else None


def _pieces(data: bytes) -> list[bytes]:
    return [piece.replace(b"\xff\x00", b"\xff") for piece in _RESTART.split(data)]


def _has_run(content: bytes, start: int, end: int) -> bool:
    return next(zero_runs(content, start, end), None) is not None


def _scan_has_hole(data: bytes, frame: Frame, header: bytes) -> bool:
    pieces = _pieces(data)
    for piece, end in zip(pieces, frame.end_of_data(header, pieces), strict=False):
        for start, stop in zero_runs(piece):
            is_padding = end <= start + _SPARE_BYTES and stop == len(piece)
            if not is_padding and end + _SPARE_BYTES < len(piece):
                return True
    return False


def _parts(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Give the segments, scans and stray bytes of the first picture: marker or kind, and the range of the payload."""
    at, size = 2, len(content)
    while at < size:
        mark = content.find(b"\xff", at)
        if mark != at:
            yield _STRAY, at, size if mark < 0 else mark
        if mark < 0:
            return
        at = mark + 1
        while at < size and content[at] == _MARK:  # fill bytes
            at += 1
        if at >= size:
            return
        marker, at = content[at], at + 1
        if marker in _NO_PAYLOAD:
            continue
        if marker == _EOI:
            yield _EOI, at, at
            return
        end = at + max(2, int.from_bytes(content[at : at + 2], "big"))
        yield marker, at + 2, min(end, size)
        at = end
        if marker == _SOS:
            found = _END_OF_SCAN.search(content, at)
            end = size if found is None else found.start()
            yield _SCAN, at, end
            at = end
