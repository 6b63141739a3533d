"""Where ministack 1.5.33 answers otherwise than AWS, one function a fix.

A fix replaces or calls private names of ministack, which a release may rename. Each is entered in PRIVATE_NAMES as it
is used, and a name that is not there goes into MISSING, so that the launcher can say so instead of running half fixed.
"""

import functools

from ministack.services.cloudformation import provisioners

PRIVATE_NAMES: list[str] = []
MISSING: list[str] = []


def uses(module, *names):
    """Enters names that a fix reads or calls."""
    for name in names:
        _enter(hasattr(module, name), f"{module.__name__}.{name}")


def replaces(module, name):
    """Puts the decorated function in place of a module's, which it gets as its first argument."""

    def put(fix):
        if _enter(hasattr(module, name), f"{module.__name__}.{name}"):
            setattr(module, name, functools.partial(fix, getattr(module, name)))
        return fix

    return put


def handles(resource_type, operation):
    """The same for what CloudFormation does to a resource: "create", "update" or "delete"."""

    def put(fix):
        handlers = _resource_handlers().get(resource_type, {})
        if _enter(operation in handlers, f"the {operation} handler of {resource_type}"):
            handlers[operation] = functools.partial(fix, handlers[operation])
        return fix

    return put


def adds(resource_type, **operations):
    """Adds a resource type that ministack refuses; one it has learnt in the meantime is left to it."""
    _resource_handlers().setdefault(resource_type, operations)


def _resource_handlers():
    return getattr(provisioners, "_RESOURCE_HANDLERS", {})


def _enter(present, name):
    PRIVATE_NAMES.append(name)
    if not present:
        MISSING.append(name)
    return present


uses(provisioners, "_RESOURCE_HANDLERS")
