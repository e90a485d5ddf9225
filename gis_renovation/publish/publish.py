"""Apply a profile to a run: select what its audience may see, write it, read it back, move it into place.

A profile is a TOML file in ``maps/``. What nobody classified nobody outside sees: a layer or column
without a disclosure class counts as restricted. The program never claims that a map needs no review.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from gis_renovation import __version__
from gis_renovation.errors import ConfigError, Finding
from gis_renovation.maps import page_basemaps
from gis_renovation.publish.checklist import review_checklist
from gis_renovation.publish.disclosure import (
    Extent,
    Record,
    Release,
    carried_warnings,
    counts_shown,
    extents_of,
    personal_number_warnings,
    place_of,
    require_known_crs,
    require_measured,
    require_none_above,
    require_one_place,
    require_released,
    require_same_place,
    settled,
)
from gis_renovation.publish.edition import Edition, prepare_edition, select_layers, tables
from gis_renovation.publish.editions import (
    log_edition,
    mend_interrupted,
    previous_of,
    put_in_place,
    require_nothing_foreign,
    require_own,
)
from gis_renovation.publish.files import PAGE, Making, Targets, fill_folder, number_of
from gis_renovation.publish.marker import EditionFacts, read_marker
from gis_renovation.publish.profile import Profile, read_profile, require_pages_that_fit, shows_photos, title, titled
from gis_renovation.publish.remembered import counts_before, remember
from gis_renovation.publish.site import FOLDER as PHOTOS
from gis_renovation.publish.site import Photo, layer_sources, photos_of, read_photos, write_text
from gis_renovation.publish.warnings import (
    basemap_warnings,
    publication_warnings,
    publisher_warnings,
    require_no_personal_numbers,
    require_valid_number,
)
from gis_renovation.words import Lang

if TYPE_CHECKING:
    from gis_renovation.run import Manifest, Project, Run

UNFINISHED = ".unfinished-"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What an edition is made from: the project's name and data, the plan's totals, the run and its manifest."""

    project_name: str
    as_of: date
    attribution: str = ""
    synthetic: bool = False
    run: str = ""
    targets: Targets = field(default_factory=dict)
    manifest: Manifest | None = None


def _tell_nobody(_: Finding) -> None:
    """Nobody asked to be told."""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """By whom, on which day and how an edition is made.

    ``by`` and ``on`` go into the log; ``today`` is the day on the caller's clock, on which a map number must
    hold unless ``on`` names another; ``single`` puts the tiles of large layers into the page itself;
    ``on_warning`` is told, before anything moves, what people should look at.
    """

    by: str = ""
    on: date | None = None
    today: date | None = None
    single: bool = False
    on_warning: Callable[[Finding], None] = _tell_nobody
    lang: Lang = "zh"

    def tell(self, warnings: Iterable[Finding]) -> None:
        """Hand every warning on."""
        for warning in warnings:
            self.on_warning(warning)

    def day(self, as_of: date) -> date:
        """The day a map number must hold on: that of publishing, or of the data if that is later."""
        return max(as_of, self.on or self.today or as_of)


def publish_run(project: Project, run: Run, *, profile: str, occasion: Occasion = Occasion()) -> Path:
    """Publish a run of a project under ``maps/PROFILE/``; the path of the page.

    Raises, beside what :func:`publish_profile` raises, ConfigError if a source card's classification is above
    the profile's, or if its CRS is an unconfirmed guess and the profile is public.
    """
    table, rules = project.settings.project, read_profile(project.folder, profile)
    require_pages_that_fit(rules, profile, single=occasion.single)
    released = _released(run, rules, profile, occasion)
    return publish_profile(
        run.layers,
        rules,
        project.folder / "maps" / profile,
        Origin(
            project_name=table.name,
            as_of=table.as_of,
            attribution=table.attribution,
            synthetic=table.synthetic,
            run=run.manifest.fingerprint,
            targets={batch: target.model_dump() for batch, target in project.settings.targets.items()},
            manifest=run.manifest,
        ),
        photos=_photos(project, run, rules, occasion),
        released=released,
        occasion=occasion,
    )


def _released(run: Run, rules: Profile, profile: str, occasion: Occasion) -> list[Release]:
    """The cards above the profile's class that leave by name; refused if any other would."""
    leaving, highest, where = select_layers(run.layers, rules), rules.disclosure.highest, f"maps/{profile}.toml"
    released = require_released(
        leaving,
        run.manifest,
        highest=highest,
        released=rules.release.layers,
        approved_by=rules.release.approved_by,
        where=where,
    )
    occasion.tell(require_known_crs(leaving, run.manifest, highest=highest, where=where))
    return released


def _photos(project: Project, run: Run, rules: Profile, occasion: Occasion) -> list[Photo]:
    places = run.layers.get("communities")
    if not shows_photos(rules) or places is None:
        return []
    return read_photos(project.folder / PHOTOS, places, on_warning=occasion.on_warning)


def publish_profile(
    layers: Mapping[str, object],
    profile: Profile,
    target: Path,
    origin: Origin,
    *,
    photos: Sequence[Photo] = (),
    released: Sequence[Release] = (),
    occasion: Occasion = Occasion(),
) -> Path:
    """Write what ``profile`` lets through into the folder ``target``; the path of its page.

    Everything is written to a temporary folder beside ``target``, read back and verified, then moved
    into place; the edition before is kept as ``<target>.previous``. The same layers and profile
    give the same bytes. A public site says from the run's manifest where each layer comes from. A page that
    holds its tiles itself is refused (DataError) above 20 MB; else they lie beside it in ``tiles/``. Told is
    what does not stop a public edition but should be looked at: no or an expiring map number, contiguous
    detailed cover near 25 km², no way to ask, photos; of other editions, personal numbers in columns not meant
    for them. Of ``photos`` (:func:`read_photos`) those of communities that leave are shown, if the profile lets
    photos leave. ``released`` goes into the checklist; whether the cards let the layers leave is for the
    caller, who knows them (:func:`publish_run`).

    Raises
    ------
    ConfigError
        If the map number expired before the day of the data or of publishing, one file is asked for of a
        public profile, or the profile says that shapes are coarser than they were measured to be.
    FileError
        If ``target`` exists and was not made by this program, or it or the edition before it holds files
        that this program did not publish: all is left as it is.
    DataError
        If there is nothing to draw, a listed text holds what is above the profile's class, a layer or the
        edition in place is of another place, or what was written does not pass its own check; the edition in
        place is untouched.
    """
    require_pages_that_fit(profile, target.name, single=occasion.single)
    _require_free(target, occasion)
    require_valid_number(profile.profile, occasion.day(origin.as_of))
    k = profile.disclosure.minimum_count
    before = settled(counts_before(target), tables(layers), k) if profile.profile.audience == "public" else Record()
    edition = _with_photos(prepare_edition(layers, profile, before=before), profile, photos)
    _require_claims_hold(edition, profile, target.name)
    _require_nothing_carried(edition, profile, target.name)
    place = _require_place(target, edition)
    _tell_before(edition, profile, origin, occasion)
    # Keys of basemaps are secrets: they come from the environment or a file, never from the profile.
    basemaps = page_basemaps(profile.basemaps, os.environ, single=occasion.single, lang=occasion.lang)
    occasion.tell(basemap_warnings(basemaps))
    making = Making(
        profile=profile,
        facts=_facts(target.name, profile, origin, occasion.lang).model_copy(
            update={"basemap_hosts": basemaps.hosts, "photos": len(edition.photos), "place": place}
        ),
        basemaps=basemaps,
        targets=origin.targets,
        sources=layer_sources(origin.manifest, edition.frames, highest=profile.disclosure.highest),
        single=occasion.single,
        lang=occasion.lang,
    )
    with _moved_into_place(target) as work:
        fill_folder(work, edition, making, layers)
        if making.public:
            _write_checklist(target, edition, making, released)
            remember(target, counts_shown(edition.frames, edition.gone, before, tables(layers), k), work)
    log_edition(target, "publish", by=occasion.by, on=occasion.on, minimum_count=k if making.public else None)
    return target / PAGE


def _require_free(target: Path, occasion: Occasion) -> None:
    """The folders of this edition and the one before are ours to replace."""
    mend_interrupted(target)
    for folder in (target, previous_of(target)):
        require_own(folder)
    occasion.tell(require_nothing_foreign(target))


def _with_photos(edition: Edition, profile: Profile, photos: Sequence[Photo]) -> Edition:
    """The edition with the photos of communities that leave, where the profile lets photos leave."""
    leaving = edition.frames.get("communities")
    return edition._replace(
        photos=photos_of(photos, [] if leaving is None or not shows_photos(profile) else leaving.index)
    )


def _require_place(target: Path, edition: Edition) -> Extent | None:
    """Where the edition is; refused if its layers, or it and the edition it replaces, are of several places."""
    extents = extents_of(edition.frames)
    require_one_place(extents)
    standing, place = read_marker(target), place_of(extents)
    require_same_place(standing.place if standing else None, place)
    return place


def _require_claims_hold(edition: Edition, profile: Profile, name: str) -> None:
    """Nobody is told that shapes are coarser than they were measured to be."""
    said = [*profile.site.notes, profile.site.licence, profile.profile.attribution, profile.profile.title]
    require_measured(profile.geometry.claimed_m, said, edition.measured, where=f"maps/{name}.toml")


def _require_nothing_carried(edition: Edition, profile: Profile, name: str) -> None:
    """No listed text holds what is above the profile's class, but by a release that somebody answers for."""
    released, where = profile.release.carried, f"maps/{name}.toml"
    if released and not profile.release.approved_by.strip():
        raise ConfigError(
            f"{where}：[release] 写了 carried，没有写 approved_by：请写明由谁、凭什么同意公开。",
            f"{where}: [release] names carried but no approved_by: say who allowed it, by what paper.",
        )
    require_none_above(edition.carried, released, where=where)


def _tell_before(edition: Edition, profile: Profile, origin: Origin, occasion: Occasion) -> None:
    """What people should look at; a personal number stops a public edition."""
    occasion.tell(carried_warnings(edition.carried))
    if profile.profile.audience != "public":
        occasion.tell(personal_number_warnings(edition.frames))
        return
    require_no_personal_numbers(edition)
    occasion.tell(publication_warnings(edition, profile, on=occasion.day(origin.as_of)))
    occasion.tell(publisher_warnings(occasion.by))


def _facts(name: str, profile: Profile, origin: Origin, lang: Lang) -> EditionFacts:
    """What is known of an edition before its layers are looked at."""
    table = profile.profile
    return EditionFacts(
        version=__version__,
        profile=name,
        audience=table.audience,
        highest=profile.disclosure.highest,
        title=titled(title(table, lang), origin.project_name),
        as_of=origin.as_of,
        run=origin.run,
        synthetic=origin.synthetic,
        map_number=table.map_number,
        map_number_expires_on=table.map_number_expires_on,
        grid_m=profile.geometry.grid_m,
        attribution=table.attribution or origin.attribution,
    )


@contextmanager
def _moved_into_place(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that becomes it once all is written; after any fault nothing has moved."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = target.with_name(f"{UNFINISHED}{target.name}-{os.getpid()}")
    work.mkdir()
    try:
        yield work
        put_in_place(work, target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _write_checklist(target: Path, edition: Edition, making: Making, released: Sequence[Release]) -> None:
    """The checklist of the review, which the makers keep beside a public folder."""
    number = number_of(making.profile, "zh")
    checklist = review_checklist(edition, making.profile, making.facts, number=number, released=released)
    write_text(target.with_name(f"{target.name}.checklist.md"), checklist)
