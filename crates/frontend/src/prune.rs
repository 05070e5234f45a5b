//! What of a trace is kept: the nodes that something needs. It changes no node, and what is kept keeps its order.

use archsmith_ir::{Arg, Body, Node, NodeId, StateTensor, ValueDef, ValueId};

/// Keeps the initial values that some state tensor needs.
pub(crate) fn prune(body: Body, state: &mut [StateTensor]) -> Body {
    let roots: Vec<ValueId> = state.iter().map(|s| s.init).collect();
    let (body, moved) = keep(body, &roots, false);
    for s in state {
        s.init = moved.of(s.init);
    }
    body
}

/// Drops nodes that the outputs do not need and that leave no trace: a batch norm in training updates its statistics, and
/// what PyTorch spends multiply-adds on counts, though its result is thrown away. `costly`: whether a node does that.
pub(crate) fn drop_dead(body: Body, costly: impl Fn(usize) -> bool) -> Body {
    let mut roots = body.outputs.clone();
    roots.extend(
        body.nodes.iter().enumerate().filter(|(k, n)| n.outputs > 0 && costly(*k)).map(|(_, n)| n.first_output),
    );
    let (mut body, moved) = keep(body, &roots, true);
    for o in &mut body.outputs {
        *o = moved.of(*o);
    }
    body
}

/// Where the values of a body went, by their old number; `None`: dropped.
struct Moved(Vec<Option<ValueId>>);

impl Moved {
    fn of(&self, v: ValueId) -> ValueId {
        self.0.get(v.index()).copied().flatten().unwrap_or(v)
    }
}

/// The body with the nodes that `roots` need, renumbered; inputs stay. `effects`: nodes that update state stay too.
fn keep(body: Body, roots: &[ValueId], effects: bool) -> (Body, Moved) {
    let mut needed = vec![false; body.values.len()];
    let mut pending: Vec<ValueId> = roots.to_vec();
    let mut live = vec![false; body.nodes.len()];
    if effects {
        for (k, n) in body.nodes.iter().enumerate() {
            if n.op.get().name == "batch_norm" {
                live[k] = true;
                pending.extend(n.inputs());
            }
        }
    }
    while let Some(v) = pending.pop() {
        let Some(need) = needed.get_mut(v.index()) else { continue };
        if std::mem::replace(need, true) {
            continue;
        }
        if let Some(ValueDef::Node { node, .. }) = body.values.get(v.index())
            && !live[node.index()]
        {
            live[node.index()] = true;
            pending.extend(body.nodes[node.index()].inputs());
        }
    }
    let mut out = Body { values: Vec::with_capacity(body.values.len()), nodes: Vec::new(), outputs: body.outputs };
    let mut moved = Moved(vec![None; body.values.len()]);
    // Nodes in order of their values; a node is taken with its first.
    let mut nodes: Vec<Option<Node>> = body.nodes.into_iter().map(Some).collect();
    let mut new_node: Vec<u32> = vec![0; nodes.len()];
    for (k, def) in body.values.iter().enumerate() {
        let def = match def {
            ValueDef::Input(n) => ValueDef::Input(*n),
            ValueDef::State(id) if needed[k] => ValueDef::State(*id),
            ValueDef::State(_) => continue,
            ValueDef::Node { node, output } => {
                if !live[node.index()] {
                    continue;
                }
                if let Some(mut n) = nodes[node.index()].take() {
                    for a in &mut n.args {
                        match a {
                            Arg::Tensor(v) => *v = moved.of(*v),
                            Arg::Tensors(vs) => vs.iter_mut().for_each(|v| *v = moved.of(*v)),
                            Arg::Attr(_) => {}
                        }
                    }
                    n.first_output = ValueId(out.values.len() as u32);
                    new_node[node.index()] = out.nodes.len() as u32;
                    out.nodes.push(n);
                }
                ValueDef::Node { node: NodeId(new_node[node.index()]), output: *output }
            }
        };
        moved.0[k] = Some(ValueId(out.values.len() as u32));
        out.values.push(def);
    }
    (out, moved)
}
