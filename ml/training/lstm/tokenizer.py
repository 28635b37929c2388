"""One tokenizer for training and serving: a `tokenizer.json` that Hugging Face's Python and
JavaScript libraries both read.

It uses only steps that both do alike: NFKD, regex Replace, Lowercase, regex Split, WordLevel. A
replacement is literal in one and a template in the other, so none has a `$`; a lookahead is used to
keep a part of the match. No pattern matches the empty string (to insert text): the Python library
then miscounts characters and panics in a later step (0.23.3).
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer as HuggingFaceTokenizer
from vectors import WordVectors

from lstm import lexicon

PAD, UNKNOWN = "<pad>", "<unk>"
PAD_ID, UNKNOWN_ID = 0, 1
CLASSES = ("<user>", "<url>", "<number>", "<other>", "<smile>", "<frown>", "<heart>")
SPECIAL = (PAD, UNKNOWN, *CLASSES)

# The broken heart is missing: it counts as a frown.
HEARTS = (
    "\u2661\u2665\u2763\u2764\U0001f493\U0001f495-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e\U0001f9e1"
    "\U0001fa75-\U0001fa77\U0001faf0\U0001faf6"
)
# Selectors, joiners and skin tones of emoji, and invisible characters.
UNSEEN = "\u00ad\u200b-\u200f\u2060-\u2064\ufe0e\ufe0f\ufeff\U0001f3fb-\U0001f3ff"
APOSTROPHES = "`\u00b4\u02b9\u02bb\u02bc\u02c8\u2018\u2019\u201b\u2032\u2035\ua78c\uff07\uff40"
# Characters inside and at the end of a link, as in etl/text/rules.json.
_IN_LINK = r"[A-Za-z0-9!*';:=+,.$/%#\[\]_~@|?&-]"
_LINK = rf"(?:{_IN_LINK}|\({_IN_LINK}*\))*(?:[A-Za-z0-9=_#/+-]|\({_IN_LINK}*\))"

# What NFKD is let near: Latin, its marks, punctuation, letter-like signs, ligatures, full-width
# forms, mathematical alphabets. Their decompositions are old; those of newer code points depend on
# which Unicode a library was built with, and the two libraries differ.
STABLE = (
    "\\x00-\\x7f\u00a0-\u024f\u02bc\u0300-\u036f\u1e00-\u1eff"
    "\u2000-\u2064\u20ac\u2100-\u214f"
    "\ufb00-\ufb06\uff01-\uff5e\U0001d400-\U0001d7ff"
)

# More characters than 60 tokens of any tweet need; limits the cost of hostile texts. As in
# tokenizer.ts.
MAX_CHARACTERS = 2_000

# A spelling with one letter doubled ("soo", to which "soooo" is shortened) is an alias of the word,
# if the word is at least this frequent and the spelling itself is rarer than SPELLING_RANK.
ELONGATED_RANK = 5_000
SPELLING_RANK = 20_000


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _emoticons() -> list[dict[str, Any]]:
    """Replaces emoticons in lower-cased text. No pattern begins with a repetition: it would be
    tried again at each of its characters, and a text of a thousand brackets would take seconds."""
    smiles = (
        r"(?<![a-z0-9])[:;=]'?[-o^]?(?:[)\]}]+|[dp3*]+(?![a-z0-9]))",
        r"(?<![a-z0-9])xd+(?![a-z0-9])",
        r"[(\[][-o^]?'?[:;=](?![a-z0-9])",
        r"\^[_.-]{0,3}\^",
        r"\\o/",
    )
    frowns = (
        r"(?<![a-z0-9])>?[:;=]'?[-o^]?(?:[(\[{]+|[/\\|]+(?![/a-z0-9])|[sc@](?![a-z0-9]))",
        r"\)[-o^]?'[:;=]",
        r"(?<![a-z0-9])d:(?![a-z0-9])",
        r"(?<![a-z0-9_.-])-[_.]{1,3}-(?![a-z0-9_.-])",
        r"(?<![a-z0-9])t[_.]{1,3}t(?![a-z0-9])",
    )
    return [
        _replace("</3+|>[.:]<", " <frown> "),
        _replace("<3+", " <heart> "),
        _replace("|".join(smiles), " <smile> "),
        _replace("|".join(frowns), " <frown> "),
    ]


_VERBS = "do|did|does|is|was|are|have|has|had|would|could|should"
# Each has its own \b, because a lookbehind allows alternatives only at its top level.
_NEGATED = "|".join(rf"\b{verb}nt" for verb in _VERBS.split("|"))


def _normalizers() -> list[dict[str, Any]]:
    emoji = lexicon.emoji_by_feeling()
    return [
        _replace(f"[{UNSEEN}]+", ""),
        # Before NFKD, which turns an accent on its own into a blank.
        _replace(f"[{APOSTROPHES}]", "'"),
        _replace(f"[{HEARTS}]", " <heart> "),
        *(_replace(f"[{members}]", f" {name} ") for name, members in emoji.items()),
        _replace(f"[^{STABLE}]+", " <other> "),
        # Letters of fancy alphabets become plain ones, an ellipsis dots, accents separate marks.
        {"type": "NFKD"},
        _replace("[\u0300-\u036f]+", ""),
        # Escapes left by exporters.
        _replace(r"\\u201[89]", "'"),
        _replace(r"\\u002[cC]", ","),
        _replace(r"\\u[0-9a-fA-F]{4}|\\n", " "),
        _replace("&lt;|&#(?:0*60|[xX]0*3[cC]);", "<"),
        _replace("&gt;|&#(?:0*62|[xX]0*3[eE]);", ">"),
        _replace("&quot;|&[lr]dquo;|&#(?:0*34|[xX]0*22|822[01]|[xX]201[cCdD]);", '"'),
        _replace("&apos;|&[lr]squo;|&#(?:0*39|[xX]0*27|14[56]|821[67]|[xX]201[89]);", "'"),
        _replace("&nbsp;|&#(?:160|[xX][aA]0);", " "),
        _replace("&hellip;|&#(?:8230|[xX]2026);", "..."),
        _replace("&#(?:0*38|[xX]0*26);", "&"),
        _replace("&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});", " <other> "),
        # Last of the entities, because "&amp;lt;" must not be unescaped twice.
        _replace("&amp;", "&"),
        _replace("[\u201c\u201d]", '"'),
        _replace("[\u2010-\u2015]", "-"),
        _replace(r"https?://t\.co/[A-Za-z0-9]+", " <url> "),
        _replace(rf"https?://{_LINK}|www\.{_LINK}", " <url> "),
        # The beginning of a link where a text was cut off.
        _replace(r"(?<![A-Za-z0-9])htt(?:ps?(?::/{0,2})?)?\.{2,}", " "),
        _replace("(?<![A-Za-z0-9_])[Rr][Tt](?=@[A-Za-z0-9_])", "rt "),
        _replace("(?<![A-Za-z0-9_!#$%&*@])@[A-Za-z0-9_]+(?![A-Za-z0-9_@]|://)", " <user> "),
        _replace(r"[^\x00-\x7f]+", " <other> "),
        # Joined words, as in #HowToTrain: a pattern for each capital, because a replacement is
        # literal. The capital comes first in its pattern: JavaScript tries a pattern that begins
        # with a lookbehind at every character, and 26 of those took most of a text's time.
        *(
            _replace(f"{letter}(?<=[a-z]{letter})(?=[a-z])", f" {letter.lower()}")
            for letter in string.ascii_uppercase
        ),
        {"type": "Lowercase"},
        *_emoticons(),
        # Three or more of a letter or mark in a row become two.
        _replace(r"([a-z!?.,])(?=\1\1)", ""),
        _replace("(?<![a-z])won'?t(?![a-z])", "will not"),
        _replace("(?<![a-z])ain'?t(?![a-z])", "is not"),
        _replace(r"(?<=\bca)n'?t(?![a-z])", "n not"),
        _replace("n't(?![a-z])", " not"),
        # "dont" and similar words.
        _replace(rf"nt(?![a-z])(?<={_NEGATED})", " not"),
        _replace(r"[0-9]+(?:[.,:][0-9]+)+|[0-9]{2,}", " <number> "),
    ]


_CLITIC = "'(?:s|m|re|ve|ll|d)(?![a-z])"
# `feelings`: only marks that express a feeling. Texts become a tenth shorter.
_PUNCTUATION = {"all": r"!?.,;:\"()&%$*+/=~-", "feelings": "!?"}
_WORD = rf"<[a-z]+>|{_CLITIC}|[a-z]+(?:(?!{_CLITIC})'[a-z]+)*|[0-9]|\.\."


@dataclass(frozen=True)
class Vocabulary:
    """`words[i]` is the word with id i; `aliases` has the ids of other spellings."""

    words: list[str]
    aliases: dict[str, int]


class Tokenizer:
    """Text to ids as in serving: 1 to `max_tokens` of them."""

    def __init__(self, definition: str, max_tokens: int) -> None:
        """Raises ValueError if `definition` is not the text of a tokenizer.json."""
        self.definition = definition
        self.max_tokens = max_tokens
        try:
            self._tokenizer = HuggingFaceTokenizer.from_str(definition)
        except Exception as error:  # the library throws bare Exception
            raise ValueError(f"not a tokenizer.json: {error}") from error

    @property
    def words(self) -> list[str]:
        """The word of each id, without aliases, which come after the words in the file."""
        words: dict[int, str] = {}
        for word, index in json.loads(self.definition)["model"]["vocab"].items():
            words.setdefault(index, word)
        return [words[index] for index in range(len(words))]

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text; a text without tokens is one unknown token."""
        short = [_well_formed(text)[:MAX_CHARACTERS] for text in texts]
        encodings = self._tokenizer.encode_batch_fast(short, add_special_tokens=False)
        return [encoding.ids[: self.max_tokens] or [UNKNOWN_ID] for encoding in encodings]

    def split(self, texts: list[str]) -> list[list[str]]:
        """Tokens of each text as spelled, unknown ones too."""
        normalizer, pre_tokenizer = self._tokenizer.normalizer, self._tokenizer.pre_tokenizer
        return [
            [token for token, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))]
            for text in (_well_formed(text)[:MAX_CHARACTERS] for text in texts)
        ]


def _well_formed(text: str) -> str:
    """Lone surrogates, which JSON can carry and UTF-8 cannot, become U+FFFD, as in JavaScript's
    `toWellFormed`."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def definition(vocabulary: Vocabulary, punctuation: str = "all") -> str:
    """The text of `tokenizer.json`. The library itself would drop the aliases when writing it (two
    words with one id)."""
    ids = {word: index for index, word in enumerate(vocabulary.words)} | vocabulary.aliases
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {"type": "Sequence", "normalizers": _normalizers()},
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": f"{_WORD}|[{_PUNCTUATION[punctuation]}]"},
                "behavior": "Removed",
                "invert": True,
            },
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": ids, "unk_token": UNKNOWN},
        },
        separators=(",", ":"),
    )


def build_vocabulary(
    texts: Iterable[str],
    vectors: WordVectors,
    frequent_words: int,
    learned: Iterable[str] = (),
    punctuation: str = "all",
) -> Vocabulary:
    """The words of the training texts (a word without a vector only if it occurs twice), the
    `frequent_words` most frequent words with a vector, the lexicon's words with a vector, and the
    words that an earlier training `learned`."""
    rank = {word: index for index, word in enumerate(vectors.words)}
    splitter = Tokenizer(definition(Vocabulary(list(SPECIAL), {}), punctuation), max_tokens=1)
    seen = Counter(token for tokens in splitter.split(list(texts)) for token in tokens)
    rated, learned = lexicon.words(), set(learned)
    wanted = seen.keys() | rated | learned

    words = list(SPECIAL)
    words += vectors.words[:frequent_words]
    words += [word for word in vectors.words[frequent_words:] if word in wanted]
    words += sorted(
        ({token for token, count in seen.items() if count > 1 or token in rated} | learned)
        - rank.keys()
        - set(SPECIAL)
    )
    ids = {word: index for index, word in enumerate(words)}

    aliases: dict[str, int] = {}
    for word in vectors.words[:ELONGATED_RANK]:
        if word not in ids or not word.isalpha() or len(word) < 2:
            continue
        for place in range(len(word)):
            spelling = word[: place + 1] + word[place:]
            known = rank.get(spelling, SPELLING_RANK)
            if known >= SPELLING_RANK and spelling not in rated:
                aliases.setdefault(spelling, ids[word])
    words_left = [word for word in words if word not in aliases]
    moved = {index: new for new, index in enumerate(ids[word] for word in words_left)}
    return Vocabulary(words_left, {word: moved[index] for word, index in aliases.items()})
