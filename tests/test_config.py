"""TOML to a checked model: every fault at once, in words, with the nearest known key."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from gis_renovation.config import check_model, nearest_key, read_toml
from gis_renovation.errors import ConfigError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    max_gap_m: float = 60.0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    as_of: datetime.date
    inner: Inner = Inner()
    many: dict[str, Inner] = {}


def test_every_fault_is_told_in_one_error_with_its_path():
    with pytest.raises(ConfigError) as caught:
        check_model(
            {"nam": "x", "as_of": "soon", "inner": {"max_gap": 3}, "many": {"a": {"max_gap_m": "wide"}}},
            Outer,
            where="project.toml",
        )
    zh, en = caught.value.text
    for text in (zh, en):
        for word in (
            "project.toml",
            "nam",
            "name",
            "as_of",
            "inner.max_gap",
            "max_gap_m",
            "many.a.max_gap_m",
            "'wide'",
        ):
            assert word in text
    assert not any("\u4e00" <= c <= "\u9fff" for c in en)


def test_good_data_passes():
    assert check_model({"name": "x", "as_of": datetime.date(2024, 9, 30)}, Outer, where="x").inner.max_gap_m == 60


def test_the_nearest_key_or_all_of_them():
    assert "max_gap_m" in nearest_key("max_gap", ["max_gap_m", "households"]).zh
    assert "households" in nearest_key("zzz", ["max_gap_m", "households"]).en


@given(st.text(max_size=80))
def test_any_text_is_toml_or_a_config_error_that_names_the_file(text):
    try:
        assert isinstance(read_toml(text, where="a.toml"), dict)
    except ConfigError as error:
        assert "a.toml" in error.text.zh  # noqa: PT017
