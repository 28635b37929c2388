"""Each question, over a few rows whose answer can be counted by hand."""

from query_lake import PREDICTION, TWEET, Lake

DAYS = {"from_day": "2026-11-20", "to_day": "2026-11-21", "languages": "en"}


def test_daily_sentiment_prefers_the_newest_prediction_to_the_label(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"}, {**TWEET, "tweet_id": "3"})
    lake.add("tweets", {**TWEET, "dt": "2026-11-21", "tweet_id": "4", "label": "neutral"})
    lake.add("tweets", {**TWEET, "dt": "2026-11-22", "tweet_id": "5"})
    lake.add("scored", PREDICTION)
    lake.add(
        "scored",
        {
            **PREDICTION,
            "label": "neutral",
            "model_version": "m0",
            "scored_at": "2026-11-20 02:00:00",
        },
    )

    rows = lake.ask("questions/daily_sentiment", **DAYS)

    assert rows == [
        {
            "dt": "2026-11-20",
            "tweets": 3,
            "negative": 1,
            "neutral": 0,
            "positive": 2,
            "average_sentiment": 0.3333,
            "scored_by_model": 1,
        },
        {
            "dt": "2026-11-21",
            "tweets": 1,
            "negative": 0,
            "neutral": 1,
            "positive": 0,
            "average_sentiment": 0.0,
            "scored_by_model": 0,
        },
    ]


def test_daily_sentiment_of_an_empty_lake_is_no_row(lake: Lake) -> None:
    assert lake.ask("questions/daily_sentiment", **DAYS) == []


def test_top_contributors_ranks_within_each_sentiment_and_breaks_ties_by_id(lake: Lake) -> None:
    def post(tweet: int, author: str, label: str = "positive") -> dict[str, object]:
        return {
            **TWEET,
            "tweet_id": str(tweet),
            "author_id": author,
            "author_username": f"user{author}",
            "label": label,
        }

    lake.add("tweets", post(1, "30"), post(2, "30"), post(3, "20"), post(4, "10"))
    lake.add("tweets", post(5, "10", "negative"))

    rows = lake.ask("questions/top_contributors", **DAYS, top=2)

    assert [(r["sentiment"], r["place"], r["author_username"], r["share"]) for r in rows] == [
        ("negative", 1, "user10", 1.0),
        ("positive", 1, "user30", 0.5),
        ("positive", 2, "user10", 0.25),
    ]


def test_tweets_with_predictions_shows_each_tweet_once_with_its_newest_prediction(
    lake: Lake,
) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2", "created_at": "2026-11-20 09:00:00"})
    lake.add(
        "scored", PREDICTION, {**PREDICTION, "label": "neutral", "scored_at": "2026-11-22 02:00:00"}
    )

    rows = lake.ask("questions/tweets_with_predictions", **{**DAYS, "to_day": "2026-11-22"}, top=5)

    assert [(row["tweet_id"], row["model_label"]) for row in rows] == [
        ("2", None),
        ("1", "neutral"),
    ]


def test_tweets_with_predictions_stops_at_the_limit(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"})

    assert len(lake.ask("questions/tweets_with_predictions", **DAYS, top=1)) == 1


def test_unscored_tweets_leaves_out_the_scored_and_other_languages(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"}, {**TWEET, "tweet_id": "3", "lang": "fr"})
    lake.add("tweets", {**TWEET, "tweet_id": "4", "lang": None})
    lake.add("scored", PREDICTION)
    values = {"day": "2026-11-20", "languages": "en"}

    judged = lake.ask("questions/unscored_tweets", **values, model_version="m1")
    new_model = lake.ask("questions/unscored_tweets", **values, model_version="m2")

    assert [row["tweet_id"] for row in judged] == ["2", "4"]
    assert [row["tweet_id"] for row in new_model] == ["1", "2", "4"]


def test_unscored_tweets_are_also_those_that_another_model_scored_last(lake: Lake) -> None:
    lake.add("tweets", TWEET)
    lake.add("scored", PREDICTION)
    lake.add("scored", {**PREDICTION, "model_version": "m2", "scored_at": "2026-11-21 09:00:00"})
    values = {"day": "2026-11-20", "languages": "en"}

    rolled_back = lake.ask("questions/unscored_tweets", **values, model_version="m1")
    in_service = lake.ask("questions/unscored_tweets", **values, model_version="m2")

    assert [row["tweet_id"] for row in rolled_back] == ["1"]
    assert in_service == []


def test_model_differences_compares_the_newest_answers_of_two_models(lake: Lake) -> None:
    lake.add(
        "tweets", TWEET, {**TWEET, "tweet_id": "2", "text": "so so"}, {**TWEET, "tweet_id": "3"}
    )
    sure = {**PREDICTION, "label": "positive", "negative": 0.1, "neutral": 0.1, "positive": 0.8}
    unsure = {**PREDICTION, "label": "neutral", "negative": 0.2, "neutral": 0.5, "positive": 0.3}
    for tweet_id, first, second in (("1", sure, sure), ("2", sure, unsure)):
        lake.add("scored", {**first, "tweet_id": tweet_id, "model_version": "a"})
        lake.add("scored", {**second, "tweet_id": tweet_id, "model_version": "b"})
    lake.add("scored", {**sure, "tweet_id": "3", "model_version": "a"})
    # An older answer of the second model, which it has changed since.
    lake.add(
        "scored",
        {**unsure, "tweet_id": "1", "model_version": "b", "scored_at": "2026-11-19 01:00:00"},
    )
    days = {"from_day": "2026-11-20", "to_day": "2026-11-21", "top": 5}

    rows = lake.ask("questions/model_differences", **days, first_model="a", second_model="b")
    none = lake.ask("questions/model_differences", **days, first_model="a", second_model="c")

    assert rows == [
        {
            "both": 2,
            "differ": 1,
            "text": "so so",
            "first_label": "positive",
            "second_label": "neutral",
            "second_confidence": 0.5,
        }
    ]
    assert none == []


def test_rows_per_day_counts_labels_and_authors(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2", "label_source": "human"})

    rows = lake.ask("questions/rows_per_day", **DAYS)

    assert rows == [
        {"dt": "2026-11-20", "tweets": 2, "human_labels": 1, "lexicon_labels": 1, "authors": 1}
    ]


def test_tweets_to_label_shows_each_text_once_and_none_that_a_person_labelled(lake: Lake) -> None:
    lake.add("tweets", {**TWEET, "text_hash": "b"}, {**TWEET, "tweet_id": "2", "text_hash": "b"})
    lake.add("tweets", {**TWEET, "tweet_id": "3", "text_hash": "a"})
    lake.add("tweets", {**TWEET, "tweet_id": "4", "text_hash": "c", "label_source": "human"})
    lake.add("scored", PREDICTION)

    rows = lake.ask("questions/tweets_to_label", **DAYS, top=10)

    assert [(row["text_hash"], row["model_label"]) for row in rows] == [
        ("a", None),
        ("b", PREDICTION["label"]),
    ]
    shares = (PREDICTION["negative"], PREDICTION["neutral"], PREDICTION["positive"])
    assert rows[1]["model_confidence"] == max(shares)


def test_sentiment_counts_the_models_languages_alone(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2", "lang": "fr", "author_id": "8"})
    lake.add("tweets", {**TWEET, "tweet_id": "3", "lang": None})
    both = {**DAYS, "languages": "fr,en"}

    def counts(days: dict[str, str]) -> tuple[int, int]:
        [day] = lake.ask("questions/daily_sentiment", **days)
        authors = lake.ask("questions/top_contributors", **days, top=5)
        return day["tweets"], sum(author["tweets"] for author in authors)

    assert counts(DAYS) == (2, 2)
    assert counts(both) == (3, 3)


def test_tweets_per_language_counts_what_the_model_does_not_read(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"}, {**TWEET, "tweet_id": "3", "lang": "fr"})
    lake.add("tweets", {**TWEET, "tweet_id": "4", "lang": None})

    rows = lake.ask("questions/tweets_per_language", **DAYS)

    assert {(row["language"], row["read_by_model"], row["tweets"]) for row in rows} == {
        ("en", True, 2),
        ("fr", False, 1),
        (None, True, 1),
    }
