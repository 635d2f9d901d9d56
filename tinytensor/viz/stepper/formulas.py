r"""The rules as mathematics: for each function its formula, and how the gradient of each argument follows.

A bar is a gradient: :math:`\bar x` is the derivative of the loss with respect to x, and z is the result. The page shows
them as MathML, which browsers typeset themselves; ``python -m tinytensor.viz.stepper.typeset`` writes it from this
table into ``static/formulas.json``. A function that is not listed is shown by its source alone. Nothing here computes.
Read next: ``typeset.py``.
"""

S = r"\bar{z} \, "  # the arriving gradient, times …
BACK = r"\bar{x} = \text{reshape} (\bar{z}, \text{shape of } x)"

FORMULAS: dict[str, tuple[str, ...]] = {
    # the function, then the gradient of each argument that has one
    "add": (r"z = x + y", r"\bar{x} = \bar{z}", r"\bar{y} = \bar{z}"),
    "subtract": (r"z = x - y", r"\bar{x} = \bar{z}", r"\bar{y} = -\bar{z}"),
    "multiply": (r"z = x \, y", rf"\bar{{x}} = {S} y", rf"\bar{{y}} = {S} x"),
    "divide": (r"z = \frac{x}{y}", r"\bar{x} = \frac{\bar{z}}{y}", r"\bar{y} = -\bar{z} \, \frac{z}{y}"),
    "negative": (r"z = -x", r"\bar{x} = -\bar{z}"),
    "positive": (r"z = x", r"\bar{x} = \bar{z}"),
    "reciprocal": (r"z = \frac{1}{x}", r"\bar{x} = -\bar{z} \, z^2"),
    "square": (r"z = x^2", rf"\bar{{x}} = {S} 2 x"),
    "sqrt": (r"z = \sqrt{x}", r"\bar{x} = \frac{\bar{z}}{2 z}"),
    "cbrt": (r"z = \sqrt[3]{x}", r"\bar{x} = \frac{\bar{z}}{3 z^2}"),
    "power": (r"z = x^y", rf"\bar{{x}} = {S} y \, x^{{y - 1}}", rf"\bar{{y}} = {S} z \, \ln x"),
    "exp": (r"z = e^x", rf"\bar{{x}} = {S} z"),
    "expm1": (r"z = e^x - 1", rf"\bar{{x}} = {S} (z + 1)"),
    "exp2": (r"z = 2^x", rf"\bar{{x}} = {S} z \, \ln 2"),
    "log": (r"z = \ln x", r"\bar{x} = \frac{\bar{z}}{x}"),
    "log1p": (r"z = \ln (1 + x)", r"\bar{x} = \frac{\bar{z}}{1 + x}"),
    "log2": (r"z = \log_2 x", r"\bar{x} = \frac{\bar{z}}{x \, \ln 2}"),
    "log10": (r"z = \log_{10} x", r"\bar{x} = \frac{\bar{z}}{x \, \ln 10}"),
    "logaddexp": (
        r"z = \ln (e^x + e^y)", rf"\bar{{x}} = {S} \frac{{e^x}}{{e^x + e^y}}",
        rf"\bar{{y}} = {S} \frac{{e^y}}{{e^x + e^y}}",
    ),
    "tanh": (r"z = \tanh x", rf"\bar{{x}} = {S} (1 - z^2)"),
    "sigmoid": (r"z = \frac{1}{1 + e^{-x}}", rf"\bar{{x}} = {S} z \, (1 - z)"),
    "sin": (r"z = \sin x", rf"\bar{{x}} = {S} \cos x"),
    "cos": (r"z = \cos x", r"\bar{x} = -\bar{z} \, \sin x"),
    "tan": (r"z = \tan x", rf"\bar{{x}} = {S} (1 + z^2)"),
    "sinh": (r"z = \sinh x", rf"\bar{{x}} = {S} \cosh x"),
    "cosh": (r"z = \cosh x", rf"\bar{{x}} = {S} \sinh x"),
    "arcsin": (r"z = \arcsin x", r"\bar{x} = \frac{\bar{z}}{\sqrt{1 - x^2}}"),
    "arccos": (r"z = \arccos x", r"\bar{x} = -\frac{\bar{z}}{\sqrt{1 - x^2}}"),
    "arctan": (r"z = \arctan x", r"\bar{x} = \frac{\bar{z}}{1 + x^2}"),
    "arcsinh": (r"z = \operatorname{arsinh} x", r"\bar{x} = \frac{\bar{z}}{\sqrt{1 + x^2}}"),
    "arccosh": (r"z = \operatorname{arcosh} x", r"\bar{x} = \frac{\bar{z}}{\sqrt{x^2 - 1}}"),
    "arctanh": (r"z = \operatorname{artanh} x", r"\bar{x} = \frac{\bar{z}}{1 - x^2}"),
    "hypot": (r"z = \sqrt{x^2 + y^2}", rf"\bar{{x}} = {S} \frac{{x}}{{z}}", rf"\bar{{y}} = {S} \frac{{y}}{{z}}"),
    # with a kink
    "relu": (r"z = \max (x, 0)", rf"\bar{{x}} = {S} [x > 0]"),
    "leaky_relu": (r"z = \max (x, 0) + a \min (x, 0)", rf"\bar{{x}} = {S} ([x > 0] + a \, [x \le 0])"),
    "elu": (r"z = x \, [x > 0] + a (e^x - 1) [x \le 0]", rf"\bar{{x}} = {S} ([x > 0] + a \, e^x [x \le 0])"),
    "absolute": (r"z = |x|", rf"\bar{{x}} = {S} \operatorname{{sign}} x"),
    "fabs": (r"z = |x|", rf"\bar{{x}} = {S} \operatorname{{sign}} x"),
    "maximum": (
        r"z = \max (x, y)", rf"\bar{{x}} = {S} ([x > y] + \tfrac{{1}}{{2}} [x = y])",
        rf"\bar{{y}} = {S} ([x < y] + \tfrac{{1}}{{2}} [x = y])",
    ),
    "minimum": (
        r"z = \min (x, y)", rf"\bar{{x}} = {S} ([x < y] + \tfrac{{1}}{{2}} [x = y])",
        rf"\bar{{y}} = {S} ([x > y] + \tfrac{{1}}{{2}} [x = y])",
    ),
    "clip": (r"z = \min (\max (x, a), b)", rf"\bar{{x}} = {S} [a \le x \le b]"),
    "where": (r"z = x \text{ if } c \text{ else } y", rf"\bar{{x}} = {S} [c]", rf"\bar{{y}} = {S} [\text{{not }} c]"),
    "astype": (r"z = x", r"\bar{x} = \bar{z}"),
    # activations
    "gelu": (r"z = x \, \Phi (x)", rf"\bar{{x}} = {S} (\Phi (x) + x \, \varphi (x))"),
    "silu": (r"z = x \, \sigma (x)", rf"\bar{{x}} = {S} \sigma (x) \, (1 + x \, \sigma (-x))"),
    "softplus": (r"z = \frac{1}{b} \ln (1 + e^{b x})", rf"\bar{{x}} = {S} \sigma (b x)"),
    "erf": (r"z = \operatorname{erf} x", rf"\bar{{x}} = {S} \frac{{2}}{{\sqrt{{\pi}}}} e^{{-x^2}}"),
    # reductions
    "sum": (r"z = \sum_i x_i", r"\bar{x}_i = \bar{z}"),
    "mean": (r"z = \frac{1}{n} \sum_i x_i", r"\bar{x}_i = \frac{\bar{z}}{n}"),
    "prod": (r"z = \prod_i x_i", r"\bar{x}_i = \bar{z} \prod_{j \ne i} x_j"),
    "max": (r"z = \max_i x_i", r"\bar{x}_i = \bar{z} \, \frac{[x_i = z]}{\sum_j [x_j = z]}"),
    "min": (r"z = \min_i x_i", r"\bar{x}_i = \bar{z} \, \frac{[x_i = z]}{\sum_j [x_j = z]}"),
    "var": (r"z = \frac{1}{n} \sum_i (x_i - m)^2", r"\bar{x}_i = \bar{z} \, \frac{2}{n} (x_i - m)"),
    "std": (r"z = \sqrt{\frac{1}{n} \sum_i (x_i - m)^2}", r"\bar{x}_i = \bar{z} \, \frac{x_i - m}{n z}"),
    "linalg.norm": (r"z = \sqrt{\sum_i x_i^2}", r"\bar{x}_i = \bar{z} \, \frac{x_i}{z}"),
    "logsumexp": (r"z = \ln \sum_i e^{x_i}", r"\bar{x}_i = \bar{z} \, e^{x_i - z}"),
    # products
    "matmul": (
        r"Z = X Y, \quad Z_{ij} = \sum_k X_{ik} Y_{kj}", r"\bar{X} = \bar{Z} \, Y^\top", r"\bar{Y} = X^\top \bar{Z}",
    ),
    "linear": (
        r"Z = X W^\top + b, \quad Z_{nj} = \sum_k X_{nk} W_{jk} + b_j",
        r"\bar{X} = \bar{Z} \, W", r"\bar{W} = \bar{Z}^\top X", r"\bar{b}_j = \sum_n \bar{Z}_{nj}",
    ),
    "linear_relu": (
        r"Z = \max (X W^\top + b, 0), \quad G = \bar{Z} \odot [Z > 0]",
        r"\bar{X} = G \, W", r"\bar{W} = G^\top X", r"\bar{b}_j = \sum_n G_{nj}",
    ),
    "vecdot": (r"z = \sum_i x_i y_i", r"\bar{x}_i = \bar{z} \, y_i", r"\bar{y}_i = \bar{z} \, x_i"),
    # softmax and its losses
    "softmax": (
        r"z_i = \frac{e^{x_i}}{\sum_j e^{x_j}}", r"\bar{x}_i = z_i \left( \bar{z}_i - \sum_j \bar{z}_j z_j \right)",
    ),
    "log_softmax": (
        r"z_i = x_i - \ln \sum_j e^{x_j}", r"\bar{x}_i = \bar{z}_i - e^{z_i} \sum_j \bar{z}_j",
    ),
    "nll": (
        r"L = -\frac{1}{N} \sum_n \ln p_{n, t_n}, \quad p = \operatorname{softmax} (X)",
        r"\bar{X}_{nc} = \frac{\bar{L}}{N} \left( p_{nc} - [c = t_n] \right)",
    ),
    "bce": (r"z = -t \ln p - (1 - t) \ln (1 - p), \quad p = \sigma (x)", rf"\bar{{x}} = {S} (p - t)"),
    # elements move
    "reshape": (r"z = \text{the elements of } x \text{ in another shape}", BACK),
    "ravel": (r"z = \text{the elements of } x \text{ in a row}", BACK),
    "expand_dims": (r"z = x \text{ with an axis of size 1}", BACK),
    "squeeze": (r"z = x \text{ without axes of size 1}", BACK),
    "transpose": (r"Z = X^\top", r"\bar{X} = \bar{Z}^\top"),
    "swapaxes": (
        r"Z_{\ldots j \ldots i} = X_{\ldots i \ldots j}", r"\bar{X}_{\ldots i \ldots j} = \bar{Z}_{\ldots j \ldots i}",
    ),
    "flip": (r"z_i = x_{n - 1 - i}", r"\bar{x}_i = \bar{z}_{n - 1 - i}"),
    "broadcast_to": (r"z_{ij} = x_j", r"\bar{x}_j = \sum_i \bar{z}_{ij}"),
    "index": (r"z_i = x_{k_i}", r"\bar{x}_k = \sum_{i : k_i = k} \bar{z}_i"),
    "concatenate": (r"Z = [X_1, X_2, \ldots]", r"\bar{X}_i = \text{the slice of } \bar{Z} \text{ that came from } X_i"),
    "stack": (r"Z_i = X_i", r"\bar{X}_i = \bar{Z}_i"),
    "cumsum": (r"z_i = \sum_{j \le i} x_j", r"\bar{x}_j = \sum_{i \ge j} \bar{z}_i"),
}  # fmt: skip

CONDITIONS: dict[str, str] = {
    "nll": "for the mean over N labels t; with probabilities as the target, they stand in place of [c = t]",
    "linalg.norm": "for ord=None, and 0 where the norm is 0",
    "var": "for ddof=0; m is the mean",
    "std": "for ddof=0; m is the mean; 0 for constants",
    "power": "where y is 0 the slope is 0",
    "gelu": "Φ and φ are the normal distribution and its density; for approximate='none'",
    "silu": "σ is the sigmoid",
    "bce": "σ is the sigmoid",
    "softplus": "σ is the sigmoid, b is beta",
    "leaky_relu": "a is the negative_slope; [ … ] is 1 where true and 0 elsewhere",
    "elu": "a is alpha; [ … ] is 1 where true and 0 elsewhere",
    "linear_relu": "[ … ] is 1 where true and 0 elsewhere; G is made once, for all three",
    "relu": "[ … ] is 1 where true and 0 elsewhere",
    "maximum": "[ … ] is 1 where true and 0 elsewhere; at a tie both get half",
    "minimum": "[ … ] is 1 where true and 0 elsewhere; at a tie both get half",
    "clip": "[ … ] is 1 where true and 0 elsewhere",
    "where": "[ … ] is 1 where true and 0 elsewhere",
    "max": "the elements that attain the extreme share equally",
    "min": "the elements that attain the extreme share equally",
    "index": "an element that was taken twice receives both gradients",
    "broadcast_to": "shown for one new axis",
}
"""What a formula takes for granted."""
