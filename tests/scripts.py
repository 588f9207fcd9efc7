"""Scripts in processes of their own, which do not import scikit-learn each time."""

import json
import subprocess
import sys
from tempfile import TemporaryDirectory

# Nothing of this package, so that scripts may ask what importing it does.
SERVER = """
import json, os, sys
import joblib, numpy, scipy.optimize, scipy.special, scipy.stats
import sklearn.ensemble, sklearn.metrics, sklearn.model_selection, sklearn.preprocessing
for line in sys.stdin:
    code, arguments, folder = json.loads(line)
    child = os.fork()
    if not child:
        break
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
else:
    sys.exit()
for number, path in enumerate([os.devnull, folder + "/stdout", folder + "/stderr"]):
    flags = os.O_RDWR | os.O_CREAT
    os.dup2(os.open(path, flags), number)
sys.argv = ["-c", *arguments]
exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
"""


class Scripts:
    """Runs scripts in forks of one process, or in new ones where forks are not safe."""

    def __init__(self):
        self.server = None

    def __call__(self, code, *arguments):
        """Run `python -c` with arguments; return the finished process, with texts."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        if sys.platform != "linux":
            return subprocess.run(command, capture_output=True, text=True)
        if self.server is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.server = subprocess.Popen(
                [sys.executable, "-c", SERVER], text=True, **pipes
            )
        with TemporaryDirectory() as folder:
            request = code, command[3:], folder
            print(json.dumps(request), file=self.server.stdin, flush=True)
            status = int(self.server.stdout.readline())
            outputs = []
            for name in ("stdout", "stderr"):
                with open(f"{folder}/{name}") as file:
                    outputs.append(file.read())
        return subprocess.CompletedProcess(command, status, *outputs)

    def close(self):
        """End the process that is forked."""
        if self.server is not None:
            self.server.communicate()  # closes its input
