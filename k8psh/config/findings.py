"""What a loader finds on its way: problems, which refuse the file, and warnings, which don't."""

from ..errors import ConfigurationError, Problem


class Findings:
    """Everything found wrong with one file, in the order of the file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def problem(self, line: int, column: int, text: str) -> None:
        """Note something that refuses the file."""
        self._problems.append(Problem(file=self._file, line=line, column=column, text=text))

    def warning(self, line: int, column: int, text: str) -> None:
        """Note something that is probably a mistake."""
        self._warnings.append(Problem(file=self._file, line=line, column=column, text=text))

    def warnings(self) -> tuple[Problem, ...]:
        """Return the warnings, sorted by place, each once.

        Raises:
            ConfigurationError: there are problems.
        """
        if self._problems:
            raise ConfigurationError(_sorted(self._problems))
        return _sorted(self._warnings)


def _sorted(found: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.line, problem.column)))
