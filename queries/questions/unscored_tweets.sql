-- Which tweets of a day has a model version not judged yet?
-- parameters: day day = today, model_version text, language text = en
select tweets.tweet_id, tweets.text
from tweets
left join scored
  on scored.tweet_id = tweets.tweet_id
  and scored.dt = tweets.dt
  and scored.model_version = ? /* model_version */
where tweets.dt = ? /* day */
  and coalesce(tweets.lang, 'und') = ? /* language */
  and scored.tweet_id is null
order by tweets.tweet_id
