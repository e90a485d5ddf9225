"""Telephone, identity and card numbers, mail and accounts in texts that may be published: what people typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import pandas as pd

from gis_renovation.errors import Finding, by_key
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

# What people put between groups of digits, after full-width forms are made plain: blanks and dashes of all kinds.
_GAP = r"[\s_\u2010-\u2015\u2212-]{0,2}"
# Mobile numbers of eleven digits, with or without +86; identity numbers of eighteen with their check digit
# (GB 11643-1999), bank cards of sixteen to nineteen that pass the Luhn test (GB/T 14504), in fours or in one
# piece; none inside a longer number. Then numbers with an area code, mail addresses, accounts of messengers.
_MOBILE = re.compile(
    rf"(?<!\d)(?<!\d\.)(?:00)?(?:86)?{_GAP}\(?1[3-9]\d(?:\)?{_GAP}\d{{4}}{_GAP}\d{{4}}|\d{_GAP}\d{{3}}{_GAP}\d{{4}}"
    r"|\.\d{4}\.\d{4})(?!\d)"
)
_IDENTITY = re.compile(
    rf"(?<!\d)([1-9]\d{{5}}){_GAP}((?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])){_GAP}(\d{{3}}[\dXx])(?!\d)"
)
_CARD = re.compile(
    r"(?<!\d)(?<!\d\.)(?:(?:62|4|5)\d{14,17}|(?:62\d\d|[45]\d{3})(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?)(?!\d)"
)
_LANDLINE = re.compile(r"(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3}[-\s\u2010-\u2015])\s?[2-8]\d{6,7}(?!\d)")
# The last part of a host's name is never a number: land_idle@2026.1 is a set of rules and its version.
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]+")
_ACCOUNT = re.compile(
    r"(?:微信|QQ|WeChat)(?:号码?)?\s?:?\s?(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{4,19}(?!\w)", re.IGNORECASE
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_KINDS: Mapping[str, Text] = {
    "mobile": Text("手机号码", "a mobile telephone number"),
    "identity": Text("身份证号码", "an identity card number"),
    "card": Text("银行卡号", "a bank card number"),
    "landline": Text("固定电话号码", "a telephone number"),
    "mail": Text("电子邮箱", "a mail address"),
    "account": Text("微信、QQ 号", "an account of a messenger"),
}


def personal_kinds(text: str) -> list[str]:
    """Which kinds of contact or personal number stand in a text, sorted; keys of the table of kinds.

    Full-width digits, blanks, dashes and signs nobody sees between the digits hide nothing.
    """
    plain = text
    if not text.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    found = {
        kind
        for kind, pattern in (("mobile", _MOBILE), ("landline", _LANDLINE), ("mail", _MAIL), ("account", _ACCOUNT))
        if pattern.search(plain)
    }
    if any(_has_check_digit("".join(match)) for match in _IDENTITY.findall(plain)):
        found.add("identity")
    if any(_passes_luhn(re.sub(r"\D", "", match)) for match in _CARD.findall(plain)):
        found.add("card")
    return sorted(found)


def _has_check_digit(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[-1].upper()


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def find_personal_numbers(frames: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Personal numbers in the texts and ids of what is to be published, one finding a column and kind.

    The message names column and rows, never the number. O(cells).
    """
    return [
        _finding(layer, column, kind, ids)
        for layer, frame in frames.items()
        for column, cells in _texts(frame)
        for kind, ids in _rows_by_kind(frame, cells).items()
    ]


# Columns that are meant for ways to reach somebody, by schema or by what people call theirs.
_FOR_CONTACTS = re.compile(
    r"contact|phone|mobile|e-?mail|wechat|(?:^|_)(?:tel|qq)(?:_|$)|电话|手机|联系|邮箱|微信|QQ", re.IGNORECASE
)


def personal_number_warnings(frames: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Warnings of personal numbers in columns that are not meant for them, one a column, for editions of the makers.

    Such an edition may hold contacts, but who typed a telephone number into a place's name or owner did not
    mean to hand it on. The message names layer, column, kinds and number of rows, never the number. O(cells).
    """
    warnings = []
    for layer, frame in frames.items():
        for column, cells in _texts(frame):
            rows = {} if _FOR_CONTACTS.search(column) else _rows_by_kind(frame, cells)
            if rows:
                warnings.append(_column_warning(layer, column, rows))
    return warnings


def _column_warning(layer: str, column: str, rows: Mapping[str, list[str]]) -> Finding:
    label, kinds = _label(layer, column), sorted(rows)
    count = len({key for ids in rows.values() for key in ids})
    return Finding(
        severity="warning",
        code="personal_number",
        layer=layer,
        field=column,
        text=Text(
            f"{layer}.{column}（{label.zh}）有 {count} 行疑似含{'、'.join(_KINDS[kind].zh for kind in kinds)}，"
            "这一列不是登记联系方式的；地图已照原样写出，转交前请核对，不该有的在数据中删去后重新发布。",
            f"{layer}.{column} ({label.en}) holds what looks like {', '.join(_KINDS[kind].en for kind in kinds)} in "
            f"{count} rows, and is no column for contacts; the map shows them as they are. Check before you hand it "
            "on; delete in the data what should not be there and publish again.",
        ),
    )


def _label(layer: str, column: str) -> Text:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(column) if schema else None
    return field.label if field else Text(column, column)


def _texts(frame: pd.DataFrame) -> Iterable[tuple[str, list[object]]]:
    if not isinstance(frame.index, pd.RangeIndex):
        yield str(frame.index.name or "index"), frame.index.tolist()
    for column in frame.columns:
        if str(frame[column].dtype) != "geometry" and not pd.api.types.is_numeric_dtype(frame[column].dtype):
            yield str(column), frame[column].tolist()


def _rows_by_kind(frame: pd.DataFrame, cells: Iterable[object]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    # Ledgers say the same sentence in thousands of rows: each is looked at once.
    known: dict[str, list[str]] = {}
    for key, cell in zip(frame.index, cells, strict=True):
        if isinstance(cell, str):
            if cell not in known:
                telling = any(character.isdigit() or character in "@＠" for character in cell)
                known[cell] = personal_kinds(cell) if telling else []
            for kind in known[cell]:
                rows.setdefault(kind, []).append(str(key))
    return rows


def _finding(layer: str, column: str, kind: str, ids: list[str]) -> Finding:
    schema, label = layer_schemas().get(layer), _label(layer, column)
    # Where the number is the id itself, the ids would repeat it.
    shown = () if schema is not None and column == schema.key else by_key(ids)
    return Finding(
        severity="error",
        code="personal_number",
        layer=layer,
        field=column,
        features=shown,
        text=Text(
            f"{layer}.{column}（{label.zh}）有 {len(ids)} 处疑似{_KINDS[kind].zh}，公众版不得包含；"
            "请在数据中删去，或从 [layers] 允许清单去掉这一列。",
            f"{layer}.{column} ({label.en}) holds what looks like {_KINDS[kind].en} in {len(ids)} rows, which a public "
            "edition may not; delete it in the data, or take the column off the allow list [layers].",
        ),
    )
