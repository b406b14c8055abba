"""What no module of the terminal may contain, because every one of these once let text of an agent act."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TUI = Path(__file__).parents[2] / "tui"
MODULES = sorted(TUI.rglob("*.py"))
SHEETS = sorted(TUI.rglob("*.tcss"))

FORBIDDEN = {
    r"markup\s*=\s*True": "text is never markup",
    r"\bfrom_markup\b": "build `Content` from spans",
    r"\bfrom_ansi\(": "escape sequences are removed, not interpreted",
    r"\brecompose\s*=\s*True\b": "live widgets draw, they are not composed again",
}
TITLES = {"border_title", "border_subtitle"}
SLOW = {"DataTable", "RichLog", "Log"}


def faults(source: str, *, may_make_safe_text: bool = False) -> list[str]:
    """What is wrong with a module, in sentences."""
    found = [reason for pattern, reason in FORBIDDEN.items() if re.search(pattern, source)]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=attribute)], value=value) if attribute in TITLES:
                if not (isinstance(value, ast.Constant) and value.value is None):
                    found.append("a title that is a string is markup to Textual: use `Panel`")
            case ast.ImportFrom(module="textual.widgets", names=names) if SLOW & {alias.name for alias in names}:
                found.append("these answer keys late under load: use `VirtualList`")
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                found += _call_faults(name, node, may_make_safe_text)
            case _:
                pass
    return found


def _call_faults(name: str, call: ast.Call, may_make_safe_text: bool) -> list[str]:
    if name == "notify":
        said = [keyword.value for keyword in call.keywords if keyword.arg == "markup"]
        if not any(isinstance(value, ast.Constant) and value.value is False for value in said):
            return ["`notify` reads markup unless told `markup=False`"]
    made = name == "SafeText" or (name == "cast" and "SafeText" in ast.dump(call.args[0]))
    return ["`tui.text` makes a `SafeText`, widgets pass it on"] if made and not may_make_safe_text else []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TUI)))
def test_no_module_lets_text_act(module: Path) -> None:
    assert faults(module.read_text(), may_make_safe_text=module == TUI / "text.py") == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(x, markup=True)", "Content.from_markup(x)", "Text.from_ansi(x)", "self.border_title = f'{x}'",
        "self.border_subtitle = 'x'", "notify(x)", "self.app.notify(x, markup=True)", "notify(x, markup=flag)",
        "refresh(recompose=True)", "SafeText(x)", "cast('SafeText', x)", "self.border_title = title",
        "from textual.widgets import (\n    Input,\n    DataTable,\n)",
    ],
)  # fmt: skip
def test_the_rules_see_what_they_forbid(source: str) -> None:
    assert faults(source)


def test_the_rules_let_the_rest_be() -> None:
    assert faults("self.notify(text, markup=False)\nself.border_title = None\nx: SafeText = label(y)") == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_styles_name_meanings_and_no_colours(sheet: Path) -> None:
    source = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=\s*[;%])|\brgba?\(|\bhsla?\(", source) == []
