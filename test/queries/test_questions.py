"""Each question, over a few rows whose answer can be counted by hand."""

from query_lake import EXECUTION, PREDICTION, TWEET, Lake

DAYS = {"from_day": "2026-11-20", "to_day": "2026-11-21", "languages": "en"}


def test_daily_sentiment_prefers_people_then_the_newest_prediction_then_the_lexicon(
    lake: Lake,
) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"})
    lake.add("tweets", {**TWEET, "tweet_id": "3", "label_source": "human"})
    lake.add("tweets", {**TWEET, "dt": "2026-11-21", "tweet_id": "4", "label": "neutral"})
    lake.add("tweets", {**TWEET, "dt": "2026-11-22", "tweet_id": "5"})
    lake.add("scored", PREDICTION, {**PREDICTION, "tweet_id": "3"})
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

    # Wilson for 1 of 3: the centre is (1 + 1.9208) / (3 + 3.8416) = 0.4269, the half width
    # 1.96 · √(1 · 2 / 3 + 0.9604) / 6.8416 = 0.3654; for 2 of 3 the same, mirrored.
    # For 0 of 1 from 0 to 3.8416 / 4.8416 = 0.7935.
    assert rows == [
        {
            "dt": "2026-11-20",
            "tweets": 3,
            "negative": 1,
            "neutral": 0,
            "positive": 2,
            "average_sentiment": 0.3333,
            "negative_low": 0.0615,
            "negative_high": 0.7923,
            "positive_low": 0.2077,
            "positive_high": 0.9385,
            "by_people": 1,
            "by_model": 1,
            "by_lexicon": 1,
        },
        {
            "dt": "2026-11-21",
            "tweets": 1,
            "negative": 0,
            "neutral": 1,
            "positive": 0,
            "average_sentiment": 0.0,
            "negative_low": 0.0,
            "negative_high": 0.7935,
            "positive_low": 0.0,
            "positive_high": 0.7935,
            "by_people": 0,
            "by_model": 0,
            "by_lexicon": 1,
        },
    ]


def test_sentiment_by_query_splits_a_day_by_its_searches(lake: Lake) -> None:
    lake.add(
        "tweets", {**TWEET, "query_name": "tea"}, {**TWEET, "tweet_id": "2", "query_name": "cars"}
    )
    lake.add("tweets", {**TWEET, "tweet_id": "3", "query_name": "cars", "label": "negative"})

    rows = lake.ask("questions/sentiment_by_query", **DAYS)

    assert [(row["query_name"], row["tweets"], row["average_sentiment"]) for row in rows] == [
        ("cars", 2, 0.0),
        ("tea", 1, 1.0),
    ]


def test_sentiment_change_tells_more_than_chance_from_chance(lake: Lake) -> None:
    days = {"from_day": "2026-11-18", "to_day": "2026-11-20", "languages": "en"}
    # Positive: 50 of 100, 52 of 100, 70 of 100.
    for day, positive in (("18", 50), ("19", 52), ("20", 70)):
        lake.add(
            "tweets",
            *(
                {
                    **TWEET,
                    "dt": f"2026-11-{day}",
                    "tweet_id": f"{day}-{place}",
                    "label": "positive" if place < positive else "neutral",
                }
                for place in range(100)
            ),
        )

    rows = lake.ask("questions/sentiment_change", **days)

    # 70 and 52 of 100: pooled 0.61, z = 0.18 / √(0.61 · 0.39 · 0.02) = 2.61.
    # 70 of 100 and 102 of 200: pooled 172/300, z = 0.19 / √(0.5733 · 0.4267 · 0.015) = 3.14.
    # 52 and 50 of 100: pooled 0.51, z = 0.02 / √(0.51 · 0.49 · 0.02) = 0.28.
    assert [
        (
            row["positive_share"],
            row["change_from_day_before"],
            row["day_z"],
            row["more_than_chance_from_day_before"],
            row["change_from_week_before"],
            row["week_z"],
            row["more_than_chance_from_week_before"],
        )
        for row in rows
    ] == [
        (0.5, None, None, None, None, None, None),
        (0.52, 0.02, 0.28, False, 0.02, 0.28, False),
        (0.7, 0.18, 2.61, True, 0.19, 3.14, True),
    ]


def said(tweet: int, day: str, text: str, *hashtags: str) -> dict[str, object]:
    words = [word for word in text.split() if not word.startswith("#")]
    return {
        **TWEET,
        "tweet_id": str(tweet),
        "dt": f"2026-11-{day}",
        "text": text,
        "tokens": words,
        "hashtags": list(hashtags),
    }


def test_rising_terms_compares_shares_and_counts_a_term_once_a_tweet(lake: Lake) -> None:
    lake.add(
        "tweets",
        said(1, "20", "tea tea nice"),
        said(2, "20", "nice #Old", "old"),
        said(3, "20", "nice"),
        said(4, "21", "tea nice #New #Été #old", "new", "été", "old"),
        said(5, "21", "tea nice #new #été #Old", "new", "été", "old"),
    )

    rows = lake.ask("questions/rising_terms", **DAYS, since="2026-11-21", at_least=2, top=2)

    # After: 2 tweets; before: 3. tea (3 / 3) / (2 / 4) = 2, nice (3 / 3) / (4 / 4) = 1; #new and
    # #été (3 / 3) / (1 / 4) = 4, #old 2.
    assert [
        (row["kind"], row["place"], row["term"], row["tweets_now"], row["tweets_before"])
        for row in rows
    ] == [
        ("hashtag", 1, "#new", 2, 0),
        ("hashtag", 2, "#été", 2, 0),
        ("word", 1, "tea", 2, 1),
        ("word", 2, "nice", 2, 3),
    ]
    assert [row["rise"] for row in rows] == [4.0, 4.0, 2.0, 1.0]


def test_rising_terms_reads_the_hashtags_of_older_releases_from_the_text(lake: Lake) -> None:
    lake.add(
        "tweets",
        {**said(1, "20", "tea #Known"), "hashtags": None},
        said(2, "21", "tea #Known #known", "known"),
        {**said(3, "21", "tea #Known #known"), "hashtags": None},
    )

    rows = lake.ask("questions/rising_terms", **DAYS, since="2026-11-21", at_least=1, top=9)

    assert [(row["term"], row["tweets_now"], row["tweets_before"]) for row in rows] == [
        ("#known", 2, 1),
        ("tea", 2, 1),
    ]


def test_top_mentions_counts_a_name_once_a_tweet(lake: Lake) -> None:
    lake.add(
        "tweets",
        {**TWEET, "mentions": ["ada", "bob"]},
        {**TWEET, "tweet_id": "2", "mentions": ["ada"]},
        {**TWEET, "tweet_id": "3", "author_id": "8", "mentions": ["cee", "bob"]},
        {**TWEET, "tweet_id": "4", "mentions": []},
        # Of an older release, and in a language that the model does not read.
        {**TWEET, "tweet_id": "5", "mentions": None},
        {**TWEET, "tweet_id": "6", "lang": "de", "mentions": ["cee"]},
        {**TWEET, "tweet_id": "7", "label": "negative", "mentions": ["cee"]},
    )

    rows = lake.ask("questions/top_mentions", **DAYS, top=2)

    # Of 5 positive tweets ada is in 2, by one author, bob in 2, by two, and cee in 1.
    assert [tuple(row.values()) for row in rows] == [
        ("negative", 1, "cee", 1, 1.0, 1),
        ("positive", 1, "ada", 2, 0.4, 1),
        ("positive", 2, "bob", 2, 0.4, 2),
    ]


def test_most_shared_negative_counts_reposts_and_quotes(lake: Lake) -> None:
    bad = {**TWEET, "label": "negative"}
    lake.add("tweets", {**bad, "retweet_count": 3, "quote_count": 2, "like_count": 1})
    lake.add("tweets", {**bad, "tweet_id": "2", "retweet_count": 4, "label_source": "human"})
    lake.add("tweets", {**bad, "tweet_id": "3"}, {**TWEET, "tweet_id": "4", "retweet_count": 90})

    rows = lake.ask("questions/most_shared_negative", **DAYS, top=2)

    assert [(row["tweet_id"], row["shares"], row["likes"], row["judged_by"]) for row in rows] == [
        ("1", 5, 1, "lexicon"),
        ("2", 4, 0, "people"),
    ]


def test_agreement_by_day_counts_what_both_judged(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2", "label_source": "human"})
    lake.add(
        "tweets",
        {**TWEET, "tweet_id": "3", "label_source": "human", "label": "negative"},
    )
    lake.add("scored", PREDICTION, {**PREDICTION, "tweet_id": "3"})

    rows = lake.ask("questions/agreement_by_day", **DAYS)

    # The model says negative of 1 and 3, the lexicon positive of all, people positive of 2 and
    # negative of 3.
    assert rows == [
        {
            "dt": "2026-11-20",
            "people_and_model": 1,
            "people_agree_with_model": 1.0,
            "people_and_lexicon": 2,
            "people_agree_with_lexicon": 0.5,
            "model_and_lexicon": 2,
            "model_agrees_with_lexicon": 0.0,
        }
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


PERIODS = {
    "from_day": "2026-11-20",
    "to_day": "2026-11-21",
    "reference_from": "2026-11-18",
    "reference_to": "2026-11-19",
    "languages": "en",
}
MONTH = {"month_from": "2026-11-15", "month_to": "2026-11-18"}


def test_drift_counts_the_values_of_each_measure_in_both_periods(lake: Lake) -> None:
    new = {**TWEET, "tokens": ["i", "love", "it"], "lang": "en"}
    lake.add(
        "tweets",
        new,
        {**new, "tweet_id": "2", "label_source": "human", "label": "negative"},
        # Not a language of the model: it only counts as a language.
        {**new, "tweet_id": "3", "lang": "fr"},
        {**new, "tweet_id": "4", "dt": "2026-11-19", "lang": None, "tokens": ["w"] * 30},
        # Of the month before, and not of the training: only its agreements count.
        {**new, "tweet_id": "5", "dt": "2026-11-17", "label_source": "human", "label": "positive"},
        # On no day of any period.
        {**new, "tweet_id": "6", "dt": "2026-11-12"},
    )
    lake.add(
        "scored",
        {**PREDICTION, "unknown_words": 3, "negative": 0.45},
        # An older prediction, and one of another model.
        {**PREDICTION, "scored_at": "2026-11-20 02:00:00", "label": "neutral"},
        {**PREDICTION, "model_version": "m0", "label": "neutral"},
        {**PREDICTION, "tweet_id": "2", "negative": 0.95, "unknown_words": None},
        {**PREDICTION, "tweet_id": "4", "dt": "2026-11-19", "unknown_words": 0},
        {**PREDICTION, "tweet_id": "5", "dt": "2026-11-17", "label": "positive"},
    )

    rows = lake.ask("questions/drift", **PERIODS, **MONTH, model_version="m1")

    assert [tuple(row.values()) for row in rows] == [
        ("confidence", "70 to 80 %", 0, 1),
        ("confidence", "90 % or more", 1, 0),
        ("confidence", "below 50 %", 1, 0),
        ("language", "en", 2, 0),
        ("language", "fr", 1, 0),
        ("language", "unknown", 0, 1),
        ("length", "30 words or more", 0, 1),
        ("length", "below 5 words", 2, 0),
        ("lexicon_and_people", "agree", 0, 1),
        ("lexicon_and_people", "differ", 1, 0),
        ("lexicon_label", "positive", 2, 1),
        # Tweet 5 of the month agrees; tweet 4 is of the training and too old for the month.
        ("model_and_lexicon", "agree", 0, 1),
        ("model_and_lexicon", "differ", 2, 0),
        ("model_and_people", "agree", 1, 1),
        ("model_label", "negative", 2, 1),
        ("unknown_words", "none", 0, 1),
        ("unknown_words", "three or more", 1, 0),
    ]


def test_rising_words_ranks_by_the_rise_of_the_share_of_tweets(lake: Lake) -> None:
    def tweet(number: int, day: str, *words: str) -> dict[str, object]:
        return {**TWEET, "tweet_id": str(number), "dt": day, "tokens": list(words)}

    lake.add(
        "tweets",
        tweet(1, "2026-11-20", "the", "rizz", "rizz"),
        tweet(2, "2026-11-21", "the", "rizz", "tea"),
        {**tweet(3, "2026-11-21", "bonjour"), "lang": "fr"},
        tweet(4, "2026-11-18", "the", "tea"),
        tweet(5, "2026-11-19", "the", "tea"),
    )

    rows = lake.ask("questions/rising_words", **PERIODS, top=5)

    assert [tuple(row.values()) for row in rows] == [("rizz", 2, 0, 1.0, 0.0)]


def test_executions_tells_the_newest_first_with_who_and_the_result(lake: Lake) -> None:
    lake.add("executions", EXECUTION)
    failed = {"status": "FAILED", "error": "ChecksFailed", "cause": "1 of 6", "summary": None}
    later = {"name": "retrain-1", "mode": "retrain", "started_at": "2026-11-20T09:00:00.000Z"}
    lake.add("executions", {**EXECUTION, **failed, **later, "started_by": "ada"})
    stopped = {"status": "ABORTED", "error": "StoppedByHand", "name": "retrain-2"}
    lake.add("executions", {**EXECUTION, **stopped, "dt": "2026-11-21"})
    lake.add("executions", {**EXECUTION, "name": "too-new", "dt": "2026-11-22"})

    rows = lake.ask("questions/executions", from_day="2026-11-20", to_day="2026-11-21")

    assert [(row["name"], row["started_by"], row["result"]) for row in rows] == [
        ("retrain-1", "ada", "ChecksFailed: 1 of 6"),
        ("nightly-20261120-021500", EXECUTION["started_by"], "All went well."),
        ("retrain-2", EXECUTION["started_by"], "StoppedByHand"),
    ]


def test_model_origin_finds_who_trained_a_model_and_who_put_it_into_service(lake: Lake) -> None:
    model = "sl-prod-20261120-0123456789ab"
    made = {
        "model_trained": model,
        "model_promoted": model,
        "decision": "promoted",
        "git_commit": "c0ffee",
        "training_from": "2026-11-12",
        "training_to": "2026-11-19",
        "training_tweets": 3147,
        "label_objects": 2,
        "label_rows": 1458,
    }
    # Planned after redrives of eleven days, so that the version has a later day than the start.
    lake.add("executions", {**EXECUTION, **made, "name": "made", "dt": "2026-11-09"})
    back = {"model_promoted": model, "decision": "rolled back", "started_by": "ada"}
    again = {"name": "back", "started_at": "2026-12-01T09:00:00.000Z", "dt": "2026-12-01"}
    lake.add("executions", {**EXECUTION, **back, **again})
    lake.add("executions", {**EXECUTION, **made, "model_trained": "b", "model_promoted": "b"})
    # No execution that started before can have trained it.
    lake.add("executions", {**EXECUTION, **made, "name": "older", "dt": "2026-11-05"})

    rows = lake.ask("questions/model_origin", model_version=model)

    assert [
        (row["what"], row["execution"], row["started_by"], row["git_commit"], row["label_rows"])
        for row in rows
    ] == [
        ("trained and put into service", "made", EXECUTION["started_by"], "c0ffee", 1458),
        ("put into service again", "back", "ada", None, None),
    ]


def test_model_origin_tells_refused_and_undecided_models_and_versions_of_any_form(
    lake: Lake,
) -> None:
    lake.add("executions", {**EXECUTION, "model_trained": "mine", "decision": "refused"})
    later = {"name": "b", "started_at": "2026-11-20T03:00:00.000Z"}
    lake.add("executions", {**EXECUTION, **later, "model_trained": "mine"})

    rows = lake.ask("questions/model_origin", model_version="mine")

    assert [row["what"] for row in rows] == ["trained, refused", "trained, not decided on"]
