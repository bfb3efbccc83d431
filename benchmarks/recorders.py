"""The same recording by other tools: loss and norms at every step, and histograms where the tool has them.

Each function returns the seconds that one training run takes with it; imported only where it is installed.
"""

import logging
import tempfile
import time
import warnings

import torch

from core import Config, build


def _parts(config: Config) -> tuple:
    data = build.make_data(config)
    model = build.make_model(config, data)
    return data, model, build.make_loss(config, data), build.make_optimizer(config, model)


def tensorboard_scalars(config: Config, histograms: bool = False) -> float:
    """SummaryWriter: the loss, and the norm of every weight and gradient, at every step."""
    from torch.utils.tensorboard import SummaryWriter

    data, model, loss_fn, optimizer = _parts(config)
    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        begun = time.perf_counter()
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
        return time.perf_counter() - begun


def tensorboard_histograms(config: Config) -> float:
    """The same, with a histogram of every weight and gradient."""
    return tensorboard_scalars(config, histograms=True)


def lightning_csv(config: Config) -> float:
    """Lightning's Trainer and CSVLogger: the loss and the norm of every gradient, at every step."""
    import lightning
    from lightning.pytorch.loggers import CSVLogger

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
        begun = time.perf_counter()
        trainer.fit(Module(), batches)
        return time.perf_counter() - begun


RECORDERS = [  # package, what it records, seconds of one run with it
    ("tensorboard", "TensorBoard: scalars", tensorboard_scalars),
    ("tensorboard", "TensorBoard: scalars and histograms", tensorboard_histograms),
    ("lightning", "Lightning: CSVLogger", lightning_csv),
]
