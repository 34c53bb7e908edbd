"""Packed embeddings (N, E) -> one feature vector per text (B, 2H)."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.model.recurrence import ExactLSTM, RecurrencePath


class BiLSTMEncoder(nn.Module):
    """A bidirectional LSTM whose feature is [h_forward ; h_backward] of its last layer.

    h_forward is the forward state after a text's last real token, h_backward the backward state after its first, so
    both have read the whole text and neither has seen padding. Recurrent weights start orthogonal (Saxe et al. 2014)
    and forget gates open, with a bias of 1 (Jozefowicz et al. 2015).

    Args:
        embedding_dim: E.
        hidden_size: H, per direction.
        num_layers: L.
        dropout: Between layers.
        recurrence: Which way `ExactLSTM` computes.
    """

    def __init__(
        self,
        embedding_dim: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        recurrence: RecurrencePath = "auto",
    ) -> None:
        super().__init__()
        self.lstm = ExactLSTM(embedding_dim, hidden_size, num_layers, dropout, path=recurrence)
        self.output_size = 2 * hidden_size
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh weights."""
        hidden = self.lstm.hidden_size
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            elif name.startswith("weight_hh"):
                for gate in parameter.detach().view(4, hidden, hidden):  # input, forget, cell, output
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih"):
                    nn.init.ones_(parameter.detach()[hidden : 2 * hidden])

    def forward(self, embedded: PackedSequence) -> Tensor:
        """Return (B, 2H) for `embedded`, whose data is (N, E)."""
        _, h_n = self.lstm(embedded)  # (L*2, B, H)
        return torch.cat([h_n[-2], h_n[-1]], dim=1)  # (B, 2H)
