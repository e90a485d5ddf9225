"""What encoding text is in: names as offices write them, and what its own characters say of it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# Names of encodings that Python does not know, as .cpg files and offices write them, without spaces and marks.
_OTHER_NAMES = {
    "936": "GB18030", "54936": "GB18030", "65001": "UTF-8", "950": "BIG5", "932": "CP932", "949": "CP949",
    "1250": "CP1250", "1251": "CP1251", "1252": "CP1252", "437": "CP437", "850": "CP850", "866": "CP866",
    "88591": "ISO-8859-1", "EUCCN": "GB18030", "GB": "GB18030", "GB231280": "GB18030", "UTF8N": "UTF-8",
    "SJIS": "CP932",
}  # fmt: skip


_MARKS = re.compile(r"^(?:ANSI|OEM|CP|MS|WINDOWS|WIN|DOS|X|IBM|LDID/?)*|[\s_\-./]+")


def decode(raw: bytes, encoding: str) -> tuple[str, bool, bool]:
    """Text, whether its last character was cut, and whether other bytes could not be read (shown as �)."""
    raw = raw.rstrip(b" \0")
    try:
        return raw.decode(encoding), False, False
    except UnicodeDecodeError:
        pass
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(raw, final=False), True, False
    except UnicodeDecodeError:
        return raw.decode(encoding, errors="replace"), False, True


def content_encoding(texts: Iterable[bytes]) -> str:
    """UTF-8 if every text is, cut ends allowed; else GB18030."""
    return "GB18030" if any(decode(raw, "UTF-8")[2] for raw in texts) else "UTF-8"


# The characters people write most: the first level of GB 2312 and that of Big5, by their leading byte.
_FIRST_LEVEL = {"GB18030": ("gb2312", 0xB0, 0xD7), "BIG5": ("big5", 0xA4, 0xC6)}


_FEWEST_JUDGED, _SURE, _AHEAD, _RARE = 6, 0.8, 0.3, 0.4


def better_encoding(raw: bytes, used: str) -> str | None:
    """The encoding in which bytes read far better than in ``used``: ``UTF-8``, ``GB18030`` or ``BIG5``.

    An empty string means that no other is better, though GB18030 gives mostly characters that nobody writes;
    None that nothing speaks against ``used``. Any Big5 text decodes as GB18030, and any bytes at all as Latin-1,
    so only how common the characters are can tell. Too little text proves nothing. O(bytes).
    """
    if used == "UTF-8":  # no other text comes to be UTF-8 by chance
        return None
    now, letters = _common_share(raw, used)
    if letters < _FEWEST_JUDGED:
        return None
    for name in ("UTF-8", "GB18030", "BIG5"):
        if name != used and not decode(raw, name)[2]:
            share, count = _common_share(raw, name)
            if share >= _SURE and share - now >= _AHEAD and 2 * count >= _FEWEST_JUDGED:
                return name
    return "" if used == "GB18030" and now < _RARE else None


def _common_share(raw: bytes, encoding: str) -> tuple[float, int]:
    """The share of the commonest characters of Chinese among all letters beyond ASCII, and how many these are."""
    counts = Counter(decode(raw, encoding)[0])
    text = {c: n for c, n in counts.items() if c > "\x7f" and unicodedata.category(c) in _LETTERS}
    shares = [
        sum(n for c, n in text.items() if low <= c.encode(name, errors="replace")[0] <= high)
        for key, (name, low, high) in _FIRST_LEVEL.items()
        if encoding in (key, "UTF-8")
    ]
    letters = sum(text.values())
    return max(shares, default=0) / max(1, letters), letters


# Letters, private use and control characters, such as wrong decodings give; not the marks between words.
_LETTERS = frozenset({"Ll", "Lu", "Lt", "Lo", "Lm", "Co", "Cc", "So"})


def known_encoding(name: str) -> str:
    """The name Python and GDAL share, or an empty string for an unknown one."""
    name = name.strip().strip("\ufeff\0 ")
    name = _OTHER_NAMES.get(_MARKS.sub("", name.upper()), name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if not found._is_text_encoding:  # such as base64  # noqa: SLF001 - the only place that says it
        return ""
    # GB18030 holds all of GBK and GB 2312.
    return {"gbk": "GB18030", "gb2312": "GB18030", "utf-8": "UTF-8"}.get(found.name, found.name.upper())


def reads_as_common_chinese(raw: bytes, encoding: str) -> bool:
    """Whether all bytes are of the encoding and nearly all letters the commonest of Chinese, however few they are."""
    share, letters = _common_share(raw, encoding)
    return bool(letters) and share >= _SURE and not decode(raw, encoding)[2]
