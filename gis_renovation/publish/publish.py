"""Apply a profile to a run: select what its audience may see, write it, read it back, move it into place.

A profile is a TOML file in ``maps/``. What nobody classified nobody outside sees: a layer or column
without a disclosure class counts as restricted. The program never claims that a map needs no review.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import geopandas as gpd
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from gis_renovation import __version__
from gis_renovation.config import check_model, read_toml
from gis_renovation.crs import reproject
from gis_renovation.display import plain_text
from gis_renovation.errors import ConfigError, DataError, FileError, Finding
from gis_renovation.maps import (
    Basemap,
    Download,
    PageBasemaps,
    PageFacts,
    map_files,
    month_ends,
    page_basemaps,
    require_drawable,
)
from gis_renovation.maps.encoding import DISPLAY_CRS, row_id
from gis_renovation.maps.tiles import TILE_UNITS
from gis_renovation.publish.checklist import review_checklist
from gis_renovation.publish.disclosure import (
    COVERAGE_LIMIT_M2,
    Reason,
    Release,
    Shown,
    counts_shown,
    extents_of,
    find_personal_numbers,
    generalise_shapes,
    largest_contiguous_area_m2,
    merged_records,
    personal_number_warnings,
    place_of,
    require_known_crs,
    require_one_place,
    require_released,
    require_same_place,
    withheld_reasons,
    withhold_small_counts,
)
from gis_renovation.publish.editions import (
    log_edition,
    mend_interrupted,
    previous_of,
    put_in_place,
    require_nothing_foreign,
    require_own,
)
from gis_renovation.publish.leaks import (
    find_leaks,
    number_forms,
    unpacked,
    wipe_freed,
    withheld_places,
    withheld_values,
)
from gis_renovation.publish.site import FOLDER as PHOTOS
from gis_renovation.publish.site import (
    MAP,
    LayerSource,
    Photo,
    Site,
    SiteFacts,
    facts_told,
    layer_sources,
    map_links,
    number_sentence,
    page_paths,
    photo_blocks,
    photo_files,
    photos_of,
    read_photos,
    site_pages,
    write_text,
)
from gis_renovation.publish.verify import MARKER, read_marker, require_sound, sealed, sha256
from gis_renovation.schemas import APPROXIMATE, CLASSES, layer_schemas, nearest_names
from gis_renovation.shipped import shipped
from gis_renovation.unknowns import keep_told_estimates
from gis_renovation.words import Lang, Text
from gis_renovation.writing import new_file, write_geopackage, write_layer_styles, write_tables

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from gis_renovation.run import Project, Run

PAGE = "index.html"
UNFINISHED = ".unfinished-"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileTable(_Strict):
    """``[profile]``: whom the map is for and what is printed on it."""

    audience: Literal["planner", "bureau", "public"]
    title: str = "{project}"
    title_en: str = ""
    attribution: str = ""
    show: tuple[str, ...] | None = None
    map_number: str = ""
    map_number_dated_on: date | None = None
    map_number_expires_on: date | None = None


class DisclosureTable(_Strict):
    """``[disclosure]``: up to which class, and below which count a number is withheld (k)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    highest: Literal["public", "internal", "restricted"] = Field(alias="class")
    minimum_count: int = Field(default=5, ge=1)


class GeometryTable(_Strict):
    """``[geometry]``: how far shapes are generalised before they leave, and the grid they are rounded to, in metres."""

    generalise_m: float = Field(default=0.0, ge=0.0, le=200.0)
    grid_m: float = Field(default=0.0, ge=0.0, le=200.0)


class DownloadsTable(_Strict):
    """``[downloads]``: which files lie beside the page, of exactly what the page shows."""

    formats: tuple[Literal["csv", "geojson", "gpkg", "xlsx"], ...] = ()


class PhotosTable(_Strict):
    """``[photos]``: whether photos of the folder ``photos/`` leave; by default on the makers' own maps only."""

    show: bool | None = None


class SiteTable(_Strict):
    """``[site]``: the publisher's own words on the public site; what is not written here is never made up.

    ``contact`` lines say how to ask; ``notes`` are added to the method; ``targets`` shows the plan's totals.
    """

    contact: tuple[str, ...] = ()
    licence: str = ""
    notes: tuple[str, ...] = ()
    targets: bool = True


class ReleaseTable(_Strict):
    """``[release]``: cards above the profile's class whose data or results may leave, and who allowed it."""

    layers: tuple[str, ...] = ()
    approved_by: str = ""


class Profile(_Strict):
    """One ``maps/NAME.toml``. ``layers`` is the allow list: layer -> columns, or ["*"] for every allowed one."""

    profile: ProfileTable
    disclosure: DisclosureTable
    geometry: GeometryTable = GeometryTable()
    downloads: DownloadsTable = DownloadsTable()
    photos: PhotosTable = PhotosTable()
    site: SiteTable = SiteTable()
    release: ReleaseTable = ReleaseTable()
    layers: dict[str, tuple[str, ...]] | None = None
    basemaps: tuple[Basemap, ...] = ()


def read_profile(folder: Path, name: str) -> Profile:
    """The profile ``maps/NAME.toml`` of a project, or the program's own of that name.

    Raises ConfigError for an unknown name, TOML that cannot be read, unknown keys (with the nearest
    known one), or layers and columns that do not exist; all faults of a kind at once.
    """
    own = shipped("template/maps")
    path = folder / "maps" / f"{name}.toml"
    if not re.fullmatch(r"[\w-]+", name) or not (path.is_file() or (own / f"{name}.toml").is_file()):
        ours = [entry.name.removesuffix(".toml") for entry in own.iterdir() if entry.name.endswith(".toml")]
        known = sorted({*ours, *(entry.stem for entry in (folder / "maps").glob("*.toml"))})
        near = nearest_names(name, known)
        raise ConfigError(
            f"没有名为 {name} 的发布配置{f'；是否指 {near}？' if near else ''} 可用：{', '.join(known)}。"
            f"新建一个：复制 maps/planner.toml 为 maps/{name}.toml 再修改。",
            f"There is no profile {name}{f'; did you mean {near}?' if near else ''} Known: {', '.join(known)}. "
            f"To make one, copy maps/planner.toml to maps/{name}.toml and edit it.",
        )
    text = path.read_text(encoding="utf-8") if path.is_file() else (own / f"{name}.toml").read_text(encoding="utf-8")
    where = f"maps/{name}.toml"
    profile = check_model(read_toml(text, where=where), Profile, where=where)
    _check_allow_list(profile, where)
    return profile


def _check_allow_list(profile: Profile, where: str) -> None:
    """Every layer and column of the allow list exists and is of a class the profile may show."""
    faults: list[Text] = []
    highest = CLASSES.index(profile.disclosure.highest)
    if profile.profile.audience == "public" and (profile.layers is None or highest > 0):
        faults.append(
            Text(
                '公众版必须写明 [layers] 允许清单，且 [disclosure] class = "public"',
                'a public profile needs an allow list [layers] and [disclosure] class = "public"',
            )
        )
    schemas = layer_schemas()
    for layer, columns in (profile.layers or {}).items():
        schema = schemas.get(layer)
        if schema is None:
            near = nearest_names(layer, schemas) or "—"
            zh = f"layers.{layer}：没有这个图层；是否指 {near}？"
            en = f"layers.{layer}: no such layer; did you mean {near}?"
            faults.append(Text(zh, en))
            continue
        if CLASSES.index(schema.disclosure) > highest:
            top = profile.disclosure.highest
            zh = f"layers.{layer}：图层（{schema.label.zh}）的公开级别为 {schema.disclosure}，高于本配置的 {top}"
            faults.append(Text(zh, f"layers.{layer}: its class {schema.disclosure} is above this profile's {top}"))
        key = schema.fields.get(schema.key)
        if schema.key and (key is None or CLASSES.index(key.disclosure) > highest):
            faults.append(_column_fault(layer, schema.key, key.disclosure if key else None, schema.fields))
        for column in columns:
            field = schema.fields.get(column)
            if column == "*" or (field is not None and CLASSES.index(field.disclosure) <= highest):
                continue
            faults.append(_column_fault(layer, column, field.disclosure if field else None, schema.fields))
    if faults:
        raise ConfigError(
            "\n".join([f"{where}：有 {len(faults)} 处需要改正：", *(f"  - {fault.zh}" for fault in faults)]),
            "\n".join([f"{where}: {len(faults)} faults to mend:", *(f"  - {fault.en}" for fault in faults)]),
        )


def _column_fault(layer: str, column: str, found: str | None, known: Iterable[str]) -> Text:
    if found is None:
        near = nearest_names(column, known) or "—"
        return Text(
            f"layers.{layer}.{column}：没有这一列，或未定公开级别（视为不得公开）；是否指 {near}？",
            f"layers.{layer}.{column}: no such column, or no disclosure class (which means no); did you mean {near}?",
        )
    return Text(
        f"layers.{layer}.{column}：公开级别为 {found}，本配置不得包含",
        f"layers.{layer}.{column}: its class is {found}, which this profile may not show",
    )


def shows_photos(profile: Profile) -> bool:
    """Whether photos leave with this profile: for the public only where the profile says so."""
    asked = profile.photos.show
    return profile.disclosure.highest != "public" if asked is None else asked


# --- selecting ------------------------------------------------------------------------------------


def select_layers(layers: Mapping[str, Any], profile: Profile) -> dict[str, pd.DataFrame]:
    """The layers and columns the profile's audience may see, in the order given; rasters stay behind.

    A layer leaves when its class is low enough and, with an allow list, when it is listed; of its
    columns those whose own class is low enough and that are listed. Columns no schema describes
    leave only where everything may (class restricted, no allow list). Which numbers are approximate
    leaves unasked with the columns meant. Geometry goes with its layer,
    the key stays the index: without it nothing can be joined or found again.
    """
    highest = CLASSES.index(profile.disclosure.highest)
    schemas = layer_schemas()
    selected: dict[str, pd.DataFrame] = {}
    for name, frame in layers.items():
        if not isinstance(frame, pd.DataFrame):
            continue
        schema = schemas.get(name)
        everything = profile.layers is None and highest == CLASSES.index("restricted")
        if everything:
            selected[name] = frame
            continue
        listed = ("*",) if profile.layers is None else profile.layers.get(name)
        if schema is None or listed is None or CLASSES.index(schema.disclosure) > highest:
            continue
        allowed = {
            field.name
            for field in schema.fields.values()
            if CLASSES.index(field.disclosure) <= highest
            and ("*" in listed or field.name in listed or field.name == APPROXIMATE)
        }
        geometry = getattr(frame, "active_geometry_name", None)
        leaving = frame[[column for column in frame.columns if column in allowed or column == geometry]]
        # The key leaves with its layer; an index nobody described is numbered anew.
        own_key = frame.index.name is not None and frame.index.name == schema.key
        selected[name] = keep_told_estimates(leaving if own_key else leaving.reset_index(drop=True))
    return selected


# Layers that draw single blocks, buildings and paths: what "detailed" means for the 25 km².
DETAILED_LAYERS = ("communities", "buildings", "parcels", "parks", "facilities", "slow_paths", "idle_parcels")


# --- preparing ------------------------------------------------------------------------------------

WITHHELD = Text("不公开", "withheld")


class Edition(NamedTuple):
    """What leaves, for files (withheld cells missing) and for people (they say so), what was withheld and why."""

    frames: dict[str, pd.DataFrame]
    shown: dict[str, pd.DataFrame]
    withheld: dict[str, dict[str, list[str]]]
    photos: Sequence[Photo] = ()
    reasons: Mapping[str, Mapping[str, Mapping[Reason, Sequence[str]]]] = MappingProxyType({})


def prepare_edition(
    layers: Mapping[str, Any], profile: Profile, *, before: Shown | None = None, lang: Lang = "zh"
) -> Edition:
    """Select, withhold small counts and generalise: everything between a run and its publication.

    Counts are withheld in a public profile only; ``before`` is what earlier editions said of them.
    Nothing of ``layers`` is changed.
    """
    frames = select_layers(layers, profile)
    withheld: dict[str, dict[str, list[str]]] = {}
    reasons: dict[str, dict[str, dict[Reason, list[str]]]] = {}
    if profile.profile.audience == "public":
        selected, k = frames, profile.disclosure.minimum_count
        frames, withheld = withhold_small_counts(selected, _tables(layers), k, before=before)
        reasons = withheld_reasons(selected, withheld, k, before=before)
        frames = {name: keep_told_estimates(frame) for name, frame in frames.items()}
    if profile.geometry.generalise_m > 0 or profile.geometry.grid_m > 0:
        frames = {name: _generalised(frame, profile.geometry) for name, frame in frames.items()}
    shown = dict(frames)
    for name, columns in withheld.items():
        frame = frames[name].copy()
        for column, keys in columns.items():
            mask = pd.Series([str(key) in set(keys) for key in frame.index], index=frame.index)
            frame[column] = frame[column].astype(object).mask(mask, WITHHELD.in_language(lang))
        shown[name] = frame
    return Edition(frames, shown, withheld, reasons=reasons)


def _tables(layers: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The layers that have rows."""
    return {name: frame for name, frame in layers.items() if isinstance(frame, pd.DataFrame)}


def _generalised(frame: pd.DataFrame, geometry: GeometryTable) -> pd.DataFrame:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return frame
    shapes = generalise_shapes(frame.geometry.to_numpy(), geometry.generalise_m, grid_m=geometry.grid_m or 0.001)
    coarse: gpd.GeoDataFrame = frame.copy()
    coarse.geometry = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)
    return coarse  # type: ignore[no-any-return]


# --- writing --------------------------------------------------------------------------------------


def publish_run(
    project: Project,
    run: Run,
    *,
    profile: str,
    by: str = "",
    on: date | None = None,
    today: date | None = None,
    single: bool = False,
    on_warning: Callable[[Finding], None] | None = None,
    lang: Lang = "zh",
) -> Path:
    """Publish a run of a project under ``maps/PROFILE/``; the path of the page.

    ``by`` and ``on`` go into the log; ``today`` is the day on the caller's clock, on which a map number must
    hold unless ``on`` names another; ``single`` puts the tiles of large layers into the page itself;
    ``on_warning`` is told, before anything moves, what people should look at. Raises, beside what
    :func:`publish_profile` raises, ConfigError if a source card's classification is above the profile's,
    or if its CRS is an unconfirmed guess and the profile is public.
    """
    table, rules = project.settings.project, read_profile(project.folder, profile)
    require_pages_that_fit(rules, profile, single=single)
    leaving = select_layers(run.layers, rules)
    released = require_released(
        leaving,
        run.manifest,
        highest=rules.disclosure.highest,
        released=rules.release.layers,
        approved_by=rules.release.approved_by,
        where=f"maps/{profile}.toml",
    )
    doubts = require_known_crs(leaving, run.manifest, highest=rules.disclosure.highest, where=f"maps/{profile}.toml")
    if on_warning:
        for doubt in doubts:
            on_warning(doubt)
    places = run.layers.get("communities")
    pictures = (
        read_photos(project.folder / PHOTOS, places, on_warning=on_warning)
        if shows_photos(rules) and places is not None
        else []
    )
    return publish_profile(
        run.layers,
        rules,
        project.folder / "maps" / profile,
        name=profile,
        project_name=table.name,
        as_of=table.as_of,
        attribution=table.attribution,
        synthetic=table.synthetic,
        run=str(run.manifest.get("fingerprint", "")),
        targets={batch: target.model_dump() for batch, target in project.settings.targets.items()},
        manifest=run.manifest,
        photos=pictures,
        released=released,
        by=by,
        on=on,
        today=today,
        single=single,
        on_warning=on_warning,
        lang=lang,
    )


def publish_profile(
    layers: Mapping[str, Any],
    profile: Profile,
    target: Path,
    *,
    name: str,
    project_name: str,
    as_of: date,
    attribution: str = "",
    synthetic: bool = False,
    run: str = "",
    targets: Mapping[str, Mapping[str, float | None]] | None = None,
    manifest: Mapping[str, Any] | None = None,
    photos: Sequence[Photo] = (),
    released: Sequence[Release] = (),
    by: str = "",
    on: date | None = None,
    today: date | None = None,
    single: bool = False,
    on_warning: Callable[[Finding], None] | None = None,
    lang: Lang = "zh",
) -> Path:
    """Write what ``profile`` lets through into the folder ``target``; the path of its page.

    Everything is written to a temporary folder beside ``target``, read back and verified, then moved
    into place; the edition before is kept as ``<target>.previous``. The same layers and profile
    give the same bytes. ``manifest`` is that of the run: a public site says from it where each layer comes
    from. ``single`` puts the tiles of large layers into the page, which is then
    refused (DataError) above 20 MB; else they lie beside it in ``tiles/``. ``on_warning`` is told what
    does not stop a public edition but should be looked at: no or an expiring map number, contiguous
    detailed cover near 25 km², no way to ask, photos; of other editions, personal numbers in columns not meant for
    them. Of ``photos`` (:func:`publish_photos.read_photos`)
    those of communities that leave are shown, if the profile lets photos leave. ``released`` goes into
    the checklist; whether the cards let the layers leave is for the caller, who knows them (:func:`publish_run`).

    Raises
    ------
    ConfigError
        If the map number expired before ``as_of`` or the day of publishing (``on``, else ``today``), or
        ``single`` is asked of a public profile.
    FileError
        If ``target`` exists and was not made by this program, or it or the edition before it holds files
        that this program did not publish: all is left as it is.
    DataError
        If there is nothing to draw, a layer or the edition in place is of another place, or what was
        written does not pass its own check; the edition in place is untouched.
    """
    require_pages_that_fit(profile, name, single=single)
    mend_interrupted(target)
    for folder in (target, previous_of(target)):
        require_own(folder)
    for changed in require_nothing_foreign(target):
        if on_warning:
            on_warning(changed)
    day = max(as_of, on or today or as_of)
    require_valid_number(profile.profile, day)
    before = _counts_before(target)
    edition = prepare_edition(layers, profile, before=before, lang=lang)
    leaving = edition.frames.get("communities")
    shown = photos_of(photos, [] if leaving is None or not shows_photos(profile) else leaving.index)
    edition = edition._replace(photos=shown)
    extents = extents_of(edition.frames)
    require_one_place(extents)
    require_same_place((read_marker(target) or {}).get("place"), place_of(extents))
    if profile.profile.audience == "public":
        require_no_personal_numbers(edition)
        for warning in [
            *publication_warnings(edition, profile, on=day),
            *publisher_warnings(by),
        ]:
            if on_warning:
                on_warning(warning)
    elif on_warning:
        for warning in personal_number_warnings(edition.frames):
            on_warning(warning)
    # Keys of basemaps are secrets: they come from the environment or a file, never from the profile.
    basemaps = page_basemaps(profile.basemaps, os.environ, single=single, lang=lang)
    for told in basemaps.left_out:
        if on_warning:
            on_warning(_warning("basemap_left_out", told.zh, told.en))
    expires_on = profile.profile.map_number_expires_on
    facts = {
        "program": "gis-renovation",
        "version": __version__,
        "profile": name,
        "audience": profile.profile.audience,
        "basemap_hosts": basemaps.hosts,
        "class": profile.disclosure.highest,
        "title": titled(_title(profile.profile, lang), project_name),
        "as_of": as_of.isoformat(),
        "run": run,
        "synthetic": synthetic,
        "map_number": profile.profile.map_number,
        "map_number_expires_on": expires_on.isoformat() if expires_on else None,
        "grid_m": profile.geometry.grid_m,
        "photos": len(edition.photos),
        "place": place_of(extents),
        "attribution": profile.profile.attribution or attribution,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = target.with_name(f"{UNFINISHED}{target.name}-{os.getpid()}")
    work.mkdir()
    try:
        sources = layer_sources(manifest or {}, edition.frames, highest=profile.disclosure.highest)
        _fill(
            work, layers, edition, profile, facts,
            basemaps=basemaps, targets=targets or {}, sources=sources, single=single, lang=lang,
        )  # fmt: skip
        if profile.profile.audience == "public":
            said = counts_shown(edition.frames, edition.withheld, before, _tables(layers))
            _write_beside(target, edition, profile, facts, said, released)
        put_in_place(work, target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    public = profile.profile.audience == "public"
    more = {"minimum_count": profile.disclosure.minimum_count} if public else {}
    log_edition(target, "publish", by=by, on=on, more=more)
    return target / PAGE


def require_pages_that_fit(profile: Profile, name: str, *, single: bool) -> None:
    """Raise ConfigError if one file is asked for of a profile that makes a site of many pages."""
    if single and profile.profile.audience == "public":
        raise ConfigError(
            f'maps/{name}.toml 的读者是公众（audience = "public"），发布的是多个网页的网站，不能用 --single。'
            f"请去掉 --single，把 maps/{name} 整个文件夹交出去；要给内部人员一个文件，"
            "用读者不是公众的发布配置，如 --profile planner --single。",
            f'maps/{name}.toml is for the public (audience = "public") and makes a site of many pages, which --single '
            f"cannot put into one file. Leave --single out and hand on the whole folder maps/{name}; for one file for "
            "people of your own, use a profile that is not for the public, such as --profile planner --single.",
        )


def titled(template: str, project: str) -> str:
    """``template`` with the project's name for ``{project}``; words that end the one and begin the other stand once.

    “田家庵区老旧小区” in “{project}老旧小区改造” gives “田家庵区老旧小区改造”. Two characters or more count as words.
    """
    before, mark, after = template.partition("{project}")
    if not mark:
        return template
    shared = next((n for n in range(min(len(project), len(after)), 1, -1) if project.endswith(after[:n])), 0)
    return before + project + titled(after[shared:], project)


def _title(table: ProfileTable, lang: Lang) -> str:
    """The title in the reader's language, as far as the profile has one."""
    return table.title_en if lang == "en" and table.title_en else table.title


def _fill(
    work: Path,
    layers: Mapping[str, Any],
    edition: Edition,
    profile: Profile,
    facts: Mapping[str, Any],
    *,
    basemaps: PageBasemaps,
    targets: Mapping[str, Mapping[str, float | None]],
    sources: Mapping[str, LayerSource],
    single: bool,
    lang: Lang,
) -> None:
    """Everything of an edition into the folder ``work``, read back and searched."""

    def write(folder: Path, written: Edition) -> dict[str, Any]:
        return _write_edition(
            folder, written, profile, facts,
            basemaps=basemaps, targets=targets, sources=sources, single=single, lang=lang,
        )  # fmt: skip

    require_drawable(edition.shown)
    _write_marker(work, edition, write(work, edition))
    require_sound(work)
    if profile.disclosure.highest != "restricted":
        told = [*profile.site.contact, profile.site.licence, *profile.site.notes, *facts_told(sources)]
        require_no_leak(work, layers, edition, facts, told, own_text=lambda: own_words(write, edition))


def _write_edition(
    work: Path,
    edition: Edition,
    profile: Profile,
    facts: Mapping[str, Any],
    *,
    basemaps: PageBasemaps,
    targets: Mapping[str, Mapping[str, float | None]],
    sources: Mapping[str, LayerSource],
    single: bool,
    lang: Lang,
) -> dict[str, Any]:
    """Page, data, photos and site of an edition into the folder ``work``; the facts with those of its tiles."""
    public = profile.profile.audience == "public"
    pictures = _pictures(edition, inline=single, lang=lang)
    # A single file is handed on alone: what lay beside it would be lost on the way.
    if public or not single:
        _write_downloads(work / "data", edition, profile, synthetic=bool(facts["synthetic"]), lang=lang)
    made = map_files(
        edition.shown,
        PageFacts(
            title=str(facts["title"]),
            as_of=facts_date(facts),
            lang=lang,
            synthetic=bool(facts["synthetic"]),
            attribution=str(facts["attribution"]),
            map_number=profile.profile.map_number,
            audience=profile.profile.audience,
            show=profile.profile.show,
            links={PAGE: "overview"} if public else {},
            downloads=None if public or not profile.downloads.formats else _downloads(work),
            pages=map_links(edition.frames) if public else {},
            photos={"communities": pictures} if pictures else {},
            basemaps=basemaps,
        ),
        single=single,
    )
    facts = {**facts, "tiled": {layer: reason.in_language(lang) for layer, reason in made.reasons.items()}}
    write_text(work / (MAP if public else PAGE), made.page)
    beside = photo_files(edition.photos, _stems(edition)) if public or not single else {}
    for path, data in {**made.files, **beside}.items():
        (work / path).parent.mkdir(exist_ok=True)
        (work / path).write_bytes(data)
    if public:
        _write_site(work, edition, profile, facts, targets=targets, sources=sources, lang=lang)
    return facts


def _pictures(edition: Edition, *, inline: bool, lang: Lang) -> dict[str, list[dict[str, str | int]]]:
    """Photos by community as pages show them; ``inline`` puts them into the page itself."""
    if not edition.photos:
        return {}
    shown = edition.shown["communities"]
    names = shown["name"] if "name" in shown.columns else pd.Series(shown.index, index=shown.index)
    called = {row_id(key): str(name) for key, name in names.items() if isinstance(name, str)}
    return photo_blocks(edition.photos, called, _stems(edition), inline=inline, lang=lang)


def _stems(edition: Edition) -> Mapping[str, str]:
    """The names of files that belong to each community."""
    if not edition.photos:
        return {}
    paths = page_paths(edition.frames["communities"].index, "")
    return {key: path.removeprefix("/").removesuffix(".html") for key, path in paths.items()}


def _downloads(work: Path) -> list[Download]:
    """The files of data that were written, by name."""
    return [
        Download(path.relative_to(work).as_posix(), path.stat().st_size, "" if path.stem == "data" else path.stem)
        for path in sorted((work / "data").glob("*"))
    ]


def _write_beside(
    target: Path,
    edition: Edition,
    profile: Profile,
    facts: Mapping[str, Any],
    said: Shown,
    released: Sequence[Release],
) -> None:
    """What the makers keep beside a public folder: the checklist of the review, and which counts were shown."""
    write_text(target.with_name(f"{target.name}.checklist.md"), _checklist(edition, facts, released, profile=profile))
    _write_counts(target, said)


def require_no_personal_numbers(edition: Edition) -> None:
    """Raise DataError if a text of the edition holds a telephone, identity or bank card number."""
    findings = find_personal_numbers(edition.frames)
    if findings:
        raise DataError(findings)


# An internet map's number is valid for two years; a new review takes twenty working days and more.
NUMBER_ENDS_SOON_DAYS = 60


def publication_warnings(edition: Edition, profile: Profile, *, on: date) -> list[Finding]:
    """What does not stop a public edition but people should look at before it goes out."""
    table, found = profile.profile, []
    ends = table.map_number_expires_on
    if not table.map_number:
        found.append(
            _warning(
                "no_map_number",
                "尚无审图号：公开前须依法送审（《地图管理条例》第十五条），程序不作免审判断。",
                "no map number: maps must be reviewed before they are public; the program claims no exemption.",
            )
        )
    elif ends is None:
        found.append(
            _warning(
                "map_number_undated",
                "审图号没有写有效期（map_number_expires_on），无法核对是否过期。",
                "the map number has no expiry (map_number_expires_on) to check.",
            )
        )
    elif (ends - on).days < NUMBER_ENDS_SOON_DAYS:
        found.append(
            _warning(
                "map_number_ends_soon",
                f"审图号 {table.map_number} 将于 {ends} 到期，请及早重新送审；到期后网站应撤下或换号。",
                f"the map number {table.map_number} expires on {ends}; apply again in time.",
            )
        )
    if table.map_number and table.map_number_dated_on is None:
        found.append(
            _warning(
                "map_number_no_date",
                "审图号没有写批准日期（map_number_dated_on），网站上也就不写。",
                "the map number has no date of approval (map_number_dated_on), so the site gives none.",
            )
        )
    cover = _coverage_m2(edition)
    if cover >= 0.8 * COVERAGE_LIMIT_M2:
        found.append(
            _warning(
                "coverage_near_limit",
                f"连续成片的详细图形最大 {cover / 1e6:.2f} km²，接近或超过 25 km²（自然资发〔2020〕95号）；"
                "须先作保密审查，或减少图层、分幅公开。",
                f"the largest contiguous detailed cover is {cover / 1e6:.2f} km², near or above 25 km²; have it "
                "reviewed for secrecy, or publish fewer layers.",
            )
        )
    if edition.photos:
        found.append(
            _warning(
                "photos_public",
                f"将公开 {len(edition.photos)} 张小区照片，拍摄位置、时间等附加信息已清除；"
                "人脸、车牌、门牌请逐张确认已处理，程序不作识别。",
                f"{len(edition.photos)} photos will be public, without their notes of place and time; make sure faces, "
                "number plates and house numbers are covered: the program does not look for them.",
            )
        )
    if not profile.site.contact:
        found.append(
            _warning(
                "no_contact",
                "没有写咨询方式（[site] contact），网站上写作“尚未提供”。",
                "no way to ask is given ([site] contact); the site says so.",
            )
        )
    return found


def publisher_warnings(by: str) -> list[Finding]:
    """A warning if nobody is named who publishes or restores: the log could not say who did it."""
    if by.strip():
        return []
    return [
        _warning(
            "no_publisher",
            "没有写发布人，日志 publish-log.jsonl 记不下是谁做的；请加 --by 姓名。",
            "nobody is named as publisher, so publish-log.jsonl cannot say who did it; add --by NAME.",
        )
    ]


def _warning(code: str, zh: str, en: str) -> Finding:
    return Finding(severity="warning", code=code, layer="", text=Text(zh, en))


def _coverage_m2(edition: Edition) -> float:
    return largest_contiguous_area_m2(
        {
            name: frame.geometry.to_numpy()
            for name, frame in edition.frames.items()
            if isinstance(frame, gpd.GeoDataFrame) and name in DETAILED_LAYERS
        }
    )


def require_valid_number(table: ProfileTable, day: date) -> None:
    """Raise ConfigError if the map number expired before ``day``, that of the data or of publishing."""
    if table.map_number and table.map_number_expires_on is not None and table.map_number_expires_on < day:
        raise ConfigError(
            f"审图号 {table.map_number} 已于 {table.map_number_expires_on} 到期，早于 {day}（数据或发布日期）。"
            "请重新送审并更新 map_number、map_number_dated_on、map_number_expires_on。",
            f"The map number {table.map_number} expired on {table.map_number_expires_on}, before {day}, the date of "
            "the data or of publishing. Have the map reviewed again and update map_number and its dates.",
        )


def _counts_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.counts.json")


def _counts_before(target: Path) -> Shown:
    """What earlier editions said of each count, those of the project's other public profiles included.

    Raises FileError if a record cannot be read: guessing would leak.
    """
    beside = target.parent.glob("*.counts.json")
    return merged_records(
        _record(path) for path in sorted(beside, key=lambda path: (path == _counts_file(target), path))
    )


def _record(path: Path) -> Shown:
    try:
        said: Shown = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise FileError(
            f"{path} 无法读取。它记录历次公开和不公开的户数，用来防止两期对比反推；请从备份恢复，或确认后删除。",
            f"{path} cannot be read. It records which counts were shown and withheld, so that two editions together "
            "tell nothing; restore it from a backup, or delete it knowingly.",
        ) from None
    return said


def _write_counts(target: Path, said: Shown) -> None:
    """Beside the folder, for the next edition; it holds what was public, and no withheld value."""
    with new_file(_counts_file(target)) as work:
        write_text(work, json.dumps(said, ensure_ascii=False, indent=0, sort_keys=True) + "\n")


def _write_site(
    work: Path,
    edition: Edition,
    profile: Profile,
    facts: Mapping[str, Any],
    *,
    targets: Mapping[str, Mapping[str, float | None]],
    sources: Mapping[str, LayerSource],
    lang: Lang,
) -> None:
    """The pages beside the map."""
    site = Site(
        facts=SiteFacts(
            str(facts["title"]),
            facts_date(facts),
            lang,
            str(facts["attribution"]),
            _number(profile, lang),
            bool(facts["synthetic"]),
        ),
        frames=edition.shown,
        photos=_pictures(edition, inline=False, lang=lang),
        downloads=_downloads(work),
        contact=profile.site.contact,
        licence=profile.site.licence,
        notes=profile.site.notes,
        targets=targets if profile.site.targets else {},
        withheld=edition.withheld,
        minimum_count=profile.disclosure.minimum_count,
        generalise_m=profile.geometry.generalise_m,
        grid_m=profile.geometry.grid_m,
        sources=sources,
    )
    for path, text in site_pages(site).items():
        (work / path).parent.mkdir(exist_ok=True)
        write_text(work / path, text)


def _number(profile: Profile, lang: Lang) -> str:
    table = profile.profile
    return number_sentence(table.map_number, table.map_number_dated_on, table.map_number_expires_on, lang=lang)


def _checklist(edition: Edition, facts: Mapping[str, Any], released: Sequence[Release], *, profile: Profile) -> str:
    return review_checklist(
        title=str(facts["title"]),
        as_of=facts_date(facts),
        number=_number(profile, "zh"),
        layers={name: [str(c) for c in frame.columns] for name, frame in edition.frames.items()},
        reasons=edition.reasons,
        minimum_count=profile.disclosure.minimum_count,
        profile=str(facts["profile"]),
        coverage_m2=_coverage_m2(edition),
        coverage_limit_m2=COVERAGE_LIMIT_M2,
        source=str(facts["attribution"]),
        contact=profile.site.contact,
        licence=profile.site.licence,
        photos=len(edition.photos),
        released=released,
        approved_by=profile.release.approved_by,
    )


def _write_marker(work: Path, edition: Edition, facts: Mapping[str, Any]) -> None:
    """What the edition says of itself. Withheld counts are numbered, not named: names are for the makers."""
    written = sorted(path for path in work.rglob("*") if path.is_file())
    marker = {
        **facts,
        "layers": {
            plain_text(layer): [
                "geometry" if str(dtype) == "geometry" else plain_text(c) for c, dtype in frame.dtypes.items()
            ]
            for layer, frame in edition.frames.items()
        }
        | ({TILE_UNITS: list(layer_schemas()[TILE_UNITS].fields)} if facts["tiled"] else {}),
        "rows": {plain_text(layer): len(frame) for layer, frame in edition.frames.items()},
        "withheld_counts": {
            layer: {column: len(keys) for column, keys in columns.items()}
            for layer, columns in edition.withheld.items()
        },
        "files": {path.relative_to(work).as_posix(): sha256(path) for path in written},
    }
    (work / MARKER).write_text(json.dumps(sealed(marker), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_downloads(folder: Path, edition: Edition, profile: Profile, *, synthetic: bool, lang: Lang) -> None:
    """The data beside the page: one CSV (with BOM, for Excel) a layer, GeoJSON, one GeoPackage, one workbook."""
    formats = profile.downloads.formats
    if not formats:
        return
    folder.mkdir()
    for name, frame in edition.frames.items():
        shaped = isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
        if "csv" in formats:
            table = edition.shown[name]
            table = pd.DataFrame(table.drop(columns=table.geometry.name) if shaped else table)
            text = _formula_safe(table.reset_index() if table.index.name else table).to_csv(
                index=False, lineterminator="\n"
            )
            (folder / f"{name}.csv").write_text(text, encoding="utf-8-sig", newline="")
        if "geojson" in formats and shaped:
            degrees = reproject(gpd.GeoDataFrame(frame), DISPLAY_CRS, where=name)
            text = _plain_dates(degrees.reset_index() if degrees.index.name else degrees).to_json(
                ensure_ascii=False, drop_id=True, show_bbox=False
            )
            (folder / f"{name}.geojson").write_text(_six_decimals(text) + "\n", encoding="utf-8")
    if "gpkg" in formats:
        write_geopackage(folder / "data.gpkg", edition.frames)
        write_layer_styles(folder / "data.gpkg", edition.frames, lang=lang)
        wipe_freed(folder / "data.gpkg")
    if "xlsx" in formats:
        write_tables(folder / "data.xlsx", edition.shown, synthetic=synthetic, lang=lang)


def _plain_dates(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Dates as text, missing values as null."""
    plain = frame.copy()
    for column in plain.columns:
        if column != plain.geometry.name:
            cells = plain[column].astype(object)
            plain[column] = [None if pd.isna(v) else v.isoformat() if isinstance(v, date) else v for v in cells]
    return plain


def _six_decimals(text: str) -> str:
    return re.sub(r"(-?\d+\.\d{6})\d+", r"\1", text)


def _formula_safe(table: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run as a formula get an apostrophe before them."""
    safe = table.copy()
    for column in safe.columns:
        safe[column] = [
            f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
            for value in safe[column].astype(object)
        ]
    return safe


def require_no_leak(
    folder: Path,
    layers: Mapping[str, Any],
    edition: Edition,
    facts: Mapping[str, Any],
    told: Iterable[str] = (),
    *,
    own_text: Callable[[], str] = str,
) -> None:
    """Raise DataError if a value that was withheld stands in any byte of the folder.

    ``told`` is said on purpose; ``own_text`` gives the program's own words (:func:`own_words`), if they are needed.
    """
    tables = {name: frame for name, frame in layers.items() if isinstance(frame, pd.DataFrame)}
    labels = {
        text
        for schema in layer_schemas().values()
        for field in schema.fields.values()
        for pair in (schema.label, field.label, *field.values.values(), (schema.name, field.name))
        for text in pair
    }
    months = [end.isoformat() for end in month_ends(date(facts_date(facts).year - 5, 1, 1), facts_date(facts))]
    said = [*sorted(_cells(edition) | labels), *months, *told, *(str(value) for value in facts.values())]
    findings = find_leaks(
        folder,
        withheld_values(tables, edition.frames),
        "\n".join(said),
        places=withheld_places(tables, edition.frames),
        own_text=own_text,
    )
    if findings:
        raise DataError(findings)


def _cells(edition: Edition) -> set[str]:
    """Every cell that is shown, numbers in every form they are written in."""
    columns = [
        column
        for frame in edition.shown.values()
        for column in [frame.index.to_series(), *(frame[c] for c in frame.columns if str(frame[c].dtype) != "geometry")]
    ]
    values = {value for column in columns for value in _hashable(column)}
    return {form for value in values for form in (str(value), *number_forms(value))}


def _hashable(column: pd.Series[Any]) -> Iterable[Any]:
    values = column.tolist()
    try:
        return set(values)
    except TypeError:
        return [str(value) for value in values]


def facts_date(facts: Mapping[str, Any]) -> date:
    """The day the edition speaks of."""
    return date.fromisoformat(str(facts["as_of"]))


def own_words(write: Callable[[Path, Edition], object], edition: Edition) -> str:
    """What the program says whatever the data: its tables, and an edition of layers that tell nothing.

    That edition is written as this one is, with one row a layer of which all but the key and the shape, which
    left on purpose, are unknown: without any row nothing is drawn, and a page that tells of one place has words
    of its own.
    """
    own = [path.read_text(encoding="utf-8") for path in _own_tables()]
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch), _told_nothing(edition))
        for path in sorted(path for path in Path(scratch).rglob("*") if path.is_file()):
            own += [data.decode("utf-8", "replace") for data in unpacked(path.read_bytes())]
    return "\n".join(own)


def _own_tables() -> Iterable[Traversable]:
    """What the program calls layers, columns, codes and classes."""
    return [shipped("display/styles.toml"), *sorted(shipped("layer_schemas").iterdir(), key=lambda path: path.name)]


def _told_nothing(edition: Edition) -> Edition:
    """An edition with the layers and columns of another and one row each, of which nothing is known."""

    def emptied(frame: pd.DataFrame) -> pd.DataFrame:
        shaped = isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
        few = (frame[~(frame.geometry.isna() | frame.geometry.is_empty)] if shaped else frame).iloc[:1].copy()
        for column in few.columns:
            if str(few[column].dtype) != "geometry":
                few[column] = pd.Series([None] * len(few), index=few.index, dtype=object)
        return few

    return Edition(
        {name: emptied(frame) for name, frame in edition.frames.items()},
        {name: emptied(frame) for name, frame in edition.shown.items()},
        {},
    )
