"""The ground plan of the synthetic city: street grids cut into blocks, and blocks into lots.

Everything is drawn in each patch's own metres (x along its rows, y across) and turned onto the map
at the end, so that a gap of 59 m on the drawing is a gap of 59 m on the map. One patch is one batch
of array operations: a city of 100,000 communities is some ninety patches.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Ints
from gis_renovation.sample.place import PATCHES, Patch

BATCHES = ("main", "supplement", "reserve")

# Half of the ground a grid line takes, kerb to house: branch, secondary and arterial streets, then
# lines that carry something else. 22 m beside the railway gives neighbours 44 m apart.
HALF_WIDTH_M = {"branch": 9.0, "secondary": 13.0, "arterial": 19.0, "railway": 22.0, "river": 25.0, "expressway": 26.0}
STREET_WIDTH_M = {"branch": 12.0, "secondary": 20.0, "arterial": 32.0, "access": 5.0}

# Between two columns of lots; between two rows there is only a wall's width.
ALLEY_M = 6.0
WALL_M = 0.4

# A street that ends at a barrier stops this far from its centre line.
STUB_M = 20.0

# How a block is cut: columns and rows of lots, and how likely, in old housing and elsewhere.
OLD_CUTS = (((2, 2), 0.33), ((3, 2), 0.37), ((3, 1), 0.20), ((2, 1), 0.10))
SUPPLEMENT_CUTS = (((2, 1), 0.55), ((2, 2), 0.35), ((1, 1), 0.10))
OTHER_CUTS = (((1, 1), 0.22), ((2, 1), 0.43), ((2, 2), 0.25), ((3, 1), 0.10))

# What lots outside the old housing are used for, and how likely.
USES = (
    ("housing", 0.33), ("shops", 0.15), ("school", 0.08), ("government", 0.10), ("hospital", 0.03),
    ("industry", 0.10), ("vacant", 0.10), ("green", 0.05), ("utility", 0.03), ("square", 0.03),
)  # fmt: skip

EXTENSION_SIZE = 24
EXTENSION_PITCH_M = (6300.0, 5300.0)
EXTENSION_ORIGIN = (452500.0, 3596500.0)
EXTENSION_PER_ROW = 8


@dataclass(frozen=True, kw_only=True)
class Plots:
    """The ground plan: ``patches``, ``lots``, ``edges`` (street between two grid nodes) and ``alleys``.

    Coordinates in the frames are each patch's own metres; :meth:`on_map` turns them. ``lots.batch`` is
    the plan batch of an old community and empty elsewhere; ``lots.serial`` numbers communities within
    their unit, planted ones first, then by batch.
    """

    patches: pd.DataFrame
    lots: pd.DataFrame
    edges: pd.DataFrame
    alleys: pd.DataFrame
    specs: tuple[Patch, ...]
    lines: tuple[tuple[Floats, Floats], ...]

    def on_map(self, patch: Ints, x: Floats, y: Floats) -> Floats:
        """EPSG:4548 coordinates, rounded to the millimetre, of local points; shape (n, 2)."""
        p = self.patches
        cx, cy = p["cx"].to_numpy()[patch], p["cy"].to_numpy()[patch]
        cos, sin = p["cos"].to_numpy()[patch], p["sin"].to_numpy()[patch]
        turned = np.column_stack([cx + cos * x - sin * y, cy + sin * x + cos * y])
        return np.round(turned, 3).astype(np.float64)

    def number_of(self, key: str) -> int:
        """Position of the patch named ``key``."""
        return next(k for k, spec in enumerate(self.specs) if spec.key == key)


def generator(seed: int, *names: str) -> np.random.Generator:
    """Random numbers of one part of the city, so that leaving out a layer changes no other."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def blanked(unknown: NDArray[np.bool_], values: Any) -> NDArray[np.object_]:
    """``values`` as objects with None where ``unknown``."""
    out = np.array(values, dtype=object)
    out[unknown] = None
    return out


def lay_out(*, seed: int, communities: int) -> Plots:
    """The ground plan of a city with ``communities`` old communities, the towns of Huainan first.

    What the towns do not hold goes into square extension patches in the plain to the south. O(lots).
    """
    specs: list[Patch] = []
    drawn: list[_Drawn] = []
    left = communities
    while left > 0 or len(specs) < len(PATCHES):
        number = len(specs)
        patch = PATCHES[number] if number < len(PATCHES) else _extension(number - len(PATCHES), left)
        piece = _draw(patch, number, seed)
        specs.append(patch)
        drawn.append(piece)
        left -= int((piece.lots["batch"] != "").sum())
    return Plots(
        patches=_placement(specs),
        lots=_numbered(pd.concat([piece.lots for piece in drawn], ignore_index=True), specs),
        edges=pd.concat([piece.edges for piece in drawn], ignore_index=True),
        alleys=pd.concat([piece.alleys for piece in drawn], ignore_index=True),
        specs=tuple(specs),
        lines=tuple(piece.lines for piece in drawn),
    )


def segments_between(edges: pd.DataFrame, taps: pd.DataFrame) -> pd.DataFrame:
    """Every edge cut at the taps on it: ``patch, orient, line, cell, fixed, a, b, kind``, in edge order.

    ``taps`` has ``patch, orient, line, cell`` of an edge and ``at``, the coordinate along it. Taps
    outside their edge, or within half a metre of another, are dropped. O(n log n).
    """
    keys = edge_key(edges)
    order = np.argsort(keys, kind="stable")
    tap_keys = edge_key(taps)
    found = np.searchsorted(keys[order], tap_keys)
    found = np.minimum(found, len(keys) - 1)
    row = order[found]
    at = taps["at"].to_numpy(float)
    low, high = edges["a"].to_numpy()[row], edges["b"].to_numpy()[row]
    good = (keys[row] == tap_keys) & (at > low + 0.5) & (at < high - 0.5)
    everyone = np.arange(len(edges))
    owner = np.concatenate([everyone, everyone, row[good]])
    where = np.concatenate([edges["a"].to_numpy(), edges["b"].to_numpy(), at[good]])
    by = np.lexsort([where, owner])
    owner, where = owner[by], where[by]
    last = np.append(owner[1:] != owner[:-1], True)
    keep = np.append(True, (owner[1:] != owner[:-1]) | (np.diff(where) > 0.5)) | last
    owner, where = owner[keep], where[keep]
    pair = owner[1:] == owner[:-1]
    out: pd.DataFrame = edges.iloc[owner[:-1][pair]].copy()
    out["a"], out["b"] = where[:-1][pair], where[1:][pair]
    out.index = pd.RangeIndex(len(out))
    return out


def edge_key(frame: pd.DataFrame) -> Ints:
    """One number for the edge a row lies on."""
    patch, orient = frame["patch"].to_numpy(np.int64), frame["orient"].to_numpy(np.int64)
    line, cell = frame["line"].to_numpy(np.int64), frame["cell"].to_numpy(np.int64)
    return np.asarray(((patch * 2 + orient) * 1000 + line) * 1000 + cell)


def planted_lots(plots: Plots) -> list[int]:
    """The lots of 谢家集 that carry the planted parcels: the first that are neither old housing nor park."""
    lots = plots.lots
    mine = lots[(lots["patch"] == plots.number_of("xiejiaji")) & ~lots["use"].isin(["old", "park"]) & ~lots["old"]]
    with_neighbour = mine[mine["k"] < mine["nx"] - 1].index[0]
    rest = [int(lot) for lot in mine.index if lot not in (with_neighbour, with_neighbour + 1)]
    return [*rest[:8], int(with_neighbour), rest[8]]


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """One patch before it is joined to the others."""

    lots: pd.DataFrame
    edges: pd.DataFrame
    alleys: pd.DataFrame
    lines: tuple[Floats, Floats]


def _placement(specs: list[Patch]) -> pd.DataFrame:
    angle = np.radians([spec.angle_deg for spec in specs])
    return pd.DataFrame(
        {
            "cx": [float(spec.centre[0]) for spec in specs],
            "cy": [float(spec.centre[1]) for spec in specs],
            "cos": np.cos(angle),
            "sin": np.sin(angle),
        }
    )


def _extension(number: int, wanted: int) -> Patch:
    column, row = number % EXTENSION_PER_ROW, number // EXTENSION_PER_ROW
    middle = EXTENSION_SIZE // 2
    return Patch(
        key=f"extension{number}",
        unit_code="340422",
        subdistrict=f"扩展片区{number + 1}",
        centre=(
            EXTENSION_ORIGIN[0] + column * EXTENSION_PITCH_M[0],
            EXTENSION_ORIGIN[1] - row * EXTENSION_PITCH_M[1],
        ),
        angle_deg=float((number * 37) % 7 - 3),
        cols=EXTENSION_SIZE,
        rows=EXTENSION_SIZE,
        main=wanted,
        barrier_rows={middle: ("railway", (3, 9, 15, 21))},
        barrier_cols={8: ("river", (4, 16)), 17: ("expressway", (6, 18))},
    )


def _draw(patch: Patch, number: int, seed: int) -> _Drawn:
    """Lots, street edges and alleys of one patch."""
    rng = generator(seed, "plots", patch.key)
    x = _lines(rng, patch.cols, 205, 265)
    y = _lines(rng, patch.rows, 165, 205)
    x_kind = _line_kinds(patch.cols, patch.barrier_cols)
    y_kind = _line_kinds(patch.rows, patch.barrier_rows)
    blocks = _blocks(patch, rng, (x, y), (x_kind, y_kind))
    lots = _lots(blocks, patch, rng)
    lots["patch"] = number
    _give_uses(lots, patch, rng)
    _place_entrances(lots, (x, y), patch)
    edges = _edges(blocks, patch, (x, y), (x_kind, y_kind))
    alleys = _alleys(lots, (x, y), patch)
    edges["patch"] = number
    alleys["patch"] = number
    return _Drawn(lots=lots, edges=edges, alleys=alleys, lines=(x, y))


def _lines(rng: np.random.Generator, count: int, least: float, most: float) -> Floats:
    """``count + 1`` grid lines about zero, ``least`` to ``most`` metres apart."""
    at = np.concatenate([[0.0], np.cumsum(np.round(rng.uniform(least, most, count), 1))])
    return np.asarray(np.round(at - np.round(at[-1] / 2, 1), 1))


def _line_kinds(count: int, barriers: Mapping[int, tuple[str, tuple[int, ...]]]) -> list[str]:
    """What each grid line carries: its barrier, else a street class, widest in the middle."""
    kinds = ["secondary" if k % 3 == 0 else "branch" for k in range(count + 1)]
    kinds[count // 2] = "arterial"
    for line, (kind, _) in barriers.items():
        kinds[line] = kind
    return kinds


def _blocks(
    patch: Patch, rng: np.random.Generator, lines: tuple[Floats, Floats], kinds: tuple[list[str], list[str]]
) -> pd.DataFrame:
    """The blocks that exist: rectangle, how they are cut, whether old housing may stand there."""
    i, j = (a.ravel() for a in np.meshgrid(np.arange(patch.cols), np.arange(patch.rows), indexing="ij"))
    half_x = np.array([HALF_WIDTH_M[kind] for kind in kinds[0]])
    half_y = np.array([HALF_WIDTH_M[kind] for kind in kinds[1]])
    x, y = lines
    drawn = [patch.planted.get((int(a), int(b))) for a, b in zip(i, j, strict=True)]
    is_drawn = np.array([block is not None for block in drawn])
    old, clump = _clumps(i, j, patch)
    old &= ~is_drawn
    outer = old & _is_outer(i, j, clump, patch)
    by_rail = np.isin(j, [*patch.barrier_rows]) | np.isin(j + 1, [*patch.barrier_rows])
    nx, ny = _cuts(old, outer, rng)
    nx = np.where(is_drawn, [1 if block is None else len(block.names) for block in drawn], nx)
    frame = pd.DataFrame(
        {
            "i": i, "j": j, "old": old, "outer": outer, "clump": clump, "drawn": is_drawn, "nx": nx,
            "ny": np.where(by_rail | is_drawn, 1, ny),
            "gap": [ALLEY_M if block is None else block.gap_m for block in drawn],
            "x0": x[i] + half_x[i], "x1": x[i + 1] - half_x[i + 1],
            "y0": y[j] + half_y[j], "y1": y[j + 1] - half_y[j + 1],
            "whole": rng.choice(["", "park", "industry", "school"], len(i), p=[0.80, 0.08, 0.06, 0.06]),
        }
    )  # fmt: skip
    corner = np.isin(i, [0, patch.cols - 1]) & np.isin(j, [0, patch.rows - 1])
    absent = corner & ~is_drawn & (rng.random(len(i)) < 0.4) & (patch.cols > 2)
    there: pd.DataFrame = frame[~absent]
    return there.reset_index(drop=True)


def _clumps(i: Ints, j: Ints, patch: Patch) -> tuple[NDArray[np.bool_], Ints]:
    """Blocks of old housing: two by two in every three by three, placed so that most fit in."""
    if patch.planted:
        return np.zeros(len(i), dtype=bool), np.full(len(i), -1)
    shifts = [(a, b) for a in range(3) for b in range(3)]
    fits = [int(((((i + a) % 3) < 2) & (((j + b) % 3) < 2)).sum()) for a, b in shifts]
    a, b = shifts[int(np.argmax(fits))]
    return (((i + a) % 3) < 2) & (((j + b) % 3) < 2), ((i + a) // 3) * 1000 + (j + b) // 3


def _is_outer(i: Ints, j: Ints, clump: Ints, patch: Patch) -> NDArray[np.bool_]:
    """Blocks of the clumps farthest from the middle, where the supplement's larger lots lie."""
    share = patch.supplement / max(patch.main + patch.supplement + patch.reserve, 1)
    reach = np.hypot(2 * i + 1 - patch.cols, 2 * j + 1 - patch.rows)
    far = pd.Series(reach).groupby(clump).transform("mean").rank(method="dense", pct=True).to_numpy()
    return np.asarray(far > 1 - share)


def _cuts(old: NDArray[np.bool_], outer: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Columns and rows of lots per block."""
    out = np.zeros((len(old), 2), dtype=np.int64)
    for mask, table in ((old & ~outer, OLD_CUTS), (outer, SUPPLEMENT_CUTS), (~old, OTHER_CUTS)):
        cuts = np.array([cut for cut, _ in table])
        out[mask] = cuts[rng.choice(len(cuts), int(mask.sum()), p=[share for _, share in table])]
    return out[:, 0], out[:, 1]


def _lots(blocks: pd.DataFrame, patch: Patch, rng: np.random.Generator) -> pd.DataFrame:
    """Every block cut into its lots, an alley between columns, a wall's width between rows."""
    count = (blocks["nx"] * blocks["ny"]).to_numpy()
    cut_x = _shares(blocks["nx"].to_numpy(), blocks["drawn"].to_numpy(), rng)
    cut_y = _shares(blocks["ny"].to_numpy(), blocks["drawn"].to_numpy(), rng)
    b = np.repeat(np.arange(len(blocks)), count)
    k = np.arange(len(b)) - np.repeat(np.cumsum(count) - count, count)
    lots = blocks.iloc[b].reset_index(drop=True)
    lots["k"], lots["r"] = k % lots["nx"], k // lots["nx"]
    width, depth = lots["x1"] - lots["x0"], lots["y1"] - lots["y0"]
    column, row = lots["k"].to_numpy(), lots["r"].to_numpy()
    left, right = lots["x0"] + width * cut_x[b, column], lots["x0"] + width * cut_x[b, column + 1]
    bottom, top = lots["y0"] + depth * cut_y[b, row], lots["y0"] + depth * cut_y[b, row + 1]
    half = lots["gap"] / 2
    lots["cut"] = left.round(1)
    lots["x0"] = (left.round(1) + half.where(lots["k"] > 0, 0.0)).round(3)
    lots["x1"] = (right.round(1) - half.where(lots["k"] < lots["nx"] - 1, 0.0)).round(3)
    lots["y0"] = (bottom.round(1) + np.where(row > 0, WALL_M / 2, 0.0)).round(3)
    lots["y1"] = (top.round(1) - np.where(row < lots["ny"] - 1, WALL_M / 2, 0.0)).round(3)
    lots["name"] = [
        (patch.planted[i, j].names[c] or "") if drawn else ""
        for i, j, c, drawn in zip(lots["i"], lots["j"], lots["k"], lots["drawn"], strict=True)
    ]
    return lots


def _shares(parts: Ints, exact: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Where each block is cut, as shares 0, ..., 1 of its width; evenly where drawn by hand."""
    jitter = np.where(exact[:, None], 0.0, rng.uniform(-0.05, 0.05, (len(parts), 2)))
    out = np.ones((len(parts), 4))
    out[:, 0] = 0.0
    out[:, 1] = np.where(parts > 1, 1 / parts + jitter[:, 0], 1.0)
    out[:, 2] = np.where(parts > 2, 2 / 3 + jitter[:, 1], 1.0)
    return out


def _give_uses(lots: pd.DataFrame, patch: Patch, rng: np.random.Generator) -> None:
    """Fill in ``use``, ``batch`` and ``rank``: which lots are old communities, and in which plan."""
    lots["use"] = rng.choice([use for use, _ in USES], len(lots), p=[share for _, share in USES])
    whole = (lots["whole"] != "") & ~lots["old"]
    lots.loc[whole, "use"] = lots.loc[whole, "whole"]
    lots.loc[lots["old"] & (rng.random(len(lots)) < 0.4), "use"] = "housing"
    if not patch.parks:
        lots.loc[lots["use"] == "park", "use"] = "industry"
    lots["batch"], lots["rank"] = "", 0
    if patch.planted:
        for rank, ((i, j), block) in enumerate(patch.planted.items()):
            here = (lots["i"] == i) & (lots["j"] == j)
            named = here & (lots["name"] != "")
            lots.loc[here, "use"] = "shops" if block.use == "old" else block.use
            lots.loc[named, "use"] = block.use
            lots.loc[named, "batch"] = "main"
            lots.loc[here, "rank"] = rank * 10 + lots.loc[here, "k"]
        return
    taken = np.zeros(len(lots), dtype=bool)
    column = lots.columns.get_indexer(pd.Index(["use", "batch", "rank"]))
    for number, batch in enumerate(BATCHES):
        chosen = _choose(lots, taken, getattr(patch, batch), outer=batch == "supplement", rng=rng)
        taken[chosen] = True
        lots.iloc[chosen, column[0]] = "old"
        lots.iloc[chosen, column[1]] = batch
        lots.iloc[chosen, column[2]] = number * len(lots) + np.arange(len(chosen))


def _choose(
    lots: pd.DataFrame, taken: NDArray[np.bool_], wanted: int, *, outer: bool, rng: np.random.Generator
) -> Ints:
    """Rows of ``wanted`` free lots for one plan batch, clump by clump from the middle, with some holes."""
    possible = lots["old"].to_numpy() & (lots["outer"].to_numpy() == outer) & ~taken
    if possible.sum() < wanted:
        possible = lots["old"].to_numpy() & ~taken
    # One lot in seven stays out, so that a clump has holes; the clumps farthest out stay empty.
    candidates = np.flatnonzero(possible & (rng.random(len(lots)) < 6 / 7))
    if len(candidates) < min(wanted, int(possible.sum())):
        candidates = np.flatnonzero(possible)
    away = pd.Series(np.hypot(lots["x0"] + lots["x1"], lots["y0"] + lots["y1"]))
    reach = away.groupby(lots["clump"]).transform("min").to_numpy()
    order = np.lexsort([rng.random(len(lots))[candidates], lots["clump"].to_numpy()[candidates], reach[candidates]])
    return np.asarray(candidates[order][:wanted])


def _place_entrances(lots: pd.DataFrame, lines: tuple[Floats, Floats], patch: Patch) -> None:
    """Where each lot meets its street: ``ex`` along street line ``street_line``, which lies at ``ey``."""
    below = (lots["r"] == 0) & ~lots["j"].isin([*patch.barrier_rows])
    lots["street_line"] = np.where(below, lots["j"], lots["j"] + 1)
    lots["ex"] = ((lots["x0"] + lots["x1"]) / 2).round(2)
    lots["ey"] = lines[1][lots["street_line"].to_numpy()]
    lots["below"] = below


def _edges(
    blocks: pd.DataFrame, patch: Patch, lines: tuple[Floats, Floats], kinds: tuple[list[str], list[str]]
) -> pd.DataFrame:
    """Street edges along blocks; at a barrier they cross, or stop short of it."""
    present = np.zeros((patch.cols + 2, patch.rows + 2), dtype=bool)
    present[blocks["i"] + 1, blocks["j"] + 1] = True
    along_x = _line_edges(0, present[1:-1, :-1] | present[1:-1, 1:], lines, kinds, patch.barrier_cols)
    along_y = _line_edges(1, (present[:-1, 1:-1] | present[1:, 1:-1]).T, lines, kinds, patch.barrier_rows)
    return pd.concat([along_x, along_y], ignore_index=True)


def _line_edges(
    orient: int,
    exists: NDArray[np.bool_],
    lines: tuple[Floats, Floats],
    kinds: tuple[list[str], list[str]],
    crossed: Mapping[int, tuple[str, tuple[int, ...]]],
) -> pd.DataFrame:
    """Edges of all grid lines of one direction; ``exists[cell, line]``; ``crossed`` are the barriers across."""
    own, across = (lines[1], lines[0]) if orient == 0 else (lines[0], lines[1])
    own_kind = kinds[1] if orient == 0 else kinds[0]
    line, cell = (a.ravel() for a in np.meshgrid(np.arange(len(own)), np.arange(len(across) - 1), indexing="ij"))
    is_street = np.array([kind in STREET_WIDTH_M for kind in own_kind])
    good = exists[cell, line] & is_street[line]
    line, cell = line[good], cell[good]
    a, b = across[cell].copy(), across[cell + 1].copy()
    for barrier, (_, through) in crossed.items():
        stops = ~np.isin(line, through)
        a = np.where(stops & (cell == barrier), a + STUB_M, a)
        b = np.where(stops & (cell + 1 == barrier), b - STUB_M, b)
    return pd.DataFrame(
        {
            "orient": orient, "line": line, "cell": cell, "fixed": own[line], "a": a, "b": b,
            "kind": np.array(own_kind)[line],
        }
    )  # fmt: skip


def _alleys(lots: pd.DataFrame, lines: tuple[Floats, Floats], patch: Patch) -> pd.DataFrame:
    """Alleys between columns of lots, from street to street; a block at a barrier has a dead end."""
    here = lots[(lots["k"] > 0) & (lots["r"] == 0)]
    j = here["j"].to_numpy()
    barred = [*patch.barrier_rows]
    y0 = np.where(np.isin(j, barred), lines[1][j] + STUB_M, lines[1][j])
    y1 = np.where(np.isin(j + 1, barred), lines[1][j + 1] - STUB_M, lines[1][j + 1])
    return pd.DataFrame({"i": here["i"].to_numpy(), "j": j, "x": here["cut"].to_numpy(), "y0": y0, "y1": y1})


def _numbered(lots: pd.DataFrame, specs: list[Patch]) -> pd.DataFrame:
    """``lots`` with ``unit_code``, ``subdistrict`` and the communities' ``serial`` within their unit."""
    lots["unit_code"] = np.array([spec.unit_code for spec in specs])[lots["patch"]]
    lots["subdistrict"] = np.array([spec.subdistrict for spec in specs])[lots["patch"]]
    mine = lots[lots["batch"] != ""]
    batch = mine["batch"].map({name: k for k, name in enumerate(BATCHES)})
    key = mine.assign(added=mine["patch"] >= len(PATCHES), free=~mine["drawn"], plan=batch)
    order = key.sort_values(["unit_code", "added", "free", "plan", "patch", "rank"], kind="stable")
    lots["serial"] = 0
    lots.loc[order.index, "serial"] = order.groupby("unit_code").cumcount() + 1
    lots.index.name = "lot"
    return lots
