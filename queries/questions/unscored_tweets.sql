-- Which tweets of a day has a model version not scored yet?
-- parameters: day day = today, model_version text, languages text = en
with already_scored as (
  select tweet_id, dt
  from scored
  where dt = ? /* day */
    and model_version = ? /* model_version */
)
select tweets.tweet_id, coalesce(tweets.text, '') as text
from tweets
left join already_scored
  on already_scored.tweet_id = tweets.tweet_id
  and already_scored.dt = tweets.dt
where tweets.dt = ? /* day */
  and (
    -- include: read_by_model
  )
  and already_scored.tweet_id is null
