"""How the text of a tweet is read: where a link, a mention, a tag ends; which texts are one; what
the lexicon hears.

One reading for the Spark job and the training job, so only Python's own library and VADER are
imported here. The rules lie in rules.json; workflows/text-links.ts and workflows/text-key.ts read
the same file.
"""
