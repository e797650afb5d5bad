# Stands in for torch, a model and a GPU: a forward pass takes the time that
# the request's plan says, and other requests hold the GPU for a time before.
import asyncio
import contextlib
import time

MODEL_VERSION = "2.1.0"
InferenceResult = dict
gpu_semaphore = asyncio.Semaphore(1)


class Tensor:
    def __init__(self, values: list, forward_ms: float) -> None:
        self.values, self.forward_ms = values, forward_ms

    def cuda(self) -> "Tensor":
        return self


class InferenceBatch:
    def __init__(self, batch: dict, forward_ms: float) -> None:
        self.size, self.max_seq_len = batch["size"], batch["max_seq_len"]
        self.input_ids = Tensor(batch["input_ids"], forward_ms)
        self.attention_mask = Tensor(batch["attention_mask"], forward_ms)


class _Cuda:
    def current_device(self) -> int: return 0
    def memory_allocated(self) -> int: return 5_200_000_000
    def memory_reserved(self) -> int: return 8_000_000_000


class _Torch:
    cuda = _Cuda()
    no_grad = contextlib.nullcontext


torch = _Torch()


def model(input_ids: Tensor, attention_mask: Tensor) -> list:
    time.sleep(input_ids.forward_ms / 1000)  # blocks the event loop, as a forward pass does
    return input_ids.values


def decode_output(logits: list) -> InferenceResult:
    return {"output": len(logits)}


async def others_use_the_gpu(ms: float) -> None:
    """Returns once another request holds the GPU, which it does for so long."""
    if ms <= 0:
        return
    holds = asyncio.Event()

    async def hold() -> None:
        async with gpu_semaphore:
            holds.set()
            await asyncio.sleep(ms / 1000)

    others.add(task := asyncio.create_task(hold()))
    task.add_done_callback(others.discard)
    await holds.wait()


others: set = set()
