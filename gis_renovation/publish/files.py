"""The files of an edition in their folder: the map, the data and photos beside it, and for the public the site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from gis_renovation.display import WITHHELD, plain_text, with_withheld
from gis_renovation.errors import DataError
from gis_renovation.maps import PageBasemaps, PageFacts, map_files, month_ends, require_drawable
from gis_renovation.maps.encoding import row_id
from gis_renovation.maps.tiles import TILE_UNITS
from gis_renovation.publish.downloads import downloads, write_downloads
from gis_renovation.publish.edition import Edition, tables
from gis_renovation.publish.leaks import (
    find_leaks,
    number_forms,
    own_text,
    tell_nothing,
    withheld_places,
    withheld_values,
)
from gis_renovation.publish.marker import EditionFacts, Marker, sha256, write_marker
from gis_renovation.publish.profile import Profile
from gis_renovation.publish.site import (
    MAP,
    LayerSource,
    Site,
    SiteFacts,
    facts_told,
    map_links,
    number_sentence,
    page_paths,
    photo_blocks,
    photo_files,
    site_pages,
    write_text,
)
from gis_renovation.publish.verify import require_sound
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Lang

PAGE = "index.html"

# The plan's totals: batch -> what -> number.
Targets = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True, kw_only=True)
class Making:
    """What an edition is written with, beside its frames: by which profile, with which facts, in which language.

    ``single`` puts the tiles of large layers and the photos into the page itself.
    """

    profile: Profile
    facts: EditionFacts
    basemaps: PageBasemaps
    targets: Targets
    sources: Mapping[str, LayerSource]
    single: bool
    lang: Lang

    @property
    def public(self) -> bool:
        """Whether the edition is a site for the public."""
        return self.profile.profile.audience == "public"

    @property
    def beside(self) -> bool:
        """Whether files lie beside the page: a single one is handed on alone, they would be lost on the way."""
        return self.public or not self.single


def fill_folder(work: Path, edition: Edition, making: Making, layers: Mapping[str, object]) -> None:
    """Everything of an edition into the folder ``work``, read back, and searched for what stayed of ``layers``."""
    require_drawable(edition.frames)
    tiled = write_edition(work, edition, making)
    write_marker(work, _marker(work, edition, making.facts, tiled))
    require_sound(work)
    if making.profile.disclosure.highest != "restricted":
        nothing = Edition({name: tell_nothing(frame) for name, frame in edition.frames.items()})
        require_no_leak(
            work,
            layers,
            edition,
            told=_told(making),
            own_text=lambda: own_text(lambda folder: write_edition(folder, nothing, making)),
        )


def write_edition(work: Path, edition: Edition, making: Making) -> dict[str, str]:
    """Page, data, photos and site of an edition into the folder ``work``; why each layer in tiles is cut."""
    profile, facts, lang = making.profile, making.facts, making.lang
    formats = profile.downloads.formats
    if making.beside:
        write_downloads(work / "data", edition, formats, synthetic=facts.synthetic, lang=lang)
    pictures = _pictures(edition, inline=making.single, lang=lang)
    made = map_files(
        edition.frames,
        PageFacts(
            title=facts.title,
            as_of=facts.as_of,
            lang=lang,
            synthetic=facts.synthetic,
            attribution=facts.attribution,
            map_number=facts.map_number,
            audience=profile.profile.audience,
            show=profile.profile.show,
            links={PAGE: "overview"} if making.public else {},
            downloads=None if making.public or not formats else downloads(work),
            pages=map_links(edition.frames) if making.public else {},
            photos={"communities": pictures} if pictures else {},
            basemaps=making.basemaps,
            withheld=edition.withheld,
        ),
        single=making.single,
    )
    write_text(work / (MAP if making.public else PAGE), made.page)
    pictured = photo_files(edition.photos, _stems(edition)) if making.beside else {}
    for path, data in {**made.files, **pictured}.items():
        (work / path).parent.mkdir(exist_ok=True)
        (work / path).write_bytes(data)
    if making.public:
        _write_site(work, edition, making)
    return {layer: reason.in_language(lang) for layer, reason in made.reasons.items()}


def _write_site(work: Path, edition: Edition, making: Making) -> None:
    """The pages beside the map."""
    profile, facts, lang = making.profile, making.facts, making.lang
    number = number_of(profile, lang)
    site = Site(
        facts=SiteFacts(facts.title, facts.as_of, lang, facts.attribution, number, facts.synthetic),
        frames=edition.frames,
        withheld=edition.withheld,
        withheld_count=sum(len(keys) for columns in edition.gone.values() for keys in columns.values()),
        photos=_pictures(edition, inline=False, lang=lang),
        downloads=downloads(work),
        contact=profile.site.contact,
        licence=profile.site.licence,
        notes=profile.site.notes,
        targets=making.targets if profile.site.targets else {},
        minimum_count=profile.disclosure.minimum_count,
        grid_m=profile.geometry.grid_m,
        claimed_m=profile.geometry.claimed_m,
        measured=edition.measured,
        sources=making.sources,
    )
    for path, text in site_pages(site).items():
        (work / path).parent.mkdir(exist_ok=True)
        write_text(work / path, text)


def number_of(profile: Profile, lang: Lang) -> str:
    """What pages and papers of a profile say about its map number."""
    table = profile.profile
    return number_sentence(table.map_number, table.map_number_dated_on, table.map_number_expires_on, lang=lang)


def _pictures(edition: Edition, *, inline: bool, lang: Lang) -> dict[str, list[dict[str, str | int]]]:
    """Photos by community as pages show them; ``inline`` puts them into the page itself."""
    if not edition.photos:
        return {}
    shown = with_withheld(edition.frames["communities"], edition.withheld.get("communities"), lang)
    names = shown["name"] if "name" in shown.columns else pd.Series(shown.index, index=shown.index)
    called = {row_id(key): str(name) for key, name in names.items() if isinstance(name, str)}
    return photo_blocks(edition.photos, called, _stems(edition), inline=inline, lang=lang)


def _stems(edition: Edition) -> Mapping[str, str]:
    """The names of files that belong to each community."""
    if not edition.photos:
        return {}
    paths = page_paths(edition.frames["communities"].index, "")
    return {key: path.removeprefix("/").removesuffix(".html") for key, path in paths.items()}


# --- what the edition says of itself --------------------------------------------------------------


def _marker(work: Path, edition: Edition, facts: EditionFacts, tiled: Mapping[str, str]) -> Marker:
    """The facts with what was written into the folder ``work``."""
    layers = {plain_text(layer): [plain_text(c) for c in columns] for layer, columns in edition.columns().items()}
    written = sorted(path for path in work.rglob("*") if path.is_file())
    return Marker(
        **dict(facts),
        tiled=tiled,
        layers=layers | ({TILE_UNITS: list(layer_schemas()[TILE_UNITS].fields)} if tiled else {}),
        rows={plain_text(layer): len(frame) for layer, frame in edition.frames.items()},
        withheld_counts={
            layer: {column: len(keys) for column, keys in columns.items()} for layer, columns in edition.gone.items()
        },
        files={path.relative_to(work).as_posix(): sha256(path) for path in written},
    )


# --- what must not stand in it --------------------------------------------------------------------


def require_no_leak(
    folder: Path,
    layers: Mapping[str, object],
    edition: Edition,
    *,
    told: Iterable[str] = (),
    own_text: Callable[[], str] = str,
) -> None:
    """Raise DataError if a value of ``layers`` that was withheld stands in any byte of the folder.

    ``told`` is said on purpose; ``own_text`` gives the program's own words, if they are needed.
    """
    findings = find_leaks(
        folder,
        withheld_values(tables(layers), edition.frames),
        "\n".join([*sorted(_cells(edition) | _labels()), *told]),
        places=withheld_places(tables(layers), edition.frames),
        own_text=own_text,
    )
    if findings:
        raise DataError(findings)


def _told(making: Making) -> list[str]:
    """What is said on purpose: the publisher's words, the cards', the facts of the edition, the ends of months."""
    site, facts = making.profile.site, making.facts
    months = month_ends(date(facts.as_of.year - 5, 1, 1), facts.as_of)
    return [
        *(end.isoformat() for end in months),
        *(*site.contact, site.licence, *site.notes),
        *facts_told(making.sources),
        *(str(value) for value in facts.told().values()),
    ]


def _labels() -> set[str]:
    """What the schemas call layers, columns and codes."""
    return {
        text
        for schema in layer_schemas().values()
        for field in schema.fields.values()
        for pair in (schema.label, field.label, *field.values.values(), (schema.name, field.name))
        for text in pair
    }


def _cells(edition: Edition) -> set[str]:
    """Every cell that is shown, numbers in every form they are written in."""
    columns = [
        column
        for frame in edition.frames.values()
        for column in [frame.index.to_series(), *(frame[c] for c in frame.columns if str(frame[c].dtype) != "geometry")]
    ]
    values = {value for column in columns for value in _hashable(column)}
    return {*WITHHELD} | {form for value in values for form in (str(value), *number_forms(value))}


def _hashable(column: pd.Series[Any]) -> Iterable[object]:
    values = column.tolist()
    try:
        return set(values)
    except TypeError:
        return [str(value) for value in values]
