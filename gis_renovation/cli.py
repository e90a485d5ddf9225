"""The commands: ``init``, ``card``, ``check``, ``run``, ``publish``, ``report``, ``serve``.

Exit codes: 0 done; 1 the data has faults; 2 the command, project or a file must be corrected. A user's
mistake never shows a traceback; a traceback is a bug of the program.
"""

import errno
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gis_renovation import __version__
from gis_renovation.errors import ConfigError, FileError, GisRenovationError, Lang, Text

if TYPE_CHECKING:
    from rich.console import Console

    from gis_renovation.errors import Finding

# The library's base of every mistake in a command line; it exports only this child of it.
_UsageError: Any = typer.BadParameter.__mro__[2]

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="项目文件夹，默认当前文件夹 / project folder, default here", show_default=False)]

_HELP = {
    "app": Text(
        "城镇老旧小区改造的空间分析：检查数据，划连片改造片区，找闲置公有用地，出地图和表格。\n\n"
        "第一次使用：gis-renovation init my-city --sample，再 gis-renovation run my-city。英文界面加 --lang en。\n\n"
        "退出码：0 完成；1 数据有问题；2 命令、配置或文件需要改正。",
        "GIS analysis for renovating old urban communities: check data, delineate contiguous renovation zones, "
        "find idle public land, make maps and tables.\n\nFirst steps: gis-renovation init my-city --sample, "
        "then gis-renovation run my-city.\n\nExit codes: 0 done; 1 the data has faults; 2 the command, project "
        "or a file must be corrected.",
    ),
    "init": Text(
        "新建一个项目文件夹。\n\n示例：gis-renovation init my-city\n\n带合成示例数据：gis-renovation init demo --sample",
        "Make a new project folder.\n\nExample: gis-renovation init my-city\n\nWith the synthetic sample: "
        "gis-renovation init demo --sample",
    ),
    "check": Text(
        "检查全部图层，一次列出所有问题；不改动任何数据。\n\n示例：gis-renovation check my-city",
        "Check every layer and list all faults at once; changes nothing.\n\nExample: gis-renovation check my-city",
    ),
    "run": Text(
        "运行全部分析，结果写入 runs/；没有变化的步骤直接沿用。\n\n示例：gis-renovation run my-city\n\n"
        "只算一步：gis-renovation run my-city --only zones\n\n"
        "说明某一步的来龙去脉：gis-renovation run my-city --explain zones",
        "Run all analyses into runs/; unchanged steps are reused.\n\nExample: gis-renovation run my-city\n\n"
        "One step: gis-renovation run my-city --only zones\n\n"
        "What went into a step: gis-renovation run my-city --explain zones",
    ),
    "publish": Text(
        "按发布配置生成地图网页（maps/<配置>/）。\n\n示例：gis-renovation publish my-city --profile planner",
        "Make the map page of a profile (maps/<profile>/).\n\nExample: gis-renovation publish my-city --profile planner",
    ),
    "report": Text(
        "生成供签字、上报的文档和表格（reports/）。\n\n示例：gis-renovation report my-city",
        "Make the documents and tables people sign (reports/).\n\nExample: gis-renovation report my-city",
    ),
    "serve": Text(
        "在本机浏览器预览已发布的地图，仅限本机访问。\n\n示例：gis-renovation serve my-city --profile planner",
        "Preview a published map on this machine only.\n\nExample: gis-renovation serve my-city --profile planner",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program; ``--lang`` may stand anywhere among the arguments."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    words = words or ["--help"]
    try:
        lang = _take_language(words)
    except GisRenovationError as error:
        _print_error(error.text, "zh")
        sys.exit(error.exit_code)
    try:
        code = build_app(lang)(words, prog_name="gis-renovation", standalone_mode=False)
    except _UsageError as error:
        detail = error.format_message()
        _print_error(Text(f"命令写法不对：{detail} 用 --help 查看用法。", f"{detail} See --help."), lang)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _print_error(Text("已中断，没有留下半成品。", "Interrupted; nothing half-written is left."), lang)
        sys.exit(130)
    except GisRenovationError as error:
        _print_error(error.text, lang)
        sys.exit(error.exit_code)
    except OSError as error:
        _print_error(_os_error(error), lang)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _take_language(words: list[str]) -> Lang:
    lang = "zh"
    for position, word in enumerate(list(words)):
        if word == "--lang" and position + 1 < len(words):
            lang = words[position + 1]
            del words[position : position + 2]
            break
        if word.startswith("--lang="):
            lang = word.removeprefix("--lang=")
            del words[position]
            break
    if lang not in ("zh", "en"):
        raise ConfigError(f"--lang 只能是 zh 或 en，现为 {lang}。", f"--lang must be zh or en, not {lang}.")
    return cast("Lang", lang)


def _os_error(error: OSError) -> Text:
    name = error.filename or ""
    if error.errno == errno.ENOSPC:
        return Text(
            f"磁盘已满，未能写完 {name}；没有留下半成品。请清理空间后重试。",
            f"The disk is full: {name}. Nothing half-written is left.",
        )
    if isinstance(error, PermissionError):
        return Text(
            f"没有权限读写 {name}；文件可能正被其他软件（如 Excel、QGIS）打开，请关闭后重试。",
            f"No permission for {name}; another program may have it open. Close it and try again.",
        )
    return Text(f"读写文件出错：{name}（{error.strerror}）。", f"File error: {name} ({error.strerror}).")


def _print_error(text: Text, lang: Lang) -> None:
    from rich.markup import escape

    label = "错误" if lang == "zh" else "Error"
    _console(stderr=True).print(f"[bold red]{label}[/] {escape(text.in_language(lang))}", highlight=False)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True)


@contextmanager
def _progress(lang: Lang) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, naming the layer at work; silent when nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from gis_renovation.schemas import layer_schemas

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = _console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("…", total=None)

        def update(name: str, done: int, total: int) -> None:
            schema = layer_schemas().get(name)
            bar.update(
                task, completed=done, total=total, description=schema.label.in_language(lang) if schema else name or "…"
            )

        yield update


def build_app(lang: Lang) -> typer.Typer:
    """The command line in one language."""
    from typer import rich_utils

    if lang == "zh":
        rich_utils.OPTIONS_PANEL_TITLE, rich_utils.ARGUMENTS_PANEL_TITLE = "选项", "参数"
        rich_utils.COMMANDS_PANEL_TITLE = "命令"
    app = typer.Typer(
        help=_HELP["app"].in_language(lang),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"obj": lang},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, command in _COMMANDS.items():
        app.command(name, help=_HELP[name].in_language(lang))(command)
    return app


# --- commands -------------------------------------------------------------------------------------


def _root(version: Annotated[bool, typer.Option("--version", help="显示版本 / show the version")] = False) -> None:
    if version:
        _console().print(f"gis-renovation {__version__}", highlight=False)
        raise typer.Exit


def _init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    sample: Annotated[bool, typer.Option("--sample", help="放入合成示例城市 / put in the synthetic sample")] = False,
) -> None:
    init_project(folder, sample=sample)
    _say(context, f"已建立项目 {folder}。", f"Project {folder} is ready.")
    if sample:
        _say(context, f"下一步：gis-renovation run {folder}", f"Next: gis-renovation run {folder}")
    else:
        guide = folder / "开始.md"
        _say(context, f"下一步：打开 {guide}，照着放数据、写来源卡。", f"Next: open {guide} and follow it.")


def _check(context: typer.Context, folder: Folder = Path()) -> None:
    from gis_renovation.pipeline import check_targets, read_inputs
    from gis_renovation.project import load_project

    project = load_project(folder)
    with _progress(context.obj) as update:
        inputs = read_inputs(project, on_progress=update)
    findings = [*inputs.findings, *check_targets(project, inputs.layers)]
    _print_layers(findings, inputs, context.obj)
    _print_findings(findings, context.obj)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _run(
    context: typer.Context,
    folder: Folder = Path(),
    only: Annotated[list[str] | None, typer.Option("--only", help="只算这些步骤，可多次 / only these steps")] = None,
    explain: Annotated[str, typer.Option("--explain", help="说明某一步的来龙去脉 / what went into a step")] = "",
) -> None:
    from gis_renovation.pipeline import run_project
    from gis_renovation.project import load_project

    project = load_project(folder)
    if explain:
        _explain(project, explain, context.obj)
        return
    with _progress(context.obj) as update:
        result = run_project(project, only=tuple(only or ()), on_progress=update)
    _print_run(result, context.obj)


def _publish(
    context: typer.Context,
    folder: Folder = Path(),
    profile: Annotated[str, typer.Option("--profile", help="发布配置名 / profile name")] = "planner",
) -> None:
    from gis_renovation.pipeline import run_project
    from gis_renovation.project import load_project
    from gis_renovation.publish import publish_run

    project = load_project(folder)
    with _progress(context.obj) as update:
        result = run_project(project, on_progress=update)
    page = publish_run(project, result, profile=profile, lang=context.obj)
    _say(context, f"地图：{page}", f"Map: {page}")


def _report(context: typer.Context, folder: Folder = Path()) -> None:
    from gis_renovation.io import new_folder
    from gis_renovation.pipeline import run_project
    from gis_renovation.project import load_project
    from gis_renovation.report import write_reports

    project = load_project(folder)
    with _progress(context.obj) as update:
        result = run_project(project, on_progress=update)
    target = project.folder / "reports" / result.folder.name
    with new_folder(target) as work:
        names = [path.name for path in write_reports(work, result.layers, result.manifest, lang=context.obj)]
    for name in names:
        _say(context, f"文档：{target / name}", f"Document: {target / name}")


def _serve(
    context: typer.Context,
    folder: Folder = Path(),
    profile: Annotated[str, typer.Option("--profile", help="发布配置名 / profile name")] = "planner",
    port: Annotated[int, typer.Option("--port", help="端口，0 为自动 / port, 0 picks one", min=0, max=65535)] = 8000,
) -> None:
    from gis_renovation.serve import serve_folder

    target = folder / "maps" / profile
    if not (target / "index.html").is_file():
        raise FileError(
            f"{target} 还没有地图；请先运行 gis-renovation publish --profile {profile}。",
            f"{target} holds no map yet; run gis-renovation publish --profile {profile} first.",
        )
    ready = ("预览：{}（Ctrl+C 结束）", "Preview: {} (Ctrl+C ends)")
    serve_folder(target, port=port, on_ready=lambda url: _say(context, *(text.format(url) for text in ready)))


_COMMANDS: dict[str, Callable[..., None]] = {
    "init": _init,
    "check": _check,
    "run": _run,
    "publish": _publish,
    "report": _report,
    "serve": _serve,
}


def _say(context: typer.Context, zh: str, en: str) -> None:
    _console().print(Text(zh, en).in_language(context.obj), highlight=False, markup=False)


# --- commands' bodies -----------------------------------------------------------------------------


def init_project(folder: Path, *, sample: bool) -> None:
    """A new project in ``folder``, which must not exist or be empty. Made whole or not at all."""
    from importlib.resources import as_file, files

    from gis_renovation.io import new_folder

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileError(
            f"{folder} 已存在且不是空文件夹；请换一个名字，原有内容没有改动。",
            f"{folder} exists and is not empty; choose another name. Nothing was changed.",
        )
    import shutil

    with new_folder(folder) as work:
        if sample:
            from gis_renovation.sample import write_city

            write_city(work)
        else:
            with as_file(files("gis_renovation") / "template") as template:
                shutil.copytree(template, work, dirs_exist_ok=True)


def _print_layers(findings: Sequence["Finding"], inputs: Any, lang: Lang) -> None:
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    console = _console()
    zh = lang == "zh"
    schemas = layer_schemas()
    table = Table(title="图层" if zh else "Layers", title_justify="left")
    for name in ("图层", "要素数", "错误", "警告") if zh else ("layer", "features", "errors", "warnings"):
        table.add_column(name, justify="left" if name in ("图层", "layer") else "right")
    for name in sorted({*inputs.layers, *(f.layer for f in findings)}):
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
        console.print(f"共 {errors} 处错误，需先改正。" if zh else f"{errors} errors to mend first.", style="bold red")
    else:
        console.print(
            "没有错误，可以运行：gis-renovation run" if zh else "No errors. Next: gis-renovation run", style="green"
        )


def _print_run(result: Any, lang: Lang) -> None:
    from rich.table import Table

    from gis_renovation.schemas import layer_schemas

    zh = lang == "zh"
    console = _console()
    table = Table()
    for name in ("步骤", "行数", "用时", "") if zh else ("step", "rows", "time", ""):
        table.add_column(name)
    for record in result.manifest["steps"]:
        label = f"{layer_schemas()[record['step']].label.in_language(lang)} {record['step']}"
        if record.get("skipped"):
            missing = ", ".join(record["missing"])
            table.add_row(label, "—", "—", f"未执行：缺少 {missing}" if zh else f"skipped: no {missing}")
        else:
            reused = ("沿用" if zh else "reused") if record["reused"] else ""
            table.add_row(label, str(record["rows"]), f"{record['seconds']:.2f} s", reused)
    console.print(table)
    for record in result.manifest["findings"]:
        if record["severity"] == "warning":
            console.print(f"! {record['layer']}: {record[lang]}", style="yellow", highlight=False, markup=False)
    names = ("图层（QGIS 可直接打开）", "表格", "运行记录") if zh else ("Layers (open in QGIS)", "Tables", "Manifest")
    for name, file in zip(names, ("layers.gpkg", "tables.xlsx", "run.json"), strict=True):
        console.print(f"{name}: {result.folder / file}", highlight=False, markup=False)


def _explain(project: Any, step: str, lang: Lang) -> None:
    from gis_renovation.pipeline import latest_manifest, plan_steps
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
    console = _console()

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
    line("参数：" if zh else "parameters:")
    for name, value in record["parameters"].items():
        line(f"  {name} = {value}")
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
            line(f"  {name}: {field.label.in_language(lang)}" + (f"（{field.unit}）" if field.unit else ""))
    for warning in record.get("warnings", []):
        line(f"! {warning}")
