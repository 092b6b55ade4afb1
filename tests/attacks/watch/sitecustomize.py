"""Python imports this by itself where the folder is on PYTHONPATH: it writes down what a process does, in $WATCH_LOG.

One line for each process that is started, socket, and file of the folder $WATCH_FOLDER that is opened: event, a tab,
and what it was called with. At the end come the modules that were imported from there.
"""

import atexit
import os
import sys

LOG, FOLDER = os.environ["WATCH_LOG"], os.path.realpath(os.environ["WATCH_FOLDER"])
LIBRARIES = tuple(p + os.sep for p in {sys.prefix, sys.base_prefix, *sys.path} if p and not FOLDER.startswith(p))
STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn",
           "webbrowser.open", "socket.connect", "socket.bind", "socket.getaddrinfo")
READ = ("open", "os.listdir", "os.scandir")
_log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _note(event, what):
    os.write(_log, f"{event}\t{what!r}\n".encode())


def _inside(path):
    if isinstance(path, str) and path.startswith(LIBRARIES):        # thousands of files of packages
        return ""
    try:
        whole = os.path.realpath(os.fsdecode(path))
    except (TypeError, ValueError):                # an open file's number
        return ""
    return os.path.relpath(whole, FOLDER) if (whole + os.sep).startswith(FOLDER + os.sep) else ""


def _hook(event, arguments):
    if event in STARTED:
        _note(event, arguments[1] if event == "subprocess.Popen" else arguments)
    elif event in READ and (path := _inside(arguments[0] or ".")):
        _note(event, path)


def _modules():
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if os.path.exists(file) and (path := _inside(file)):       # torch.ops says "_ops.py"
            _note("import", f"{name} from {path}")


sys.addaudithook(_hook)
atexit.register(_modules)
