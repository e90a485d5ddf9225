"""The profile of a map: who may see what of it, read from maps/NAME.toml and checked against the schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gis_renovation.config import check_model, read_toml
from gis_renovation.errors import ConfigError
from gis_renovation.maps import (
    Basemap,
)
from gis_renovation.schemas import CLASSES, layer_schemas, nearest_names
from gis_renovation.shipped import shipped
from gis_renovation.words import Lang, Text


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
    """``[geometry]``: how far shapes are generalised before they leave, and the grid they are brought onto, in metres.

    ``claimed_m`` is what the publisher says of it: corners usually lie at least so far from those of the data. It is
    held against what was measured.
    """

    generalise_m: float = Field(default=0.0, ge=0.0, le=200.0)
    grid_m: float = Field(default=0.0, ge=0.0, le=200.0)
    claimed_m: float = Field(default=0.0, ge=0.0, le=200.0)


# What a public profile that does not say otherwise is coarsened by, in metres. A choice of the program, no rule: no
# number for the accuracy of public maps has been confirmed in a text.
PUBLIC_COARSENESS_M = 10.0


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
    """``[release]``: cards above the profile's class whose data or results may leave, and who allowed it.

    ``carried`` are columns ("layer.column") above it whose values may stand inside listed texts that people typed.
    """

    layers: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
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


def read_profile(folder: str | Path, name: str) -> Profile:
    """The profile ``maps/NAME.toml`` of a project, or the program's own of that name.

    Raises ConfigError for an unknown name, TOML that cannot be read, unknown keys (with the nearest
    known one), or layers and columns that do not exist; all faults of a kind at once.
    """
    own, folder = shipped("template/maps"), Path(folder)
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
    profile = _coarse_if_public(check_model(read_toml(text, where=where), Profile, where=where))
    _check_allow_list(profile, where)
    return profile


def _coarse_if_public(profile: Profile) -> Profile:
    """A public profile that says nothing of its grid or tolerance is coarsened all the same."""
    if profile.profile.audience != "public":
        return profile
    unsaid = {"generalise_m", "grid_m"} - profile.geometry.model_fields_set
    geometry = profile.geometry.model_copy(update=dict.fromkeys(unsaid, PUBLIC_COARSENESS_M))
    return profile.model_copy(update={"geometry": geometry})


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


def title(table: ProfileTable, lang: Lang) -> str:
    """The title in the reader's language, as far as the profile has one."""
    return table.title_en if lang == "en" and table.title_en else table.title
