"""The commands: ``init``, ``card``, ``template``, ``check``, ``run``, ``publish``, ``report``, ``serve`` and others.

Exit codes: 0 done; 1 the data has faults; 2 the command, project or a file must be corrected. A user's
mistake never shows a traceback; a traceback is a bug of the program.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gis_renovation import __version__
from gis_renovation.cli.console import (
    console_for,
    explain_step,
    output_kept_clean,
    print_error,
    print_findings,
    print_layers,
    print_proposals,
    print_run,
    progress_bar,
)
from gis_renovation.cli.usage import LocalCommand, LocalGroup, speak_chinese, usage_text
from gis_renovation.errors import ConfigError, FileError, Finding, GisRenovationError, os_error_text
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    from gis_renovation.run import Project, Run

# The library's base of every mistake in a command line; it exports only this child of it.
_UsageError: Any = typer.BadParameter.__mro__[2]

# What shells give a process that Ctrl-C ended.
_INTERRUPTED = 130

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="项目文件夹，默认当前文件夹 / project folder, default here", show_default=False
    ),
]

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
        "新建一个项目文件夹。\n\n示例：gis-renovation init my-city\n\n带示例数据：gis-renovation init demo --sample",
        "Make a new project folder.\n\nExample: gis-renovation init my-city\n\nWith the synthetic sample: "
        "gis-renovation init demo --sample",
    ),
    "card": Text(
        "看一个数据文件或整个文件夹里有什么，起草来源卡；不写任何文件，除非加 --write。\n\n"
        "示例：gis-renovation card 小区.shp --layer communities\n\n"
        "写入项目：gis-renovation card 小区.shp --layer communities --project my-city --write\n\n"
        "整个文件夹：gis-renovation card my-city/layers/data --project my-city --write",
        "Look into a data file or a whole folder and draft source cards; writes nothing without --write.\n\n"
        "Example: gis-renovation card parcels.gpkg --layer parcels\n\n"
        "Into a project: gis-renovation card parcels.gpkg --layer parcels --project my-city --write\n\n"
        "A whole folder: gis-renovation card my-city/layers/data --project my-city --write",
    ),
    "template": Text(
        "给每个图层一张空白表格（中文表头、单位、下拉选项、两行示例），发给下面填；填好放回原处就能读，不用改来源卡。\n\n"
        "示例：gis-renovation template communities works_records --project my-city\n\n"
        "连同数据导出成同样的表，算出来的图层也行：gis-renovation template communities zones --project my-city "
        "--filled --to 导出\n\n"
        "给 QGIS：加 --format gpkg，所选图层在一个 GeoPackage 里",
        "A blank workbook for each layer (Chinese headers, units, drop-downs, two example rows) for others to fill in; "
        "filled in and put back it is read without touching a card.\n\n"
        "Example: gis-renovation template communities works_records --project my-city\n\n"
        "With the data, of results too: gis-renovation template communities zones zone_members --project my-city "
        "--filled --to OUT\n\nFor QGIS: --format gpkg puts the layers into one GeoPackage",
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
        "按发布配置生成地图网页（maps/<配置>/）；--check 核对已发布的文件夹，--restore 换回上一版。\n\n"
        "示例：gis-renovation publish my-city --profile planner\n\n"
        "公开进度网站：gis-renovation publish my-city --profile public --by 张三\n\n"
        "换回上一版：gis-renovation publish my-city --profile public --restore --by 张三",
        "Publish what a profile lets through, into maps/NAME; --check verifies a published folder, --restore "
        "brings the previous edition back.\n\nExample: gis-renovation publish my-city --profile planner\n\n"
        "The public site: gis-renovation publish my-city --profile public --by NAME",
    ),
    "report": Text(
        "生成供签字、上报的文档和表格（reports/）。\n\n示例：gis-renovation report my-city",
        "Make the documents and tables people sign (reports/).\n\nExample: gis-renovation report my-city",
    ),
    "serve": Text(
        "在本机浏览器预览已发布的地图，仅限本机访问。\n\n示例：gis-renovation serve my-city --profile planner",
        "Preview a published map on this machine only.\n\nExample: gis-renovation serve my-city --profile planner",
    ),
    "rebuild-counts": Text(
        "由保留的各期公众版，重建历次公开户数的记录（maps/public.counts.json），丢失或损坏时用。\n\n"
        "示例：gis-renovation rebuild-counts my-city --edition 存档/8月 --edition 存档/9月",
        "Make the record of the counts that were shown (maps/public.counts.json) anew from the public editions kept, "
        "where it was lost or broken.\n\n"
        "Example: gis-renovation rebuild-counts my-city --edition archive/august --edition archive/september",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program; ``--lang`` may stand anywhere among the arguments."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    words = words or ["--help"]
    try:
        lang = _take_language(words)
    except GisRenovationError as error:
        print_error(error.text, "zh")
        sys.exit(error.exit_code)
    try:
        code = build_app(lang, asked_for_help="--help" in words)(
            words, prog_name="gis-renovation", standalone_mode=False
        )
    except _UsageError as error:
        print_error(usage_text(error, _COMMANDS), lang)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except GisRenovationError as error:
        print_error(error.text, lang)
        sys.exit(error.exit_code)
    except OSError as error:
        from gis_renovation.writing import final_name

        print_error(os_error_text(error, final_name(str(error.filename or ""))), lang)
        sys.exit(2)
    if code == _INTERRUPTED:  # the library turns Ctrl-C into this code without a word
        print_error(
            Text(
                "已中断：已完成的步骤下次直接沿用，没有写入任何半成品。",
                "Interrupted: finished steps are reused next time; nothing half-written is left.",
            ),
            lang,
        )
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


def build_app(lang: Lang, *, asked_for_help: bool = False) -> typer.Typer:
    """The command line in one language."""
    if lang == "zh" and asked_for_help:
        speak_chinese()
    app = typer.Typer(
        cls=LocalGroup,
        help=_HELP["app"].in_language(lang),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"obj": lang},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, command in _COMMANDS.items():
        app.command(name, cls=LocalCommand, help=_HELP[name].in_language(lang))(command)
    return app


# --- commands -------------------------------------------------------------------------------------


def _root(version: Annotated[bool, typer.Option("--version", help="显示版本 / show the version")] = False) -> None:
    if version:
        console_for().print(f"gis-renovation {__version__}", highlight=False)
        raise typer.Exit


def _init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    sample: Annotated[bool, typer.Option("--sample", help="放入合成示例城市 / put in the synthetic sample")] = False,
    city_rules: Annotated[
        str, typer.Option("--city-rules", help="本市规则包，如 huainan / the rules of your city", show_default=False)
    ] = "",
) -> None:
    chosen = _ask_city(context, city_rules.strip(), sample=sample)
    init_project(folder, sample=sample, city_rules=chosen)
    _say(context, f"已建立项目 {folder}。", f"Project {folder} is ready.")
    if not sample and not chosen:
        _say(
            context,
            "未选城市规则包：闲置用地和空置房屋只按全国规则和参数判定（project.toml 的 city_rules）。",
            "No city's rules chosen: idle land is judged by national rules and parameters alone "
            "(city_rules in project.toml).",
        )
    if sample:
        _say(context, f"下一步：gis-renovation run {folder}", f"Next: gis-renovation run {folder}")
    else:
        guide = folder / "开始.md"
        _say(context, f"下一步：打开 {guide}，照着放数据、写来源卡。", f"Next: open {guide} and follow it.")


def _ask_city(context: typer.Context, named: str, *, sample: bool) -> str:
    """The city whose rules a new project takes: as named, or as answered in a terminal; empty for none."""
    from gis_renovation.rule_packs import city_packs
    from gis_renovation.rules import unknown_pack_error

    if sample:
        return ""
    packs, lang = city_packs(), context.obj
    if not named and sys.stdin.isatty():
        listed = ", ".join(f"{name} {(pack.place or pack.title).in_language(lang)}" for name, pack in packs.items())
        asked = Text(
            "本市规则包（没有就直接回车；现有：{listed}）", "Rules of your city (Enter for none; known: {listed})"
        )
        question = asked.fill(listed=listed).in_language(lang)
        named = typer.prompt(question, default="", show_default=False).strip()
    if named and named not in packs:
        raise unknown_pack_error([named], tuple(packs), where="--city-rules")
    return named


def _card(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="数据文件 / data file", show_default=False)],
    layer: Annotated[str, typer.Option("--layer", help="图层，如 communities；不写则猜 / layer to fill")] = "",
    sublayer: Annotated[str, typer.Option("--sublayer", help="文件内的图层或工作表 / layer or sheet in the file")] = "",
    project: Annotated[Path, typer.Option("--project", help="项目文件夹 / project folder")] = Path(),
    write: Annotated[bool, typer.Option("--write", help="写入项目的 layers/，不覆盖 / write into layers/")] = False,
) -> None:
    from gis_renovation.checking import describe, draft_card, draft_join, write_draft, write_join
    from gis_renovation.run import PROJECT_FILE, open_project, read_settings

    in_project = (project / PROJECT_FILE).is_file()
    if write and not in_project:
        open_project(project)  # says what is missing
    cards = project / "layers" if in_project else Path()
    if file.is_dir() and file.suffix.lower() != ".gdb":
        crs = read_settings(project).project.crs if in_project else ""
        _card_folder(context, file, cards, crs, write=write, chosen=layer or sublayer)
        return
    joined = draft_join(file, layer=layer, sublayer=sublayer, beside=cards, lang=context.obj) if in_project else None
    if joined is not None:
        if not write:
            sys.stdout.write(joined.text(context.obj))
            return
        target = write_join(joined, layer=layer)
        sys.stdout.write("\n".join(describe(joined, context.obj)) + "\n")
        _say(context, f"已加进 {target}；请打开核对，再运行 check。", f"Added to {target}; check it, then run check.")
        return
    crs = read_settings(project).project.crs if in_project else ""
    draft = draft_card(file, layer=layer, sublayer=sublayer, beside=cards, project_crs=crs, lang=context.obj)
    if not write:
        sys.stdout.write(draft.text)
        return
    target = write_draft(draft, cards)
    for doubt in draft.doubts:
        console_for().print(f"! {doubt.in_language(context.obj)}", style="yellow", highlight=False, markup=False)
    _say(context, f"已写入 {target}；请打开核对，再运行 check。", f"Wrote {target}; look it over, then run check.")


def _card_folder(context: typer.Context, folder: Path, cards: Path, crs: str, *, write: bool, chosen: str) -> None:
    """Cards for all files of a folder: the table of what each is taken for, the doubts, and where they were written."""
    from gis_renovation.checking import propose_folder, write_proposals

    if chosen:
        raise ConfigError(
            "--layer 和 --sublayer 只用于一个文件；整个文件夹由程序逐个判断。",
            "--layer and --sublayer are for one file; of a folder each file is judged by itself.",
        )
    with progress_bar(context.obj) as update:
        found = propose_folder(folder, beside=cards, project_crs=crs, lang=context.obj, on_progress=update)
    written = write_proposals(found, cards) if write else []
    print_proposals(found, folder, context.obj)
    for path in written:
        _say(context, f"已写入 {path}", f"Wrote {path}")
    if write:
        _say(context, "请逐张打开核对，再运行 check。", "Look each card over, then run check.")
    else:
        _say(context, "没有写任何文件；要写入来源卡，加 --write。", "Nothing was written; --write writes the cards.")


def _template(
    context: typer.Context,
    layers: Annotated[
        list[str], typer.Argument(metavar="LAYER", help="图层，可写几个 / layers, several", show_default=False)
    ],
    project: Annotated[Path, typer.Option("--project", help="项目文件夹 / project folder")] = Path(),
    to: Annotated[str, typer.Option("--to", help="放在哪个文件夹 / folder to put them in")] = "",
    filled: Annotated[bool, typer.Option("--filled", help="填上项目现有的数据 / with the project's data")] = False,
    form: Annotated[str, typer.Option("--format", help="xlsx（默认）或 gpkg / xlsx (default) or gpkg")] = "xlsx",
) -> None:
    from gis_renovation.cli.blanks import asked_schemas, write_blanks, write_filled
    from gis_renovation.run import PROJECT_FILE

    schemas = asked_schemas(layers, filled=filled, form=form)
    in_project = (project / PROJECT_FILE).is_file()
    folder = Path(to) if to else project / "layers" / "data" if in_project else Path()
    if filled:
        told = write_filled(schemas, project, folder, cast("Any", form), context.obj)
    else:
        told = write_blanks(schemas, folder, project / "layers" if in_project else None, context.obj)
    for schema, said in zip(schemas, told, strict=True):
        _say(context, f"{schema.label.zh}：{said.zh}", f"{schema.name}: {said.en}")


def _check(context: typer.Context, folder: Folder = Path()) -> None:
    from gis_renovation.reports import write_check_report
    from gis_renovation.run import check_project, open_project

    project = open_project(folder)
    with progress_bar(context.obj) as update:
        inputs = check_project(project, on_progress=update)
    findings = inputs.findings
    report, kept = write_check_report(project, findings, inputs.layers, inputs.sources, lang=context.obj)
    print_layers(findings, inputs, context.obj)
    print_findings(findings, context.obj)
    _say(context, f"检查报告：{report}", f"Check report: {report}")
    _keepings(context, kept)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _run(
    context: typer.Context,
    folder: Folder = Path(),
    only: Annotated[list[str] | None, typer.Option("--only", help="只算这些步骤，可多次 / only these steps")] = None,
    explain: Annotated[str, typer.Option("--explain", help="说明某一步的来龙去脉 / what went into a step")] = "",
) -> None:
    from gis_renovation.run import open_project

    project = open_project(folder)
    if explain:
        explain_step(project, explain, context.obj)
        return
    result = _run_with_bar(context, project, only=tuple(only or ()))
    print_run(result, context.obj)


def _publish(
    context: typer.Context,
    folder: Folder = Path(),
    profile: Annotated[str, typer.Option("--profile", help="发布配置名 / profile name")] = "planner",
    check: Annotated[bool, typer.Option("--check", help="只核对已发布的文件夹 / only verify")] = False,
    single: Annotated[
        bool,
        typer.Option(
            "--single", help="只要一个网页文件，不超过 20 MB；公众版是网站，不能用 / one file, up to 20 MB; not public"
        ),
    ] = False,
    restore: Annotated[bool, typer.Option("--restore", help="换回上一版 / bring the previous edition back")] = False,
    by: Annotated[str, typer.Option("--by", help="发布人，记入日志 / who publishes, for the log")] = "",
    on: Annotated[
        str,
        typer.Option("--on", help="发布或核对日期，默认今天 / day of publishing, today if left out", metavar="DATE"),
    ] = "",
) -> None:
    day = _date_option("--on", on)
    if check and restore:
        raise ConfigError("--check 和 --restore 不能同时用。", "--check and --restore do not go together.")
    if check:
        _verify(context, _edition_folder(folder, profile), day)
    elif restore:
        _bring_back(context, _edition_folder(folder, profile), by, day)
    else:
        _publish_profile(context, folder, profile, by=by, on=day, single=single)


def _edition_folder(folder: Path, profile: str) -> Path:
    """The published folder that is meant: the one named, or that of a profile in the project named."""
    from gis_renovation.publish import MARKER

    return folder if (folder / MARKER).is_file() else folder / "maps" / profile


def _verify(context: typer.Context, target: Path, day: date | None) -> None:
    from gis_renovation.publish import require_number_in_force, require_sound

    require_sound(target)
    require_number_in_force(target, day or _today())
    _say(context, f"核对无误：{target}", f"Sound: {target}")


def _bring_back(context: typer.Context, target: Path, by: str, day: date | None) -> None:
    from gis_renovation.publish import log_edition, publisher_warnings, restore_previous

    restore_previous(target)
    log_edition(target, "restore", by=by, on=day)
    _warn(context, publisher_warnings(by))
    _say(context, f"已换回上一版：{target}；再运行一次即换回来。", f"Restored: {target}; run again to undo.")


def _rebuild_counts(
    context: typer.Context,
    folder: Folder = Path(),
    profile: Annotated[str, typer.Option("--profile", help="公众版的配置名 / the public profile")] = "public",
    edition: Annotated[
        list[Path] | None,
        typer.Option("--edition", help="存有某一期的文件夹，可重复 / a folder that holds an edition, repeatable"),
    ] = None,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="确有几期找不到也重建 / although editions are lost")
    ] = False,
) -> None:
    from gis_renovation.publish import read_profile, rebuild_counts
    from gis_renovation.run import open_project

    project = open_project(folder)
    rules = read_profile(project.folder, profile)
    result = _run_with_bar(context, project)
    k = rules.disclosure.minimum_count
    target = project.folder / "maps" / profile
    path = rebuild_counts(target, result.layers, k, kept=edition or [], accept_missing=accept_missing)
    _say(context, f"已由保留的各期重建：{path}", f"Made anew from the editions kept: {path}")


def _publish_profile(
    context: typer.Context, folder: Path, profile: str, *, by: str, on: date | None, single: bool
) -> None:
    from gis_renovation.publish import Occasion, publish_run, read_marker
    from gis_renovation.run import open_project

    project = open_project(folder)
    result = _run_with_bar(context, project)
    warnings: list[Finding] = []
    told = warnings.append
    occasion = Occasion(by=by, on=on, today=_today(), single=single, on_warning=told, lang=context.obj)
    page = publish_run(project, result, profile=profile, occasion=occasion)
    marker = read_marker(page.parent)
    _warn(context, warnings)
    for layer, reason in (marker.tiled if marker else {}).items():
        _say(context, f"{layer}：{reason}", f"{layer}: {reason}")
    _say(context, f"地图：{page}", f"Map: {page}")


def _warn(context: typer.Context, warnings: Iterable[Finding]) -> None:
    for warning in warnings:
        console_for().print(f"! {warning.sentence(context.obj)}", style="yellow", highlight=False, markup=False)


def _report(
    context: typer.Context,
    folder: Folder = Path(),
    site: Annotated[
        list[str] | None,
        typer.Option("--site", help="只出这些片区或项目的核查表，可重复 / land-status sheets of these only"),
    ] = None,
) -> None:
    from gis_renovation.reports import font_used, write_reports
    from gis_renovation.run import open_project
    from gis_renovation.writing import filed_folder

    project = open_project(folder)
    result = _run_with_bar(context, project)
    target = project.folder / "reports" / result.folder.name
    # Sheets made for other sites before stay where only some are asked for.
    with filed_folder(target, standing=lambda name: bool(site) and "/" in name) as filing:
        written = write_reports(filing.work, result.layers, result.manifest, lang=context.obj, sites=site or ())
        names = [path.name for path in written]
        drawn = any(filing.work.glob("*/*.png"))
    for name in names:
        place = target / filing.beside.get(name, name)
        _say(context, f"文档：{place}", f"Document: {place}")
    if drawn:
        _say(context, f"图上字体：{font_used()}", f"Letters of the maps: {font_used()}")
    _keepings(context, filing.remarks())


def _keepings(context: typer.Context, remarks: Iterable[Text]) -> None:
    """What of people's own files was kept."""
    for remark in remarks:
        console_for().print(f"! {remark.in_language(context.obj)}", style="yellow", highlight=False, markup=False)


def _serve(
    context: typer.Context,
    folder: Folder = Path(),
    profile: Annotated[str, typer.Option("--profile", help="发布配置名 / profile name")] = "planner",
    port: Annotated[int, typer.Option("--port", help="端口，0 为自动 / port, 0 picks one", min=0, max=65535)] = 8000,
) -> None:
    from gis_renovation.cli.serve import serve_folder

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
    "card": _card,
    "template": _template,
    "check": _check,
    "run": _run,
    "publish": _publish,
    "report": _report,
    "serve": _serve,
    "rebuild-counts": _rebuild_counts,
}


def _run_with_bar(context: typer.Context, project: "Project", only: tuple[str, ...] = ()) -> "Run":
    """The project's run, with progress shown to whoever watches."""
    from gis_renovation.run import run_project

    with output_kept_clean(), progress_bar(context.obj) as update:
        return run_project(project, only=only, on_progress=update)


def _today() -> date:
    """The only clock of the program: no output depends on it, but a map number that has run out is refused."""
    return datetime.now(tz=UTC).astimezone().date()


def _date_option(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(
            f"{name} {text} 不是日期；写成 2024-10-08。", f"{name} {text} is no date; write it as 2024-10-08."
        ) from None


def _say(context: typer.Context, zh: str, en: str) -> None:
    console_for().print(Text(zh, en).in_language(context.obj), highlight=False, markup=False)


# --- commands' bodies -----------------------------------------------------------------------------


def init_project(folder: Path, *, sample: bool, city_rules: str = "") -> None:
    """A new project in ``folder``, which must not exist or be empty. Made whole or not at all.

    ``city_rules`` is the shipped pack of the project's city; without one national rules alone hold.
    """
    from importlib.resources import as_file

    from gis_renovation.shipped import shipped
    from gis_renovation.writing import new_folder

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
            with as_file(shipped("template")) as template:
                shutil.copytree(template, work, dirs_exist_ok=True)
            if city_rules:
                path = work / "project.toml"
                text = path.read_text("utf-8").replace(
                    '# city_rules = "huainan"  ', f'city_rules = "{city_rules}"  ', 1
                )
                path.write_text(text, encoding="utf-8")
