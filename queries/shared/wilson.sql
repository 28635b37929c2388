-- Wilson's interval of a share at 95 % (1.96 standard errors), for small counts, too: Wilson 1927.
    round((negative + 1.9208e0) / (tweets + 3.8416e0)
      - 1.96e0 * sqrt(cast(negative * (tweets - negative) as double) / tweets + 0.9604e0) / (tweets + 3.8416e0), 4) as negative_low,
    round((negative + 1.9208e0) / (tweets + 3.8416e0)
      + 1.96e0 * sqrt(cast(negative * (tweets - negative) as double) / tweets + 0.9604e0) / (tweets + 3.8416e0), 4) as negative_high,
    round((positive + 1.9208e0) / (tweets + 3.8416e0)
      - 1.96e0 * sqrt(cast(positive * (tweets - positive) as double) / tweets + 0.9604e0) / (tweets + 3.8416e0), 4) as positive_low,
    round((positive + 1.9208e0) / (tweets + 3.8416e0)
      + 1.96e0 * sqrt(cast(positive * (tweets - positive) as double) / tweets + 0.9604e0) / (tweets + 3.8416e0), 4) as positive_high
