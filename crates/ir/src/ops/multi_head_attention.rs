//! Attention with projections in several heads, sequence first: (L, N, E) or (L, E). Gives the output and, where asked for, the
//! attention weights.

use super::scaled_dot_product_attention;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, PadMode, Prim, ReduceOp};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "multi_head_attention",
    summary: "attention in several heads",
    spellings: &[
        "torch.nn.functional.multi_head_attention_forward(query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor?, in_proj_bias: Tensor?, bias_k: Tensor?, bias_v: Tensor?, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Tensor?, training: bool = True, key_padding_mask: Tensor? = None, need_weights: bool = True, attn_mask: Tensor? = None, use_separate_proj_weight: bool = False, q_proj_weight: Tensor? = None, k_proj_weight: Tensor? = None, v_proj_weight: Tensor? = None, static_k: Tensor? = None, static_v: Tensor? = None, average_attn_weights: bool = True, is_causal: bool = False)",
    ],
    python: r#"
class MultiheadAttention(Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None, dtype=None):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f'embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead')
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f'embed_dim must be divisible by num_heads: {embed_dim} features, {num_heads} heads')
        if not self._qkv_same_embed_dim:
            self.q_proj_weight = Parameter(torch.empty((embed_dim, embed_dim)))
            self.k_proj_weight = Parameter(torch.empty((embed_dim, self.kdim)))
            self.v_proj_weight = Parameter(torch.empty((embed_dim, self.vdim)))
            self.register_parameter('in_proj_weight', None)
        else:
            self.in_proj_weight = Parameter(torch.empty((3 * embed_dim, embed_dim)))
            self.register_parameter('q_proj_weight', None)
            self.register_parameter('k_proj_weight', None)
            self.register_parameter('v_proj_weight', None)
        if bias:
            self.in_proj_bias = Parameter(torch.empty(3 * embed_dim))
        else:
            self.register_parameter('in_proj_bias', None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias)
        if add_bias_kv:
            self.bias_k = Parameter(torch.empty((1, 1, embed_dim)))
            self.bias_v = Parameter(torch.empty((1, 1, embed_dim)))
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            init.xavier_uniform_(self.q_proj_weight)
            init.xavier_uniform_(self.k_proj_weight)
            init.xavier_uniform_(self.v_proj_weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
        if self.bias_v is not None:
            init.xavier_normal_(self.bias_v)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False):
        if is_causal and attn_mask is None:
            raise RuntimeError('Need attn_mask if specifying the is_causal hint.')
        swap = self.batch_first and query.dim() == 3
        if swap:
            query, key, value = (x.transpose(1, 0) for x in (query, key, value))
        result = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
        )
        output = result[0].transpose(1, 0) if swap else result[0]
        return output, result[1] if need_weights else None


def _activation(activation):
    if activation == 'relu':
        return F.relu
    if activation == 'gelu':
        return F.gelu
    if isinstance(activation, str):
        raise RuntimeError(f'activation should be relu/gelu, not {activation}')
    return activation


def _clones(module, n):
    return ModuleList([copy.deepcopy(module) for _ in range(n)])


class TransformerEncoderLayer(Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation='relu', layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask))
        return self.norm2(x + self._ff_block(x))

    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        x = self.self_attn(x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False)[0]
        return self.dropout1(x)

    def _ff_block(self, x):
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout2(x)


class TransformerEncoder(Module):
    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
        if self.norm is not None:
            output = self.norm(output)
        return output


class TransformerDecoderLayer(Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation='relu', layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), tgt_mask, tgt_key_padding_mask)
            x = x + self._mha_block(self.norm2(x), memory, memory_mask, memory_key_padding_mask)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, tgt_mask, tgt_key_padding_mask))
        x = self.norm2(x + self._mha_block(x, memory, memory_mask, memory_key_padding_mask))
        return self.norm3(x + self._ff_block(x))

    def _sa_block(self, x, attn_mask, key_padding_mask):
        x = self.self_attn(x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False)[0]
        return self.dropout1(x)

    def _mha_block(self, x, mem, attn_mask, key_padding_mask):
        x = self.multihead_attn(x, mem, mem, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False)[0]
        return self.dropout2(x)

    def _ff_block(self, x):
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout3(x)


class TransformerDecoder(Module):
    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):
        output = tgt
        for layer in self.layers:
            output = layer(output, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask)
        if self.norm is not None:
            output = self.norm(output)
        return output


class Transformer(Module):
    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1, activation='relu', custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        options = dict(dim_feedforward=dim_feedforward, dropout=dropout, activation=activation, layer_norm_eps=layer_norm_eps, batch_first=batch_first, norm_first=norm_first, bias=bias)
        norm = lambda: LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.encoder = custom_encoder if custom_encoder is not None else TransformerEncoder(TransformerEncoderLayer(d_model, nhead, **options), num_encoder_layers, norm())
        self.decoder = custom_decoder if custom_decoder is not None else TransformerDecoder(TransformerDecoderLayer(d_model, nhead, **options), num_decoder_layers, norm())
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None, memory_is_causal=False):
        batched = src.dim() == 3
        if batched and src.size(0 if self.batch_first else 1) != tgt.size(0 if self.batch_first else 1):
            raise RuntimeError('the batch number of src and tgt must be equal')
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError(f'the feature number of src and tgt must be equal to d_model: {src.size(-1)} and {tgt.size(-1)}, d_model={self.d_model}')
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask)

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        return torch.triu(torch.full((sz, sz), float('-inf')), diagonal=1)
"#,
    returns: Returns::Tuple,
    emit,
    examples: &[
        Example {
            given: "x: f32[5, 2, 8]; w: f32[24, 8]; o: f32[8, 8]",
            code: "F.multi_head_attention_forward(x, x, x, 8, 2, w, None, None, None, False, 0.0, o, None)[0]",
            gives: "f32[5, 2, 8]",
        },
        Example {
            given: "x: f32[5, 2, 8]; w: f32[24, 8]; o: f32[8, 8]; b: f32[1, 1, 8]",
            code: "F.multi_head_attention_forward(x, x, x, 8, 2, w, None, b, b, True, 0.0, o, None)[1]",
            gives: "f32[2, 5, 7]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let inputs = [call.tensor("query")?, call.tensor("key")?, call.tensor("value")?];
    let batched = e.rank(inputs[0]) == 3;
    let mut sequences = Vec::with_capacity(3);
    for x in inputs {
        if e.rank(x) != e.rank(inputs[0]) || !matches!(e.rank(x), 2 | 3) {
            return Err(OpError::shape(format!(
                "query, key and value must all have 2 or all 3 dimensions, found {:?}",
                e.shape(x)
            )));
        }
        // (L, E) is one sample of (L, 1, E).
        sequences.push(if batched { x } else { shared::unsqueeze(e, x, 1)? });
    }
    let [length, batch, width] = e.shape(sequences[0])[..] else {
        return Err(OpError::shape("a query of three dimensions is expected"));
    };
    let (expected, heads) = (call.size("embed_dim_to_check")?, call.size("num_heads")?);
    if width != expected || heads == 0 || width % heads != 0 {
        return Err(OpError::shape(format!(
            "was expecting embedding dimension of {expected} divisible by {heads} heads, but got {width}"
        )));
    }
    if !call.is_none("static_k") || !call.is_none("static_v") {
        return Err(OpError::unsupported("multi-head attention with static keys or values"));
    }
    let source = e.shape(sequences[1])[0];
    if e.shape(sequences[2])[..2] != e.shape(sequences[1])[..2] || e.shape(sequences[1])[1] != batch {
        return Err(OpError::shape(format!(
            "key {:?} and value {:?} do not fit together",
            e.shape(sequences[1]),
            e.shape(sequences[2])
        )));
    }
    let head = width / heads;
    let mut projected = Vec::with_capacity(3);
    for (i, &x) in sequences.iter().enumerate() {
        let y = project(call, e, x, i, width)?;
        let y = further(call, e, y, i)?;
        let n = e.shape(y)[0];
        let y = e.reshape(y, &[n, batch, heads, head])?;
        projected.push(e.permute(y, &[1, 2, 0, 3])?);
    }
    let mut mask = additive_mask(call, e, [batch, heads, length, source])?;
    let added = e.shape(projected[1])[2] - source;
    if let Some(m) = mask
        && added > 0
    {
        // What was added is never hidden.
        let pads = vec![(0, 0), (0, 0), (0, 0), (0, added as i64)];
        mask = Some(e.apply(Prim::Pad { mode: PadMode::Constant(0.0), pads }, &[m])?);
    }
    let dropout = if call.bool("training")? { call.float("dropout_p")? } else { 0.0 };
    let scale = 1.0 / (head as f64).sqrt();
    let qkv = [projected[0], projected[1], projected[2]];
    let (y, weights) = scaled_dot_product_attention::attend(e, qkv, scale, mask, false, dropout)?;
    let y = e.permute(y, &[2, 0, 1, 3])?;
    let y = e.reshape(y, &[length, batch, width])?;
    let mut y = affine(e, y, call.tensor("out_proj_weight")?, call.opt_tensor("out_proj_bias")?)?;
    if !batched {
        let shape = [length, e.shape(y)[2]];
        y = e.reshape(y, &shape)?;
    }
    if !call.bool("need_weights")? {
        return Ok(vec![y]);
    }
    let mut weights = weights;
    if call.bool("average_attn_weights")? {
        weights = shared::reduce(e, weights, ReduceOp::Mean, &[1], false)?;
    }
    if !batched {
        let shape = e.shape(weights)[1..].to_vec();
        weights = e.reshape(weights, &shape)?;
    }
    Ok(vec![y, weights])
}

/// The projection of query (0), key (1) or value (2): a third of one matrix, or a matrix of its own.
fn project(call: &Call<'_>, e: &mut Emitter, x: V, which: usize, width: usize) -> Result<V, OpError> {
    let weight = if call.bool("use_separate_proj_weight")? {
        call.tensor(["q_proj_weight", "k_proj_weight", "v_proj_weight"][which])?
    } else {
        let all = call.tensor("in_proj_weight")?;
        if e.shape(all) != [3 * width, width] {
            return Err(OpError::shape(format!(
                "in_proj_weight must be [{}, {width}], found {:?}",
                3 * width,
                e.shape(all)
            )));
        }
        shared::narrow(e, all, 0, which * width, (which + 1) * width)?
    };
    let bias = match call.opt_tensor("in_proj_bias")? {
        Some(all) if e.shape(all) == [3 * width] => {
            Some(shared::narrow(e, all, 0, which * width, (which + 1) * width)?)
        }
        Some(all) => {
            return Err(OpError::shape(format!("in_proj_bias must be [{}], found {:?}", 3 * width, e.shape(all))));
        }
        None => None,
    };
    affine(e, x, weight, bias)
}

/// The projected keys (1) or values (2) with what is attended to beside them: a learned row, a row of zeros.
fn further(call: &Call<'_>, e: &mut Emitter, y: V, which: usize) -> Result<V, OpError> {
    if which == 0 {
        return Ok(y);
    }
    let row = [&[1], &e.shape(y)[1..]].concat();
    let mut rows = vec![y];
    if let Some(bias) = call.opt_tensor(["", "bias_k", "bias_v"][which])? {
        rows.push(e.expand(bias, &row)?);
    }
    if call.bool("add_zero_attn")? {
        rows.push(e.full(TensorType::new(e.dtype(y), row), 0.0)?);
    }
    if rows.len() == 1 { Ok(y) } else { e.apply(Prim::Concat { dim: 0 }, &rows) }
}

fn affine(e: &mut Emitter, x: V, weight: V, bias: Option<V>) -> Result<V, OpError> {
    let weight = shared::swap(e, weight, 0, 1)?;
    let y = shared::matmul(e, x, weight)?;
    bias.map_or(Ok(y), |b| e.binary(BinaryOp::Add, y, b))
}

/// Both masks as one that is added to the scores, broadcastable to `[batch, heads, length, source]`. A true element of a mask
/// hides; a float mask is added as it is.
fn additive_mask(
    call: &Call<'_>,
    e: &mut Emitter,
    [batch, heads, length, source]: [usize; 4],
) -> Result<Option<V>, OpError> {
    let mut sum: Option<V> = None;
    for name in ["attn_mask", "key_padding_mask"] {
        let Some(mask) = call.opt_tensor(name)? else { continue };
        let shape = match (name, e.shape(mask)) {
            ("attn_mask", s) if s == [length, source] => vec![1, 1, length, source],
            ("attn_mask", s) if s == [batch * heads, length, source] => vec![batch, heads, length, source],
            ("key_padding_mask", s) if s == [batch, source] => vec![batch, 1, 1, source],
            ("key_padding_mask", s) if batch == 1 && s == [source] => vec![1, 1, 1, source],
            (_, s) => {
                return Err(OpError::shape(format!(
                    "the shape {s:?} of {name} does not fit {batch} samples, {heads} heads, {length} targets and {source} sources"
                )));
            }
        };
        let mask = e.reshape(mask, &shape)?;
        let mask = if e.dtype(mask) == DType::Bool {
            let hidden = e.full(TensorType::f32([]), f64::NEG_INFINITY)?;
            let shown = e.full(TensorType::f32([]), 0.0)?;
            e.apply(Prim::Where, &[mask, hidden, shown])?
        } else {
            mask
        };
        sum = Some(match sum {
            Some(s) => e.binary(BinaryOp::Add, s, mask)?,
            None => mask,
        });
    }
    Ok(sum)
}
