"""The same recording by other tools: loss and norms at every step, and histograms where the tool has them.

Each is imported only where it is installed (requirements-bench.txt).
"""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.recording import Took, clock
from core import Config, build


def _parts(config: Config) -> tuple:
    data = build.make_data(config)
    model = build.make_model(config, data)
    return data, model, build.make_loss(config, data), build.make_optimizer(config, model)


def tensorboard_scalars(config: Config, histograms: bool = False) -> Took:
    """SummaryWriter: the loss, and the norm of every weight and gradient, at every step."""
    from torch.utils.tensorboard import SummaryWriter

    begun = clock()
    data, model, loss_fn, optimizer = _parts(config)
    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        made = clock()
        for step in range(config.steps):
            optimizer.zero_grad()
            loss = loss_fn(model(data.inputs), data.targets)
            loss.backward()
            writer.add_scalar("loss", loss.item(), step)
            for name, parameter in model.named_parameters():
                for kind, values in (("weight", parameter.detach()), ("grad", parameter.grad)):
                    writer.add_scalar(f"{kind}/{name}", torch.linalg.vector_norm(values).item(), step)
                    if histograms:
                        writer.add_histogram(f"{kind}s/{name}", values, step)
            optimizer.step()
        writer.flush()
        return made - begun, clock() - made


def tensorboard_histograms(config: Config) -> Took:
    """The same, with a histogram of every weight and gradient."""
    return tensorboard_scalars(config, histograms=True)


def lightning_csv(config: Config) -> Took:
    """Lightning's Trainer and CSVLogger: the loss and the norm of every gradient, at every step."""
    import lightning
    from lightning.pytorch.loggers import CSVLogger

    begun = clock()
    data, model, loss_fn, optimizer = _parts(config)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: list, index: int) -> torch.Tensor:
            inputs, targets = batch
            loss = loss_fn(self.model(inputs), targets)
            self.log("loss", loss)
            return loss

        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            self.log_dict({n: torch.linalg.vector_norm(p.grad) for n, p in self.model.named_parameters()})

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer

    rows = torch.utils.data.TensorDataset(data.inputs, data.targets)
    batches = torch.utils.data.DataLoader(rows, batch_size=len(data.inputs))
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_steps=config.steps,
            max_epochs=-1,
            logger=CSVLogger(folder),
            log_every_n_steps=1,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        made = clock()
        trainer.fit(Module(), batches)
        return made - begun, clock() - made


def jax_stack(configs: Sequence[Config]) -> Took:
    """JAX's scan and vmap: losses, weights and gradients of every step of MLPs with BCEWithLogits.

    Compiling counts as making.
    """
    import jax
    from jax import numpy as jnp

    begun = clock()
    data, model, _, _ = _parts(configs[0])
    inputs, targets = jnp.asarray(data.inputs.numpy()), jnp.asarray(data.targets.numpy())
    start = [jnp.asarray(p.detach().numpy()) for p in model.parameters()]

    def loss(weights: Any) -> Any:
        *hidden, last = zip(weights[::2], weights[1::2], strict=True)
        values = inputs
        for weight, bias in hidden:
            values = jnp.tanh(values @ weight.T + bias)
        z = values @ last[0].T + last[1]
        return jnp.mean(jnp.maximum(z, 0) - z * targets + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def step(weights: Any, lr: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(weights)
        return [w - lr * g for w, g in zip(weights, grads, strict=True)], (value, weights, grads)

    def run(lr: Any) -> Any:
        return jax.lax.scan(lambda weights, _: step(weights, lr), start, None, configs[0].steps)[1]

    rates = jnp.asarray([config.lr for config in configs])
    compiled = jax.jit(jax.vmap(run)).lower(rates).compile()
    made = clock()
    jax.block_until_ready(compiled(rates))
    return made - begun, clock() - made


RECORDERS = [  # package, what it records, one run with it
    ("tensorboard", "TensorBoard: scalars", tensorboard_scalars),
    ("tensorboard", "TensorBoard: scalars and histograms", tensorboard_histograms),
    ("lightning", "Lightning: CSVLogger, the start of fit included", lightning_csv),
]
