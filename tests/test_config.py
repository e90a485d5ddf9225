"""TOML to a checked model: every fault at once, in words, with the nearest known key."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from gis_renovation.config import check_model, nearest_key, read_toml
from gis_renovation.errors import ConfigError
from gis_renovation.publish.profile import read_profile


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


class Limited(BaseModel):
    model_config = ConfigDict(extra="forbid")
    from_one: int = Field(default=1, ge=1)
    above: float = Field(default=1.0, gt=0.0)
    up_to: float = Field(default=1.0, le=200.0)
    below: float = Field(default=0.5, lt=1.5)
    finite: float = Field(default=0.5, allow_inf_nan=False)
    some: tuple[str, ...] = Field(default=("a",), min_length=2)
    few: tuple[str, ...] = Field(default=("a",), max_length=1)
    day: datetime.date = datetime.date(2024, 9, 30)
    code: str = Field(default="a", pattern="^[a-z]+$")
    table: dict[str, int] = {}
    yes: bool = True
    whole: int = 1


WRONG = {
    "from_one": (0, "不得小于 1", "must be 1 or more"),
    "above": (0, "应大于 0", "must be greater than 0"),
    "up_to": (200.5, "不得大于 200", "must be 200 or less"),
    "below": (1.5, "应小于 1.5", "must be less than 1.5"),
    "finite": (float("inf"), "应为有限的数字", "must be a finite number"),
    "some": (["a"], "至少要有 2 项", "must have at least 2 items"),
    "few": (["a", "b"], "最多 1 项", "must have at most 1 items"),
    "day": (datetime.datetime(2024, 9, 30, 8, tzinfo=datetime.UTC), "只写日期", "a date without a time of day"),
    "code": ("A1", "写法应符合 ^[a-z]+$", "must be written as ^[a-z]+$"),
    "table": (["a"], "应为一张表", "must be a table"),
    "yes": ("maybe", "应为 true 或 false", "must be true or false"),
    "whole": (1.5, "应为整数", "must be a whole number"),
    "more": (1, "没有这个键", "unknown key"),
}


@pytest.mark.parametrize("key", WRONG)
def test_a_fault_of_any_common_kind_is_told_in_chinese_and_in_english(key):
    value, zh, en = WRONG[key]
    with pytest.raises(ConfigError) as caught:
        check_model({key: value}, Limited, where="maps/own.toml")
    assert zh in caught.value.text.zh
    assert en in caught.value.text.en
    assert "Input should" not in caught.value.text.zh


def test_a_limit_of_a_real_profile_is_told_in_chinese(tmp_path):
    (tmp_path / "maps").mkdir()
    text = '[profile]\naudience = "planner"\n[disclosure]\nclass = "restricted"\nminimum_count = 0\n'
    (tmp_path / "maps" / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_profile(tmp_path, "own")
    assert "disclosure.minimum_count：不得小于 1（现为 0）" in caught.value.text.zh
    assert "Input" not in caught.value.text.zh


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
