"""Rules as data: a threshold, where it comes from, and three-valued judgement.

A rule pack is a TOML file with a name and a version. What a standard or law demands carries its
standard, clause and edition; what nobody confirmed is a ``parameter`` and says so in every result.
A later pack (a city's own) may change earlier rules, only by ``[override.<id>]``, and the changed
rule tells what it replaced.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Floats
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schemas, nearest_names
from gis_renovation.verdicts import NO, UNKNOWN, YES, Verdict, Verdicts, verdicts_of
from gis_renovation.words import NO_TEXT, Text

Operator = Literal[">=", "<=", ">", "<", "in"]
Role = Literal["decides", "notes"]
Force = Literal["mandatory", "guide", "parameter"]

FORCE_LABELS: Final[Mapping[Force, Text]] = {
    "mandatory": Text("强制", "mandatory"),
    "guide": Text("引导", "guide"),
    "parameter": Text("参数，未经标准确认", "parameter, not confirmed by a standard"),
}
OPERATOR_SIGNS: Final[Mapping[str, str]] = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "in": "∈"}


# --- a rule ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One threshold with its source.

    ``layer`` and ``measure`` say what is judged; numbers use ``>= <= > <`` against ``value``, words
    use ``in`` against a tuple; a measure named ``…_share`` is a share, any
    other number without ``unit`` an index. ``role`` *decides* (a no
    excludes, an unknown keeps from passing) or only *notes*. ``failing`` is the verdict of a value
    that misses the threshold: ``unknown`` where a person must look before anyone may say no.
    ``undecided`` lists words that leave it unknown. ``least_width_m`` is how wide the ground of a use must be
    besides, always a parameter, ``least_width_source`` where it is taken from.
    ``force`` is ``parameter`` for every number no read standard confirms. ``pack`` is name@version;
    ``replaces`` tells which value a city's override took the place of.
    """

    id: str
    layer: str
    measure: str
    operator: Operator
    value: float | tuple[str, ...]
    text: Text
    unit: str = ""
    role: Role = "decides"
    force: Force = "parameter"
    standard: str = ""
    clause: str = ""
    edition: str = ""
    failing: Verdict = "no"
    undecided: tuple[str, ...] = ()
    least_width_m: float | None = None
    least_width_source: Text = NO_TEXT
    pack: str = ""
    replaces: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether a standard, law or adopted document that was read holds this rule."""
        return self.force != "parameter"

    @property
    def source(self) -> Text:
        """Where the rule comes from, in one line for a table."""
        reference = " ".join(part for part in (self.standard, self.clause) if part)
        reference += f"（{self.edition}）" if self.edition else ""
        force = FORCE_LABELS[self.force]
        if self.confirmed:
            zh, en = f"{reference}；{force.zh}", f"{reference}; {force.en}"
        else:
            zh = f"{force.zh}" + (f"；参考 {reference}" if reference else "")
            en = f"{force.en}" + (f"; compare {reference}" if reference else "")
        if self.least_width_m is not None:
            width, of = f"{self.least_width_m:g} m", self.least_width_source
            zh, en = f"{zh}；最小宽度 {width} 为参数（{of.zh}）", f"{en}; least width {width}: parameter ({of.en})"
        if self.replaces:
            zh, en = f"{zh}；替换 {self.replaces}", f"{en}; replaces {self.replaces}"
        return Text(f"{zh}；{self.pack}" if self.pack else zh, f"{en}; {self.pack}" if self.pack else en)

    @property
    def threshold(self) -> str:
        """The threshold as a person reads it, such as ``≥ 150 m²``, ``≤ 10%`` of a share, ``≤ -0.2`` of an index."""
        sign = OPERATOR_SIGNS[self.operator]
        if isinstance(self.value, tuple):
            return f"{sign} {'/'.join(self.value)}"
        if self.unit:
            return f"{sign} {self.value:g} {self.unit}"
        return f"{sign} {100.0 * self.value:.4g}%" if self.is_share else f"{sign} {self.value:g}"

    @property
    def is_share(self) -> bool:
        """Whether the measure is a part of a whole, read in per cent; an index without unit is none."""
        return not self.unit and self.measure.endswith("_share")


def judge_numbers(rule: Rule, values: Floats) -> tuple[Verdicts, Floats]:
    """Verdict of each number and how far a failing one is from passing, in the rule's unit.

    NaN is unknown. The distance is NaN for what passes or is unknown, and 0 for a value that sits
    exactly on a bound which excludes it. O(n).
    """
    if isinstance(rule.value, tuple):
        raise _wrong_kind(rule, "number")
    known = ~np.isnan(values)
    bound = rule.value
    with np.errstate(invalid="ignore"):
        passes = {">=": values >= bound, "<=": values <= bound, ">": values > bound, "<": values < bound}[rule.operator]
    distance = np.where(known & ~passes, np.abs(values - bound), np.nan)
    return _soften(rule, verdicts_of(passes, known)), distance


def judge_words(rule: Rule, values: NDArray[np.object_]) -> Verdicts:
    """Verdict of each word; None and the rule's ``undecided`` words are unknown. O(n)."""
    if not isinstance(rule.value, tuple):
        raise _wrong_kind(rule, "word")
    outcome: dict[Any, int] = dict.fromkeys(rule.value, YES) | dict.fromkeys(rule.undecided, UNKNOWN)
    outcome[None] = UNKNOWN
    return _soften(rule, np.fromiter((outcome.get(value, NO) for value in values), np.int8, len(values)))


def _soften(rule: Rule, verdicts: Verdicts) -> Verdicts:
    if rule.failing == "unknown":
        return np.where(verdicts == NO, UNKNOWN, verdicts).astype(np.int8)
    return verdicts


def _wrong_kind(rule: Rule, needed: Literal["number", "word"]) -> ConfigError:
    if needed == "number":
        return ConfigError(
            f"规则 {rule.id}：{rule.measure} 是数字，应使用大小比较（>= <= > <）和一个数字。",
            f"Rule {rule.id}: {rule.measure} is a number; compare it by >= <= > or < with a number.",
        )
    return ConfigError(
        f'规则 {rule.id}：{rule.measure} 是文字，应使用 operator = "in" 和文字列表。',
        f'Rule {rule.id}: {rule.measure} is a word; use operator = "in" with a list of words.',
    )


# --- packs ----------------------------------------------------------------------------------------

_REQUIRED = ("layer", "measure", "operator", "value", "text")
_TEXTS = ("layer", "measure", "operator", "unit", "role", "force", "standard", "clause", "edition", "failing")
_WIDTH = ("least_width_m", "least_width_source")
_KEYS = (*_TEXTS, "value", "text", "undecided", *_WIDTH)
# What of a plot may be asked to be of some width: its ground, and a building on it.
_OF_WIDTH = ("area_m2", "rectangle_m2")
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "operator": get_args(Operator),
    "role": get_args(Role),
    "force": get_args(Force),
    "failing": ("no", "unknown"),
}
_ID = re.compile(r"[a-z][a-z0-9_]*")
# Some of a rule's values by name, checked one by one when they were read.
Changes = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RulePack:
    """One rule file: its own rules, and changes to rules of earlier packs by id.

    ``place`` is the city whose documents it cites, ``area`` where that lies: left, bottom, right, top in degrees.
    """

    name: str
    version: str
    title: Text
    rules: tuple[Rule, ...]
    overrides: Mapping[str, Changes]
    place: Text | None = None
    area: tuple[float, ...] | None = None

    @property
    def label(self) -> str:
        """Name and version, as results cite it."""
        return f"{self.name}@{self.version}"


def read_rule_pack(text: str, *, where: str = "") -> RulePack:
    """A rule pack from the text of its TOML file; ``where`` names the file in errors.

    Raises ConfigError with every fault at once: broken TOML, a missing or unknown key (with the
    nearest known one), a value outside its choices, an unknown layer, a number for a word or the
    reverse, and a rule called mandatory or guide that names no standard or edition.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"规则包 {where}：不是有效的 TOML：{error}", f"Rule pack {where}: not TOML: {error}"
        ) from None
    faults: list[Text] = []
    _refuse_unknown(raw, ("pack", "rules", "override"), "", faults)
    head = _table(raw, "pack", faults)
    _refuse_unknown(head, ("name", "version", "title", "place", "area"), "[pack]", faults)
    faults += _place_faults(head)
    faults += [
        Text(f"[pack] 缺少 {key}（文字）", f"[pack] lacks {key} (text)")
        for key in ("name", "version")
        if not isinstance(head.get(key), str) or not head[key]
    ]
    if not _is_text_pair(head.get("title")):
        faults.append(Text("[pack] title 应为 [中文, 英文]", "[pack] title must be [Chinese, English]"))
    tables, overrides = _table(raw, "rules", faults), _table(raw, "override", faults)
    for name, table in tables.items():
        faults += _rule_faults(name, table, complete=True)
    for name, table in overrides.items():
        faults += _rule_faults(name, table, complete=False)
    _raise(faults, where or str(head.get("name", "")))
    label = f"{head['name']}@{head['version']}"
    return RulePack(
        name=head["name"],
        version=head["version"],
        title=Text(*head["title"]),
        rules=tuple(Rule(id=name, pack=label, **_rule_values(table)) for name, table in tables.items()),
        overrides={name: _rule_values(table) for name, table in overrides.items()},
        place=Text(*head["place"]) if "place" in head else None,
        area=tuple(map(float, head["area"])) if "area" in head else None,
    )


def _place_faults(head: Mapping[str, Any]) -> list[Text]:
    """What is wrong with where a pack belongs."""
    faults = []
    if "place" in head and not _is_text_pair(head["place"]):
        faults.append(Text("[pack] place 应为 [中文, 英文]", "[pack] place must be [Chinese, English]"))
    area = head.get("area", [-180.0, -90.0, 180.0, 90.0])
    numbers = isinstance(area, list) and len(area) == 4 and all(map(_is_number, area))
    if not numbers or not (area[0] < area[2] and area[1] < area[3]):
        zh, en = "[pack] area 应为 [西, 南, 东, 北]（度）", "[pack] area must be [west, south, east, north] in degrees"
        faults.append(Text(zh, en))
    return faults


def combine_packs(packs: Sequence[RulePack]) -> tuple[Rule, ...]:
    """All rules of ``packs`` in order, with later packs' overrides applied.

    Raises ConfigError with every fault at once: an id defined twice, an override of an id no earlier
    pack has, an override that changes a value without naming its own standard, or that leaves a
    rule without a source. O(rules).
    """
    rules: dict[str, Rule] = {}
    faults: list[Text] = []
    for pack in packs:
        for name, changes in pack.overrides.items():
            if name not in rules:
                near = _did_you_mean(name, rules)
                zh = f"{pack.label} 要替换的规则 {name} 不存在{near.zh}"
                faults.append(Text(zh, f"{pack.label} overrides {name}, which does not exist{near.en}"))
                continue
            faults += _override_faults(pack, rules[name], changes)
            rules[name] = _overridden(rules[name], changes, pack)
        for rule in pack.rules:
            if rule.id in rules:
                first, hint = rules[rule.id].pack, f"[override.{rule.id}]"
                zh = f"{pack.label} 重复定义了 {first} 的规则 {rule.id}；要替换请写 {hint}"
                faults.append(Text(zh, f"{pack.label} defines {rule.id} of {first} again; write {hint} to replace it"))
            rules[rule.id] = rule
    _raise(faults, ", ".join(pack.label for pack in packs))
    return tuple(rules.values())


def rules_for(rules: Sequence[Rule], layer: str, measures: Iterable[str]) -> tuple[Rule, ...]:
    """The rules on ``layer``, each of whose measures the caller can compute.

    Raises ConfigError when there is none, or when one asks for a measure not in ``measures``.
    """
    mine = tuple(rule for rule in rules if rule.layer == layer)
    known = tuple(measures)
    faults = []
    for rule in (rule for rule in mine if rule.measure not in known):
        near, listed = _did_you_mean(rule.measure, known), ", ".join(known)
        zh = f"规则 {rule.id} 的指标 {rule.measure} 无法计算{near.zh}；可用：{listed}"
        faults.append(
            Text(zh, f"rule {rule.id} asks for {rule.measure}, which cannot be computed{near.en}; known: {listed}")
        )
    if not mine:
        faults.append(Text(f"没有适用于图层 {layer} 的规则", f"no rule applies to layer {layer}"))
    _raise(faults, f"rules/{layer}")
    return mine


def _did_you_mean(name: str, known: Iterable[str]) -> Text:
    near = nearest_names(name, known)
    return Text(f"；是否指 {near}？", f"; did you mean {near}?") if near else Text("", "")


def _overridden(rule: Rule, changes: Changes, pack: RulePack) -> Rule:
    changed = replace(rule, **changes, pack=pack.label)
    if (changed.threshold, changed.least_width_m) == (rule.threshold, rule.least_width_m):
        return changed  # another source for the same rule replaces no value
    width = "" if rule.least_width_m is None else f" / {rule.least_width_m:g} m"
    return replace(changed, replaces=f"{rule.pack} {rule.threshold}{width}")


def _override_faults(pack: RulePack, rule: Rule, changes: Changes) -> list[Text]:
    table = {key: getattr(rule, key) for key in _KEYS} | dict(changes)
    faults = _consistency_faults(rule.id, table)
    changed = {"value", "operator", "force"} & set(changes)
    if "least_width_m" in changes and "least_width_source" not in changes:
        zh = f"{pack.label} 改变了规则 {rule.id} 的 least_width_m 却没有写明 least_width_source"
        faults.append(Text(zh, f"{pack.label} changes least_width_m of {rule.id} without a least_width_source"))
    if changed and "standard" not in changes and table["force"] != "parameter":
        zh = f'{pack.label} 改变了规则 {rule.id} 却没有写明依据；请写 standard 和 edition，或 force = "parameter"'
        en = f'{pack.label} changes {rule.id} without a source; give standard and edition, or force = "parameter"'
        faults.append(Text(zh, en))
    return faults


def _rule_values(table: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = dict(table)
    if "text" in values:
        values["text"] = Text(*values["text"])
    if "undecided" in values:
        values["undecided"] = tuple(values["undecided"])
    if "least_width_source" in values:
        values["least_width_source"] = Text(*values["least_width_source"])
    if isinstance(values.get("value"), list):
        values["value"] = tuple(values["value"])
    elif "value" in values:
        values["value"] = float(values["value"])
    return values


def _rule_faults(name: str, table: object, *, complete: bool) -> list[Text]:
    faults: list[Text] = []
    if not isinstance(table, dict):
        return [Text(f"{name} 应为表", f"{name} must be a table")]
    if not _ID.fullmatch(name):
        faults.append(Text(f"{name}：编号只能用小写字母、数字和下划线", f"{name}: an id is lower case a-z, 0-9 and _"))
    _refuse_unknown(table, _KEYS, name, faults)
    faults += [Text(f"{name} 缺少 {key}", f"{name} lacks {key}") for key in _REQUIRED if complete and key not in table]
    for key in _TEXTS:
        if key in table and not isinstance(table[key], str):
            faults.append(Text(f"{name}.{key} 应为文字", f"{name}.{key} must be text"))
        elif key in _ALLOWED and key in table and table[key] not in _ALLOWED[key]:
            choices = ", ".join(_ALLOWED[key])
            faults.append(
                Text(f"{name}.{key} = {table[key]!r} 不在可选值 {choices} 中", f"{name}.{key} must be one of {choices}")
            )
    if "text" in table and not _is_text_pair(table["text"]):
        faults.append(Text(f"{name}.text 应为 [中文, 英文]", f"{name}.text must be [Chinese, English]"))
    faults += _width_faults(name, table)
    if "undecided" in table and not _is_words(table["undecided"]):
        faults.append(Text(f"{name}.undecided 应为文字列表", f"{name}.undecided must be a list of words"))
    if "value" in table and not (_is_words(table["value"]) or _is_number(table["value"])):
        faults.append(
            Text(f"{name}.value 应为有限数字或文字列表", f"{name}.value must be a finite number or a list of words")
        )
    if not faults and complete:
        faults += _consistency_faults(name, table)
    return faults


def _width_faults(name: str, table: Mapping[str, Any]) -> list[Text]:
    """What is wrong with a least width by itself."""
    faults, width = [], table.get("least_width_m", 1.0)
    if not _is_number(width) or width <= 0.0:
        faults.append(
            Text(f"{name}.least_width_m 应为正数（m）", f"{name}.least_width_m must be a positive number (m)")
        )
    if "least_width_source" in table and not _is_text_pair(table["least_width_source"]):
        zh, en = f"{name}.least_width_source 应为 [中文, 英文]", f"{name}.least_width_source must be [Chinese, English]"
        faults.append(Text(zh, en))
    return faults


def _consistency_faults(name: str, table: Mapping[str, object]) -> list[Text]:
    faults = []
    if (table["operator"] == "in") != isinstance(table["value"], (list, tuple)):
        faults.append(
            Text(
                f'{name}：operator = "in" 须配文字列表，大小比较须配数字',
                f'{name}: operator "in" goes with a list of words, a comparison with a number',
            )
        )
    if table.get("force", "parameter") != "parameter" and not (table.get("standard") and table.get("edition")):
        faults.append(
            Text(
                f'{name}：force = "{table["force"]}" 须写明 standard 和 edition；未经确认的数值只能是 "parameter"',
                f'{name}: force "{table["force"]}" needs standard and edition; what is not confirmed is a "parameter"',
            )
        )
    if table.get("least_width_m") is not None:
        if (
            table["layer"] != "usable_shapes"
            or table["measure"] not in _OF_WIDTH
            or table["operator"] not in (">=", ">")
        ):
            listed = ", ".join(_OF_WIDTH)
            zh = f"{name}：least_width_m 只用于 usable_shapes 的 {listed}，且为下限（>= 或 >）"
            en = f"{name}: least_width_m goes with {listed} of usable_shapes, as a lower bound (>= or >)"
            faults.append(Text(zh, en))
        if not table.get("least_width_source"):
            zh = f"{name}：有 least_width_m 须写明 least_width_source（依据，或“本项目参数”）"
            faults.append(
                Text(zh, f"{name}: least_width_m needs least_width_source, a reference or this project's choice")
            )
    if table["layer"] not in layer_schemas():
        near = _did_you_mean(str(table["layer"]), layer_schemas())
        faults.append(
            Text(f"{name}：没有图层 {table['layer']}{near.zh}", f"{name}: there is no layer {table['layer']}{near.en}")
        )
    return faults


def _refuse_unknown(table: Mapping[str, object], known: Sequence[str], where: str, faults: list[Text]) -> None:
    for key in (key for key in table if key not in known):
        near = _did_you_mean(key, known)
        faults.append(Text(f"{where} 中没有键 {key}{near.zh}".strip(), f"{where} has no key {key}{near.en}".strip()))


def _table(raw: Mapping[str, object], key: str, faults: list[Text]) -> dict[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, dict):
        faults.append(Text(f"{key} 应为表", f"{key} must be a table"))
        return {}
    return value


def _is_text_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) and v for v in value)


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word for word in value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _raise(faults: Sequence[Text], where: str) -> None:
    if faults:
        raise _faults_error(faults, where)


def _faults_error(faults: Sequence[Text], where: str) -> ConfigError:
    return ConfigError(
        "\n".join([f"规则 {where} 有 {len(faults)} 处问题：", *(f"  - {fault.zh}" for fault in faults)]),
        "\n".join([f"Rules {where}: {len(faults)} faults:", *(f"  - {fault.en}" for fault in faults)]),
    )


def unknown_pack_error(names: Iterable[str], known: Sequence[str], *, where: str) -> ConfigError:
    """That there are no packs of these ``names``, each with the nearest of the ``known`` ones."""
    faults, listed = [], ", ".join(known)
    for name in names:
        near = _did_you_mean(name, known)
        zh = f"没有名为 {name} 的规则包{near.zh}；已有：{listed}"
        faults.append(Text(zh, f"there is no rule pack {name}{near.en}; known: {listed}"))
    return _faults_error(faults, where)
