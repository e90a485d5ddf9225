"""Aliases and coded domains of databases: matched by, decoded, listed in the draft; files as ArcGIS and QGIS make them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from zoo import communities, geodatabase

from gis_renovation.checking.draft import draft_card
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import file_sha256, read_files
from gis_renovation.reading.values.domains import _from_items

ALIASES = {"BSM": ("标识码", ""), "ZDDM": ("宗地代码", ""), "QLXZ": ("权利性质", "QLXZDM"), "DLBM": ("地类编码", "")}
RIGHTS = {"101": "划拨", "102": "出让", "199": "其他方式"}


def parcels():
    frame = communities(4)[["geometry"]]
    return frame.assign(
        BSM=["1", "2", "3", "4"], ZDDM=["P3", "P1", "P2", "P4"], QLXZ=["101", "102", None, "101"], DLBM=["0701"] * 4
    )


def in_geopackage(folder):
    """The schema extension of a GeoPackage, as QGIS and ArcGIS write it."""
    path = folder / "数据.gpkg"
    parcels().to_file(path, layer="ZD")
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(
            "CREATE TABLE gpkg_data_columns (table_name TEXT, column_name TEXT, name TEXT, title TEXT, description TEXT,"
            " mime_type TEXT, constraint_name TEXT)"
        )
        base.execute(
            "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT, constraint_type TEXT, value TEXT, min REAL,"
            " min_is_inclusive BOOLEAN, max REAL, max_is_inclusive BOOLEAN, description TEXT)"
        )
        for column, (alias, domain) in ALIASES.items():
            row = ("ZD", column, alias, alias, None, None, domain or None)
            base.execute("INSERT INTO gpkg_data_columns VALUES (?,?,?,?,?,?,?)", row)
        for code, text in RIGHTS.items():
            row = ("QLXZDM", "enum", code, None, None, None, None, text)
            base.execute("INSERT INTO gpkg_data_column_constraints VALUES (?,?,?,?,?,?,?,?)", row)
    return path


MAKERS = {
    "gdb": lambda folder: geodatabase(folder, parcels(), ALIASES, {"QLXZDM": RIGHTS}),
    "gpkg": in_geopackage,
}


@pytest.fixture(params=sorted(MAKERS))
def database(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def taken(path, columns="", *, all_columns=False):
    card = read_card(f'[source]\npath = "{path.name}"\n{columns}', stem="parcels", where="x")
    raw = read_files(card, path.parent, all_columns=all_columns)
    return conform(raw.frame, card, columns=raw.columns)


@pytest.mark.parametrize("all_columns", [True, False])
def test_columns_are_found_by_alias_and_codes_by_the_meaning_the_file_gives(database, all_columns):
    before = file_sha256(database)
    done = taken(database, all_columns=all_columns)
    assert list(done.frame.index) == ["P1", "P2", "P3", "P4"]
    assert list(done.frame["land_use_code"]) == ["0701"] * 4
    rights = done.frame["right_type"]
    assert [value if isinstance(value, str) else None for value in rights] == [
        "granted",
        None,
        "allocated",
        "allocated",
    ]
    assert done.record["columns_left_out"] == ["BSM"]
    said = {f.field: f.text.zh for f in done.findings if f.code == "matched_by_alias"}
    assert "别名“权利性质”" in said["right_type"]
    assert file_sha256(database) == before
    assert [p.name for p in database.parent.iterdir()] == [database.name]


def test_the_card_has_the_last_word_over_the_meaning_in_the_file(database):
    done = taken(database, '[columns]\nright_type = { from = "QLXZ", values = { 101 = "leased" } }\n')
    rights = done.frame["right_type"]
    assert [value if isinstance(value, str) else None for value in rights] == ["granted", None, "leased", "leased"]


def test_a_draft_names_the_aliases_and_what_unknown_codes_mean(database):
    frame = parcels()
    draft = draft_card(database, layer="parcels", beside=database.parent)
    assert 'parcel_id = "ZDDM"  # ' in draft.text
    assert "别名“宗地代码”" in draft.text
    assert 'right_type = "QLXZ"' in draft.text
    card = read_card(draft.text, stem="parcels", where="x")
    raw = read_files(card, database.parent)
    assert len(conform(raw.frame, card, columns=raw.columns).frame) == len(frame)


def test_a_code_whose_meaning_is_not_ours_is_explained_in_the_draft(tmp_path):
    frame = parcels().assign(QLXZ=["101", "199", "199", "102"])
    path = geodatabase(tmp_path, frame, ALIASES, {"QLXZDM": {"101": "划拨", "102": "出让", "199": "历史遗留"}})
    assert "199 即历史遗留" in draft_card(path, layer="parcels", beside=tmp_path).text
    wrong = taken(path, '[columns]\nright_type = "QLXZ"\n').frame["right_type"]
    assert set(wrong) == {"allocated", "granted", "199"}


def test_a_definition_that_declares_entities_is_left_alone(tmp_path):
    from gis_renovation.reading.values.domains import _tree

    assert _tree('<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>') is None
    assert _tree("<a>") is None
    assert _tree("<a/>") is not None


def test_domains_of_subtypes_count_where_a_code_means_one_thing_only():
    """The definition of a feature class as ArcGIS writes it: pipes of two kinds, each with materials of its own."""

    def domain(name, **codes):
        values = "".join(f"<CodedValue><Name>{v}</Name><Code>{k[1:]}</Code></CodedValue>" for k, v in codes.items())
        return (
            name,
            f"<GPCodedValueDomain2><DomainName>{name}</DomainName><CodedValues>{values}</CodedValues></GPCodedValueDomain2>",
        )

    def kind(code, name, materials):
        info = f"<SubtypeFieldInfo><FieldName>CZ</FieldName><DomainName>{materials}</DomainName></SubtypeFieldInfo>"
        return f"<Subtype><SubtypeName>{name}</SubtypeName><SubtypeCode>{code}</SubtypeCode><FieldInfos>{info}</FieldInfos></Subtype>"

    pipes = (
        "<DEFeatureClassInfo><GPFieldInfoExs><GPFieldInfoEx><Name>CZ</Name><AliasName>材质</AliasName></GPFieldInfoEx>"
        "</GPFieldInfoExs><SubtypeFieldName>LX</SubtypeFieldName><Subtypes>"
        f"{kind(1, '给水', 'JSCZ')}{kind(2, '排水', 'PSCZ')}</Subtypes></DEFeatureClassInfo>"
    )
    water, sewage = domain("JSCZ", _1="球墨铸铁", _2="PE"), domain("PSCZ", _1="混凝土", _3="PVC")
    found = _from_items([("GX", pipes), water, sewage], "GX")
    assert found.aliases == {"CZ": "材质"}
    assert found.codes == {"LX": {"1": "给水", "2": "排水"}, "CZ": {"2": "PE", "3": "PVC"}}
