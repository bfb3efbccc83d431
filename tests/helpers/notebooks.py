"""Lines of the notebook beside the same lines in Python, and texts that mean harm; shared by its tests."""

import warnings

import torch

from core.autograd.notebook import HEAD


def by_python(text):
    """The same lines executed by Python, which the notebook never does: names, and the exception or None."""
    names = {}
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(HEAD, "<head>", "exec"), names)  # noqa: S102  (our own lines)
        try:
            exec(compile(text, "<lines>", "exec"), names)  # noqa: S102  (our own lines)
        except Exception as error:  # noqa: BLE001
            return names, error
    return names, None


# Texts of which no more must come than a sentence, or an error that PyTorch or Python raise.

OUTSIDE = [
    "import os", "from os import system", "import torch as t", "from torch import *", "import torch, os",
    "from torch import tensor as print", "__import__('os')", "exec('1')", "eval('1')", "open('x')",
    "compile('1', '', 'eval')", "globals()", "locals()", "vars()", "dir()", "getattr(1, 'real')",
    "setattr(1, 'a', 2)", "delattr(1, 'a')", "input()", "breakpoint()", "help()", "type(1)", "object()",
    "super()", "id(1)", "memoryview(b'1')", "print.__self__", "exit()", "quit()", "len([1])", "sum([1])",
    "int('1')", "float('1')", "float(1)", "str(1)", "list([1])", "range(9)", "max(1, 2)",
]  # fmt: skip
WALKS = [
    "().__class__", "().__class__.__bases__[0].__subclasses__()", "[].__class__", "''.__class__",
    "tensor([1.]).__class__", "tensor([1.]).__init__.__globals__", "tensor.__globals__", "torch.__dict__",
    "torch.os", "torch.sys.modules", "torch.serialization.load", "torch.load('x')", "torch.save(1, 'x')",
    "torch.hub.load('a', 'b')", "torch.ops.aten.add", "torch.classes.x", "torch.utils.cpp_extension",
    "F.torch", "F.boolean_dispatch", "F.sys", "nn.Module", "nn.functional.os", "torch.nn.functional.relu(1)",
    "tensor([1.]).__reduce__()", "tensor([1.]).numpy()", "tensor([1.]).tolist.__self__", "(1).__class__",
    "(1.0).real", "True.__class__", "None.__class__", "float.__class__", "float.__bases__", "float.fromhex",
    "torch.float32.__class__", "torch.float32.is_complex", "tensor([1.]).dtype.__class__",
    "tensor([1.]).shape.__class__", "tensor([1.]).shape.count", "print(1).text", "print(1).__class__",
    "a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn.name()",
    "a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn.next_functions",
    "a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn.__class__.__mro__",
    "a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn.text",
    "a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn._saved_other",
    "a = tensor([1.])\na.backward.__func__", "a = tensor([1.])\na.detach.__call__()",
    "a = tensor([1.])\na._backward_hooks", "tensor([1.]).register_hook(print)",
    "tensor([1.]).share_memory_()", "tensor([1.]).cuda()", "tensor([1.]).to('cuda')",
    "tensor([1.]).apply_(print)", "tensor([1.]).map_(1, print)", "tensor([1.]).storage()",
    "tensor([1.]).untyped_storage()", "tensor([1.]).data_ptr()", "tensor([1.]).resize_(10000)",
    "tensor([1.]).set_(1)", "tensor([1.]).type('x')", "tensor([1.])._base",
    "tensor([1.]).as_strided((9,), (0,))", "tensor([1.]).unfold(0, 1, 1)", "tensor([1.]).repeat(10**9)",
    "tensor([1.]).random_()", "tensor([1.]).uniform_()", "tensor([1.]).new_empty(9)",
    "tensor([1.]).tolist()",
]  # fmt: skip
STATEMENTS = [
    "def f(): pass", "class A: pass", "lambda: 1", "for i in [1]: pass", "while True: pass", "if 1: pass",
    "try:\n    pass\nexcept: pass", "with open('x'): pass", "with torch.no_grad() as x:\n    1",
    "with 1:\n    1", "with torch.enable_grad():\n    1", "with torch.no_grad(), torch.no_grad():\n    1",
    "with torch.no_grad:\n    1", "with torch.no_grad(1):\n    1",
    "with torch.no_grad():\n    with torch.no_grad():\n        1", "with torch.inference_mode():\n    1",
    "with torch.no_grad():\n    def f(): pass", "with torch.no_grad(): 1", "async def f(): pass", "await x",
    "yield 1", "return 1", "del x", "global x", "nonlocal x", "assert 1", "raise 1", "pass", "break",
    "match 1:\n    case 1: pass", "@x\ndef f(): 1", "[i for i in [1]]", "{i for i in [1]}", "{1: 2}",
    "{1, 2}", "(i for i in [1])", "f'{1}'", "f'{().__class__}'", "'%s' % 1", "'a' * 9",
    "'{0.__class__}'.format(1)", "b'1'", "...", "1j", "x := 1", "(y := 1)", "*a, b = 1, 2", "a = b = 1",
    "a, b = 1, 2", "[a, b] = [1, 2]", "a: int = 1", "a if 1 else 2", "1 and 2", "not 1", "~1", "1 << 99",
    "1 // 2", "1 % 2", "1 | 2", "1 in [1]", "1 is 1", "1 < 2 < 3", "tensor([1.])[...]", "tensor([1.])[True]",
    "tensor([1.])[[0, 0]]", "tensor([1.])['a']", "tensor([1.])[0.5]", "tensor([1.])[tensor([0, 0])]",
    "tensor([1.])[0:1:2.5]", "tensor(*[1])", "tensor(**x)", "[*[1]]", "print(1, 2, 3, 4, 5)",
    "print(1, sep='')", "print(1, file=2)", "1; 2", "a = 1; b = 2", "x = 'mean'", "[None]", "[tensor([1.])]",
    "(tensor([1.]),)", "[1, 2] * 9", "[1] + [1]", "(1, 2) + (3,)", "-None", "-[1]", "None + 1", "float + 1",
    "print(1) + 1", "tensor(print(1))", "tensor([1.]) @ None", "1 @ 1",
]  # fmt: skip
NAMES = [
    "torch = 1", "F = 1", "nn = 1", "_a = 1", "__builtins__ = 1", "__class__ = 1", "float = 1", "True = 1",
    "None = 1", "1 = 2", "1 += 1", "a += 1", "tensor = 1\ntensor([1.])", "print = 1\nprint(1)", "torch += 1",
    "float += 1", "torch.sum = 1", "torch.tensor.x = 1", "F.relu = 1", "a.b.c = 1", "x[0] = 1", "zeros",
    "\n".join(f"a{i} = {i}" for i in range(40)), "torch", "F.relu", "torch.sum", "tensor([1.]).sum",
]  # fmt: skip
HUGE = [
    "zeros(10**9)", "zeros(1000, 1000)", "ones([10**5, 10**5])", "ones((99999, 99999))", "randn(10**7)",
    "zeros(401)", "zeros(21, 20)", "arange(401)", "arange(10**9)", "arange(0, 1, 1e-12)", "arange(1e308)",
    "arange(-300, 300)", "arange(-1e308, 1e308)", "arange(1e999 - 1e999)", "zeros(1e999)",
    "zeros(1e999 - 1e999)", "zeros(tensor(10**9))", "zeros(tensor(2))", "zeros(-5, 99999)", "zeros(None)",
    "zeros([[2, 2]])", "zeros('3')", "zeros(2.5)", "randn(2.5)", "zeros(-1)", "zeros(1, 1, 1, 1, 1, 1, 1)",
    "zeros((1, 1, 1, 1, 1, 1, 1))", "torch.zeros_like(zeros(20, 20)).expand(2, 20, 20)",
    "2 ** 2 ** 2 ** 2 ** 2", "9 ** 9 ** 9", "10 ** 100", "(10 ** 6) ** 64", "99999999 ** 9", "9" * 200,
    "10 ** 15 + 1", "10 ** 9 * 10 ** 9", "-(10 ** 15) - 1", "2 ** -1e308", "(-8) ** 0.5", "0 ** -1", "1 / 0",
    "1e999 ** 2", "(1e999 - 1e999) ** 2", "1e6 ** 64", "x = 10 ** 8\n" + "x *= x\n" * 20, "0x" + "f" * 190,
    "tensor(10 ** 15) * 10 ** 15 * 1e999 ** 9", "tensor([9" + "9" * 100 + "])", "tensor([1.]).expand(10**9)",
    "tensor([1.]).expand(100, 100)", "tensor([1.]).expand(tensor(10**9))",
    "tensor([[1.]]).expand(-1, 10**8)", "tensor([1.]).expand(-1, -1, -1, -1, -1, -1, 400)",
    "tensor([1.]).expand(400, -1, 400)", "tensor([1.]).expand((401,))", "tensor([1.]).expand(None)",
    "x = ones(40, 1)\nx + ones(1, 40)", "x = ones(40, 1)\nx += ones(1, 40)",
    "x = ones(40, 1)\nx.mul_(ones(1, 40))", "x = ones(400)\nx.view(-1, 1) * x",
    "x = ones(400)\nx.view(-1, 1) @ x.view(1, -1)", "x = ones(400, 1)\ntorch.matmul(x, x.T)",
    "x = ones(400, 1)\nx.matmul(x.T)", "zeros(400, 0) @ zeros(0, 400)", "zeros(20, 1, 2) @ zeros(21, 2, 2)",
    "zeros(0, 400) + zeros(400, 400)", "F.mse_loss(ones(400, 1), ones(400))",
    "F.huber_loss(ones(400, 1), ones(400), reduction=\"none\")", "F.l1_loss(ones(400, 1), ones(400))",
    "F.kl_div(ones(400, 1), ones(400))", "x = ones(400, 1)\nx - x.T", "x = ones(400, 1)\nx > x.T",
    "torch.pow(ones(400, 1), ones(400))", "torch.maximum(ones(400, 1), ones(400))",
    "ones(400, 1).pow(ones(400))", "torch.allclose(ones(400, 1), ones(400))", "ones(1).view(tensor(1))",
    "ones(1).reshape(10**9, 0)", "ones(1).view(torch.float64)", "ones(1).view(float)", "ones(1).view('x')",
    "tensor(" + "[" * 7 + "1." + "]" * 7 + ")",
    "x = [" + "1," * 90 + "]\nx = [x, x, x, x, x, x, x, x, x, x]",
    "x = [1, 1]\n" + "x = [x, x]\n" * 30 + "tensor(x)", "x = []\n" + "x = [x, x]\n" * 30 + "x",
    "x = [[], []]\nx = [" + "x, " * 60 + "]\nx = [" + "x, " * 60 + "]\nx = [" + "x, " * 60 + "]\nx",
    "print(ones(400), ones(400), ones(400), ones(400))\n" * 9, "x = ones(400)\n" + "x\n" * 30,
    "a = ones(1, requires_grad=True)\nb = a" + "\nb = b + b + b + b + b + b + b + b" * 16
    + "\n" + "b.backward(retain_graph=True)\n" * 20 + "b.backward(retain_graph=True)\n" * 2,
]  # fmt: skip
DEEP = [
    "(" * 500 + "1" + ")" * 500, "-" * 150 + "1", "1" + "+1" * 900, "x" * 5000, "\n" * 500, "(" * 1999,
    "[" * 1999, "-" * 1999 + "1", "~" * 100 + "1", "not " * 40 + "1", "1" + "**1" * 60, "a" + ".T" * 90,
    "x" + "[0]" * 60, ("(" * 190 + "\n") * 9, ("[" * 30 + "\n") * 39, "(\n" + ("-" * 190 + "\n") * 9 + "1)",
    "f" * 200 + "(" * 100, "a = (\n" * 30 + "1" + ")" * 30, "x(" * 60 + ")" * 60, "#" * 3000,
    "a = 1 \\\n" * 45, "1\n" * 41, "torch" + ".torch" * 30 + "()", "{" * 99, "lambda: " * 24 + "1",
    "if 1:\n" * 30,
]  # fmt: skip
IN_PLACE = [
    "a = tensor([1.])\na.grad = a", "a = tensor([1.])\na.requires_grad = True",
    "a = tensor([1.])\na.shape = 1", "a = tensor([1.])\na[0] = 2", "a = tensor([1.])\na[0] += 2",
    "a = tensor([1.])\na.data = 1", "a = 1\na.data = tensor([1.])",
    "a = tensor([1.])\na.data = tensor([1., 2.])", "a = tensor([1.])\na.data = tensor([1])",
    "a = tensor([1])\na.data = tensor([2])", "a = tensor([1])\na.data.mul_(9)", "a = tensor([True])\na.data",
    "a = tensor([1.])\na.data = None", "a = tensor([1.])\na.grad.data = 1", "a = tensor([1.])\na @= a",
    "a = tensor([1.])\na **= 2", "a = tensor([1.])\na.grad += 1", "a = tensor([1.])\na.grad_fn = None",
    "a = tensor([1.])\na._version = 1", "a = tensor([1.])\na.is_leaf = 1", "a = tensor([1.])\na.T = a",
    "a.data = tensor([1.])", "a = tensor([1.]).expand(9)\na.mul_(2.)", "a = tensor([1.]).expand(9)\na += 1",
    "a = tensor([1.])\nb = a.expand(3, 3)\nb.data.add_(1.)",
    "a = ones(4)\nb = a.view(2, 2)\na.add_(b.view(4).expand(4, 4))", "a = ones(3)\na.copy_(ones(400, 3))",
    "a = ones(3)\na += ones(3, 3)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(create_graph=True)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(None, True, True)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(None, None, True)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(inputs=a)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(gradient=1)",
    "a = tensor([1.], requires_grad=True)\n(a * 2).backward(gradient=ones(400))",
    "a = tensor([1])\na.requires_grad_()", "a = tensor([1.], requires_grad=True)\na.zero_()",
    "a = tensor([1.], requires_grad=True)\na.view(1).add_(1.)", "a = tensor([1.])\na.copy_(a, True)",
    "a = tensor([1.])\na.clone(memory_format=1)", "a = tensor([1.])\na.retain_grad()",
    "p = F.log_softmax(randn(1, 9, 2, 2, requires_grad=True), dim=1)\nt = tensor([[[0, 1], [2, 3]]])\n"
    "x = F.nll_loss(p, t, reduction=\"none\").sum()\nt.data.add_(10**7)\nx.backward()",
    "p = F.log_softmax(randn(1, 9, 2, 2, requires_grad=True), dim=1)\nt = tensor([[[0, 1], [2, 3]]])\n"
    "x = F.nll_loss(p, t, reduction=\"none\").sum()\nt.add_(10**7)\nx.backward()",
    "p = F.log_softmax(randn(1, 9, 2, 2, requires_grad=True), dim=1)\nt = tensor([[[0, 1], [2, 3]]])\n"
    "x = F.nll_loss(p, t, reduction=\"none\").sum()\nu = t.detach()\nu.mul_(10**7)\nx.backward()",
    "p = randn(2, 9, requires_grad=True)\nx = F.nll_loss(p, tensor([8, 8]), reduction=\"none\").sum()\n"
    "p.data = randn(2, 1)\nx.backward()",
    "a = ones(2, requires_grad=True)\nb = a * 2\nwith torch.no_grad():\n    v = b.view(-1)\n"
    "b.mul_(2.)\nv.is_leaf",
    "a = ones(2, requires_grad=True)\nb = a * 2\nwith torch.no_grad():\n    v = b.view(-1)\n"
    "b.mul_(2.)\nv.backward()",
]  # fmt: skip
SIGNS = [
    "еval('1')", "ｅxec('1')", "tеnsor([1.])", "a\u00a0= 1", "a = 1 # \u202e", "x = '\\x00'", "\x00", "\t1",
    "a\r= 1", "１ + 1", "__ｉmport__('os')", "\ufeff1", "a = 1;\\\n b = 2", "a = 1 # naïve", "\x0c1", "\x1a",
    "\x7f", "# -*- coding: utf-7 -*-\n+AG8-", "# coding: rot13\nvzcbeg bf", "a = tensor([1.])\n\u2028a",
    "π = 3", "ﬀ = 1", "a = 1\n  b = 2", "\n\n  1", "if", ")", "'", "\"\"\"", "1 +", "\\", "0777", "1_000__0",
    "1e", "0b2",
]  # fmt: skip
ABUSE = [
    "tensor([1.], device='cuda')", "tensor([1.], device='meta')", "F.mse_loss(1, 2, reduction='bad')",
    "F.mse_loss(tensor([1.]), tensor([1.]), reduction=1)",
    "F.mse_loss(tensor([1.]), tensor([1.]), reduction=[1])", "F.mse_loss(tensor([1.]), tensor([1.]), True)",
    "F.cross_entropy(tensor([[1.]]), tensor([0]), tensor([1.]))",
    "F.cross_entropy(tensor([[1., 2.]]), tensor([9]))", "F.nll_loss(tensor([[1., 2.]]), tensor([-5]))",
    "F.cross_entropy(tensor([[1., 2.]]), tensor([0]), label_smoothing=2)", "F.relu(tensor([1.]), True)",
    "'mean'.upper()", "tensor('abc')", "tensor([1.], dtype='float')", "tensor([1.], dtype=1)",
    "tensor([1.], dtype=None, pin_memory=True)", "randn(2, generator=1)", "zeros(2, out=1)",
    "torch.sum(tensor([1.]), out=1)", "torch.exp(tensor([1.]), out=tensor([1.]))", "torch.manual_seed(-1)",
    "torch.manual_seed(2**40)", "torch.manual_seed(1.5)", "torch.manual_seed()", "torch.seed()",
    "torch.set_default_dtype(torch.float64)", "torch.set_num_threads(9)", "torch.set_grad_enabled(False)",
    "torch.use_deterministic_algorithms(True)", "torch.set_printoptions(9)",
    "torch.autograd.set_detect_anomaly(True)", "torch.set_default_device('meta')", "torch.get_rng_state()",
    "nn.Linear(1, 1)", "torch.compile(1)", "torch.empty(9)", "tensor([1.]).sum(99)",
    "tensor([1.]).sum(dim=None)", "tensor([1.]).sum(dim=True, keepdim=None)", "tensor([1.]).sum(-2)",
    "tensor([1.]).sum(dim=(0, 0))", "tensor([1.]).sum(10**15)", "tensor([1.]).sum('a')",
    "tensor([1.]).sum(\"sum\")", "tensor([1.]).var(correction=1e308, dim=9)",
    "tensor([1.]).softmax(dim=1e999)", "torch.softmax(tensor([1.]), 0, torch.float64)",
    "tensor([1.]).view(-1, -1)", "tensor([1.]).view(-2)", "tensor([1.]).view(0)", "tensor([1.]).squeeze(9)",
    "tensor([1.]).unsqueeze(-9)", "zeros(1, 1, 1, 1, 1, 1).unsqueeze(0)", "zeros(1, 1, 1, 1, 1, 1)[None]",
    "zeros(2, dtype=torch.bool, requires_grad=True)", "tensor([1], requires_grad=True)",
    "tensor([1.], requires_grad=1e999)", "torch.float", "zeros(2, dtype=float, dtype=float)",
    "tensor([1.]).backward()", "tensor([1., 2.]).item()", "tensor([2**62]).item() * 9",
    "arange(3, dtype=torch.bool)", "arange(5, 2)", "torch.equal(1, 1)", "torch.exp()", "torch.exp(1)",
    "torch.pow(2, 3)", "tensor()", "tensor([[1, 2], [3]])", "tensor([1, [2]])",
    "tensor([1.]).argmax(None, 1, 1)", "zeros(0).argmax()", "zeros(0).max()", "zeros(2, 2, 2).t()",
    "zeros(2).T", "zeros(2, 2, 2).T",
]  # fmt: skip
GROUPS = {
    "names from outside": OUTSIDE,
    "walks along attributes": WALKS,
    "statements and kinds of expressions": STATEMENTS,
    "names that are taken": NAMES,
    "large numbers and shapes": HUGE,
    "depth and length": DEEP,
    "writes in place": IN_PLACE,
    "other signs": SIGNS,
    "arguments of all sorts": ABUSE,
}
