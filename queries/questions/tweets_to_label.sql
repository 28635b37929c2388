-- Which texts has no person labelled yet, and what do lexicon and model say of them?
-- parameters: from_day day = today-30, to_day day = today, top count = 5000
with latest_predictions as (
  -- include: latest_predictions
),
texts as (
  select
    tweets.text_hash,
    tweets.text,
    tweets.lexicon_label,
    latest_predictions.label as model_label,
    greatest(
      latest_predictions.negative, latest_predictions.neutral, latest_predictions.positive
    ) as model_confidence,
    row_number() over (partition by tweets.text_hash order by tweets.tweet_id) as copy
  from tweets
  left join latest_predictions on latest_predictions.tweet_id = tweets.tweet_id
  where
    tweets.dt between ? /* from_day */ and ? /* to_day */
    and tweets.label_source <> 'human'
),
-- By hash: as good as at random, and no newer or louder text comes first.
placed as (
  select
    text_hash,
    text,
    lexicon_label,
    model_label,
    model_confidence,
    row_number() over (order by text_hash) as place
  from texts
  where copy = 1
)
select
  text_hash,
  text,
  lexicon_label,
  model_label,
  model_confidence
from placed
where place <= ? /* top */
order by place
