"""Reads the text of a tweet: where a link, a mention or a hashtag ends, which texts have the same
key, and the lexicon's score.

The Spark job and the training job share this package, so it imports only the standard library and
VADER. The rules are in rules.json, which workflows/text-links.ts and workflows/text-key.ts also
read.
"""
