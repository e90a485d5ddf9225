"""What can go wrong, in words for the person who must act.

    GisRenovationError        base; always carries Chinese and English text
    ├── ConfigError           project.toml, a card, a profile or a rule pack must be edited (exit code 2)
    ├── FileError             a file is missing, unreadable or not ours to overwrite       (exit code 2)
    ├── CRSError              a coordinate system is unknown, wrong or unfit to measure in (exit code 2)
    └── DataError             the layers' content must be mended; carries the findings     (exit code 1)

Anything else that is raised is a bug of the program and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from gis_renovation.words import Lang, Text, shorten_ids

Severity = Literal["error", "warning", "note"]


class FeatureRef(NamedTuple):
    """One feature that a finding means: its key, its rows in the file, and what is said of it.

    ``rows`` are counted from 1 as people count them, or named where the file names them; key or rows may be
    unknown. ``other`` is the key of a second feature that meets this one. ``value`` is what stands there, or
    why the feature is named, and ``mark`` what a sentence puts before it. ``spot`` is x and y of the very place.
    """

    key: str = ""
    rows: tuple[int | str, ...] = ()
    mark: str = ""
    value: str = ""
    other: str = ""
    spot: tuple[float, float] | None = None

    def spoken(self, lang: Lang) -> str:
        """The feature as a sentence names it: ``A1``, ``A1 (row 3, row 5)``, ``row 4=-5``, ``A1 ∩ A2: 3 m²``."""
        zh = lang == "zh"
        name = f"{self.key} ∩ {self.other}" if self.other else self.key
        if self.rows:
            said = [row if isinstance(row, str) else f"第{row}行" if zh else f"row {row}" for row in self.rows]
            rows = ("、" if zh else ", ").join(said)
            name = (f"{name}（{rows}）" if zh else f"{name} ({rows})") if name else rows
        return f"{name}{self.mark}{self.value}"


def by_key(keys: Iterable[object]) -> tuple[FeatureRef, ...]:
    """Features named by their keys alone."""
    return tuple(FeatureRef(str(key)) for key in keys)


def by_row(rows: Iterable[int]) -> tuple[FeatureRef, ...]:
    """Features named by their rows alone, counted from 1."""
    return tuple(FeatureRef(rows=(int(row),)) for row in rows)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault or remark about the data: what, where, which ones, and what to do.

    ``severity`` is ``error`` (analysis stops), ``warning`` (right but surprising) or ``note``.
    ``code`` is stable and English; ``features`` are the features meant, all of them.
    """

    severity: Severity
    code: str
    layer: str
    text: Text
    field: str = ""
    file: str = ""
    features: tuple[FeatureRef, ...] = ()

    def named(self, lang: Lang) -> tuple[str, ...]:
        """The features as a sentence names them."""
        return tuple(feature.spoken(lang) for feature in self.features)

    def sentence(self, lang: Lang) -> str:
        """The message with up to five features and a count of the rest."""
        which = shorten_ids(self.named(lang), lang)
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
