"""Synthetic raw tweets: gzipped NDJSON pages, as the ingest writes them."""

import gzip
import json
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

FIRST_DAY = datetime(2026, 11, 18, tzinfo=UTC)
DAYS = [f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}" for day in range(7)]
ROWS_A_PAGE = 10_000
# Every twentieth tweet was fetched twice.
REPEATED = 20
_ID_EPOCH_MS = 1_288_834_974_657
_COMMON = "the a to you and is it my of for so this not in on that with just at be have was are"
_OTHER = (
    "train station meeting coffee phone game album weather monday traffic update airport ticket "
    "release concert match office garden street morning camera keyboard river window"
)
_ENDINGS = ["", "", "", ".", "!", "?", " :)", " \u2764\ufe0f", " &amp; more", " https://t.co/AbC1"]


def lexicon_words() -> list[str]:
    """The words that the lexicon rates."""
    lines = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    return [word for line in lines if (word := line.split("\t")[0])[:1].isalpha()]


def _text(rated: list[str], dice: random.Random) -> str:
    """About 100 characters: one mention and one hashtag, 1 word in 10 is in the lexicon, one text
    in three has a character beyond ASCII."""
    common, others = _COMMON.split(), _OTHER.split()
    words = [
        dice.choice(rated if (roll := dice.random()) < 0.1 else common if roll < 0.7 else others)
        for _ in range(dice.randint(8, 22))
    ]
    if dice.random() < 0.25:
        words.insert(dice.randrange(len(words)), "don\u2019t")
    words.insert(dice.randrange(len(words)), f"#{dice.choice(others)}")
    mention = f"@user_{dice.randint(1, 9999)}"
    return f"{mention} {' '.join(words)}{dice.choice(_ENDINGS)}"


def raw_record(
    sent: datetime, lowest_bits: int, rated: list[str], dice: random.Random, *, again: bool
) -> dict[str, Any]:
    """A record of a raw page; `again` is of the tweet's second fetch, which is the newer one."""
    instant = sent.strftime("%Y-%m-%dT%H:%M:%S.") + f"{sent.microsecond // 1000:03d}Z"
    # The time of the id is the time of the post; the lowest bits keep ids apart.
    return {
        "id": str((int(sent.timestamp() * 1000) - _ID_EPOCH_MS) << 22 | lowest_bits),
        "author_id": str(dice.randint(1, 50_000)),
        "author_username": f"user_{dice.randint(1, 50_000)}",
        "created_at": instant,
        "lang": "en",
        "text": _text(rated, dice),
        "retweet_count": dice.randint(0, 9),
        "reply_count": 0,
        "like_count": dice.randint(0, 99),
        "quote_count": 0,
        "query_name": "bench",
        "run_id": "bench",
        "fetched_at": f"2026-11-25T02:00:0{int(again)}.000Z",
    }


def _write_page(folder: Path, day: int, first: int, rows: int, rated: list[str]) -> None:
    dice = random.Random(first)
    page = folder / f"dt={DAYS[day]}" / f"page-{first:09d}.ndjson.gz"
    page.parent.mkdir(parents=True, exist_ok=True)
    start = FIRST_DAY + timedelta(days=day)
    with gzip.open(page, "wt", encoding="utf-8", compresslevel=1) as file:
        for number in range(first, first + rows):
            again = number % REPEATED == 1
            place = number - 1 if again else number
            sent = start + timedelta(milliseconds=place % 86_400_000)
            record = raw_record(sent, (place // 86_400_000) & 0x3FFFFF, rated, dice, again=again)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_raw(folder: Path, rows: int, *, hot: bool = False) -> None:
    """Writes pages of raw tweets below `folder/dt=<day>/`, spread over seven days; `hot` puts nine
    in ten of them on the fourth day."""
    rated = lexicon_words()
    pages = [(first, min(ROWS_A_PAGE, rows - first)) for first in range(0, rows, ROWS_A_PAGE)]
    with ProcessPoolExecutor() as pool:
        written = [
            pool.submit(
                _write_page,
                folder,
                3 if hot and index % 10 else index % len(DAYS),
                first,
                count,
                rated,
            )
            for index, (first, count) in enumerate(pages)
        ]
        for page in written:
            page.result()
