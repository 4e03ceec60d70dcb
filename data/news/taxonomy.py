"""The taxonomy: topics, the words that tell them, their directions; shipped as TOML, extended by a desk's own file."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from aftershock.data.errors import InputError, Problem, did_you_mean

SHIPPED = Path(__file__).parent / "taxonomy.toml"
"""The shipped taxonomy."""

SHORT_GAP = 6
"""How many words ``..`` may stand for."""

LONG_GAP = 14
"""How many words ``...`` may stand for."""

RULE_KEYS = ("any", "confidence", "direction", "name", "only", "unless", "with")
CUE_KEYS = ("any", "direction", "only", "polarity", "unless", "weight")
TOPIC_KEYS = ("cues", "mask", "off", "opposites", "otherwise", "polarity", "rules")
GAPS = {"..2": 2, "..": SHORT_GAP, "...": LONG_GAP}
SHAPES: dict[str, tuple[type, str]] = {
    "cues": (list, "an array of tables"),
    "off": (bool, "true or false"),
    "opposites": (dict, "a table"),
    "otherwise": (str, "a direction"),
    "polarity": (dict, "a table"),
    "rules": (list, "an array of tables"),
}
FILE_KEYS = ("stance", "topics", "words")
STANCES = ("dovish", "hawkish")
PLACES = ("body", "headline")

_TOKEN = re.compile(
    r"""
      (?P<states>\bU\s?\.\s?S\b(?:\s?\.)?|\bUS\b)
    | (?P<kingdom>\bU\s?\.\s?K\b(?:\s?\.)?|\bUK\b)
    | (?P<union>\bE\s?\.\s?U\b(?:\s?\.)?)
    | (?P<percent>\b\d+(?:,\d{3})*(?:(?:\.|\s\.\s)\d+)?(?:\s?%|\s?(?:percent|per\s?cent|pct)\b))
    | (?P<number>\b\d+(?:,\d{3})*(?:(?:\.|\s\.\s)\d+)?(?:\s?(?:[kKmMbBtT]|bn|mn|tn|mln|bln|trln))?\b)
    | (?P<word>[^\W_]+(?:(?<=n)['’]t\b|&[^\W_]+)?)
    | (?P<mine>['’]s?\b)
    | (?P<mark>[;:,()?!—–]|\.(?!\d)|(?<=\s)-(?=\s))
    """,
    re.VERBOSE,
)
_CANON = {"states": "u.s.", "kingdom": "u.k.", "union": "eu", "percent": "%", "number": "#"}
_VOWELS = "aeiou"


class Token(NamedTuple):
    """One word, number or mark: its canonical form, where it stands, and whether it begins with a capital."""

    key: str
    start: int
    end: int
    capital: bool


def tokens(text: str) -> list[Token]:
    """Cut a text into words, numbers (``#``), percentages (``%``) and marks.

    Parameters
    ----------
    text : str
        One sentence, plain or with spaces around its punctuation.

    Returns
    -------
    list of Token
        Possessive endings, quotes and hyphens give none; "US", "U.S." and "U . S ." are one word.

    Examples
    --------
    >>> [token.key for token in tokens("U . S . -China talks : Fed's cut is 2 . 5%")]
    ['u.s.', 'china', 'talks', ':', 'fed', 'cut', 'is', '%']
    """
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "mine":
            continue
        word = match.group()
        key = _CANON.get(str(kind)) or word.lower().replace("’", "'")
        found.append(Token(key, match.start(), match.end(), word[0].isupper()))
    return found


class Step(NamedTuple):
    """One part of a pattern: a list of phrases, and how many words may stand before it."""

    words: int
    gap: int


@dataclass(frozen=True)
class Pattern:
    """A sequence of phrase lists with gaps, as written in the file."""

    text: str
    steps: tuple[Step, ...]


Patterns = Mapping[int, tuple[Pattern, ...]]
"""Patterns by the list of their first step: a sentence without that list need not be asked for them."""


@dataclass(frozen=True)
class Rule:
    """What makes a sentence speak of a topic.

    Attributes
    ----------
    name : str
        Topic and rule, ``fed.body``.
    any, also, unless : Patterns
        One of ``any`` must be there, one of ``also`` too (where there are any), none of ``unless``.
    confidence : float
        0 to 1.
    only : str
        ``headline``, ``body`` or "" for both.
    direction : str
        The direction it implies by itself; "" none.
    """

    name: str
    any: Patterns
    also: Patterns
    unless: Patterns
    confidence: float
    only: str
    direction: str


@dataclass(frozen=True)
class Cue:
    """What points a topic in a direction, how strongly, and the polarity where it is not the direction's own."""

    direction: str
    weight: float
    any: Patterns
    unless: Patterns
    only: str
    polarity: float | None


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes
    ----------
    name : str
        Its tag.
    polarity : dict of str to float
        Polarity by direction; its keys are the directions of the topic.
    opposites : dict of str to str
        What a negated direction turns into.
    otherwise : str
        The direction of a sentence without cues.
    rules, cues, mask
        What speaks of it, what points it, and the phrases whose words count for nothing.
    """

    name: str
    polarity: Mapping[str, float]
    opposites: Mapping[str, str]
    otherwise: str
    rules: tuple[Rule, ...]
    cues: tuple[Cue, ...]
    mask: Patterns


class Node(NamedTuple):
    """A node of the tree of phrases: the next words, and the lists that end here."""

    following: dict[str, Node]
    lists: list[int]


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """A checked, compiled taxonomy.

    Attributes
    ----------
    topics : tuple of Topic
        In the order of the file.
    lists : dict of str to int
        The numbers of the named lists.
    root : Node
        The tree of all phrases.
    stance : dict of str to Patterns
        What makes a central banker's sentence ``dovish`` or ``hawkish``.
    """

    topics: tuple[Topic, ...]
    lists: Mapping[str, int]
    root: Node
    stance: Mapping[str, Patterns]

    def topic(self, name: str) -> Topic:
        """Give a topic by its tag."""
        for topic in self.topics:
            if topic.name == name:
                return topic
        known = [topic.name for topic in self.topics]
        raise InputError(Problem("a topic of the taxonomy", f"'{name}'", did_you_mean(name, known)))


def load_taxonomy(path: str | Path | None = None) -> Taxonomy:
    """Load the shipped taxonomy, with a desk's own file merged over it.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file of the same make. ``[words]`` lists grow by its entries (an entry that begins with ``-``
        leaves the list); a topic's rules replace those of the same name and join the others; its cues and
        masks join; ``off = true`` removes a topic; a new topic needs ``polarity`` and ``rules``.

    Returns
    -------
    Taxonomy

    Raises
    ------
    InputError
        If the file cannot be read or does not fit, with every problem and its line.

    Examples
    --------
    >>> [topic.name for topic in load_taxonomy().topics][:3]
    ['fed', 'chip', 'tariff']
    """
    return _shipped() if path is None else _load(Path(path))


@lru_cache(maxsize=1)
def _shipped() -> Taxonomy:
    return _compile(_checked(SHIPPED, _read(SHIPPED), {}))


def _load(path: Path) -> Taxonomy:
    base = _read(SHIPPED)
    own = _checked(path, _read(path), base)
    return _compile(_merged(base, own))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem("a taxonomy file", reason, "check the path", str(path))) from None
    except UnicodeDecodeError as error:
        raise InputError(
            Problem("UTF-8 text", f"byte {error.start} that is not", "save the file as UTF-8", str(path))
        ) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise InputError(
            Problem(
                "TOML",
                str(error),
                "correct the line",
                str(path),
                int(line.group(1)) if line else None,
            )
        ) from None


# --- merging -----------------------------------------------------------------------------------------------


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    words = dict(base["words"])
    for name, phrases in own.get("words", {}).items():
        words[name] = _grown(words.get(name, []), phrases)
    topics = dict(base["topics"])
    for name, topic in own.get("topics", {}).items():
        topics[name] = _merged_topic(topics.get(name, {}), topic)
    stance = {way: base["stance"][way] + own.get("stance", {}).get(way, []) for way in STANCES}
    kept = {name: topic for name, topic in topics.items() if not topic.get("off", False)}
    return {"words": words, "stance": stance, "topics": kept}


def _grown(old: list[str], new: list[str]) -> list[str]:
    gone = {phrase[1:].strip().lower() for phrase in new if phrase.startswith("-")}
    return [phrase for phrase in old if phrase.lower() not in gone] + [
        p for p in new if not p.startswith("-")
    ]


def _merged_topic(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    replaced = {rule["name"] for rule in own.get("rules", [])}
    return {
        **base,
        **own,
        "polarity": {**base.get("polarity", {}), **own.get("polarity", {})},
        "opposites": {**base.get("opposites", {}), **own.get("opposites", {})},
        "rules": [r for r in base.get("rules", []) if r["name"] not in replaced] + own.get("rules", []),
        "cues": base.get("cues", []) + own.get("cues", []),
        "mask": base.get("mask", []) + own.get("mask", []),
    }


# --- checking ----------------------------------------------------------------------------------------------


class _Source:
    """The lines of a file, to say where a key or a phrase stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = path.read_text(encoding="utf-8").splitlines()

    def line(self, *marks: str) -> int | None:
        """Give the 1-based line of the last mark, each sought from the line of the one before."""
        at = 0
        for mark in marks:
            seek = re.compile(mark)
            at = next((i for i in range(at, len(self.lines)) if seek.search(self.lines[i])), -1)
            if at < 0:
                return None
        return at + 1

    def table(self, name: str, nth: int | None = None) -> str:
        """Give the mark of a table's heading, or the place of the n-th table of an array."""
        return rf"^\s*\[\s*{re.escape(name)}\s*\]" if nth is None else rf"^\s*\[\[\s*{re.escape(name)}\s*\]\]"

    def problem(self, expected: str, got: str, cure: str, line: int | None) -> Problem:
        """Make a problem of this file."""
        return Problem(expected, got, cure, str(self.path), line)

    def nth_table(self, name: str, nth: int) -> int | None:
        """Give the 0-based line of the n-th table of an array."""
        seek = re.compile(self.table(name, nth))
        found = (i for i, text in enumerate(self.lines) if seek.search(text))
        return next(itertools.islice(found, nth, None), None)

    def line_after(self, start: int | None, mark: str) -> int | None:
        """Give the 1-based line of a mark at or after a 0-based line, else of that line itself."""
        if start is None:
            return self.line(mark)
        seek = re.compile(mark)
        found = (i for i in range(start, len(self.lines)) if seek.search(self.lines[i]))
        return next(found, start) + 1


def _key(key: str) -> str:
    return rf"^\s*[\"']?{re.escape(key)}[\"']?\s*="


def _checked(path: Path, own: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    source = _Source(path)
    problems = list(_problems(source, own, base))
    if problems:
        raise InputError(problems)
    return own


def _problems(source: _Source, own: dict[str, Any], base: dict[str, Any]) -> Iterator[Problem]:
    for key in sorted(own.keys() - set(FILE_KEYS)):
        line = source.line(rf"^\s*\[+\s*{re.escape(key)}\b|{_key(key)}")
        yield source.problem("[words] or [topics.NAME]", f"'{key}'", did_you_mean(key, FILE_KEYS), line)
    words, topics = own.get("words", {}), own.get("topics", {})
    stance = own.get("stance", {})
    for key, value in (("words", words), ("topics", topics), ("stance", stance)):
        if not isinstance(value, dict):
            yield source.problem(f"a table [{key}]", repr(value), "make it a table", source.line(_key(key)))
            return
    lists = {**base.get("words", {}), **words}
    for name, phrases in words.items():
        yield from _list_problems(source, None, name, phrases, {})
    for way, phrases in stance.items():
        if way not in STANCES:
            yield source.problem(
                "dovish or hawkish", f"'{way}'", did_you_mean(way, STANCES), source.line(_key(way))
            )
        yield from _list_problems(source, None, way, phrases, lists)
    for name, topic in topics.items():
        if not isinstance(topic, dict):
            yield source.problem(f"a table [topics.{name}]", repr(topic), "make it a table", None)
            continue
        yield from _topic_problems(source, name, topic, base.get("topics", {}).get(name), lists)


def _topic_problems(
    source: _Source, name: str, topic: dict[str, Any], base: dict[str, Any] | None, lists: Mapping[str, Any]
) -> Iterator[Problem]:
    head = source.line(rf"^\s*\[+\s*topics\.{re.escape(name)}\b")
    start = None if head is None else head - 1
    for key in sorted(topic.keys() - set(TOPIC_KEYS)):
        line = source.line_after(start, _key(key))
        yield source.problem("a key of a topic", f"'{key}'", did_you_mean(key, TOPIC_KEYS), line)
    if topic.get("off") is True:
        return
    misshapen = list(_shape_problems(source, start, topic))
    if misshapen:
        yield from misshapen
        return
    if base is None and not (topic.get("polarity") and topic.get("rules")):
        yield source.problem(f"polarity and rules of the new topic '{name}'", "too little", "add them", head)
        return
    directions = {**(base or {}).get("polarity", {}), **topic.get("polarity", {})}
    yield from _direction_problems(source, start, topic, directions)
    yield from _list_problems(source, start, "mask", topic.get("mask", []), lists)
    for kind, keys in (("rules", RULE_KEYS), ("cues", CUE_KEYS)):
        for nth, entry in enumerate(topic.get(kind, [])):
            place = source.nth_table(f"topics.{name}.{kind}", nth)
            yield from _entry_problems(source, place, kind, keys, entry, directions, lists)


def _shape_problems(source: _Source, start: int | None, topic: dict[str, Any]) -> Iterator[Problem]:
    for key, value in topic.items():
        kind, word = SHAPES.get(key, (object, ""))
        fits = isinstance(value, kind)
        if fits and kind is list and key != "mask":
            fits = all(isinstance(entry, dict) for entry in value)
        if not fits:
            line = source.line_after(start, _key(key))
            yield source.problem(f"{key} to be {word}", repr(value)[:60], "correct the value", line)


def _direction_problems(
    source: _Source, start: int | None, topic: dict[str, Any], directions: Mapping[str, Any]
) -> Iterator[Problem]:
    for direction, polarity in topic.get("polarity", {}).items():
        if isinstance(polarity, bool) or not isinstance(polarity, int | float) or not -1 <= polarity <= 1:
            line = source.line_after(start, rf"\b{re.escape(direction)}\s*=")
            yield source.problem("a polarity from -1 to 1", repr(polarity), f"correct '{direction}'", line)
    named = [topic["otherwise"]] if topic.get("otherwise") else []
    for way in [*topic.get("opposites", {}), *topic.get("opposites", {}).values(), *named]:
        if way not in directions:
            line = source.line_after(start, re.escape(str(way)))
            yield source.problem(
                "a direction of the topic", f"'{way}'", did_you_mean(str(way), directions), line
            )


def _entry_problems(
    source: _Source,
    place: int | None,
    kind: str,
    keys: tuple[str, ...],
    entry: dict[str, Any],
    directions: Mapping[str, Any],
    lists: Mapping[str, Any],
) -> Iterator[Problem]:
    head = None if place is None else place + 1
    for key in sorted(entry.keys() - set(keys)):
        line = source.line_after(place, _key(key))
        yield source.problem(f"a key of {kind}", f"'{key}'", did_you_mean(key, keys), line)
    for key in ("name", "any") if kind == "rules" else ("direction", "any"):
        if not entry.get(key):
            yield source.problem(f"'{key}' in {kind}", "nothing", f"add {key} = ...", head)
    direction = entry.get("direction", "")
    if direction and direction not in directions:
        line = source.line_after(place, _key("direction"))
        cure = did_you_mean(str(direction), directions)
        yield source.problem("a direction of the topic", f"'{direction}'", cure, line)
    if entry.get("only", "body") not in PLACES:
        line = source.line_after(place, _key("only"))
        yield source.problem(
            "'headline' or 'body'", f"'{entry['only']}'", did_you_mean(str(entry["only"]), PLACES), line
        )
    yield from _number_problems(source, place, entry)
    for key in ("any", "with", "unless"):
        yield from _list_problems(source, place, key, entry.get(key, []), lists)


def _number_problems(source: _Source, place: int | None, entry: dict[str, Any]) -> Iterator[Problem]:
    for key, low, high in (("confidence", 0.0, 1.0), ("weight", 0.0, 100.0), ("polarity", -1.0, 1.0)):
        value = entry.get(key, low)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            line = source.line_after(place, _key(key))
            yield source.problem(f"{key} from {low:g} to {high:g}", repr(value), "correct the number", line)


def _list_problems(
    source: _Source, start: int | None, key: str, phrases: Any, lists: Mapping[str, Any]
) -> Iterator[Problem]:
    line = source.line_after(start, _key(key))
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        yield source.problem(f"{key} to be a list of phrases", repr(phrases)[:60], 'write ["..."]', line)
        return
    for phrase in phrases:
        wrong = _phrase_problem(phrase.removeprefix("-") if not lists else phrase, lists)
        if wrong:
            where = source.line_after(None if line is None else line - 1, re.escape(phrase))
            yield source.problem(wrong[0], f"'{phrase}'", wrong[1], where)


def _phrase_problem(phrase: str, lists: Mapping[str, Any]) -> tuple[str, str] | None:
    if phrase.count("(") != phrase.count(")") or phrase.count("<") != phrase.count(">"):
        return "paired brackets", "close the bracket"
    atoms = atoms_of(phrase)
    named = re.findall(r"<([^<>]*)>", phrase)
    if named and not lists:
        return "words alone in a list of [words]", "use lists and gaps in rules and cues"
    for name in named:
        if name not in lists:
            return "a list of [words]", did_you_mean(name, lists)
    if not atoms or atoms[0] in GAPS or atoms[-1] in GAPS:
        return "a phrase that begins and ends with a word or a <list>", "remove the gap or the entry"
    plain = [option.strip() for atom in atoms if atom not in GAPS for option in choices(atom)]
    if any(".." in option for option in plain):
        return "gaps outside of choices", "write one entry for each choice"
    if any("<" in option and not re.fullmatch(r"<[^<>]*>", option) for option in plain):
        return "a <list> alone in its choice", "put spaces around the list"
    if not all(_keys_of(option) for option in plain if option and "<" not in option):
        return "words", "write letters, numbers, # or %"
    return None


# --- compiling ---------------------------------------------------------------------------------------------


def inflections(word: str) -> tuple[str, ...]:
    """Give the regular forms of an English verb or noun, and a few more that do no harm.

    Examples
    --------
    >>> inflections("cut")
    ('cut', 'cuts', 'cutted', 'cutting')
    >>> inflections("levy")
    ('levy', 'levies', 'levied', 'levying')
    """
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return word, word[:-1] + "ies", word[:-1] + "ied", word + "ing"
    if word.endswith("e"):
        return word, word + "s", word + "d", word[:-1] + "ing"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word, word + "es", word + "ed", word + "ing"
    doubled = len(word) > 2 and word[-1] not in _VOWELS + "wxy" and word[-2] in _VOWELS
    if doubled and word[-3] not in _VOWELS and len(word) <= 4:
        return word, word + "s", word + word[-1] + "ed", word + word[-1] + "ing"
    return word, word + "s", word + "ed", word + "ing"


def atoms_of(text: str) -> list[str]:
    """Split a pattern at the spaces outside its brackets.

    Examples
    --------
    >>> atoms_of("<fed> .. (cut~|is cutting) rates")
    ['<fed>', '..', '(cut~|is cutting)', 'rates']
    """
    atoms, depth = [""], 0
    for mark in text:
        depth += (mark == "(") - (mark == ")")
        if mark.isspace() and depth == 0:
            atoms.append("")
        else:
            atoms[-1] += mark
    return [atom for atom in atoms if atom]


def choices(text: str) -> list[str]:
    """Write out the choices of a phrase.

    Examples
    --------
    >>> choices("worr(y|ies) (rise~|)")
    ['worry rise~', 'worry ', 'worries rise~', 'worries ']
    """
    options, _ = _options(text, 0)
    return options


def _options(text: str, at: int) -> tuple[list[str], int]:
    """Read alternatives up to a closing bracket or the end; give them and where reading stopped."""
    done: list[str] = []
    here = [""]
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            done, here = done + here, [""]
        elif text[at] == "(":
            inner, at = _options(text, at + 1)
            here = [head + tail for head in here for tail in inner]
        else:
            here = [head + text[at] for head in here]
        at += 1
    return done + here, at


def _keys_of(phrase: str) -> list[tuple[str, ...]]:
    """Spell a phrase without choices: every sequence of token keys it stands for."""
    words: list[tuple[str, ...]] = []
    for word in phrase.split():
        words.extend(_forms(word))
    return list(itertools.product(*words)) if words else []


def _forms(word: str) -> list[tuple[str, ...]]:
    bare = word.lstrip("^").rstrip("~")
    keys = [bare] if bare in _CANON.values() else [token.key for token in tokens(bare)]
    forms: list[tuple[str, ...]] = [(key,) for key in keys]
    if word.endswith("~") and forms:
        forms[-1] = inflections(keys[-1])
    return [tuple("^" + key for key in form) for form in forms] if word.startswith("^") else forms


class _Compiler:
    """Grows the tree of phrases and numbers the lists."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self.root = Node({}, [])
        self.lists = {name: number for number, name in enumerate(words)}
        self.words = words
        for name, phrases in words.items():
            for phrase in phrases:
                self._plant(phrase, self.lists[name])

    def _plant(self, phrase: str, number: int) -> None:
        for choice in choices(phrase):
            for keys in _keys_of(choice):
                node = self.root
                for key in keys:
                    node = node.following.setdefault(key, Node({}, []))
                if number not in node.lists:
                    node.lists.append(number)

    def _list(self, phrase: str) -> int:
        """Give the number of a named list, a phrase, or a choice of both."""
        if phrase.startswith("<"):
            return self.lists[phrase[1:-1]]
        name = f'"{phrase}"'
        if name not in self.lists:
            number = self.lists[name] = len(self.lists)
            options = [option.strip() for option in choices(phrase)] if "<" in phrase else [phrase]
            for option in options:
                named = self.words[option[1:-1]] if option.startswith("<") else [option]
                for written in named:
                    self._plant(written, number)
        return self.lists[name]

    def pattern(self, text: str) -> Pattern:
        """Turn a written pattern into steps: words that follow each other are one, choices and lists are their own."""
        steps: list[Step] = []
        gap, run = 0, ""
        for atom in atoms_of(text):
            alone = atom in GAPS or "<" in atom or (atom.startswith("(") and "" not in choices(atom))
            if alone and run:
                steps.append(Step(self._list(run), gap))
                gap, run = 0, ""
            if atom in GAPS:
                gap = GAPS[atom]
            elif alone:
                steps.append(Step(self._list(atom), gap))
                gap = 0
            else:
                run = f"{run} {atom}".strip()
        return Pattern(text, (*steps, Step(self._list(run), gap)) if run else tuple(steps))

    def patterns(self, texts: Iterable[str]) -> Patterns:
        """Turn written patterns into steps, by their first list."""
        found: dict[int, tuple[Pattern, ...]] = {}
        for text in texts:
            pattern = self.pattern(text)
            first = pattern.steps[0].words
            found[first] = (*found.get(first, ()), pattern)
        return found


def _compile(raw: dict[str, Any]) -> Taxonomy:
    compiler = _Compiler(raw["words"])
    topics = tuple(_topic(compiler, name, topic) for name, topic in raw["topics"].items())
    stance = {way: compiler.patterns(raw["stance"][way]) for way in STANCES}
    return Taxonomy(topics, compiler.lists, compiler.root, stance)


def _topic(compiler: _Compiler, name: str, raw: dict[str, Any]) -> Topic:
    return Topic(
        name,
        {direction: float(value) for direction, value in raw["polarity"].items()},
        dict(raw.get("opposites", {})),
        raw.get("otherwise", ""),
        tuple(_rule(compiler, name, rule) for rule in raw["rules"]),
        tuple(_cue(compiler, cue) for cue in raw.get("cues", [])),
        compiler.patterns(raw.get("mask", [])),
    )


def _rule(compiler: _Compiler, topic: str, raw: dict[str, Any]) -> Rule:
    return Rule(
        f"{topic}.{raw['name']}",
        compiler.patterns(raw["any"]),
        compiler.patterns(raw.get("with", [])),
        compiler.patterns(raw.get("unless", [])),
        float(raw.get("confidence", 0.8)),
        raw.get("only", ""),
        raw.get("direction", ""),
    )


def _cue(compiler: _Compiler, raw: dict[str, Any]) -> Cue:
    polarity = raw.get("polarity")
    return Cue(
        raw["direction"],
        float(raw.get("weight", 1.0)),
        compiler.patterns(raw["any"]),
        compiler.patterns(raw.get("unless", [])),
        raw.get("only", ""),
        None if polarity is None else float(polarity),
    )
