"""Columns that nobody listed do not leave inside texts: a mark in every text column of every layer, and the search for it."""

from __future__ import annotations

import random
import re

import pandas as pd
import pytest
import small_city
from drawn_city import layers, publish_city

from gis_renovation.errors import ConfigError, DataError
from gis_renovation.publish.disclosure import without_unlisted
from gis_renovation.publish.disclosure.within import words_within
from gis_renovation.publish.edition import select_layers, tables
from gis_renovation.publish.leaks import unpack
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.publish import Occasion, publish_run
from gis_renovation.run import open_project, run_project
from gis_renovation.schemas import layer_schemas
from gis_renovation.shipped import shipped

PUBLIC = shipped("template/maps/public.toml").read_text(encoding="utf-8")
MARK = re.compile(r"标(\d+)记")


# --- a mark in every text column of every layer ---------------------------------------------------


def text_columns(layer, frame):
    """What people type: no codes, no ids."""
    schema = layer_schemas()[layer]
    for name in frame.columns:
        field = schema.fields.get(name)
        typed = field is not None and field.type == "string" and not (field.values or field.references)
        if typed and name != schema.key and not name.endswith(("_id", "_ids", "_code")):
            yield name


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A small project whose every typed text begins with the mark of its column, run once; column -> mark."""
    made, marks = small_city.small_layers(8), {}
    for layer, frame in made.items():
        for column in text_columns(layer, frame) if isinstance(frame, pd.DataFrame) else ():
            marks[f"{layer}.{column}"] = mark = f"标{len(marks) + 100}记"
            frame[column] = [f"{mark}{text}" if isinstance(text, str) else text for text in frame[column]]
    project = open_project(small_city.write_project(tmp_path_factory.mktemp("marked") / "city", made))
    run = run_project(project)
    return project, run, marks


def standing(frames):
    """Mark -> columns in which it stands."""
    found = {}
    for layer, frame in frames.items():
        for column in [c for c in frame.columns if str(frame[c].dtype) != "geometry"]:
            for number in {n for text in frame[column] if isinstance(text, str) for n in MARK.findall(text)}:
                found.setdefault(f"标{number}记", set()).add(f"{layer}.{column}")
    return found


def test_many_layers_are_marked_and_marks_reach_sentences(marked):
    _, run, marks = marked
    assert len(marks) > 25
    everywhere = standing(tables(run.layers))
    derived = {
        column
        for mark in marks.values()
        for column in everywhere.get(mark, ())
        if layer_schemas()[column.partition(".")[0]].result
    }
    assert {"zones.why_zh", "zones.why_en", "zones.name", "project_states.name"} <= derived
    assert len(derived) > 12


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("name", ["planner", "bureau", "public"])
def test_no_unlisted_text_column_leaves_in_any_other_column(marked, name, turn):
    """A third of all columns at a time taken off the list, with each profile: their marks stand nowhere any more."""
    project, run, marks = marked
    profile, every = read_profile(project.folder, name), tables(run.layers)
    unlisted = set(random.Random(turn).sample(sorted(marks), len(marks) // 3))
    frames = {
        layer: frame.drop(columns=[c for c in frame.columns if f"{layer}.{c}" in unlisted])
        for layer, frame in select_layers(run.layers, profile).items()
    }
    before = standing(frames)
    cleaned, told = without_unlisted(every, frames, highest=profile.disclosure.highest)
    after = standing(cleaned)
    assert sum(marks[source] in before for source in unlisted) >= 1
    for source in unlisted:
        assert marks[source] not in after, (source, after[marks[source]])
        # What was there is told: column, where, rows.
        said = {f"{one.into_layer}.{one.into_column}" for one in told if one.source == source}
        assert before.get(marks[source], set()) == said, source


def test_the_whole_public_folder_holds_no_mark_of_an_unlisted_column(marked):
    """Sentences, titles, popups, pages, downloads, search index, file names: every byte of what is published."""
    project, run, marks = marked
    path = project.folder / "maps" / "public.toml"
    whole, unlisted = (
        path.read_text(encoding="utf-8"),
        ("communities", "zones", "projects", "parks", "barriers", "streets"),
    )
    text = whole
    for layer in unlisted:
        text = re.sub(
            rf'^({layer} = \[)"?[^\n]*?"name"(?:, )?',
            lambda m: m[0].replace('"name", ', "").replace('"name"', ""),
            text,
            count=1,
            flags=re.MULTILINE,
        )
    path.write_text(text, encoding="utf-8")
    assert text != whole
    heard = []

    publish_run(project, run, profile="public", occasion=Occasion(by="张", on_warning=heard.append))
    folder = project.folder / "maps" / "public"
    listed = {
        f"{layer}.{column}"
        for layer, columns in read_profile(project.folder, "public").layers.items()
        for column in columns
    }
    gone = {mark.encode(): source for source, mark in marks.items() if source not in listed}
    assert {"communities.name", "parks.name", "communities.owner_unit"} <= set(gone.values())
    for file in (p for p in folder.rglob("*") if p.is_file()):
        for data in unpack.unpacked(file.read_bytes()):
            found = [
                gone[mark]
                for mark in {m[0].encode() for m in MARK.finditer(data.decode("utf-8", "replace"))}
                if mark in gone
            ]
            assert not found, (file.name, found)
    zones = (folder / "data" / "zones.csv").read_text(encoding="utf-8-sig")
    ids = run.layers["communities"].index
    assert any(str(key) in zones for key in ids), "an id stands where the name is not listed"
    checklist = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    assert re.search(r"communities\.name（.*?）的内容出现在 zones\.why_zh（.*?）的 \d+ 行：已改写.*编号：\S", checklist)
    said = [one.text.zh for one in heard if one.code == "carried_column"]
    assert any("communities.name" in line and "zones.why_zh" in line for line in said)
    path.write_text(whole, encoding="utf-8")


# --- typed texts that hold what is not listed -----------------------------------------------------


def owned(owner="王大锤置业", title="王大锤置业宿舍改造"):
    made = layers()
    made["communities"]["owner_unit"] = [owner, *["某单位"] * 8]
    made["projects"]["name"] = [title]
    return made


def edition(tmp_path, made, text=PUBLIC, **told):
    (tmp_path / "maps").mkdir(exist_ok=True)
    (tmp_path / "maps" / "public.toml").write_text(text, encoding="utf-8")
    publish_city(made, read_profile(tmp_path, "public"), tmp_path / "maps" / "public", **told)
    return tmp_path / "maps" / "public"


def test_an_owner_inside_a_listed_title_is_refused_with_column_place_and_row(tmp_path):
    with pytest.raises(DataError) as told:
        edition(tmp_path, owned())
    text = str(told.value)
    assert "communities.owner_unit" in text
    assert "projects" in text
    assert "J1" in text
    assert 'carried = ["communities.owner_unit"]' in text
    assert "王大锤" not in text, "the message never repeats the value"
    assert not (tmp_path / "maps" / "public").exists()


def released(column, by="市局〔2024〕1号"):
    return PUBLIC.replace("carried = [] ", f'carried = ["{column}"] ', 1).replace(
        'approved_by = ""', f'approved_by = "{by}"', 1
    )


def test_a_review_may_let_it_through_and_the_checklist_names_it(tmp_path):
    folder = edition(tmp_path, owned(), released("communities.owner_unit"))
    checklist = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    assert re.search(
        r"- \[ \] 未列出的列(.|\n)*communities\.owner_unit.*projects\.name.* 1 行：原文照录.*J1", checklist
    )


def test_a_release_needs_somebody_who_answers_for_it(tmp_path):
    with pytest.raises(ConfigError, match="approved_by"):
        edition(tmp_path, owned(), released("communities.owner_unit", by=""))


def test_a_release_of_another_column_does_not_help(tmp_path):
    with pytest.raises(DataError, match=r"owner_unit"):
        edition(tmp_path, owned(), released("communities.address"))


def test_what_also_leaves_whole_or_is_two_characters_is_not_refused(tmp_path):
    made = owned("龙湖新村", "龙湖新村改造")
    edition(tmp_path, made)
    edition(tmp_path, owned("龙湖", "龙湖片区改造"))


def test_a_column_the_profile_could_list_is_told_and_not_refused(tmp_path):
    text = PUBLIC.replace('communities = ["name", ', "communities = [", 1)
    heard = []
    made = owned("某单位", "龙湖新村改造")
    edition(tmp_path, made, text, on_warning=heard.append)
    (one,) = [w for w in heard if w.code == "carried_column" and w.layer == "projects"]
    assert "communities.name" in one.text.zh
    assert "1 行" in one.text.zh
    assert one.severity == "warning"


# --- how it is written anew -----------------------------------------------------------------------


def small(names, sentence):
    places = pd.DataFrame(
        {"name": names, "year_built": 1990}, index=pd.Index([f"C{n}" for n in range(len(names))], name="community_id")
    )
    zones = pd.DataFrame({"why_zh": [sentence], "community_count": [2]}, index=pd.Index(["Z1"], name="zone_id"))
    return {"communities": places, "zones": zones}, {"communities": places[["year_built"]], "zones": zones}


@pytest.mark.parametrize(
    ("names", "sentence", "written"),
    [
        (["龙湖新村", "广场北里"], "由龙湖新村、广场北里共 2 个小区组成", "由C0、C1共 2 个小区组成"),
        # The longer name is meant where both begin alike.
        (["龙湖", "龙湖新村"], "龙湖新村与龙湖相连", "C1与C0相连"),
        # Two of one name: no id tells which is meant.
        (["幸福里", "幸福里"], "由幸福里组成", "由（未公开）组成"),
        # What the schemas call things is no name of anybody.
        (["小区", "广场北里"], "2 个小区：广场北里", "2 个小区：C1"),
    ],
)
def test_an_id_stands_where_the_name_is_not_listed(names, sentence, written):
    every, frames = small(names, sentence)
    made, told = without_unlisted(every, frames, highest="public")
    assert made["zones"]["why_zh"].tolist() == [written]
    assert frames["zones"]["why_zh"].tolist() == [sentence], "nothing is changed in place"
    assert [(one.source, one.into_column, one.rows, one.replaced) for one in told] == [
        ("communities.name", "why_zh", ("Z1",), True)
    ]


def test_the_name_of_a_layer_that_stays_behind_has_no_id_to_show():
    every, frames = small(["龙湖新村"], "由龙湖新村组成")
    made, _ = without_unlisted(every, {"zones": frames["zones"]}, highest="public")
    assert made["zones"]["why_zh"].tolist() == ["由（未公开）组成"]


def test_a_listed_name_keeps_the_owner_it_holds():
    every, frames = small(["谢一矿小区"], "由谢一矿小区组成，权属单位谢一矿")
    every["communities"]["owner_unit"] = "谢一矿"
    frames["communities"] = every["communities"][["name"]]
    made, _ = without_unlisted(every, frames, highest="public")
    assert made["zones"]["why_zh"].tolist() == ["由谢一矿小区组成，权属单位（未公开）"]


def test_where_everything_leaves_nothing_is_touched():
    every, _ = small(["龙湖新村"], "由龙湖新村组成")
    made, told = without_unlisted(every, every, highest="restricted")
    assert made["zones"] is every["zones"]
    assert told == []


# --- words in texts, against a search one by one --------------------------------------------------


def one_by_one(words, text):
    places, at = [], 0
    while at < len(text):
        word = max((w for w in words if len(w) >= 2 and text.startswith(w, at)), key=len, default=None)
        if word:
            places.append((at, word))
        at += len(word) if word else 1
    return places


@pytest.mark.parametrize("seed", range(8))
def test_words_are_found_as_a_search_one_by_one_finds_them(seed):
    rng = random.Random(seed)
    letters = ["甲", "乙", "丙", "a", "\U0001f600", "\x1e", "\u0000"]
    words = {"".join(rng.choices(letters, k=rng.randint(1, 6))) for _ in range(40)} - {"\x1e"}
    words = {word for word in words if "\x1e" not in word}
    texts = ["".join(rng.choices(letters, k=rng.randint(0, 40))) for _ in range(300)]
    expected = {text: places for text in texts if (places := one_by_one(words, text))}
    found = words_within(words, texts)
    assert {text: [(p.start, p.word) for p in places] for text, places in found.items()} == expected


def test_no_words_or_no_texts_find_nothing():
    assert words_within([], ["甲乙"]) == {}
    assert words_within(["甲乙"], []) == {}
    assert words_within(["甲"], ["甲甲"]) == {}


def test_an_owner_in_a_row_nothing_links_to_is_told_and_not_refused(tmp_path):
    """Offices share words by chance: refused is what stands in its own row, or in one that a table puts beside it."""
    made = owned("某某某单位", "某某某单位改造")
    made["communities"]["owner_unit"] = [*["别的单位"] * 8, "某某某单位"]
    heard = []
    edition(tmp_path, made, on_warning=heard.append)
    assert any("communities.owner_unit" in one.text.zh for one in heard if one.code == "carried_column")
    made["project_communities"].loc[1, "community_id"] = "C9"
    with pytest.raises(DataError, match="owner_unit"):
        edition(tmp_path, made)


def test_an_owner_in_the_name_of_its_own_row_is_refused(tmp_path):
    made = owned("龙湖新村的", "改造")
    made["communities"].loc["C1", "name"] = "龙湖新村的小区"
    with pytest.raises(DataError, match="owner_unit"):
        edition(tmp_path, made)
