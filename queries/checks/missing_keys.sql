-- Which rows lack what every row must have?
-- parameters: version text
select dt, tweet_id, author_id, created_at, text_hash
from tweets_candidates
where run = ? /* version */
  and (
    coalesce(trim(tweet_id), '') = ''
    or coalesce(trim(author_id), '') = ''
    or coalesce(trim(text_hash), '') = ''
    or created_at is null
    or text is null
    or clean_text is null
  )
order by dt, tweet_id
