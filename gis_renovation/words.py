"""Words in the two languages the program speaks, Chinese first: texts, counts, ids, units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Lang = Literal["zh", "en"]

IDS_SHOWN = 5

# Units as readers of English see them; a thing that is merely counted has none.
UNITS_EN: Mapping[str, str] = {
    "户": "households", "年": "year", "岁": "years", "栋": "buildings", "个": "", "项": "items", "条": "lines",
    "处": "places", "层": "storeys", "元": "yuan", "万元": "10,000 yuan", "亩": "mu", "公顷": "ha", "天": "days",
    "月": "months", "次": "times", "宗": "parcels", "种": "kinds", "片": "zones", "段": "stretches", "排": "rows",
    "人": "people", "米": "m", "分钟": "min", "分": "points", "个/km²": "per km²", "万m²": "10,000 m²",
}  # fmt: skip


class Text(NamedTuple):
    """One message in the two languages the program speaks; Chinese comes first."""

    zh: str
    en: str

    @classmethod
    def same(cls, word: object) -> Text:
        """What is said alike in both languages: a name, a code, a number."""
        return cls(str(word), str(word))

    def in_language(self, lang: Lang) -> str:
        """The text in ``lang``."""
        return self.zh if lang == "zh" else self.en

    def fill(self, **values: object) -> Text:
        """Each ``{name}`` replaced as by ``str.format``; a value that is a text goes in by language.

        Braces in the values stay as they are: only the text itself is read for names.
        """

        def said(lang: Lang) -> str:
            by_name = values.items()
            told = {name: one.in_language(lang) if isinstance(one, Text) else one for name, one in by_name}
            return self.in_language(lang).format(**told)

        return Text(said("zh"), said("en"))

    def join(self, parts: Iterable[Text | str]) -> Text:
        """The parts with this text between them, in each language: ``LISTED.join(names)``."""
        texts = [part if isinstance(part, Text) else Text.same(part) for part in parts]
        return Text(self.zh.join(text.zh for text in texts), self.en.join(text.en for text in texts))

    def __add__(self, other: Text | str) -> Text:  # type: ignore[override] # texts add up, they are no longer tuples
        """The text and then another, or the same words in both languages."""
        return NO_TEXT.join((self, other))

    def __radd__(self, other: str) -> Text:
        """The same words in both languages and then this text."""
        return NO_TEXT.join((other, self))


NO_TEXT = Text("", "")
# What stands between the members of a list, between clauses, and after the last one.
LISTED = Text("、", ", ")
CLAUSES = Text("；", "; ")
COMMAS = Text("，", ", ")
STOP = Text("。", ".")
# 万: how Chinese readers count large areas and money.
WAN = 10_000.0


class Sentence(NamedTuple):
    """A text of the program's own with what it tells: counts of households or people, and money in yuan.

    Limits of the project's own settings are nobody's count and stand in neither. Disclosure control reads these
    numbers, never the prose.

    >>> found = Sentence.of("{n} 户", "{n} households", n=412, counts=[412])
    >>> Sentence.of("合计 {found}", "{found} in all", found=found)
    Sentence(text=Text(zh='合计 412 户', en='412 households in all'), counts=(412,), money_yuan=())
    """

    text: Text
    counts: tuple[float, ...] = ()
    money_yuan: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        zh: str,
        en: str,
        /,
        *,
        counts: Iterable[float] = (),
        money_yuan: Iterable[float] = (),
        **parts: object,
    ) -> Sentence:
        """Each ``{name}`` replaced as by :meth:`Text.fill`; it tells what its parts tell, and what is named besides."""
        sentences = [part for part in parts.values() if isinstance(part, Sentence)]
        said = {name: part.text if isinstance(part, Sentence) else part for name, part in parts.items()}
        return cls(Text(zh, en).fill(**said), *_told(sentences, counts, money_yuan))

    @classmethod
    def joined(cls, between: Text, parts: Iterable[Sentence | Text]) -> Sentence:
        """Sentences and texts with ``between`` between them; it tells what all of them tell."""
        listed = list(parts)
        text = between.join(part.text if isinstance(part, Sentence) else part for part in listed)
        return cls(text, *_told([part for part in listed if isinstance(part, Sentence)]))

    @property
    def zh(self) -> str:
        """The Chinese text."""
        return self.text.zh

    @property
    def en(self) -> str:
        """The English text."""
        return self.text.en


def _told(
    sentences: Sequence[Sentence], counts: Iterable[float] = (), money_yuan: Iterable[float] = ()
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What some sentences tell together, and what is named besides."""
    return (
        (*(number for each in sentences for number in each.counts), *counts),
        (*(amount for each in sentences for amount in each.money_yuan), *money_yuan),
    )


def yuan_text(amount_yuan: float) -> str:
    """Money in English, in whole yuan: ``15,765,000 yuan``. Chinese has 万元."""
    return f"{amount_yuan:,.0f} yuan"


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun in English: ``1 zone``, ``2 zones``; ``many`` where it is not ``one`` and s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def shorten_ids(ids: Iterable[object], lang: Lang, shown: int = IDS_SHOWN) -> str:
    """At most ``shown`` ids, then how many there are in all."""
    names = [str(value) for value in ids]
    if not names:
        return ""
    head = ", ".join(names[:shown])
    if len(names) <= shown:
        return head
    return f"{head} 等共 {len(names)} 个" if lang == "zh" else f"{head} … {len(names)} in all"


def unit_text(unit: str, lang: Lang) -> str:
    """A unit as readers of ``lang`` see it; one without a translation (m, ha, %) as it is."""
    return unit if lang == "zh" else UNITS_EN.get(unit, unit)
