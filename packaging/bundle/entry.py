"""Where the bundle's Python starts."""

import sys

import stand_ins

stand_ins.put_in_place()

from k8psh.__main__ import main  # noqa: E402  (trio finds the modules of the line above)

if __name__ == "__main__":
    sys.exit(main())
