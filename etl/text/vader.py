"""The VADER lexicon's score of a tweet: Hutto & Gilbert (2014), "VADER: A Parsimonious Rule-based
Model for Sentiment Analysis of Social Media Text", ICWSM; package vaderSentiment (MIT).

The Spark job's labels, the gate's baseline and the weak labels all come from `compound`.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from importlib.resources import as_file, files
from typing import NamedTuple

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    normalize,
)

from etl.text.respelling import UNUSUAL, Respelling
from etl.text.signs import PLAIN, few_marks, unescape, well_formed
from etl.text.words import without_links_and_mentions

# The authors' thresholds for the compound score.
POSITIVE_FROM = 0.05
NEGATIVE_FROM = -0.05
# X's longest post, in UTF-16 units as X counts. Only this much of a longer text is read. The
# slowest texts of this length, only emoji, take half a second; words take 0.05 s.
MAX_CHARACTERS = 25_000

# Emoji that VADER's list lacks or misreads, in words that its lexicon rates. VADER reads a broken
# heart as a heart, a thumb as nothing, a pouting face as calm.
EMOJI = {
    "\U0001f44d": "good",
    "\U0001f44e": "bad",
    "\U0001f494": "heartbroken",
    "\U0001f621": "angry face",
    "\U0001f92c": "angry face",
    "\U0001f92e": "disgusting",
    "\u2661": "heart",
    "\U0001f90d": "white heart",
    "\U0001f90e": "brown heart",
    "\U0001fa75": "light blue heart",
    "\U0001fa76": "grey heart",
    "\U0001fa77": "pink heart",
    "\U0001f91f": "love",
    "\U0001faf0": "heart",
    "\U0001faf6": "heart",
    "\U0001f972": "smiling face with tear",
    "\U0001fac2": "hug",
}

# VADER's rules read three words before a rated word and two after it.
_BEFORE, _BEHIND = 3, 2
# "so" and "this" belong to the rule of "never", which the package applies without "never" as well.
_MODIFIERS = frozenset(
    {word for phrase in [*BOOSTER_DICT, *SPECIAL_CASES] for word in [max(phrase.split(), key=len)]}
    | set(NEGATE)
    | {"no", "least", "so", "this"}
)


class Word(NamedTuple):
    """A word of a text, and what VADER's rules ask of it."""

    text: str
    lower: str
    valence: float | None
    is_upper: bool
    modifies: bool


class _KnownWords(dict[str, Word]):
    """The tokens looked up so far. A few words make up most of all texts."""

    _LONGEST, _MOST = 40, 100_000

    def __init__(self, lexicon: dict[str, float]) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, token: str) -> Word:
        text = _stripped(token)
        lower = text.lower()
        word = Word(
            text,
            lower,
            valence=None if lower in BOOSTER_DICT else self._lexicon.get(lower),
            is_upper=text.isupper(),
            modifies=lower in _MODIFIERS or "n't" in lower,
        )
        if len(token) <= self._LONGEST and len(self) < self._MOST:
            self[token] = word
        return word


class _Window:
    """The input of VADER's rules: a few words, and whether the text mixes upper and lower case."""

    def __init__(self, words: list[str], is_cap_diff: bool) -> None:
        self.words_and_emoticons = words
        self.is_cap_diff = is_cap_diff


class Analyzer(SentimentIntensityAnalyzer):
    """VADER with the same scores in linear time.

    The package takes quadratic time: for each rated word it copies all words of the text and
    searches all scores.
    """

    def __init__(self) -> None:
        # The package opens its word lists by path, but files in the Spark job's archive have none.
        package = files("vaderSentiment")
        with (
            as_file(package / "vader_lexicon.txt") as words,
            as_file(package / "emoji_utf8_lexicon.txt") as emoji,
        ):
            super().__init__(str(words), str(emoji))
        self._known = _KnownWords(self.lexicon)

    def words(self, text: str) -> list[Word]:
        """The words of a text without emoji."""
        known = self._known
        return [known[token] for token in text.split()]

    def compound(self, text: str) -> float:
        """The compound score, -1 to 1, of a text without emoji."""
        return self.score(self.words(text), text)

    def score(self, words: Sequence[Word], marks: str) -> float:
        """The compound score, -1 to 1, of words. `marks`: a text with the same number of `!` and of
        `?` as theirs."""
        scores = self.weights(words)
        if scores is None:
            return 0.0
        # As the package's score_valence, without the shares that nobody reads here.
        total = float(sum(scores))
        emphasis = self._punctuation_emphasis(marks)
        return (
            round(normalize(total + emphasis if total > 0 else total - emphasis), 4)
            if total
            else 0.0
        )

    def weights(self, words: Sequence[Word]) -> list[float] | None:
        """What each word counts for by VADER's rules, 0 for an unrated one; None if none is rated.
        The compound score is their normalized sum, with the emphasis of the marks."""
        rated = [index for index, word in enumerate(words) if word.valence is not None]
        if not rated:
            return None
        capitals = len([word for word in words if word.is_upper])
        mixes_cases = 0 < capitals < len(words)
        scores = [0.0] * len(words)
        for index in rated:
            scores[index] = self._valence(words, index, mixes_cases)
        lower = [word.lower for word in words]
        if "but" in lower:
            _weigh_contrast(lower, scores)
        return scores

    def _valence(self, words: Sequence[Word], index: int, mixes_cases: bool) -> float:
        word = words[index]
        if word.lower == "kind" and [near.lower for near in words[index + 1 : index + 2]] == ["of"]:
            return 0.0
        first = max(0, index - _BEFORE)
        near = words[first : index + _BEHIND + 1]
        is_alone = not any([one.modifies for one in near])
        if is_alone and word.valence is not None and not (mixes_cases and word.is_upper):
            return word.valence
        window = _Window([one.text for one in near], mixes_cases)
        scores: list[float] = []
        self.sentiment_valence(0, window, word.text, index - first, scores)
        return scores[0]


def _stripped(token: str) -> str:
    # As in the package: a rest of two characters or fewer means that the token is an emoticon.
    word = token.strip("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return token if len(word) <= 2 else word


def _weigh_contrast(lower: list[str], scores: list[float]) -> None:
    """VADER's rule for "but": scores before it count half, scores after it one and a half.

    The package finds each score by its value, so the first of several equal scores may be weighted
    twice. This function does the same, with an index.
    """
    but = lower.index("but")
    places: dict[float, list[int]] = defaultdict(list)
    for index, score in enumerate(scores):
        places[score].append(index)
    for same in places.values():
        heapify(same)
    for index in range(len(scores)):
        score = scores[index]
        same = places[score]
        while scores[same[0]] != score:
            heappop(same)
        first = same[0]
        if first == but:
            continue
        scores[first] = score * (0.5 if first < but else 1.5)
        heappush(places[scores[first]], first)


@lru_cache(maxsize=1)
def analyzer() -> Analyzer:
    """The analyzer; each process reads the word lists once."""
    return Analyzer()


@lru_cache(maxsize=1)
def emoji_words() -> dict[str, str]:
    """The words for each emoji of one code point. Neutral ones are left out: a flag, a skin tone, a
    bus."""
    described = {sign: words for sign, words in analyzer().emojis.items() if len(sign) == 1}
    return {
        sign: words
        for sign, words in (described | EMOJI).items()
        if not sign.isascii() and analyzer().compound(words) != 0
    }


class _Signs(dict[int, str]):
    """Maps a character to the lexicon's input: emoji become words; other characters that are not
    part of a word become blanks."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if sign in emoji_words():
            self[code] = f" {emoji_words()[sign]} "
        elif sign.isascii() or unicodedata.category(sign)[0] in "LNM":
            self[code] = sign
        else:
            # "Ａ！" becomes "A!", and "…" three dots.
            plain = unicodedata.normalize("NFKC", sign)
            is_mark = plain.isascii() and not any(letter.isalnum() for letter in plain)
            self[code] = plain if is_mark else " "
        return self[code]


_SIGNS = _Signs()
_DASHES = dict.fromkeys(range(0x2012, 0x2016), " - ")
_spelt = Respelling(UNUSUAL, lambda run: run.translate(_DASHES).translate(PLAIN).translate(_SIGNS))


def _longest_post(text: str) -> str:
    if len(text) <= MAX_CHARACTERS // 2:
        return text
    return text.encode("utf-16-le")[: 2 * MAX_CHARACTERS].decode("utf-16-le", "ignore")


def prepare(text: str) -> str:
    """The lexicon's input: the text without links, mentions and retweet marks, with apostrophes and
    quotation marks of ASCII, and with emoji as words, without selectors, tones and joiners.

    Hashtags stay: `#happy` is the author's word, and the network reads it too.
    """
    text = _spelt(without_links_and_mentions(unescape(_longest_post(well_formed(text)))))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", few_marks(text))
    return " ".join(text.split())


def compound(text: str) -> float:
    """Compound score of a tweet's text, -1 to 1."""
    return analyzer().compound(prepare(text))


def label(score: float) -> str:
    """negative, neutral or positive, from a compound score."""
    if score >= POSITIVE_FROM:
        return "positive"
    return "negative" if score <= NEGATIVE_FROM else "neutral"
