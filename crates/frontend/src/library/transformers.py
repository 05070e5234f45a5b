# transformers: what networks built from its parts take from it; models and tokenizers are not here.


class PretrainedConfig:
    model_type = ''

    def __init__(self, **kwargs):
        defaults = {
            'return_dict': True, 'output_hidden_states': False, 'output_attentions': False, 'torchscript': False,
            'use_bfloat16': False, 'pruned_heads': {}, 'tie_word_embeddings': True, 'is_encoder_decoder': False,
            'is_decoder': False, 'cross_attention_hidden_size': None, 'add_cross_attention': False,
            'chunk_size_feed_forward': 0, 'architectures': None, 'finetuning_task': None, 'num_labels': 2,
            'bos_token_id': None, 'pad_token_id': None, 'eos_token_id': None, 'sep_token_id': None,
            'decoder_start_token_id': None, 'problem_type': None, '_attn_implementation': 'eager',
            'torch_dtype': None, 'dtype': None, 'name_or_path': '',
        }
        for name, value in {**defaults, **kwargs}.items():
            setattr(self, name, value)

    use_return_dict = property(lambda self: self.return_dict and not self.torchscript)

    @classmethod
    def from_pretrained(cls, *args, **kwargs):
        _unsupported('unsupported-pretrained', 'a configuration that is not part of the source')

    def to_dict(self):
        return dict(self.__dict__)


PreTrainedConfig = PretrainedConfig


class _Act(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, input):
        return self.function(input)


class _Activations:
    def __init__(self):
        self.table = {
            'gelu': nn.GELU, 'relu': nn.ReLU, 'silu': nn.SiLU, 'swish': nn.SiLU, 'tanh': nn.Tanh,
            'sigmoid': nn.Sigmoid, 'mish': nn.Mish, 'relu6': nn.ReLU6, 'leaky_relu': nn.LeakyReLU,
            'linear': nn.Identity, 'gelu_pytorch_tanh': lambda: nn.GELU(approximate='tanh'),
            'gelu_new': lambda: nn.GELU(approximate='tanh'), 'gelu_fast': lambda: nn.GELU(approximate='tanh'),
            'quick_gelu': lambda: _Act(lambda x: x * torch.sigmoid(1.702 * x)),
            'relu2': lambda: _Act(lambda x: torch.square(F.relu(x))),
        }

    def __getitem__(self, name):
        return self.table[name]()

    def __contains__(self, name):
        return name in self.table

    def keys(self):
        return self.table.keys()


ACT2FN = _Activations()


def get_activation(name):
    return ACT2FN[name]
