-- Which negative tweets were shared most?
-- Shared: reposts and quotes, as X counted them when the tweet was fetched.
-- parameters: from_day day = today-7, to_day day = today, languages text = en, top count = 10
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
placed as (
  select
    dt,
    tweet_id,
    author_username,
    text,
    shares,
    likes,
    judged_by,
    row_number() over (order by shares desc, likes desc, tweet_id) as place
  from sentiments
  where sentiment = 'negative'
)
select place, dt, tweet_id, author_username, text, shares, likes, judged_by
from placed
where place <= ? /* top */
order by place
