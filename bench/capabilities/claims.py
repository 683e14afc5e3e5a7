"""What an engine's module of a pattern says of itself, and its length, read from its source.

The module is parsed, never imported: the bench knows no engine.
"""

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

from shared.ports.patterns import Support

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """The `CLAIM` of a module and the lines of code that it takes; no claim, no lines."""

    support: Support | None
    why: str
    lines: int
    because_of: str = ""
    """The server for whose sake alone it is built."""


def read_claim(module: Path) -> SourceClaim:
    """Read a pattern's module; one that is missing or says nothing has `support` None."""
    if not module.exists():
        return SourceClaim(
            None, f"there is no {module.parent.parent.name}/patterns/{module.name}", 0
        )
    source = module.read_text()
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="CLAIM")],
                value=ast.Call(
                    args=[ast.Attribute(attr=support), ast.Constant(value=str(why))],
                    keywords=keywords,
                ),
            ):
                known = Support[support]
                possible = known is not Support.NOT_POSSIBLE
                lines = lines_of_code(source) if possible else 0
                return SourceClaim(known, why, lines, _because_of(keywords))
    return SourceClaim(None, f'{module.name} has no `CLAIM = Claim(Support.…, "why")`', 0)


def _because_of(keywords: list[ast.keyword]) -> str:
    for keyword in keywords:
        match keyword:
            case ast.keyword(arg="because_of", value=ast.Constant(value=str(server))):
                return server
    return ""


def lines_of_code(source: str) -> int:
    """Count the lines with code: not blank, comment, docstring, or the claim itself."""
    return len(code_lines(source))


def code_lines(source: str) -> set[int]:
    """Return the numbers of those lines, from 1."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return lines - _words(ast.parse(source))


def _words(tree: ast.Module) -> set[int]:
    said: list[ast.stmt] = []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="CLAIM")]):
                said.append(node)
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                match node.body:
                    case [ast.Expr(value=ast.Constant(value=str())) as docstring, *_]:
                        said.append(docstring)
    return {
        line for node in said for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
