"""The environment that a command starts with, from its rules: the same in every syntax and protocol."""

from collections.abc import Mapping, Sequence

from .expansion import expand
from .model import EnvironmentRule, RuleKind


def sent_names(rules: Sequence[EnvironmentRule]) -> tuple[str, ...]:
    """Return the names of the variables that a client sends where it has them set, each once, in order."""
    return tuple(dict.fromkeys(rule.name for rule in rules if rule.kind is not RuleKind.FIXED))


def command_environment(
    rules: Sequence[EnvironmentRule], sent: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """Return a command's whole environment, in the rules' order.

    `sent` holds what the client sent (a variable that no rule lists, or that is fixed, is ignored),
    `own` the server's own environment. `${...}` in a default or value is expanded against the variables
    that the rules before it have set, then against `own`. Where two rules name one variable, the later
    one decides.
    """
    result: dict[str, str] = {}
    for rule in rules:
        value = _value_of(rule, result, sent, own)
        if value is None:
            result.pop(rule.name, None)
        else:
            result[rule.name] = value
    return result


def _value_of(
    rule: EnvironmentRule, result: Mapping[str, str], sent: Mapping[str, str], own: Mapping[str, str]
) -> str | None:
    if rule.kind is not RuleKind.FIXED and rule.name in sent:
        return sent[rule.name]
    if rule.default:
        return expand(rule.default, lambda name: result[name] if name in result else own.get(name))
    if rule.kind is RuleKind.PASS:
        return ""
    if rule.kind is RuleKind.OPTIONAL and rule.name in result:
        return result[rule.name]
    return own.get(rule.name)
