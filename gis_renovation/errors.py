"""What can go wrong, in words for the person who must act.

    GisRenovationError        base; always carries Chinese and English text
    ├── ConfigError           project.toml, a card, a profile or a rule pack must be edited (exit code 2)
    ├── FileError             a file is missing, unreadable or not ours to overwrite       (exit code 2)
    ├── CRSError              a coordinate system is unknown, wrong or unfit to measure in (exit code 2)
    └── DataError             the layers' content must be mended; carries the findings     (exit code 1)

Anything else that is raised is a bug of the program and keeps its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from gis_renovation.words import Lang, Text, counted, shorten_ids

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, order=True)
class FileRow:
    """A row of one of a layer's several files; ``row`` is counted from 1, as people see it."""

    file: str
    row: int

    def spoken(self, lang: Lang) -> str:
        """The row as a sentence names it, with its file."""
        return f"{self.file} 第{self.row}行" if lang == "zh" else f"{self.file} row {self.row}"

    def __str__(self) -> str:
        return f"{self.file}:{self.row}"


class FeatureRef(NamedTuple):
    """One feature that a finding means: its key, its rows in the file, and what is said of it.

    ``rows`` are counted from 1 as people count them, or named where the file names them; key or rows may be
    unknown. ``other`` is the key of a second feature that meets this one. ``value`` is what stands there, or
    why the feature is named, and ``mark`` what a sentence puts before it. ``spot`` is x and y of the very place.
    """

    key: str = ""
    rows: tuple[int | str | FileRow, ...] = ()
    mark: str = ""
    value: str | Text = ""
    other: str = ""
    spot: tuple[float, float] | None = None

    def spoken(self, lang: Lang) -> str:
        """The feature as a sentence names it: ``A1``, ``A1 (row 3, row 5)``, ``row 4=-5``, ``A1 ∩ A2: 3 m²``."""
        zh = lang == "zh"
        name = f"{self.key} ∩ {self.other}" if self.other else self.key
        if self.rows:
            said = [_row_said(row, lang) for row in self.rows]
            rows = ("、" if zh else ", ").join(said)
            name = (f"{name}（{rows}）" if zh else f"{name} ({rows})") if name else rows
        value = self.value.in_language(lang) if isinstance(self.value, Text) else self.value
        return f"{name}{self.mark}{value}"


def _row_said(row: int | str | FileRow, lang: Lang) -> str:
    if isinstance(row, FileRow):
        return row.spoken(lang)
    return row if isinstance(row, str) else f"第{row}行" if lang == "zh" else f"row {row}"


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
    """Base of every error a user can cause and mend.

    ``str(error)`` is what a notebook shows: Chinese, then English. Commands take one of the two.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.text = Text(zh, en)

    def __str__(self) -> str:
        return self.text.zh if self.text.zh == self.text.en else f"{self.text.zh}\n{self.text.en}"

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
            "\n".join([f"The data has {counted(count, 'fault')} to mend first:", *(_line(f, "en") for f in findings)]),
        )
        # What it is made from again, in another process.
        self.args = (self.findings,)


def _line(finding: Finding, lang: Lang) -> str:
    where = "/".join(part for part in (finding.file, finding.layer, finding.field) if part)
    return f"  - {where}: {finding.sentence(lang)}" if where else f"  - {finding.sentence(lang)}"


# --- files that cannot be read or written ---------------------------------------------------------


_OS_REASONS = {
    errno.ENOENT: "文件或文件夹不存在",
    errno.EISDIR: "这是文件夹，应为文件",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EEXIST: "已经存在",
    errno.ENOTEMPTY: "文件夹不是空的",
    errno.ENAMETOOLONG: "名称太长",
    errno.EIO: "磁盘读写故障",
    errno.EBUSY: "正被占用",
    errno.EMFILE: "打开的文件太多",
}


def os_error_text(error: OSError, name: str) -> Text:
    """What to do about a file that cannot be read or written; ``name`` is the path as the user knows it."""
    number = error.errno
    if number in (errno.ENOSPC, errno.EDQUOT):
        return Text(
            f"磁盘已满，没有写完{f' {name}' if name else ''}；没有留下半成品。请清理空间后重试。",
            f"The disk is full{f': {name}' if name else ''}. Nothing half-written is left. Free some space, try again.",
        )
    if isinstance(error, PermissionError):
        return Text(
            f"没有权限读写 {name}。请看所在文件夹是否只读；文件若正被其他软件（如 Excel、QGIS）打开，请关闭后重试。",
            f"No permission for {name}. Is its folder read-only? If a program has it open, close it and try again.",
        )
    if number == errno.EROFS:
        return Text(
            f"{name} 所在的磁盘是只读的，写不进去；请把项目复制到可写的文件夹。",
            f"{name} lies on a read-only disk; copy the project to a folder that can be written.",
        )
    reason = _OS_REASONS.get(number or 0, error.strerror or "")
    return Text(f"读写文件出错：{name}（{reason}）。", f"File error: {name} ({error.strerror}).")
