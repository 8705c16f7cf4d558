"""rclone's imagekit backend: a directory of odd names goes up, comes down and is the same, and the rest of what it does.

rclone knows the vendor's host names only, so it finds our server under them: by a hosts file of its own and the
certificate of a private authority. It is run as a user runs it, with its remote described by variables.
"""

import base64
import filecmp
import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "python"))
from checks import BASE, BYTES, PRIVATE_KEY, PUBLIC_KEY, URL_ENDPOINT, check, fetched, same  # noqa: E402

RCLONE = os.environ["CALOTYPE_RCLONE"]
CALL_MAX_SECONDS = 120
SETTINGS = {
    "RCLONE_CONFIG": os.devnull,
    "RCLONE_CA_CERT": os.environ["CALOTYPE_CA"],
    "RCLONE_CONFIG_OURS_TYPE": "imagekit",
    "RCLONE_CONFIG_OURS_ENDPOINT": URL_ENDPOINT,
    "RCLONE_CONFIG_OURS_PUBLIC_KEY": PUBLIC_KEY,
    "RCLONE_CONFIG_OURS_PRIVATE_KEY": PRIVATE_KEY,
    # A failure is to be seen, not to be tried over until it works.
    "RCLONE_RETRIES": "1",
    "RCLONE_LOW_LEVEL_RETRIES": "2",
    "RCLONE_TRANSFERS": "8",
    "RCLONE_CHECKERS": "8",
}

# What a name may look like, except U+201B, which rclone's own local side trips over. Each is used as a file, with more letters before or behind it, and as a folder.
ODD = [
    "plain", "two words", "  two spaces in front", "one behind ", "a  gap", "it's", 'say "hi"', "at@home", "this&that",
    "a+b", "50%", "%20", "%2F", "q?a", "#1", "semi;colon", "comma,dot.", "...dots", "trailing dot.", "tilde~", "back\\slash",
    "pipe|", "star*", "<angle>", "[square]", "{curly}", "(round)", "=equal=", "$dollar", "^caret", "`tick`", "!bang",
    "col:on", "日本語のファイル", "中文 文件", "한국어", "ＦＵＬＬＷＩＤＴＨ", "／full／width", "？＊：｜＂", "＇＆＋＠", "e\u0301 decomposed",
    "é composed", "ß ẞ", "ñandú", "Ωmega", "русский", "עברית", "العربية", "ไทย", "😀 smile", "👩‍👩‍👧 family", "🏳️‍🌈", "zero\u200bwidth",
    "soft\u00adhyphen", "nbsp\u00a0here", "\u3000ideographic", "tab\there", "line\nbreak", "del\u007f", "\u0001control", "␀␁␠", "-dash",
    "--flag", "_under", ".hidden", "CON", "nul.txt", "UPPER", "upper", "a" * 200, "長" * 60, "tr:w-300", "ik-thumbnail.jpg",
]


def rclone(*arguments, **settings):
    environment = {**os.environ, **SETTINGS, **{f"RCLONE_{name.upper()}": value for name, value in settings.items()}}
    done = subprocess.run([RCLONE, *arguments], env=environment, capture_output=True, text=True, timeout=CALL_MAX_SECONDS)
    assert done.returncode == 0, f"rclone {' '.join(arguments)}: {done.returncode}\n{done.stderr[-1500:]}"
    return done.stdout


def fails(*arguments, code):
    environment = {**os.environ, **SETTINGS}
    done = subprocess.run([RCLONE, *arguments], env=environment, capture_output=True, text=True, timeout=CALL_MAX_SECONDS)
    same(done.returncode, code, f"the exit code of rclone {' '.join(arguments)} ({done.stderr[-300:]})")


def api(method, path, body=None, content_type="application/json"):
    """A call of the API that rclone has no command for."""
    key = base64.b64encode(f"{PRIVATE_KEY}:".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": content_type}
    request = urllib.request.Request(BASE + path, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=CALL_MAX_SECONDS) as answer:
        return json.loads(answer.read() or b"null")


def uploaded_privately(folder, name, content):
    """The URL of a private file, which rclone has no option to make."""
    fields = {"fileName": name, "folder": folder, "isPrivateFile": "true", "useUniqueFileName": "false"}
    part = '--x\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    form = "".join(part.format(field, "", value) for field, value in fields.items())
    form += part.format("file", '; filename="f"', content) + "--x--\r\n"
    return api("POST", "/api/v2/files/upload", form.encode(), "multipart/form-data; boundary=x")["url"]


def names(remote):
    return sorted(rclone("lsf", f"ours:{remote}").split("\n")[:-1])


def odd_directory(root):
    """A few hundred files: every odd name as a file of three forms, and as a folder with two files in it."""
    chance = random.Random(7)
    for at, odd in enumerate(ODD):
        for name in [odd, f"{odd}.bin", f"{at} {odd}.bin", f"{odd}/in it", f"inner/{at % 5}/{odd}/{odd} {at}"]:
            path = Path(root, "names" if "/" not in name else "folders", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(chance.randrange(1, 3000)))
    # More than one page of a list.
    for at in range(130):
        path = Path(root, "many", f"{at:03}.bin")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(chance.randbytes(50))


def same_trees(one, other):
    """How many files both have; fails with the first difference in names or bytes."""
    files = lambda root: sorted(path.relative_to(root) for path in Path(root).rglob("*") if path.is_file())
    there, back_again = set(files(one)), set(files(other))
    assert there == back_again, f"lost: {sorted(there - back_again)[:9]}, new: {sorted(back_again - there)[:9]}"
    for path in files(one):
        assert filecmp.cmp(Path(one, path), Path(other, path), shallow=False), f"other bytes in {path}"
    return len(files(one))


scratch = tempfile.TemporaryDirectory(prefix="calotype-rclone-")
source, back, single = (Path(scratch.name, name) for name in ["source", "back", "single.bin"])
source.mkdir()
odd_directory(source)
single.write_bytes(BYTES)


@check("copy up, check")
def _():
    rclone("copy", str(source), "ours:odd")
    rclone("check", "--download", str(source), "ours:odd")


@check("copy down")
def _():
    rclone("copy", "ours:odd", str(back))
    assert same_trees(source, back) > 400, "too few files to tell"


@check("sync again sends nothing")
def _():
    before = api("GET", "/v1/files?path=/odd/many&limit=1")[0]["versionInfo"]
    rclone("sync", "--size-only", str(source), "ours:odd")
    same(api("GET", "/v1/files?path=/odd/many&limit=1")[0]["versionInfo"], before)


@check("list, size, read")
def _():
    same(len(names("odd/many")), 130)
    same(json.loads(rclone("size", "--json", "ours:odd/many")), {"count": 130, "bytes": 6500, "sizeless": 0})
    rclone("copyto", str(single), "ours:read/it's ü.bin")
    [entry] = json.loads(rclone("lsjson", "ours:read"))
    same((entry["Name"], entry["Size"], entry["IsDir"]), ("it's ü.bin", len(BYTES), False))
    rclone("copyto", "ours:read/it's ü.bin", str(Path(scratch.name, "read")))
    same(Path(scratch.name, "read").read_bytes(), BYTES)
    words = Path(scratch.name, "words")
    words.write_text("one two three")
    rclone("copyto", str(words), "ours:read/words.txt")
    same(rclone("cat", "--offset", "4", "--count", "3", "ours:read/words.txt"), "two")


@check("make, remove directory")
def _():
    for _ in range(2):
        rclone("mkdir", "ours:made/two words")
    same(names("made"), ["two words/"])
    rclone("rmdir", "ours:made/two words")
    same(names("made"), [])
    fails("lsf", "ours:nowhere", code=3)


@check("move file, move directory")
def _():
    rclone("copyto", str(single), "ours:move/a b.bin")
    rclone("moveto", "ours:move/a b.bin", "ours:move/inner/c.bin")
    same((names("move"), names("move/inner")), (["inner/"], ["c.bin"]))
    rclone("move", "ours:move", "ours:moved", "--delete-empty-src-dirs")
    same(names("moved/inner"), ["c.bin"])


@check("delete, purge")
def _():
    for name in ["one", "two"]:
        rclone("copyto", str(single), f"ours:gone/{name}.bin")
    rclone("deletefile", "ours:gone/one.bin")
    same(names("gone"), ["two.bin"])
    rclone("purge", "ours:gone")
    fails("lsf", "ours:gone", code=3)


@check("overwrite, versions")
def _():
    for content in [b"first", b"and second"]:
        single.write_bytes(content)
        rclone("copyto", "--ignore-times", str(single), "ours:versions/v.bin")
    same(rclone("cat", "ours:versions/v.bin"), "and second")
    listed = rclone("lsf", "ours:versions", imagekit_versions="true").split("\n")[:-1]
    old = [name for name in listed if name != "v.bin"]
    same((len(listed), len(old)), (2, 1), f"names with versions: {listed}")
    rclone("copy", "ours:versions", str(Path(scratch.name, "versions")), imagekit_versions="true")
    same(Path(scratch.name, "versions", old[0]).read_text(), "first")


@check("private files, signed")
def _():
    single.write_bytes(b"a secret")
    rclone("copyto", str(single), "ours:private/s e.txt")
    same(rclone("cat", "ours:private/s e.txt", imagekit_only_signed="true"), "a secret")
    url = uploaded_privately("/private", "it's ü.txt", "a secret")
    same(fetched(url)[0], 401, "unsigned")
    same(rclone("cat", "ours:private/it's ü.txt"), "a secret")
    link = rclone("link", "--expire", "1h", "ours:private/it's ü.txt").strip()
    same(fetched(link), (200, b"a secret"))


@check("errors, wrong key")
def _():
    environment = {**os.environ, **SETTINGS, "RCLONE_CONFIG_OURS_PRIVATE_KEY": "private_nobody"}
    done = subprocess.run([RCLONE, "lsf", "ours:"], env=environment, capture_output=True, text=True, timeout=CALL_MAX_SECONDS)
    assert done.returncode != 0, "it listed with a wrong key"
