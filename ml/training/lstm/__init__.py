"""The sentiment LSTM: data, tokenizer, network, evaluation, archive. `train.py` tells the story."""

import os

# Read once, when torch is loaded: its exporter warns on stderr about packed sequences, each time.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
