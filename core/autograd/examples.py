"""Examples for the notebook, each with a question to answer before it is run.

The first are those of the course notes that this project began with, and so are most questions. `trap` is
the same mistake in a training loop, a name in `core.traps.table`; `loss` what it is about, one in
`core.losses`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A title, the lines, a question, its possible answers with the right one first, and why."""

    title: str
    text: str
    question: str
    answers: tuple[str, ...]
    why: str
    trap: str | None = None
    loss: str | None = None

    @property
    def offered(self) -> list[str]:
        """The answers in an order that does not tell the right one."""
        return sorted(self.answers)


EXAMPLES = {
    "five": Example(
        "Five tensors",
        """\
A = tensor([5.0], requires_grad=True)
B = tensor([10.0])
C = A * 2
D = B * 3
E = C + D
E.backward()
A.grad""",
        "Which of the five have a history, and which has a .grad that is not None after E.backward()?",
        (
            "C and E have a history; only A has a .grad",
            "A, B and E have a history; A and B have a .grad",
            "A, C and E have a history; all three have a .grad",
        ),
        "C and E were computed from a tensor that requires grad, so they have a grad_fn. A has none: "
        "it is a leaf, where backward ends and leaves the gradient. B and D require no gradient. "
        "A.grad is 2: if A grows by a little, E grows by twice as much.",
    ),
    "variance": Example(
        "torch.var",
        """\
a = torch.tensor([1, 2, 3], dtype=torch.float32, requires_grad=True)
loss = torch.var(a)
loss.backward()
a.grad""",
        "The variance of 1, 2 and 3 has a gradient. What is it?",
        ("−1, 0, 1", "−0.6667, 0, 0.6667", "1, 1, 1", "None: a has no history"),
        "torch.var divides by n − 1, so the derivative is 2 (a − mean) / (n − 1): minus 1, 0 and 1. "
        "Division by n, correction=0, would give 0.6667. The gradient says which way the loss grows; an "
        "optimizer goes the other way.",
    ),
    "whole_numbers": Example(
        "A dtype for gradients",
        """\
a = torch.tensor([[1, 3, 4]], requires_grad=True, dtype=float)
a.dtype
loss = torch.var(a)
loss.backward()
a.grad
b = torch.tensor([[1, 3, 4]], requires_grad=True)""",
        "Two lines differ only in dtype=float. What does that do?",
        (
            "It makes the numbers float64; without it the last line raises",
            "It makes the numbers float32; without it they would be float64",
            "Nothing: tensors are floating point anyway",
        ),
        "dtype=float is Python's float, which is float64; PyTorch's default is float32. Without a "
        "dtype, whole numbers become int64, which cannot require gradients: there is no derivative "
        "with respect to a whole number.",
    ),
    "detach": Example(
        "detach",
        """\
W = torch.randn(10, 1, requires_grad=True)
X = torch.randn(5, 10)
Y_pred = X @ W
Y_pred_detached = Y_pred.detach()  # Line A
loss = torch.sum(Y_pred_detached**2)
loss.backward()""",
        "Will the gradient of the loss with respect to W be computed and stored in W.grad?",
        (
            "No: backward raises, since the loss has no history",
            "No: W.grad becomes zeros",
            "Yes: detach only keeps Y_pred itself from being tracked",
        ),
        "detach returns a new tensor with the same numbers and no history; Y_pred keeps its own. The "
        "loss is made of the new one alone, so no path leads from it back to W.",
        "detached",
    ),
    "not_detached": Example(
        "The same without detach",
        """\
W = torch.randn(10, 1, requires_grad=True)
X = torch.randn(5, 10)
Y_pred = X @ W
loss = torch.sum(Y_pred**2)
loss.backward()
torch.allclose(W.grad, 2 * X.T @ Y_pred)""",
        "Now there is a path back to W. What is W.grad?",
        ("2 Xᵀ X W", "2 X W", "2 Xᵀ W"),
        "The derivative of the sum of squares is 2 Y; going back through Y = X W multiplies it by "
        "Xᵀ: 2 Xᵀ Y = 2 Xᵀ X W. It has the shape of W.",
    ),
    "shared": Example(
        "detach shares the memory",
        """\
a = tensor([1.0, 2.0], requires_grad=True)
b = a.detach()
b.mul_(10)
a""",
        "b is detached from a, then multiplied in place. What is a at the end?",
        ("10, 20", "1, 2", "The third line raises"),
        "detach does not copy: both tensors use the same memory, and only the history is cut. "
        "a.detach().clone() would be a copy. The two share a version counter, which went up: "
        "autograd knows of the write.",
    ),
    "adds_up": Example(
        "Gradients add up",
        """\
w = tensor([1.0], requires_grad=True)
loss = (0.5 * w).sum()
loss.backward()
loss = (0.3 * w).sum()
loss.backward()
loss = (0.4 * w).sum()
loss.backward()
w.grad = None""",
        "Three losses with gradients 0.5, 0.3 and 0.4. What is w.grad before the last line?",
        ("1.2", "0.4", "0.5", "The second backward raises"),
        "backward adds to .grad, so that several losses or small batches can be summed: 0.5, 0.8, "
        "1.2. Each loss here has its own graph, and each graph is used once. zero_grad does what the "
        "last line does.",
        "skipped",
    ),
    "twice": Example(
        "backward twice",
        """\
a = tensor([1.0, 2.0], requires_grad=True)
b = (a + 3).sum()
b.backward()
b.backward()
a.grad
c = (a * a).sum()
c.backward()
c.backward()""",
        "Which of the two sums can backward be called on twice?",
        (
            "The first can, and the gradients add up; the second raises",
            "Both can, and the gradients add up",
            "Neither can: its first backward frees the graph",
        ),
        "The derivative of a + 3 needs no saved values, so none are missing. The product saved a, "
        "and the first backward freed it. retain_graph=True keeps what was saved.",
        "backward_twice",
    ),
    "not_scalar": Example(
        "backward of several numbers",
        """\
a = tensor([1.0, 2.0, 3.0], requires_grad=True)
b = a**2
b.backward(gradient=tensor([1.0, 1.0, 1.0]))
a.grad
c = a**2
c.backward()""",
        "Must what backward is called on be a single number?",
        (
            "Yes, or there must be a gradient= that weights its entries",
            "Yes, always",
            "No: backward takes the sum of the entries by itself",
        ),
        "A gradient is that of one number. With gradient=v, backward computes that of the sum of v × "
        "b, here 2 a. Without it, PyTorch does not choose for you. Any tensor with one entry will "
        "do, whatever its shape.",
        "not_scalar",
    ),
    "broadcast": Example(
        "A target of another shape",
        """\
output = torch.randn(1, 10)
target = torch.randn(10)
target = target.view(-1, 1)  # "it must match the output shape"
F.mse_loss(output, target)
(output - target).shape
target = target.view(1, -1)
F.mse_loss(output, target)""",
        "Does target.view(-1, 1) match an output of shape (1, 10)?",
        (
            "No: there are 100 errors, not 10, and only a warning",
            "Yes: both have ten entries",
            "No: mse_loss raises",
        ),
        "(1, 10) minus (10, 1) is (10, 10): every output against every target. PyTorch warns and "
        "goes on with a loss that means something else. view(1, -1) matches.",
        "broadcast",
        "mse",
    ),
    "update": Example(
        "The update by hand",
        """\
lr = 0.01
w = tensor([3.0], requires_grad=True)
loss = (2 * w - 2.25).sum() ** 2
loss.backward()
w.grad
with torch.no_grad():
    w -= lr * w.grad
w
w -= lr * w.grad""",
        "The same line appears twice: under torch.no_grad() and without it. What happens?",
        (
            "w becomes 2.85; then the line raises, since w is a leaf that requires grad",
            "w becomes 2.85, then 2.7",
            "The first has no effect; the second makes w 2.85",
        ),
        "w − 0.01 × 15 = 2.85. An update is not part of the model, so it is done while autograd is "
        "not recording. Outside no_grad, autograd refuses to change a leaf in place: it would no "
        "longer be a leaf, and could not receive a gradient.",
        "in_place_leaf",
    ),
    "new_tensor": Example(
        "An update that makes a new tensor",
        """\
lr = 0.01
w = tensor([3.0], requires_grad=True)
loss = (w**2).sum()
loss.backward()
w = w - lr * w.grad
w.is_leaf
loss = (w**2).sum()
loss.backward()
w.grad""",
        "w = w − lr · w.grad instead of −=. What is w.grad at the end?",
        (
            "None, with a warning: w is a result now, not a leaf",
            "5.88: twice the new w",
            "11.88: the second gradient was added to the first",
        ),
        "The name w now refers to a new tensor, computed from the old one. backward goes through it "
        "to the old leaf, which no name refers to anymore. PyTorch warns when .grad of a non-leaf is "
        "read.",
        "not_a_leaf",
    ),
    "before_backward": Example(
        "The update of the notes, too early",
        """\
learning_rate = 0.01
f = tensor([3.0], requires_grad=True)
loss = (f**2).sum()
f.data.sub_(f.grad.data * learning_rate)
loss.backward()""",
        "The update stands before backward. What does it do?",
        (
            "It raises: f.grad is still None",
            "Nothing: f.grad is still zero",
            "It takes a step with the previous gradient",
        ),
        ".grad is None until the first backward, and again after zero_grad: not zero, but nothing at "
        "all. After backward the line works, but autograd does not see writes through .data; it does "
        "see those under `torch.no_grad()`.",
        "read_none",
    ),
    "uncounted": Example(
        "A write that nobody counts",
        """\
a = tensor([1.0, 2.0], requires_grad=True)
b = a.exp()
b.data.zero_()
b.sum().backward()
a.grad
c = a.exp()
with torch.no_grad():
    c.zero_()
c.sum().backward()""",
        "exp saves its result for backward. Here it is set to zero first, in two ways. What happens?",
        (
            "Through .data the gradient is silently wrong; the other way backward raises",
            "Both times backward raises",
            "Both times the gradient is right: what was saved is a copy",
        ),
        "The derivative of exp is its own result, which was saved without a copy. The version "
        "counter tells autograd that it has changed since. A write through .data is not counted: the "
        "gradient is 0 instead of 2.718 and 7.389.",
        "data_edit",
    ),
    "results": Example(
        ".grad of a result",
        """\
a = tensor([3.0], requires_grad=True)
b = a * 2
c = b * b
b.retain_grad()
c.backward()
a.grad
b.grad
c.grad""",
        "backward computes gradients for a, b, and c along the way. Which can be read afterward?",
        (
            "Those of a and b; that of c is None, with a warning",
            "Those of all three",
            "That of a alone",
        ),
        "Leaves keep their gradient. That of a result is dropped as soon as it has been passed on, "
        "unless retain_grad was called first.",
        "not_a_leaf",
    ),
    "deliveries": Example(
        "Four deliveries by hand",
        """\
distances = tensor([[1.0], [2.0], [3.0], [4.0]])
times = tensor([[7.0], [12.0], [17.0], [22.0]])
weight = tensor(5.0, requires_grad=True)
bias = tensor(5.0, requires_grad=True)
outputs = weight * distances + bias
loss = ((outputs - times) ** 2).mean()
loss.backward()
(2 / 4 * (outputs - times) * distances).sum()
weight.grad""",
        "The second-to-last line computes a derivative by hand. Of what, and does it agree?",
        (
            "Of the loss with respect to the weight; it agrees with weight.grad",
            "Of the loss with respect to the bias; weight.grad is another number",
            "Of the outputs with respect to the weight; weight.grad is another number",
        ),
        "(2 / n) Σ (output − time) × distance is the chain rule, written out. backward goes the same "
        "way through the graph. Without × distance it is the derivative with respect to the bias.",
        loss="mse",
    ),
    "cross_entropy": Example(
        "Cross-entropy in two steps",
        """\
logits = torch.randn(4, 3, requires_grad=True)
targets = tensor([0, 2, 1, 2])
one = F.cross_entropy(logits, targets)
two = F.nll_loss(F.log_softmax(logits, dim=1), targets)
torch.equal(one, two)
one.backward()
logits.grad.sum()""",
        "Cross-entropy is log-softmax, then negative log likelihood. Is it the same number?",
        (
            "Yes, to the last bit",
            "No: it applies softmax without the logarithm",
            "Almost: rounding differs",
        ),
        "F.cross_entropy does exactly these two. So the model's outputs go in as they are: with a "
        "softmax before it, softmax would be applied twice. Each row of the gradient, (softmax − "
        "one-hot) / rows, sums to 0, up to rounding.",
        "softmax_twice_3",
        "cross_entropy",
    ),
}
