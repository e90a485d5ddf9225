"""Telephone, identity and card numbers, mail and accounts in texts that may be published: what people typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.arrays import Ints
from gis_renovation.errors import Finding, by_key
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

# What people put between groups of digits, after full-width forms are made plain: blanks, commas, dashes of all kinds.
_GAP = r"[\s_,、\u2010-\u2015\u2212-]{0,2}"
# Digits as they are said; a run of seven and more, with or without gaps, is a number and no year.
_SAID = str.maketrans("零〇○一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖", "00011122233445566778899")
_SAID_RUN = re.compile(rf"(?:[\d零〇○一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖]{_GAP}){{7,}}")
# Mobile numbers of eleven digits, with or without +86; identity numbers of eighteen with their check digit
# (GB 11643-1999), bank cards of sixteen to nineteen that pass the Luhn test (GB/T 14504), in fours or in one
# piece; none inside a longer number. Then numbers with an area code, mail addresses, accounts of messengers.
_MOBILE = re.compile(
    rf"(?<!\d)(?<!\d\.)(?:00)?(?:86)?{_GAP}\(?1[3-9]\d(?:\)?{_GAP}\d{{4}}{_GAP}\d{{4}}|\d{_GAP}\d{{3}}{_GAP}\d{{4}}"
    # A mobile number with the commas of a great amount is told from one by what it counts.
    r"|\.\d{4}\.\d{4})(?!\d)|(?<![\d,.])1[3-9],\d{3},\d{3},\d{3}(?![\d,.]|\s*[元户人平㎡m¥])"
)
_IDENTITY = re.compile(
    rf"(?<!\d)([1-9]\d{{5}}){_GAP}((?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])){_GAP}(\d{{3}}[\dXx])(?!\d)"
)
_CARD = re.compile(
    r"(?<!\d)(?<!\d\.)(?:(?:62|4|5)\d{14,17}|(?:62\d\d|[45]\d{3})(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?)(?!\d)"
)
# In one piece only behind an area code that exists (national numbering plan: 010, 02x, then by province).
_AREA = (
    r"(?:10|2[0-57-9]|31\d|335|349|35\d|37\d|39[1-8]|41\d|42[179]|43\d|45\d|46[4789]|47\d|48[23]|51\d|52[37]|53\d"
    r"|54[36]|55\d|56[1-6]|57\d|580|59\d|63[1-5]|66[0238]|69[12]|701|71\d|72[248]|73\d|74[3-6]|75\d|76[0236-9]|77\d"
    r"|79\d|81[2-8]|82[5-7]|83\d|85\d|87\d|88[3678]|89[1-8]|90[1-9]|91[1-9]|93\d|94[13]|95[1-5]|97\d|99\d)"
)
_LANDLINE = re.compile(
    r"(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3}[-.,、\s\u2010-\u2015])\s?[2-8]\d{2,3}[-.,\s]?\d{4}(?!\d)"
    rf"|(?<!\d)(?<!\d\.)(?:(?:00|\+)86{_GAP}|0){_AREA}{_GAP}[2-8]\d{{6,7}}(?!\d)"
)
# The last part of a host's name is never a number: land_idle@2026.1 is a set of rules and its version.
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]+")
# With a digit in it an account needs no more than the messenger's name before it; of letters alone, 号 or a colon.
_MESSENGER = r"(?:[微薇威徽][信x]|v信|(?<![a-z])[vw]x|企鹅|QQ|WeChat)"
_ACCOUNT = re.compile(
    rf"{_MESSENGER}(?:号码?|id)?\s?[:是为]?\s?(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{{4,19}}(?!\w)"
    rf"|{_MESSENGER}\s?(?:号码?\s?[:是为]?|[:是为])\s?[A-Za-z][A-Za-z0-9_-]{{5,19}}(?!\w)",
    re.IGNORECASE,
)
# Words that go before a number, an account or a name of somebody; an office, a shop or a works called so is none.
_WORDS = re.compile(
    r"电话(?!局|亭|公司|厂|站|大楼|交换|网|线)|手机(?!城|店|厂|市场|卖场|产业)|(?:微信|[Vv]信|薇信)(?!公众号|小程序|支付)"
    r"|(?<![A-Za-z])(?:QQ|VX|WX)(?![A-Za-z])|联系人|联系方式|邮箱|身份证|银行卡|开户|卡号|账号|(?i:wechat|mobile|telephone|e-?mail)"
)
# Signs nobody sees (category Cf).
_UNSEEN = re.compile(
    "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f]"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# Most cells are names and sentences; many are looked at in one go, with this between them, which none may hold.
_BETWEEN = "\x1e"
_TEXTS_AT_ONCE = 20_000
# What every kind needs: ten digits, said or written, with no more than three signs between two; or one of these words.
_DIGITS, _SIGNS = 10, 3
_SAID_DIGITS = "零〇○一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖"
_SUSPECT_WORDS = (
    "@", *(f"{first}{second}" for first in "微薇威徽" for second in "信x"), "v信", "vx", "wx", "企鹅", "qq", "wechat",
)  # fmt: skip

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

    Full-width digits, digits as words, blanks, commas, dashes and signs nobody sees between the digits hide nothing.
    """
    plain = _plain(text)
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


def _plain(text: str) -> str:
    """Full-width forms and spoken digits as plain ones, without signs nobody sees."""
    if text.isascii():
        return text
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return _SAID_RUN.sub(lambda run: run[0].translate(_SAID), plain)


def _contact_places(plain: str) -> Ints:
    return np.array([match.start() for match in _WORDS.finditer(plain)], dtype=np.int64)


def _telling(texts: Iterable[str], look: Callable[[str], Ints]) -> list[str]:
    """Those of ``texts`` in whose plain form ``look`` finds places; each is a line of one great text. O(characters)."""
    every = list(texts)
    found = []
    for start in range(0, len(every), _TEXTS_AT_ONCE):
        some = every[start : start + _TEXTS_AT_ONCE]
        whole = _BETWEEN.join(text.replace(_BETWEEN, " ") for text in some)
        plain = _UNSEEN.sub("", whole if whole.isascii() else unicodedata.normalize("NFKC", whole))
        ends = np.cumsum([len(line) + 1 for line in plain.split(_BETWEEN)])
        lines = np.unique(np.searchsorted(ends, look(plain), side="right"))
        found += [some[line] for line in lines.tolist()]
    return found


def _suspicious(plain: str) -> Ints:
    """Where something stands without which no personal number is one."""
    lower = plain.lower()
    # A letter whose small form is longer would move all places behind it.
    folded = lower if len(lower) == len(plain) else plain
    words = [match.start() for word in _SUSPECT_WORDS for match in re.finditer(re.escape(word), folded)]
    return np.concatenate([np.array(words, dtype=np.int64), _long_numbers(plain)])


def _long_numbers(plain: str) -> Ints:
    """Where runs of ten digits end, between which stand signs and no words."""
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kinds = _kinds_of_signs()[np.minimum(codes, 0x10000)]
    at = np.flatnonzero(kinds == 1)
    between = np.cumsum(kinds == 2)
    linked = (np.diff(at) <= _SIGNS + 1) & (np.diff(between[at]) == 0)
    # So many links one after another as the digits need, counted by where the last gap was.
    order = np.arange(len(linked))
    gap = np.maximum.accumulate(np.where(linked, -1, order)) if len(linked) else order
    ends: Ints = at[1:][linked & (order - gap >= _DIGITS - 1)]
    return ends


@lru_cache(maxsize=1)
def _kinds_of_signs() -> NDArray[np.uint8]:
    """Of each character: 1 a digit, 2 a letter or the end of a text, 0 a sign; what lies beyond may be a digit."""
    kinds = np.array(
        [1 if c.isdecimal() else 2 if c.isalnum() else 0 for c in map(chr, range(0x10000))] + [1], np.uint8
    )
    kinds[[ord(c) for c in _SAID_DIGITS]] = 1
    kinds[ord(_BETWEEN)] = 2
    return kinds


def _distinct_texts(cells: pd.Series[Any]) -> list[str]:
    """The texts of a column, each once."""
    try:
        values = cells.unique().tolist()
    except TypeError:
        values = cells.tolist()
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))


def contact_words(frames: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Warnings of words that go before contacts, one a column: what no pattern of numbers knows, people must look at.

    Columns meant for contacts are left out, and where a personal number was found there is an error instead.
    The message names layer, column and the first rows. O(cells).
    """
    warnings = []
    for layer, frame in frames.items():
        for column, cells in _texts(frame):
            if _FOR_CONTACTS.search(column):
                continue
            telling = {
                text for text in _telling(_distinct_texts(cells), _contact_places) if _WORDS.search(_plain(text))
            }
            ids = [str(key) for key, told in zip(frame.index, cells.isin(telling), strict=True) if told]
            if ids:
                warnings.append(_words_warning(layer, column, ids))
    return warnings


def _words_warning(layer: str, column: str, ids: list[str]) -> Finding:
    label = _label(layer, column)
    return Finding(
        severity="warning",
        code="contact_words",
        layer=layer,
        field=column,
        features=by_key(ids),
        text=Text(
            f"{layer}.{column}（{label.zh}）有 {len(ids)} 处提到电话、微信、账号等；"
            "公开前请逐处核对是否写了个人联系方式。",
            f"{layer}.{column} ({label.en}) mentions a telephone, messenger or account in {len(ids)} places; "
            "check each for somebody's contacts before it is public.",
        ),
    )


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


def _texts(frame: pd.DataFrame) -> Iterable[tuple[str, pd.Series[Any]]]:
    if not isinstance(frame.index, pd.RangeIndex):
        yield str(frame.index.name or "index"), pd.Series(frame.index.tolist(), dtype=object)
    for column, dtype in frame.dtypes.items():
        if str(dtype) != "geometry" and not pd.api.types.is_numeric_dtype(dtype):
            yield str(column), frame[column]


def _rows_by_kind(frame: pd.DataFrame, cells: pd.Series[Any]) -> dict[str, list[str]]:
    """Kind -> ids of the rows; ledgers say the same sentence in thousands of rows, and each is looked at once."""
    suspects = _telling(_distinct_texts(cells), _suspicious)
    known = {text: kinds for text in suspects if (kinds := personal_kinds(text))}
    rows: dict[str, list[str]] = {}
    for key, cell in zip(frame.index, cells.tolist() if known else (), strict=bool(known)):
        for kind in known.get(cell, ()) if isinstance(cell, str) else ():
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
