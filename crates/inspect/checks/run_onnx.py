"""Runs exported models in onnxruntime and compares with what PyTorch said.

run_onnx.py ORACLE.jsonl OUT [--keep]: reads the JSON lines of the example `corpus` from standard input as they come, checks
OUT/NAME.onnx with onnx.checker, runs it on the oracle's input, and deletes it. Needs numpy, onnx and onnxruntime.
"""
import collections, json, os, sys
import numpy as np


def u(t, i):
    h = (i.astype(np.uint64) + np.uint64(0x9E3779B9) * np.uint64(t + 1)).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x7FEB352D)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x846CA68B)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) * np.float32(2**-23) - np.float32(1)


def images(size):
    i = np.arange(2 * 3 * size * size, dtype=np.uint64)
    ramp = np.abs(((i // 16) % 128).astype(np.float32) - np.float32(64)) / np.float32(32) - np.float32(1)
    x = np.float32(0.5) * u(1000000, i) + np.float32(0.5) * ramp
    return x.reshape(2, 3, size, size)


def judge(logits, record, tally):
    """Counts logits that agree with the record, or that are random; says why others do not."""
    want = np.array(record["logits"], np.float32)
    limit = (1e-4 + 100 * record["pert"]) * np.abs(want).max()
    off = float(np.abs(logits.astype(np.float32) - want).max())
    if record["reseed"] > 0:
        tally["random"] += 1
    elif off <= limit:
        tally["equal"] += 1
    else:
        return f"off by {off:.3g}, allowed {limit:.3g}"
    return None


def report(tally):
    total = collections.Counter()
    for family, t in sorted(tally.items()):
        print(family, dict(t))
        total.update(t)
    print("all", dict(total))


def main():
    import onnx
    import onnxruntime as ort

    oracle = {}
    for line in open(sys.argv[1]):
        r = json.loads(line)
        oracle[r["name"]] = r
    out, keep = sys.argv[2], "--keep" in sys.argv
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    tally = collections.defaultdict(collections.Counter)
    for line in sys.stdin:
        r = json.loads(line)
        ref = oracle[r["name"]]
        why = None
        path = os.path.join(out, r["name"] + ".onnx")
        t = tally[r["family"]]
        t["files"] += 1
        if not r["typed"]:
            continue
        t["typed"] += 1
        for key in ("text", "source"):
            t[key] += bool(r.get(key))
        if r.get("onnx"):
            try:
                onnx.checker.check_model(path)
                session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                logits = session.run(["logits"], {"input": images(ref["in_size"])})[0]
                why = judge(logits, ref, t)
            except Exception as e:
                why = f"{type(e).__name__}: {e}"[:300]
            if not keep:
                os.remove(path)
        else:
            why = r.get("onnx_why")
        if why:
            print("onnx", r["name"], why, flush=True)
        if not r.get("source"):
            print("source", r["name"], r.get("source_why"), flush=True)
    report(tally)


if __name__ == "__main__":
    main()
