"""Many editions of a changing city, read by somebody who kept them all: no small count comes back.

The reader here is written without the program's own record: who became whom, each number shown and each
total over its published members are equations over the true communities, and a linear program bounds every
small count by all of them together.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date
from itertools import count

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from drawn_city import CRS, X0, Y0, publish_city
from scipy.optimize import linprog
from shapely.geometry import box

from gis_renovation.errors import FileError
from gis_renovation.publish.disclosure import Record, counts_shown, read_record, settled, withhold_small_counts
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.remembered import rebuild_counts

K = 5


@dataclass
class Place:
    """A community: its id, shape, zone, batch, count (None: unknown today) and the variable that is its true count."""

    key: str
    shape: object
    zone: str
    batch: str
    households: int | None
    variable: int
    listed: bool = True


@dataclass
class City:
    """A row of blocks that changes; ``truth`` are the true counts by variable, ``links`` what became what."""

    rng: np.random.Generator
    places: list[Place] = field(default_factory=list)
    truth: dict[int, int] = field(default_factory=dict)
    links: list[tuple[list[int], list[int]]] = field(default_factory=list)
    ids: count = field(default_factory=count)
    spots: count = field(default_factory=count)

    def variable(self, households: int) -> int:
        at = len(self.truth)
        self.truth[at] = households
        return at

    def number(self) -> int:
        return int(self.rng.choice([1, 2, 3, 4])) if self.rng.random() < 0.3 else int(self.rng.integers(20, 400))

    def join(self) -> None:
        at, number = next(self.spots), self.number()
        shape = box(X0 + at * 220, Y0, X0 + at * 220 + 180, Y0 + 120)
        self.places.append(Place(self.name(), shape, self.zone(), self.batch(), number, self.variable(number)))

    def name(self) -> str:
        return f"C{next(self.ids):02d}"

    def zone(self) -> str:
        return str(self.rng.choice(["Z1", "Z2", "Z3"]))

    def batch(self) -> str:
        return str(self.rng.choice(["main", "supplement"]))

    def some(self) -> Place:
        return self.places[int(self.rng.integers(len(self.places)))]

    def leave(self) -> None:
        if len(self.places) > 4:
            self.places.remove(self.some())

    def unknown(self) -> None:
        self.some().households = None

    def known_again(self) -> None:
        place = self.some()
        place.households = self.truth[place.variable]

    def rename(self) -> None:
        self.some().key = self.name()

    def merge(self) -> None:
        one, other = self.some(), self.some()
        if one is other or one.households is None or other.households is None:
            return
        number = one.households + other.households
        made = Place(self.name(), one.shape.union(other.shape), one.zone, one.batch, number, self.variable(number))
        self.links.append(([one.variable, other.variable], [made.variable]))
        self.places = [place for place in self.places if place is not one and place is not other] + [made]

    def split(self) -> None:
        place = self.some()
        if place.households is None or place.households < 2 or place.shape.geom_type != "Polygon":
            return
        x0, y0, x1, y1 = place.shape.bounds
        first = int(self.rng.integers(1, place.households))
        halves = [(box(x0, y0, (x0 + x1) / 2, y1), first), (box((x0 + x1) / 2, y0, x1, y1), place.households - first)]
        keys = [place.key if self.rng.random() < 0.5 else self.name(), self.name()]
        made = [
            Place(key, shape, place.zone, place.batch, number, self.variable(number))
            for key, (shape, number) in zip(keys, halves, strict=True)
        ]
        self.links.append(([place.variable], [each.variable for each in made]))
        self.places = [each for each in self.places if each is not place] + made

    def correct(self) -> None:
        place = self.some()
        place.households = self.number()
        place.variable = self.variable(place.households)

    def move(self) -> None:
        self.some().zone = self.zone()

    def change_batch(self) -> None:
        self.some().batch = self.batch()

    def edit(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            kinds = (
                "join",
                "leave",
                "unknown",
                "known_again",
                "rename",
                "merge",
                "split",
                "correct",
                "move",
                "change_batch",
            )
            getattr(self, str(self.rng.choice(kinds)))()

    def layers(self) -> dict[str, pd.DataFrame]:
        places = sorted(self.places, key=lambda place: place.key)
        index = pd.Index([place.key for place in places], name="community_id")
        communities = gpd.GeoDataFrame(
            {
                "name": [f"小区{place.key}" for place in places],
                "unit_code": "340403",
                "plan_batch": [place.batch for place in places],
                "households": pd.array([place.households for place in places], "Int64"),
            },
            geometry=[place.shape for place in places],
            crs=CRS,
            index=index,
        )
        members = pd.DataFrame({"zone_id": [place.zone for place in places]}, index=index)
        sums = communities["households"].astype("Float64").groupby(members["zone_id"]).sum()
        zones = pd.DataFrame({"households": sums.astype(float)}, index=pd.Index(sums.index, name="zone_id"))
        county = pd.Index(["340403"], name="unit_code")
        progress = pd.DataFrame({"households": [float(communities["households"].sum())]}, index=county)
        return {"communities": communities, "zone_members": members, "zones": zones, "unit_progress": progress}


class Reader:
    """Keeps every edition, and knows which community became which."""

    def __init__(self) -> None:
        self.equations: list[tuple[list[int], float]] = []

    def read(self, city: City, frames: dict[str, pd.DataFrame]) -> None:
        now = {place.key: place for place in city.places}
        for key, number in frames["communities"]["households"].items():
            if not pd.isna(number):
                self.equations.append(([now[key].variable], float(number)))
        counted = [place for place in city.places if place.households is not None]
        for zone, number in frames["zones"]["households"].items():
            self.total([place.variable for place in counted if place.zone == zone], number)
        self.total([place.variable for place in counted], frames["unit_progress"]["households"].iloc[0])

    def total(self, variables: list[int], number: float) -> None:
        if variables and not pd.isna(number):
            self.equations.append((variables, float(number)))

    def least_upper_bounds(self, city: City) -> dict[int, float]:
        """Of every small count the greatest number that all editions together leave possible."""
        rows = [(plus, [], number) for plus, number in self.equations]
        rows += [(after, before, 0.0) for before, after in city.links]
        table, aims = np.zeros((len(rows), len(city.truth))), np.array([number for *_, number in rows])
        for at, (plus, minus, _) in enumerate(rows):
            table[at, plus] += 1.0
            table[at, minus] -= 1.0
        bounds = {}
        for small in [at for at, number in city.truth.items() if 0 < number < K]:
            found = linprog(-np.eye(len(city.truth))[small], A_eq=table, b_eq=aims, bounds=(1.0, None))
            assert found.status in {0, 3}, "the truth itself satisfies what was told"
            bounds[small] = np.inf if found.status == 3 else -found.fun
        return bounds


def editions(seed: int, rounds: int = 6):
    rng = np.random.default_rng(seed)
    city, reader, record = City(rng), Reader(), Record()
    for _ in range(9):
        city.join()
    for _ in range(rounds):
        layers = city.layers()
        before = settled(record, layers, K)
        frames, gone = withhold_small_counts(layers, layers, K, before=before)
        record = counts_shown(frames, gone, before, layers, K)
        known = reader.least_upper_bounds(city)
        reader.read(city, frames)
        yield city, known, reader.least_upper_bounds(city)
        city.edit()


@pytest.mark.parametrize("seed", range(24))
def test_a_reader_of_all_editions_cannot_bound_a_small_count(seed):
    """No edition lowers what is possible below k. A small community that is split tells by itself that its parts are small."""
    for at, (city, before, now) in enumerate(editions(seed)):
        told = {key: bound for key, bound in now.items() if bound < min(K, before[key]) - 1e-6}
        assert not told, f"edition {at}: counts {[city.truth[key] for key in told]} are at most {told}"


# --- the record of what was told ------------------------------------------------------------------


def publish(folder, counts, zones, day, *, name="public"):
    """An edition of a row of blocks A, B, …; the numbers its readers see of communities and zones."""
    city = City(np.random.default_rng(0))
    for at, (key, number) in enumerate(counts.items()):
        shape = box(X0 + "ABCDE".index(key) * 220, Y0, X0 + "ABCDE".index(key) * 220 + 180, Y0 + 120)
        city.places.append(Place(key, shape, zones[key], "main", number, at))
    made = city.layers()
    shapes = [box(X0 + at * 900, Y0, X0 + at * 900 + 600, Y0 + 120) for at in range(len(made["zones"]))]
    made["zones"] = gpd.GeoDataFrame(made["zones"].assign(name=made["zones"].index), geometry=shapes, crs=CRS)
    target = folder / "maps" / name
    publish_city(made, read_profile(folder, "public"), target, as_of=day)
    return {
        layer: pd.read_csv(target / "data" / f"{layer}.csv", index_col=0)["households"].to_dict()
        for layer in ("communities", "zones")
    }


HOME = {"A": "Z1", "B": "Z1", "C": "Z1", "D": "Z2"}
COUNTS = {"A": 3, "B": 200, "C": 300, "D": 400}
FIRST, SECOND = date(2024, 8, 31), date(2024, 9, 30)
HIDDEN = "不公开"


@pytest.mark.parametrize(
    ("counts", "zones"),
    [
        ({"B": 200, "C": 300, "D": 400}, HOME),
        (COUNTS | {"A": None}, HOME),
        (COUNTS, HOME | {"A": "Z2"}),
        (COUNTS | {"A": 30}, HOME | {"A": "Z2"}),
    ],
    ids=["leaves", "becomes unknown", "moves", "grows and moves"],
)
def test_a_month_later_the_zone_without_the_small_community_does_not_tell_it(tmp_path, counts, zones):
    """August: A and B are 203 together. September: B is Z1 less C, and 203 less B would be A's 3."""
    first = publish(tmp_path, COUNTS, HOME, FIRST)
    assert first["communities"]["A"] == first["communities"]["B"] == HIDDEN
    assert float(first["zones"]["Z1"]) == 503
    second = publish(tmp_path, counts, zones, SECOND)
    assert HIDDEN in {second["zones"]["Z1"], second["communities"]["C"]}
    assert second["communities"]["B"] == HIDDEN


def test_without_the_record_nothing_is_published_until_it_is_made_anew(tmp_path):
    publish(tmp_path, COUNTS, HOME, FIRST)
    record = tmp_path / "maps" / "public.counts.json"
    record.unlink()
    standing = (tmp_path / "maps" / "public" / "publish.json").read_bytes()
    with pytest.raises(FileError, match=r"public\.counts\.json 缺失或不完整.*public 2024-08-31.*rebuild-counts"):
        publish(tmp_path, COUNTS, HOME | {"A": "Z2"}, SECOND)
    assert (tmp_path / "maps" / "public" / "publish.json").read_bytes() == standing
    assert not record.exists()
    again = City(np.random.default_rng(0))
    again.places = [Place(key, box(X0, Y0, X0 + 1, Y0 + 1), HOME[key], "main", COUNTS[key], 0) for key in "ABCD"]
    assert rebuild_counts(tmp_path / "maps" / "public", again.layers(), K) == record
    made = read_record(record)
    assert made.sums == {("A", "B"): 203.0}
    assert made.households() == {"A": None, "B": None, "C": 300.0, "D": 400.0}
    second = publish(tmp_path, COUNTS, HOME | {"A": "Z2"}, SECOND)
    assert HIDDEN in {second["zones"]["Z1"], second["communities"]["C"]}


def test_a_record_of_before_the_last_edition_is_not_enough(tmp_path):
    publish(tmp_path, COUNTS, HOME, FIRST)
    record = tmp_path / "maps" / "public.counts.json"
    older = record.read_bytes()
    publish(tmp_path, COUNTS, HOME, SECOND)
    record.write_bytes(older)
    with pytest.raises(FileError, match="2024-09-30"):
        publish(tmp_path, COUNTS, HOME, date(2024, 10, 31))


@pytest.mark.parametrize(
    "slip", [('"A": null', '"A": 7.0'), ('"sum": 203.0', '"sum": 204.0'), ('"small": [\n"A"\n]', '"small": []')]
)
def test_a_record_that_was_changed_by_hand_is_refused(tmp_path, slip):
    publish(tmp_path, COUNTS, HOME, FIRST)
    record = tmp_path / "maps" / "public.counts.json"
    text = record.read_text(encoding="utf-8")
    assert slip[0] in text
    record.write_text(text.replace(*slip), encoding="utf-8")
    with pytest.raises(FileError, match="无法读取或已被改动"):
        publish(tmp_path, COUNTS, HOME, SECOND)


def test_another_public_profiles_record_is_missed_as_well(tmp_path):
    publish(tmp_path, COUNTS, HOME, FIRST, name="open")
    (tmp_path / "maps" / "open.counts.json").unlink()
    with pytest.raises(FileError, match=r"open\.counts\.json 缺失"):
        publish(tmp_path, COUNTS, HOME, SECOND)


def test_rebuilding_names_the_editions_that_are_not_there(tmp_path):
    for day in (FIRST, SECOND, date(2024, 10, 31)):
        publish(tmp_path, COUNTS, HOME, day)
    maps = tmp_path / "maps"
    with pytest.raises(FileError, match="还在"):
        rebuild_counts(maps / "public", {}, K)
    (maps / "public.counts.json").unlink()
    with pytest.raises(FileError, match="2024-08-31"):
        rebuild_counts(maps / "public", {}, K)
    assert not (maps / "public.counts.json").exists()
    rebuild_counts(maps / "public", {}, K, accept_missing=True)
    publish(tmp_path, COUNTS, HOME, date(2024, 11, 30))


def test_an_edition_kept_elsewhere_serves_to_rebuild(tmp_path):
    publish(tmp_path, COUNTS, HOME, FIRST)
    kept = tmp_path / "archive" / "august"
    shutil.copytree(tmp_path / "maps" / "public", kept)
    for day in (SECOND, date(2024, 10, 31)):
        publish(tmp_path, COUNTS, HOME | {"A": "Z2"}, day)
    (tmp_path / "maps" / "public.counts.json").unlink()
    rebuild_counts(tmp_path / "maps" / "public", {}, K, kept=[kept])
    assert ("A", "B") in read_record(tmp_path / "maps" / "public.counts.json").sums
