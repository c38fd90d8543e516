"""What `import syndr_curate` promises."""

import ast
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace

import pytest
import syndr_curate

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
CALLED = ("__init__", "__call__", "__getitem__", "__iter__")  # special methods that users call


@pytest.mark.parametrize("name", syndr_curate.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(syndr_curate, name)
    assert name == "__version__" or found.__doc__


@pytest.mark.parametrize("name", sorted(set(syndr_curate.__all__) - {"__version__"}))
def test_every_public_name_is_on_the_page_about_python(name):
    assert re.search(rf"\b{name}\b", PAGE.read_text("utf-8"))


def test_names_are_listed_in_order_and_each_once():
    assert syndr_curate.__all__ == sorted(set(syndr_curate.__all__))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'upsmaple'"):
        syndr_curate.upsmaple  # noqa: B018


def test_an_old_name_is_still_accepted_with_a_warning():
    with pytest.warns(DeprecationWarning, match="PristineBeliefs is called PristineScores now"):
        assert syndr_curate.PristineBeliefs is syndr_curate.PristineScores


def test_importing_loads_nothing_heavy():
    code = "import sys, syndr_curate; print(sorted({'torch', 'numpy', 'pandas', 'cv2', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(set(syndr_curate.__all__) - {"__version__"}))
def test_every_class_that_a_public_name_takes_or_gives_is_public(name):
    public = {getattr(syndr_curate, each) for each in syndr_curate.__all__}
    missing = [f"{kind.__module__}.{kind.__name__}" for kind in classes_named_by(getattr(syndr_curate, name)) - public]
    assert not missing


def test_arguments_results_fields_and_methods_are_looked_at():
    named = {kind.__name__ for kind in classes_named_by(syndr_curate.upsample)}
    assert named == {"Labels", "Features", "NeighborSettings", "ManifestPaths", "Reporter"}
    assert {kind.__name__ for kind in classes_named_by(syndr_curate.Reporter)} == {"Task"}
    fitted = classes_named_by(syndr_curate.FittedDomains)
    assert {kind.__name__ for kind in fitted} == {"DomainClassifier", "ClassScores"}
    assert syndr_curate.Features in classes_named_by(syndr_curate.collect_features)


def classes_named_by(public: object) -> set[type]:
    """Return the classes of the package that the annotations of a function, or a class's fields and methods, name."""
    hints = [hint for each in annotated_parts(public) for hint in hints_of(each)]
    found = {kind for hint in hints for kind in classes_in(hint)}
    return {kind for kind in found if kind.__module__.startswith("syndr_curate.")}


def annotated_parts(public: object) -> Iterator[type | FunctionType]:
    if isinstance(public, FunctionType):
        yield public
    elif isinstance(public, type):
        for base in public.__mro__:
            if base.__module__.startswith("syndr_curate."):
                yield base
                yield from methods_of(base)


def methods_of(owner: type) -> Iterator[FunctionType]:
    for name, member in vars(owner).items():
        inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if isinstance(inner, FunctionType) and (name in CALLED or not name.startswith("_")):
            yield inner


def hints_of(annotated: type | FunctionType) -> list[object]:
    written = inspect.get_annotations(annotated)
    public = {name: hint for name, hint in written.items() if not name.startswith("_")}
    names = names_for_types(sys.modules[annotated.__module__])
    return list(typing.get_type_hints(SimpleNamespace(__annotations__=public), names).values())


def names_for_types(module: ModuleType) -> dict[str, object]:
    """Return the names of a module, those among them that it imports for type checkers only."""
    names = dict(vars(module))
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(statement.body, []), module.__name__, "exec"), names)
    return names


def classes_in(hint: object) -> Iterator[type]:
    for inner in hint if isinstance(hint, list) else typing.get_args(hint):
        yield from classes_in(inner)
    kind = typing.get_origin(hint) or hint
    if isinstance(kind, type):
        yield kind
