"""What other tools count: parameters and multiply-adds of networks by torchinfo, fvcore, thop and torch's own counter.

counts.py SIZE FILE.py...: prints a Markdown row a network. It executes the files: run it where that is acceptable. Needs torch,
torchinfo, fvcore and thop.
"""
import contextlib, copy, io, logging, os, sys, warnings
import torch
from torch.utils.flop_counter import FlopCounterMode

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def tried(f):
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
            return f"{int(f()):,}"
    except Exception as e:
        return f"fails ({type(e).__name__})"


def main():
    import fvcore.nn, thop, torchinfo

    size = int(sys.argv[1])
    print("| network | parameters: torch | torchinfo | fvcore | thop | MACs: torch | torchinfo | fvcore | thop |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for path in sys.argv[2:]:
        scope = {"__name__": "net"}
        exec(compile(open(path).read(), path, "exec"), scope)
        prm = {k: 0.5 for k in scope["supported_hyperparameters"]()} if "supported_hyperparameters" in scope else {}
        net = scope["Net"]((1, 3, size, size), (10,), prm | {"dropout": 0.2, "batch": 64}, "cpu").eval()
        x = torch.zeros(1, 3, size, size)

        def torch_macs():
            with FlopCounterMode(display=False) as counter:
                net(x)
            return counter.get_total_flops() // 2

        info = lambda: torchinfo.summary(copy.deepcopy(net), input_data=x, verbose=0)
        fv = lambda: fvcore.nn.FlopCountAnalysis(copy.deepcopy(net), x).unsupported_ops_warnings(False)
        row = [
            tried(lambda: sum(p.numel() for p in net.parameters())),
            tried(lambda: info().total_params),
            tried(lambda: sum(v for k, v in fvcore.nn.parameter_count(net).items() if k == "")),
            tried(lambda: thop.profile(copy.deepcopy(net), (x,), verbose=False)[1]),
            tried(torch_macs),
            tried(lambda: info().total_mult_adds),
            tried(lambda: fv().total()),
            tried(lambda: thop.profile(copy.deepcopy(net), (x,), verbose=False)[0]),
        ]
        print("|", os.path.basename(path).removesuffix(".py"), "|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
