"""A project's layers as they come in: read, conformed, moved into its CRS, and checked."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gis_renovation.checks import Origin
from gis_renovation.config import read_toml
from gis_renovation.errors import ConfigError, CRSError, DataError, Finding, GisRenovationError, Severity
from gis_renovation.reading import (
    Card,
    Conformed,
    Raw,
    conform,
    finish_shapes,
    guessed_crs,
    read_files,
    read_raster,
    stack,
)
from gis_renovation.run.asking import ask_steps
from gis_renovation.run.fingerprints import fingerprint
from gis_renovation.run.manifest import SourceRecord
from gis_renovation.run.project import Project
from gis_renovation.schemas import layer_schemas, suggest_layers
from gis_renovation.shipped import shipped
from gis_renovation.words import Text


@dataclass
class Inputs:
    """A project's layers, read, conformed and reprojected, with all findings and the sources' records."""

    layers: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, SourceRecord] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line; the layers themselves would fill a notebook."""
        counted = Counter(finding.severity for finding in self.findings)
        told = ", ".join(f"{kind}: {count}" for kind, count in sorted(counted.items()))
        return f"<Inputs: {len(self.layers)} layers; {told or 'no findings'}>"


Progress = Callable[[str, int, int], None]


def silent(_name: str, _done: int, _total: int) -> None:
    """Tell nobody how far it is."""


def read_inputs(project: Project, *, on_progress: Progress = silent, only: Iterable[str] | None = None) -> Inputs:
    """Every carded layer in the project CRS, with every fault of every layer as a finding.

    A layer whose file cannot be read becomes a finding too, so that one call tells all. The project
    CRS must be projected in metres. Rows with faults stay in the frame.
    """
    from gis_renovation.crs import is_metric, parse_crs

    target = parse_crs(project.settings.project.crs, where="project.toml crs")
    if not is_metric(target):
        raise ConfigError(
            f"project.toml crs = {project.settings.project.crs}：项目坐标系必须是以米为单位的投影坐标系"
            "（淮南：EPSG:4548），不能是经纬度或网络墨卡托。",
            f"project.toml crs = {project.settings.project.crs}: the project CRS must be projected, in metres "
            "(Huainan: EPSG:4548), not degrees and not Web Mercator.",
        )
    inputs = Inputs()
    wanted = set(project.cards) if only is None else set(only)
    cards = {name: card for name, card in project.cards.items() if name in wanted}
    for number, name in enumerate(cards):
        on_progress(name, number, len(cards))
        try:
            _read_input(project, name, target, inputs)
        except GisRenovationError as error:
            if isinstance(error, DataError):
                inputs.findings += error.findings
            else:
                finding = Finding(severity="error", code="unreadable", layer=name, text=error.text)
                inputs.findings.append(finding)
    on_progress("", len(cards), len(cards))
    _meet_names(project, target, inputs)
    from gis_renovation.checking import check_places, check_plausibility, check_references, check_zone

    vectors = {name: layer for name, layer in inputs.layers.items() if not layer_schemas()[name].raster}
    inputs.findings += check_references(vectors, origins=inputs.origins)
    trusted = [name for name, card in cards.items() if all(part.source.trusted for part in card.sources)]
    inputs.findings += check_zone(inputs.layers, target, trusted=trusted)
    inputs.findings += check_places(inputs.layers, target, area=project.settings.project.area, trusted=trusted)
    inputs.findings += check_plausibility(inputs.layers, inputs.origins)
    _leave_out_rasters(inputs, target, lambda name: ", ".join(cards[name].source.paths))
    return inputs


def _meet_names(project: Project, target: Any, inputs: Inputs) -> None:
    """Names where ids are wanted, met by the layers that have both; a layer nobody asked for is read for its names."""
    from gis_renovation.checking import ids_for_names, named_references

    tables = {name: layer for name, layer in inputs.layers.items() if not layer_schemas()[name].raster}
    wanted = {other for name, layer in tables.items() for other in named_references(layer, layer_schemas()[name])}
    beside = Inputs()
    for other in sorted((wanted & set(project.cards)) - set(inputs.layers)):
        with contextlib.suppress(GisRenovationError):  # its faults are told when it is asked for
            _read_input(project, other, target, beside)
    for name, layer in tables.items():
        met, findings = ids_for_names(name, layer, tables | beside.layers, inputs.origins[name])
        inputs.findings += findings
        if met is not layer:
            inputs.layers[name] = met
            inputs.sources[name] = inputs.sources[name].model_copy(update={"fingerprint": fingerprint(met)})


def check_project(project: Project, *, on_progress: Progress = silent) -> Inputs:
    """Every layer of a project and all that is wrong with them or with ``project.toml``, in one list of findings.

    Changes nothing and stops at nothing: what cannot be read is a finding too. ``run_project`` refuses a project
    with errors; warnings and notes are for people to look at::

        inputs = check_project(open_project("my-city"))
        [finding.sentence("zh") for finding in inputs.findings if finding.severity == "error"]
    """
    from gis_renovation.checking import check_plan_ratios

    inputs = read_inputs(project, on_progress=on_progress)
    targets = {name: (t.households, t.floor_area_m2) for name, t in project.settings.targets.items()}
    told = [*check_targets(project, inputs.layers), *check_plan_ratios(targets)]
    faulty = {finding.layer for finding in inputs.findings if finding.severity == "error"}
    told += ask_steps(project, {name: layer for name, layer in inputs.layers.items() if name not in faulty})
    rules = check_city_rules(project, inputs.layers)
    inputs.findings = [*check_settings(project), *rules, *inputs.findings, *told]
    return inputs


def read_layer(project: Project, name: str) -> Any:
    """One layer of a project as its analyses get it: conformed to its schema, in the project's CRS.

    A frame, or a raster for a layer of rasters: ``read_layer(open_project("my-city"), "parcels")``. Raises
    ConfigError for a layer that has no source card, DataError with every fault of the layer.
    """
    if name not in project.cards:
        hint = suggest_layers(name, project.cards)
        raise ConfigError(f"没有图层 {name} 的来源卡；{hint.zh}", f"No source card tells of layer {name}; {hint.en}")
    inputs = read_inputs(project, only=[name])
    errors = [finding for finding in inputs.findings if finding.severity == "error"]
    if name not in inputs.layers:
        errors = errors or [finding for finding in inputs.findings if finding.code == "raster_left_out"]
    if errors:
        raise DataError(errors)
    return inputs.layers[name]


def _raster_remarks(name: str, source: SourceRecord) -> list[Finding]:
    """What was taken of a raster that could have been meant otherwise."""
    texts = {}
    if source.bands != 1:
        texts["first_band"] = Text(
            f"栅格有 {source.bands} 个波段，只用第 1 个。", f"Of {source.bands} bands only the first is used."
        )
    if not source.nodata_stated:
        texts["nodata_unstated"] = Text(
            "栅格没有写明无数据值，所有像元都当作真值；边缘若是 0 或 -9999，请先在 GIS 软件中设为无数据。",
            "The raster states no nodata value, so every cell counts; set 0 or -9999 at its edges to nodata first.",
        )
    if source.resampling:
        texts["warped"] = Text(
            f"按来源卡 warp，已从 {source.warped_from} 转换到项目坐标系，重采样方法 {source.resampling}；原文件未动。",
            f"As the card's warp says, brought from {source.warped_from} into the project CRS, resampled by "
            f"{source.resampling}; the file was not changed.",
        )
    file = ", ".join(part.path for part in source.files)
    return [
        Finding(severity="note", code=code, layer=name, file=file, text=text) for code, text in sorted(texts.items())
    ]


def _warped(raster: Any, card: Card, target: Any) -> tuple[Any, dict[str, str]]:
    """The raster in the project CRS where its card asks for that, and what was done, for the manifest."""
    from gis_renovation.crs import same_crs
    from gis_renovation.rasters import warp_raster

    how = card.repair.warp
    if not how or same_crs(raster.crs, target):
        return raster, {}
    return warp_raster(raster, target, how), {"warped_from": raster.crs.to_string()[:80], "resampling": how}


def _unplaced(error: CRSError, name: str, project: Project) -> Text:
    """Why a raster cannot be placed, with the line to write where its numbers tell one."""
    from gis_renovation.checking import likely_crs
    from gis_renovation.crs import UnstatedCRSError

    if not isinstance(error, UnstatedCRSError):
        return error.text
    own = project.settings.project.crs
    code, why = next(iter(likely_crs(error.corners, project_crs=own)), (own, Text("项目坐标系", "the project's")))
    return error.text + Text(
        f'请向提供单位问清，在 layers/{name}.toml 的 [source] 写 crs = "{code}"（{why.zh}，以问清的为准）。',
        f' Ask who gave it, and write crs = "{code}" ({why.en}, or what they say) in [source] of layers/{name}.toml.',
    )


def _raster_left_out(name: str, fault: Text, file: str) -> Finding:
    """A raster that nothing can be measured with: why, and the steps that are not made without it."""
    from gis_renovation.run.steps import STEPS

    steps = [layer_schemas()[step.layer].label for step in STEPS if name in step.needs]
    lost = Text("、".join(label.zh for label in steps), ", ".join(label.en for label in steps))
    so = Text(f"因此不做：{lost.zh}；其余照常。", f"Not made therefore: {lost.en}; all else is.")
    if not steps:
        so = Text("这个图层不参加计算，其余照常。", "The layer is left out; all else is made.")
    return Finding(
        severity="warning", code="raster_left_out", layer=name, file=file,
        text=Text(f"{fault.zh}{so.zh}", f"{fault.en} {so.en}"),
    )  # fmt: skip


def _leave_out_rasters(inputs: Inputs, target: Any, file_of: Callable[[str], str]) -> None:
    """Rasters that no step can measure with go, with the reason and the steps that are not made without them."""
    from gis_renovation.checking import check_rasters

    for name, fault in check_rasters(inputs.layers, target).items():
        del inputs.layers[name]
        inputs.findings.append(_raster_left_out(name, fault, file_of(name)))


def _read_input(project: Project, name: str, target: Any, inputs: Inputs) -> None:
    from gis_renovation.checking import check_layer

    card = project.cards[name]
    guessed = sorted({part.source.crs for part in card.sources if part.source.crs_guessed})
    inputs.findings += [guessed_crs(name, crs) for crs in guessed]
    if card.schema_.raster:
        try:
            raster, record = read_raster(card, project.layers_folder)
        except CRSError as error:
            file = ", ".join(card.source.paths)
            inputs.findings.append(_raster_left_out(name, _unplaced(error, name, project), file))
            return
        raster, warped = _warped(raster, card, target)
        record |= warped
        inputs.layers[name] = raster
        inputs.sources[name] = SourceRecord(**_card_facts(card), **record, fingerprint=fingerprint(raster))
        inputs.findings += _raster_remarks(name, inputs.sources[name])
        return
    parts = _read_parts(project, card, target)
    conformed = parts[0][1] if len(parts) == 1 else stack([part for _, part in parts], card.schema_)
    frame = conformed.frame
    findings = [finding for raw, _ in parts for finding in raw.findings] + conformed.findings
    if card.schema_.geometry:
        frame, repaired = finish_shapes(frame, card, conformed.record, file=conformed.file)
        findings += repaired
    findings += check_layer(frame, card.schema_, conformed.origin)
    inputs.layers[name] = frame
    inputs.findings += findings
    inputs.origins[name] = conformed.origin
    inputs.sources[name] = SourceRecord(
        **_card_facts(card),
        **_joint_record([raw.record for raw, _ in parts]),
        **conformed.record,
        fingerprint=fingerprint(frame),
        columns=tuple(frame.columns),
    )


def _read_parts(project: Project, card: Card, target: Any) -> list[tuple[Raw, Conformed]]:
    """Each of a layer's sources as read and as conformed, in the project CRS. Raises DataError for misplaced rows."""
    numbered: dict[str, int] | None = {} if card.parts else None
    parts, misplaced = [], []
    for part in card.sources:
        raw = read_files(part, project.layers_folder, all_columns=False)
        file = ", ".join(Path(path).name for path in part.source.paths)
        conformed = conform(raw.frame, part, file=file, columns=raw.columns, numbered=numbered)
        if card.schema_.geometry:
            from gis_renovation.checking import check_claim
            from gis_renovation.crs import reproject

            name, area = card.source.layer, project.settings.project.area
            faults = check_claim(conformed.frame, target, name=name, file=file, area=area)
            misplaced += [*raw.findings, *conformed.findings, *faults] if faults else []
            if not faults:
                conformed.frame = reproject(conformed.frame, target, where=f"{name}（{file}）")
        parts.append((raw, conformed))
    if misplaced:
        raise DataError(misplaced)
    return parts


def _joint_record(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The files, CRS and datum of all sources of a layer."""
    if len(records) == 1:
        return records[0]
    joint: dict[str, Any] = {"files": [file for record in records for file in record["files"]]}
    for key in ("crs", "datum"):
        joint[key] = ", ".join(dict.fromkeys(record[key] for record in records if record[key]))
    fits = {f"{number}": r["control_points"] for number, r in enumerate(records, start=1) if "control_points" in r}
    return joint | ({"control_points": fits} if fits else {})


_CLASSES = ("public", "internal", "work_secret")


def _card_facts(card: Card) -> dict[str, Any]:
    """What the cards of a layer say of their sources; of several the strictest class and the earliest day count."""
    sources = [part.source for part in card.sources]
    facts: dict[str, Any] = {
        name: "；".join(dict.fromkeys(said for source in sources if (said := getattr(source, name))))
        for name in ("owner", "licence")
    }
    facts["classification"] = max((source.classification for source in sources), key=_CLASSES.index)
    facts["observed"] = card.observed
    guessed = ", ".join(sorted({source.crs for source in sources if source.crs_guessed}))
    return facts | ({"crs_guessed": guessed} if guessed else {})


def check_settings(project: Project) -> list[Finding]:
    """Settings of a real project that still are the template's: what the results speak of would be a default."""
    own = project.settings.project
    template = read_toml(shipped("template/project.toml").read_text("utf-8"), where="template")
    if own.synthetic or own.as_of != template["project"]["as_of"]:
        return []
    return [
        Finding(
            severity="note", code="default_as_of", layer="", field="as_of", file="project.toml",
            text=Text(
                f"统计截止日期仍是模板中的 {own.as_of}，所有结果都以这一天为准；如不对，请改 as_of。",
                f"as_of is still the template's {own.as_of}, the day all results speak of; change it if that is wrong.",
            ),
        )
    ]  # fmt: skip


# The layers that rules judge, and those that tell where a project lies.
_JUDGED = ("parcels", "premises")
_PLACED = ("communities", *_JUDGED)


def check_city_rules(project: Project, layers: Mapping[str, Any]) -> list[Finding]:
    """Whether the rules are those of the project's place: none of a city's own, or those of a city elsewhere."""
    from gis_renovation.rule_packs import city_packs

    own = project.settings.project
    packs = city_packs()
    listed = Text("、", ", ").join(Text.same(f"{name} ") + (pack.place or pack.title) for name, pack in packs.items())
    if own.city_rules is None:
        if own.rules or not any(name in project.cards for name in _JUDGED):
            return []
        text = Text(
            "没有选用城市规则包：闲置用地和空置房屋只按全国规则和参数判定，不引用任何城市的文件。"
            '本市有规则的，在 project.toml 写 city_rules（随程序提供：{listed}），或 rules = ["our-rules.toml"]。',
            "No city's rules are chosen: idle land and vacant premises are judged by national rules and parameters "
            "alone, and no city's document is cited. If your city has rules, write city_rules in project.toml "
            '(shipped: {listed}) or rules = ["our-rules.toml"].',
        ).fill(listed=listed)
        return [_of_project("no_city_rules", "warning", "city_rules", text)]
    pack = packs.get(own.city_rules)
    if pack is None:  # told where the rules are loaded
        return []
    away = [name for name in _PLACED if name in layers and _lies_elsewhere(layers[name], pack.area)]
    if not away:
        return []
    text = Text(
        "city_rules = {name} 是{place}的规则，而图层 {layers} 全部在{place}以外；请改为本市的规则包，或删去这一行。",
        "city_rules = {name} are rules of {place}, but all of {layers} lies elsewhere; name your own city's pack, or "
        "delete the line.",
    ).fill(name=own.city_rules, place=pack.place or pack.title, layers=", ".join(away))
    return [_of_project("city_rules_of_another_place", "error", "city_rules", text)]


def _lies_elsewhere(layer: Any, area: Sequence[float] | None) -> bool:
    """Whether all of a layer lies outside an area in degrees."""
    if area is None or not len(layer) or getattr(layer, "crs", None) is None:
        return False
    left, bottom, right, top = layer.to_crs("EPSG:4490").total_bounds
    return bool(right < area[0] or left > area[2] or top < area[1] or bottom > area[3])


def _of_project(code: str, severity: Severity, field: str, text: Text) -> Finding:
    return Finding(severity=severity, code=code, layer="", field=field, file="project.toml", text=text)


def check_targets(project: Project, layers: Mapping[str, Any]) -> list[Finding]:
    """Plan totals against the communities layer: communities, households, floor area, per batch."""
    from gis_renovation.checking import batch_label

    communities = layers.get("communities")
    if communities is None or "plan_batch" not in communities:
        return []
    findings = []
    for batch, target in project.settings.targets.items():
        rows, said = communities[communities["plan_batch"] == batch], batch_label(batch)
        for name, label, wanted in (
            ("communities", Text("小区数", "communities"), target.communities),
            ("households", Text("户数", "households"), target.households),
            ("floor_area_m2", Text("建筑面积", "floor area m²"), target.floor_area_m2),
        ):
            found = len(rows) if name == "communities" else rows[name].sum() if name in rows else None
            if wanted is None or found is None or abs(found - wanted) <= (50.0 if name == "floor_area_m2" else 0):
                continue
            text = Text(
                f"{said.zh}的{label.zh}合计 {found:,.0f}，计划为 {wanted:,.0f}，相差 {found - wanted:+,.0f}；请核对。",
                f"{said.en}: {label.en} sum to {found:,.0f}, the plan says {wanted:,.0f} ({found - wanted:+,.0f}).",
            )
            findings.append(
                Finding(severity="warning", code="target_missed", layer="communities", field=name, text=text)
            )
    return findings
