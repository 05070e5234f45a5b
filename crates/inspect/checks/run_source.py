"""Runs canonical sources in PyTorch and compares with what it said of the originals.

run_source.py ORACLE.jsonl OUT [STEP]: for each record of the oracle (every STEP-th) whose OUT/NAME.py exists, builds the
network, checks names and shapes of its state_dict, fills its state by the oracle's formula, and compares the logits. The
files are our own output for networks of the oracle; run it where running them is acceptable. Needs numpy and torch.
"""
import collections, json, os, sys
import numpy as np
import torch
from run_onnx import images, judge, report, u


def fill(t, kind, tensor):
    n = tensor.numel()
    v = u(t, np.arange(n, dtype=np.uint64))
    f = np.float32
    if kind == "w":
        fan = n // tensor.shape[0]
        v = f(min(1.0, np.sqrt(6.0 / fan))) * v
    elif kind in ("one", "rvar"):
        v = f(1) + f(0.25) * v
    elif kind in ("zero", "rmean"):
        v = f(0.1) * v
    elif kind == "scal":
        v = f(0.5) + f(0.25) * v
    else:
        return
    tensor.copy_(torch.from_numpy(v.reshape(tuple(tensor.shape))))


def main():
    torch.set_num_threads(1)
    oracle, out = sys.argv[1:3]
    step = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    tally = collections.defaultdict(collections.Counter)
    for k, line in enumerate(open(oracle)):
        r = json.loads(line)
        path = os.path.join(out, r["name"] + ".py")
        if k % step or not r["ok"] or not os.path.exists(path):
            continue
        t = tally[r["family"]]
        t["files"] += 1
        why = None
        try:
            scope = {}
            exec(compile(open(path).read(), path, "exec"), scope)
            net = scope["Net"]((1, 3, r["in_size"], r["in_size"]), (10,), r["prm"], "cpu").eval()
            with torch.no_grad():
                state = net.state_dict()
                have = [[n, list(v.shape)] for n, v in state.items()]
                if have != [s[:2] for s in r["state"]]:
                    why = "another state_dict"
                else:
                    for i, (name, _, kind) in enumerate(r["state"]):
                        fill(i, kind, state[name])
                    logits = net(torch.from_numpy(images(r["in_size"]))).float().numpy()
                    why = judge(logits, r, t)
        except Exception as e:
            why = f"{type(e).__name__}: {e}"[:300]
        if why:
            print(r["name"], why, flush=True)
    report(tally)


if __name__ == "__main__":
    main()
