"""Word documents as offices here sign them: A4, 仿宋 text, 黑体 headings, tables, signature lines.

Fonts are named, never shipped: Word and WPS bring them, LibreOffice falls back to what is installed.
The same content gives the same bytes.
"""

from __future__ import annotations

import copy
import datetime
import html
import io
import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.display import SYNTHETIC_NOTICE, Column, display_width, shown_columns, shown_texts
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import pandas as pd
    from docx.oxml.xmlchemy import BaseOxmlElement

ROWS_SHOWN = 200
_BODY, _HEADING, _TABLE, _LATIN = "仿宋", "黑体", "宋体", "Times New Roman"
_SHORT_SIDE_CM, _LONG_SIDE_CM = 21.0, 29.7
_SIDE_MARGIN_CM = 2.5
# Widest text a column asks room for, and the least it gets, in Latin characters.
_COLUMN_MOST, _COLUMN_LEAST = 90, 7
# Up to this a column keeps its width; a centimetre of table type holds so many Latin characters.
_SHORT, _CHARACTERS_A_CM = 16, 6.0
# A value longer than this takes a whole row of a form.
_FORM_VALUE = 30
_DIGITS = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Paper:
    """One document under way, in one language; every text put in is made legal XML."""

    def __init__(self, *, title: Text, lang: Lang, footer: str, synthetic: bool, landscape: bool = False) -> None:
        from docx import Document

        self.lang = lang
        self._title = title.in_language(lang)
        self._doc = Document()
        self._set_page(landscape=landscape)
        self._set_styles()
        self._set_header(SYNTHETIC_NOTICE.in_language(lang) if synthetic else "")
        self._set_footer(footer)
        self._paragraph(self._title, "Title")
        self._contents: Any = None
        self._entries: list[tuple[str, str]] = []
        self._marks = 0

    # --- page and styles ---

    def _set_page(self, *, landscape: bool) -> None:
        from docx.enum.section import WD_ORIENT
        from docx.shared import Cm

        section = self._doc.sections[0]
        width, height = (_LONG_SIDE_CM, _SHORT_SIDE_CM) if landscape else (_SHORT_SIDE_CM, _LONG_SIDE_CM)
        section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Cm(width), Cm(height)
        section.top_margin, section.bottom_margin = (Cm(2.1), Cm(1.9)) if landscape else (Cm(2.5), Cm(2.2))
        section.left_margin = section.right_margin = Cm(_SIDE_MARGIN_CM)
        self._text_width_cm = width - 2 * _SIDE_MARGIN_CM

    def _set_styles(self) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt, RGBColor

        styles = self._doc.styles
        for name, font, points in (
            ("Normal", _BODY, 12.0),
            ("Title", _HEADING, 20.0),
            ("Heading 1", _HEADING, 15.0),
            ("Heading 2", _HEADING, 13.0),
        ):
            style = styles[name]
            style.font.size = Pt(points)
            style.font.bold = False
            style.font.color.rgb = RGBColor(0, 0, 0)
            _set_fonts(style.element, font)
        title = styles["Title"].paragraph_format
        title.alignment, title.space_after = WD_ALIGN_PARAGRAPH.CENTER, Pt(12)
        # The template underlines titles with a blue border.
        for border in styles["Title"].element.findall(".//" + _tag("w:pBdr")):
            border.getparent().remove(border)
        for name in ("Heading 1", "Heading 2"):
            heading = styles[name].paragraph_format
            heading.space_before, heading.space_after, heading.keep_with_next = Pt(10), Pt(5), True
        styles["Normal"].paragraph_format.line_spacing = 1.3
        styles["Footer"].font.size = styles["Header"].font.size = Pt(9)
        # Without it, punctuation is set as for another language.
        for language in styles.element.iter(_tag("w:lang")):
            language.set(_tag("w:eastAsia"), "zh-CN")

    def _set_header(self, notice: str) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt, RGBColor

        if not notice:
            return
        paragraph = self._doc.sections[0].header.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(notice)
        run.font.size, run.font.color.rgb = Pt(9), RGBColor(0xC0, 0, 0)
        _set_fonts(run._element, _TABLE)  # noqa: SLF001 - python-docx has no public way to East Asian fonts

    def _set_footer(self, text: str) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt

        paragraph = self._doc.sections[0].footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        before, between, after = ("　第 ", " 页　共 ", " 页") if self.lang == "zh" else ("  page ", " of ", "")
        for part in (_legal(text) + before, "PAGE", between, "NUMPAGES", after):
            run = paragraph.add_run("" if part.isupper() else part)
            run.font.size = Pt(9)
            _set_fonts(run._element, _TABLE)  # noqa: SLF001
            if part.isupper():
                run._element.extend(_page_field(part))  # noqa: SLF001

    # --- content ---

    def _paragraph(self, text: str, style_id: str) -> Any:
        """A paragraph of a style given by its id: looking one up by name reads all styles, each time anew."""
        paragraph = self._doc.add_paragraph(_legal(text))
        paragraph._p.style = style_id  # noqa: SLF001
        return paragraph

    def heading(
        self, zh: str, en: str, *, level: int = 1, new_page: bool = False, mark: str = "", numbered: bool = False
    ) -> None:
        """A heading; ``new_page`` puts it on top of a page, ``mark`` names it for the page column of a table.

        ``numbered`` counts it among those of a document with contents.
        """
        text = Text(zh, en).in_language(self.lang)
        if numbered:
            count = len(self._entries) + 1
            text = f"{_numeral(count)}、{text}" if self.lang == "zh" else f"{count}. {text}"
        paragraph = self._paragraph(text, f"Heading{level}")
        paragraph.paragraph_format.page_break_before = new_page
        if self._contents is not None and level == 1:
            mark = mark or f"section_{len(self._entries) + 1}"
            self._entries.append((mark, text))
        if mark:
            self._marks += 1
            start = _element("w:bookmarkStart", id=self._marks, name=mark)
            paragraph._p.insert_element_before(start, "w:r")  # noqa: SLF001
            paragraph._p.append(_element("w:bookmarkEnd", id=self._marks))  # noqa: SLF001

    def contents(self) -> None:
        """A list of the headings that follow, each with its page; :meth:`save` fills it in."""
        self._paragraph(Text("目录", "Contents").in_language(self.lang), "Heading1")
        self._contents = self._doc.add_paragraph()

    def _fill_contents(self) -> None:
        from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
        from docx.shared import Cm, Pt

        if self._contents is None:
            return
        for mark, text in self._entries:
            paragraph = self._contents.insert_paragraph_before(f"{_legal(text)}\t")
            paragraph.paragraph_format.space_after = Pt(0)
            stops = paragraph.paragraph_format.tab_stops
            stops.add_tab_stop(Cm(self._text_width_cm), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
            for part in _page_of(mark):
                paragraph.add_run()._element.append(part)  # noqa: SLF001
        self._contents._p.getparent().remove(self._contents._p)  # noqa: SLF001
        self._contents = None

    def say(self, zh: str, en: str, *, keep: bool = False) -> None:
        """A paragraph of running text, first line indented; ``keep`` holds it with what follows."""
        from docx.shared import Pt

        paragraph = self._doc.add_paragraph(_legal(Text(zh, en).in_language(self.lang)))
        paragraph.paragraph_format.space_after = Pt(4)
        paragraph.paragraph_format.keep_with_next = keep
        if self.lang == "zh":
            paragraph.paragraph_format.first_line_indent = Pt(24)

    def facts(self, pairs: Sequence[tuple[Text, str]]) -> None:
        """A form of labels and values, two pairs to a row; a long value takes a row of its own."""
        rows: list[list[str]] = []
        pending: list[str] = []
        for label, value in pairs:
            cells = [label.in_language(self.lang), value]
            if display_width(value) > _FORM_VALUE:
                if pending:
                    rows.append([*pending, "", ""])
                    pending = []
                rows.append(cells)
            elif pending:
                rows.append([*pending, *cells])
                pending = []
            else:
                pending = cells
        if pending:
            rows.append([*pending, "", ""])
        half = self._text_width_cm / 2
        widths = [2.9, half - 2.9, 2.9, half - 2.9]
        table = self._new_table(widths)
        for cells in rows:
            row = _row(cells, widths if len(cells) == 4 else [widths[0], sum(widths[1:])], spans=len(cells) == 2)
            for label in (row[0], *row[2:3]):
                _shade(label)
            table.append(row[-1].getparent())
        self._gap()

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        numeric: Sequence[bool] = (),
        marks: Sequence[str] = (),
    ) -> None:
        """A table with a header repeated on every page; ``numeric`` columns stand at the right.

        ``marks`` names the heading each row leads to: rows are numbered and end with its page.
        """
        body = [list(map(str, row)) for row in rows]
        aligned = list(numeric) or [False] * len(header)
        if marks:
            number, page = (Text("序号", "No."), Text("页码", "Page"))
            header = [number.in_language(self.lang), *header, page.in_language(self.lang)]
            body = [[str(at), *cells, ""] for at, cells in enumerate(body, 1)]
            aligned = [True, *aligned, True]
        widths = _column_widths(header, body, self._text_width_cm)
        table = self._new_table(widths)
        top = _row(header, widths, centred=True)
        for cell in top:
            _shade(cell)
        _repeat_row(top[0].getparent())
        table.append(top[0].getparent())
        pattern = _row([""] * len(header), widths, right=aligned)[0].getparent()
        for at, cells in enumerate(body):
            line = copy.deepcopy(pattern)
            places = list(line.iter(_tag("w:t")))
            for place, text in zip(places, cells, strict=True):
                place.text = _legal(text)
            if marks:
                run = places[-1].getparent()
                run.remove(places[-1])
                # A run for each part: a field in one run loses its type size in some programs.
                for part in _page_of(marks[at]):
                    own = copy.deepcopy(run)
                    own.append(part)
                    run.addprevious(own)
            table.append(line)
        self._gap()

    def layer_table(
        self,
        frame: pd.DataFrame,
        layer: str,
        columns: Sequence[str],
        *,
        rows_shown: int = ROWS_SHOWN,
        see: str = "",
        key: bool = True,
        labels: Mapping[str, Text] | None = None,
        marks: Sequence[str] = (),
    ) -> None:
        """A layer's columns as a table, labelled and formatted by its schema; absent columns are passed over.

        ``labels`` head columns whose cells were replaced, such as ids by names; ``marks`` as in :meth:`table`.
        Beyond ``rows_shown`` rows a sentence tells how many are left out and that they stand in ``see``.
        """
        schema = layer_schema(layer)
        at_hand = {column.name: column for column in shown_columns(frame, schema, self.lang)}
        names = [name for name in ([schema.key] if key else []) + list(columns) if name in at_hand]
        chosen = [at_hand[name] for name in dict.fromkeys(names)]
        shown = frame.iloc[:rows_shown]
        texts = [shown_texts(shown, column, self.lang) for column in chosen]
        own = labels or {}
        header = [own[c.name].in_language(self.lang) if c.name in own else c.header(self.lang) for c in chosen]
        numeric = [_is_number(column) for column in chosen]
        self.table(header, zip(*texts, strict=True), numeric=numeric, marks=marks)
        left = len(frame) - len(shown)
        if left > 0:
            self.say(
                f"本表列出前 {len(shown)} 行，其余 {left:,} 行见 {see}。",
                f"The first {len(shown)} rows; {left:,} more stand in {see}.",
            )

    def picture(self, png: bytes, *, width_cm: float) -> None:
        """A picture at a stated width on paper, so that its scale holds."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Cm, Pt

        paragraph = self._doc.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_after = Pt(4)
        paragraph.paragraph_format.line_spacing = 1.0
        paragraph.add_run().add_picture(io.BytesIO(png), width=Cm(width_cm))

    def keep_last_table(self) -> None:
        """Hold the last table on one page with what follows it, so that signatures never stand alone."""
        for holder in (self._doc.tables[-1]._tbl, self._doc.paragraphs[-1]._p):  # noqa: SLF001
            for paragraph in [holder, *holder.iter(_tag("w:p"))]:
                if paragraph.tag == _tag("w:p"):
                    paragraph.get_or_add_pPr().get_or_add_keepNext()

    def signatures(self, roles: Sequence[Text], *, one_line: bool = False) -> None:
        """Lines to sign and date, kept together on one page; ``one_line`` puts them side by side."""
        from docx.shared import Pt

        blank, date, colon = "＿" * (7 if one_line else 10), "日期：　　　年　　月　　日", "："
        if self.lang == "en":
            blank, date, colon = "_" * (14 if one_line else 24), "Date: ____________", ": "
        lines = [f"{role.in_language(self.lang)}{colon}{blank}" for role in roles]
        lines = [f"{'　'.join(lines)}　{date}"] if one_line else [f"{line}　　{date}" for line in lines]
        for number, line in enumerate(lines):
            paragraph = self._doc.add_paragraph(line)
            paragraph.paragraph_format.space_before = Pt(14 if number == 0 else 8)
            paragraph.paragraph_format.keep_with_next = number < len(lines) - 1

    def save(self, path: Path, *, dated: datetime.date) -> None:
        """Write the document; its own dates are ``dated``, so that equal content is equal bytes."""
        self._fill_contents()
        moment = datetime.datetime.combine(dated, datetime.time())
        properties = self._doc.core_properties
        properties.title, properties.author, properties.last_modified_by = _legal(self._title), "", ""
        properties.comments, properties.revision = "", 1
        properties.created = properties.modified = properties.last_printed = moment
        buffer = io.BytesIO()
        self._doc.save(buffer)
        with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in sorted(made.namelist()):
                entry = zipfile.ZipInfo(name, _ZIP_DATE)
                entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
                target.writestr(entry, made.read(name))

    def _new_table(self, widths: Sequence[float]) -> Any:
        from docx.enum.table import WD_TABLE_ALIGNMENT
        from docx.shared import Cm

        table = self._doc.add_table(rows=0, cols=len(widths))
        # By its id: looking a style up by name reads all styles, for every table anew.
        table._tbl.tblPr.style = "TableGrid"  # noqa: SLF001
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        return table._tbl  # noqa: SLF001 - rows are put in as XML: python-docx's own way is quadratic

    def _gap(self) -> None:
        """Word joins two tables that touch; a small empty paragraph keeps them apart."""
        from docx.shared import Pt

        paragraph = self._doc.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.paragraph_format.line_spacing = Pt(8)


# --- XML that python-docx has no words for ------------------------------------------------------------


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _element(name: str, /, **attributes: object) -> Any:
    from docx.oxml import OxmlElement

    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(_tag(f"w:{key}"), str(value))
    return element


def _legal(text: str) -> str:
    """Characters XML cannot hold become U+FFFD; nothing else changes."""
    return _NOT_XML.sub("\ufffd", text)


def _set_fonts(holder: BaseOxmlElement, east_asian: str) -> None:
    """Name the Chinese and the Latin font of a style or run; theme fonts would override them."""
    fonts = holder.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(_tag(f"w:{theme}"), None)
    for key, value in (("ascii", _LATIN), ("hAnsi", _LATIN), ("eastAsia", east_asian)):
        fonts.set(_tag(f"w:{key}"), value)


def _page_field(name: str) -> list[Any]:
    begin, end = _element("w:fldChar", fldCharType="begin"), _element("w:fldChar", fldCharType="end")
    instruction = _element("w:instrText")
    instruction.text = name
    return [begin, instruction, end]


def _numeral(number: int) -> str:
    """1 to 99 as Chinese headings count."""
    tens, ones = divmod(number, 10)
    return f"{'' if tens < 2 else _DIGITS[tens]}{'十' if tens else ''}{_DIGITS[ones]}"


def _page_of(mark: str) -> list[Any]:
    """The page of a heading; Word counts pages when it opens the document, until then the place holds a dash."""
    begin, instruction, end = _page_field(f" PAGEREF {mark} \\h ")
    begin.set(_tag("w:dirty"), "true")
    shown = _element("w:t")
    shown.text = "—"
    return [begin, instruction, _element("w:fldChar", fldCharType="separate"), shown, end]


def _row(
    cells: Sequence[str],
    widths_cm: Sequence[float],
    *,
    right: Sequence[bool] = (),
    centred: bool = False,
    spans: bool = False,
) -> list[Any]:
    """The ``w:tc`` of a new ``w:tr``, in table type; ``spans`` lets the last cell take the rest."""
    # Latin letters of 宋体 are half a Chinese character wide, so that column widths can be foreseen.
    parts = []
    for number, (text, width) in enumerate(zip(cells, widths_cm, strict=True)):
        span = '<w:gridSpan w:val="3"/>' if spans and number == len(cells) - 1 else ""
        where = "center" if centred else "right" if right and right[number] else "left"
        parts.append(
            f'<w:tc><w:tcPr><w:tcW w:w="{round(width * 567)}" w:type="dxa"/>{span}</w:tcPr><w:p><w:pPr>'
            f'<w:spacing w:before="20" w:after="20" w:line="240" w:lineRule="auto"/><w:jc w:val="{where}"/></w:pPr>'
            f'<w:r><w:rPr><w:rFonts w:ascii="{_TABLE}" w:hAnsi="{_TABLE}" w:eastAsia="{_TABLE}"/><w:sz w:val="18"/>'
            f'</w:rPr><w:t xml:space="preserve">{html.escape(_legal(text), quote=False)}</w:t></w:r></w:p></w:tc>'
        )
    return list(_parsed(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{''.join(parts)}</w:tr>"))[1:]


def _parsed(xml: str) -> Any:
    """One element from its text: several times as fast as from a call for every part of it."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    end = xml.index(">")
    return parse_xml(f"{xml[:end]} {nsdecls('w')}{xml[end:]}")


def _shade(cell: BaseOxmlElement) -> None:
    cell.find(_tag("w:tcPr")).append(_element("w:shd", val="clear", color="auto", fill="EAF0F6"))


def _repeat_row(row: BaseOxmlElement) -> None:
    row.find(_tag("w:trPr")).append(_element("w:tblHeader"))


def _column_widths(header: Sequence[str], rows: Sequence[Sequence[str]], text_width_cm: float) -> list[float]:
    """Widths in cm that add up to ``text_width_cm``.

    Numbers and short words get what they need, for they must not break; long text shares the rest,
    headers may wrap.
    """
    if not header:
        raise ConfigError("表格没有任何栏。", "The table has no column.")
    wanted = []
    for number, label in enumerate(header):
        longest = max((display_width(row[number]) for row in rows), default=0)
        # A Chinese header breaks anywhere, an English one only between words.
        word = max((len(part) for part in label.split() if part.isascii()), default=0)
        wanted.append(
            max(_COLUMN_LEAST, word + 3, math.ceil(display_width(label) / 2) + 2, min(longest + 4, _COLUMN_MOST))
        )
    short = [min(width, _SHORT) for width in wanted]
    room = text_width_cm * _CHARACTERS_A_CM - sum(short)
    surplus = sum(wanted) - sum(short)
    share = min(1.0, max(room, 0) / surplus) if surplus else 0.0
    widths = [low + (full - low) * share for low, full in zip(short, wanted, strict=True)]
    return [text_width_cm * width / sum(widths) for width in widths]


def _is_number(column: Column) -> bool:
    return column.field is not None and column.field.type in ("number", "integer")
