"""What can go wrong, in words for the person who must act.

    GisRenovationError        base; always carries Chinese and English text
    ├── ConfigError           project.toml, a card, a profile or a rule pack must be edited (exit code 2)
    ├── FileError             a file is missing, unreadable or not ours to overwrite       (exit code 2)
    ├── CRSError              a coordinate system is unknown, wrong or unfit to measure in (exit code 2)
    └── DataError             the layers' content must be mended; carries the findings     (exit code 1)

Anything else that is raised is a bug of the program and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gis_renovation.words import Lang, Text, shorten_ids

Severity = Literal["error", "warning", "note"]


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


def _line(finding: Finding, lang: Lang) -> str:
    where = "/".join(part for part in (finding.file, finding.layer, finding.field) if part)
    return f"  - {where}: {finding.sentence(lang)}" if where else f"  - {finding.sentence(lang)}"
