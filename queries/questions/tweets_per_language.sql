-- How many tweets of each language does each day hold, and does the model read them?
-- A tweet whose language nobody said shows without one, and is read.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
select
  dt,
  lang as language,
  lang is null or contains(split(? /* languages */, ','), lang) as read_by_model,
  count(*) as tweets
from tweets
where dt between ? /* from_day */ and ? /* to_day */
group by dt, lang
order by dt, count(*) desc, lang
