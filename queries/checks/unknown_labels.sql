-- Which rows carry a label, or a source of a label, that does not exist?
-- parameters: version text
select dt, tweet_id, label, label_source, lexicon_label
from tweets_candidates
where run = ? /* version */
  and (
    label is null
    or label not in ('negative', 'neutral', 'positive')
    or lexicon_label is null
    or lexicon_label not in ('negative', 'neutral', 'positive')
    or label_source is null
    or label_source not in ('human', 'lexicon')
  )
order by dt, tweet_id
