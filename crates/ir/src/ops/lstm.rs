//! Long short-term memory over a sequence, in layers and directions. Its Python holds all recurrent classes.

use super::recurrent::{self, Cell};
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "lstm",
    summary: "long short-term memory",
    spellings: &[
        "torch.lstm(input: Tensor, hx: Tensor[], params: Tensor[], has_biases: bool, num_layers: int, dropout: float, training: bool, bidirectional: bool, batch_first: bool)",
    ],
    python: r#"
class RNNBase(Module):
    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__()
        if dropout < 0 or dropout > 1:
            raise ValueError('dropout should be a number in range [0, 1] representing the probability of an element being zeroed')
        if hidden_size <= 0:
            raise ValueError('hidden_size must be greater than zero')
        if num_layers <= 0:
            raise ValueError('num_layers must be greater than zero')
        if proj_size < 0:
            raise ValueError('proj_size should be a positive integer or zero to disable projections')
        if proj_size >= hidden_size:
            raise ValueError('proj_size has to be smaller than hidden_size')
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gates = {'LSTM': 4, 'GRU': 3}.get(mode, 1) * hidden_size
        state = proj_size or hidden_size
        self._flat_weights_names = []
        for layer in range(num_layers):
            for suffix in ('', '_reverse') if bidirectional else ('',):
                features = input_size if layer == 0 else state * (2 if bidirectional else 1)
                shapes = [('weight_ih', (gates, features)), ('weight_hh', (gates, state))]
                if bias:
                    shapes += [('bias_ih', (gates,)), ('bias_hh', (gates,))]
                if proj_size:
                    shapes.append(('weight_hr', (proj_size, hidden_size)))
                for name, shape in shapes:
                    full_name = f'{name}_l{layer}{suffix}'
                    setattr(self, full_name, Parameter(torch.empty(shape)))
                    self._flat_weights_names.append(full_name)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -stdv, stdv)

    def flatten_parameters(self):
        pass

    @property
    def _flat_weights(self):
        return [getattr(self, name) for name in self._flat_weights_names]

    def _settings(self):
        return self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional, self.batch_first

    def _zero_state(self, input, size=0):
        batch = input.size(0 if self.batch_first else 1)
        layers = self.num_layers * (2 if self.bidirectional else 1)
        return torch.zeros(layers, batch, size or self.hidden_size, dtype=input.dtype)

    def _check(self, input):
        if input.dim() not in (2, 3):
            raise ValueError(f'{self.mode}: Expected input to be 2D or 3D, got {input.dim()}D instead')
        if input.size(-1) != self.input_size:
            raise RuntimeError(f'input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}')


class RNN(RNNBase):
    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None):
        if nonlinearity not in ('tanh', 'relu'):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__('RNN_TANH' if nonlinearity == 'tanh' else 'RNN_RELU', input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)

    def forward(self, input, hx=None):
        self._check(input)
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            hx = self._zero_state(input)
        elif not batched:
            hx = hx.unsqueeze(1)
        function = torch.rnn_tanh if self.mode == 'RNN_TANH' else torch.rnn_relu
        output, hidden = function(input, hx, *self._settings())
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), hidden.squeeze(1)
        return output, hidden


class GRU(RNNBase):
    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None):
        super().__init__('GRU', input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)

    def forward(self, input, hx=None):
        self._check(input)
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            hx = self._zero_state(input)
        elif not batched:
            hx = hx.unsqueeze(1)
        output, hidden = torch.gru(input, hx, *self._settings())
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), hidden.squeeze(1)
        return output, hidden


class LSTM(RNNBase):
    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__('LSTM', input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size)

    def forward(self, input, hx=None):
        self._check(input)
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            hx = (self._zero_state(input, self.proj_size), self._zero_state(input))
        elif not batched:
            hx = (hx[0].unsqueeze(1), hx[1].unsqueeze(1))
        output, hidden, memory = torch.lstm(input, hx, *self._settings())
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), (hidden.squeeze(1), memory.squeeze(1))
        return output, (hidden, memory)


class RNNCellBase(Module):
    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.weight_ih = Parameter(torch.empty((num_chunks * hidden_size, input_size)))
        self.weight_hh = Parameter(torch.empty((num_chunks * hidden_size, hidden_size)))
        if bias:
            self.bias_ih = Parameter(torch.empty(num_chunks * hidden_size))
            self.bias_hh = Parameter(torch.empty(num_chunks * hidden_size))
        else:
            self.register_parameter('bias_ih', None)
            self.register_parameter('bias_hh', None)
        stdv = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -stdv, stdv)

    def _step(self, function, input, hx):
        # One step of a sequence of one.
        weights = [self.weight_ih, self.weight_hh] + ([self.bias_ih, self.bias_hh] if self.bias else [])
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            zeros = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype)
            hx = (zeros, zeros) if function is torch.lstm else zeros
        elif not batched:
            hx = tuple(h.unsqueeze(0) for h in hx) if isinstance(hx, (tuple, list)) else hx.unsqueeze(0)
        state = [h.unsqueeze(0) for h in hx] if isinstance(hx, (tuple, list)) else hx.unsqueeze(0)
        result = function(input.unsqueeze(0), state, weights, self.bias, 1, 0.0, self.training, False, False)
        final = [h.squeeze(0) for h in result[1:]]
        return final if batched else [h.squeeze(0) for h in final]


class RNNCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, nonlinearity='tanh', device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        return self._step(torch.rnn_tanh if self.nonlinearity == 'tanh' else torch.rnn_relu, input, hx)[0]


class GRUCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3)

    def forward(self, input, hx=None):
        return self._step(torch.gru, input, hx)[0]


class LSTMCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4)

    def forward(self, input, hx=None):
        hidden, memory = self._step(torch.lstm, input, hx)
        return hidden, memory
"#,
    returns: Returns::Tuple,
    emit: |call, e| recurrent::run(call, e, Cell::Lstm),
    examples: &[Example {
        given: "x: f32[5, 2, 3]; h: f32[1, 2, 4]; w: f32[16, 3]; u: f32[16, 4]",
        code: "torch.lstm(x, [h, h], [w, u], False, 1, 0.0, False, False, False)[0]",
        gives: "f32[5, 2, 4]",
    }, Example {
        given: "x: f32[5, 2, 3]; h: f32[1, 2, 2]; c: f32[1, 2, 4]; w: f32[16, 3]; u: f32[16, 2]; r: f32[2, 4]",
        code: "torch.lstm(x, [h, c], [w, u, r], False, 1, 0.0, False, False, False)[0]",
        gives: "f32[5, 2, 2]",
    }],
    tolerance: 1e-5,
};
