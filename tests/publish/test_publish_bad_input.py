"""Bad input: one clear message each, and the edition in place is untouched, to the byte."""

from __future__ import annotations

import hashlib
from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
from drawn_city import CRS, layers, publish_city
from shapely.geometry import box

from gis_renovation.cli import commands
from gis_renovation.errors import ConfigError, CRSError, DataError, FileError
from gis_renovation.publish import editions, files, publish
from gis_renovation.publish.profile import read_profile
from gis_renovation.shipped import shipped

AS_OF = date(2024, 9, 30)
PUBLIC = shipped("template/maps/public.toml").read_text(encoding="utf-8")
NUMBERED = (
    PUBLIC.replace("# map_number ", "map_number ")
    .replace("# map_number_d", "map_number_d")
    .replace("# map_number_e", "map_number_e")
)


def published(folder, made=None, text=PUBLIC, **options):
    (folder / "maps").mkdir(exist_ok=True)
    (folder / "maps" / "public.toml").write_text(text, encoding="utf-8")
    profile = read_profile(folder, "public")
    publish_city(layers() if made is None else made, profile, folder / "maps" / "public", **options)


def state_of(folder):
    """Every file beside and in the editions but the profile, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".toml"
    }


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standing")
    published(folder)
    return folder


def without_shapes(made):
    return {name: pd.DataFrame(frame.drop(columns="geometry", errors="ignore")) for name, frame in made.items()}


def with_empty_shapes(made):
    return {
        n: f.assign(geometry=gpd.GeoSeries([None] * len(f), crs=CRS)) if "geometry" in f else f for n, f in made.items()
    }


def without_crs(made):
    bare = made["communities"].copy()
    return made | {"communities": bare.set_crs(None, allow_override=True)}


def parks_elsewhere(made):
    return made | {"parks": made["parks"].set_geometry(made["parks"].geometry.translate(900_000, 0))}


def all_elsewhere(made):
    """Every layer 600 km further north: another city, in itself sound."""
    return {
        name: frame.set_geometry(frame.geometry.translate(0, 600_000)) if "geometry" in frame else frame
        for name, frame in made.items()
    }


BAD = {
    "a layer of another place": (parks_elsewhere, DataError, "图层 公园绿地（parks）在 126"),
    "another city than the edition's": (all_elsewhere, DataError, "现有的一版在 117.00—117.01°E、32.6"),
    "no geometry": (without_shapes, DataError, "没有可以上图的图层：至少需要一个含图形的图层（如小区 communities）"),
    "only empty geometry": (with_empty_shapes, DataError, "没有可以上图的图层"),
    "no layer at all": (lambda _: {}, DataError, "没有可以上图的图层"),
    "a layer without a coordinate system": (without_crs, CRSError, "communities"),
    "a telephone number": (lambda m: m | {"parks": m["parks"].assign(name="13800138000")}, DataError, "疑似手机号码"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_fault_of_the_data_is_told_and_leaves_the_edition(standing, fault):
    spoil, error, said = BAD[fault]
    before = state_of(standing)
    with pytest.raises(error) as caught:
        published(standing, spoil(layers()))
    assert said in str(caught.value)
    assert state_of(standing) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PUBLIC.replace('class = "public"', 'class = "secret"'), "disclosure.class"),
        (PUBLIC.replace("[layers] ", "[layer] "), "layer"),
        (PUBLIC + 'utility_lines = ["network"]\n', "utility_lines"),
        (NUMBERED.replace("2026-06-01", "2024-09-29"), "已于 2024-09-29 到期"),
        ("[profile", "public.toml"),
    ],
    ids=range(5),
)
def test_a_fault_of_the_profile_is_told_and_leaves_the_edition(standing, text, said):
    before = state_of(standing)
    with pytest.raises(ConfigError) as caught:
        published(standing, text=text)
    assert said in str(caught.value)
    assert state_of(standing) == before


def test_one_file_of_a_site_of_many_pages_is_refused_with_what_to_change(standing):
    before = state_of(standing)
    with pytest.raises(ConfigError, match="去掉 --single") as caught:
        published(standing, single=True)
    assert "Leave --single out" in caught.value.text.en
    assert state_of(standing) == before


def test_a_number_that_expired_between_the_data_and_the_day_of_publishing_is_refused(standing):
    before = state_of(standing)
    with pytest.raises(ConfigError, match="早于 2026-06-02"):
        published(standing, text=NUMBERED, on=date(2026, 6, 2))
    assert state_of(standing) == before


def test_a_folder_a_file_or_a_link_that_is_not_ours_is_left_as_it_is(tmp_path):
    for make in (
        lambda place: (place.mkdir(), (place / "index.html").write_text("别人的")),
        lambda place: place.write_text("一个文件"),
        lambda place: (tmp_path.joinpath("elsewhere").mkdir(), place.symlink_to(tmp_path / "elsewhere")),
    ):
        place = tmp_path / "maps" / "public"
        place.parent.mkdir(exist_ok=True)
        make(place)
        with pytest.raises(FileError, match="不会覆盖"):
            published(tmp_path)
        place.rename(tmp_path / f"kept-{len(list(tmp_path.iterdir()))}")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("edition", ["public", "public.previous"])
def test_files_people_put_into_an_edition_are_named_and_nothing_is_replaced(tmp_path, edition):
    published(tmp_path)
    published(tmp_path)
    for name in ("局长讲话.docx", "data/底稿/草图.png"):
        place = tmp_path / "maps" / edition / name
        place.parent.mkdir(exist_ok=True)
        place.write_text("别处没有")
    before = state_of(tmp_path)
    with pytest.raises(FileError) as caught:
        published(tmp_path)
    for said in caught.value.text:
        assert f"{edition}/局长讲话.docx" in said
        assert f"{edition}/data/底稿/草图.png" in said
    assert "请把它们移到 maps 以外的文件夹" in caught.value.text.zh
    assert state_of(tmp_path) == before


def test_what_file_managers_leave_in_a_folder_stops_nothing(tmp_path):
    published(tmp_path)
    (tmp_path / "maps" / "public" / ".DS_Store").write_text("x")
    assert "edition_changed" not in warned(tmp_path, PUBLIC)


def test_an_edition_that_was_changed_is_replaced_and_told_by_name(tmp_path):
    published(tmp_path)
    folder, found = tmp_path / "maps" / "public", []
    with (folder / "about.html").open("a", encoding="utf-8") as page:
        page.write("<!-- 手改 -->")
    (folder / "map.html").unlink()
    published(tmp_path, on_warning=found.append)
    (told,) = [finding.text for finding in found if finding.code == "edition_changed"]
    for said in told:
        assert "about.html" in said
        assert "map.html" in said
        assert "--restore" in said
    assert (folder / "map.html").is_file()
    with pytest.raises(DataError, match="不能恢复"):
        editions.restore_previous(folder)


def test_a_damaged_record_of_shown_counts_is_not_guessed_at(standing):
    record = standing / "maps" / "public.counts.json"
    good = record.read_text(encoding="utf-8")
    record.write_text(good[: len(good) // 2], encoding="utf-8")
    before = state_of(standing)
    with pytest.raises(FileError, match=r"public\.counts\.json 无法读取"):
        published(standing)
    assert state_of(standing) == before
    record.write_text(good, encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "at"),
    [
        *((files, name) for name in ("map_files", "write_downloads", "site_pages", "write_marker")),
        (publish, "put_in_place"),
    ],
)
def test_whatever_breaks_while_writing_leaves_the_edition(standing, monkeypatch, module, at):
    def broken(*_, **__):
        raise OSError(28, "No space left on device", "x")

    before = state_of(standing)
    monkeypatch.setattr(module, at, broken)
    with pytest.raises(OSError, match="No space left"):
        published(standing)
    assert state_of(standing) == before
    assert not list((standing / "maps").glob(".unfinished-*"))


def test_a_layer_of_another_place_stops_the_command_and_leaves_the_edition(own_run, capsys):
    """The sample's parks nine degrees further east: the run refuses them before anything is published."""
    base = own_run / "layers" / "data" / "base.gpkg"
    parks = gpd.read_file(base, layer="公园")
    parks.geometry = parks.geometry.translate(9, 0)
    parks.to_file(base, layer="公园", driver="GPKG")
    published(own_run)
    before = state_of(own_run / "maps")
    with pytest.raises(SystemExit) as ended:
        commands.main(["publish", str(own_run), "--profile", "public"])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "相距 50 km 以上（约在 12" in said
    assert "parks" in said
    assert state_of(own_run / "maps") == before


# --- what is told before, without stopping --------------------------------------------------------


def warned(folder, text, made=None, **options):
    found = []
    published(folder, made, text, **{"by": "张三", "on_warning": found.append} | options)
    return {finding.code for finding in found}


def test_what_is_still_missing_is_told_before_and_stops_nothing(tmp_path):
    assert warned(tmp_path, PUBLIC, by="") == {"no_map_number", "no_contact", "no_publisher"}
    assert warned(tmp_path, PUBLIC) == {"no_map_number", "no_contact"}
    full = NUMBERED.replace("contact = []", 'contact = ["市住建局 0554-1234567"]')
    assert warned(tmp_path, full) == set()
    assert warned(tmp_path, full.replace("map_number_expires_on", "# map_number_expires_on")) == {"map_number_undated"}
    undated = full.replace("map_number_dated_on", "# map_number_dated_on")
    assert warned(tmp_path, undated) == {"map_number_no_date"}
    assert warned(tmp_path, undated, on=date(2026, 4, 30)) == {"map_number_no_date", "map_number_ends_soon"}
    assert warned(tmp_path, full, on=date(2026, 4, 30)) == {"map_number_ends_soon"}


def test_contiguous_detailed_cover_near_the_limit_is_told_before(tmp_path):
    made = layers()
    made["parks"] = gpd.GeoDataFrame(
        {"name": ["大公园"], "kind": ["special"]},
        geometry=[box(500_000, 3_613_000, 505_000, 3_617_100)],
        crs=CRS,
        index=pd.Index(["K9"], name="park_id"),
    )
    assert "coverage_near_limit" in warned(tmp_path, PUBLIC, made)


def test_an_expired_number_is_refused_today_and_by_the_check_though_the_data_are_older(own_run, capsys):
    path = own_run / "maps" / "public.toml"
    numbered = 'map_number = "皖S(2024)001号"\nmap_number_dated_on = 2024-09-01\nmap_number_expires_on = 2026-11-10\n'
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[profile]\n", "[profile]\n" + numbered, 1), encoding="utf-8")

    def told(*words):
        with pytest.raises(SystemExit) as ended:
            commands.main(["publish", str(own_run), "--profile", "public", "--by", "李娜", *words])
        return ended.value.code, "".join(capsys.readouterr())

    code, said = told()
    assert code != 0
    assert "已于 2026-11-10 到期" in said, "as of 2024 it held, on the day of publishing it does not"
    assert not (own_run / "maps" / "public").exists()
    assert told("--on", "2026-11-10")[0] == 0
    code, said = told("--check")
    assert code != 0
    assert "已于 2026-11-10 到期" in said
    assert told("--check", "--on", "2026-11-10")[0] == 0
