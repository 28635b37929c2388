-- How many tweets of each language does each day hold, and does the model read them?
-- A tweet whose language nobody said shows without one, and is read.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
with per_language as (
  select dt, lang, count(*) as tweets
  from tweets
  where dt between ? /* from_day */ and ? /* to_day */
  group by dt, lang
),
read_languages as (
  select distinct lang
  from per_language
  where
    -- include: read_by_model
)
select
  per_language.dt,
  per_language.lang as language,
  per_language.lang is null or read_languages.lang is not null as read_by_model,
  per_language.tweets
from per_language
left join read_languages on read_languages.lang = per_language.lang
order by per_language.dt, per_language.tweets desc, per_language.lang
