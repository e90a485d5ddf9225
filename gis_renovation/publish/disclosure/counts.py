"""Small counts stay behind, and nothing published gives them back: no total, no share, no sentence, no earlier edition.

A count of households or people below k would say something about single households. It is withheld,
and so is whatever would let a reader compute it (:mod:`gis_renovation.publish.disclosure.totals`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags
from gis_renovation.publish.disclosure.earlier import equations, places_of
from gis_renovation.publish.disclosure.record import HOUSEHOLDS, Record
from gis_renovation.publish.disclosure.totals import (
    SAME_SUM,
    StatedSums,
    Total,
    parts_of,
    published_totals,
    total_groups,
    withhold_parts,
)
from gis_renovation.schemas import layer_schemas
from gis_renovation.sentences import sentence_facts

# Counts of these units speak of households and people.
PERSONAL_UNITS = ("户", "人")

# How texts of the city's own, names, titles and notes, state a count.
_IN_WORDS = re.compile(
    r"(?<![\d.,A-Za-z])(\d[\d,]*)\s*(?:户(?!外|型|均)|人(?!行|大|民)|households?\b|people\b|residents?\b)"
    r"|[户人]数\s*[为达共：:]?\s*约?\s*(\d[\d,]*)"
    r"|\b(?:households|people|residents) (?:would reach )?(?:about )?(\d[\d,]*)"
)
# A limit of the project's own settings is nobody's count.
_LIMIT = re.compile(r"[上下]限\s*\d[\d,]*\s*户")
# Money of single works is no matter for the public, and no column of it is: sentences must not tell it either.
_MONEY = re.compile(r"\d\s*[万亿]?元(?!旦)|\d\s*yuan\b")
# Most texts are names and ids; one look tells that they state neither.
_TELLING = re.compile(r"[户人元]|household|people|resident|yuan")


def small_counts(values: pd.Series[Any], k: int) -> Flags:
    """Counts from 1 to k - 1; zero says that nobody is there and may be told, unknown is no count."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray((numbers > 0) & (numbers < k))


class _Withholding:
    """Frames from which cells are taken, with a record of which: layer -> column -> keys."""

    def __init__(self, selected: Mapping[str, pd.DataFrame]) -> None:
        self.frames = {name: frame.copy() for name, frame in selected.items()}
        self.gone: dict[str, dict[str, set[str]]] = {}

    def take(self, layer: str, column: str, mask: Flags) -> None:
        """Withhold the cells of ``mask`` that hold something; a layer or column that did not leave is no matter."""
        if layer not in self.frames or column not in self.frames[layer].columns:
            return
        frame = self.frames[layer]
        there = np.asarray(mask) & frame[column].notna().to_numpy()
        if there.any():
            self.gone.setdefault(layer, {}).setdefault(column, set()).update(str(key) for key in frame.index[there])
            frame[column] = frame[column].mask(pd.Series(there, index=frame.index))

    def is_gone(self, layer: str, column: str) -> Flags:
        """Which rows of a layer have that cell withheld."""
        keys = self.gone.get(layer, {}).get(column, set())
        return np.array([str(key) in keys for key in self.frames[layer].index], dtype=bool)


def withhold_small_counts(
    selected: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame], k: int, *, before: Record | None = None
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, list[str]]]]:
    """``selected`` without small counts and all that would give them back, and which: layer -> column -> keys.

    Every published column counted in households or people is looked at. ``layers`` knows the members
    of every total, also where the table of members is not published. ``before`` is what earlier
    editions said, :func:`settled`: what was withheld stays withheld, and what was shown cannot be hidden behind.
    """
    listed, selected = selected, {name: _with_told(name, frame, layers) for name, frame in selected.items()}
    work = _Withholding(selected)
    before = before or Record()
    for name, frame in selected.items():
        for column in personal_columns(name, frame):
            work.take(name, column, small_counts(frame[column], k) | _withheld_before(frame, before, name, column))
        for whole, part in _nested_columns(name, frame):
            difference = pd.to_numeric(frame[whole], errors="coerce") - pd.to_numeric(frame[part], errors="coerce")
            work.take(name, part, small_counts(difference, k))
    if "communities" in layers and "households" in layers["communities"].columns:
        _withhold_sums(work, selected, layers, k, before)
    for name in selected:
        _withhold_ratios(work, name)
    _withhold_sentences(work, layers, k)
    gone = {
        layer: {column: sorted(keys) for column, keys in sorted(columns.items()) if column in listed[layer].columns}
        for layer, columns in sorted(work.gone.items())
    }
    extra = {name: [c for c in frame.columns if c not in listed[name].columns] for name, frame in work.frames.items()}
    frames = {name: frame.drop(columns=extra[name]) for name, frame in work.frames.items()}
    return frames, {layer: columns for layer, columns in gone.items() if columns}


Reason = Literal["small", "before", "computable", "ratio", "sentence"]


def withheld_reasons(
    selected: Mapping[str, pd.DataFrame],
    gone: Mapping[str, Mapping[str, list[str]]],
    k: int,
    *,
    before: Record | None = None,
) -> dict[str, dict[str, dict[Reason, list[str]]]]:
    """Why each cell of ``gone`` was withheld: layer -> column -> reason -> keys, for the reviewers.

    ``selected`` are the frames before anything was withheld. ``small``: the count is below ``k``.
    ``before``: this or another public edition withheld it before. ``computable``: a total or another
    count would tell it or a small one. ``ratio``: a share or average of such a count. ``sentence``: a text
    that states one, or money. The first that is true counts. O(cells withheld).
    """
    why: dict[str, dict[str, dict[Reason, list[str]]]] = {}
    for name, columns in gone.items():
        frame = selected[name]
        counts = personal_columns(name, frame)
        for column, keys in columns.items():
            own = why.setdefault(name, {}).setdefault(column, {})
            if column not in counts:
                own["ratio" if column in _ratios(frame) else "sentence"] = list(keys)
                continue
            small = {str(key) for key in frame.index[small_counts(frame[column], k)]}
            withheld = _withheld_before(frame, before or Record(), name, column)
            earlier = {str(key) for key in frame.index[withheld]}
            for key in keys:
                own.setdefault("small" if key in small else "before" if key in earlier else "computable", []).append(
                    key
                )
    return why


def _with_told(name: str, frame: pd.DataFrame, layers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """``frame`` with the counts that its shares and averages tell: a share of a known total is as good as its part."""
    whole = layers.get(name)
    if whole is None or not _ratios(frame):
        return frame
    told = ["households", *(column.removesuffix("_share") for column in _ratios(frame))]
    added = [column for column in told if column in whole.columns and column not in frame.columns]
    return frame.assign(**{column: whole[column].reindex(frame.index) for column in dict.fromkeys(added)})


def _ratios(frame: pd.DataFrame) -> list[str]:
    return [str(column) for column in frame.columns if re.search(r"households_share$|_per_household", str(column))]


def counts_shown(
    made: Mapping[str, pd.DataFrame],
    gone: Mapping[str, Mapping[str, list[str]]],
    before: Record,
    layers: Mapping[str, pd.DataFrame],
    k: int,
) -> Record:
    """What this edition and all before it told of counts. Nothing unpublished.

    Its sums are those of communities whose counts were withheld though the sum could be computed: of the
    next edition's total, with one community more or less, it would tell that one.
    """
    said = {layer: {column: dict(cells) for column, cells in columns.items()} for layer, columns in before.said.items()}
    for layer, frame in sorted(made.items()):
        for column in personal_columns(layer, frame):
            cells = said.setdefault(layer, {}).setdefault(column, {})
            numbers = pd.to_numeric(frame[column], errors="coerce")
            cells |= {str(key): float(value) for key, value in numbers.items() if not pd.isna(value)}
            cells |= dict.fromkeys(gone.get(layer, {}).get(column, []))
    places, listed = layers.get("communities"), made.get("communities")
    if places is None or "households" not in places.columns:
        return before.model_copy(update={"said": said})
    small = {str(key) for key in places.index[small_counts(places["households"], k)]}
    return before.model_copy(
        update={
            "said": said,
            "sums": {**before.sums, **_sums(made, layers)},
            "small": (before.small or frozenset()) | small,
            "places": {**before.places, **({} if listed is None else places_of(listed, places))},
        }
    )


def stated_sums(
    made: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame], hidden: Collection[str]
) -> dict[tuple[str, ...], float]:
    """Sums of the communities ``hidden`` as the totals of an edition state them, where their numbers are not known.

    A total less the counts that the edition shows. O(communities x lines).
    """
    shown = parts_of(layers["communities"])
    counts = {str(key): number for key, number in zip(layers["communities"].index, shown, strict=True)}
    withheld, sums = set(hidden), StatedSums(made)
    found = {}
    for layer, column, key, members in total_groups(made, layers):
        stated = sums.of(layer, column, key)
        own = tuple(sorted({str(member) for member in members} & withheld))
        if own and stated is not None:
            found[own] = stated - float(np.nansum([counts.get(str(member), 0.0) for member in set(members)]))
    return found


def _sums(made: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame]) -> dict[tuple[str, ...], float]:
    """What readers can compute of the communities withheld: a total less its open parts, by the ids of the others."""
    places = layers["communities"]
    listed = made.get("communities", pd.DataFrame())
    shown = listed["households"] if "households" in listed.columns else pd.Series(dtype=float)
    hidden = shown.reindex(places.index).isna().to_numpy() & (np.nan_to_num(parts_of(places)) > 0)
    wide = {name: _with_told(name, frame, layers) for name, frame in made.items()}
    found = {}
    for total in published_totals(wide, layers):
        own = total.members[hidden[total.members]]
        if total.layer and len(own):
            found[tuple(sorted(str(key) for key in places.index[own]))] = float(np.sum(parts_of(places)[own]))
    return found


def personal_columns(name: str, frame: pd.DataFrame) -> list[str]:
    """Columns counted in households or people."""
    schema = layer_schemas().get(name)
    if schema is None:
        return []
    return [
        field.name
        for field in schema.fields.values()
        if field.unit in PERSONAL_UNITS and field.name in frame.columns and field.type in {"integer", "number"}
    ]


def _nested_columns(name: str, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of a whole and a part of it in one row: households and started_households."""
    columns = personal_columns(name, frame)
    return [(whole, part) for whole in columns for part in columns if part != whole and part.endswith(f"_{whole}")]


def _withheld_before(frame: pd.DataFrame, before: Record, name: str, column: str) -> Flags:
    said = before.said.get(name, {}).get(column, {})
    withheld = {key for key, number in said.items() if number is None}
    if (name, column) == HOUSEHOLDS:
        # What a community became may not tell what it was.
        for link in sorted(before.links):
            withheld.update(link.after if withheld & set(link.before) else ())
    return np.array([str(key) in withheld for key in frame.index], dtype=bool)


def _withhold_sums(
    work: _Withholding,
    selected: Mapping[str, pd.DataFrame],
    layers: Mapping[str, pd.DataFrame],
    k: int,
    before: Record,
) -> None:
    """Parts and totals of households of communities."""
    places = layers["communities"]
    values, shown, earlier = parts_of(places), before.households(), equations(before, places)
    known = np.array(
        [shown.get(str(key)) == value for key, value in zip(places.index, values, strict=True)], dtype=bool
    )
    listed = selected.get("communities", pd.DataFrame())
    hidden = ~places.index.isin(listed.index) | ("households" not in listed.columns)
    hidden |= small_counts(places["households"], k) | _withheld_before(places, before, *HOUSEHOLDS)
    totals = [
        total._replace(fixed=total.fixed or _told_before(total, places, hidden, before))
        for total in published_totals(selected, layers)
        if not _is_withheld(work, total.layer, total.column, total.key)
    ]
    hidden, gone = withhold_parts(
        np.r_[values, earlier.values],
        np.r_[hidden, ~earlier.known],
        np.r_[known, earlier.known],
        [*totals, *earlier.totals],
        k,
        small=np.r_[np.zeros(len(values), dtype=bool), earlier.small],
    )
    if "communities" in work.frames:
        rows = places.index.get_indexer(work.frames["communities"].index)
        work.take("communities", "households", np.where(rows >= 0, hidden[rows], True))
    for at in gone:
        index = work.frames[totals[at].layer].index
        work.take(totals[at].layer, totals[at].column, np.asarray(index == totals[at].key))
    audited = {(total.layer, total.column, str(total.key)) for total in totals}
    if (small_counts(places["households"], k)).any():
        _withhold_unaudited(work, selected, audited)


def _told_before(total: Total, places: pd.DataFrame, hidden: Flags, before: Record) -> bool:
    """Whether earlier editions told this very sum of these very communities: withholding it takes nothing back."""
    own = total.members[hidden[total.members] & (np.nan_to_num(parts_of(places)[total.members]) > 0)]
    told = before.sums.get(tuple(sorted(str(key) for key in places.index[own])))
    return told is not None and abs(told - float(np.sum(parts_of(places)[own]))) < SAME_SUM


def _is_withheld(work: _Withholding, layer: str, column: str, key: object) -> bool:
    return str(key) in work.gone.get(layer, {}).get(column, set())


def _withhold_unaudited(
    work: _Withholding, selected: Mapping[str, pd.DataFrame], audited: set[tuple[str, str, str]]
) -> None:
    """Sums whose making is not known are withheld while there is any small count they might be made of."""
    for name, frame in selected.items():
        if name == "communities":
            continue
        for column in personal_columns(name, frame):
            work.take(name, column, np.array([(name, column, str(key)) not in audited for key in frame.index]))


def _withhold_ratios(work: _Withholding, name: str) -> None:
    """Shares and averages that give a withheld count of their row back."""
    frame = work.frames[name]
    ratios = _ratios(frame)
    counts = [str(c) for c in personal_columns(name, frame)]
    if ratios and counts:
        mask = np.any([work.is_gone(name, column) for column in counts], axis=0)
        for ratio in ratios:
            work.take(name, ratio, mask)


class _Told(NamedTuple):
    """What one text tells: counts of households or people, and whether it tells money."""

    counts: frozenset[float] = frozenset()
    money: bool = False


class _Rule(NamedTuple):
    """Which texts may not leave: ``secret`` counts are withheld elsewhere, ``guarded`` while any count is."""

    k: int
    secret: frozenset[float]
    guarded: bool

    def forbids(self, told: _Told, open_counts: frozenset[float], *, prose: bool) -> bool:
        """Whether a text tells a small or a secret count; prose neither money nor a sum no open cell states."""
        small = any(0 < number < self.k or number in self.secret for number in told.counts)
        return small or (prose and (told.money or (self.guarded and not told.counts <= open_counts)))


def _withhold_sentences(work: _Withholding, layers: Mapping[str, pd.DataFrame], k: int) -> None:
    """Texts that state a count which is small or withheld elsewhere, or a sum that no open cell of their row states.

    “With C9 it would be 1,503 households” tells C9's by the zone's own 1,500; a name is no such sentence.
    """
    rule = _rule(work, layers, k)
    for name, frame in list(work.frames.items()):
        open_counts = _open_counts(name, frame)
        for column in frame.columns:
            if str(frame[column].dtype) != "geometry" and not pd.api.types.is_numeric_dtype(frame[column].dtype):
                prose = not str(column).endswith("name")
                told = zip(_told(frame, str(column), layers.get(name)), open_counts, strict=True)
                mask = [rule.forbids(each, own, prose=prose) for each, own in told]
                work.take(name, str(column), np.array(mask, dtype=bool))


def _rule(work: _Withholding, layers: Mapping[str, pd.DataFrame], k: int) -> _Rule:
    secret = frozenset(
        float(value)
        for layer, columns in work.gone.items()
        for column, keys in columns.items()
        if layer in layers and column in personal_columns(layer, layers[layer])
        for key, value in pd.to_numeric(layers[layer][column], errors="coerce").items()
        if str(key) in keys
    )
    places = layers.get("communities", pd.DataFrame({"households": []}))
    small = "households" in places.columns and bool(small_counts(places["households"], k).any())
    return _Rule(k, secret, guarded=bool(secret) or small)


def _told(frame: pd.DataFrame, column: str, whole: pd.DataFrame | None) -> list[_Told]:
    """What each text of a column tells: the program's own sentences know it, of all others the words are read.

    Sentences are known by the keys of the layer they were written in; where these are gone, or not one a row,
    the words are read too.
    """
    same_keys = whole is not None and frame.index.name is not None and frame.index.name == whole.index.name
    facts = sentence_facts(whole, column) if whole is not None and same_keys and whole.index.is_unique else None
    if facts is None:
        return [read_words(text) for text in frame[column]]
    known = {key: _Told(frozenset(told.counts), bool(told.money_yuan)) for key, told in facts.items()}
    return [known.get(str(key), _Told()) for key in frame.index]


def read_words(text: object) -> _Told:
    """What the words of a text tell."""
    if not isinstance(text, str) or _TELLING.search(text) is None:
        return _Told()
    stated = [n for found in _IN_WORDS.findall(_LIMIT.sub("", text)) for n in found if n]
    return _Told(frozenset(float(number.replace(",", "")) for number in stated), bool(_MONEY.search(text)))


def _open_counts(name: str, frame: pd.DataFrame) -> list[frozenset[float]]:
    """The counts of households and people that stand open in each row."""
    columns = personal_columns(name, frame)
    if not columns:
        return [frozenset()] * len(frame)
    numbers = frame[columns].apply(pd.to_numeric, errors="coerce").astype(float)
    return [frozenset(row[~np.isnan(row)].tolist()) for row in numbers.to_numpy()]
