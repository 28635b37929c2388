"""The sentiment LSTM: data, tokenizer, network, evaluation and archive. `train.py` tells the story."""
