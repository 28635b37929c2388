-- Whether the model reads a tweet's language. An unknown one is taken for one of the model's.
  lang is null or contains(split(? /* languages */, ','), lang)
