"""Which layer of ours a file is for: by what it is called, what its columns are called, and its shapes.

Only what can be seen is weighed, and the reasons are said. Names count from their end: a 小区围墙 is a wall, not a
community. A column says the more the fewer layers have one like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from gis_renovation.numerals import plain_text
from gis_renovation.reading import same_name
from gis_renovation.schemas import GEOMETRY_TYPES, LayerSchema, layer_schemas
from gis_renovation.words import LISTED, Text

# Endings that say nothing of what is in a file.
_TAIL = re.compile(
    r"(?:[\d\s._\-—()\[\]【】+]|最新|最终|终稿|定稿|修改|副本|导出|cad|gis|数据|图层|成果|边界|范围|界线|矢量|中心线|明细|清单|统计|汇总"
    r"|汇总表|分布|图|表|台账|线|面|点|版|报|年|月|shp|kml|ovkml|dxf|polygon|polyline|point|line)+$"
)
# What the parts of the evidence weigh: the sheet's or layer's name, the file's, the folder's.
_OWN, _FILE, _FOLDER = 1.5, 1.5, 0.6
_UNFIT = -100.0


@dataclass(frozen=True)
class Seen:
    """What can be seen of one layer, sheet or drawing: names from the nearest to the farthest, columns, shapes.

    ``kinds`` are the kinds of shapes (``polygon`` …), empty for a table; ``points`` tells of a table with columns
    of coordinates, ``words`` of one with shapes in words, ``drawn`` of a drawing, where areas are closed lines.
    """

    own: str
    file: str
    folder: str
    columns: tuple[str, ...]
    aliases: Mapping[str, str]
    kinds: frozenset[str]
    points: bool = False
    words: bool = False
    drawn: bool = False


@dataclass(frozen=True)
class Likely:
    """A layer that may be meant: how well it fits, and why, as people would say it."""

    schema: LayerSchema
    score: float
    reasons: tuple[Text, ...]


def likely_layers(seen: Seen) -> list[Likely]:
    """The layers that a city brings, the likeliest first, those whose shapes do not fit last. O(layers x fields)."""
    schemas = [schema for schema in layer_schemas().values() if not schema.result and not schema.raster]
    order = {schema.name: number for number, schema in enumerate(schemas)}
    found = [_weighed(schema, seen) for schema in schemas]
    return sorted(found, key=lambda one: (-round(one.score, 6), order[one.schema.name]))


def clear(ranked: Sequence[Likely]) -> bool:
    """Whether the first is ahead so far, on grounds of its own, that nobody need doubt it much."""
    first, second = ranked[:2]
    return first.score >= _CLEAR and first.score - second.score >= _AHEAD


_CLEAR, _AHEAD = 3.0, 1.0


def _weighed(schema: LayerSchema, seen: Seen) -> Likely:
    score, reasons = 0.0, []
    for text, weight, label in (
        (seen.own, _OWN, Text("图层或工作表名", "its name")),
        (seen.file, _FILE, Text("文件名", "the file's name")),
        (seen.folder, _FOLDER, Text("文件夹名", "the folder's name")),
    ):
        word, strength = name_strength(schema, text)
        if word:
            score += weight * strength
            reasons.append(label + Text(f"有“{word}”", f" has {word!r}"))
    columns = [(c, f.label) for f in schema.read_fields.values() if (c := same_name(seen.columns, f, seen.aliases))]
    score += sum(_column_weight(schema, seen, column) for column, _ in columns)
    if columns:
        shown = LISTED.join(Text.same(column) for column, _ in columns[:4])
        reasons.append(Text("列 ", "columns ") + shown)
    shapes, why = _shape_weight(schema, seen)
    return Likely(schema, score + shapes, (*reasons, *why))


def _column_weight(schema: LayerSchema, seen: Seen, column: str) -> float:
    """More for a column that few layers have, and for one that must be there."""
    others = sum(
        any(same_name([column], field, seen.aliases) for field in other.read_fields.values())
        for other in layer_schemas().values()
        if not other.result and not other.raster
    )
    must = any(
        f.required and f.name != schema.key and same_name([column], f, seen.aliases) for f in schema.fields.values()
    )
    return (1.5 if must else 1.0) / sqrt(max(1, others))


def _shape_weight(schema: LayerSchema, seen: Seen) -> tuple[float, tuple[Text, ...]]:
    if seen.kinds:
        fitting = seen.kinds & set(schema.geometry)
        if not fitting:
            closed = seen.drawn and "line" in seen.kinds and "polygon" in schema.geometry
            return (-1.5 if closed else _UNFIT), ()
        kinds = LISTED.join(_KIND_WORDS[kind] for kind in sorted(fitting))
        return 1.0, (Text("图形为", "shapes are ") + kinds,)
    if seen.words:
        return (1.0 if schema.geometry else -1.0), ()
    if seen.points:
        return (1.0 if "point" in schema.geometry else -3.0), ()
    return (-1.5 if schema.geometry else 1.0), ()


_KIND_WORDS = {"polygon": Text("面", "areas"), "line": Text("线", "lines"), "point": Text("点", "points")}


def kinds_of(names: Iterable[str]) -> frozenset[str]:
    """The kinds of shapes by GDAL's names of them."""
    kinds = {name: kind for kind, names in GEOMETRY_TYPES.items() for name in names}
    return frozenset(kinds[name] for name in names if name in kinds)


def name_strength(schema: LayerSchema, text: str) -> tuple[str, float]:
    """The word for the layer that ``text`` holds, and how much that says; nothing without one."""
    shown = _core(text)
    best: tuple[str, float] = ("", 0.0)
    for word in _names_of(schema):
        strength = _strength(word, shown)
        if strength > best[1]:
            best = word, strength
    return best


def _strength(word: str, shown: str) -> float:
    """1 for a short word in the middle, up to 3 for a long one that the name ends with."""
    if word.isascii():
        parts = re.split(r"[^a-z]+|(?<=[\u4e00-\u9fff])", shown)
        return (1.0 + 0.15 * min(len(word), 8)) if word in parts else 0.0
    place = shown.rfind(word)
    if place < 0:
        return 0.0
    last = place + len(word) == len(shown)
    return 0.6 + 0.3 * min(len(word), 5) + (0.8 if last else 0.0)


def _core(text: str) -> str:
    """A name without the endings that say nothing, in small letters."""
    shown = plain_text(text).lower()
    return _TAIL.sub("", shown) or shown


@lru_cache(maxsize=64)
def _names(name: str) -> tuple[str, ...]:
    schema = layer_schemas()[name]
    label = re.split(r"[()（）]", schema.label.zh)
    words = [*label, name, name.rstrip("s"), *schema.files]
    for field in schema.fields.values():
        if field.name in ("kind", "network") and schema.geometry:
            said = {word for word in field.said_codes if not word.isascii() and len(word) > 1}
            labels = {label.zh for label in field.values.values()}
            # What a pipe is for (路灯) is also the name of things that are no pipes.
            words += sorted(w for w in said if field.name == "kind" or w in labels or "管" in w)
    plain = (plain_text(word).lower() for word in words)
    return tuple(dict.fromkeys(_TAIL.sub("", word) or word for word in plain if word))


def _names_of(schema: LayerSchema) -> tuple[str, ...]:
    return _names(schema.name)


def said_code(codes: Mapping[str, str], text: str) -> str:
    """The one code that a name holds a word of (rivers.shp, TL_铁路); empty for none and for several."""
    shown = plain_text(text).lower()
    parts = set(re.split(r"[^a-z]+", shown))
    held = {
        word: code
        for word, code in codes.items()
        if (word in parts if word.isascii() else len(word) > 1 and word in shown) and not word.isdigit()
    }
    # 主干路 stands in 城市主干路 too: a word inside a longer one that is there says nothing of its own.
    said = {code for word, code in held.items() if not any(word != other and word in other for other in held)}
    return said.pop() if len(said) == 1 else ""
