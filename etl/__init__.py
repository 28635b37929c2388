"""The Glue job that turns raw tweets into cleaned, tokenised, labelled days."""
