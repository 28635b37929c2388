"""The sentiment LSTM: data, tokenizer, network, training, archive. Start reading at `train.py`."""

import os

# Torch reads this once, when loaded. Its exporter would warn about packed sequences at each export.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
