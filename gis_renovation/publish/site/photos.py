"""Photos of communities before and after their works: found, read, and written anew as nothing but a picture.

A photo carries where and when it was taken, by whom and with what, and often a small copy of what was
cut off. None of it is taken over: only the colours of the picture, turned upright and made smaller, go
into a new file.
"""

from __future__ import annotations

import base64
import csv
import datetime
import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
from PIL import Image, ImageOps

from gis_renovation.errors import DataError, Finding
from gis_renovation.maps.encoding import row_id
from gis_renovation.publish.disclosure import personal_kinds
from gis_renovation.schemas import nearest_names
from gis_renovation.words import Lang, Text

FOLDER = "photos"
LIST = "photos.csv"

# Wide enough for a screen, small enough for a telephone: about 100 to 250 kB a photo.
LONGEST_SIDE_PX = 1280
QUALITY = 82
# Beyond this a picture is no photograph, and reading it would take the machine's memory.
LARGEST_PIXELS = 120_000_000

Stage = Literal["before", "after"]
STAGES: Mapping[Stage, Text] = {
    "before": Text("改造前", "before the works"),
    "after": Text("改造后", "after the works"),
}

_STAGE_WORDS: Mapping[str, Stage] = {
    "前": "before", "改造前": "before", "before": "before", "后": "after", "改造后": "after", "after": "after",
}  # fmt: skip
_NAME = re.compile(r"(.+?)[-_ 　（(]*(前|后|改造前|改造后|before|after)[)）]?[-_ ]?(\d*)", re.IGNORECASE)
_READ = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif"})
_COLUMNS: Mapping[str, str] = {
    "小区编号": "place", "community_id": "place", "前后": "stage", "stage": "stage", "文件": "file", "file": "file",
    "拍摄日期": "taken_on", "taken_on": "taken_on", "说明": "caption", "caption": "caption",
}  # fmt: skip


class Photo(NamedTuple):
    """One photo of a community: whose, before or after, which of several, the new file's bytes and size in pixels."""

    place: str
    stage: Stage
    number: int
    data: bytes
    width: int
    height: int
    taken_on: datetime.date | None = None
    caption: str = ""


class _Named(NamedTuple):
    """A photo as the planner named it; ``row`` is where."""

    place: str
    stage: str
    file: str
    taken_on: str
    caption: str
    row: Text


def read_photos(
    folder: Path, places: pd.DataFrame, *, on_warning: Callable[[Finding], None] | None = None
) -> list[Photo]:
    """Every photo in a project's folder ``photos/``, sorted by community, before, after and number.

    Parameters
    ----------
    folder
        The folder; that it does not exist means there are none. A file says in its name whose it is
        and when it was taken: ``<community id or name>-前.jpg``, ``-后``, ``-前2`` and so on. A table
        ``photos.csv`` (小区编号, 前后, 文件, 拍摄日期, 说明) says it for files of any name, with dates and
        captions; files it does not list follow those it lists, by their own names.
    places
        The communities, indexed by their ids, with or without a column ``name``.
    on_warning
        Told, where there is a table, which files it does not list were taken by their names, and which were
        left out because their names do not say whose they are or when they were taken.

    Returns
    -------
    list
        Photos upright, at most 1,280 pixels long, JPEG, without any note. Same files and versions,
        same bytes.

    Raises
    ------
    DataError
        With everything at once: a photo that is missing, cannot be read, is of no community, or says
        neither before nor after (by the table, or by its name where there is no table).
    """
    if not folder.is_dir():
        return []
    table = folder / LIST
    faults: list[Finding] = []
    owners = _owners(places)
    named = _by_table_then_name(folder, owners, faults, on_warning) if table.is_file() else _named(folder)
    made: dict[tuple[str, Stage], list[Photo]] = {}
    for one in named:
        photo = _photo(folder, one, owners, faults)
        if photo is not None:
            own = made.setdefault((photo.place, photo.stage), [])
            own.append(photo._replace(number=len(own) + 1))
    if faults:
        raise DataError(faults)
    return [
        photo for _, own in sorted(made.items(), key=lambda item: (item[0][0], item[0][1] != "before")) for photo in own
    ]


def _by_table_then_name(
    folder: Path,
    owners: Mapping[str, list[str]],
    faults: list[Finding],
    on_warning: Callable[[Finding], None] | None,
) -> list[_Named]:
    """What the table lists, then the files it does not list whose names say whose they are."""
    listed = _listed(folder / LIST, faults)
    if faults:
        return listed
    paths = {_inside(folder, one.file) for one in listed}
    others = [one for one in _named(folder) if _inside(folder, one.file) not in paths]
    used = [one for one in others if one.stage and len(owners.get(one.place, [])) == 1]
    unused = [one for one in others if one not in used]
    for found, tell in ((used, _unlisted_used), (unused, _unlisted_unused)):
        if found and on_warning:
            on_warning(tell([one.file for one in found]))
    return [*listed, *used]


def _inside(folder: Path, file: str) -> Path:
    """The file of this folder that the table names; a way out of the folder is taken for a slip."""
    return folder.joinpath(*(part for part in Path(file).parts if part not in {"..", "/"}))


def _unlisted_used(files: Sequence[str]) -> Finding:
    return _beside_table(
        "photos_by_name",
        f"{FOLDER}/{LIST} 没有列出 {len(files)} 张照片，已按文件名采用，没有拍摄日期和说明：{'、'.join(files)}。"
        f"不想用的请移出 {FOLDER} 文件夹。",
        f"{FOLDER}/{LIST} does not list {len(files)} photos; they are used by their names, without date and "
        f"caption: {', '.join(files)}. Move those you do not want out of the folder {FOLDER}.",
    )


def _unlisted_unused(files: Sequence[str]) -> Finding:
    return _beside_table(
        "photos_left_out",
        f"{len(files)} 张照片没有用上：{'、'.join(files)}。{FOLDER}/{LIST} 没有列出，"
        "文件名也看不出是哪个小区的、改造前还是改造后；请在表中加一行，或改名为“小区编号-前.jpg”。",
        f"{len(files)} photos are not used: {', '.join(files)}. {FOLDER}/{LIST} does not list them and their names "
        "do not say which community and whether before or after; add a row, or rename as COMMUNITY_ID-before.jpg.",
    )


def _beside_table(code: str, zh: str, en: str) -> Finding:
    return Finding(severity="warning", code=code, layer="", file=f"{FOLDER}/{LIST}", text=Text(zh, en))


def _named(folder: Path) -> list[_Named]:
    """What the files' names say; other kinds of file are passed over."""
    found = []
    for path in sorted(folder.iterdir(), key=lambda one: (len(one.name), one.name)):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            continue
        match = _NAME.fullmatch(path.stem)
        place, stage = (match[1], match[2]) if match else (path.stem, "")
        found.append(_Named(place, stage, path.name, "", "", Text("文件名", "file name")))
    return found


def _listed(table: Path, faults: list[Finding]) -> list[_Named]:
    raw = table.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    own = {_COLUMNS[head.strip()]: head for head in rows.fieldnames or () if head and head.strip() in _COLUMNS}
    missing = [zh for zh, ours in (("小区编号", "place"), ("前后", "stage"), ("文件", "file")) if ours not in own]
    if missing:
        found = "、".join(str(head) for head in rows.fieldnames or ()) or "—"
        faults.append(
            _fault(
                "photo_table",
                Text(
                    f"{FOLDER}/{LIST} 缺少列：{'、'.join(missing)}；现有：{found}。"
                    "表头应为 小区编号,前后,文件，可另有 拍摄日期,说明。",
                    f"{FOLDER}/{LIST} lacks columns: {', '.join(missing)}; found: {found}. "
                    "Needed: community_id,stage,file; taken_on,caption may follow.",
                ),
            )
        )
        return []
    listed = []
    for at, row in enumerate(rows, start=2):
        cells = {name: (row.get(head) or "").strip() for name, head in own.items()}
        if any(cells.values()):
            place, stage, file = cells["place"], cells["stage"], cells["file"]
            where = Text(f"{LIST} 第 {at} 行", f"{LIST}, row {at}")
            listed.append(_Named(place, stage, file, cells.get("taken_on", ""), cells.get("caption", ""), where))
    return listed


def _owners(places: pd.DataFrame) -> dict[str, list[str]]:
    """Ids by what a planner may call a community: its id, its name."""
    found: dict[str, list[str]] = {}
    names = places["name"] if "name" in places.columns else pd.Series("", index=places.index)
    for key, name in names.items():
        found.setdefault(row_id(key), []).append(row_id(key))
        if isinstance(name, str) and name and name != row_id(key):
            found.setdefault(name, []).append(row_id(key))
    return found


def _photo(folder: Path, one: _Named, owners: Mapping[str, list[str]], faults: list[Finding]) -> Photo | None:
    """One photo, or None and what is wrong with it."""
    stage, own = _STAGE_WORDS.get(one.stage.lower()), owners.get(one.place, [])
    taken_on = _date(one.taken_on)
    wrong = [
        *([] if stage else [_no_stage(one)]),
        *([] if len(own) == 1 else [_no_owner(one, owners)]),
        *([] if taken_on or not one.taken_on else [_no_date(one)]),
        *([_private(one)] if personal_kinds(one.caption) else []),
    ]
    try:
        data, width, height = written_anew(_inside(folder, one.file))
    except FileNotFoundError:
        wrong.append(_missing(one))
    except _UNREADABLE as error:
        wrong.append(_unreadable(one, error))
    faults += wrong
    if wrong or stage is None:
        return None
    return Photo(own[0], stage, 0, data, width, height, taken_on, one.caption)


def _date(text: str) -> datetime.date | None:
    match = re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text)
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


# --- a picture and nothing else -------------------------------------------------------------------

_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning)


def written_anew(path: Path) -> tuple[bytes, int, int]:
    """The picture in ``path`` as a new JPEG of at most 1,280 pixels, and its width and height.

    Turned as its note on orientation says, transparent parts white, other colour spaces as sRGB. Place,
    time, camera, comments, thumbnails and profiles stay behind. Raises OSError, ValueError or
    SyntaxError if it cannot be read, FileNotFoundError if it is not there.
    """
    with warnings.catch_warnings():
        # A picture too large to be a photograph is refused, one with odd notes is not.
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_READ) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                raise ValueError(f"{picture.width} × {picture.height}")
            picture.draft("RGB", (LONGEST_SIDE_PX, LONGEST_SIDE_PX))
            upright = ImageOps.exif_transpose(picture)
            colours = _on_white(upright)
            colours.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    # Made of the colours alone, so that nothing the old picture carried can come along.
    bare = Image.frombytes("RGB", colours.size, colours.tobytes())
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True, subsampling="4:2:0")
    return out.getvalue(), *bare.size


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode not in {"RGBA", "LA", "PA"} and "transparency" not in picture.info:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear).convert("RGB")


# --- in an edition --------------------------------------------------------------------------------


def photo_files(photos: Sequence[Photo], stems: Mapping[str, str]) -> dict[str, bytes]:
    """The files beside the pages: path -> bytes. Their names are the communities', never the planner's own."""
    return {photo_path(photo, stems): photo.data for photo in photos}


def photo_path(photo: Photo, stems: Mapping[str, str]) -> str:
    """Where a photo lies in the published folder."""
    return f"{FOLDER}/{stems[photo.place]}-{photo.stage}-{photo.number}.jpg"


def photo_blocks(
    photos: Sequence[Photo],
    names: Mapping[str, str],
    stems: Mapping[str, str],
    *,
    inline: bool,
    lang: Lang,
) -> dict[str, list[dict[str, str | int]]]:
    """What pages need to show each community's photos: source, size, alternative text and caption."""
    blocks: dict[str, list[dict[str, str | int]]] = {}
    for photo in photos:
        source = (
            f"data:image/jpeg;base64,{base64.b64encode(photo.data).decode('ascii')}"
            if inline
            else photo_path(photo, stems)
        )
        blocks.setdefault(photo.place, []).append(
            {
                "src": source,
                "width": photo.width,
                "height": photo.height,
                "alt": alternative_text(photo, names.get(photo.place, photo.place), lang),
                "caption": caption_of(photo, lang),
                "stage": photo.stage,
            }
        )
    return blocks


def alternative_text(photo: Photo, name: str, lang: Lang) -> str:
    """What a reader who does not see the photo is told."""
    number = "" if photo.number == 1 else f"（{photo.number}）" if lang == "zh" else f" ({photo.number})"
    zh, en = f"{name}{STAGES[photo.stage].zh}照片{number}", f"Photo of {name} {STAGES[photo.stage].en}{number}"
    said = Text(zh, en).in_language(lang)
    return (
        f"{said}：{photo.caption}"
        if photo.caption and lang == "zh"
        else said + (f": {photo.caption}" if photo.caption else "")
    )


def caption_of(photo: Photo, lang: Lang) -> str:
    """Before or after, the date and the planner's words."""
    stage = STAGES[photo.stage].in_language(lang)
    parts = [stage[:1].upper() + stage[1:], photo.taken_on.isoformat() if photo.taken_on else "", photo.caption]
    return " · ".join(part for part in parts if part)


# --- what is wrong --------------------------------------------------------------------------------


def _fault(code: str, text: Text) -> Finding:
    return Finding(severity="error", code=code, layer="", text=text)


def _whose(one: _Named) -> Text:
    return Text(f"小区 {one.place} 的照片 {FOLDER}/{one.file}", f"photo {FOLDER}/{one.file} of community {one.place}")


def _missing(one: _Named) -> Finding:
    whose = _whose(one)
    return _fault(
        "photo_missing",
        Text(
            f"{whose.zh} 不存在（{one.row.zh}）。请把文件放进 {FOLDER} 文件夹，或从表中删去这一行。",
            f"{whose.en} does not exist ({one.row.en}). Put the file into {FOLDER}, or delete the row.",
        ),
    )


def _unreadable(one: _Named, error: BaseException) -> Finding:
    whose, heic = _whose(one), one.file.lower().endswith((".heic", ".heif"))
    hint = Text("HEIC 照片请先转存为 JPG。", "Save HEIC photos as JPG first.") if heic else Text(
        "请重新导出为 JPG 或 PNG，或移走这个文件。", "Export it as JPG or PNG again, or move it away."
    )  # fmt: skip
    reason = "" if heic else type(error).__name__ if not isinstance(error, ValueError) else str(error)
    said = Text(f"（{reason}）", f" ({reason})") if reason else Text("", "")
    return _fault(
        "photo_unreadable",
        Text(f"{whose.zh} 读不出{said.zh}。{hint.zh}", f"{whose.en} cannot be read{said.en}. {hint.en}"),
    )


def _no_owner(one: _Named, owners: Mapping[str, list[str]]) -> Finding:
    same = owners.get(one.place, [])
    if len(same) > 1:
        zh = f"{FOLDER}/{one.file}：有 {len(same)} 个小区都叫 {one.place}（{'、'.join(same)}），请改用小区编号命名。"
        en = f"{FOLDER}/{one.file}: {len(same)} communities are called {one.place} ({', '.join(same)}); use the id."
        return _fault("photo_unknown_place", Text(zh, en))
    near = nearest_names(one.place, owners)
    zh = f"{FOLDER}/{one.file}：没有编号或名称为 {one.place} 的小区{f'；是否指 {near}？' if near else '。'}"
    en = f"{FOLDER}/{one.file}: there is no community {one.place}{f'; did you mean {near}?' if near else '.'}"
    return _fault("photo_unknown_place", Text(zh, en))


def _no_stage(one: _Named) -> Finding:
    zh = f"{FOLDER}/{one.file}（{one.row.zh}）没有写明改造前还是改造后；文件名应如 <小区编号>-前.jpg。"
    en = f"{FOLDER}/{one.file} ({one.row.en}) says neither before nor after; name it <community id>-before.jpg."
    return _fault("photo_stage", Text(zh, en))


def _no_date(one: _Named) -> Finding:
    zh = f"{FOLDER}/{one.file}（{one.row.zh}）的拍摄日期 {one.taken_on} 不是日期，应如 2024-05-01；不清楚就留空。"
    en = f"{FOLDER}/{one.file} ({one.row.en}): {one.taken_on} is no date; write 2024-05-01, or nothing."
    return _fault("photo_date", Text(zh, en))


def _private(one: _Named) -> Finding:
    zh = f"{FOLDER}/{one.file}（{one.row.zh}）的说明中疑似有手机号码、身份证号码或银行卡号，请删去。"
    en = f"{FOLDER}/{one.file} ({one.row.en}): the caption seems to hold a personal number; delete it."
    return _fault("personal_number", Text(zh, en))


def photos_of(photos: Iterable[Photo], ids: Iterable[object]) -> list[Photo]:
    """Those of the communities that leave."""
    kept = {row_id(key) for key in ids}
    return [photo for photo in photos if photo.place in kept]
