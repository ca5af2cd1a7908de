"""An AWS account without an account: moto, and the AWS command line without the start of a process for each command."""

import contextlib
import functools
import http.server
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

import boto3

# Before any client is made.
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1")
os.environ.pop("AWS_SESSION_TOKEN", None)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Account:
    """moto as a server; whatever the test run leaves in it is gone with it."""

    def __init__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = pathlib.Path(sys.executable).with_name("moto_server")
        self.server = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/moto-api/data.json")
                return
            assert time.monotonic() < deadline, "moto did not start"
            time.sleep(0.05)

    @functools.cache
    def client(self, service):
        return boto3.client(service, endpoint_url=self.url)

    def stop(self):
        self.server.terminate()
        self.server.wait()


class CommandLine:
    """`aws`, as a shell function that hands its arguments to this process: a fifth of a second less for each command."""

    SHELL = """
aws() {
    local arguments=("$@") input=/dev/null at
    for at in "${!arguments[@]}"; do
        if [[ ${arguments[at]} == file:///dev/stdin ]]; then
            input=$(mktemp) && cat >"$input"
            arguments[at]="file://$input"
        fi
    done
    local code size out err
    {
        read -r code size
        IFS= read -r -N "$size" out
        IFS= read -r -d '' err
    } < <(printf '%s\\0' "${arguments[@]}" | curl -s --data-binary @- "$AWS_BY_HTTP")
    printf %s "$out"
    printf %s "$err" >&2
    return "$code"
}
"""

    def __init__(self, endpoint_of, instead=None):
        """endpoint_of(arguments) says where a command goes; `instead` what is answered where moto knows no such call."""
        from awscli.clidriver import create_clidriver

        driver, one_at_a_time = create_clidriver(), threading.Lock()
        self.log = log = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                arguments = body.split("\0")[:-1]
                # Version 1 takes payloads as they stand, without being told.
                if "--cli-binary-format" in arguments:
                    at = arguments.index("--cli-binary-format")
                    del arguments[at : at + 2]
                out, err = io.StringIO(), io.StringIO()
                with one_at_a_time:
                    endpoint = ["--endpoint-url", endpoint_of(arguments)]
                    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                        try:
                            code = driver.main([*endpoint, *arguments])
                        except SystemExit as end:
                            code = end.code or 0
                    known = (instead or {}).get(tuple(arguments[:2]))
                    if known is not None and code != 252:
                        code, out, err = 0, io.StringIO(known), io.StringIO()
                    log.append((code, arguments, out.getvalue(), err.getvalue()))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"{code} {len(out.getvalue())}\n{out.getvalue()}{err.getvalue()}".encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()


def local_stack():
    """Variables of the local stack that this run was started beside."""
    path = os.environ["STACK_ENV"]
    lines = pathlib.Path(path).read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip("'\"") for name, value in pairs}
