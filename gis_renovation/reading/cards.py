"""Source cards: where one layer comes from, and how its columns become ours.

A card is a small TOML file in a project's ``layers/`` folder. :func:`read_card` checks it; :mod:`conforming` does
what it says. The lines that messages give people to copy into a card are made here too.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gis_renovation.config import check_model, nearest_key, read_toml, toml_inline
from gis_renovation.errors import ConfigError, Finding
from gis_renovation.numerals import UNITS, unit_factor
from gis_renovation.reading.values import (
    MonthAs,
    Periods,
    known_encoding,
)
from gis_renovation.schemas import Field as SchemaField
from gis_renovation.schemas import (
    LayerSchema,
    layer_schema,
)
from gis_renovation.words import Text

Classification = Literal["public", "internal", "work_secret"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def _known_encoding(encoding: str) -> str:
    """The name of an encoding, if there is such a one; else the fault that says so."""
    if encoding and not known_encoding(encoding):
        raise PydanticCustomError("encoding", "no such encoding; known: GB18030, UTF-8, BIG5 …")
    return encoding


class Source(_Strict):
    """Where the layer lies and what is known about it; ``path`` is relative to the card.

    ``replace_crs`` says that the file's own CRS is wrong and ``crs`` counts instead; nothing is moved.
    ``swap_axes`` says that the file has northing first: x and y of every shape are exchanged.
    ``header_row`` is the row of the header, 0 where there is none; ``separator`` stands between a text file's cells.
    ``scale`` multiplies all coordinates, such as 0.001 for a drawing in millimetres.
    ``shape`` takes only the areas, lines or points of a file that holds several kinds.
    ``crs_guessed`` says that nobody has confirmed ``crs`` yet: every run warns of it, and nothing made from
    the layer is published for everybody.
    """

    path: str | list[str]
    layer: str = ""
    layer_name: str = ""
    shape: Literal["", "polygon", "line", "point"] = ""
    encoding: str = ""
    crs: str = ""
    crs_guessed: bool = False
    datum: Literal["", "gcj02", "bd09"] = ""
    owner: str = ""
    licence: str = ""
    classification: Classification = "internal"
    observed: datetime.date | None = None
    title: str = ""
    note: str = ""
    header_row: int | None = Field(default=None, ge=0)
    header_rows: int | None = Field(default=None, ge=1, le=6)
    separator: str = Field(default="", max_length=1)
    trusted: bool = False
    replace_crs: bool = False
    swap_axes: bool = False
    scale: float | None = Field(default=None, gt=0)

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return _known_encoding(name)

    @model_validator(mode="after")
    def _replaced_by_what(self) -> Source:
        if self.replace_crs and not self.crs:
            raise PydanticCustomError("replace_crs", "replace_crs needs the right crs beside it")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, in the order written."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)


class GeometryColumns(_Strict):
    """How a table's rows become points or shapes: ``x`` and ``y`` columns, or one ``wkt`` column.

    ``x`` is easting or longitude, ``y`` northing or latitude. Chinese survey tables call the
    northing X: write ``x = "Y"`` and ``y = "X"`` for them.
    """

    x: str = ""
    y: str = ""
    wkt: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> GeometryColumns:
        if bool(self.wkt) == bool(self.x or self.y) or bool(self.x) != bool(self.y):
            raise PydanticCustomError("geometry_columns", "give both x and y, or wkt alone")
        return self


class SurveyPoints(_Strict):
    """The table of points that a table of lines names its ends by, as pipe surveys (CJJ 61) come.

    ``number``, ``x`` (easting or longitude; surveys call it Y) and ``y`` (northing) are columns of the points' table;
    ``start`` and ``end`` the columns of the lines with the numbers of their two ends.
    """

    path: str
    layer_name: str = ""
    encoding: str = ""
    header_row: int | None = Field(default=None, ge=0)
    header_rows: int | None = Field(default=None, ge=1, le=6)
    separator: str = Field(default="", max_length=1)
    number: str
    x: str
    y: str
    start: str
    end: str

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return _known_encoding(name)


class ColumnRule(_Strict):
    """One of our columns from theirs: a column, a unit, a table of codes, what means unknown, or a constant.

    ``utc_offset_h`` takes the day of a time in UTC so many hours ahead of it (China 8).
    ``text_within_m`` takes the text written beside a feature in a drawing, no farther than that; ``text_layers`` names
    the drawing layers of such texts.
    """

    from_: str | list[str] | None = Field(default=None, alias="from")
    unit: str = ""
    values: dict[str, Any] = Field(default_factory=dict)
    unknown: list[Any] = Field(default_factory=list)
    value: Any = None
    number: str | None = None
    text_within_m: float | None = Field(default=None, gt=0)
    text_layers: list[str] = Field(default_factory=list)
    periods: Periods = ""
    month_as: MonthAs = ""
    utc_offset_h: int = Field(default=0, ge=-12, le=14)


class Join(_Strict):
    """A second table whose columns come beside ours by a common number; rows never multiply.

    ``on`` is the column both have, or ``{ ours = "theirs" }``. Without ``take`` the table has one row for each
    number, an office's ledger, and all its columns can be named in ``[columns]``. ``take`` names columns of a
    table with several rows for one number and how they become one value: ``unanimous`` (equal in all rows,
    else unknown), ``sum`` (unknown with an unknown part), ``sum_known`` (of the known parts, approximate),
    ``min``, ``max`` or ``count``; there ``equals`` may name the other column.
    """

    path: str
    layer_name: str = ""
    encoding: str = ""
    header_row: int | None = Field(default=None, ge=0)
    header_rows: int | None = Field(default=None, ge=1, le=6)
    separator: str = Field(default="", max_length=1)
    on: str | dict[str, str]
    equals: str = ""
    take: dict[str, Literal["unanimous", "sum", "sum_known", "min", "max", "count"]] = Field(default_factory=dict)

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return _known_encoding(name)

    @field_validator("on")
    @classmethod
    def _one_pair(cls, on: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(on, dict) and len(on) != 1:
            raise PydanticCustomError("join_on", "give one column, or one pair { ours = theirs }")
        return on

    @property
    def sides(self) -> tuple[str, str]:
        """The common column: its name in the layer's file and in the other table."""
        if isinstance(self.on, dict):
            return next(iter(self.on.items()))
        return self.on, self.equals or self.on


class Control(_Strict):
    """Control points known in both grids, for data in an old or local grid (Xian 80, Beijing 54, a city's own).

    ``path`` is a table with one point a row; ``from_x``, ``from_y`` name the columns in the file's grid,
    ``to_x``, ``to_y`` those in ``crs`` (x easting, y northing, metres). Residuals above ``tolerance_m``
    are warned of.
    """

    path: str
    crs: str
    from_x: str
    from_y: str
    to_x: str
    to_y: str
    tolerance_m: float = Field(default=0.1, gt=0)

    def columns(self) -> tuple[str, str, str, str]:
        """The four column names, in the order the fit takes them."""
        return self.from_x, self.from_y, self.to_x, self.to_y


# How a raster in another CRS may be resampled. Codes of classes have nothing between them: the first two only.
Warp = Literal["", "nearest", "mode", "bilinear", "cubic", "average"]
CLASS_WARPS: tuple[Warp, ...] = ("nearest", "mode")
_CLASS_RASTERS = ("land_cover",)


class Repair(_Strict):
    """Repairs the card's author asks for; each is counted and listed in the manifest.

    ``warp`` brings a raster in another CRS into the project's, resampled as it says.
    """

    make_valid: bool = False
    drop_exact_duplicates: bool = False
    drop_empty_geometry: bool = False
    close_rings_m: float = Field(default=0.0, ge=0)
    merge_pieces: bool = False
    snap_slivers_m: float = Field(default=0.0, ge=0, le=5)
    warp: Warp = ""


class _CardTables(_Strict):
    source: Source
    geometry: GeometryColumns | None = None
    points: SurveyPoints | None = None
    columns: dict[str, str | ColumnRule] = Field(default_factory=dict)
    select: dict[str, Any] = Field(default_factory=dict)
    join: list[Join] = Field(default_factory=list)
    control: Control | None = None
    repair: Repair = Repair()

    @field_validator("join", mode="before")
    @classmethod
    def _one_or_several(cls, join: Any) -> Any:
        return [join] if isinstance(join, dict) else join


class Card(_CardTables):
    """One source card, checked. ``parts`` are further sources of the same layer, each with its own columns."""

    parts: tuple[Card, ...] = ()

    @property
    def schema_(self) -> LayerSchema:
        """The schema of the layer this card fills."""
        return layer_schema(self.source.layer)

    @property
    def sources(self) -> tuple[Card, ...]:
        """The card's own source and its further ones, each as a card without parts."""
        return (self.model_copy(update={"parts": ()}), *self.parts)

    @property
    def observed(self) -> datetime.date | None:
        """The day of the data; of several sources the earliest, unknown where one is."""
        days = [part.source.observed for part in self.sources]
        known = [day for day in days if day is not None]
        return min(known) if len(known) == len(days) else None


def read_card(text: str, *, stem: str, where: str) -> Card:
    """The card in ``text``; ``stem`` (the file's name) is the layer unless ``source.layer`` says another.

    A card with several ``[[source]]`` tables has one for each file or group of files, each with columns of its own.

    Raises ConfigError with every fault at once: TOML, unknown keys, columns our schema does not
    have, units that cannot become the field's unit.
    """
    data = read_toml(text, where=where)
    tables = data.get("source")
    several = tables if isinstance(tables, list) and tables else [tables]
    cards = []
    for number, table in enumerate(several, start=1):
        place = f"{where} [[source]] {number}" if len(several) > 1 else where
        one = _own_tables(data, table) if isinstance(tables, list) and isinstance(table, dict) else data
        if isinstance(one.get("source"), dict):
            one["source"].setdefault("layer", stem)
        cards.append(_checked(one, place))
    other = [card.source.layer for card in cards if card.source.layer != cards[0].source.layer]
    if other:
        raise ConfigError(
            f"{where}：一张来源卡的几个 [[source]] 必须是同一个图层，"
            f"现有 {cards[0].source.layer}、{other[0]}；请分成两张卡。",
            f"{where}: all [[source]] of a card must be of one layer; found {cards[0].source.layer} and {other[0]}.",
        )
    return cards[0].model_copy(update={"parts": tuple(cards[1:])})


# What a source of several may have of its own, beside what it says of its file.
_OWN_TABLES = ("geometry", "points", "columns", "select", "join", "control", "repair")


def _own_tables(data: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """One of several sources as a card: what stands at the card's top level holds for all, its own tables win.

    ``[columns]`` and ``[source.columns]`` go together, column by column.
    """
    own = {key: table[key] for key in _OWN_TABLES if key in table}
    shared = {key: value for key, value in data.items() if key != "source"}
    if isinstance(own.get("columns"), dict) and isinstance(shared.get("columns"), dict):
        own["columns"] = {**shared["columns"], **own["columns"]}
    return {**shared, **own, "source": {key: value for key, value in table.items() if key not in own}}


def _checked(data: Mapping[str, Any], where: str) -> Card:
    tables = check_model(dict(data), _CardTables, where=where)
    card = Card.model_validate({name: getattr(tables, name) for name in _CardTables.model_fields})
    schema = layer_schema(card.source.layer)
    faults = [*_column_faults(card, schema), *_warp_faults(card.repair.warp, schema)]
    if faults:
        raise ConfigError(
            "\n".join([f"{where}：有 {len(faults)} 处需要改正：", *(f"  - {t.zh}" for t in faults)]),
            "\n".join([f"{where}: {len(faults)} faults to mend:", *(f"  - {t.en}" for t in faults)]),
        )
    return card


def guessed_crs(card: str, crs: str) -> Finding:
    """The warning that the CRS of a layer is a guess nobody confirmed, and what to do."""
    return Finding(
        severity="warning", code="crs_guessed", layer=card, field="crs", file=f"layers/{card}.toml",
        text=Text(
            f"坐标系 {crs} 是按坐标值猜的，尚未核实，位置可能偏出几十米以上；请向提供单位核实，"
            f"改正 crs 后删去 layers/{card}.toml 中的 crs_guessed = true。未核实前不能发布公众版。",
            f"The CRS {crs} is a guess from the numbers and not confirmed; everything may lie tens of metres off. "
            f"Ask who gave the data, correct crs and delete crs_guessed = true in layers/{card}.toml. Until then no "
            "public site is made from it.",
        ),
    )  # fmt: skip


def _column_faults(card: Card, schema: LayerSchema) -> list[Text]:
    faults = []
    for name, rule in card.columns.items():
        if name not in schema.read_fields:
            hint = nearest_key(name, schema.read_fields)
            faults.append(
                Text(
                    f"columns.{name}：{schema.label.zh}图层没有这个字段；{hint.zh}",
                    f"columns.{name}: layer {schema.name} has no such field; {hint.en}",
                )
            )
            continue
        if isinstance(rule, ColumnRule):
            faults += _rule_faults(name, rule, schema.fields[name])
    return faults


def _warp_faults(warp: Warp, schema: LayerSchema) -> list[Text]:
    if warp and not schema.raster:
        return [
            Text(
                f"repair.warp：只用于栅格；{schema.label.zh}不是栅格，会自动转换到项目坐标系，请删去这一行",
                f"repair.warp: for rasters only; {schema.name} moves into the project CRS by itself, delete it",
            )
        ]
    if warp and schema.name in _CLASS_RASTERS and warp not in CLASS_WARPS:
        return [
            Text(
                f'repair.warp：{schema.label.zh}的像元是类别代码，不能取平均或插值；请写 "nearest" 或 "mode"',
                f'repair.warp: {schema.name} holds codes, which cannot be averaged; write "nearest" or "mode"',
            )
        ]
    return []


def _rule_faults(name: str, rule: ColumnRule, target: SchemaField) -> list[Text]:
    faults = []
    ways = [given is not None for given in (rule.from_, rule.value, rule.number, rule.text_within_m)]
    if sum(ways) != 1:
        faults.append(
            Text(
                f"columns.{name}：from（对应列）、value（固定值）、number（按位置编号）、text_within_m（图上旁边的文字）只能且必须写一个",
                f"columns.{name}: give exactly one of from, value, number, text_within_m",
            )
        )
    known = UNITS.get(target.unit, {})
    if rule.unit and unit_factor(rule.unit, target.unit) is None:
        listed = Text(", ".join(known) or "（该字段没有单位）", ", ".join(known) or "(the field has no unit)")
        faults.append(
            Text(
                f"columns.{name}.unit：{rule.unit!r} 不能换算为 {target.unit or '比例'}；可用：{listed.zh}",
                f"columns.{name}.unit: {rule.unit!r} cannot become {target.unit or 'a share'}; known: {listed.en}",
            )
        )
    return faults


# --- lines of a card, for a person to copy --------------------------------------------------------


# So many values are written out in the line a person copies into the card.
VALUES_SHOWN = 12

# What offices write where they do not know a number.
UNKNOWN_NUMBERS = (0, -1, -99, -999, -9999, 999, 9999, 99999)


def column_line(name: str, rule: Mapping[str, object]) -> Text:
    """The line of a card's [columns] that takes a field by ``rule``; a source that nobody knows is left to fill in."""
    if "from" not in rule or rule["from"] is not None:
        return Text.same(f"{name} = {toml_inline(dict(rule))}")
    said = (toml_inline({**rule, "from": column}) for column in ("列名", "COLUMN"))
    return Text(*(f"{name} = {line}" for line in said))


def chosen(codes: Iterable[object], mark: str) -> Text:
    """What to do with a drafted table of codes: those filled in are guesses to confirm, each ``mark`` is to choose."""
    codes = list(codes)
    guessed, open_ = any(code != mark for code in codes), mark in codes
    if not guessed:
        return Text(f"把 {mark} 换成下列代码之一", f"with one of these codes for each {mark}")
    if not open_:
        return Text(
            "其中的代码是按字面猜的，请核对；可用的代码",
            "where the codes are guesses from the words, to be confirmed; codes",
        )
    return Text(
        f"已填的代码是按字面猜的，请核对，把 {mark} 换成下列代码之一",
        f"where the codes given are guesses from the words, to be confirmed, and each {mark} is one of these",
    )


def month_remedy(target: SchemaField, source: object) -> Text:
    """That a date column names months without a day, and the line of the card that says which day is meant."""
    line = column_line(target.name, {"from": source or None, "month_as": "last_day"})
    return Text(
        f"{target.label.zh}只写到月，没有写哪一天。取当月最后一天的，请在来源卡 [columns] 写：{line.zh}；"
        'month_as = "first_day" 为当月第一天。',
        f"{target.label.en} names a month without a day. For its last day write in the card's [columns]: "
        f'{line.en}; month_as = "first_day" takes the first.',
    )


# --- raw frame to conformed frame -----------------------------------------------------------------
