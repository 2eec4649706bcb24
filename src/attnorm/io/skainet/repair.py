"""Repairs the StableHLO text of SKaiNET 0.14 to 0.32, which is not valid MLIR.

SKaiNET builds its text from one template a line, each knowing only its node's declared output
type. What is repaired, and where the spelling comes from:

1. a result type where MLIR requires a function type: every `custom_call` (`@reduce_*`,
   `@layer_norm`), `transpose` and `dot_general` before 0.19, `concatenate` and `slice` since; and
   `A -> B` without parentheses in `convert` and `broadcast_in_dim`;
2. operands of elementwise ops that have another shape than the op: the rank-1 scale and offset of
   norms, biases, and the additive attention mask, which 0.20 and later do not always broadcast;
3. rank 0 printed as `tensor<xf32>` (and a dynamic size as `tensor<-1xf32>`);
4. raw negative dimensions. Those of a `custom_call` stay: they are the attribute's meaning;
5. a reduction of everything declared `tensor<1xf32>` and used at rank 0: a reshape at the use;
6. `1e-6`, `4`, `Infinity` and `NaN` as floats, `4.0` as an integer;
7. conversion failures left as comments, and ops that its optimiser dropped: errors here, since
   the text around them would compile into something else.

Also: names in `skainet.tensor_encodings` that need quotes get them. The attribute itself stays:
MLIR accepts a discardable attribute of a dialect that it does not know.

A line becomes one line, so locations stay true; valid lines stay as they are, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

from ...errors import AttnormError, Diagnostic
from . import forms, numbers
from .lexer import Signature, Statement, TensorType, Token, statements, tokenise
from .scope import Scope

__all__ = ["is_skainet", "repair"]

_FAILURE = re.compile(
    r"//\s*((?:Error processing node |Conversion failed for node |Unsupported operation "
    r"|Unsupported op '|Warning: No output values found|fused with (?:relu|multiply)\b).*)",
    re.DOTALL,
)
_INPUT_COMMENT = re.compile(r"    // input .*: .* : tensor<")
_NODE_FAILURES = ("\n    // Error processing node ", "\n    // Conversion failed for node ")
_ENCODING_NAME = re.compile(r'([{,]\s*)([^"={},\s][^"={},]*)(?== ?")')
_BARE_NAME = re.compile(r"[A-Za-z_][\w$.]*")

# The ops with one printed type that all their operands have.
_ELEMENTWISE = {
    *("stablehlo.add", "stablehlo.subtract", "stablehlo.multiply", "stablehlo.divide"),
    *("stablehlo.power", "stablehlo.remainder", "stablehlo.maximum", "stablehlo.minimum"),
    *("stablehlo.negate", "stablehlo.abs", "stablehlo.exponential", "stablehlo.log"),
    *("stablehlo.sqrt", "stablehlo.rsqrt", "stablehlo.sine", "stablehlo.cosine"),
    *("stablehlo.tanh", "stablehlo.logistic", "stablehlo.clamp", "stablehlo.select"),
}
_WITH_FUNCTION_TYPE = {
    *("stablehlo.custom_call", "stablehlo.reduce", "stablehlo.dot_general"),
    *("stablehlo.broadcast_in_dim", "stablehlo.reshape", "stablehlo.transpose"),
    *("stablehlo.concatenate", "stablehlo.slice", "stablehlo.get_dimension_size"),
}
# Where the rank for a dimension comes from: an operand's index, or the result.
_RESULT: int | None = None
_DIMENSIONS: dict[str, tuple[tuple[str, ...], tuple[int | None, ...]]] = {
    "stablehlo.broadcast_in_dim": (("dims",), (_RESULT,)),
    "stablehlo.dynamic_broadcast_in_dim": (("dims",), (_RESULT,)),
    "stablehlo.concatenate": (("dim",), (_RESULT,)),
    "stablehlo.iota": (("dim",), (_RESULT,)),
    "stablehlo.transpose": (("dims",), (0,)),
    "stablehlo.reverse": (("dims",), (0,)),
    "stablehlo.reduce": (("dimensions",), (0,)),
    "stablehlo.get_dimension_size": (("dim",), (0,)),
    "stablehlo.dot_general": (("batching_dims", "contracting_dims"), (0, 1)),
}
# The second line of an op that releases before 0.19 print on two.
_CONTINUATION = ("contracting_dims = ", "broadcast_dimensions = ")


def is_skainet(text: str) -> bool:
    """Whether `text` shows a spelling that only SKaiNET prints and MLIR rejects.

    Plain searches over the text come first, so that another producer's gigabyte costs no more
    than a few scans. A module that opens with SKaiNET's `// input` comment is read in full.
    """
    if any(failure in text for failure in _NODE_FAILURES):
        return True
    if _on_a_line(text, "tensor<x", _has_rank_0_type):
        return True
    if _on_a_line(text, "stablehlo.custom_call @", _has_call_without_function_type):
        return True
    start = text.find("    // input ", 0, 1 << 20)
    if start < 0 or not _INPUT_COMMENT.match(text[start : start + 4096].partition("\n")[0]):
        return False
    try:
        _refuse_failures(text, "")
        return any(old != new for old, new in _Repair(text, "").lines())
    except AttnormError:
        return True


def repair(text: str, source_name: str) -> str:
    """Valid MLIR for SKaiNET's `text`, line for line; raises `AttnormError` where there is none."""
    _refuse_failures(text, source_name)
    return "\n".join(new for _, new in _Repair(text, source_name).lines())


def _on_a_line(text: str, needle: str, shows: Callable[[str], bool]) -> bool:
    at = text.find(needle)
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if shows(text[text.rfind("\n", 0, at) + 1 : end]):
            return True
        at = text.find(needle, end)
    return False


def _has_rank_0_type(line: str) -> bool:
    types = (token for token in tokenise(line) if token.kind == "tensor")
    return any(
        token.text.startswith("tensor<x") and TensorType.parse(token.text) for token in types
    )


def _has_call_without_function_type(line: str) -> bool:
    return "->" not in line and any(
        statement.name == "stablehlo.custom_call"
        and statement.signature is not None
        and not statement.signature.function
        for statement in statements(tokenise(line))
    )


def _refuse_failures(text: str, source_name: str) -> None:
    """Repair 7. All of them at once: each is a node that the user has to look at."""
    found = []
    for number, line in enumerate(_split(text), 1):
        if "//" not in line:
            continue
        for token in tokenise(line):
            failure = _FAILURE.fullmatch(token.text) if token.kind == "comment" else None
            if failure:
                message = (
                    f'expected an operation, got the conversion failure "{failure[1].rstrip()}"'
                )
                found.append(Diagnostic(message, source_name, number, token.start + 1))
    if found:
        raise AttnormError(found)


def _split(text: str) -> Iterator[str]:
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _edited(line: str, edits: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for start, end, new in sorted(edits):
        parts += [line[at:start], new]
        at = end
    return "".join([*parts, line[at:]])


def _with_lexical_repairs(line: str, tokens: list[Token]) -> str:
    """Repairs 3 and 6, and the quotes of encoding names."""
    edits = []
    for i, token in enumerate(tokens):
        new = token.text
        if token.kind == "tensor" and ("<x" in token.text or "-" in token.text):
            new = str(TensorType.parse(token.text) or token.text)
        elif token.kind == "number":
            new = numbers.attribute(tokens, i)
        elif token.kind == "dense" and i + 2 < len(tokens) and tokens[i + 1].text == ":":
            type_ = TensorType.parse(tokens[i + 2].text)
            new = numbers.dense(token.text, type_) if type_ else new
        if new != token.text:
            edits.append((token.start, token.end, new))
    line = _edited(line, edits)
    if line.startswith("module attributes {skainet."):
        line = _ENCODING_NAME.sub(_quoted, line)
    return line


class _Repair:
    """One pass over a module's lines, with what is known of the values in scope."""

    def __init__(self, text: str, source_name: str):
        self._text = text
        self._source_name = source_name
        self._number = 0
        self._line = ""
        prefix = "%fit"
        while prefix in text:
            prefix += "_"
        self._fresh = (f"{prefix}{i}" for i in count())
        self._scope = Scope()

    def lines(self) -> Iterator[tuple[str, str]]:
        """Every line with its repair."""
        waiting = None
        for line in _split(self._text):
            if waiting is not None and line.lstrip().startswith(_CONTINUATION):
                yield from self._two_lines(waiting, line)
                waiting = None
                continue
            if waiting is not None:
                yield waiting, self._repaired(waiting)
            starts = "stablehlo.dot_general" in line or "stablehlo.broadcast_in_dim" in line
            waiting = line if starts else None
            if not starts:
                yield line, self._repaired(line)
        if waiting is not None:
            yield waiting, self._repaired(waiting)

    def _two_lines(self, first: str, second: str) -> Iterator[tuple[str, str]]:
        """An op on two lines moves to the first and leaves the second empty."""
        if "broadcast_dimensions" in second:
            head, colon, types = first.rpartition(" : ")
            dims = second.strip().replace("broadcast_dimensions", "dims")
            whole = f"{head}, {dims}{colon}{types}"
        else:
            whole = f"{first.rstrip().rstrip(',')}, {second.strip()}"
        repaired = self._repaired(whole)
        self._number += 1
        valid = repaired == whole and "broadcast_dimensions" not in second
        yield first, first if valid else repaired
        yield second, second if valid else ""

    def _repaired(self, line: str) -> str:
        self._number += 1
        self._line = line
        if "func.func" in line:
            self._scope = Scope()
        tokens = list(tokenise(line))
        fixed = _with_lexical_repairs(line, tokens)
        if fixed != line:
            line, tokens = fixed, list(tokenise(fixed))
        parts = statements(tokens)
        respelled = [
            (statement.start, statement.tokens[-1].end, new)
            for statement in parts
            if (new := forms.respelled(statement, line, self._scope.types))
        ]
        if respelled:
            line = _edited(line, respelled)
            parts = statements(tokenise(line))
        if ": tensor<" in line and ("func.func" in line or "^" in line):
            self._scope.define_arguments(list(tokenise(line)))
        edits = []
        for statement in parts:
            edits += self._edits(statement)
            self._scope.define(statement)
        return _edited(line, edits)

    def _error(self, token: Token, message: str) -> AttnormError:
        column = self._line.find(token.text) + 1
        return AttnormError(Diagnostic(message, self._source_name, self._number, column))

    def _edits(self, statement: Statement) -> list[tuple[int, int, str]]:
        signature = statement.signature
        if not signature:
            return []
        edits = self._dimension_edits(statement, signature)
        inputs = self._inputs(statement, signature)
        if inputs is None:
            wanted = _wanted(statement, signature)
        else:
            wanted = inputs
            if inputs != signature.inputs or not signature.function:
                start, end = signature.tokens[0].start, signature.tokens[-1].end
                edits.append((start, end, forms.function_type(inputs, signature.outputs)))
        return edits + self._operand_edits(statement, wanted)

    def _inputs(self, statement: Statement, signature: Signature) -> tuple[TensorType, ...] | None:
        """Repair 1: the input types of an op that has a function type."""
        inputs = signature.inputs
        if inputs is None and statement.name in _WITH_FUNCTION_TYPE:
            inputs = tuple(self._required(token, statement) for token in statement.operands)
        if inputs is None or len(inputs) != 1 or len(statement.operands) != 1:
            return inputs
        if statement.name == "stablehlo.reshape":
            return (self._reshape_input(statement, signature, inputs[0]),)
        if statement.name == "stablehlo.broadcast_in_dim":
            return (_broadcast_input(statement, inputs[0]),)
        return inputs

    def _required(self, token: Token, statement: Statement) -> TensorType:
        known = self._scope.types.get(token.text)
        if known is None:
            message = f"{statement.title}: operand {token.text} has no known type"
            raise self._error(token, f"{message}, expected it to be defined above")
        return known

    def _reshape_input(
        self, statement: Statement, signature: Signature, declared: TensorType
    ) -> TensorType:
        """The operand's own type: releases before 0.19 print the result's in its place."""
        known = self._scope.types.get(statement.operands[0].text, declared)
        wanted = signature.outputs[-1].count
        if known != declared and None not in (known.count, wanted) and known.count != wanted:
            message = f"expected {wanted} elements, got {known}"
            name = statement.operands[0].text
            raise self._error(statement.op, f"{statement.title}: operand {name}: {message}")
        return known

    def _dimension_edits(
        self, statement: Statement, signature: Signature
    ) -> list[tuple[int, int, str]]:
        """Repair 4."""
        names, sources = _DIMENSIONS.get(statement.name, ((), ()))
        lists = statement.lists() if names else {}
        edits = []
        for name in names:
            for dims, source in zip(lists.get(name, ()), sources, strict=False):
                for number in dims:
                    if number.text.startswith("-"):
                        type_ = self._type_at(source, statement, signature)
                        new = self._from_the_start(number, type_, statement)
                        edits.append((number.start, number.end, new))
        return edits

    def _type_at(
        self, source: int | None, statement: Statement, signature: Signature
    ) -> TensorType:
        if source is None:
            return signature.outputs[-1]
        if signature.inputs is not None and source < len(signature.inputs):
            return signature.inputs[source]
        if source < len(statement.operands):
            return self._required(statement.operands[source], statement)
        raise self._error(statement.op, f"{statement.title}: expected an operand, got none")

    def _from_the_start(self, number: Token, type_: TensorType, statement: Statement) -> str:
        dimension = int(number.text) + type_.rank
        if dimension < 0:
            message = f"expected a dimension of {type_}, got {number.text}"
            raise self._error(number, f"{statement.title}: {message}")
        return str(dimension)

    def _operand_edits(
        self, statement: Statement, wanted: tuple[TensorType, ...]
    ) -> list[tuple[int, int, str]]:
        """Repairs 2 and 5: ops before this one that give its operands the types it wants."""
        if len(wanted) != len(statement.operands):
            return []
        before, edits = "", []
        for token, type_ in zip(statement.operands, wanted, strict=True):
            known = self._scope.types.get(token.text)
            if known is None or known == type_:
                continue
            if known.same_but_for_ones(type_):
                op = f"stablehlo.reshape {token.text}"
            elif statement.name in _ELEMENTWISE:
                dims = self._dims_of(token, known, type_, statement)
                op = f"stablehlo.broadcast_in_dim {token.text}, dims = {forms.listed(dims)}"
            else:
                continue
            fresh = next(self._fresh)
            before += f"{fresh} = {op} : {forms.function_type((known,), (type_,))} "
            edits.append((token.start, token.end, fresh))
        return [(statement.start, statement.start, before), *edits] if edits else []

    def _dims_of(
        self, token: Token, known: TensorType, wanted: TensorType, statement: Statement
    ) -> list[int]:
        others = {other.text for other in statement.operands} - {token.text}
        dims = forms.broadcast_dims(known, wanted, self._scope.axes_of(others))
        if not dims or known.element != wanted.element:
            expected = f"expected {wanted} or what broadcasts to it"
            message = f"operand {token.text}: {expected}, got {known}"
            raise self._error(token, f"{statement.title}: {message}")
        if len(dims) > 1:
            where = " or ".join(str(found[0]) for found in dims)
            message = f"operand {token.text}: expected one dimension of size {known.shape[0]}"
            raise self._error(token, f"{statement.title}: {message} in {wanted}, got {where}")
        return dims[0]


def _wanted(statement: Statement, signature: Signature) -> tuple[TensorType, ...]:
    """The types that the operands of an op without a function type have to have."""
    if statement.name in ("return", "func.return"):
        return signature.outputs
    if statement.name == "stablehlo.select" and len(signature.outputs) == 2:
        return (signature.outputs[0], *signature.outputs[1:] * 2)
    if statement.name in _ELEMENTWISE and len(signature.outputs) == 1:
        return signature.outputs * len(statement.operands)
    return ()


def _broadcast_input(statement: Statement, declared: TensorType) -> TensorType:
    """Repair 5: one element is broadcast from the rank that the dimensions say."""
    dims = statement.lists().get("dims")
    if declared.count != 1 or not dims or len(dims[0]) == declared.rank:
        return declared
    return TensorType((1,) * len(dims[0]), declared.element)


def _quoted(match: re.Match[str]) -> str:
    name = match[2].rstrip()
    if _BARE_NAME.fullmatch(name):
        return match[0]
    escaped = name.replace("\\", "\\\\")
    return f'{match[1]}"{escaped}"{match[2][len(name) :]}'
