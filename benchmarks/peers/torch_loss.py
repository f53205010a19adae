"""torch's chain for the same loss and gradient as the fused kernel, eager and compiled.

Per case: median milliseconds of log-prob, entropy, clipped loss with KL, and the gradient to the
logits. Compare with the JMH benchmark of the fused kernel at the same rows, vocabulary and threads.
"""

import argparse
import json
import statistics
import time

import torch


def loss(logits, targets, old, ref, advantages, weights):
    """GRPO with k3 KL (beta 0.04), clip 0.2/0.28; entropy is computed as the kernel does."""
    x = logits.float()
    log_probs = x.log_softmax(-1)
    chosen = log_probs.gather(-1, targets[:, None]).squeeze(-1)
    with torch.no_grad():
        entropy = -(log_probs.exp() * log_probs).sum(-1)
    ratio = (chosen - old).exp()
    unclipped, clipped = ratio * advantages, ratio.clamp(0.8, 1.28) * advantages
    difference = ref - chosen
    kl = difference.exp() - difference - 1
    return (weights * (-torch.minimum(unclipped, clipped) + 0.04 * kl)).sum(), entropy


def median_ms(function, logits, inputs, repeats):
    seconds = []
    for _ in range(repeats + 1):
        logits.grad = None
        began = time.perf_counter()
        value, _ = function(logits, *inputs)
        value.backward()
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds[1:])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rows", type=int, default=512)
    p.add_argument("--vocab", type=int, default=151936)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    p.add_argument("--no-compile", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    n = a.rows
    targets = torch.randint(a.vocab, (n,))
    noise = torch.randn(3, n)
    base = torch.full((n,), -11.0)
    inputs = (targets, base + 0.1 * noise[0], base + 0.1 * noise[1], noise[2], torch.full((n,), 1 / n))
    ways = {"eager": loss} if a.no_compile else {"eager": loss, "compile": torch.compile(loss)}
    for dtype in a.dtypes:
        logits = torch.randn(n, a.vocab).to(getattr(torch, dtype)).requires_grad_()
        for name, function in ways.items():
            print(json.dumps({
                "way": name, "dtype": dtype, "rows": n, "vocab": a.vocab, "threads": a.threads,
                "median_ms": round(median_ms(function, logits, inputs, a.repeats), 2),
                "torch": torch.__version__,
            }), flush=True)


if __name__ == "__main__":
    main()
