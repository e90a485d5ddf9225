"""Names where ids are wanted: a county's name beside its code, met by the layer that has both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gis_renovation.checks import NO_FILE, Origin
from gis_renovation.errors import FeatureRef, Finding
from gis_renovation.numerals import plain_text
from gis_renovation.schemas import Field, LayerSchema, layer_schemas
from gis_renovation.words import Text

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


def named_references(frame: pd.DataFrame, schema: LayerSchema) -> set[str]:
    """The layers that ``frame`` points to by something without a digit, which is rather a name than an id."""
    found = set()
    for field in _by_name(schema):
        if field.name in frame.columns:
            texts = frame[field.name].dropna().unique()
            if any(isinstance(text, str) and text and not any(map(str.isdigit, text)) for text in texts):
                found.add(field.references)
    return found


def ids_for_names(
    name: str, frame: pd.DataFrame, others: Mapping[str, pd.DataFrame], origin: Origin = NO_FILE
) -> tuple[pd.DataFrame, list[Finding]]:
    """``frame`` with ids in place of names, and what was met; itself where nothing is.

    A value that is no id of the layer it points to, but the name of exactly one of its features, becomes that
    feature's id: width and blanks apart, the names must be equal. A name that several bear stays, and is said.
    ``others`` are the layers at hand by name. O(rows).
    """
    findings: list[Finding] = []
    for field in _by_name(layer_schemas()[name]):
        other = others.get(field.references)
        if field.name not in frame.columns or other is None or "name" not in other.columns:
            continue
        values = {value for value in frame[field.name].dropna().unique() if isinstance(value, str)}
        lost = sorted(values - {*other.index})
        ids = _ids_by_name(other) if lost else {}
        met = {value: ids[_plain(value)] for value in lost if _plain(value) in ids}
        one = {value: found[0] for value, found in met.items() if len(found) == 1}
        several = {value: found for value, found in met.items() if len(found) > 1}
        if one:
            counts = Counter(frame[field.name].dropna())
            findings.append(_said(name, field, origin, {value: (one[value], counts[value]) for value in one}))
            met_rows = frame[field.name].map(one)
            frame = frame.assign(**{field.name: met_rows.where(met_rows.notna(), frame[field.name]).astype("str")})
        if several:
            findings.append(_borne_by_several(name, field, origin, several))
    return frame, findings


def _by_name(schema: LayerSchema) -> list[Field]:
    """The fields that hold ids of a layer whose features have names."""
    fields = schema.fields.values()
    return [f for f in fields if f.references and "name" in layer_schemas()[f.references].fields]


def _plain(name: str) -> str:
    return "".join(plain_text(name).split()).lower()


def _ids_by_name(other: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    known = other["name"].dropna()
    for key, name in zip(known.index, known, strict=True):
        found.setdefault(_plain(str(name)), []).append(str(key))
    return found


def _said(name: str, field: Field, origin: Origin, met: Mapping[str, tuple[str, int]]) -> Finding:
    shown = list(met.items())[:_SHOWN]
    rows = sum(count for _, count in met.values())
    label = layer_schemas()[field.references].label
    zh = "、".join(f"“{value}”为 {key}" for value, (key, _) in shown) + ("等" if len(met) > _SHOWN else "")
    en = ", ".join(f"{value!r} is {key}" for value, (key, _) in shown) + (" …" if len(met) > _SHOWN else "")
    return Finding(
        severity="note", code="met_by_name", layer=name, field=field.name, file=origin.file,
        text=Text(
            f"{field.label.zh}有 {rows} 行写的是名称，已按{label.zh}图层的名称对应到编号：{zh}。",
            f"{field.label.en} holds names in {rows} rows, met by the names of layer {field.references}: {en}.",
        ),
    )  # fmt: skip


def _borne_by_several(name: str, field: Field, origin: Origin, several: Mapping[str, list[str]]) -> Finding:
    label = layer_schemas()[field.references].label
    refs = tuple(FeatureRef(value, mark="：", value="、".join(keys[:_SHOWN])) for value, keys in several.items())
    return Finding(
        severity="warning", code="name_of_several", layer=name, field=field.name, file=origin.file, features=refs,
        text=Text(
            f"{field.label.zh}写的是名称，而{label.zh}中有几个同名的，无法对应；请改写编号。",
            f"{field.label.en} holds names that several of {label.en.lower()} bear, so they cannot be met; give ids.",
        ),
    )  # fmt: skip
