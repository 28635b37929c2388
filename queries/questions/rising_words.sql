-- Which words are in more of the newest tweets than of earlier ones?
-- Languages that the model does not read are left out. Words are those of the cleaned text: no mention, no hashtag.
-- parameters: from_day day = today-2, to_day day = today, reference_from day = today-30, reference_to day = today-3, languages text = en, top count = 20
with periods as (
  -- include: two_periods
),
compared as (
  select period, tokens
  from periods
  where
    -- include: read_by_model
),
totals as (
  select
    count_if(period = 'new') as all_new,
    count_if(period = 'reference') as all_reference
  from compared
),
counted as (
  select
    found.word,
    count_if(compared.period = 'new') as new_tweets,
    count_if(compared.period = 'reference') as reference_tweets
  from compared
  -- A tweet counts once for each of its words.
  cross join unnest(array_distinct(compared.tokens)) as found(word)
  group by found.word
),
shares as (
  select
    counted.word,
    counted.new_tweets,
    counted.reference_tweets,
    cast(counted.new_tweets as double) / totals.all_new as new_share,
    cast(counted.reference_tweets as double) / totals.all_reference as reference_share
  from counted
  cross join totals
  where totals.all_new > 0
    and totals.all_reference > 0
),
ranked as (
  select
    word,
    new_tweets,
    reference_tweets,
    new_share,
    reference_share,
    row_number() over (order by new_share - reference_share desc, word) as place
  from shares
  where new_share > reference_share
)
select
  word,
  new_tweets,
  reference_tweets,
  round(new_share, 4) as new_share,
  round(reference_share, 4) as reference_share
from ranked
where place <= ? /* top */
order by place
