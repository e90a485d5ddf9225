"""What people see in the terminal: errors, progress, findings, a run, and what went into a step."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gis_renovation.errors import FileError, Finding
from gis_renovation.words import Lang, Text, counted

if TYPE_CHECKING:
    from rich.console import Console


def print_error(text: Text, lang: Lang) -> None:
    """One error on standard error, as text, never as markup."""
    from rich.markup import escape

    label = "错误" if lang == "zh" else "Error"
    console_for(stderr=True).print(f"[bold red]{label}[/] {escape(text.in_language(lang))}", highlight=False)


def console_for(*, stderr: bool = False) -> Console:
    """Standard output or standard error; long lines wrap softly so that paths can be copied."""
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True)


@contextmanager
def output_kept_clean() -> Iterator[None]:
    """What compiled libraries write to standard output meanwhile goes to standard error.

    The solver in scipy writes remarks there, whatever it is told; scripts read what the commands write.
    """
    from ctypes import CDLL

    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is no standard output to keep clean
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        # The C library has a buffer of its own, still full of the remarks.
        CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def progress_bar(lang: Lang) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, naming the layer at work; silent when nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from gis_renovation.schemas import layer_schemas

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = console_for(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("…", total=None)

        def update(name: str, done: int, total: int) -> None:
            schema = layer_schemas().get(name)
            bar.update(
                task, completed=done, total=total, description=schema.label.in_language(lang) if schema else name or "…"
            )

        yield update


def print_layers(findings: Sequence[Finding], inputs: Any, lang: Lang) -> None:
    """How many features each layer has, and how many faults."""
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    console = console_for()
    zh = lang == "zh"
    schemas = layer_schemas()
    table = Table(title="图层" if zh else "Layers", title_justify="left")
    for name in ("图层", "要素数", "错误", "警告") if zh else ("layer", "features", "errors", "warnings"):
        table.add_column(name, justify="left" if name in ("图层", "layer") else "right")
    for name in sorted({*inputs.layers, *(f.layer for f in findings)} & set(schemas)):
        layer = inputs.layers.get(name)
        rows = (
            "—"
            if layer is None
            else "×".join(map(str, layer.values.shape))
            if schemas[name].raster
            else str(len(layer))
        )
        counts = [str(sum(f.layer == name and f.severity == s for f in findings)) for s in ("error", "warning")]
        table.add_row(f"{schemas[name].label.in_language(lang)} {name}", rows, *counts)
    console.print(table)


def print_findings(findings: Sequence[Finding], lang: Lang) -> None:
    """Every finding, errors first, then what to do next."""
    from rich.markup import escape

    console = console_for()
    zh = lang == "zh"
    styles = {
        "error": ("错误", "error", "red"),
        "warning": ("警告", "warning", "yellow"),
        "note": ("说明", "note", "dim"),
    }
    for severity, (label_zh, label_en, style) in styles.items():
        for finding in findings:
            if finding.severity == severity:
                where = "/".join(part for part in (finding.file, finding.layer, finding.field) if part)
                label = label_zh if zh else label_en
                console.print(f"[{style}]{label}[/] {escape(where)}: {escape(finding.sentence(lang))}", highlight=False)
    errors = sum(f.severity == "error" for f in findings)
    if errors:
        console.print(
            f"共 {errors} 处错误，需先改正。" if zh else f"{counted(errors, 'error')} to mend first.", style="bold red"
        )
    else:
        console.print(
            "没有错误，可以运行：gis-renovation run" if zh else "No errors. Next: gis-renovation run", style="green"
        )


def print_run(result: Any, lang: Lang) -> None:
    """The steps of a run, its warnings, and where the results lie."""
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    zh = lang == "zh"
    console = console_for()
    table = Table()
    for name in ("步骤", "行数", "用时", "") if zh else ("step", "rows", "time", ""):
        table.add_column(name)
    for record in result.manifest["steps"]:
        label = f"{layer_schemas()[record['step']].label.in_language(lang)} {record['step']}"
        if not record.get("skipped"):
            reused = ("沿用" if zh else "reused") if record["reused"] else ""
            table.add_row(label, str(record["rows"]), f"{record['seconds']:.2f} s", reused)
    console.print(table)
    for text in _skipped_lines(result.manifest):
        console.print(text.in_language(lang), highlight=False, markup=False)
    for record in result.manifest["findings"]:
        if record["severity"] == "warning":
            console.print(f"! {record['layer']}: {record[lang]}", style="yellow", highlight=False, markup=False)
    for text in _closing_lines(result):
        console.print(text.in_language(lang), highlight=False, markup=False)
    names = ("图层（QGIS 可直接打开）", "表格", "运行记录") if zh else ("Layers (open in QGIS)", "Tables", "Manifest")
    for name, file in zip(names, ("layers.gpkg", "tables.xlsx", "run.json"), strict=True):
        console.print(f"{name}: {result.folder / file}", highlight=False, markup=False)


def _skipped_lines(manifest: Any) -> Iterator[Text]:
    """One line for all steps not made: the input layers that they want."""
    from gis_renovation.schemas import layer_schemas

    skipped = [record for record in manifest["steps"] if record.get("skipped")]
    steps = {record["step"] for record in manifest["steps"]}
    wanted = dict.fromkeys(name for record in skipped for name in record["missing"] if name not in steps)
    if skipped:
        labels = [(layer_schemas()[name].label, name) for name in wanted]
        zh = "、".join(f"{label.zh} {name}" for label, name in labels)
        en = ", ".join(f"{label.en} {name}" for label, name in labels)
        yield Text(
            f"未执行 {len(skipped)} 步，缺少图层：{zh}（逐步见 run.json）。",
            f"{counted(len(skipped), 'step')} not made, for want of: {en} (each in run.json).",
        )


def _closing_lines(result: Any) -> Iterator[Text]:
    """What came out, in a few lines: zones, communities left out, candidates, warnings, and where to read on."""
    layers, members = result.layers, result.layers.get("zone_members")
    if members is not None:
        yield from _zone_lines(result, members)
    candidates = [(layers[name], zh, en) for name, zh, en in _CANDIDATES if name in layers]
    if candidates:
        zh = "，".join(f"{label} {len(frame)} 处" for frame, label, _ in candidates)
        en = ", ".join(f"{label}: {len(frame)}" for frame, _, label in candidates)
        yield Text(f"候选：{zh}。", f"Candidates: {en}.")
    warnings = sum(record["severity"] == "warning" for record in result.manifest["findings"])
    if warnings:
        yield Text(f"数据警告 {warnings} 条，见上。", f"{counted(warnings, 'warning')} about the data, above.")


_CANDIDATES = (
    ("idle_candidates", "闲置用地", "idle land"),
    ("vacant_candidates", "空置房屋", "vacant premises"),
)


def _zone_lines(result: Any, members: Any) -> Iterator[Text]:
    from gis_renovation.zones import missed_number

    zones, zoned = int(members["zone_id"].nunique()), int(members["zone_id"].notna().sum())
    yield Text(
        f"片区 {zones} 个，含小区 {zoned} 个。" if zones else "没有划出片区。",
        f"{counted(zones, 'zone')} with {counted(zoned, 'community', 'communities')}.",
    )
    asked = [r.get("parameters", {}).get("zone_count") for r in result.manifest["steps"] if r["step"] == "zone_members"]
    missed = missed_number(next(iter(asked), None), members, result.layers.get("community_links"))
    if missed is not None:
        yield Text(f"! 片区数与要求不符：{missed.zh}。", f"! Not the number of zones asked for: {missed.en}.")
    out, groups = len(members) - zoned, result.layers.get("zone_shortfalls")
    if out and groups is not None:
        yield Text(
            f"! 未纳入片区的小区 {out} 个（{len(groups)} 组），原因和办法见 tables.xlsx 的“未能成片的小区”表。",
            f"! In no zone: {counted(out, 'community', 'communities')} ({counted(len(groups), 'group')}); why and "
            "what helps stands in tables.xlsx, sheet “Zone shortfalls”.",
        )


def _parameter_lines(record: Any, lang: Lang) -> Iterator[str]:
    """Each parameter of a step with its meaning, its value in words and whether the project set it."""
    from gis_renovation.run import parameter, step_defaults, value_text

    table = record["table"]
    defaults = step_defaults(record["step"])
    for name, value in record["parameters"].items():
        known = parameter(table, name)
        text = value_text(value, known, lang)
        if name in defaults:
            own = value_text(defaults[name], known, lang) != text
            text += (
                Text("（项目设定）", " (set)").in_language(lang)
                if own
                else Text("（默认）", " (default)").in_language(lang)
            )
        note = f"  # {known.note.in_language(lang)}" if known.note.zh else ""
        yield f"  [{table}] {name}: {known.label.in_language(lang)} = {text}{note}"


def _unit_in_brackets(unit: str, lang: Lang) -> str:
    from gis_renovation.words import unit_text

    text = unit_text(unit, lang)
    return "" if not text else f"（{text}）" if lang == "zh" else f" ({text})"


# Where to read why each row is as it is: this command tells of the whole step only.
_REASONS_STAND = {
    "zones": Text(
        "每个片区为什么成片：见 tables.xlsx“连片改造片区”表的“成片理由”列（why_zh）、地图上点开片区的卡片，"
        "以及片区划分说明（report）的片区登记表；未能成片的小区见 --explain zone_shortfalls。",
        "Why each zone is one: column why_en of its row in tables.xlsx, its card on the map, and its record in the "
        "document of report. For communities in no zone see --explain zone_shortfalls.",
    ),
    "zone_shortfalls": Text(
        "每组小区为什么未能成片、怎样才行：见 tables.xlsx“未能成片的小区”表的“原因与办法”列（reason_zh），"
        "以及片区划分说明（report）。",
        "Why each group is in no zone and what would help: column reason_en of its row in tables.xlsx, and the "
        "document of report.",
    ),
}


def explain_step(project: Any, step: str, lang: Lang) -> None:
    """What went into a step of the latest run, which parameters and rules, and what came out."""
    from gis_renovation.run import latest_manifest, plan_steps
    from gis_renovation.schemas import layer_schemas

    plan_steps([step])
    latest = latest_manifest(project)
    record = next((r for r in latest[1]["steps"] if r["step"] == step), None) if latest else None
    if latest is None or record is None:
        raise FileError(
            f"还没有包含 {step} 的运行；请先运行 gis-renovation run。",
            f"No run holds {step} yet; run gis-renovation run first.",
        )
    folder, manifest = latest
    zh = lang == "zh"
    console = console_for()

    def line(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    schemas = layer_schemas()
    line(f"{schemas[step].label.in_language(lang)} {step}  ({folder.name})")
    if record.get("skipped"):
        line(("未执行：缺少 " if zh else "skipped: no ") + ", ".join(record["missing"]))
        return
    line(("方法：" if zh else "function: ") + f"gis_renovation.{record['function']}")
    line("输入：" if zh else "inputs:")
    rows = {r["step"]: r.get("rows") for r in manifest["steps"]}
    for name, print_ in record["inputs"].items():
        source = manifest["sources"].get(name, {})
        origin = ", ".join(f["path"] for f in source.get("files", [])) or ("前面的步骤" if zh else "an earlier step")
        count = source.get("rows_used", rows.get(name, source.get("shape", "")))
        line(f"  {schemas[name].label.in_language(lang)} {name}: {count}  ← {origin}  [{print_[:12]}]")
    for name in record["not_at_hand"]:
        line(f"  {schemas[name].label.in_language(lang)} {name}: " + ("没有提供" if zh else "not at hand"))
    line("参数（在 project.toml 中设定）：" if zh else "parameters (set in project.toml):")
    for described in _parameter_lines(record, lang):
        line(described)
    if record["rules"]:
        line("规则：" if zh else "rules:")
        for rule in manifest["rules"]:
            if rule["id"] in record["rules"]:
                text = rule.get("text") or [rule["id"], rule["id"]]
                line(f"  {rule['id']}: {text[0] if zh else text[1]}")
    line((f"结果：{record['rows']} 行" if zh else f"result: {record['rows']} rows") + f"  [{record['output'][:12]}]")
    for name in record["columns"]:
        field = schemas[step].fields.get(name)
        if field is not None:
            line(f"  {name}: {field.label.in_language(lang)}" + _unit_in_brackets(field.unit, lang))
    if step in _REASONS_STAND:
        line(_REASONS_STAND[step].in_language(lang))
    for warning in record.get("warnings", []):
        line(f"! {warning}")
