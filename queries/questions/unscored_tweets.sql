-- Which tweets of a day has a model version not scored last?
-- The newest prediction of a tweet counts: after a rollback the older model scores again what the other one had scored.
-- parameters: day day = today, model_version text, languages text = en
with newest as (
  select tweet_id, dt, max_by(model_version, scored_at) as model_version
  from scored
  where dt = ? /* day */
  group by tweet_id, dt
),
already_scored as (
  select tweet_id, dt
  from newest
  where model_version = ? /* model_version */
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
