-- Which tweets do two models read differently?
-- Only tweets that both scored; a refused candidate has scored none. Each row repeats how many there are.
-- parameters: first_model text, second_model text, from_day day = today-30, to_day day = today, top count = 10
with answers as (
  select
    tweet_id,
    dt,
    model_version,
    max_by(label, scored_at) as label,
    max_by(greatest(negative, neutral, positive), scored_at) as confidence
  from scored
  where model_version in (? /* first_model */, ? /* second_model */)
    and dt between ? /* from_day */ and ? /* to_day */
  group by tweet_id, dt, model_version
),
pairs as (
  select
    one.tweet_id,
    one.dt,
    one.label as first_label,
    other.label as second_label,
    other.confidence
  from answers as one
  join answers as other
    on other.tweet_id = one.tweet_id
    and other.dt = one.dt
  where one.model_version = ? /* first_model */
    and other.model_version = ? /* second_model */
),
counted as (
  select
    count(*) as "both",
    count_if(first_label <> second_label) as differ
  from pairs
),
placed as (
  select
    tweets.tweet_id,
    tweets.text,
    pairs.first_label,
    pairs.second_label,
    round(pairs.confidence, 4) as second_confidence,
    row_number() over (order by pairs.confidence desc, tweets.tweet_id) as place
  from pairs
  join tweets on tweets.tweet_id = pairs.tweet_id and tweets.dt = pairs.dt
  where pairs.first_label <> pairs.second_label
),
shown as (
  select text, first_label, second_label, second_confidence, place
  from placed
  where place <= ? /* top */
)
select
  counted."both",
  counted.differ,
  shown.text,
  shown.first_label,
  shown.second_label,
  shown.second_confidence
from counted
left join shown on true
where counted."both" > 0
order by shown.place
