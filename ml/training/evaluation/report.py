"""`evaluation.html`: the evaluation as one page that needs no network.

It shows texts of the worst mistakes, which `evaluation.json` names by hash only. So the page must
stay in the lake, and erasing deletes it.
"""

from __future__ import annotations

from typing import Any

from lstm.data import Row
from lstm.labels import LABELS

from evaluation.drawing import STYLE, escape, intervals, percent, reliability, signed, table

SYSTEMS = ("candidate", "champion", "best", "linear", "lexicon", "majority")
TITLES = {
    "candidate": "this model",
    "champion": "champion",
    "best": "best of the last days",
    "linear": "TF-IDF + linear",
    "lexicon": "lexicon (VADER)",
    "majority": "majority",
}


def page(evaluation: dict[str, Any], held_out: list[Row]) -> str:
    """`evaluation` is that of `evaluation.json`; `held_out` holds the texts."""
    version = escape(evaluation["candidate"]["version"])
    parts = [
        f"<h1>Model {version}</h1>",
        _summary(evaluation),
        "<h2>Macro recall on the held-out rows</h2>",
        _ranking(evaluation),
        _differences(evaluation),
        "<h2>By class</h2>",
        _classes(evaluation),
        "<h2>Confusion</h2>",
        _confusion(evaluation),
        "<h2>Calibration</h2>",
        _calibration(evaluation["candidate"]["calibration"]),
        "<h2>By kind of text</h2>",
        _slices(evaluation),
        _curve(evaluation),
        "<h2>Behavioural tests</h2>",
        _behaviour(evaluation["behaviour"]),
        "<h2>Plain sentences</h2>",
        _golden(evaluation["golden"]),
        "<h2>Worst mistakes</h2>",
        _mistakes(evaluation, held_out),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Model {version}</title>"
        f"<style>{STYLE}</style>{''.join(parts)}</html>\n"
    )


def _present(evaluation: dict[str, Any]) -> list[str]:
    return [name for name in SYSTEMS if evaluation[name] is not None]


def _summary(evaluation: dict[str, Any]) -> str:
    held_out, training = evaluation["held_out"], evaluation["training"]
    rows = training["rows"]
    classes = ", ".join(f"{held_out['per_class'][label]:,} {label}" for label in LABELS)
    problems = [
        f"<p>The {TITLES[who]} could not be scored: {escape(evaluation[f'{who}_problem'])}.</p>"
        for who in ("champion", "best")
        if evaluation[f"{who}_problem"]
    ]
    return (
        f"<p>Scored on {held_out['rows']:,} texts that people labelled and no system was trained "
        f"on ({classes}). Trained on {rows['train']:,} human and {rows['weak']:,} weak labels, "
        f"{training['epochs']} epochs in {training['seconds']} s, seed {training['seed']}.</p>"
        + "".join(problems)
    )


def _ranking(evaluation: dict[str, Any]) -> str:
    systems = [
        (TITLES[name], one["macro_recall"], one["interval"]["low"], one["interval"]["high"])
        for name in _present(evaluation)
        for one in [evaluation[name]]
    ]
    note = f"Bars: {evaluation['level'] * 100:.0f} % bootstrap intervals, in percent."
    return f'{intervals(systems)}<p class="note">{note}</p>'


def _differences(evaluation: dict[str, Any]) -> str:
    rows = []
    for other in ("champion", "best", "linear", "lexicon"):
        found = evaluation[f"candidate_minus_{other}"]
        if found is not None:
            rows.append(
                [
                    f"this model minus {TITLES[other]}",
                    signed(found["value"]),
                    f"{signed(found['low'])} to {signed(found['high'])}",
                ]
            )
    return table(["difference, in points", "macro recall", "paired interval"], rows)


def _classes(evaluation: dict[str, Any]) -> str:
    rows = [
        [
            TITLES[name],
            *[percent(evaluation[name]["recall"][label]) for label in LABELS],
            percent(evaluation[name]["macro_recall"]),
            percent(evaluation[name]["accuracy"]),
            percent(evaluation[name]["macro_f1"]),
        ]
        for name in _present(evaluation)
    ]
    head = ["in percent", *[f"recall {label}" for label in LABELS]]
    return table([*head, "macro recall", "accuracy", "macro F1"], rows, marked=0)


def _confusion(evaluation: dict[str, Any]) -> str:
    rows = []
    for label, counts in zip(LABELS, evaluation["candidate"]["confusion"], strict=True):
        total = max(1, sum(counts))
        cells = "".join(
            f'<td class="cell" style="background:rgba(37,99,168,{count / total * 0.7:.2f})">'
            f"{count:,}</td>"
            for count in counts
        )
        rows.append(f"<tr><td>people: {label}</td>{cells}</tr>")
    head = "".join(f"<th>model: {label}</th>" for label in LABELS)
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _calibration(found: dict[str, Any]) -> str:
    return (
        f"<p>Expected calibration error {percent(found['expected_error'])} points: how far "
        f"confidence and accuracy differ, over {len(found['bins'])} bins.</p>"
        f"{reliability(found['bins'])}"
        '<p class="note">Across: its probability of its own answer. Up: how often that answer is '
        "right. Size: rows. Above the line the model is underconfident, below overconfident.</p>"
    )


def _slices(evaluation: dict[str, Any]) -> str:
    names = _present(evaluation)
    rows = [
        [
            one["name"],
            f"{one['rows']:,}",
            *[percent(one["systems"][name]["macro_recall"]) for name in names],
            *[percent(one["systems"][name]["accuracy"]) for name in names[:1]],
        ]
        for one in evaluation["slices"]
    ]
    head = ["macro recall, in percent", "rows", *[TITLES[name] for name in names]]
    return table([*head, "accuracy of this model"], rows)


def _curve(evaluation: dict[str, Any]) -> str:
    curve = evaluation["learning_curve"]
    if curve is None:
        return ""
    rows = [
        [
            f"{one['labels']:,}",
            percent(one["model"]["macro_recall"]),
            f"{percent(one['model']['interval']['low'])} to "
            f"{percent(one['model']['interval']['high'])}",
            percent(one["linear"]),
        ]
        for one in curve
    ]
    head = ["human labels", "this recipe", "interval", TITLES["linear"]]
    return f"<h2>By number of labels</h2>{table(head, rows)}"


def _behaviour(found: dict[str, Any]) -> str:
    names = [name for name in SYSTEMS if found["groups"][0]["passed"].get(name) is not None]
    rows = [
        [
            group["name"],
            str(group["sentences"]),
            *[str(group["passed"][name]) for name in names],
        ]
        for group in found["groups"]
    ]
    return table(["sentences passed", "of", *[TITLES[name] for name in names]], rows)


def _golden(golden: list[dict[str, Any]]) -> str:
    if not golden:
        return "<p>The request had no plain sentences.</p>"
    rows = [[one["text"], one["label"], percent(one["probability"])] for one in golden]
    return table(["text", "the model's label", "probability"], rows, text=2)


def _mistakes(evaluation: dict[str, Any], held_out: list[Row]) -> str:
    texts = {row.text_hash: row.text for row in held_out}
    rows = [
        [texts[one["text_hash"]], one["label"], one["answer"], percent(one["probability"])]
        for one in evaluation["worst_mistakes"]
    ]
    note = "This page shows texts of the lake: keep it in the lake."
    head = ["text", "people's label", "the model's label", "probability"]
    return f'<p class="note">{note}</p>{table(head, rows, text=3)}'
