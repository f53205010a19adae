"""One rollout and its updates in TRL's GRPOTrainer, on the task and checkpoint of `./grpo4j train`.

Prints the median seconds of a rollout with its two updates. See README.md for how to run it.
"""

import argparse
import json
import statistics
import time

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

CALL_START, CALL_END = "<tool_call>\n", "\n</tool_call>"


def parse_call(text):
    """The call of a completion as a JSON value, None where it can't be read."""
    if CALL_START not in text or CALL_END not in text:
        return None
    try:
        return json.loads(text.split(CALL_START)[1].split(CALL_END)[0])
    except json.JSONDecodeError:
        return None


def toolrl_reward(completions, answer, **_):
    """ToolRL's rule for one call: format in [0, 1] plus correctness in [-3, 3]."""
    rewards = []
    for message, gold in zip(completions, answer):
        text = message[0]["content"].strip() if isinstance(message, list) else message.strip()
        want, got = parse_call(gold), parse_call(text)
        ordered = text.startswith("<think>") and "</think>\n<tool_call>\n" in text
        score = 1.0 if ordered and text.endswith(CALL_END) else 0.0
        if not isinstance(got, dict) or not isinstance(got.get("parameters"), dict):
            rewards.append(score - 3.0)
            continue
        names = float(got.get("name") == want["name"])
        keys = set(want["parameters"]) | set(got["parameters"])
        shared = set(want["parameters"]) & set(got["parameters"])
        values = sum(want["parameters"][k] == got["parameters"][k] for k in shared)
        points = names + names * (len(shared) / len(keys) + values)
        rewards.append(score + 6.0 * points / (2 + len(want["parameters"])) - 3.0)
    return rewards


class StepTimes(TrainerCallback):
    """Seconds from the start of a rollout to the end of the last update that uses it."""

    def __init__(self, updates):
        self.updates, self.seconds, self.began = updates, [], 0.0

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step % self.updates == 0:
            self.began = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step % self.updates == 0:
            self.seconds.append(time.perf_counter() - self.began)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="folder of the embedded checkpoint")
    p.add_argument("--prompts", required=True, help="train.jsonl of ./grpo4j embedded")
    p.add_argument("--rollouts", type=int, default=30)
    p.add_argument("--skip", type=int, default=5, help="rollouts that count as warm-up")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--prompts-per-rollout", type=int, default=16)
    p.add_argument("--output", default="trl-step", help="folder for TRL's own files")
    a = p.parse_args()
    torch.set_num_threads(a.threads)

    with open(a.prompts) as f:
        rows = [json.loads(line) for line in f]
    data = Dataset.from_list([{"prompt": r["prompt"], "answer": r["completion"]} for r in rows])
    tokenizer = AutoTokenizer.from_pretrained(a.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    group, updates = 8, 2
    config = GRPOConfig(
        output_dir=a.output, use_cpu=True, bf16=False, fp16=False, report_to=[], seed=1,
        # As train-embedded.yaml: one pass over each rollout, an update on each half.
        per_device_train_batch_size=a.prompts_per_rollout * group // updates,
        num_generations=group, gradient_accumulation_steps=1, steps_per_generation=updates,
        num_iterations=1,
        max_steps=a.rollouts * updates, max_completion_length=48, temperature=1.0,
        beta=0.0, loss_type="dapo", epsilon=0.2, epsilon_high=0.28, scale_rewards="group",
        learning_rate=3e-4, lr_scheduler_type="constant_with_warmup", warmup_steps=5,
        adam_beta1=0.9, adam_beta2=0.95, weight_decay=0.0, max_grad_norm=1.0,
        gradient_checkpointing=False, save_strategy="no", logging_steps=10, disable_tqdm=True,
    )
    times = StepTimes(updates)
    trainer = GRPOTrainer(
        model=model, reward_funcs=toolrl_reward, args=config, train_dataset=data,
        processing_class=tokenizer, callbacks=[times],
    )
    trainer.train()
    measured = times.seconds[a.skip:]
    log = [h for h in trainer.state.log_history if "reward" in h]
    print(json.dumps({
        "median_seconds_per_rollout": round(statistics.median(measured), 4),
        "mean_seconds_per_rollout": round(statistics.mean(measured), 4),
        "min_seconds_per_rollout": round(min(measured), 4),
        "rollouts_measured": len(measured),
        "threads": torch.get_num_threads(),
        "mean_completion_tokens": log[-1]["completions/mean_length"] if log else None,
        "reward_first_last": [log[0]["reward"], log[-1]["reward"]] if log else None,
        "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
