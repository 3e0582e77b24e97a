"""LSTM, GRU and simple RNN over whole sequences, with back-propagation through time by hand.

Each runs in three parts: one matrix product projects all inputs before the loop, the loop carries
the state, and on the way back one matrix product gives each weight's gradient after the loop. The
forward keeps what the rule needs (gates, states) as further outputs; they have cotangents of their
own, so that the rule can be differentiated again.

Both loops stand here step by step. Where the engine has kernels for them that serve, those run
instead: the same lines in C++ (``engine/kernels/recurrence.cc``).

Symbols: N sequences, T steps, D features, H units. Inside, arrays are time-major, (T, N, ...).
Where a mask (N, T) is False the state stays as it is, and the output repeats it. Sequences that
run backwards are flipped by the caller.

Sources: Hochreiter and Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers,
Schmidhuber and Cummins (2000); Cho et al., arXiv:1406.1078; Elman, Cognitive Science 14 (1990).
"""

from etude.ops.recurrence.gru import gru
from etude.ops.recurrence.lstm import lstm
from etude.ops.recurrence.simple_rnn import simple_rnn

__all__ = ["gru", "lstm", "simple_rnn"]
