-- What do people, the lexicon and the model say of the newest tweets?
-- parameters: from_day day = today-7, to_day day = today, top count = 20
with latest_predictions as (
  -- include: latest_predictions
),
placed as (
  select
    tweets.tweet_id,
    tweets.dt,
    tweets.author_username,
    tweets.text,
    tweets.label,
    tweets.label_source,
    tweets.lexicon_label,
    round(tweets.lexicon_compound, 4) as lexicon_compound,
    latest_predictions.label as model_label,
    round(latest_predictions.negative, 4) as model_negative,
    round(latest_predictions.neutral, 4) as model_neutral,
    round(latest_predictions.positive, 4) as model_positive,
    latest_predictions.model_version,
    row_number() over (order by tweets.created_at desc, tweets.tweet_id) as place
  from tweets
  left join latest_predictions on latest_predictions.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
)
select
  tweet_id,
  dt,
  author_username,
  text,
  label,
  label_source,
  lexicon_label,
  lexicon_compound,
  model_label,
  model_negative,
  model_neutral,
  model_positive,
  model_version
from placed
where place <= ? /* top */
order by place
