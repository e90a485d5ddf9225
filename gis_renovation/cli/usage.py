"""The command line's own words in the reader's language: usage, help, and what is wrong with a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from gis_renovation.words import Lang, Text

# What the library says of a value, as a pattern, and how that is said in Chinese.
_VALUES = (
    (r".*valid integer.*", "应为整数"),
    (r".*valid number.*|.*valid float.*", "应为数字"),
    (r".*less than or equal to (\S+)", r"不能大于 \1"),
    (r".*greater than or equal to (\S+)", r"不能小于 \1"),
    (r".*requires an argument.*", "后面要写一个值"),
)
_USAGE_WORDS = (("Usage: ", "用法："), ("[OPTIONS]", "[选项]"), ("COMMAND [ARGS]...", "命令 [参数]..."))


def usage_text(error: Any, commands: Iterable[str]) -> Text:
    """What is wrong with a command line and what to write, from the library's exception."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gis-renovation"
    english = error.format_message().rstrip(".")
    return Text(
        f"命令写法不对：{_in_chinese(error, english, commands)}。用 {path} --help 查看用法。",
        f"{english}. See {path} --help.",
    )


def _in_chinese(error: Any, english: str, commands: Iterable[str]) -> str:
    kind, message = type(error).__name__, str(error.message)
    if kind == "NoSuchOption":
        near = "、".join(sorted(error.possibilities or ()))
        return f"没有 {error.option_name} 这个选项" + (f"；是否指 {near}" if near else "")
    if kind == "MissingParameter":
        name = (error.param.metavar or error.param.name) if error.param is not None else ""
        return f"还要写上 {name}"
    unknown = re.match(r"No such command '(.*?)'\.?(?: Did you mean (.*)\?)?", message)
    if unknown:
        near = (unknown[2] or "").replace("'", "")
        return f"没有 {unknown[1]} 这个命令；" + (f"是否指 {near}" if near else f"可用：{'、'.join(commands)}")
    extra = re.match(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message)
    if extra:
        return f"多写了 {extra[1]}（含空格的名称要加引号）"
    for pattern, said in _VALUES:
        if re.fullmatch(pattern, message):
            option = getattr(error, "option_name", "") or "、".join(getattr(error.param, "opts", ()))
            return f"{option} {re.sub(pattern, said, message)}"
    return english


class LocalCommand(TyperCommand):
    """A command whose help speaks one language; texts are given as “Chinese / English”."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters, their help in the language of the context."""
        return _one_language(super().get_params(ctx), ctx.obj)

    def get_usage(self, ctx: Any) -> str:
        """The line that shows how the command is written."""
        return _usage_line(super().get_usage(ctx), ctx.obj)


class LocalGroup(TyperGroup):
    """The program itself, speaking one language as its commands do."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters, their help in the language of the context."""
        return _one_language(super().get_params(ctx), ctx.obj)

    def get_usage(self, ctx: Any) -> str:
        """The line that shows how the program is called."""
        return _usage_line(super().get_usage(ctx), ctx.obj)


def _one_language(parameters: Any, lang: Lang) -> Any:
    for parameter in parameters:
        text = getattr(parameter, "help", None)
        if text == "Show this message and exit.":
            text = "显示这段说明 / show this message"
        if text and " / " in text:
            zh, _, en = text.partition(" / ")
            parameter.help = Text(zh, en).in_language(lang)
        parameter.display_type_rich = _kind_of(parameter, lang)
    return parameters


# What a value is, in words; a switch takes none.
_KINDS = {"path": Text("路径", "path"), "int": Text("整数", "number"), "float": Text("数字", "number")}


def _kind_of(parameter: Any, lang: Lang) -> Callable[..., str | None]:
    def shown(ctx: Any) -> str | None:
        name = str(parameter.display_type(ctx)).strip("<>").lower()
        if name == "bool":
            return None
        return f"<{_KINDS.get(name.removesuffix(' range'), Text('文字', 'text')).in_language(lang)}>"

    return shown


def _usage_line(line: str, lang: Lang) -> str:
    for english, chinese in _USAGE_WORDS if lang == "zh" else ():
        line = line.replace(english, chinese)
    return line


def speak_chinese() -> None:
    """The titles and marks of the help in Chinese; only for a process that will show it."""
    from typer import rich_utils  # draws the help, and costs more than all else here

    rich_utils.OPTIONS_PANEL_TITLE, rich_utils.ARGUMENTS_PANEL_TITLE = "选项", "参数"
    rich_utils.COMMANDS_PANEL_TITLE, rich_utils.REQUIRED_LONG_STRING = "命令", "[必填]"
    rich_utils.DEFAULT_STRING = "[默认：{}]"
