"""Binary workbooks by hand, after [MS-CFB] and [MS-XLS]: a container with one stream, and BIFF8 records in it."""

from __future__ import annotations

import struct

EMPTY, ERROR = b"\x03\0\0\0\0\0\xff\xff", b"\x02\0\x17\0\0\0\xff\xff"


def container(streams, *, small=False):
    """A compound file; with ``small`` its streams stand in the small sectors, which only short ones may."""
    size = 512
    sectors, chains = [], []

    def put(data):
        first = len(sectors)
        count = max(1, -(-len(data) // size))
        for number in range(count):
            sectors.append(data[number * size : (number + 1) * size].ljust(size, b"\0"))
            chains.append(first + number + 1 if number < count - 1 else 0xFFFFFFFE)
        return first

    entries, mini, mini_chain = [], b"", []
    for name, data in streams.items():
        if small:
            first, count = len(mini_chain), -(-len(data) // 64)
            mini += data.ljust(64 * count, b"\0")
            mini_chain += [*range(first + 1, first + count), 0xFFFFFFFE]
            entries.append((name, 2, first, len(data)))
        else:
            padded = data.ljust(4096, b"\0")
            entries.append((name, 2, put(padded), len(padded)))
    root = ("Root Entry", 5, put(mini) if small else 0xFFFFFFFE, len(mini))
    first_small = put(struct.pack(f"<{len(mini_chain)}L", *mini_chain).ljust(size, b"\xff")) if small else 0xFFFFFFFE
    directory = b""
    for name, kind, first, length in (root, *entries):
        text = name.encode("utf-16-le") + b"\0\0"
        directory += text.ljust(64, b"\0") + struct.pack("<HBB3L", len(text), kind, 1, *[0xFFFFFFFF] * 3)
        directory += b"\0" * 36 + struct.pack("<3L", first, length, 0)
    first_entry = put(directory.ljust(-(-len(directory) // size) * size, b"\0"))
    table = put(b"")
    sectors[table] = struct.pack("<128L", *[*chains[:-1], 0xFFFFFFFD, *[0xFFFFFFFF] * (128 - len(chains))])
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 10
    head += struct.pack("<8L", 1, first_entry, 0, 4096, first_small, int(small), 0xFFFFFFFE, 0)
    head += struct.pack("<109L", table, *[0xFFFFFFFF] * 108)
    return head + b"".join(sectors)


def record(kind, content=b""):
    return struct.pack("<2H", kind, len(content)) + content


def sheet(cells, hidden=()):
    """The records of a sheet: cells by place are texts, numbers, or (value stored, flags) of a formula 1+1."""
    rows = sorted({row for row, _ in cells})
    out = record(0x0809, struct.pack("<4H2L", 0x0600, 0x10, 0, 0, 0, 0))
    for row in rows:
        out += record(0x0208, struct.pack("<6HL", row, 0, 9, 255, 0, 0, 0x20 if row in hidden else 0))
    for (row, column), value in sorted(cells.items()):
        place = struct.pack("<3H", row, column, 0)
        if isinstance(value, str):
            text = value.encode("utf-16-le")
            out += record(0x0204, place + struct.pack("<HB", len(value), 1) + text)
        elif isinstance(value, tuple):
            stored, flags = value
            stored = struct.pack("<d", stored) if isinstance(stored, float) else stored
            tokens = b"\x1e\x01\0\x1e\x01\0\x03"
            out += record(0x0006, place + stored + struct.pack("<HLH", flags, 0, len(tokens)) + tokens)
        elif value is None:  # an error typed in
            out += record(0x0205, place + b"\x2a\x01")
        else:
            out += record(0x0203, place + struct.pack("<d", value))
    return out + record(0x000A)


def workbook(sheets, *, small=False, stream="Workbook"):
    """An .xls of named sheets, each the records of :func:`sheet`."""
    names = {name: struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets}
    begin = record(0x0809, struct.pack("<4H2L", 0x0600, 5, 0, 0, 0, 0)) + record(0x0042, b"\xb0\x04")
    length = len(begin) + sum(4 + 6 + len(name) for name in names.values()) + 4
    parts, at = b"", length
    for name, records in sheets.items():
        parts += record(0x0085, struct.pack("<LBB", at, 0, 0) + names[name])
        at += len(records)
    return container({stream: begin + parts + record(0x000A) + b"".join(sheets.values())}, small=small)
