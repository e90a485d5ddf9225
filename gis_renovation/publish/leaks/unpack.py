"""What the bytes of a published file really say: unpacked, decoded, in every spelling a reader could undo.

A withheld value is not gone because it is compressed, in base64, escaped, in another encoding, in the
notes of a picture or in a file's name.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import re
import struct
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator

# Packed in packed in packed: deeper than this nobody packs, and a hostile file could go on for ever.
DEEPEST = 4
# A member of an archive that unpacks to more than this is no file of ours.
LARGEST_MEMBER = 512 * 1024 * 1024

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def unpacked(data: bytes, *, depth: int = DEEPEST) -> Iterator[bytes]:
    """``data`` itself and everything packed in it.

    That is members of archives with their names and comments, gzip, compressed notes of PNG pictures,
    base64. Damaged packings are passed over: their bytes are searched as they are.
    """
    yield data
    if depth == 0:
        return
    for inner in _inside(data):
        yield from unpacked(inner, depth=depth - 1)


def _inside(data: bytes) -> Iterator[bytes]:
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _zip_members(data)
    elif data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        for kind, chunk in _png_chunks(data):
            if kind in (b"zTXt", b"iTXt"):
                yield from _inflated(chunk)
    else:
        for match in _BASE64.finditer(data):
            try:
                yield base64.b64decode(match.group() + b"=" * (-len(match.group()) % 4), validate=False)
            except binascii.Error:
                continue


def _zip_members(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.comment
            for member in sorted(archive.infolist(), key=lambda one: one.filename):
                yield member.filename.encode("utf-8", "surrogatepass")
                yield member.comment + b"\n" + member.extra
                if member.file_size <= LARGEST_MEMBER:
                    yield archive.read(member)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError):
        return


def _inflated(chunk: bytes) -> Iterator[bytes]:
    """The compressed text of a PNG note: it follows the keyword and a few bytes that differ by kind."""
    for start in [match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", chunk)]:
        try:
            yield zlib.decompressobj().decompress(chunk[start:])
        except zlib.error:
            continue


def spellings(data: bytes) -> Iterator[bytes]:
    """``data`` and, where it is escaped, what it says: HTML references, escapes of JSON, percent signs."""
    yield data
    if b"\\u" in data:
        text = data.decode("utf-8", "replace")
        yield _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).encode("utf-8", "replace")
    if b"&#" in data:
        yield html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace")
    if re.search(rb"%[0-9a-fA-F]{2}%[0-9a-fA-F]{2}", data):
        yield urllib.parse.unquote_to_bytes(data)


# --- pictures -------------------------------------------------------------------------------------

_JPEG_NOTES = {0xE1: "EXIF/XMP", 0xED: "IPTC", 0xFE: "comment"}
_PNG_NOTES = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})
_WEBP_NOTES = frozenset({b"EXIF", b"XMP "})


def picture_notes(data: bytes) -> list[str]:
    """What a JPEG, PNG or WebP carries besides the picture: EXIF (place, time, camera), XMP, comments; sorted.

    Anything else has none. Text after the end of a JPEG counts as a note too.
    """
    if data[:3] == b"\xff\xd8\xff":
        return sorted(set(_jpeg_notes(data)))
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return sorted({kind.decode("ascii") for kind, _ in _png_chunks(data) if kind in _PNG_NOTES})
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return sorted({kind.decode("ascii").strip() for kind in _riff_chunks(data) if kind in _WEBP_NOTES})
    return []


def _jpeg_notes(data: bytes) -> Iterator[str]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_NOTES:
            yield _JPEG_NOTES[marker]
        if marker == 0xDA:  # the picture itself, to its end
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    end = data.rfind(b"\xff\xd9")
    if end >= 0 and len(data) > end + 2:
        yield "trailing data"


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def _riff_chunks(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        yield data[at : at + 4]
        at += 8 + size + size % 2
