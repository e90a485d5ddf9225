"""A frame against what its layer promises: which features break which promise, as codes and facts without words."""

from __future__ import annotations

import datetime
import math
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags
from gis_renovation.errors import FeatureRef, Severity, by_key
from gis_renovation.numerals import plain_text, read_month
from gis_renovation.schemas import GEOMETRY_NAMES, GEOMETRY_TYPES, Field, FieldType, LayerSchema, layer_schemas
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd

# What a fault at a position of a frame names: a feature by its key, or the row of its file.
RefAt = Callable[[int], FeatureRef]


class Fault(NamedTuple):
    """One promise that is broken: its code, the field it is about, the features that break it.

    ``kinds`` are the kinds of shapes found where others are promised; ``near`` gives, for ids that exist nowhere,
    the one that exists and differs in spelling alone.
    """

    code: str
    field: str = ""
    features: tuple[FeatureRef, ...] = ()
    severity: Severity = "error"
    kinds: frozenset[str] = frozenset()
    near: Mapping[str, str] = MappingProxyType({})


def _counted(position: int) -> FeatureRef:
    return FeatureRef(rows=(position + 1,))


class Origin(NamedTuple):
    """What is known of the file that a layer came from.

    ``rules`` are the card's rules by column, ``row_at`` tells the file's row at a position of the frame,
    ``repeated`` the rows of each repeated key, ``not_taken`` the column that has a field's name but whose content
    does not fit. Of columns from a second table ``joined`` gives the table's row by key, ``files`` its name.
    """

    file: str = ""
    rules: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    row_at: RefAt = _counted
    repeated: Mapping[str, FeatureRef] = MappingProxyType({})
    not_taken: Mapping[str, str] = MappingProxyType({})
    joined: Mapping[str, Mapping[str, int | str]] = MappingProxyType({})
    files: Mapping[str, str] = MappingProxyType({})


NO_FILE = Origin()


def layer_faults(
    frame: gpd.GeoDataFrame | pd.DataFrame, schema: LayerSchema, origin: Origin = NO_FILE
) -> Iterator[Fault]:
    """Every way in which ``frame`` breaks ``schema``; nothing when it keeps it.

    The frame is expected on its key as index, with the schema's column names and the project CRS.
    Checked: key missing or repeated; required fields absent; type, range, allowed values;
    unknown values in required fields; geometry kind, missing, empty, non-finite, invalid.
    References between layers are checked by :func:`reference_faults`. Nothing is changed.
    O(rows x fields).
    """
    yield from _key_faults(frame, schema, origin)
    ref_at = _refs_of(frame, schema, origin)
    for field in schema.fields.values():
        if field.name == schema.key:
            continue
        if field.name in frame.columns:
            yield from _value_faults(frame[field.name], field, _in_table(ref_at, origin.joined.get(field.name)))
        elif (field.required or field.stated) and len(frame):
            yield Fault("missing_field", field.name)
    if schema.geometry:
        yield from _geometry_faults(frame, schema)
    if len(frame) == 0:
        yield Fault("empty_layer", severity="warning")


def reference_faults(
    layers: Mapping[str, pd.DataFrame], origins: Mapping[str, Origin]
) -> Iterator[tuple[str, Field, Fault]]:
    """Values that point to a feature which does not exist, for every pair of layers at hand: layer, field, fault."""
    for name, frame in sorted(layers.items()):
        schema = layer_schemas()[name]
        ref_at = _refs_of(frame, schema, origins.get(name, NO_FILE))
        for field in schema.fields.values():
            if not field.references or field.references not in layers or field.name not in frame.columns:
                continue
            column, target = frame[field.name], layers[field.references].index
            places = np.flatnonzero(column.notna() & ~column.isin(target)).tolist()
            if places:
                lost = [str(column.iloc[place]) for place in places]
                refs = tuple(ref_at(p)._replace(mark="→", value=value) for p, value in zip(places, lost, strict=True))
                severity: Severity = "error" if field.required else "warning"
                near = _spelt_otherwise(lost, target)
                yield name, field, Fault("dangling_reference", field.name, refs, severity, near=near)


def _refs_of(frame: pd.DataFrame, schema: LayerSchema, origin: Origin) -> RefAt:
    """The rows by their key, or by their place in the file where there is none."""
    if schema.key and frame.index.name == schema.key:
        return lambda position: FeatureRef(str(frame.index[position]))
    return origin.row_at


def _in_table(ref_at: RefAt, rows: Mapping[str, int | str] | None) -> RefAt:
    """The features with the rows of a second table beside their keys, for what came from there."""
    if not rows:
        return ref_at

    def named(position: int) -> FeatureRef:
        ref = ref_at(position)
        return ref._replace(rows=(rows[ref.key],)) if ref.key in rows else ref

    return named


def _spelt_otherwise(lost: Iterable[str], ids: Iterable[object]) -> dict[str, str]:
    """For ids that are not there, the one that is there and differs in spelling alone; sorted, none if several do."""
    there: dict[str, set[str]] = {}
    for one in ids:
        if isinstance(one, str):
            there.setdefault(spelling(one), set()).add(one)
    found = {value: there.get(spelling(value), set()) for value in sorted({*lost})}
    return {value: next(iter(alike)) for value, alike in found.items() if len(alike) == 1}


def spelling(text: str, *, zeros: bool = True) -> str:
    """An id without what people write now so, now so: width, blanks, capitals and the zeros a number begins with."""
    plain = "".join(plain_text(text).split()).lower()
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain) if zeros else plain


# --- keys and values ------------------------------------------------------------------------------


def _key_faults(frame: pd.DataFrame, schema: LayerSchema, origin: Origin) -> Iterator[Fault]:
    if not schema.key:
        return
    if frame.index.name != schema.key:
        yield Fault("missing_key", schema.key)
        return
    missing = np.asarray(frame.index.isna())
    if missing.any():
        yield Fault("empty_key", schema.key, tuple(origin.row_at(int(place)) for place in np.flatnonzero(missing)))
    repeated = sorted({*map(str, frame.index[frame.index.duplicated() & ~missing])})
    if repeated:
        yield Fault("duplicate_key", schema.key, tuple(origin.repeated.get(key, FeatureRef(key)) for key in repeated))


def _value_faults(column: pd.Series, field: Field, ref_at: RefAt) -> Iterator[Fault]:
    known = column.notna().to_numpy()
    if field.required and not known.all():
        yield Fault("unknown_value", field.name, tuple(ref_at(place) for place in np.flatnonzero(~known).tolist()))
    wrong = known & ~fits_type(column, field.type).to_numpy(dtype=bool)
    month = _months(column, wrong) if field.type == "date" else np.zeros_like(wrong)
    known = known & ~wrong
    bad = {"month_without_day": month, "wrong_type": wrong & ~month, **_out_of_range(column, field, known)}
    if field.values and known.any():
        bad["value_not_allowed"] = known & ~column.isin(list(field.values)).to_numpy(dtype=bool)
    for code, rows in bad.items():
        if rows.any():
            places = np.flatnonzero(rows).tolist()
            refs = (ref_at(place)._replace(mark="=", value=str(column.iloc[place])) for place in places)
            yield Fault(code, field.name, tuple(refs))


def _out_of_range(column: pd.Series, field: Field, known: Flags) -> dict[str, Flags]:
    """Which known numbers are smaller or larger than the field allows."""
    low, high = field.minimum, field.maximum
    if field.type not in ("number", "integer") or (low is None and high is None) or not known.any():
        return {}
    values = column.where(known).to_numpy("float64", na_value=math.nan)
    found = {}
    if low is not None:
        found["below_minimum"] = values < low
    if high is not None:
        found["above_maximum"] = values > high
    return found


def _months(column: pd.Series, wrong: Flags) -> Flags:
    """Which of the values that are no dates name a month without its day."""
    month = wrong.copy()
    for place in wrong.nonzero()[0].tolist():
        month[place] = read_month(column.iloc[place]) is not None
    return month


def fits_type(column: pd.Series, kind: FieldType) -> pd.Series:
    """Which values are of a field type; an unknown value is of none, numbers must be finite. O(rows)."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.notna() if kind == "string" else pd.Series(False, index=column.index)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.notna() if kind == "boolean" else pd.Series(False, index=column.index)
    if pd.api.types.is_numeric_dtype(column.dtype):
        if kind not in ("number", "integer"):
            return pd.Series(False, index=column.index)
        values = column.to_numpy("float64", na_value=np.nan)
        fits = np.isfinite(values)
        return pd.Series(
            fits & (np.mod(np.where(fits, values, 0), 1) == 0) if kind == "integer" else fits, index=column.index
        )
    one = _TYPE_TESTS[kind]
    return pd.Series([one(value) for value in column], index=column.index, dtype=bool)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(float(value))


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Real) and _is_number(value) and float(value).is_integer()


_TYPE_TESTS: Mapping[FieldType, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_whole,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool | np.bool_),
    "date": lambda value: isinstance(value, datetime.date) and not pd.isna(value),
}


# --- geometry -------------------------------------------------------------------------------------


def _geometry_faults(frame: gpd.GeoDataFrame, schema: LayerSchema) -> Iterator[Fault]:
    if not hasattr(frame, "geometry") or "geometry" not in frame.columns:
        yield Fault("no_geometry")
        return
    geometry = frame.geometry.to_numpy()
    absent = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    # Every vertex: the bounds of a shape pass over a NaN in the middle of its ring.
    vertices, owner = shapely.get_coordinates(geometry, return_index=True)
    infinite = np.zeros(len(geometry), dtype=bool)
    infinite[owner[~np.isfinite(vertices).all(axis=1)]] = True
    allowed = sorted(kind for name in schema.geometry for kind in GEOMETRY_TYPES[name])
    kinds = np.array(GEOMETRY_NAMES)[shapely.get_type_id(geometry) + 1]
    wrong = ~absent & ~np.isin(kinds, allowed)
    if absent.any():
        yield Fault("empty_geometry", features=by_key(frame.index[absent]))
    if infinite.any():
        yield Fault("non_finite_geometry", features=by_key(frame.index[infinite]))
    if wrong.any():
        yield Fault("wrong_geometry_type", features=by_key(frame.index[wrong]), kinds=frozenset(kinds[wrong].tolist()))
    invalid = ~absent & ~infinite & ~shapely.is_valid(geometry)
    if invalid.any():
        yield Fault("invalid_geometry", features=_broken(frame[invalid]))


def _broken(frame: gpd.GeoDataFrame) -> tuple[FeatureRef, ...]:
    """Features whose shapes break, with the reason and the place."""
    geometry = frame.geometry.to_numpy()
    return tuple(
        FeatureRef(str(key), mark=": ", value=broken_by(why), spot=_spot(why) or tuple(shape.bounds[:2]))
        for key, why, shape in zip(frame.index, shapely.is_valid_reason(geometry), geometry, strict=True)
    )


# Every reason that GEOS gives (TopologyValidationError), in words of the trade.
_REASONS = {
    "Self-intersection": "自相交",
    "Ring Self-intersection": "同一个环碰到自身",
    "Hole lies outside shell": "洞在外环之外",
    "Holes are nested": "洞中有洞",
    "Nested shells": "各部分互相套叠",
    "Duplicate Rings": "有重复的环",
    "Interior is disconnected": "内部被洞隔断",
    "Too few points in geometry component": "点数太少，围不成面",
    "Repeated Point": "有重复的点",
    "Invalid Coordinate": "坐标不是数",
    "Ring is not closed": "环没有闭合",
    "Topology Validation Error": "图形有错",
}


def broken_by(reason: str) -> Text:
    """Why a shape breaks and where, of which GEOS speaks as “Self-intersection[3 4]”; its own word beside ours."""
    word, spot = reason.partition("[")[0].strip(), _spot(reason)
    said = Text(f"{_REASONS.get(word, '图形有错')}（{word}）", word)
    if spot is None:
        return said
    places = 2 if max(map(abs, spot)) > 360 else 7
    at = ", ".join(f"{number:.{places}f}" for number in spot)
    return Text(f"{said.zh}，在 {at} 处", f"{said.en} at {at}")


def _spot(reason: str) -> tuple[float, float] | None:
    """Where a shape breaks, of which GEOS speaks only in words such as “Self-intersection[3 4]”."""
    found = re.search(r"\[(-?[\d.eE+]+) (-?[\d.eE+]+)\]", reason)
    return (float(found[1]), float(found[2])) if found else None
