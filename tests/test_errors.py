"""Errors speak both languages, show five ids and a count, and carry everything at once."""

from __future__ import annotations

from gis_renovation.errors import ConfigError, CRSError, DataError, FileError, Finding
from gis_renovation.words import Text, shorten_ids


def finding(**more):
    return Finding(severity="error", code="x", layer="parcels", text=Text("中文。", "English."), **more)


def test_at_most_five_ids_and_then_their_number():
    assert shorten_ids(range(3), "zh") == "0, 1, 2"
    assert shorten_ids(range(7), "zh") == "0, 1, 2, 3, 4 等共 7 个"
    assert shorten_ids(range(7), "en") == "0, 1, 2, 3, 4 … 7 in all"
    assert shorten_ids((), "zh") == ""


def test_a_data_error_lists_every_finding_with_its_place():
    error = DataError([finding(file="a.gpkg", field="area", ids=("p1", "p2")), finding()])
    assert "2 处" in error.in_language("zh")
    assert "a.gpkg/parcels/area: 中文。 [p1, p2]" in error.in_language("zh")
    assert "parcels: English." in error.in_language("en")
    assert len(error.findings) == 2


def test_exit_codes_say_who_must_act():
    assert DataError([]).exit_code == 1
    assert {cls("a", "b").exit_code for cls in (ConfigError, FileError, CRSError)} == {2}
    assert str(ConfigError("中", "en")) == "中"


def test_a_finding_of_no_file_or_layer_begins_with_its_sentence():
    nowhere = Finding(severity="error", code="photo", layer="", text=Text("照片不存在。", "no such photo."))
    assert DataError([nowhere]).in_language("zh").splitlines()[1] == "  - 照片不存在。"
