# torch.nn.utils.rnn: sequences of several lengths in one tensor.


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side='right'):
    sequences = list(sequences)
    longest = max([s.shape[0] for s in sequences])
    padded = []
    for s in sequences:
        missing = longest - s.shape[0]
        space = (0, missing) if padding_side == 'right' else (missing, 0)
        padded.append(F.pad(s, (0, 0) * (s.ndim - 1) + space, value=padding_value))
    return torch.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    rows = padded_sequences.unbind(0 if batch_first else 1)
    return [row[:n] for row, n in zip(rows, lengths.tolist())]


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    _unsupported('unsupported', 'torch.nn.utils.rnn.pack_padded_sequence')


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    _unsupported('unsupported', 'torch.nn.utils.rnn.pad_packed_sequence')


def pack_sequence(sequences, enforce_sorted=True):
    _unsupported('unsupported', 'torch.nn.utils.rnn.pack_sequence')
