"""Land-use codes: never without their system, never mixed, converted only with ambiguities shown.

Three systems in daily use write 0702, 05, 10 or 1201 for different things (``land_codes.toml`` has
the classes). Here a code is read within its system, its name and mapping colour looked up, its
counterparts in another system listed (all of them), and uses compared between systems on the broad
use they share. A class the tables do not hold is unknown, not an error: cities have local classes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from gis_renovation.errors import ConfigError, DataError, Finding, by_key
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.schemas import layer_schema, nearest_names
from gis_renovation.shipped import shipped
from gis_renovation.words import Text

RGB = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class LandClass:
    """One class of one system: its name, its broad use, and whether the list it stands in was read."""

    code_system: str
    code: str
    label: Text
    use: str
    confirmed: bool


@dataclass(frozen=True)
class CodeTables:
    """All of ``land_codes.toml``, read once."""

    systems: Mapping[str, Text]
    classes: Mapping[tuple[str, str], LandClass]
    colours: Mapping[tuple[str, str], RGB]
    conversions: Mapping[tuple[str, str, str], tuple[str, ...]]
    words: tuple[tuple[str, str], ...]
    uses: Mapping[str, Text]


@lru_cache(maxsize=1)
def code_tables() -> CodeTables:
    """The shipped tables of land-code systems."""
    raw = tomllib.loads(shipped("land/land_codes.toml").read_text(encoding="utf-8"))
    classes = {
        (system, code): LandClass(
            code_system=system, code=code, label=Text(zh, en), use=use, confirmed=table["confirmed"]
        )
        for system, table in raw["systems"].items()
        for code, (zh, en, use) in table["classes"].items()
    }
    return CodeTables(
        systems=MappingProxyType({name: Text(*table["label"]) for name, table in raw["systems"].items()}),
        classes=MappingProxyType(classes),
        colours=MappingProxyType(
            {(system, code): tuple(rgb) for system, codes in raw["colours"].items() for code, rgb in codes.items()}
        ),
        conversions=MappingProxyType(
            {
                (source, target, code): tuple(codes)
                for source, targets in raw["conversions"].items()
                for target, table in targets.items()
                for code, codes in table.items()
            }
        ),
        words=tuple((word, group["use"]) for group in raw["uses"] for word in group["words"]),
        uses=MappingProxyType({name: Text(*label) for name, label in raw["broad_uses"].items()}),
    )


def land_class(code_system: str, code: str) -> LandClass | None:
    """The class of ``code`` in its system, or of its nearest listed parent; None where there is none.

    A longer code than the tables hold belongs to its parent (070102 to 0701 to 07).
    """
    classes = code_tables().classes
    for length in range(len(code), 0, -1):
        if (code_system, code[:length]) in classes:
            return classes[code_system, code[:length]]
    return None


def class_label(code_system: str, code: str) -> Text:
    """Code and name for a table; a class the tables do not hold says so."""
    found = land_class(code_system, code)
    if found is None:
        return Text(f"{code}（对照表未收录）", f"{code} (not in the tables)")
    if found.code != code:
        return Text(f"{code}（属 {found.code} {found.label.zh}）", f"{code} (of {found.code} {found.label.en})")
    return Text(f"{code} {found.label.zh}", f"{code} {found.label.en}")


def foreign_code(code_system: str, code: str) -> Text | None:
    """That a code the stated system does not hold stands in other systems: perhaps the wrong one was stated."""
    tables = code_tables()
    if land_class(code_system, code) is not None:
        return None
    others = [name for name in tables.systems if name != code_system and land_class(name, code) is not None]
    if not others:
        return None
    zh, en = (
        "、".join(tables.systems[name].zh for name in others),
        ", ".join(tables.systems[name].en for name in others),
    )
    return Text(
        f"所注明的体系没有此代码，见于{zh}；请核对体系", f"not in the stated system but in {en}; check the system"
    )


def systems_with(codes: Iterable[str]) -> tuple[str, ...]:
    """The systems that hold every one of ``codes``, in the order of the tables; none for no codes.

    A longer code of digits belongs to its listed parent; one with a letter (08H2) is in its own system alone.
    """
    tables, wanted = code_tables(), set(codes)

    def holds(name: str, code: str) -> bool:
        return (name, code) in tables.classes or (code.isdigit() and land_class(name, code) is not None)

    return tuple(name for name in tables.systems if wanted and all(holds(name, code) for code in wanted))


def class_colour(code_system: str, code: str) -> RGB | None:
    """Red, green, blue of the mapping standard for a class, through its counterpart of 2023.

    None where the standard gives none, or where the counterparts differ in colour.
    """
    tables = code_tables()
    targets = [code] if code_system == "sea_land_2023" else list(convert_code(code_system, code, "sea_land_2023"))
    found = set()
    for target in targets:
        lengths = (
            length for length in range(len(target), 0, -1) if ("sea_land_2023", target[:length]) in tables.colours
        )
        length = next(lengths, 0)
        found.add(tables.colours[("sea_land_2023", target[:length])] if length else None)
    return found.pop() if len(found) == 1 else None


def convert_code(source: str, code: str, target: str) -> tuple[str, ...]:
    """Every class of system ``target`` that ``code`` of system ``source`` may become.

    Exactly one is a conversion; several are an ambiguity to be resolved by a person; none means that
    the tables hold no counterpart. The tables follow the classes' names and are no official table.
    """
    if source == target:
        return (code,)
    found = land_class(source, code)
    return code_tables().conversions.get((source, target, found.code), ()) if found else ()


def broad_uses(code_system: str, code: str) -> frozenset[str]:
    """The broad uses ``code`` may stand for; empty where unknown."""
    found = land_class(code_system, code)
    return frozenset({found.use}) if found else frozenset()


def registered_uses(words: str) -> frozenset[str]:
    """The broad uses named by a certificate's wording, such as 城镇住宅用地/商业服务业用地.

    Each part between slashes, commas or 、 is read by itself; empty where no part is understood.
    """
    parts = [words]
    for mark in ("/", "、", "，", ",", "；", ";", "兼"):
        parts = [piece for part in parts for piece in part.split(mark)]
    found = (next((use for word, use in code_tables().words if word in part), None) for part in parts)
    return frozenset(use for use in found if use)


def require_one_system(frame: pd.DataFrame, layer: str, *, code: str) -> str | None:
    """The one code system of all features of ``layer`` that have a code; None if none has a code.

    Raises DataError naming the features when a code stands without its system, when the system is
    not one the program knows, or when two systems are mixed. Nothing is guessed from the codes.
    """
    if code not in frame.columns or not frame[code].notna().any():
        return None
    coded = frame[frame[code].notna()].reindex(columns=[code, "code_system"])
    systems = coded["code_system"]
    bare = systems.isna()
    known = set(layer_schema("parcels").fields["code_system"].values)
    strange = sorted(set(systems.dropna()) - known)
    present = sorted(set(systems.dropna()))
    faults = []
    if bare.any():
        line = _system_line(layer, coded.loc[bare, code])
        zh = f"有地类代码而没有注明用地分类体系（code_system）；同一代码在不同体系中含义不同，{line.zh}"
        en = f"a land code stands without its code_system; the same code means different things in each. {line.en}"
        faults.append(_fault(layer, "code_without_system", zh, en, coded.index[bare]))
    if strange:
        near = nearest_names(strange[0], known)
        zh = f"未知的用地分类体系 {'、'.join(strange)}{f'；是否指 {near}？' if near else ''}"
        en = f"unknown code system {', '.join(strange)}{f'; did you mean {near}?' if near else ''}"
        faults.append(_fault(layer, "unknown_code_system", zh, en, coded.index[systems.isin(strange)]))
    if len(present) > 1:
        zh = f"同一图层混用了 {len(present)} 个用地分类体系（{'、'.join(present)}），不能一起统计；请分层或先转换。"
        en = f"one layer mixes {len(present)} code systems ({', '.join(present)}); split it or convert it first."
        fewest = systems.value_counts().index[-1]
        faults.append(_fault(layer, "mixed_code_systems", zh, en, coded.index[systems == fewest]))
    if faults:
        raise DataError(faults)
    return str(present[0])


def _system_line(layer: str, codes: pd.Series) -> Text:
    """The line of the card that states a layer's system: that of the only one that holds all codes, if there is one."""
    holds = systems_with(str(one) for one in codes)
    labels = layer_schema("parcels").fields["code_system"].values
    listed = Text(
        "、".join(f"{name} {label.zh}" for name, label in labels.items()),
        ", ".join(f"{name} {label.en}" for name, label in labels.items()),
    )
    line = f'code_system = {{ value = "{(holds or tuple(labels))[0]}" }}'
    why = Text("（只有它含有全部这些代码，请核实）", ", the only one that holds all these codes, to be confirmed")
    if len(holds) != 1:
        why = Text("（以提供单位所用的为准）", ", or whichever the owner uses")
    return Text(
        f"请在 layers/{layer}.toml 的 [columns] 写 {line}{why.zh}；可用：{listed.zh}。",
        f"Write {line} in [columns] of layers/{layer}.toml{why.en}; known: {listed.en}.",
    )


def _fault(layer: str, code: str, zh: str, en: str, ids: Iterable[object]) -> Finding:
    return Finding(
        severity="error", code=code, layer=layer, field="code_system", text=Text(zh, en), features=by_key(ids)
    )


# --- codes of other systems -----------------------------------------------------------------------

CONVERSION_COLUMNS = (
    "code_system",
    "code",
    "label_zh",
    "label_en",
    "target_system",
    "target_code",
    "target_label_zh",
    "target_label_en",
    "ambiguity",
    "note_zh",
    "note_en",
)
_AMBIGUITY_NOTES = {
    "one": Text("名称对应，唯一", "one counterpart by name"),
    "several": Text("一对多，须由规划或调查部门按实地用途确定", "several: the bureau has to decide by the actual use"),
    "none": Text("对照表无对应类别，须人工确定", "the tables hold no counterpart: a person has to decide"),
}


@layers_on_text_ids
def list_code_conversions(
    land_survey: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    *,
    target_system: str = "sea_land_2023",
) -> pd.DataFrame:
    """What each land code of the project may become in another code system, every ambiguity a row of its own.

    No data are converted: the table is for the officer who compares a survey of one system with a
    plan of another. It follows the classes' names and is no official table.

    Parameters
    ----------
    land_survey, planned_use, parcels
        Layers with codes and their ``code_system``; ``None`` is a layer nobody has.
    target_system
        The system codes are compared in. Codes of that system itself are not listed.

    Returns
    -------
    DataFrame by code_system, code and target_code: the class, the class it may become, ambiguity
    (one, several, none) and a note. A code without counterpart is one row without target. Nothing to
    convert: no rows.

    Raises
    ------
    ConfigError for a system nobody knows; DataError for codes without, with an unknown, or with more
    than one code system. O(features).

    Examples
    --------
    The survey's 0702, a rural homestead, is not the 0702 of the classes of 2023:

    >>> import pandas as pd
    >>> survey = pd.DataFrame({"code_system": ["survey"], "land_use_code": ["0702"]}, index=["T1"])
    >>> list_code_conversions(survey)[["code", "target_code", "ambiguity"]].to_numpy().tolist()
    [['0702', '0703', 'one']]
    """
    systems = code_tables().systems
    if target_system not in systems:
        near, known = nearest_names(target_system, systems), ", ".join(systems)
        raise ConfigError(
            f"target_system：没有用地分类体系 {target_system}{f'；是否指 {near}？' if near else ''} 可用：{known}。",
            f"target_system: no code system {target_system}{f'; did you mean {near}?' if near else ''} Known: {known}.",
        )
    found: set[tuple[str, str]] = set()
    for layer, name, column in (
        (land_survey, "land_survey", "land_use_code"),
        (planned_use, "planned_use", "planned_use_code"),
        (parcels, "parcels", "land_use_code"),
        (parcels, "parcels", "planned_use_code"),
    ):
        system = None if layer is None else require_one_system(layer, name, code=column)
        if layer is not None and system is not None and system != target_system:
            found |= {(system, str(code)) for code in layer[column].dropna().unique()}
    rows = [row for system, code in sorted(found) for row in _conversion_rows(system, code, target_system)]
    return pd.DataFrame(rows, columns=list(CONVERSION_COLUMNS)).astype("str")


def _conversion_rows(system: str, code: str, target: str) -> list[dict[str, str]]:
    counterparts = convert_code(system, code, target)
    ambiguity = "none" if not counterparts else "one" if len(counterparts) == 1 else "several"
    own, note = class_label(system, code), _AMBIGUITY_NOTES[ambiguity]
    shared = {"code_system": system, "code": code, "label_zh": own.zh, "label_en": own.en, "target_system": target,
              "ambiguity": ambiguity, "note_zh": note.zh, "note_en": note.en}  # fmt: skip
    if not counterparts:
        return [shared]
    labels = [(other, class_label(target, other)) for other in sorted(counterparts)]
    return [
        shared | {"target_code": other, "target_label_zh": label.zh, "target_label_en": label.en}
        for other, label in labels
    ]
