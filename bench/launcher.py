"""A small process that runs commands and says what each took: a line of JSON in, a line of JSON out.

A child's peak of memory begins with that of the process that started it, so the benchmark, which is large, starts none.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run what stdin says, one command a line, until it ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        started = time.perf_counter()
        process = subprocess.Popen(
            asked["command"],
            cwd=asked["cwd"],
            env=asked["environ"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        told = {
            "wall": wall,
            "processor": usage.ru_utime + usage.ru_stime,
            "megabytes": usage.ru_maxrss / 1024.0,
            "code": process.returncode,
            "said": said.decode(errors="replace")[-2000:],
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
