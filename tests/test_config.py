"""TOML to a checked model: every fault at once, in words, with the nearest known key."""

from __future__ import annotations

import datetime
import re

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


@pytest.mark.parametrize(
    ("text", "place", "cause"),
    [
        ("[source]\npath = a.gpkg\n", "第 2 行第 8 列", "值写得不对"),
        ('[source]\npath "a.gpkg"\n', "第 2 行", "键 = 值"),
        ('[source\npath = "a"\n', "第 1 行", "方括号没有配对"),
        ('a = "C:\\data\\x.shp"\n', "第 1 行", "反斜杠"),
        ('a = "x\n', "第 1 行", "引号不成对"),
        ("a = [1, 2\n", "文件末尾", "没有配对"),
        ("a = 1 b = 2\n", "第 1 行", "一行只能写一个键"),
        ("a = 1\na = 2\n", "第 2 行", "写了两次"),
        ('编号 = "x"\n', "第 1 行", "中文键名要加引号"),
        ("a = “x”\n", "第 1 行", "要用英文的"),
        ("a = 2024-13-40\n", "第 1 行", "日期"),
    ],
)
def test_a_slip_in_toml_is_shown_with_its_line_and_likely_cause_in_chinese(text, place, cause):
    with pytest.raises(ConfigError) as caught:
        read_toml(text, where="x.toml")
    said = caught.value.text.zh
    assert said.startswith("x.toml：" + place)
    assert cause in said
    assert not re.search("[A-Z][a-z]+ [a-z]+ ", said)
