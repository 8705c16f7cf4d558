"""What the Python programs share: one line of JSON per named check, and the few assertions they need."""

import base64
import json
import os
import time
import traceback
import urllib.error
import urllib.request

BASE = os.environ["CALOTYPE_BASE"]
PRIVATE_KEY = os.environ["CALOTYPE_PRIVATE_KEY"]
PUBLIC_KEY = os.environ["CALOTYPE_PUBLIC_KEY"]
URL_ENDPOINT = os.environ["CALOTYPE_URL_ENDPOINT"]

# A picture of 1 x 1, and bytes that no text encoding survives.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BYTES = bytes(at * 7 % 256 for at in range(3000))
UNKNOWN_ID = "f" * 24
JOB_MAX_SECONDS = 30
CALL_MAX_SECONDS = 30


def check(call):
    """Runs the function below it and prints its outcome; the checks after it run whatever it was."""

    def run(work):
        problem = None
        try:
            work()
        except Exception as error:
            where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)))
            problem = f"{type(error).__name__}: {error} ({where})"[:2000]
        print(json.dumps({"call": call, "ok": problem is None, "problem": problem}), flush=True)

    return run


def same(found, expected, what="value"):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def failure(kind, work):
    """The error of this class that `work` raises."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"it succeeded, and should have raised {kind.__name__}")


def completed(ask):
    """Asks for a job until it is no longer pending, as the documentation tells clients to."""
    deadline = time.monotonic() + JOB_MAX_SECONDS
    while (job := ask()).status == "Pending":
        assert time.monotonic() < deadline, "the job does not complete"
        time.sleep(0.025)
    same(job.status, "Completed", "the job's last status")
    return job


def fetched(url):
    """Status and bytes of a URL, by nothing of the SDK's."""
    try:
        with urllib.request.urlopen(url, timeout=CALL_MAX_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def same_bytes(url, expected):
    status, found = fetched(url)
    assert (status, found) == (200, expected), f"{url}: status {status}, {len(found)} bytes of {len(expected)}"


def forged(url):
    """The URL with another last digit, which belongs to its signature."""
    return url[:-1] + ("1" if url[-1] == "0" else "0")


def posted(path, fields, name, content):
    """The status of a form with a file in it, sent as a browser would."""
    boundary = "browserboundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
             for key, value in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = b"".join(parts) + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(BASE + path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    return fetched(request)[0]
