"""Fixes for differences between ministack 1.5.33 and AWS, one function per fix.

Fixes replace or call private names of ministack, which a release may rename. Each name is recorded in PRIVATE_NAMES, and
a missing one in MISSING too, so that the launcher refuses to run with only some of the fixes.
"""

import functools

from ministack.services.cloudformation import provisioners

PRIVATE_NAMES: list[str] = []
MISSING: list[str] = []


def uses(module, *names):
    """Records names that a fix reads or calls."""
    for name in names:
        _record(hasattr(module, name), f"{module.__name__}.{name}")


def replaces(module, name):
    """Replaces a module's function by the decorated one, which gets the original as its first argument."""

    def put(fix):
        if _record(hasattr(module, name), f"{module.__name__}.{name}"):
            setattr(module, name, functools.partial(fix, getattr(module, name)))
        return fix

    return put


def handles(resource_type, operation):
    """Replaces a resource type's handler of "create", "update" or "delete" in the same way."""

    def put(fix):
        handlers = _resource_handlers().get(resource_type, {})
        if _record(operation in handlers, f"the {operation} handler of {resource_type}"):
            handlers[operation] = functools.partial(fix, handlers[operation])
        return fix

    return put


def adds(resource_type, **operations):
    """Adds a resource type, unless ministack supports it."""
    _resource_handlers().setdefault(resource_type, operations)


def _resource_handlers():
    return getattr(provisioners, "_RESOURCE_HANDLERS", {})


def _record(present, name):
    PRIVATE_NAMES.append(name)
    if not present:
        MISSING.append(name)
    return present


uses(provisioners, "_RESOURCE_HANDLERS")
