"""Errors speak both languages, show five ids and a count, and carry everything at once."""

from __future__ import annotations

from gis_renovation.errors import ConfigError, CRSError, DataError, FeatureRef, FileError, Finding, by_key
from gis_renovation.words import Text, shorten_ids


def finding(**more):
    return Finding(severity="error", code="x", layer="parcels", text=Text("中文。", "English."), **more)


def test_at_most_five_ids_and_then_their_number():
    assert shorten_ids(range(3), "zh") == "0, 1, 2"
    assert shorten_ids(range(7), "zh") == "0, 1, 2, 3, 4 等共 7 个"
    assert shorten_ids(range(7), "en") == "0, 1, 2, 3, 4 … 7 in all"
    assert shorten_ids((), "zh") == ""


def test_features_are_named_in_the_language_spoken_and_keys_stay_as_they_are():
    said = {
        FeatureRef("光明（第3行列式）"): ("光明（第3行列式）", "光明（第3行列式）"),
        FeatureRef(rows=(3,), mark="→", value="约120"): ("第3行→约120", "row 3→约120"),
        FeatureRef("A1", (3, 5)): ("A1（第3行、第5行）", "A1 (row 3, row 5)"),
        FeatureRef("a", mark=": ", value="3.0 m²", other="b"): ("a ∩ b: 3.0 m²", "a ∩ b: 3.0 m²"),
    }
    assert {ref: (ref.spoken("zh"), ref.spoken("en")) for ref in said} == said


def test_a_data_error_lists_every_finding_with_its_place():
    error = DataError([finding(file="a.gpkg", field="area", features=by_key(["p1", "p2"])), finding()])
    assert "2 处" in error.in_language("zh")
    assert "a.gpkg/parcels/area: 中文。 [p1, p2]" in error.in_language("zh")
    assert "parcels: English." in error.in_language("en")
    assert len(error.findings) == 2


def test_exit_codes_say_who_must_act():
    assert DataError([]).exit_code == 1
    assert {cls("a", "b").exit_code for cls in (ConfigError, FileError, CRSError)} == {2}
    assert str(ConfigError("中", "en")) == "中\nen"


def test_a_finding_of_no_file_or_layer_begins_with_its_sentence():
    nowhere = Finding(severity="error", code="photo", layer="", text=Text("照片不存在。", "no such photo."))
    assert DataError([nowhere]).in_language("zh").splitlines()[1] == "  - 照片不存在。"
