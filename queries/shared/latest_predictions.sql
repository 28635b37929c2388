-- The newest prediction of each tweet, by whichever model. A tweet never changes its day.
  select tweet_id, label, negative, neutral, positive, model_version
  from (
    select
      tweet_id,
      label,
      negative,
      neutral,
      positive,
      model_version,
      row_number() over (partition by tweet_id order by scored_at desc, model_version desc) as newest
    from scored
    where dt between ? /* from_day */ and ? /* to_day */
  ) as ranked
  where newest = 1
