-- Which tweet ids appear more than once in a day?
-- parameters: version text
select dt, tweet_id, count(*) as copies
from tweets_candidates
where run = ? /* version */
group by dt, tweet_id
having count(*) > 1
order by dt, tweet_id
