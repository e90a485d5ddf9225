"""Schemas: what layers promise, and a check that names every way a frame breaks its promise."""

from __future__ import annotations

import datetime
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from gis_renovation.checking.remedies import check_layer, check_references
from gis_renovation.checks import Origin, broken_by, fits_type
from gis_renovation.errors import ConfigError, FeatureRef
from gis_renovation.numerals import UNITS
from gis_renovation.schemas import layer_schema, layer_schemas
from gis_renovation.words import unit_text

INPUTS = [schema for schema in layer_schemas().values() if not schema.result]


def communities(**columns):
    data = {"name": ["x", "y"], "households": pd.array([1, 2], dtype="Int64"), **columns}
    return gpd.GeoDataFrame(
        data, geometry=[box(0, 0, 1, 1), box(2, 0, 3, 1)], crs=4548, index=pd.Index(["a", "b"], name="community_id")
    )


def codes(frame, name="communities"):
    return {(f.field, f.code): f.named("zh") for f in check_layer(frame, layer_schema(name))}


@pytest.mark.parametrize("schema", layer_schemas().values(), ids=lambda s: s.name)
def test_every_field_has_labels_a_known_type_and_a_target_that_exists(schema):
    assert schema.label.zh
    assert schema.label.en.isascii()
    assert not schema.key or schema.key in schema.fields
    for field in schema.fields.values():
        assert field.label.zh, field.name
        assert not any("\u4e00" <= c <= "\u9fff" for c in field.label.en), field.name
        assert field.type in ("string", "integer", "number", "boolean", "date")
        assert not field.references or layer_schemas()[field.references].key
        assert field.minimum is None or field.maximum is None or field.minimum < field.maximum


@pytest.mark.parametrize("schema", INPUTS, ids=lambda s: s.name)
def test_no_two_fields_of_a_layer_answer_to_one_name(schema):
    seen: dict[str, str] = {}
    for field in schema.fields.values():
        for name in {n.lower() for n in (field.name, field.label.zh, *field.aliases)}:
            assert seen.setdefault(name, field.name) == field.name, name


@pytest.mark.parametrize("schema", INPUTS, ids=lambda s: s.name)
def test_every_measured_unit_can_be_converted(schema):
    for field in schema.fields.values():
        if field.unit in ("m", "m²", "mm", "元", "户"):
            assert field.unit in UNITS
        if field.name.endswith("_m2"):
            assert field.unit == "m²"
        if field.name.endswith("_yuan"):
            assert field.unit == "元"


def test_a_frame_that_keeps_its_promise_has_no_finding():
    assert codes(communities()) == {}


def test_all_faults_come_at_once_with_their_features():
    frame = communities(
        households=[-1, 2.5], plan_batch=["main", "other"], year_built=[1, "x"], floor_area_m2=[np.inf, 5.0]
    )
    assert codes(frame) == {
        ("households", "wrong_type"): ("b=2.5",),
        ("households", "below_minimum"): ("a=-1.0",),
        ("plan_batch", "value_not_allowed"): ("b=other",),
        ("year_built", "wrong_type"): ("b=x",),
        ("year_built", "below_minimum"): ("a=1",),
        ("floor_area_m2", "wrong_type"): ("a=inf",),
    }


def test_a_value_that_is_not_ours_is_told_how_to_be_mapped_without_a_card_too():
    frame = communities(plan_batch=["main", "丙类"])
    (fault,) = check_layer(frame, layer_schema("communities"))
    assert 'plan_batch = { from = "列名", values = { "丙类" = "…" } }' in fault.text.zh
    assert "main（主计划）" in fault.text.zh
    assert "main (main plan)" in fault.text.en
    many = communities(plan_batch=["main", "x"]).loc[["b"] * 14].assign(plan_batch=[f"v{n:02}" for n in range(14)])
    many.index = many.index + many["plan_batch"]
    many.index.name = "community_id"
    (fault,) = check_layer(many, layer_schema("communities"), Origin(rules={"plan_batch": {"value": "x"}}))
    assert 'plan_batch = { value = "…" }' in fault.text.zh
    (fault,) = check_layer(many, layer_schema("communities"), Origin(rules={"plan_batch": {"from": "批"}}))
    assert "另有 2 个值" in fault.text.zh


def test_bad_shapes_are_told_apart():
    bow = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    with np.errstate(invalid="ignore"):
        nowhere = Polygon([(0, 0), (1, np.nan), (1, 1), (0, 0)])
    shapes = [bow, Point(0, 0), None, Polygon(), nowhere]
    frame = gpd.GeoDataFrame(
        {"name": list("vwxyz")}, geometry=shapes, crs=4548, index=pd.Index(list("abcde"), name="community_id")
    )
    found = codes(frame)
    assert found["", "wrong_geometry_type"] == ("b",)
    assert found["", "empty_geometry"] == ("c", "d")
    assert found["", "non_finite_geometry"] == ("e",)
    (reason,) = found["", "invalid_geometry"]
    assert reason == "a: 自相交（Self-intersection），在 1.0000000, 1.0000000 处"


X, Y = 500_000.0, 3_613_000.0


def ring(*points):
    return [(X + x, Y + y) for x, y in points]


SQUARE = ring((0, 0), (10, 0), (10, 10), (0, 10))
BROKEN = {
    "自相交": (Polygon(ring((0, 0), (2, 2), (2, 0), (0, 2))), (1, 1)),
    "洞在外环之外": (Polygon(SQUARE, [ring((20, 20), (21, 20), (21, 21))]), None),
    "洞中有洞": (Polygon(SQUARE, [ring((1, 1), (9, 1), (9, 9), (1, 9)), ring((3, 3), (4, 3), (4, 4))]), None),
    "互相套叠": (MultiPolygon([Polygon(SQUARE), Polygon(ring((2, 2), (3, 2), (3, 3)))]), None),
    "内部被洞隔断": (Polygon(SQUARE, [ring((0, 5), (5, 6), (10, 5), (5, 4))]), None),
    "点数太少": (Polygon(ring((0, 0), (5, 5), (0, 0))), None),
    "碰到自身": (Polygon(ring((0, 0), (6, 0), (6, 6), (3, 0), (0, 6))), None),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_why_a_shape_breaks_is_said_in_chinese_first_with_its_place_in_the_project(reason):
    shape, at = BROKEN[reason]
    frame = gpd.GeoDataFrame({"name": ["v"]}, geometry=[shape], crs=4548, index=pd.Index(["a"], name="community_id"))
    (finding,) = [f for f in check_layer(frame, layer_schema("communities")) if f.code == "invalid_geometry"]
    zh, en = (finding.named(lang)[0] for lang in ("zh", "en"))
    assert zh.startswith(f"a: {reason}") or reason in zh.partition("（")[0]
    assert not re.search("[一-鿿]", en)
    assert "[" not in zh + en
    x, y = map(float, re.search(r"在 (\S+), (\S+) 处", zh).groups())
    assert abs(x - X) < 50
    assert abs(y - Y) < 50
    if at:
        assert (x - X, y - Y) == at


def test_a_reason_that_nobody_translated_yet_is_still_said():
    said = broken_by("Something new[500000.5 3613000.25]")
    assert said.zh == "图形有错（Something new），在 500000.50, 3613000.25 处"
    assert said.en == "Something new at 500000.50, 3613000.25"
    assert (
        broken_by("Too few points in geometry component").zh
        == "点数太少，围不成面（Too few points in geometry component）"
    )


def test_shapes_of_the_wrong_kind_are_named_in_words_with_a_remedy():
    frame = communities().set_geometry([LineString([(0, 0), (1, 1)]), GeometryCollection([Point(0, 0)])], crs=4548)
    (fault,) = check_layer(frame, layer_schema("communities"))
    assert fault.text.zh.startswith("几何类型应为面，实为线、混合几何（GeometryCollection）。")
    assert "close_rings_m" in fault.text.zh
    assert "[select]" in fault.text.zh
    assert fault.text.en.startswith("Shapes must be areas, found lines, mixed")
    (fault,) = check_layer(frame.set_geometry([Point(0, 0)] * 2, crs=4548), layer_schema("communities"))
    assert fault.text.zh.startswith("几何类型应为面，实为点。不属于")


def test_repeated_keys_name_the_remedies():
    frame = communities()
    frame.index = pd.Index(["a", "a"], name="community_id")
    (fault,) = check_layer(frame, layer_schema("communities"))
    for text in fault.text:
        assert "drop_exact_duplicates = true" in text
        assert "merge_pieces = true" in text
    table = pd.DataFrame({"name": ["x", "y"]}, index=pd.Index(["p", "p"], name="project_id"))
    fault = next(f for f in check_layer(table, layer_schema("projects")) if f.code == "duplicate_key")
    assert "merge_pieces" not in fault.text.zh


def test_keys_missing_empty_or_repeated():
    assert codes(communities().reset_index(drop=True)) == {("community_id", "missing_key"): ()}
    frame = communities()
    frame.index = pd.Index(["a", "a"], name="community_id")
    assert codes(frame) == {("community_id", "duplicate_key"): ("a",)}
    frame.index = pd.Index(["a", None], name="community_id")
    assert ("community_id", "empty_key") in codes(frame)


def test_an_empty_layer_is_a_warning():
    findings = check_layer(communities().iloc[:0], layer_schema("communities"))
    assert [(f.severity, f.code) for f in findings] == [("warning", "empty_layer")]


def test_references_that_lead_nowhere_are_named():
    units = pd.DataFrame({"name": ["u"]}, index=pd.Index(["1"], name="unit_code"))
    findings = check_references({"communities": communities(unit_code=["1", "2"]), "reporting_units": units})
    assert [(f.code, f.named("zh")) for f in findings] == [("dangling_reference", ("b→2",))]


def pairs(*ids):
    """A table of projects and communities without a key, pointing to ``ids``."""
    return pd.DataFrame({"project_id": ["P1"] * len(ids), "community_id": list(ids)})


def placed(*ids):
    return pd.DataFrame({"name": "x"}, index=pd.Index(ids, name="community_id"))


def test_ids_that_differ_only_in_spelling_are_named_with_file_row_and_the_line_to_write():
    layers = {"communities": placed("001", "002", "A-03", "7"), "project_communities": pairs("1", "002", "ａ- 3", "9")}
    origins = {
        "communities": Origin("小区.shp"),
        "project_communities": Origin(
            "对应.csv", {"community_id": {"from": "编号"}}, lambda place: FeatureRef(rows=(place + 4,))
        ),
    }
    (fault,) = check_references(layers, origins=origins)
    assert fault.file == "对应.csv"
    assert fault.named("zh") == ("第4行→1", "第6行→ａ- 3", "第7行→9")
    assert "communities（小区.shp）" in fault.text.zh
    assert "“1”与“001”只差前导零" in fault.text.zh
    assert "'1' and '001' differ only in leading zeros" in fault.text.en
    line = 'community_id = { from = "编号", values = { "1" = "001", "ａ- 3" = "A-03" } }'
    assert line in fault.text.zh
    assert line in fault.text.en
    assert "其余请核对编号" in fault.text.zh


@pytest.mark.parametrize(
    ("there", "lost", "word"),
    [
        (["12"], "１２", "全角"),
        (["7"], "007", "前导零"),
        (["a1"], "A 1", "空格"),
        (["001", "01"], "1", ""),
        (["10"], "1", ""),
    ],
)
def test_what_only_looks_different_is_said_and_what_fits_several_is_not_guessed(there, lost, word):
    (fault,) = check_references({"communities": placed(*there), "project_communities": pairs(lost)})
    assert fault.named("zh") == (f"第1行→{lost}",)
    assert (word in fault.text.zh) if word else "只差" not in fault.text.zh


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(ConfigError, match="communities"):
        layer_schema("comunities")


_VALUES = st.one_of(
    st.none(), st.text(max_size=3), st.integers(-5, 5), st.floats(), st.booleans(), st.dates(datetime.date(1999, 1, 1))
)


@given(st.lists(_VALUES, max_size=6), st.sampled_from(["string", "integer", "number", "boolean", "date"]))
def test_types_are_judged_alike_whatever_the_columns_dtype(values, kind):
    loose = fits_type(pd.Series(values, dtype=object), kind)
    tight = fits_type(pd.Series(values, dtype=object).convert_dtypes(), kind)
    plain = [not pd.isna(v) for v in values]
    if kind not in ("integer", "number") and len({type(v) for v in values if v is not None}) == 1:
        assert list(tight.fillna(value=False)) == list(loose)
    assert not any(fit and not known for fit, known in zip(loose, plain, strict=True))


def test_every_unit_written_in_chinese_has_one_in_english():
    units = {field.unit for schema in layer_schemas().values() for field in schema.fields.values()} | {"万元", "亩"}
    chinese = {unit for unit in units if any("\u4e00" <= letter <= "\u9fff" for letter in unit)}
    assert {unit for unit in chinese if unit_text(unit, "zh") != unit} == set()
    still = {unit for unit in chinese if any("\u4e00" <= letter <= "\u9fff" for letter in unit_text(unit, "en"))}
    assert still == set()
    assert (unit_text("公顷", "en"), unit_text("宗", "en"), unit_text("m²", "en")) == ("ha", "parcels", "m²")
