-- The sentiment of each tweet in a language that the model reads, and who judged it: a person, else the model's newest
-- prediction, else the lexicon.
  select
    tweets.dt,
    tweets.tweet_id,
    tweets.query_name,
    tweets.text,
    tweets.tokens,
    tweets.hashtags,
    tweets.mentions,
    tweets.author_id,
    tweets.author_username,
    case
      when tweets.label_source = 'human' then tweets.label
      else coalesce(latest_predictions.label, tweets.label)
    end as sentiment,
    case
      when tweets.label_source = 'human' then 'people'
      when latest_predictions.label is not null then 'model'
      else 'lexicon'
    end as judged_by,
    coalesce(tweets.like_count, 0) as likes,
    coalesce(tweets.retweet_count, 0) + coalesce(tweets.quote_count, 0) as shares,
    coalesce(tweets.reply_count, 0) as replies
  from tweets
  left join latest_predictions on latest_predictions.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
    and (
      -- include: read_by_model
    )
