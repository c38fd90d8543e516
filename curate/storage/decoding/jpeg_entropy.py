"""How far the entropy-coded data of a JPEG's scans reach: a Huffman decoder that counts bits and keeps no pixels."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_DHT, _DRI = 0xC4, 0xDD
_COEFFICIENTS = 64
_BITS = 8
_LONGEST_CODE = 16
_WINDOW = 8  # bytes that a code and what follows it may span
_ZERO_RUN = 15  # of a symbol without a value: 16 zeros (ZRL); below it, the end of so many blocks
# A length no code has: bits without a meaning.
_NO_CODE = (0, 0)

# By the next 16 bits: the length of the code that they begin with, and its symbol.
_Table = list[tuple[int, int]]


class NotDecodableError(ValueError):
    """The bits are no codes of the scan's tables, or there are too few of them."""


@dataclass
class _Component:
    across: int  # sampling factors
    down: int
    nonzero: list[int] = field(default_factory=list)  # by block: a bit for each coefficient that is not zero


@dataclass
class Frame:
    """What a JPEG's headers have said so far, and which coefficients its scans have set.

    Attributes:
        known: Whether it is coded in a way that is known here: Huffman codes, 8 bits, the size in its header.
        progressive: Whether its coefficients come in several scans.
    """

    known: bool = False
    progressive: bool = False
    _height: int = 0
    _width: int = 0
    _components: dict[int, _Component] = field(default_factory=dict)
    _tables: dict[int, bytes] = field(default_factory=dict)
    _restart: int = 0

    def read_segment(self, marker: int, payload: bytes) -> None:
        """Record what a segment says; after a damaged one the state of the file is unknown."""
        try:
            if marker in (*_SEQUENTIAL, _PROGRESSIVE):
                self._take_up_frame(marker, payload)
            elif marker == _DRI:
                self._restart = int.from_bytes(payload[:2], "big")
            elif marker == _DHT:
                at = 0
                while at < len(payload):
                    size = 17 + sum(payload[at + 1 : at + 17])
                    self._tables[payload[at]] = payload[at + 1 : at + size]
                    at += size
        except (IndexError, struct.error):
            self.known = False

    def _take_up_frame(self, marker: int, payload: bytes) -> None:
        precision, self._height, self._width, count = struct.unpack_from(">BHHB", payload)
        self.progressive = marker == _PROGRESSIVE
        for at in range(6, 6 + 3 * count, 3):
            self._components[payload[at]] = _Component(payload[at + 1] >> 4, payload[at + 1] & 15)
        factors = [factor for c in self._components.values() for factor in (c.across, c.down)]
        self.known = precision == _BITS and self._height > 0 and self._width > 0 and all(factors) and bool(factors)

    def end_of_data(self, header: bytes, pieces: Sequence[bytes]) -> list[int]:
        """Return where the codes of a scan end.

        Args:
            header: The payload of its header.
            pieces: Its data between restart markers, without stuffed bytes.

        Returns:
            The number of bytes that the codes of each piece take.

        Raises:
            NotDecodableError: Bits that are no code, too few bits, or another number of pieces than there are restarts.
        """
        try:
            scan = _Scan(self, header)
        except (IndexError, KeyError, struct.error) as error:
            raise NotDecodableError("a damaged scan header") from error
        restart = self._restart or scan.mcus
        starts = range(0, scan.mcus, restart)
        if len(pieces) < len(starts) or any(pieces[len(starts) :]):
            raise NotDecodableError("another number of restart markers")
        try:
            return [
                scan.decode(data, at, min(at + restart, scan.mcus)) for at, data in zip(starts, pieces, strict=False)
            ]
        except IndexError as error:
            raise NotDecodableError("a coefficient beyond the last") from error


class _Scan:
    """One scan: its tables, its band of coefficients and its blocks."""

    def __init__(self, frame: Frame, header: bytes) -> None:
        count = header[0]
        chosen = [(header[1 + 2 * k], header[2 + 2 * k]) for k in range(count)]
        self.first, self.last, approximation = struct.unpack_from("BBB", header, 1 + 2 * count)
        self.refines = approximation >> 4 > 0
        self.progressive = frame.progressive
        parts = [frame._components[name] for name, _ in chosen]
        widest = max(c.across for c in frame._components.values())
        tallest = max(c.down for c in frame._components.values())
        if count == 1:
            part = parts[0]
            blocks = [
                math.ceil(math.ceil(size * factor / most) / 8)
                for size, factor, most in ((frame._width, part.across, widest), (frame._height, part.down, tallest))
            ]
            self.mcus, repeats = math.prod(blocks), [1]
        else:
            self.mcus = math.ceil(frame._width / (8 * widest)) * math.ceil(frame._height / (8 * tallest))
            repeats = [part.across * part.down for part in parts]
        dc = not self.progressive or (self.first == 0 and not self.refines)
        ac = not self.progressive or self.first > 0
        self.tables = [
            (_table(frame._tables[name >> 4]) if dc else [], _table(frame._tables[16 | name & 15]) if ac else [])
            for (_, name), repeat in zip(chosen, repeats, strict=True)
            for _ in range(repeat)
        ]
        self.nonzero = parts[0].nonzero
        if ac and self.progressive and not self.nonzero:
            self.nonzero += [0] * self.mcus

    def decode(self, data: bytes, start: int, end: int) -> int:
        """Go through the codes of MCUs `start` to `end`, and return the bytes that they take."""
        bits = _Bits(data)
        if not self.progressive:
            for _ in range(start, end):
                for dc, ac in self.tables:
                    bits.skip_block(dc, ac)
        elif self.first == 0 and self.refines:
            bits.at = (end - start) * len(self.tables)
        elif self.first == 0:
            for _ in range(start, end):
                for dc, _ in self.tables:
                    bits.skip_value(dc)
        else:
            left = 0
            step = self._refine if self.refines else self._set
            for block in range(start, end):
                left = step(bits, block, left)
        if bits.at > 8 * len(data):
            raise NotDecodableError("too few bits")
        return (bits.at + 7) // 8

    def _set(self, bits: "_Bits", block: int, left: int) -> int:
        """Read a block of the first scan of a band; `left` blocks are known to be empty."""
        if left:
            return left - 1
        k, table = self.first, self.tables[0][1]
        while k <= self.last:
            symbol = bits.symbol(table)
            run, size = symbol >> 4, symbol & 15
            if size:
                k += run
                if k > self.last:
                    raise NotDecodableError("a coefficient beyond the band")
                self.nonzero[block] |= 1 << k
                bits.at += size
                k += 1
            elif run < _ZERO_RUN:
                return (1 << run) - 1 + bits.take(run)
            else:
                k += 16
        return 0

    def _refine(self, bits: "_Bits", block: int, left: int) -> int:
        """Read a block of a refining scan: a bit for each coefficient that was set, and newly set ones between them."""
        k, table = self.first, self.tables[0][1]
        before = self.nonzero[block]
        while k <= self.last and not left:
            symbol = bits.symbol(table)
            run, size = symbol >> 4, symbol & 15
            if size:
                bits.at += 1
            elif run < _ZERO_RUN:
                left = (1 << run) + bits.take(run)
                break
            while k <= self.last:
                if before >> k & 1:
                    bits.at += 1
                elif run:
                    run -= 1
                else:
                    break
                k += 1
            if size:
                if k > self.last:
                    raise NotDecodableError("a coefficient beyond the band")
                self.nonzero[block] |= 1 << k
            k += 1
        if left:
            bits.at += (before >> k & (1 << max(0, self.last + 1 - k)) - 1).bit_count()
            left -= 1
        return left


class _Bits:
    """A position in data, in bits."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data + bytes(_WINDOW), 0
        self._end = 8 * len(data)

    def symbol(self, table: _Table) -> int:
        """Read a code and return its symbol."""
        at = self.at
        if at > self._end:
            raise NotDecodableError("too few bits")
        byte = at >> 3
        window = int.from_bytes(self.data[byte : byte + 3], "big") >> (8 - (at & 7)) & 0xFFFF
        length, symbol = table[window]
        if not length:
            raise NotDecodableError("no code")
        self.at = at + length
        return symbol

    def skip_value(self, table: _Table) -> None:
        """Skip a code and the bits that follow it, whose number is its symbol."""
        size = self.symbol(table)
        self.at += size

    def take(self, count: int) -> int:
        """Read a number of `count` bits, 14 at most."""
        byte = self.at >> 3
        window = int.from_bytes(self.data[byte : byte + 3], "big")
        value = window >> (24 - (self.at & 7) - count) & (1 << count) - 1
        self.at += count
        return value

    def skip_block(self, dc: _Table, ac: _Table) -> None:
        """Skip a block of a file that is not progressive."""
        self.skip_value(dc)
        k = 1
        while k < _COEFFICIENTS:
            symbol = self.symbol(ac)
            size = symbol & 15
            if size:
                self.at += size
            elif symbol >> 4 < _ZERO_RUN:
                return
            k += (symbol >> 4) + 1
        if k > _COEFFICIENTS:
            raise NotDecodableError("a coefficient beyond the last")


def _table(definition: bytes) -> _Table:
    """Lay a table of codes out by the next 16 bits."""
    table: _Table = []
    symbols = iter(definition[16:])
    for length, count in enumerate(definition[:16], start=1):
        for symbol in (next(symbols) for _ in range(count)):
            table += [(length, symbol)] * (1 << (_LONGEST_CODE - length))
    return table + [_NO_CODE] * ((1 << _LONGEST_CODE) - len(table))
