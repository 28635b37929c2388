-- The tweets of the new days and of the days that they are compared with.
  select
    'new' as period,
    tweet_id,
    lang,
    tokens,
    label,
    label_source,
    lexicon_label
  from tweets
  where dt between ? /* from_day */ and ? /* to_day */
  union all
  select
    'reference' as period,
    tweet_id,
    lang,
    tokens,
    label,
    label_source,
    lexicon_label
  from tweets
  where dt between ? /* reference_from */ and ? /* reference_to */
