-- Which tweets were posted in the future, or on another day than the one they are filed under?
-- Ten minutes of grace: X's clock and Athena's are two clocks.
-- parameters: version text
select dt, tweet_id, created_at
from tweets_candidates
where run = ? /* version */
  and (
    created_at > cast(current_timestamp at time zone 'UTC' as timestamp) + interval '10' minute
    or date_format(created_at, '%Y-%m-%d') <> dt
  )
order by dt, tweet_id
