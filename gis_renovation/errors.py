"""What can go wrong, in words for the person who must act.

    GisRenovationError        base; always carries Chinese and English text
    ├── ConfigError           project.toml, a card, a profile or a rule pack must be edited (exit code 2)
    ├── FileError             a file is missing, unreadable or not ours to overwrite       (exit code 2)
    ├── CRSError              a coordinate system is unknown, wrong or unfit to measure in (exit code 2)
    └── DataError             the layers' content must be mended; carries the findings     (exit code 1)

Anything else that is raised is a bug of the program and keeps its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

Lang = Literal["zh", "en"]
Severity = Literal["error", "warning", "note"]

IDS_SHOWN = 5


class Text(NamedTuple):
    """One message in the two languages the program speaks; Chinese comes first."""

    zh: str
    en: str

    def in_language(self, lang: Lang) -> str:
        """The text in ``lang``."""
        return self.zh if lang == "zh" else self.en


NO_TEXT = Text("", "")


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun in English: ``1 zone``, ``2 zones``; ``many`` where it is not ``one`` and s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault or remark about the data: what, where, which ones, and what to do.

    ``severity`` is ``error`` (analysis stops), ``warning`` (right but surprising) or ``note``.
    ``code`` is stable and English; ``ids`` are keys or row numbers of the features meant, all of
    them; ``place`` is a shapely geometry in the project CRS where one is known.
    """

    severity: Severity
    code: str
    layer: str
    text: Text
    field: str = ""
    file: str = ""
    ids: tuple[str, ...] = ()
    place: Any = None

    def sentence(self, lang: Lang) -> str:
        """The message with up to five ids and a count of the rest."""
        which = shorten_ids(self.ids, lang)
        return self.text.in_language(lang) + (f" [{which}]" if which else "")


class GisRenovationError(Exception):
    """Base of every error a user can cause and mend."""

    exit_code: ClassVar[int] = 2

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh)
        self.text = Text(zh, en)

    def in_language(self, lang: Lang) -> str:
        """The whole message in ``lang``."""
        return self.text.in_language(lang)


class ConfigError(GisRenovationError):
    """A TOML file of the project must be edited."""


class FileError(GisRenovationError):
    """A file is missing, unreadable, of an unknown kind, or not ours to overwrite."""


class CRSError(GisRenovationError):
    """A coordinate system is missing, wrong, or unfit for measuring."""


class DataError(GisRenovationError):
    """The content of layers must be mended first; all faults at once in ``findings``."""

    exit_code = 1

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        super().__init__(
            "\n".join([f"数据有 {count} 处问题，需先改正：", *(_line(f, "zh") for f in findings)]),
            "\n".join([f"The data has {count} faults to mend first:", *(_line(f, "en") for f in findings)]),
        )


def shorten_ids(ids: Iterable[object], lang: Lang, shown: int = IDS_SHOWN) -> str:
    """At most ``shown`` ids, then how many there are in all."""
    names = [id_in(str(value), lang) for value in ids]
    if not names:
        return ""
    head = ", ".join(names[:shown])
    if len(names) <= shown:
        return head
    return f"{head} 等共 {len(names)} 个" if lang == "zh" else f"{head} … {len(names)} in all"


def id_in(name: str, lang: Lang) -> str:
    """An id or a row (“第3行”, “A1（第3行、第5行）”) in the language that is spoken."""
    rows = r"第\d+行(?:、第\d+行)*"
    if lang == "zh" or not re.search(rf"^{rows}|（{rows}）$", name):
        return name

    def said(found: re.Match[str]) -> str:
        return ", ".join(f"row {number}" for number in re.findall(r"\d+", found[0]))

    plain = re.sub(rf"（({rows})）$", lambda found: f" ({said(found)})", name)
    return re.sub(rf"^{rows}", said, plain)


def _line(finding: Finding, lang: Lang) -> str:
    where = "/".join(part for part in (finding.file, finding.layer, finding.field) if part)
    return f"  - {where}: {finding.sentence(lang)}" if where else f"  - {finding.sentence(lang)}"
