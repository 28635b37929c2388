-- The sentiment of each tweet in a language that the model reads: the newest prediction, else the label in the lake.
  select
    tweets.dt,
    tweets.author_id,
    tweets.author_username,
    coalesce(latest_predictions.label, tweets.label) as sentiment,
    latest_predictions.label is not null as by_model
  from tweets
  left join latest_predictions on latest_predictions.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
    and (
      -- include: read_by_model
    )
