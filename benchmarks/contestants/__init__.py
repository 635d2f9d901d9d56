"""The contestants: one small file each, with the functions for the cases that it takes part in.

=================  ============================================================================================
``step(problem)``  a function that does one SGD step and returns the loss, a float
``operations()``   functions that do one operation on a tiny array, by name
``chain(n)``       a function that sends 4 numbers forward and backward through n operations
``digits(data)``   a function that trains the digits classifier and returns its accuracy on the test part
``moons(data)``    a function that does one step of micrograd's demo and returns the loss
``PACKAGES``       the packages whose versions count
=================  ============================================================================================

One that can't be imported, or raises ImportError, is skipped by name.
"""

TITLES = {
    "tinytensor_eager": "tinytensor eager",
    "tinytensor_compiled": "tinytensor compiled",
    "tinytensor_value": "tinytensor Value",
    "numpy_by_hand": "NumPy by hand",
    "numpy_out": "NumPy by hand, out=",
    "matmuls": "matrix products alone",
    "torch_eager": "PyTorch eager",
    "torch_compile": "torch.compile",
    "jax_jit": "JAX jit",
    "mygrad_eager": "MyGrad",
    "hips_autograd": "HIPS autograd",
    "micrograd_scalar": "micrograd's algorithm",
    "sklearn_mlp": "scikit-learn",
}


def title(name):
    """The name for people, with the BLAS kernel where it was set: ``numpy_out/SkylakeX``."""
    base, _, kernel = name.partition("/")
    return TITLES.get(base, base) + (f" ({kernel})" if kernel else "")
