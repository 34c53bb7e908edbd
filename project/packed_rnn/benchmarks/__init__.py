"""How long a training step takes with torch.nn.LSTM and with this library."""
