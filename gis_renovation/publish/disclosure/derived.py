"""Columns that do not leave, and texts that leave and were made from them: names in sentences, owners in titles.

What nobody listed may still stand inside a text that somebody did. In what the program wrote itself it is
replaced: a name by the id it belongs to, anything else by a word. What people typed is never changed; it is told
which column stands where in it, and refused where that column is above the profile's class and the text is of
its own row or of one linked to it: that two offices far apart share a word is chance, and only told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.publish.disclosure.within import Place, words_within
from gis_renovation.schemas import CLASSES, Field, layer_schemas
from gis_renovation.words import Text

# Words of two characters stand in texts by chance: of such only names are looked for, and none is refused.
_TELLING_CHARACTERS = 3

NOT_PUBLIC = "（未公开）"


class Carried(NamedTuple):
    """A column that does not leave, the listed one in whose texts its values stand, and the ids of those rows.

    ``replaced``: they stood there in the run and were written anew. ``above``: its class is above the profile's,
    and in a row of its own or linked to it.
    """

    layer: str
    column: str
    into_layer: str
    into_column: str
    rows: tuple[str, ...]
    replaced: bool
    above: bool

    @property
    def source(self) -> str:
        """The column that does not leave, as a profile names it."""
        return f"{self.layer}.{self.column}"


class _Source(NamedTuple):
    """Where a value that does not leave stands: the column, and what is said instead."""

    layer: str
    column: str
    instead: str


def without_unlisted(
    layers: Mapping[str, pd.DataFrame], frames: Mapping[str, pd.DataFrame], *, highest: str
) -> tuple[dict[str, pd.DataFrame], list[Carried]]:
    """``frames`` whose own texts hold nothing of a column that does not leave, and which columns those were.

    ``layers`` are the run's, ``frames`` what was selected of them, ``highest`` the profile's class. Looked for are
    texts of two characters and more of all columns that people typed, and the names of all layers; not what also
    leaves whole in a listed column, nor what the schemas call things. Nothing is changed in place.
    O(characters + places).
    """
    withheld = _withheld_texts(layers, frames)
    shown = _typed_cells(frames) if withheld else {}
    # A name the program made is no secret where it leaves whole.
    made = {text for name, frame in frames.items() for _, texts in _own_texts(name, frame) for text in texts}
    sources = {
        value: one
        for value, one in withheld.items()
        if value not in shown and not (value in made and _is_result(one.layer))
    }
    if not sources:
        return dict(frames), []
    typed = words_within(sources, shown)
    carried = _Tally(layers, highest)
    for text in typed:
        for layer, column, key in shown[text]:
            for place in typed[text]:
                carried.add(sources[place.word], place.word, (layer, column, key), replaced=False)
    # A listed text that holds such a word is itself no secret, wherever it is repeated.
    words = {**dict.fromkeys(typed), **sources}
    return _rewritten(frames, words, carried), carried.found()


def _rewritten(
    frames: Mapping[str, pd.DataFrame], words: Mapping[str, _Source | None], carried: _Tally
) -> dict[str, pd.DataFrame]:
    """The frames with the program's own texts written anew."""
    own = {(name, column): cells for name, frame in frames.items() for column, cells in _own_texts(name, frame)}
    found = words_within(words, (text for cells in own.values() for text in cells))
    out = dict(frames)
    for (name, column), cells in own.items():
        if found.keys().isdisjoint(cells):
            continue
        frame = out[name]
        texts = frame[column].astype(object)
        anew = []
        for key, text in zip(frame.index, texts.tolist(), strict=True):
            places = found.get(text, ()) if isinstance(text, str) else ()
            for place in places:
                if (source := words[place.word]) is not None:
                    carried.add(source, place.word, (name, column, str(key)), replaced=True)
            anew.append(_anew(text, places, words) if places else text)
        out[name] = frame.assign(**{column: pd.Series(anew, index=frame.index, dtype=object)})
    return out


def _anew(text: str, places: Sequence[Place], words: Mapping[str, _Source | None]) -> str:
    parts, end = [], 0
    for place in places:
        source = words[place.word]
        parts += [text[end : place.start], place.word if source is None else source.instead]
        end = place.start + len(place.word)
    return "".join([*parts, text[end:]])


class _Tally:
    """Rows by column that does not leave and column that carries it."""

    def __init__(self, layers: Mapping[str, pd.DataFrame], highest: str) -> None:
        self.layers = layers
        self.highest = CLASSES.index(highest)
        self.rows: dict[tuple[str, str, str, str, bool], dict[str, set[str]]] = {}
        self.pairs: dict[tuple[str, str], dict[str, set[str]]] = {}

    def add(self, source: _Source, word: str, cell: tuple[str, str, str], *, replaced: bool) -> None:
        """A word of ``source`` in one cell: layer, column, id."""
        layer, column, key = cell
        rows = self.rows.setdefault((source.layer, source.column, layer, column, replaced), {})
        rows.setdefault(key, set()).add(word)

    def found(self) -> list[Carried]:
        """By layer and column."""
        return [
            Carried(
                layer, column, into, where, tuple(sorted(rows)), replaced, self._is_above(layer, column, into, rows)
            )
            for (layer, column, into, where, replaced), rows in sorted(self.rows.items())
        ]

    def _is_above(self, layer: str, column: str, into: str, rows: Mapping[str, set[str]]) -> bool:
        if _class_of(layer, column) <= self.highest:
            return False
        words = {word for several in rows.values() for word in several if len(word) >= _TELLING_CHARACTERS}
        cells = self.layers[layer][column]
        owners: dict[str, set[str]] = {}
        for key, value in zip(cells.index, cells.tolist(), strict=True):
            if isinstance(value, str) and value in words:
                owners.setdefault(value, set()).add(str(key))
        linked = self._linked(layer, into)
        return any(
            not owners.get(word, set()).isdisjoint({key} if layer == into else linked.get(key, ()))
            for key, several in rows.items()
            for word in several
        )

    def _linked(self, layer: str, into: str) -> Mapping[str, set[str]]:
        """Ids of ``into`` -> ids of ``layer`` that stand beside them in a row of any table."""
        if (layer, into) not in self.pairs:
            pairs = self.pairs.setdefault((layer, into), {})
            for name, frame in self.layers.items():
                for one in _ids_of(layer, name, frame):
                    for other in _ids_of(into, name, frame):
                        for key, theirs in zip(other, one, strict=True):
                            pairs.setdefault(str(key), set()).add(str(theirs))
        return self.pairs[layer, into]


def _ids_of(layer: str, name: str, frame: pd.DataFrame) -> list[list[object]]:
    """The columns of a table that hold ids of a layer: its own key, and those that refer to it."""
    columns = [frame[column].tolist() for column in frame.columns if _refers(name, str(column), layer)]
    return [*([frame.index.tolist()] if name == layer or _refers(name, str(frame.index.name), layer) else []), *columns]


def _refers(name: str, column: str, layer: str) -> bool:
    field = _field(name, column)
    return field is not None and field.references == layer


def _class_of(layer: str, column: str) -> int:
    """That of the column or its layer, whichever is higher; the highest where nobody gave one."""
    field = _field(layer, column)
    if field is None:
        return len(CLASSES) - 1
    return max(CLASSES.index(field.disclosure), CLASSES.index(layer_schemas()[layer].disclosure))


def _field(layer: str, column: str) -> Field | None:
    schema = layer_schemas().get(layer)
    return schema.fields.get(column) if schema else None


def _is_result(layer: str) -> bool:
    schema = layer_schemas().get(layer)
    return schema is not None and schema.result


# --- which texts ----------------------------------------------------------------------------------


def _withheld_texts(layers: Mapping[str, pd.DataFrame], frames: Mapping[str, pd.DataFrame]) -> dict[str, _Source]:
    """Value -> where it stands, of typed columns and names that do not leave; a name before anything else."""
    known = _words_of_schemas()
    found: dict[str, _Source] = {}
    for name, frame in layers.items():
        left = frames.get(name)
        for column in _text_columns(frame):
            if (left is not None and column in left.columns) or not _is_typed(name, column):
                continue
            least = 2 if column == "name" else _TELLING_CHARACTERS
            for value, instead in _instead(frame[column], named=column == "name" and left is not None).items():
                before = found.get(value)
                if len(value) >= least and value not in known and (before is None or before.column != column == "name"):
                    found[value] = _Source(name, column, instead)
    return found


def _is_typed(layer: str, column: str) -> bool:
    """Whether people typed a column, or it is a name: no code, no id of another layer, no sentence of the program."""
    field = _field(layer, column)
    if column == "name":
        return True
    if column.endswith(("_id", "_ids", "_code")):
        return False
    return not _is_result(layer) and (field is None or not (field.values or field.references))


def _instead(cells: pd.Series[Any], *, named: bool) -> dict[str, str]:
    """What is said instead of each value: the id of a ``named`` thing whose id leaves, if no other is so called."""
    said: dict[str, str] = {}
    for key, value in zip(cells.index, cells.tolist(), strict=True):
        if isinstance(value, str):
            said[value] = str(key) if named and value not in said else NOT_PUBLIC
    return said


def _text_columns(frame: pd.DataFrame) -> list[str]:
    return [
        str(name)
        for name, dtype in frame.dtypes.items()
        if str(dtype) != "geometry" and not pd.api.types.is_numeric_dtype(dtype) and not _is_date(dtype)
    ]


def _is_date(dtype: Any) -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(dtype))


def _typed_cells(frames: Mapping[str, pd.DataFrame]) -> dict[str, list[tuple[str, str, str]]]:
    """Text -> layer, column and id of each listed cell that people typed, or that is a name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for name, frame in frames.items():
        for column in _text_columns(frame) if not _is_result(name) else ():
            for key, value in zip(frame.index, frame[column].tolist(), strict=True):
                if isinstance(value, str):
                    found.setdefault(value, []).append((name, column, str(key)))
    return found


def _own_texts(name: str, frame: pd.DataFrame) -> Iterable[tuple[str, list[str]]]:
    """The columns of a layer that the program wrote, with their texts, each once; codes and ids are none."""
    for column in _text_columns(frame) if _is_result(name) else ():
        field = _field(name, column)
        if field is None or not (field.values or field.references):
            yield column, list(dict.fromkeys(v for v in frame[column].tolist() if isinstance(v, str)))


@lru_cache(maxsize=1)
def _words_of_schemas() -> frozenset[str]:
    """What the schemas call layers, columns and codes, and the codes themselves: words everybody knows."""
    fields = [(schema, field) for schema in layer_schemas().values() for field in schema.fields.values()]
    texts = [text for schema, field in fields for text in (schema.label, field.label, *field.values.values())]
    return frozenset({word for text in texts for word in text} | {code for _, field in fields for code in field.values})


# --- what is said of it ---------------------------------------------------------------------------


def require_none_above(carried: Sequence[Carried], values_of: Iterable[str], *, where: str) -> None:
    """Raise DataError if a typed text that leaves holds values of a column above the profile's class.

    ``values_of`` are the columns ("layer.column") that a review let through inside other texts, by ``[release]``
    of the profile ``where``.
    """
    released = set(values_of)
    faults = [one for one in carried if one.above and not one.replaced and one.source not in released]
    if faults:
        raise DataError([_finding(one, "error", where) for one in faults])


def carried_warnings(carried: Sequence[Carried]) -> list[Finding]:
    """A warning for each column that does not leave and each listed one in whose texts its values stand or stood."""
    return [_finding(one, "warning", "") for one in carried]


def _finding(one: Carried, severity: str, where: str) -> Finding:
    into = carried_text(one)
    remedy = Text(
        f"；该列高于本配置的级别，未发布。请在数据中改写，或不列 {one.into_layer}.{one.into_column}；"
        f'经审查可以公开的，在 {where} 的 [release] 写 carried = ["{one.source}"]。',
        "; its class is above the profile's, so nothing was published. Reword the data, or do not list "
        f"{one.into_layer}.{one.into_column}; where a review allows it, write carried = "
        f'["{one.source}"] in [release] of {where}.',
    )
    return Finding(
        severity="error" if severity == "error" else "warning",
        code="carried_column",
        layer=one.into_layer,
        field=one.into_column,
        features=by_key(one.rows),
        text=into + remedy if severity == "error" else into,
    )


def carried_text(one: Carried) -> Text:
    """Column, where, how many rows, and what was done."""
    label, into = _label(one.layer, one.column), _label(one.into_layer, one.into_column)
    done = (
        Text("已改写为编号或“未公开”", "written anew with ids or as not public")
        if one.replaced
        else Text("原文照录，请核对", "typed texts leave as they are, look at them")
    )
    return Text(
        f"未列出的 {one.source}（{label.zh}）的内容出现在 {one.into_layer}.{one.into_column}（{into.zh}）的 "
        f"{len(one.rows)} 行：{done.zh}",
        f"values of {one.source} ({label.en}), which is not listed, stand in {one.into_layer}.{one.into_column} "
        f"({into.en}) in {len(one.rows)} rows: {done.en}",
    )


def _label(layer: str, column: str) -> Text:
    field = _field(layer, column)
    return field.label if field else Text.same(column)
