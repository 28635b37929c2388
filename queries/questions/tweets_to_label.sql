-- Which texts has no person labelled yet, and what do lexicon and model say of them?
-- parameters: from_day day = today-30, to_day day = today, top count = 5000
with verdicts as (
  select
    tweet_id,
    label,
    negative,
    neutral,
    positive,
    row_number() over (partition by tweet_id order by scored_at desc, model_version desc) as newest
  from scored
  where dt between ? /* from_day */ and ? /* to_day */
),

texts as (
  select
    tweets.text_hash,
    tweets.text,
    tweets.lexicon_label,
    verdicts.label as model_label,
    greatest(verdicts.negative, verdicts.neutral, verdicts.positive) as model_confidence,
    row_number() over (partition by tweets.text_hash order by tweets.tweet_id) as copy
  from tweets
  left join verdicts on verdicts.tweet_id = tweets.tweet_id and verdicts.newest = 1
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
