"""What people see in the terminal: errors, progress, findings, a run, and what went into a step."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gis_renovation.errors import FileError, Finding
from gis_renovation.words import Lang, Text, counted

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from rich.console import Console

    from gis_renovation.checking import Proposal
    from gis_renovation.run import Inputs, Manifest, Project, Run, SkippedStep, StepRecord


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
            # Of a long step: "layer 120/2998".
            layer, _, part = name.partition(" ")
            schema = layer_schemas().get(layer)
            told = f"{schema.label.in_language(lang)} {part}".rstrip() if schema else name or "…"
            bar.update(task, completed=done, total=total, description=told)

        yield update


def print_layers(findings: Sequence[Finding], inputs: Inputs, lang: Lang) -> None:
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


def print_proposals(found: Sequence[Proposal], folder: Path, lang: Lang) -> None:
    """What each file of a folder is taken for and why, what was left, and then all that is to decide."""
    from rich.markup import escape
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    console = console_for()
    zh = lang == "zh"
    schemas = layer_schemas()
    heads = ("文件", "图层", "凭什么", "来源卡") if zh else ("file", "layer", "because", "card")
    table = Table(title="文件夹里有什么" if zh else "What the folder holds", title_justify="left")
    for head in heads:
        table.add_column(head, overflow="fold")
    for one in found:
        name = _file_name(one, folder)
        if not one.layer:
            table.add_row(escape(name), "—", "", "")
            continue
        card = f"{one.name}.toml" if one.draft else f"{one.join.target.name} [join]" if one.join else "—"
        label = schemas[one.layer].label.in_language(lang)
        doubt = "" if one.sure else "？" if zh else "?"
        table.add_row(escape(name), f"{label} {one.layer}{doubt}", escape(one.why.in_language(lang)), escape(card))
    console.print(table)
    for one in found:
        doubts = [*([one.left] if one.left else []), *one.doubts]
        if doubts:
            console.print(f"[bold]{escape(_file_name(one, folder))}[/]", highlight=False)
        for said in doubts:
            console.print(f"  ! {said.in_language(lang)}", style="yellow", highlight=False, markup=False)


def _file_name(one: Proposal, folder: Path) -> str:
    """A file's place below the folder, with its sheet or layer."""
    path = one.path.relative_to(folder).as_posix()
    return f"{path} / {one.sublayer}" if one.sublayer else path


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


def print_run(result: Run, lang: Lang) -> None:
    """The steps of a run, its warnings, and where the results lie."""
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    zh = lang == "zh"
    console = console_for()
    table = Table()
    for name in ("步骤", "行数", "用时", "") if zh else ("step", "rows", "time", ""):
        table.add_column(name)
    for name, step in result.manifest.made.items():
        label = f"{layer_schemas()[name].label.in_language(lang)} {name}"
        reused = ("沿用" if zh else "reused") if step.reused else ""
        table.add_row(label, str(step.rows), f"{step.seconds:.2f} s", reused)
    console.print(table)
    for text in _skipped_lines(result.manifest):
        console.print(text.in_language(lang), highlight=False, markup=False)
    for finding in result.manifest.findings:
        if finding.severity == "warning":
            said = finding.text.in_language(lang)
            console.print(f"! {finding.layer}: {said}", style="yellow", highlight=False, markup=False)
    for text in _closing_lines(result):
        console.print(text.in_language(lang), highlight=False, markup=False)
    names = ("图层（QGIS 可直接打开）", "表格", "运行记录") if zh else ("Layers (open in QGIS)", "Tables", "Manifest")
    for name, file in zip(names, ("layers.gpkg", "tables.xlsx", "run.json"), strict=True):
        console.print(f"{name}: {result.folder / file}", highlight=False, markup=False)


def _skipped_lines(manifest: Manifest) -> Iterator[Text]:
    """One line for all steps not made: the input layers that they want."""
    from gis_renovation.schemas import layer_schemas

    skipped, steps = manifest.skipped, {step.step for step in manifest.steps}
    wanted = dict.fromkeys(name for step in skipped for name in step.missing if name not in steps)
    if skipped:
        labels = [(layer_schemas()[name].label, name) for name in wanted]
        zh = "、".join(f"{label.zh} {name}" for label, name in labels)
        en = ", ".join(f"{label.en} {name}" for label, name in labels)
        yield Text(
            f"未执行 {len(skipped)} 步，缺少图层：{zh}（逐步见 run.json）。",
            f"{counted(len(skipped), 'step')} not made, for want of: {en} (each in run.json).",
        )


def _closing_lines(result: Run) -> Iterator[Text]:
    """What came out, in a few lines: zones, communities left out, candidates, warnings, and where to read on."""
    layers, members = result.layers, result.layers.get("zone_members")
    if members is not None:
        yield from _zone_lines(result, members)
    candidates = [(layers[name], zh, en) for name, zh, en in _CANDIDATES if name in layers]
    if candidates:
        zh = "，".join(f"{label} {len(frame)} 处" for frame, label, _ in candidates)
        en = ", ".join(f"{label}: {len(frame)}" for frame, _, label in candidates)
        yield Text(f"候选：{zh}。", f"Candidates: {en}.")
    warnings = sum(finding.severity == "warning" for finding in result.manifest.findings)
    if warnings:
        yield Text(f"数据警告 {warnings} 条，见上。", f"{counted(warnings, 'warning')} about the data, above.")


_CANDIDATES = (
    ("idle_candidates", "闲置用地", "idle land"),
    ("vacant_candidates", "空置房屋", "vacant premises"),
)


def _zone_lines(result: Run, members: pd.DataFrame) -> Iterator[Text]:
    from gis_renovation.zones import missed_number

    zones, zoned = int(members["zone_id"].nunique()), int(members["zone_id"].notna().sum())
    alone = int((members["zone_id"].value_counts() == 1).sum())
    zh = f"，单独实施的小区 {alone} 个" if alone else ""
    en = f", {alone} on their own" if alone else ""
    yield Text(
        f"连片片区 {zones - alone} 个{zh}，共含小区 {zoned} 个。" if zones else "没有划出片区。",
        f"{counted(zones - alone, 'zone')}{en}, with {counted(zoned, 'community', 'communities')} in all."
        if zones
        else "No zone was made.",
    )
    step = result.manifest.made.get("zone_members")
    missed = missed_number(
        step.parameters.get("zone_count") if step else None, members, result.layers.get("community_links")
    )
    if missed is not None:
        yield Text(f"! 片区数与要求不符：{missed.zh}。", f"! Not the number of zones asked for: {missed.en}.")
    out, groups = len(members) - zoned, result.layers.get("zone_shortfalls")
    if out and groups is not None:
        yield Text(
            f"! 未纳入片区的小区 {out} 个（{len(groups)} 组），原因和办法见 tables.xlsx 的“未能成片的小区”表。",
            f"! In no zone: {counted(out, 'community', 'communities')} ({counted(len(groups), 'group')}); why and "
            "what helps stands in tables.xlsx, sheet “Zone shortfalls”.",
        )


def _parameter_lines(record: StepRecord, lang: Lang) -> Iterator[str]:
    """Each parameter of a step with its meaning, its value in words and whether the project set it."""
    from gis_renovation.run import parameter, step_defaults, value_text

    table, defaults = record.table, step_defaults(record.step)
    for name, value in record.parameters.items():
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


def explain_step(project: Project, step: str, lang: Lang) -> None:
    """What went into a step of the latest run, which parameters and rules, and what came out."""
    from gis_renovation.run import latest_manifest, plan_steps

    plan_steps([step])
    latest = latest_manifest(project)
    record = next((one for one in latest[1].steps if one.step == step), None) if latest else None
    if latest is None or record is None:
        raise FileError(
            f"还没有包含 {step} 的运行；请先运行 gis-renovation run。",
            f"No run holds {step} yet; run gis-renovation run first.",
        )
    folder, manifest = latest
    console = console_for()
    console.print(f"{_called(step, lang)}  ({folder.name})", highlight=False, markup=False)
    made = manifest.made.get(step)
    lines = _record_lines(made, manifest, lang) if made else _missing_lines(record, lang)
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _called(name: str, lang: Lang) -> str:
    """A layer by its label and name."""
    from gis_renovation.schemas import layer_schema

    return f"{layer_schema(name).label.in_language(lang)} {name}"


def _missing_lines(record: StepRecord | SkippedStep, lang: Lang) -> Iterator[str]:
    missing = ", ".join(getattr(record, "missing", ()))
    yield Text("未执行：缺少 ", "skipped: no ").in_language(lang) + missing


def _record_lines(record: StepRecord, manifest: Manifest, lang: Lang) -> Iterator[str]:
    yield Text("方法：", "function: ").in_language(lang) + f"gis_renovation.{record.function}"
    yield from _input_lines(record, manifest, lang)
    yield Text("参数（在 project.toml 中设定）：", "parameters (set in project.toml):").in_language(lang)
    yield from _parameter_lines(record, lang)
    if record.rules:
        yield Text("规则：", "rules:").in_language(lang)
        yield from (f"  {r.id}: {r.text.in_language(lang)}" for r in manifest.rules if r.id in record.rules)
    yield from _result_lines(record, lang)
    yield from (f"! {warning}" for warning in record.warnings)


def _input_lines(record: StepRecord, manifest: Manifest, lang: Lang) -> Iterator[str]:
    yield Text("输入：", "inputs:").in_language(lang)
    for name, print_ in record.inputs.items():
        if name in manifest.sources:
            source = manifest.sources[name]
            origin = ", ".join(file.path for file in source.files)
            count = str(list(source.shape) if source.rows_used is None else source.rows_used)
        else:
            yield _step_input(name, print_, manifest, lang)
            continue
        yield f"  {_called(name, lang)}: {count}  ← {origin}  [{print_[:12]}]"
    absent = Text("没有提供", "not at hand").in_language(lang)
    yield from (f"  {_called(name, lang)}: {absent}" for name in record.not_at_hand)


def _step_input(name: str, print_: str, manifest: Manifest, lang: Lang) -> str:
    """A layer of an earlier step, or of one of the schemes that are compared (``<scheme>/<layer>``)."""
    scheme, of_scheme, layer = name.rpartition("/")
    if of_scheme:
        origin = Text("方案“{name}”", "scheme “{name}”").fill(name=scheme or "[zones]").in_language(lang)
        return f"  {_called(layer, lang)}  ← {origin}  [{print_[:12]}]"
    origin = Text("前面的步骤", "an earlier step").in_language(lang)
    return f"  {_called(name, lang)}: {manifest.made[name].rows}  ← {origin}  [{print_[:12]}]"


def _result_lines(record: StepRecord, lang: Lang) -> Iterator[str]:
    from gis_renovation.schemas import layer_schema

    counted_rows = Text(f"结果：{record.rows} 行", f"result: {record.rows} rows").in_language(lang)
    yield f"{counted_rows}  [{record.output[:12]}]"
    fields = layer_schema(record.step).fields
    for name in record.columns:
        if name in fields:
            yield f"  {name}: {fields[name].label.in_language(lang)}" + _unit_in_brackets(fields[name].unit, lang)
    if record.step in _REASONS_STAND:
        yield _REASONS_STAND[record.step].in_language(lang)
