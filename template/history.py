"""The files of the tree and its git history, if it has one: an unpacked archive does not need git."""

import subprocess
from fnmatch import fnmatch
from pathlib import Path

from template.errors import RefusedError

MODES = ("keep", "fresh")
BRANCH = "template"  # holds the old history after GIT=fresh


def git(root: Path, *words: str) -> str | None:
    """Return what git prints, or nothing if it fails or is not there."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, encoding="utf-8")
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def has_git(root: Path) -> bool:
    """Return whether this folder is a repository, and not only inside of one."""
    top = git(root, "rev-parse", "--show-toplevel")
    return top is not None and Path(top).resolve() == root.resolve()


def check(root: Path, mode: str) -> None:
    """Refuse a tree with changes that git does not have, and a new history that nobody would be the author of."""
    if mode not in MODES:
        raise RefusedError(f"GIT={mode}: choose keep or fresh")
    if has_git(root):
        changed = (git(root, "status", "--porcelain", "--untracked-files=no") or "").splitlines()
        if changed:
            raise RefusedError(
                f"{changed[0].split()[-1]} has changes that are not committed: commit or stash them first"
            )
    if mode == "fresh":
        if git(root, "--version") is None:
            raise RefusedError("GIT=fresh needs git, which is not there: install it, or leave GIT=fresh out")
        if git(root, "var", "GIT_AUTHOR_IDENT") is None:
            raise RefusedError("GIT=fresh needs an author: git config --global user.name NAME, and user.email likewise")


def patterns(root: Path) -> list[str]:
    """Return the patterns of .gitignore and what never belongs to the tree."""
    lines = map(str.strip, (root / ".gitignore").read_text(encoding="utf-8").splitlines())
    return [".git", ".init", *(line.rstrip("/") for line in lines if line and line[0] not in "#!")]


def is_out(path: Path, patterns: list[str]) -> bool:
    """Return whether a pattern is for a part of a path; one that begins with / is for the first part alone."""
    return any(fnmatch(part, each) for part in path.parts for each in patterns) or any(
        fnmatch(f"/{path.parts[0]}", each) for each in patterns
    )


def listed(root: Path) -> list[str]:
    """Return the files that git knows, none without git."""
    if not has_git(root):
        return []
    return [path for path in (git(root, "ls-files", "-z") or "").split("\0") if path and (root / path).is_file()]


def tracked(root: Path) -> list[str]:
    """Return the files of the tree: those that git knows, or if it knows none all that .gitignore admits."""
    out = patterns(root)
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return listed(root) or sorted(path.as_posix() for path in found if not is_out(path, out))


def author(root: Path) -> str:
    """Return who commits here, by git's configuration."""
    return git(root, "config", "user.name") or ""


def record(root: Path, mode: str, package: str, old: list[str], new: list[str]) -> str:
    """Stage what has changed, or make it the one commit of a new history; return what is to be said about it."""
    if mode == "fresh" and not has_git(root):
        git(root, "init", "--quiet")
    if not has_git(root):
        return ""
    paths = "\0".join(sorted({*old, *new} if git(root, "ls-files") else new))
    done = subprocess.run(
        ["git", "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"],
        cwd=root,
        input=paths.encode(),
        capture_output=True,
    )
    if done.returncode:
        return "git has not taken the changes: git add --all"
    if mode == "keep":
        return "the changes are staged: git commit"
    return begin_again(root, package)


def begin_again(root: Path, package: str) -> str:
    """Make what is staged the one commit of a new history, and keep the old one as a branch."""
    before, name = git(root, "rev-parse", "--verify", "HEAD"), git(root, "symbolic-ref", "HEAD")
    if before and git(root, "branch", BRANCH, before) is None:
        return f"git has not made the commit, since there is a branch {BRANCH}: the changes are staged"
    commit = git(root, "commit-tree", git(root, "write-tree") or "", "-m", f"Start {package}")
    if commit is None or git(root, "update-ref", name or "HEAD", commit) is None:
        return "git has not made the commit: the changes are staged"
    return "the history is new" + (f", the old one is the branch {BRANCH}" if before else "")
