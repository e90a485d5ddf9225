"""Photos: found by name or table, written anew without any note, shown with words, or refused in one sentence each."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
from drawn_city import layers
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import manifest_of
from PIL import Image, ImageChops, PngImagePlugin

from gis_renovation.errors import DataError
from gis_renovation.maps.tiles import files as tile_files
from gis_renovation.publish import Occasion, publish_run, verify
from gis_renovation.publish.leaks import unpack
from gis_renovation.publish.marker import sealed, sha256
from gis_renovation.publish.site import MAP, photos
from gis_renovation.publish.site.photos import Photo, read_photos, written_anew
from gis_renovation.shipped import shipped

AS_OF = date(2024, 9, 30)
PUBLIC = shipped("template/maps/public.toml").read_text(encoding="utf-8")
SHOWN = PUBLIC.replace("show = false", "show = true")
PLACES = pd.DataFrame(
    {"name": ["龙湖新村", "淮滨小区", "同名小区", "同名小区"]},
    index=pd.Index(["C1", "C2", "C3", "C4"], name="community_id"),
)
MAKER, GPS, DESCRIPTION, ORIENTATION = 0x010F, 0x8825, 0x010E, 0x0112
SECRET = b"Zhang San was here"


def two_colours(width=60, height=40):
    """Left half red, right half blue."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("blue", (width // 2, 0, width, height))
    return picture


def noted(orientation=1):
    exif = Image.Exif()
    exif[MAKER], exif[DESCRIPTION], exif[ORIENTATION] = "phone", SECRET.decode(), orientation
    exif.get_ifd(GPS).update({1: "N", 2: (32.0, 38.0, 12.5), 3: "E", 4: (117.0, 1.0, 3.25)})
    return exif


def saved(path, picture=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or two_colours()).save(path, **options)
    return path


def colours(data):
    """What stands left and right in a picture: r or b."""
    with Image.open(io.BytesIO(data)) as picture:
        rgb = picture.convert("RGB")
        spots = ((4, rgb.height // 2), (rgb.width - 5, rgb.height // 2))
        return "".join("r" if rgb.getpixel(at)[0] > 128 else "b" for at in spots)


# --- nothing but the picture ----------------------------------------------------------------------


def notes(path, kind):
    """A file of each kind with everything a camera or program may write into it."""
    picture = two_colours()
    if kind == "jpeg":
        saved(path, picture, format="JPEG", exif=noted(), comment=SECRET, icc_profile=SECRET * 9, quality=95)
        path.write_bytes(path.read_bytes() + SECRET)
    elif kind == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
        saved(path, picture, format="PNG", pnginfo=text, exif=noted(), dpi=(300, 300))
    elif kind == "webp":
        saved(path, picture, format="WEBP", exif=noted(), xmp=SECRET, lossless=True)
    elif kind == "tiff":
        saved(path, picture, format="TIFF", exif=noted(), description=SECRET.decode())
    return path


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_no_note_of_any_kind_of_file_is_taken_over(tmp_path, kind):
    path = notes(tmp_path / f"a.{kind}", kind)
    assert SECRET in path.read_bytes(), "the test is about a note that is there"
    data, width, height = written_anew(path)
    assert (width, height) == (60, 40)
    assert SECRET not in data
    assert unpack.picture_notes(data) == []
    with Image.open(io.BytesIO(data)) as made:
        assert made.format == "JPEG"
        assert not made.getexif()
        assert set(made.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert colours(data) == "rb"


@pytest.mark.parametrize(
    ("orientation", "size", "seen"),
    [(1, (60, 40), "rb"), (2, (60, 40), "br"), (3, (60, 40), "br"), (6, (40, 60), "rr")],
)
def test_a_photo_is_turned_upright_before_the_note_that_says_so_is_gone(tmp_path, orientation, size, seen):
    """6: to be turned a quarter to the right, so the left half becomes the upper one."""
    path = saved(tmp_path / "a.jpg", exif=noted(orientation), quality=95)
    data, width, height = written_anew(path)
    assert (width, height) == size
    if orientation == 6:
        with Image.open(io.BytesIO(data)) as made:
            assert made.convert("RGB").getpixel((20, 5))[0] > 128
            assert made.convert("RGB").getpixel((20, 55))[2] > 128
    else:
        assert colours(data) == seen


def test_a_large_photo_becomes_small_and_a_small_one_stays(tmp_path):
    big = saved(tmp_path / "a.jpg", two_colours(4000, 3000))
    data, width, height = written_anew(big)
    assert (width, height) == (1280, 960)
    assert len(data) < 300_000
    assert written_anew(saved(tmp_path / "b.png", two_colours(30, 20)))[1:] == (30, 20)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_every_kind_of_colours_becomes_an_ordinary_photo(tmp_path, mode):
    picture = two_colours().convert("L") if mode == "I;16" else two_colours()
    if mode == "I;16":
        picture = picture.convert("I").point(lambda v: v * 257).convert("I;16")
    data, *_ = written_anew(saved(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"), picture.convert(mode)))
    with Image.open(io.BytesIO(data)) as made:
        assert made.mode == "RGB"


def test_what_is_transparent_becomes_white_and_not_what_lay_below(tmp_path):
    """A face that was made transparent is still in the file's colours; it must not come back."""
    hidden = Image.new("RGBA", (40, 40), (200, 30, 30, 0))
    data, *_ = written_anew(saved(tmp_path / "a.png", hidden))
    with Image.open(io.BytesIO(data)) as made:
        assert ImageChops.invert(made).getbbox() is None


def test_the_same_photo_gives_the_same_bytes(tmp_path):
    path = notes(tmp_path / "a.jpg", "jpeg")
    assert written_anew(path) == written_anew(path)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_a_photo_or_are_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "C1-前.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + data)
    with pytest.raises(DataError, match="读不出"):
        read_photos(path.parent, PLACES)


# --- by name --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "place", "stage"),
    [
        ("C1-前.jpg", "C1", "before"),
        ("C1-后.JPG", "C1", "after"),
        ("C1_改造前.png", "C1", "before"),
        ("C2 after.jpeg", "C2", "after"),
        ("C2-BEFORE-2.jpg", "C2", "before"),
        ("龙湖新村（前）.jpg", "C1", "before"),
        ("淮滨小区后.webp", "C2", "after"),
    ],
)
def test_a_files_name_says_whose_photo_it_is_and_when(tmp_path, name, place, stage):
    saved(tmp_path / name)
    (photo,) = read_photos(tmp_path, PLACES)
    assert (photo.place, photo.stage, photo.number) == (place, stage, 1)


def test_several_are_numbered_and_before_comes_before_after(tmp_path):
    for name in ("C2-前.jpg", "C1-后.jpg", "C1-前10.jpg", "C1-前2.jpg", "C1-前.jpg"):
        saved(tmp_path / name)
    found = [(photo.place, photo.stage, photo.number) for photo in read_photos(tmp_path, PLACES)]
    assert found == [
        ("C1", "before", 1),
        ("C1", "before", 2),
        ("C1", "before", 3),
        ("C1", "after", 1),
        ("C2", "before", 1),
    ]


def test_no_folder_no_photos_and_other_files_are_no_matter(tmp_path):
    assert read_photos(tmp_path / "photos", PLACES) == []
    (tmp_path / "说明.txt").write_text("x", encoding="utf-8")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    assert read_photos(tmp_path, PLACES) == []


# --- by table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_gives_dates_and_captions(tmp_path, encoding):
    saved(tmp_path / "IMG_2031.jpg")
    text = "小区编号,前后,文件,拍摄日期,说明\nC1,后,IMG_2031.jpg,2024/5/1,东门\n"
    (tmp_path / "photos.csv").write_bytes(text.encode(encoding))
    (photo,) = read_photos(tmp_path, PLACES)
    assert (photo.place, photo.stage, photo.taken_on, photo.caption) == ("C1", "after", date(2024, 5, 1), "东门")
    assert photos.caption_of(photo, "zh") == "改造后 · 2024-05-01 · 东门"
    assert photos.alternative_text(photo, "龙湖新村", "zh") == "龙湖新村改造后照片：东门"
    assert photos.alternative_text(photo, "Longhu", "en") == "Photo of Longhu after the works: 东门"


def test_files_the_table_does_not_list_are_used_by_their_names_and_told(tmp_path):
    for name in ("IMG_1.jpg", "C1-前.jpg", "龙湖新村-后2.png", "C2-后.jpg"):
        saved(tmp_path / name)
    (tmp_path / "photos.csv").write_text(
        "小区编号,前后,文件,拍摄日期,说明\nC1,前,IMG_1.jpg,2024-05-01,东门\nC2,后,./C2-后.jpg,,\n", encoding="utf-8"
    )
    told = []
    found = read_photos(tmp_path, PLACES, on_warning=told.append)
    assert [(one.place, one.stage, one.number, one.caption) for one in found] == [
        ("C1", "before", 1, "东门"),
        ("C1", "before", 2, ""),
        ("C1", "after", 1, ""),
        ("C2", "after", 1, ""),
    ]
    (finding,) = told
    assert finding.code == "photos_by_name"
    assert "没有列出 2 张照片，已按文件名采用，没有拍摄日期和说明：C1-前.jpg、龙湖新村-后2.png。" in finding.text.zh


def test_files_neither_the_table_nor_their_name_explains_are_told_and_stop_nothing(tmp_path):
    for name in ("a.jpg", "IMG_2.jpg", "C9-前.jpg", "同名小区-前.jpg"):
        saved(tmp_path / name)
    (tmp_path / "photos.csv").write_text("小区编号,前后,文件\nC1,前,a.jpg\n", encoding="utf-8")
    told = []
    assert len(read_photos(tmp_path, PLACES, on_warning=told.append)) == 1
    (finding,) = told
    assert finding.code == "photos_left_out"
    for name in ("IMG_2.jpg", "C9-前.jpg", "同名小区-前.jpg"):
        assert all(name in said for said in finding.text)


def faults(folder):
    with pytest.raises(DataError) as caught:
        read_photos(folder, PLACES)
    return caught.value.findings


def test_everything_wrong_is_told_at_once_each_with_file_and_community(tmp_path):
    saved(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    rows = [
        "C1,前,a.jpg,,",
        "C1,后,missing.jpg,,",
        "C2,前,b.jpg,,",
        "C9,前,a.jpg,,",
        "C2,中,a.jpg,,",
        "C2,后,a.jpg,去年,",
    ]
    rows += ["C2,后,a.jpg,,电话 13800138000", "同名小区,后,a.jpg,,", "C2,后,../secret.jpg,,"]
    (tmp_path / "photos.csv").write_text("\n".join(["小区编号,前后,文件,拍摄日期,说明", *rows]), encoding="utf-8")
    saved(tmp_path.parent / "secret.jpg")
    found = faults(tmp_path)
    assert [f.code for f in found] == [
        "photo_missing",
        "photo_unreadable",
        "photo_unknown_place",
        "photo_stage",
        "photo_date",
        "personal_number",
        "photo_unknown_place",
        "photo_missing",
    ]
    assert found[0].text.zh == (
        "小区 C1 的照片 photos/missing.jpg 不存在（photos.csv 第 3 行）。请把文件放进 photos 文件夹，或从表中删去这一行。"
    )
    assert "小区 C2 的照片 photos/b.jpg 读不出" in found[1].text.zh
    assert "C3、C4" in found[6].text.zh
    assert not any("13800138000" in f.text.zh for f in found)


def test_a_table_without_its_columns_and_a_name_without_sense_are_told(tmp_path):
    (tmp_path / "photos.csv").write_text("编号,图\nC1,a.jpg\n", encoding="utf-8")
    assert "缺少列：小区编号、前后、文件；现有：编号、图" in faults(tmp_path)[0].text.zh
    (tmp_path / "photos.csv").unlink()
    saved(tmp_path / "龙湖新邨-前.jpg")
    saved(tmp_path / "C1.jpg")
    (tmp_path / "C1-后.heic").write_bytes(b"\0\0\0\x18ftypheic")
    said = "\n".join(f.text.zh for f in faults(tmp_path))
    assert "没有编号或名称为 龙湖新邨 的小区；是否指 龙湖新村？" in said
    assert "没有写明改造前还是改造后" in said
    assert "HEIC 照片请先转存为 JPG" in said


def test_a_broken_photo_the_table_does_not_list_is_named_with_its_community(tmp_path):
    saved(tmp_path / "a.jpg")
    (tmp_path / "C2-后.jpg").write_bytes(b"no picture")
    (tmp_path / "photos.csv").write_text("小区编号,前后,文件\nC1,前,a.jpg\n", encoding="utf-8")
    (finding,) = faults(tmp_path)
    assert "小区 C2 的照片 photos/C2-后.jpg 读不出" in finding.text.zh


# --- in an edition --------------------------------------------------------------------------------


def published(folder, text, **options):
    (folder / "maps").mkdir(exist_ok=True)
    (folder / "maps" / "own.toml").write_text(text, encoding="utf-8")
    table = SimpleNamespace(name="示意市", as_of=AS_OF, attribution="", synthetic=False)
    project = SimpleNamespace(folder=folder, settings=SimpleNamespace(project=table, targets={}))
    made = layers()
    run = SimpleNamespace(
        layers=made, manifest=manifest_of(sources={name: {"classification": "public"} for name in made})
    )
    publish_run(project, run, profile="own", occasion=Occasion(**options))
    return folder / "maps" / "own"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    saved(folder / "photos" / "C1-前.jpg", exif=noted())
    saved(folder / "photos" / "C1-后.png")
    return folder


def test_the_public_sees_photos_only_where_the_profile_says_so(project):
    told = []
    folder = published(project, PUBLIC, on_warning=told.append)
    assert not (folder / "photos").exists()
    assert 'id="photos"' not in (folder / MAP).read_text(encoding="utf-8")
    assert "photos_public" not in {finding.code for finding in told}
    folder = published(project, SHOWN, on_warning=told.append)
    assert sorted(p.name for p in (folder / "photos").iterdir()) == ["C1-after-1.jpg", "C1-before-1.jpg"]
    assert "photos_public" in {finding.code for finding in told}
    page = (folder / "communities" / "C1.html").read_text(encoding="utf-8")
    assert (
        '<img src="../photos/C1-before-1.jpg" width="60" height="40" alt="龙湖新村改造前照片" loading="lazy">' in page
    )
    assert "<h2>改造前后</h2>" not in (folder / "communities" / "C2.html").read_text(encoding="utf-8")
    assert "本期公开照片 2 张" in (folder.parent / "own.checklist.md").read_text(encoding="utf-8")
    assert verify.check_published(folder) == []
    for path in folder.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_bytes()


def test_a_photo_with_notes_put_in_later_does_not_check_out(project):
    folder = published(project, SHOWN)
    saved(folder / "photos" / "C1-after-1.jpg", exif=noted())
    path = folder / verify.MARKER
    marker = json.loads(path.read_text(encoding="utf-8"))
    marker["files"]["photos/C1-after-1.jpg"] = sha256(folder / "photos" / "C1-after-1.jpg")
    path.write_text(json.dumps(sealed(marker)), encoding="utf-8")
    found = {(f.code, f.file) for f in verify.check_published(folder)}
    assert found == {("picture_notes", "photos/C1-after-1.jpg"), ("changed_marker", "publish.json")}


PLANNER = '[profile]\naudience = "planner"\n[disclosure]\nclass = "restricted"\n'


def test_a_single_file_holds_the_photos_itself(project):
    folder = published(project, PLANNER, single=True)
    assert {p.name for p in folder.iterdir()} == {"index.html", "publish.json"}
    page = (folder / "index.html").read_text(encoding="utf-8")
    start = page.index('id="photos">') + len('id="photos">')
    block = json.loads(page[start : page.index("</script>", start)])
    sources = [photo["src"] for photo in block["communities"]["C1"]]
    assert [colours(base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))) for source in sources] == [
        "rb",
        "rb",
    ]
    assert "'self'" not in page[: page.index("<title>")]


def test_a_single_file_over_its_size_is_refused_and_the_photos_are_named(project, monkeypatch):
    monkeypatch.setattr(tile_files, "SINGLE_LIMIT_BYTES", 200_000)
    with pytest.raises(DataError, match=r"单个网页文件将有 .* MB.*照片"):
        published(project, PLANNER, single=True)


def test_a_missing_or_broken_photo_leaves_the_edition_as_it_was(tmp_path):
    saved(tmp_path / "photos" / "C1-前.jpg")
    folder = published(tmp_path, SHOWN)
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in sorted((tmp_path / "maps").rglob("*")) if p.is_file()}
    (tmp_path / "photos" / "C1-前.jpg").write_bytes((tmp_path / "photos" / "C1-前.jpg").read_bytes()[:200])
    with pytest.raises(DataError, match=r"小区 C1 的照片 photos/C1-前\.jpg 读不出"):
        published(tmp_path, SHOWN)
    (tmp_path / "photos" / "photos.csv").write_text("小区编号,前后,文件\nC1,前,没有.jpg\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"小区 C1 的照片 photos/没有\.jpg 不存在"):
        published(tmp_path, SHOWN)
    after = {p: hashlib.sha256(p.read_bytes()).digest() for p in sorted((tmp_path / "maps").rglob("*")) if p.is_file()}
    assert after == before
    assert folder.is_dir()


def test_a_hostile_caption_is_text_everywhere():
    bad = "<img src=x onerror=alert(1)>`${1}`</script>"
    photo = Photo("C1", "before", 1, b"", 4, 3, None, bad)
    block = photos.photo_blocks([photo], {"C1": bad}, {"C1": "C1"}, inline=False, lang="zh")
    from gis_renovation.maps import PageFacts
    from gis_renovation.maps import page as maps

    page = maps.map_page(layers(), PageFacts(title="x", as_of=AS_OF, photos={"communities": block}))
    assert "<img src=x" not in page
    assert page.count("</script>") == page.count("<script")
