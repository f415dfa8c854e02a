"""Compile every kernel for an accelerator that need not be there; run by `test_compiling`.

The interpreter takes any Python; the compiler checks types and shapes.
"""

from omni.kernels import (
    triton_attention,
    triton_choosing,
    triton_compaction,
    triton_cover,
    triton_frames,
    triton_gram,
    triton_picking,
    triton_segments,
)
from omni.kernels.language import triton

SINGLE, HALF, WHOLE, COUNT = "*fp32", "*bf16", "*i64", "i32"
HEADS = [COUNT] * 5 + ["fp32"]
WORDS = {"WORDS": 16, "DEPTH": 128}
REST = {"ASKED": True, "BLOCK": 256}
PICKS = {"LAST": -1e38, "REAL": 4e-6, "NOTHING": 1e-6, "TILE": 4, "WORDS": 16}
KERNELS = [
    (triton_choosing._products, [HALF, WHOLE, SINGLE, *[COUNT] * 3],
     {"WIDEN": False, "TILE": 16, "DEPTH": 16}),
    *[(triton_choosing._rows, [SINGLE, HALF, HALF, "*i8", WHOLE, *[SINGLE] * 3, *[COUNT] * 4],
       {"RULE": rule, **WORDS, **REST}) for rule in (0, 2)],
    *[(triton_choosing._picks,
       [*[SINGLE] * 4, "*i8", WHOLE, SINGLE, WHOLE, WHOLE, SINGLE, SINGLE, *[COUNT] * 4, "fp32"],
       {"RULE": rule, **PICKS, **REST}) for rule in (0, 2)],
    (triton_gram._cosines, [HALF, SINGLE, SINGLE, *[COUNT] * 2],
     {"CENTRED": False, "WIDEN": False, "TILE": 16, "DEPTH": 16}),
    (triton_gram._cosines, [HALF, SINGLE, SINGLE, *[COUNT] * 2],
     {"CENTRED": True, "WIDEN": True, "TILE": 16, "DEPTH": 16}),
    (triton_picking._farthest, [*[SINGLE] * 4, WHOLE, *[COUNT] * 2], {"BLOCK": 4096}),
    (triton_picking._volume, [*[SINGLE] * 4, WHOLE, *[COUNT] * 2],
     {"NOTHING": 1e-6, "BLOCK": 1024, "TILE": 4}),
    (triton_cover._alone, [SINGLE, SINGLE, COUNT], {"BLOCK": 1024}),
    (triton_cover._cover, [*[SINGLE] * 3, WHOLE, *[COUNT] * 3], {"BLOCK": 1024, "HIGH": 1024}),
    (triton_compaction._choose, [SINGLE, *[WHOLE] * 3, COUNT], {"BLOCK": 1024}),
    (triton_compaction._gather, [WHOLE, HALF, WHOLE, HALF, WHOLE, *[COUNT] * 5],
     {"BLOCK": 1024, "KINDS": 4}),
    (triton_attention._levels, [HALF, HALF, SINGLE, *HEADS],
     {"CAUSAL": True, "TILE": 16, "WIDTH": 16}),
    (triton_attention._shares, [HALF, HALF, SINGLE, SINGLE, *HEADS],
     {"CAUSAL": True, "TILE": 16, "WIDTH": 16}),
    (triton_segments._assign, [HALF, HALF, "*i8", WHOLE, SINGLE, *[COUNT] * 3],
     {"TILE": 16, "DEPTH": 16}),
    (triton_segments._sums, [HALF, *[WHOLE] * 3, SINGLE, HALF, COUNT], {"BLOCK": 256}),
    (triton_frames._cosines, [HALF, SINGLE, *[COUNT] * 2], {"BLOCK": 1024}),
    (triton_frames._windows, [*[WHOLE] * 4, *[COUNT] * 2], {"TIME": 32, "AREA": 256}),
]  # fmt: skip


def build(kernel, types, constants) -> bytes:
    """Machine code for compute capability 9.0."""
    given = iter(types)
    signature = {
        name: "constexpr" if name in constants else next(given) for name in kernel.arg_names
    }
    source = triton.compiler.ASTSource(fn=kernel, signature=signature, constexprs=constants)
    target = triton.backends.compiler.GPUTarget("cuda", 90, 32)
    return triton.compile(source, target=target).asm["cubin"]


for kernel, types, constants in KERNELS:
    assert build(kernel, types, constants), kernel
    print(kernel.__name__)
