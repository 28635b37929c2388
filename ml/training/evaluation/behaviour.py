"""Behavioural tests in the manner of CheckList (Ribeiro et al., 2020, "Beyond Accuracy", ACL): what
a model must do with negations, names, emoji and the like, whatever its macro recall.

`behaviour.json` has the templates. Their sentences are made without chance, so that every model
answers the same ones, and no model may be trained on them: `text_keys`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from lstm.archive import Archive
from lstm.labels import INDEX_OF, LABELS

from etl.text import key, vader

TEMPLATES = Path(__file__).with_name("behaviour.json")
_SLOT = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Sentence:
    """One test. It passes if everything holds that is set."""

    group: str
    # Number of the template within its group. The sentences of a template are much alike.
    template: int
    text: str
    # Any of these answers; all of them if the template names none.
    labels: tuple[str, ...]
    # "same": the answer is that for `base`. "above" and "below": the score is not on the other side
    # of that for `base`, but for the tolerance.
    relation: str | None
    base: str | None


@dataclass(frozen=True)
class Tests:
    sentences: list[Sentence]
    # Of the scores (-1 to 1) that "above" and "below" compare.
    tolerance: float

    def texts(self) -> list[str]:
        """Every text that a system has to answer, each once, sorted."""
        texts = {one.text for one in self.sentences}
        return sorted(texts | {one.base for one in self.sentences if one.base is not None})


@cache
def tests() -> Tests:
    """The tests that the templates give."""
    content = json.loads(TEMPLATES.read_text("utf-8"))
    sentences = []
    for group in content["groups"]:
        for number, template in enumerate(group["templates"]):
            relation = next((one for one in ("same", "above", "below") if one in template), None)
            for turn in range(content["fillings"]):
                fill = _filler(content["words"], number * content["fillings"] + turn)
                sentences.append(
                    Sentence(
                        group["name"],
                        number,
                        fill(template["text"]),
                        tuple(template.get("labels", LABELS)),
                        relation,
                        fill(template[relation]) if relation else None,
                    )
                )
    return Tests(sentences, content["tolerance"])


def _filler(words: dict[str, list[str]], turn: int) -> Callable[[str], str]:
    """Fills slots: in turn `n` with the n-th word of each list, which begins again at its end."""
    return lambda text: _SLOT.sub(lambda slot: words[slot[1]][turn % len(words[slot[1]])], text)


@cache
def text_keys() -> frozenset[str]:
    """The text hashes of all sentences, those that others are compared with included."""
    return frozenset(key.text_hash(text) for text in tests().texts())


@dataclass(frozen=True)
class Answers:
    """A system's class index and score (negative -1 to positive 1) by text."""

    label: dict[str, int]
    score: dict[str, float]

    @classmethod
    def of_model(cls, archive: Archive) -> Answers:
        texts = tests().texts()
        found = archive.probabilities(texts)
        score = found[:, INDEX_OF["positive"]] - found[:, INDEX_OF["negative"]]
        return cls(
            dict(zip(texts, found.argmax(axis=1).tolist(), strict=True)),
            dict(zip(texts, score.tolist(), strict=True)),
        )

    @classmethod
    def of_lexicon(cls) -> Answers:
        score = {text: vader.compound(text) for text in tests().texts()}
        return cls({text: INDEX_OF[vader.label(one)] for text, one in score.items()}, score)

    def passes(self, test: Sentence) -> bool:
        if LABELS[self.label[test.text]] not in test.labels:
            return False
        match test.relation:
            case "same":
                return self.label[test.text] == self.label[test.base]
            case "above":
                return self.score[test.text] >= self.score[test.base] - tests().tolerance
            case "below":
                return self.score[test.text] <= self.score[test.base] + tests().tolerance
            case _:
                return True


def behaviour(candidate: Archive, champion: Archive | None) -> dict[str, Any]:
    """`Behaviour` of workflows/evaluation.ts: how many sentences of each group pass, and in how
    many templates the candidate passes more or fewer of them than the champion."""
    answers = {
        "candidate": Answers.of_model(candidate),
        "champion": champion and Answers.of_model(champion),
        "lexicon": Answers.of_lexicon(),
    }
    passed = {
        system: own and np.array([own.passes(test) for test in tests().sentences])
        for system, own in answers.items()
    }
    groups = list(dict.fromkeys(test.group for test in tests().sentences))
    return {
        "sha256": _digest(),
        "groups": [_group(name, passed) for name in groups],
    }


def _group(name: str, passed: dict[str, np.ndarray | None]) -> dict[str, Any]:
    members = np.array([test.group == name for test in tests().sentences])
    template = np.array([test.template for test in tests().sentences])[members]
    ours, theirs = passed["candidate"], passed["champion"]
    return {
        "name": name,
        "sentences": int(members.sum()),
        "templates": len(set(template.tolist())),
        "passed": {
            system: None if own is None else int(own[members].sum())
            for system, own in passed.items()
        },
        "against_champion": None
        if ours is None or theirs is None
        else _better_and_worse(
            np.bincount(template, ours[members].astype(int) - theirs[members].astype(int))
        ),
    }


def _better_and_worse(gain: np.ndarray) -> dict[str, int]:
    """`gain`: of each template, sentences that the candidate passes minus the champion's."""
    return {"better": int((gain > 0).sum()), "worse": int((gain < 0).sum())}


def _digest() -> str:
    """SHA-256 of the tests, to see whether two evaluations ran the same."""
    lines = [
        f"{one.group}\t{one.text}\t{','.join(one.labels)}\t{one.relation}\t{one.base}\n"
        for one in tests().sentences
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
