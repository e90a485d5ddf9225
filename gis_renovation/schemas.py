"""What each layer promises: geometry, key, fields, units, labels, aliases, disclosure.

The promises themselves are data, one TOML table a layer, in ``layer_schemas/``: ``inputs.toml`` for
what a city brings, ``value_words.toml`` for the words that people write for its codes, ``results/`` with one file
an analysis for what the program makes. This module reads them; :mod:`checks` holds frames against them.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from gis_renovation.errors import ConfigError
from gis_renovation.numerals import plain_text
from gis_renovation.shipped import shipped
from gis_renovation.words import NO_TEXT, Lang, Text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FieldType = Literal["string", "integer", "number", "boolean", "date"]
GeometryKind = Literal["polygon", "line", "point"]
Disclosure = Literal["public", "internal", "restricted"]
CLASSES: tuple[Disclosure, ...] = ("public", "internal", "restricted")

# The column that says which of a row's numbers its source calls approximate: names of columns, so joined.
APPROXIMATE, NAMES_JOINED_BY = "approximate", ";"
GEOMETRY_TYPES: Mapping[GeometryKind, tuple[str, ...]] = {
    "polygon": ("Polygon", "MultiPolygon"),
    "line": ("LineString", "MultiLineString"),
    "point": ("Point", "MultiPoint"),
}
# By shapely's type number, from -1 (missing) on.
GEOMETRY_NAMES = (
    "",
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
TYPE_NAMES: Mapping[FieldType, Text] = {
    "string": Text("文字", "text"),
    "integer": Text("整数", "a whole number"),
    "number": Text("数字", "a number"),
    "boolean": Text("是/否", "yes or no"),
    "date": Text("日期", "a date"),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column: what it means, its unit, what it may hold and who may see it.

    ``values`` maps each allowed code to its label; empty means any value. ``words_for`` are what people write for a
    code beside its label, ``guesses`` what may mean one but need not; both are plain and in small letters.
    ``columns`` are the labels of the columns that a cell may name, joined by “;”. ``required``: the column must be
    there and every cell known; ``stated``: the column must be there, for an empty cell says something.
    ``references`` names the layer
    whose key this column holds. ``disclosure`` without a value in the file is ``restricted``: what nobody
    classified, nobody outside sees.
    """

    name: str
    type: FieldType
    label: Text
    unit: str = ""
    required: bool = False
    stated: bool = False
    aliases: tuple[str, ...] = ()
    values: Mapping[str, Text]
    words_for: Mapping[str, str] = dataclasses.field(default_factory=dict)
    guesses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    references: str = ""
    disclosure: Disclosure = "restricted"
    note: Text = NO_TEXT
    columns: tuple[tuple[str, Text], ...] = ()

    @cached_property
    def said_codes(self) -> Mapping[str, str]:
        """The codes by all that means one surely, plain and in small letters: code, labels, words of the trade."""
        labels = {plain_text(label).lower(): code for code, text in self.values.items() for label in (*text, code)}
        return {**self.words_for, **labels}

    def likely_code(self, text: str) -> str:
        """The code that ``text`` may mean: one of the guesses, or a label it nearly spells; empty if none is near.

        A guess is for a person to confirm. What denies (未完工) is never taken for what it denies.
        """
        shown = plain_text(text).lower()
        if shown in self.guesses or not self.values:
            return self.guesses.get(shown, "")
        from difflib import SequenceMatcher

        denied = set(shown) & _DENIALS
        alike: dict[str, float] = {}
        for word, code in self.said_codes.items():
            if set(word) & _DENIALS == denied and not shown.isascii():
                alike[code] = max(alike.get(code, 0.0), SequenceMatcher(None, shown, word).ratio())
        best, *others = sorted(alike, key=lambda code: -alike[code]) or [""]
        clear = all(alike[best] - alike[other] >= _CLEARLY for other in others[:1])
        return best if best and clear and alike[best] >= _ALIKE_VALUE else ""

    def words(self, text: str, lang: Lang) -> str:
        """A text of this column as people read it: a code by its label, names of columns by theirs."""
        if text in self.values:
            return self.values[text].in_language(lang)
        if self.columns:
            labels = dict(self.columns)
            named = [labels.get(name, Text(name, name)) for name in text.split(NAMES_JOINED_BY)]
            return ("、" if lang == "zh" else ", ").join(label.in_language(lang) for label in named)
        return text


@dataclass(frozen=True, kw_only=True)
class LayerSchema:
    """One layer's promise. ``geometry`` is empty for a table; ``key`` names its index.

    ``files`` are words in the names of files and sheets that hold such a layer.
    """

    name: str
    label: Text
    geometry: tuple[GeometryKind, ...]
    key: str
    fields: Mapping[str, Field]
    disclosure: Disclosure
    raster: bool = False
    result: bool = False
    files: tuple[str, ...] = ()
    note: Text = NO_TEXT

    @property
    def read_fields(self) -> Mapping[str, Field]:
        """The fields a source card may name: all but the one the program writes by itself."""
        return {name: field for name, field in self.fields.items() if name != APPROXIMATE}


def schema_files() -> list[Traversable]:
    """The tables of promises: what a city brings first, then the results, an analysis a file, by name."""
    folder = shipped("layer_schemas")
    results = sorted((folder / "results").iterdir(), key=lambda path: path.name)
    return [folder / "inputs.toml", *(path for path in results if path.name.endswith(".toml"))]


@lru_cache(maxsize=1)
def layer_schemas() -> Mapping[str, LayerSchema]:
    """Every layer the program knows, by name, in file and then written order.

    Raises ConfigError if two files describe one layer or a table has an unknown key: both are
    faults of the installation.
    """
    schemas: dict[str, LayerSchema] = {}
    words = _value_words()
    for path in schema_files():
        result = path.name != "inputs.toml"
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if name in schemas:
                raise ConfigError(
                    f"图层 {name} 在 layer_schemas 中定义了两次（{path.name}）。",
                    f"Layer {name} is described twice in layer_schemas ({path.name}).",
                )
            schemas[name] = _layer(name, table, words=words, result=result)
    strange = sorted(set(words) - {f"{s.name}.{field}" for s in schemas.values() for field in s.fields})
    if strange:
        listed = ", ".join(strange)
        raise ConfigError(f"value_words.toml：没有字段 {listed}。", f"value_words.toml: there is no field {listed}.")
    return schemas


def _value_words() -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """What people write for codes, by ``layer.field``: the words that mean a code, and those that may mean it."""
    text = (shipped("layer_schemas") / "value_words.toml").read_text(encoding="utf-8")
    found: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for entry in tomllib.loads(text)["words"]:
        for name in entry["fields"]:
            for table, key in zip(found.setdefault(name, ({}, {})), ("means", "may_mean"), strict=True):
                lists = entry.get(key, {}).items()
                table |= {plain_text(word).lower(): code for code, words in lists for word in words}
    return found


def layer_schema(name: str) -> LayerSchema:
    """The schema of one layer; an unknown name fails with the nearest known ones.

    >>> layer_schema("zones").key
    'zone_id'
    """
    schemas = layer_schemas()
    if name not in schemas:
        hint = suggest_layers(name, [key for key, schema in schemas.items() if not schema.result])
        raise ConfigError(f"没有名为 {name} 的图层；{hint.zh}", f"There is no layer {name}; {hint.en}")
    return schemas[name]


def suggest_layers(name: str, known: Iterable[str]) -> Text:
    """Which of the ``known`` layers ``name`` may mean, by id or Chinese label; all of them, a line each, if none."""
    from difflib import SequenceMatcher

    labels = {key: layer_schemas()[key].label for key in known}
    alike = {
        key: max(SequenceMatcher(None, name.lower(), text.lower()).ratio() for text in (key, *label))
        for key, label in labels.items()
    }
    near = sorted((key for key in labels if alike[key] >= _ALIKE), key=lambda key: -alike[key])[:_SUGGESTED]
    if near:
        zh, en = ("、".join(f"{key}（{labels[key].zh}）" for key in near), " or ".join(near))
        return Text(f"是否指 {zh}？", f"did you mean {en}?")
    return Text(
        "\n".join(["可用的有：", *(f"  {key}  {label.zh}" for key, label in labels.items())]),
        "\n".join(["known:", *(f"  {key}  {label.en}" for key, label in labels.items())]),
    )


# A value this like a label, and so much more than like another code's, is offered as meaning it.
_ALIKE_VALUE, _CLEARLY = 0.7, 0.15
# Characters that turn a meaning round.
_DENIALS = frozenset("未不无没非否待拟停")


# A name this like another's is taken for a slip of the pen; no more than so many are offered.
_ALIKE = 0.6
_SUGGESTED = 2


def nearest_names(name: str, known: Iterable[str]) -> str:
    """Up to two known names that look like ``name``, or an empty string."""
    from difflib import get_close_matches

    return ", ".join(get_close_matches(name, list(known), n=2, cutoff=0.6))


def _layer(
    name: str, table: dict[str, Any], *, words: Mapping[str, tuple[dict[str, str], dict[str, str]]], result: bool
) -> LayerSchema:
    fields = {
        key: _field(name, key, value, *words.get(f"{name}.{key}", ({}, {})))
        for key, value in table.pop("fields", {}).items()
    }
    numbers = {key: field.label for key, field in fields.items() if field.type in ("number", "integer")}
    if numbers and not result:
        fields[APPROXIMATE] = _approximate_field(numbers, table.get("disclosure", "restricted"))
    geometry: Any = table.pop("geometry", [])
    try:
        return LayerSchema(
            name=name,
            label=Text(*table.pop("label")),
            geometry=cast("tuple[GeometryKind, ...]", (geometry,) if isinstance(geometry, str) else tuple(geometry)),
            key=table.pop("key", ""),
            fields=fields,
            disclosure=table.pop("disclosure", "restricted"),
            result=result,
            files=tuple(table.pop("files", ())),
            note=Text(*table.pop("note", NO_TEXT)),
            **table,
        )
    except TypeError as error:
        raise ConfigError(f"layer_schemas 中图层 {name}：{error}", f"layer_schemas, layer {name}: {error}") from None


def _approximate_field(numbers: Mapping[str, Text], disclosure: Disclosure) -> Field:
    """What tells approximate numbers: as open as its layer, for it names no column that does not leave with it."""
    return Field(
        name=APPROXIMATE,
        type="string",
        label=Text("约数", "Approximate"),
        values={},
        columns=tuple(numbers.items()),
        disclosure=disclosure,
        note=Text(
            "来源写作约数的栏（如“约120”），所列的数按所写的采用；没有约数时为空",
            "columns that the source gives as approximate (“about 120”), taken as written; empty if there is none",
        ),
    )


def _field(
    layer: str, name: str, table: dict[str, Any], words_for: Mapping[str, str], guesses: Mapping[str, str]
) -> Field:
    table = dict(table)
    values = {code: Text(*label) for code, label in table.pop("values", {}).items()}
    try:
        return Field(
            name=name,
            label=Text(*table.pop("label")),
            aliases=tuple(table.pop("aliases", ())),
            values=values,
            words_for=words_for,
            guesses=guesses,
            note=Text(*table.pop("note", NO_TEXT)),
            **table,
        )
    except TypeError as error:
        raise ConfigError(
            f"layer_schemas 中 {layer}.{name}：{error}", f"layer_schemas, {layer}.{name}: {error}"
        ) from None
