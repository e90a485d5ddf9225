"""Telephone, identity and card numbers, mail and accounts in texts that may be published: what people typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import pandas as pd

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
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# Most cells are names; one look tells that they hold nothing of the kind.
_TELLING = re.compile(r"\d|[@＠]|[零〇○一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖]|[信xXqQvV]")

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
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return _SAID_RUN.sub(lambda run: run[0].translate(_SAID), plain)


def contact_words(frames: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Warnings of words that go before contacts, one a column: what no pattern of numbers knows, people must look at.

    Columns meant for contacts are left out, and where a personal number was found there is an error instead.
    The message names layer, column and the first rows. O(cells).
    """
    warnings = []
    for layer, frame in frames.items():
        for column, cells in _texts(frame):
            pairs = zip(frame.index, cells, strict=True)
            ids = [str(key) for key, cell in pairs if isinstance(cell, str) and _WORDS.search(_plain(cell))]
            if ids and not _FOR_CONTACTS.search(column):
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
                known[cell] = personal_kinds(cell) if _TELLING.search(cell) else []
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
