-- How many tweets does each day hold, and who labelled them?
-- parameters: from_day day = today-7, to_day day = today
select
  dt,
  count(*) as tweets,
  count_if(label_source = 'human') as human_labels,
  count_if(label_source = 'lexicon') as lexicon_labels,
  count(distinct author_id) as authors
from tweets
where dt between ? /* from_day */ and ? /* to_day */
group by dt
order by dt
